//! Compares `accepts` and `rows` with tree-sitter-nix.

use std::path::{Path, PathBuf};

use super::{Stop, accepts, grammar_accepts, rows, stops};
use crate::lang::{Language, NodeKind, Tree};

fn parses(text: &str) -> bool {
    Tree::read_with_grammar(Language::Nix, text, text).is_ok_and(|tree| !tree.broken())
}

/// Checks that the rows of the text, if there are any, equal those of tree-sitter-nix.
#[track_caller]
fn assert_same_tree(text: &str, name: &str) {
    if !grammar_accepts(text) {
        return;
    }
    let Some(own) = rows(text) else { return };
    let theirs = Tree::read_with_grammar(Language::Nix, text, text).map(|tree| tree.rows.to_vec());
    if own == theirs {
        return;
    }
    let (Ok(own), Ok(theirs)) = (&own, &theirs) else { panic!("{name}: {own:?} is not {theirs:?}") };
    let at = own.iter().zip(theirs).position(|(own, theirs)| own != theirs).unwrap_or(own.len().min(theirs.len()));
    let shown = text.get(own.get(at).map_or(0, |row| row.start as usize)..).unwrap_or_default();
    let shown = shown.char_indices().nth(80).map_or(shown, |(end, _)| &shown[..end]);
    panic!("{name}: row {at} at {shown:?}: {:?} is not {:?}", own.get(at), theirs.get(at));
}

#[test]
fn accepts_the_whole_language() {
    for text in WHOLE {
        assert!(parses(text), "tree-sitter: {text:?}");
        assert!(accepts(text), "{text:?}");
        assert_same_tree(text, text);
    }
}

/// Every construct of the language.
const WHOLE: [&str; 55] = [
    "",
    "# only a comment",
    "/* a */ /**/ 1",
    "{ }",
    "{ }: 1",
    "{ a, b ? 1, ... }@c: a",
    "a@{ ... }: a",
    "{ a, }: a",
    "x: y: x",
    "x:y",
    "http://a.b/c?d",
    "let in 1",
    "let a = 1; b.c = 2; in a",
    "let { body = 1; }",
    "rec { a = 1; inherit b \"c\" ${d}; inherit (e) f; \"${g}\".h = 2; }",
    "with a; assert b; c",
    "if a then b else c",
    "a.b or c.d or e f",
    "a ? b.\"c\".${d} && !e",
    "-a + -b - !c",
    "a -> b -> c",
    "[ a.b ./c <d/e> ~/f 1 1.5 .5 1.e3 (g h) ]",
    "a == b == c",
    "a //b",
    "a // b",
    "./a${b}/c${d}e",
    "a/b.c ../d",
    "\"a\\${b}$${c}${d}$\"",
    "''a''${b}$${c}${d}'''e''\\n $''",
    "a'' b'",
    "{\r\n}\r\n",
    "f\"a\"[b]{}",
    "a+b*c-d/e++f++g//h//i",
    "!a//b",
    "!a+b",
    "-a?b",
    "!a?b.c&&d||e->f->g",
    "a<b==c>d!=e",
    "a + !b + c - -d e",
    "f a.b or c.d or e.f g h",
    "f rec { } let { } { } [ ] [ a b.c or d {} ] e",
    "x: { y, z ? 1 + 2, ... }@w: v@{ u }: { }: if x: y then let in z: z else with y: z; assert w: v; u",
    " # a\n /* b */ { # c\n a # d\n . # e\n b # f\n = # g\n c # h\n d # i\n ; # j\n } # k\n",
    "{ /* a */ } # b",
    "{ /* a */ a /* b */ , /* c */ b /* d */ ? /* e */ 1 /* f */ , /* g */ ... /* h */ } /* i */ @ /* j */ c /* k */ : /* l */ 1",
    "{ a = 1; # a\n inherit # b\n c # d\n ; /* e */ inherit ( /* f */ g /* h */ ) /* i */ j /* k */ ; }",
    "let /* a */ a = 1; /* b */ in /* c */ a /* d */ . /* e */ b /* f */ or /* g */ c /* h */ d /* i */ + /* j */ e",
    "if /* a */ a /* b */ then /* c */ b /* d */ else /* e */ c /* f */",
    "with /* a */ a /* b */ ; /* c */ [ /* d */ b /* e */ ( /* f */ c /* g */ ) /* h */ ]",
    "\"${ /* a */ b /* c */ }\" /* d */ + ''${ # e\n f }'' # g",
    "{ \"a${b}c\".${d}.e = 1; ${f} = 2; inherit \"g\" ${h} \"${i}\"; }",
    "\"\\${a}\\n\\\\$\\$$ü\\ü$\"",
    "'' ''${a} ''' ''\\n ''\\ü $$ ''$$ ''\\$ x''",
    "./a/${b}${c}/d/${e}.f <a/b> ~/c/${d} a:b",
    "\"a # b /* c */\" # d",
];

