//! Registries for the comparison with Nix: hand-written ones, and any number of generated ones.

/// Nix expressions, and whether the evaluator fully knows the value of each.
pub const WRITTEN: &[(&str, bool)] = &[
    ("{ databases.redis = 6379; databases = { postgresql = 5432; }; }", true),
    ("{ a = { b = 1; }; a.c = 2; a.d.e = 3; }", true),
    ("rec { base = 3000; api = base + 1; web = api + 1; }", true),
    (
        "{ dns = { port = 53; protocol = \"udp\"; hosts = [ \"a\" ]; metricsPort = 9153; }; web = { port = 80; host = 81; }; }",
        true,
    ),
    ("let base = 3000; in { api = base; metrics = base * 3 + 91; ratio = 7 / 2; neg = -7 / 2; }", true),
    ("rec { a = 1; b = { a = 2; c = a; }; d = { inherit a; }; }", true),
    ("rec { a = 1; b = rec { a = 2; c = a; }; }", true),
    ("let x = { p = 80; q.r = 81; }; in { inherit (x) p; inherit (x.q) r; }", true),
    ("{ a = 1; b = 2; } // { b = 3; c = { d = 4; }; }", true),
    ("{ a = { x = 1; y = 2; }; } // { a = { y = 3; }; }", true),
    ("{ a.b = 1; } // rec { a.c = d; d = 4; }", true),
    ("{ offset ? 100 }: { redis = 6379 + offset; }", true),
    ("{ offset ? 100, ... }@args: { redis = 6379 + offset; other = args.x or 7; }", false),
    ("_: { redis = 6379; }", true),
    (
        "let f = { base, step ? 1 }: { http = base; https = base + step; }; in { a = f { base = 80; }; b = f { base = 1; step = 9; }; }",
        true,
    ),
    ("let f = base: i: base + i; in builtins.mapAttrs (name: f 3000) { a = 1; b = 2; }", true),
    ("builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = 3000 + i; }) 5)", true),
    ("builtins.listToAttrs (map (n: { name = n; value = 1; }) [ \"a\" \"b\" \"a\" ])", true),
    (
        "{ a = if 1 < 2 && !(3 == 4) then 10 else 20; b = if true -> false then 1 else 2; c = if false || 2 >= 2 then 5 else 6; }",
        true,
    ),
    (
        "let s = { a.b = 1; }; in { x = s.a.b or 2; y = s.a.c or 2; z = s.q.r or 3; w = if s ? a.b then 4 else 5; v = if s ? a.b.c then 4 else 5; }",
        true,
    ),
    ("with { a = 1; b = 2; }; { x = a; y = b; }", true),
    ("let a = 5; in with { a = 1; }; { x = a; }", true),
    ("with { a = 1; }; with { a = 2; b = 3; }; { x = a; y = b; }", true),
    ("with { true = 3; }; { x = if true then 1 else 2; }", true),
    ("assert 1 == 1; { a = 1; }", true),
    ("{ \"a b\" = 1; \"c.d\".e = 2; ${\"f\"} = 3; ${\"g\" + \"h\"}.i = 4; }", true),
    ("let n = \"x\"; in { ${n} = 1; \"${n}y\".z = 2; }", true),
    ("{ ${null} = 1; a = 2; }", false),
    ("let { x = 1; body = { a = x; }; }", true),
    ("rec { a = { b = rec { c = 1; d = c + 1; }; }; e = a.b.d; }", true),
    // In Nix, `d` sees the merged `c`. It does no harm that such files are not fully known.
    ("{ a = rec { b = 1; d = c; }; a.c = 2; }", false),
    ("{ a = 8080; a2 = 08080; zero = 0; big = 70000; minus = -1; }", true),
    ("{ a = 9223372036854775807; b = 1; }", true),
    ("{ s = \"6379\"; l = [ 80 443 ]; n = null; t = true; f = x: x; p = 1; d = 1.5; }", true),
    ("{ a = 1 + 0.5; b = 2; }", true),
    (
        "let get = s: n: builtins.getAttr n s; in { a = get { b = 3; } \"b\"; c = if builtins.hasAttr \"q\" { } then 1 else 2; }",
        true,
    ),
    ("builtins.removeAttrs { a = 1; b = 2; c = 3; } [ \"b\" \"q\" ]", true),
    ("builtins.intersectAttrs { a = 0; } { a = 1; b = 2; }", true),
    (
        "{ a = builtins.foldl' (x: y: x * 10 + y) 0 [ 8 0 8 0 ]; b = builtins.elemAt [ 5 6 7 ] 1; c = builtins.length [ 1 2 ]; d = builtins.head [ 9 ]; }",
        true,
    ),
    ("{ a = builtins.add 1 2; b = builtins.sub 1 2; c = builtins.mul 3 4; d = builtins.div 9 2; }", true),
    (
        "{ a = builtins.length (builtins.filter (x: x > 1) [ 1 2 3 ]); b = builtins.length (builtins.attrNames { x = 1; y = throw \"z\"; }); }",
        true,
    ),
    ("{ a = builtins.seq 1 2; b = builtins.deepSeq { x = 1; } 3; }", true),
    ("let p = { a = 1; b.c = 2; }; in p // { all = builtins.length (builtins.attrValues p); }", true),
    ("let inherit (s) a; s = { a = 4; }; in { inherit a; b = a; }", true),
    ("let a = 1; in rec { inherit a; b = a; }", true),
    ("{ a = 3 - 2 - 1; b = 2 + 3 * 4; c = (2 + 3) * 4; d = 100 / 10 / 5; e = -2 * 3; f = 1 - -1; }", true),
    ("{ a = let b = 1; in b; c = (x: x) 2; d = ({ x, y ? x }: x + y) { x = 2; }; }", true),
    (
        "{ a = if [ 1 2 ] == [ 1 2 ] then 1 else 2; b = if { x = 1; } == { x = 1; } then 1 else 2; c = if 1 == 1.0 then 3 else 4; }",
        true,
    ),
    // Expressions that Nix rejects, or whose values cannot be known.
    ("{ a = 1 / 0; b = 2; }", false),
    ("rec { a = b; b = a; c = 3; }", false),
    ("let x = x; in { a = x; b = 2; }", false),
    ("rec { a = a + 1; b = 1; }", false),
    ("let s = s // { a = 1; }; in s", false),
    ("{ a = 9223372036854775808; b = 1; }", false),
    ("{ a = x.y; b = 1; }", false),
    ("{ a = { b = 1; }.c; d = 1; }", false),
    ("{ a = 1; a = 2; b = 3; }", false),
    ("{ a = 1; a.b = 2; c = 3; }", false),
    ("{ a = 1 + \"x\"; b = 2; }", false),
    ("{ a = if 1 then 2 else 3; b = 2; }", false),
    ("assert 1 == 2; { a = 1; }", false),
    ("{ a = throw \"no\"; b = 1; }", false),
    ("{ a = (x: x.y) { z = 1; }; b = 1; }", false),
    ("({ x }: { a = x; }) { x = 1; y = 2; }", false),
    ("({ x, y }: { a = x; }) { x = 1; }", false),
    ("{ a = 1; } // 2", false),
    ("let l = builtins.attrNames { a = 1; }; in { a = builtins.elemAt l 7; b = 1; }", false),
    ("{ lib }: { a = 1; b = lib.x; }", false),
    ("{ a = 5 5; b = 1; }", false),
    ("{ a = \"\" < 1; b = 1; }", false),
];

