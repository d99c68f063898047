//! Compares the registry's evaluator with Nix: every port that it finds has the same value in Nix.

mod support {
    pub mod nix;
    pub mod registries;
}

use std::collections::BTreeMap;
use std::sync::Arc;

use flakeward::config::PortSettings;
use flakeward::facts::port_registry as registry;
use flakeward::facts::port_registry::{Registry, Value};
use flakeward::lang::{Language, Tree};
use support::{nix, registries};

/// The result of the evaluator for a text: numbers by path, and whether all values are known.
struct Known {
    numbers: BTreeMap<String, i64>,
    whole: bool,
}

fn evaluate(text: &str) -> Option<Registry> {
    let tree = Tree::parse(Language::Nix, text)?;
    let settings = PortSettings { registries: vec!["x.nix".to_owned()], ..PortSettings::default() };
    registry::evaluate(&Arc::from("x.nix"), &tree, &settings)
}

fn known(text: &str) -> Known {
    let registry = evaluate(text).expect("a configured registry is always evaluated");
    let mut numbers = BTreeMap::new();
    for entry in registry.entries.iter().filter(|_| registry.shape.importable) {
        let number = match &entry.value {
            Value::Port(number) => Some(i64::from(*number)),
            Value::NotPort(what) => what.parse().ok(),
            _ => None,
        };
        numbers.extend(number.map(|number| (entry.path.join("."), number)));
    }
    let whole = !registry.entries.iter().any(|entry| matches!(entry.value, Value::NotDecidable(_)));
    Known { numbers, whole: whole && registry.shape.importable }
}

/// Collects the integers in Nix's result, by path.
fn integers(value: &serde_json::Value, path: &str, out: &mut BTreeMap<String, i64>) {
    match value {
        serde_json::Value::Object(set) => {
            for (name, value) in set {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                integers(value, &path, out);
            }
        }
        serde_json::Value::Number(number) => out.extend(number.as_i64().map(|number| (path.to_owned(), number))),
        _ => {}
    }
}

/// Compares the evaluator with Nix. Returns the number of fully known texts, and the number of texts that Nix rejects,
/// which must not be fully known.
fn compare(texts: &[String]) -> (usize, usize) {
    let answers = nix::evaluate(texts);
    let (mut agreed, mut refused) = (0, 0);
    for (text, answer) in texts.iter().zip(&answers) {
        let known = known(text);
        let Some(answer) = answer else {
            assert!(!known.whole, "Nix rejects this, but the evaluator knows {:?}:\n{text}", known.numbers);
            refused += 1;
            continue;
        };
        let mut expected = BTreeMap::new();
        integers(answer, "", &mut expected);
        if known.whole {
            assert_eq!(known.numbers, expected, "{text}");
            agreed += 1;
        }
        for (path, number) in &known.numbers {
            assert_eq!(expected.get(path), Some(number), "{path} in:\n{text}");
        }
    }
    (agreed, refused)
}

#[test]
fn hand_written_registries_agree_with_nix() {
    if !nix::present() {
        return;
    }
    let texts: Vec<String> = registries::WRITTEN.iter().map(|(text, _)| (*text).to_owned()).collect();
    compare(&texts);
    for (text, whole) in registries::WRITTEN {
        assert_eq!(known(text).whole, *whole, "{text}");
    }
}

#[test]
fn generated_registries_agree_with_nix() {
    if !nix::present() {
        return;
    }
    let texts: Vec<String> = (0..200).map(registries::generate).collect();
    let (agreed, refused) = compare(&texts);
    // The generator is useful only if it produces enough of both kinds.
    assert!(agreed > 80, "{agreed} of {} fully known", texts.len());
    assert!(refused > 20, "{refused} of {} rejected by Nix", texts.len());
}

#[test]
fn nothing_makes_the_evaluator_hang_or_overflow_the_stack() {
    let deep = |open: &str, core: &str, close: &str| format!("{}{core}{}", open.repeat(20_000), close.repeat(20_000));
    let chain: String = (1..20_000).rev().map(|at| format!("x{at} = x{} + 1; ", at - 1)).collect();
    let texts = [
        deep("{ a = ", "1", "; }"),
        deep("(", "1", ")"),
        deep("rec { a = b; b = ", "1", "; }"),
        deep("x: ", "{ a = 1; }", ""),
        deep("let a = 1; in ", "{ a = 1; }", ""),
        format!("{{ a{} = 1; }}", ".b".repeat(20_000)),
        format!("{{ a = 1{}; }}", " + 1".repeat(20_000)),
        format!("{{ a = {}1; }}", "-".repeat(20_000)),
        format!("let x0 = 1; {chain} in {{ a = x19999; }}"),
        "let f = x: f (x + 1); in { a = f 1; }".to_owned(),
        "let f = x: { a = f x; }; in f 1".to_owned(),
        "let x = { y = x; z = x; w = 1; }; in x".to_owned(),
        "let l = a: a ++ a; d = f: x: f (f x); in { a = builtins.length (d (d (d (d l))) [ 1 2 ]); }".to_owned(),
        "let s = a: a + a; d = f: x: f (f x); in { ${d (d (d (d s))) \"a\"} = 1; b = 2; }".to_owned(),
        "let d = f: x: f (f x); in { a = d (d (d (d (d (x: x + 1))))) 1; }".to_owned(),
        "let f = x: builtins.foldl' (a: b: f b) 0 [ x ]; in { a = f 1; }".to_owned(),
        "let f = x: builtins.head (builtins.filter (y: f y) [ x ]); in { a = f 1; }".to_owned(),
        "let f = x: (with { ${\"y${f x}\"} = 1; }; y); in { a = f 1; }".to_owned(),
        "let f = { a, b ? f { a = 1; } }: { c = a + b.c or 1; }.c; in { a = f { a = 1; }; }".to_owned(),
        "let f = x: builtins.listToAttrs [ (f x) ]; in { a = f 1; }".to_owned(),
        "let f = x: [ (f x) ] == [ (f x) ]; in { a = if f 1 then 1 else 2; }".to_owned(),
        "{ a = builtins.foldl' (x: y: x + y) 0 (builtins.genList (x: x) 60000); }".to_owned(),
    ];
    // The default stack size of Rust threads, and so of the worker threads that run the evaluator.
    let worker = std::thread::Builder::new().stack_size(2 << 20).spawn(move || {
        for text in &texts {
            let started = std::time::Instant::now();
            let found = evaluate(text);
            assert!(started.elapsed().as_secs() < 10, "{:.60}", text);
            drop(found);
        }
    });
    worker.unwrap().join().unwrap();
}
