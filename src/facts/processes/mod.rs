//! Readers of process-compose configurations, in YAML and in Nix.

pub mod group;
pub mod listens;
pub mod model;
pub mod nix_read;
pub mod options;
pub mod services;
pub mod yaml;