/// A deterministic pseudo-random generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const NAMES: [&str; 8] = ["api", "web", "redis", "base", "db", "grpc", "x", "y"];

/// Generates a registry from a seed: sets, lets, merges, functions and arithmetic over a few names, so that collisions
/// are frequent.
pub fn generate(seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1));
    for _ in 0..4 {
        dice.roll(2);
    }
    let mut text = match dice.roll(6) {
        0 => "{ base ? 3000, step ? 1 }:\n".to_owned(),
        1 => "_:\n".to_owned(),
        _ => String::new(),
    };
    if dice.roll(12) > 0 {
        let all: String = NAMES.iter().map(|name| format!("{name} = {}; ", literal(&mut dice))).collect();
        text.push_str(&format!("let {all} in\n"));
    }
    if dice.roll(2) == 0 {
        let bindings = bindings(&mut dice, 2);
        text.push_str(&format!("let {bindings} in\n"));
    }
    text.push_str(&set(&mut dice, 3));
    if dice.roll(4) == 0 {
        text.push_str(&format!(" // {}", set(&mut dice, 2)));
    }
    text
}

fn set(dice: &mut Dice, depth: usize) -> String {
    let keyword = if dice.roll(2) == 0 { "rec " } else { "" };
    let bindings = bindings(dice, depth);
    format!("{keyword}{{ {bindings} }}")
}