#[test]
fn accepts_nothing_that_does_not_parse() {
    for text in [
        "{",
        "}",
        "a +",
        "a = 1",
        "{ a = 1 }",
        "[ a",
        "\"a",
        "''a",
        "''a'''",
        "/* a",
        "if a then b",
        "if a == then b else c",
        "let a = 1 in a",
        "a ? b c",
        "1 + x: x",
        "{ a, ..., b }: a",
        "\0",
        "''''\\é'${a}''",
        "a ? 1",
        "./a ${b}",
        "a$",
        "<a",
        "\"${}\"",
        "{ a ... }: a",
        "a@b: c",
        "a@{b}@c: d",
        "with a",
        "((a)",
    ] {
        assert!(!accepts(text), "{text:?}");
        assert!(!parses(text), "tree-sitter: {text:?}");
    }
}

/// Syntax that Nix accepts and tree-sitter-nix does not, next to an equivalent text that both accept.
const NEWER: [(&str, &str); 12] = [
    ("a |> b", "a || b"),
    ("a |> b |> c d", "a || b || c d"),
    ("a + b |> c // d", "(a + b) || (c // d)"),
    ("a -> b |> c", "(a -> b) || c"),
    ("f <| g <| a", "f -> g -> a"),
    ("f <| a -> b", "f -> (a -> b)"),
    ("x: x |> (y: y) |> [ (a |> b) ]", "x: x || (y: y) || [ (a || b) ]"),
    ("with a |> b; c <| d", "with a || b; c -> d"),
    ("\"${a |> b}\" <| (c |> d)", "\"${a || b}\" -> (c || d)"),
    ("{ inherit; }", "{ inherit a; }"),
    ("{ inherit (a); b = 1; }", "{ inherit (a) c; b = 1; }"),
    ("let inherit; inherit (a |> b); in c", "let inherit a; inherit (a || b) c; in c"),
];

/// The expressions of the text that contain an operator, without parentheses, in preorder.
fn operations(text: &str) -> Vec<String> {
    let tree = Tree::parse(Language::Nix, text).unwrap();
    let shown = |node| tree.slice(node).replace("|>", "||").replace("<|", "->").replace(['(', ')'], "");
    tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Binary).map(shown).collect()
}

#[test]
fn accepts_syntax_of_newer_nix_versions() {
    for (newer, known) in NEWER {
        assert!(accepts(newer), "{newer:?}");
        assert!(!grammar_accepts(newer), "{newer:?}");
        assert!(grammar_accepts(known), "{known:?}");
        if !newer.contains("inherit") {
            assert_eq!(operations(newer), operations(known), "{newer:?}");
        }
    }
    for text in
        ["a |> b <| c", "a <| b |> c", "|> a", "a |>", "a |> x: x", "[ a |> b ]", "a | > b", "a |> if b then c else d"]
    {
        assert!(!accepts(text), "{text:?}");
    }
}

#[test]
fn an_empty_inherit_has_no_names() {
    let tree = Tree::parse(Language::Nix, "{ inherit (a); inherit; b = 1; }").unwrap();
    let kinds: Vec<_> = tree.nodes().map(|node| tree.kind(node)).filter(|kind| *kind != NodeKind::None).collect();
    assert!(
        kinds.contains(&NodeKind::InheritFrom)
            && kinds.contains(&NodeKind::Inherit)
            && kinds.contains(&NodeKind::Binding)
    );
    assert!(!kinds.contains(&NodeKind::InheritedAttrs));
}

#[test]
fn rejects_deep_nesting() {
    let nested = |count: usize| "(".repeat(count) + "a" + &")".repeat(count);
    assert!(accepts(&nested(150)));
    assert!(!accepts(&nested(20_000)));
}

/// The pieces that mutations insert: every token, and text that may confuse the lexer.
const PIECES: [&str; 64] = [
    "a", "a'", "a''", "a-b", "_", "or", "rec", "let", "in", "with", "inherit", "if", "then", "else", "assert", "1",
    "01", "1.", ".5", "1.e3", "0.", ".", "..", "...", "/", "//", "./", "./a", "a/b", "~/a", "<a>", "<a/>", "<=", "==",
    "!=", "=", "!", "&&", "||", "|>", "->", "-", "++", "/*", "*/", "#", "\n", "\r", "?", "@", ":", ",", ";", "(", ")",
    "[", "]", "{", "}", "${", "$${", "\"", "''", "\\",
];

