//! Embeds every page of `rules/`, and lists the check of each page that has a file of the same name in `src/check/`, so
//! adding a rule only takes new files. Also compiles the table of well-known ports, so that it is not parsed at run
//! time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=rules");
    println!("cargo:rerun-if-changed=src/check");
    println!("cargo:rerun-if-changed=src/knowledge/service_ports.tsv");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let rules = Path::new(&root).join("rules");
    let mut pages: Vec<_> = fs::read_dir(&rules)
        .expect("rules/ holds the rule pages")
        .map(|entry| entry.expect("rules/ can be listed").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "md"))
        .collect();
    pages.sort();
    let code = Path::new(&root).join("src/check");
    let mut table = String::from("[\n");
    let mut checks = String::from("[\n");
    for page in pages {
        let name = page.file_stem().expect("a page has a name").to_string_lossy().into_owned();
        // The package path is resolved when the page is compiled, because a shared target folder outlives a checkout.
        let page = format!(r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/{name}.md"))"#);
        writeln!(table, "    ({name:?}, {page}),").expect("a string grows");
        let module = name.replace('-', "_");
        if code.join(format!("{module}.rs")).exists() || code.join(&module).is_dir() {
            writeln!(checks, "    &crate::check::{module}::CHECK,").expect("a string grows");
        }
    }
    table.push_str("]\n");
    checks.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("pages.rs"), table).expect("OUT_DIR can be written");
    fs::write(Path::new(&out).join("checks.rs"), checks).expect("OUT_DIR can be written");
    let ports =
        fs::read_to_string(Path::new(&root).join("src/knowledge/service_ports.tsv")).expect("the table is there");
    fs::write(Path::new(&out).join("service_ports.rs"), service_ports(&ports)).expect("OUT_DIR can be written");
    fs::write(Path::new(&out).join("service_names.rs"), service_names(&ports)).expect("OUT_DIR can be written");
}

/// The names and aliases of the services, in lower case and sorted, each with the index of its first row.
fn service_names(table: &str) -> String {
    let mut names = BTreeMap::new();
    for (index, row) in table.lines().filter(|line| !line.starts_with('#')).enumerate() {
        let mut columns = row.split_whitespace().skip(1);
        let name = columns.next().unwrap_or_default().to_ascii_lowercase();
        let aliases = columns.nth(3).unwrap_or_default().split(',').filter(|alias| !alias.is_empty());
        for name in aliases.map(str::to_owned).chain([name]) {
            names.entry(name).or_insert(index);
        }
    }
    let rows: String = names.iter().map(|(name, index)| format!("    ({name:?}, {index}),\n")).collect();
    format!("[\n{rows}]\n")
}

/// The table of well-known ports as an array of `Service`. A malformed row fails the build.
fn service_ports(table: &str) -> String {
    let mut array = String::from("[\n");
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = row.split_whitespace().collect();
        let (number, name, group, certainty, source, aliases) = match columns.as_slice() {
            [number, name, group, certainty, source] => (number, name, group, certainty, source, ""),
            [number, name, group, certainty, source, aliases] => (number, name, group, certainty, source, *aliases),
            _ => panic!("service_ports.tsv: a row has five or six columns: {row}"),
        };
        let certainty = match *certainty {
            "always" => "Always",
            "usual" => "Usual",
            "named" => "Named",
            _ => panic!("service_ports.tsv: the certainty is always, usual or named: {row}"),
        };
        let is_protocol = *source == "iana";
        let number: u32 = number.parse().unwrap_or_else(|_| panic!("service_ports.tsv: not a number: {row}"));
        writeln!(
            array,
            "    Service {{ number: {number}, name: {name:?}, group: {group:?}, certainty: Certainty::{certainty}, is_protocol: {is_protocol}, aliases: {aliases:?} }},"
        )
        .expect("a string grows");
    }
    array.push_str("]\n");
    array
}
