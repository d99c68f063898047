//! The checks of CI files.

pub mod docker_build;
pub mod flake_check;
pub mod nix_cache;
