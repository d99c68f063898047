//! What is true about the world, as tables with their sources. To extend one, no algorithm has to be read.

pub mod containers;
pub mod domains;
pub mod flakes;
pub mod images;
pub mod name_words;
pub mod process_compose;
pub mod schemes;
pub mod service_ports;
pub mod services;
pub mod services_flake;
pub mod third_party;
pub mod well_known_ports;
