//! Nix files generated from a seed: nested in every way, with ports at every position, and always valid.

/// Names that a fix prefers for the import. The generated files also bind them to other values.
const CONTESTED: [&str; 2] = ["ports", "portRegistry"];

/// Generates a file.
pub fn file(seed: u64) -> String {
    let mut generator = Generator {
        state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        count: 0,
        scope: Vec::new(),
        out: String::new(),
    };
    generator.top();
    generator.out
}

struct Generator {
    state: u64,
    count: u32,
    /// The names in scope.
    scope: Vec<String>,
    out: String,
}

impl Generator {
    fn pick(&mut self, below: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % below
    }

    fn one<'x>(&mut self, of: &[&'x str]) -> &'x str {
        of[self.pick(of.len() as u64) as usize]
    }

    fn say(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn gap(&mut self) {
        let gap = self.one(&[" ", " ", " ", "\n", "\n  ", "\n\n\t", " /* 6379 */ ", " # 3000\n    "]);
        self.say(gap);
    }

    fn fresh(&mut self) -> String {
        if self.pick(6) == 0 {
            return self.one(&CONTESTED).to_owned();
        }
        self.count += 1;
        format!("v{}", self.count)
    }

    fn top(&mut self) {
        if self.pick(3) == 0 {
            self.say("# A file with 6379 in its head\n");
        }
        if self.pick(2) == 0 {
            self.head();
        }
        while self.pick(3) == 0 {
            self.clause(3);
        }
        self.set(3);
        self.say("\n");
    }

    /// Writes the head of a function, such as `{ v1 ? .., ... }:`.
    fn head(&mut self) {
        let mut names = vec![self.fresh(), self.fresh()];
        names.dedup();
        let mut outer = self.scope.clone();
        outer.retain(|name| !names.contains(name));
        std::mem::swap(&mut self.scope, &mut outer);
        self.say("{");
        for name in &names {
            self.gap();
            self.say(name);
            self.say(" ? ");
            self.expression(1);
            self.say(",");
        }
        self.say(" ...");
        self.say("}:");
        self.gap();
        self.scope = outer;
        self.scope.extend(names);
    }

    /// Writes a `let`, `with` or `assert` before a body.
    fn clause(&mut self, depth: u32) {
        match self.pick(3) {
            0 => {
                self.say("let");
                self.gap();
                let names = self.bindings(depth, true);
                self.say("in");
                self.gap();
                self.scope.extend(names);
            }
            1 => {
                let name = self.fresh();
                self.say(&format!("with {{ {name} = "));
                self.expression(1);
                self.say("; };");
                self.gap();
                self.scope.push(name);
            }
            _ => {
                self.say("assert (");
                self.expression(1);
                self.say(") != null;");
                self.gap();
            }
        }
    }

    /// Writes bindings and returns their names. If `scoped`, the names are in scope in the values, but not used, to
    /// avoid infinite recursion.
    fn bindings(&mut self, depth: u32, scoped: bool) -> Vec<String> {
        let count = self.pick(4) + 1;
        let mut names: Vec<String> = (0..count).map(|_| self.fresh()).collect();
        names.sort();
        names.dedup();
        let outer = self.scope.clone();
        if scoped {
            self.scope.retain(|name| !names.contains(name));
        }
        for name in &names {
            if !scoped && outer.contains(name) && self.pick(3) == 0 {
                self.say(&format!("inherit {name};"));
            } else {
                self.say(name);
                let deeper = self.one(&["", "", "", ".x", ".\"3000/tcp\"", ".\"465\""]);
                self.say(deeper);
                self.say(" = ");
                self.expression(depth.saturating_sub(1));
                self.say(";");
            }
            self.gap();
        }
        self.scope = outer;
        names
    }

    fn set(&mut self, depth: u32) {
        let recursive = self.pick(4) == 0;
        self.say(if recursive { "rec {" } else { "{" });
        self.gap();
        self.bindings(depth, recursive);
        if self.pick(3) == 0 {
            let name = self.one(&["\"6379\"", "\"3000/udp\"", "\"a:465\""]);
            self.say(&format!("{name} = "));
            self.expression(depth.saturating_sub(1));
            self.say(";");
            self.gap();
        }
        self.say("}");
    }

    fn expression(&mut self, depth: u32) {
        let choice = if depth == 0 { self.pick(5) } else { self.pick(13) };
        match choice {
            0 | 1 => self.number(),
            2 => self.string(depth),
            3 => self.indented(depth),
            4 => self.variable(),
            5 => {
                self.say("[");
                for _ in 0..self.pick(4) {
                    self.say(" ");
                    self.simple(depth - 1);
                }
                self.say(" ]");
            }
            6 | 7 => self.set(depth - 1),
            8 => {
                let outer = self.scope.clone();
                self.say("(");
                self.clause(depth - 1);
                self.expression(depth - 1);
                self.say(")");
                self.scope = outer;
            }
            9 => {
                self.say("if true then ");
                self.expression(depth - 1);
                self.say(" else ");
                self.expression(depth - 1);
            }
            10 => {
                self.say("(x: x) ");
                self.simple(depth - 1);
            }
            11 => {
                self.say("{ }.x or ");
                self.simple(depth - 1);
            }
            _ => {
                let outer = self.scope.clone();
                self.say("(");
                self.head();
                self.expression(depth - 1);
                self.say(") { }");
                self.scope = outer;
            }
        }
    }

    /// Writes an expression that can be an argument or an element.
    fn simple(&mut self, depth: u32) {
        match self.pick(5) {
            0 | 1 => self.number(),
            2 => self.string(depth),
            3 => self.indented(depth),
            _ => {
                self.say("(");
                self.expression(depth);
                self.say(")");
            }
        }
    }

    fn number(&mut self) {
        let number = self.one(&["6379", "6379", "3000", "3001", "3002", "465", "99", "06379", "63790"]);
        self.say(number);
    }

    fn variable(&mut self) {
        match self.scope.len() {
            0 => self.number(),
            count => {
                let at = self.pick(count as u64) as usize;
                let name = self.scope[at].clone();
                self.say(&name);
            }
        }
    }

    fn string(&mut self, depth: u32) {
        self.say("\"");
        if self.pick(4) == 0 {
            self.number();
        } else {
            for _ in 0..self.pick(5) {
                let piece = self.one(&[
                    "a:6379", "6379", " ", "$", "$$", "\\${x}", "\\n", "\\\"", "\\\\", "''", "3000/tcp", "x=465;",
                    "\n  ", "}", "\\6379",
                ]);
                self.say(piece);
                self.interpolation(depth);
            }
        }
        self.end_string("\"");
    }

    fn indented(&mut self, depth: u32) {
        self.say("''");
        for _ in 0..self.pick(6) {
            let piece = self.one(&[
                "\n    ", "\n  ", "\n", "a:6379", "6379", " 3000 ", "$ ", "$$ ", "''${x}", "'''", "''\\n", "' ",
                "'6379' ", "\"465\"", "}", "\t",
            ]);
            self.say(piece);
            self.interpolation(depth);
        }
        self.end_string("''");
    }

    fn interpolation(&mut self, depth: u32) {
        if self.pick(4) == 0 && !self.out.ends_with('$') {
            self.say("${builtins.toJSON (");
            self.expression(depth.saturating_sub(1));
            self.say(")}");
        }
    }

    /// Ends a string. A dollar sign or a quote would be parsed together with the closing quote, so a space follows it.
    fn end_string(&mut self, quote: &str) {
        if self.out.ends_with(['$', '\'']) {
            self.say(" ");
        }
        self.say(quote);
    }
}
