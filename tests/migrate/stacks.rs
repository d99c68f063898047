//! Stacks that run: migrated, evaluated with the real modules, started by the real process-compose.
