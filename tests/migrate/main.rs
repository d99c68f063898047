//! Compares `flakeward migrate compose` with the Compose reference parser, the real modules of process-compose-flake
//! and services-flake, and process-compose itself.

#[path = "../support/tools.rs"]
mod tools;

mod bad_input;
mod checkout;
mod ci;
mod corpus;
mod dockerfiles;
mod entries;
mod evaluate;
mod first_day;
mod flakes;
mod frames;
mod images;
mod images_in_checkout;
mod kinds;
mod losses;
mod oracle;
mod readings;
mod reports;
mod servers;
mod stacks;
mod started;
mod texts;
mod told;
mod waits;
mod whole;
mod wordpress;
