//! Measures parsing, the prefilter that decides which files to parse, and a whole check.
//!
//! `cargo bench` measures a generated repository; `FLAKEWARD_BENCH=PATH cargo bench` also measures the one at PATH.

use std::path::Path;

use flakeward::lang::nix::recognize;
use flakeward::lang::{Language, Tree};
use flakeward::{Repo, Settings, walk};

fn main() {
    divan::main();
}

/// A module with a few ports and other settings.
const MODULE: &str = r#"{ config, lib, pkgs, ... }:
let
  cfg = config.services.web;
in
{
  options.services.web.port = lib.mkOption { type = lib.types.port; default = 8080; };
  config = lib.mkIf cfg.enable {
    networking.firewall.allowedTCPPorts = [ 80 443 ];
    services.nginx.virtualHosts."example.org".locations."/".proxyPass = "http://localhost:${toString cfg.port}";
    systemd.services.web.serviceConfig.ExecStart = "${pkgs.web}/bin/web --metrics 127.0.0.1:9464";
  };
}
"#;

/// The number of modules in the generated repository.
const MODULES: usize = 500;

fn repository() -> Repo {
    let names: Vec<String> = (0..MODULES).map(|index| format!("modules/m{index}.nix")).collect();
    Repo::from_texts(names.iter().map(|name| (name.as_str(), MODULE)))
}

#[divan::bench]
fn parse() -> bool {
    Tree::parse(Language::Nix, divan::black_box(MODULE)).is_some_and(|tree| tree.broken())
}

#[divan::bench]
fn recognize_without_parsing() -> bool {
    recognize::accepts(divan::black_box(MODULE))
}

#[divan::bench]
fn match_500_modules(bencher: divan::Bencher<'_, '_>) {
    let repo = repository();
    bencher.bench_local(|| flakeward::check(&repo, &Settings::default()).findings.len());
}

#[divan::bench]
fn whole_check_on_disk(bencher: divan::Bencher<'_, '_>) {
    let root = std::env::var("FLAKEWARD_BENCH").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    bencher.bench_local(|| {
        let walked = walk::walk(Path::new(&root), &walk::Options::default());
        flakeward::check(&Repo::from_walk(Path::new(&root), walked), &Settings::default()).findings.len()
    });
}
