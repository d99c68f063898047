//! Facts about other software and standards, as tables with their sources. Extending a table requires no code changes.

pub mod ci_programs;
pub mod compose;
pub mod containers;
pub mod docker_actions;
pub mod domains;
pub mod flakes;
pub mod functions;
pub mod grafana;
pub mod hosts;
pub mod images;
pub mod name_words;
pub mod nginx;
pub mod nix_actions;
pub mod port_words;
pub mod process_compose;
pub mod programs;
pub mod prose;
pub mod python;
pub mod schemes;
pub mod service_ports;
pub mod services;
pub mod services_flake;
pub mod systems;
pub mod third_party;
pub mod well_known_ports;