fn bindings(dice: &mut Dice, depth: usize) -> String {
    let mut text = String::new();
    // Most sets define each name once; otherwise hardly any would evaluate.
    let start = dice.roll(NAMES.len());
    for at in 0..2 + dice.roll(3) {
        let name = if dice.roll(80) == 0 { dice.pick(&NAMES) } else { NAMES[(start + at) % NAMES.len()] };
        let value = value(dice, depth);
        match dice.roll(12) {
            0 => {
                // Two definitions of one attribute, nested and dotted.
                let (first, second) = (dice.roll(8), dice.roll(8));
                let (inner, other) = (NAMES[first], NAMES[if first == second { (first + 1) % 8 } else { second }]);
                let set = format!("{{ {inner} = {value}; }}");
                text.push_str(&format!("{name} = {set}; {name}.{other} = {}; ", literal(dice)));
            }
            1 => text.push_str(&format!("\"{name}\" = {value}; ")),
            2 => text.push_str(&format!("inherit ({{ {name} = {value}; }}) {name}; ")),
            3 => text.push_str(&format!("${{\"{name}\"}} = {value}; ")),
            _ => text.push_str(&format!("{name} = {value}; ")),
        }
    }
    text
}

fn value(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.roll(3) > 0 { number(dice, depth) } else { set(dice, depth - 1) }
}

fn number(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return if dice.roll(4) == 0 { dice.pick(&NAMES).to_owned() } else { literal(dice) };
    }
    match dice.roll(30) {
        0..=11 => literal(dice),
        12..=13 => dice.pick(&NAMES).to_owned(),
        14..=18 => {
            let operator = dice.pick(&["+", "-", "*", "+", "+", "/"]);
            format!("({} {operator} {})", number(dice, depth - 1), number(dice, depth - 1))
        }
        19..=20 => {
            let operator = dice.pick(&["<", "<=", ">", ">=", "==", "!="]);
            let (left, right) = (number(dice, depth - 1), number(dice, depth - 1));
            format!("(if {left} {operator} {right} then {} else {})", literal(dice), literal(dice))
        }
        21..=22 => format!("({{ api = {}; }}.{} or {})", number(dice, 0), dice.pick(&NAMES), literal(dice)),
        23 => format!("(let y = {}; x = y + 1; in {})", number(dice, 0), dice.pick(&["x", "y", "api"])),
        24 => format!("(with {{ x = {}; z = 1; }}; {})", number(dice, 0), dice.pick(&["x", "z", "web"])),
        25 => format!("((x: x + {}) {})", literal(dice), number(dice, depth - 1)),
        26 => format!("(({{ x, y ? x }}: x + y) {{ x = {}; }})", number(dice, depth - 1)),
        27 => format!("(if {{ x.y = 1; }} ? {} then 1 else 2)", dice.pick(&["x", "x.y", "y", "x.y.z"])),
        28 => format!("(- {})", number(dice, depth - 1)),
        _ if dice.roll(4) == 0 => format!("{}.{}", dice.pick(&NAMES), dice.pick(&NAMES)),
        _ => format!("({}.{} or {})", dice.pick(&NAMES), dice.pick(&NAMES), literal(dice)),
    }
}

fn literal(dice: &mut Dice) -> String {
    match dice.roll(40) {
        0 => "0".to_owned(),
        1 => "9223372036854775807".to_owned(),
        2 => "70000".to_owned(),
        _ => (1 + dice.roll(65_535)).to_string(),
    }
}