/// A small pseudo-random generator (splitmix64): the same mutations on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % count as u64) as usize
    }
}

/// The text with a piece inserted, removed or duplicated.
fn mutated(text: &str, random: &mut Random) -> String {
    let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let at = random.below(text.len() + 1);
    let (start, end) = (boundary(at), boundary(at + random.below(9)));
    match random.below(4) {
        0 => format!("{}{}", &text[..start], &text[end..]),
        1 => format!("{}{}{}", &text[..end], &text[start..end], &text[end..]),
        _ => format!("{}{}{}", &text[..start], PIECES[random.below(PIECES.len())], &text[start..]),
    }
}

#[test]
fn never_accepts_a_mutant_that_does_not_parse() {
    let mut random = Random(6);
    let mut taken = 0;
    for text in own_nix() {
        for _ in 0..60 {
            let mut mutant = mutated(&text, &mut random);
            for _ in 0..random.below(3) {
                mutant = mutated(&mutant, &mut random);
            }
            if grammar_accepts(&mutant) {
                taken += 1;
                assert!(parses(&mutant), "{mutant:?}");
                assert_same_tree(&mutant, &mutant);
            }
        }
    }
    assert!(taken > 1_000, "too few mutants are accepted: {taken}");
}

#[test]
fn accepts_nearly_everything_that_parses() {
    let whole: Vec<_> = own_nix().into_iter().filter(|text| parses(text)).collect();
    let taken = whole.iter().filter(|text| accepts(text)).count();
    assert!(taken * 100 >= whole.len() * 95, "{taken} of {}", whole.len());
}

#[test]
fn builds_the_same_tree_as_the_grammar() {
    let own = own_nix();
    for text in &own {
        assert_same_tree(text, text);
    }
}

/// Compares every Nix file in `FLAKEWARD_CORPUS`, if it is set, and one mutation of each.
#[test]
fn builds_the_same_tree_as_the_grammar_for_real_files() {
    let Some(corpus) = std::env::var_os("FLAKEWARD_CORPUS") else { return };
    let mut files = Vec::new();
    list(Path::new(&corpus), &mut files);
    let (mut all, mut taken) = (0, 0);
    let mut random = Random(9);
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "nix")) {
        let Ok(text) = std::fs::read_to_string(file) else { continue };
        all += 1;
        taken += usize::from(accepts(&text));
        assert_same_tree(&text, &file.display().to_string());
        let mutant = mutated(&text, &mut random);
        assert_same_tree(&mutant, &mutant);
    }
    println!("{taken} of {all} files are read without the grammar");
    assert!(taken * 100 >= all * 95, "{taken} of {all}");
}

/// The Nix code of the tests and of the rule pages, and the longest texts in pieces.
fn own_nix() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    list(&root.join("tests"), &mut files);
    list(&root.join("rules"), &mut files);
    files.sort();
    let mut texts = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        match file.extension().and_then(|extension| extension.to_str()) {
            Some("nix") => texts.push(text),
            Some("md") => texts.extend(text.split("```nix").skip(1).filter_map(|rest| {
                let (_, rest) = rest.split_once('\n')?;
                Some(rest.split_once("```")?.0.to_owned())
            })),
            _ => {}
        }
    }
    texts
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => list(&entry.path(), files),
            _ => files.push(entry.path()),
        }
    }
}

#[test]
fn the_first_error_is_at_the_position_that_nix_reports() {
    let stops = |text: &str| stops(text).unwrap_or_else(|| panic!("{text}"));
    for (text, marked) in [
        ("{ a = 1 b = 2; }", "= 2"),
        ("let a = 1 in a", "in a"),
        ("{ a = [ 1; }", "; }"),
        ("{ a, ... : a }", ": a"),
        ("if a then b", ""),
        ("{ a = 1;", ""),
        ("[ 1 ] ]", "]"),
    ] {
        let at = text.rfind(marked).unwrap();
        assert_eq!(stops(text), Stop::At(at), "{text}");
    }
    assert_eq!(stops("{ a = \"b; }"), Stop::InString(7));
    assert_eq!(stops("{ a = ''b${c} d; }"), Stop::InString(13));
    assert_eq!(super::stops("{ a = 1; }"), None);
    assert_eq!(super::stops(&"(".repeat(1000)), None);
}
