//! Embeds every page of `rules/`, and lists the checks of those that have a file of their name in `src/check/`, so that a
//! new rule is a new file and nothing else.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=rules");
    println!("cargo:rerun-if-changed=src/check");
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
        // Where the package is, is asked when the page is read: a shared target folder outlives a checkout.
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
}
