//! What CI files do, and what the repository says about its CI elsewhere.

pub mod builders;
pub mod call;
pub mod calls;
pub mod flake_checks;
pub mod images;
pub mod nix;
pub mod purpose;
