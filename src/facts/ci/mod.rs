//! What CI files do, and references to CI elsewhere in the repository.

pub mod builders;
pub mod call;
pub mod calls;
pub mod flake_checks;
pub mod images;
pub mod nix;
pub mod purpose;
