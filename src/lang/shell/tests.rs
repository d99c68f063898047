use super::*;

fn read(text: &str) -> Vec<String> {
    let join = |command: &Command<'_>| command.words.iter().map(|word| &*word.text).collect::<Vec<_>>().join(" ");
    commands(text).iter().map(join).collect()
}

#[test]
fn scripts_are_split_into_commands() {
    for (script, expected) in [
        ("a b; c && d || e | f & g", &["a b", "c", "d", "e", "f", "g"][..]),
        ("a 'b c' \"d e\" f\\ g h'i'j", &["a b c d e f g hij"]),
        ("a \\\n  b \\\r\n c\nd", &["a b c", "d"]),
        ("a # b\n# c\nd#e", &["a", "d#e"]),
        ("A=1 B+='x y' c d=e", &["c d=e"]),
        ("sudo -E -u me docker build .", &["docker build ."]),
        ("exec env -i A=1 timeout -s KILL 5m time a b", &["a b"]),
        ("if ! a; then b; else c; fi", &["a", "b", "c"]),
        ("for x in a b; do c $x; done", &["for x in a b", "c $x"]),
        ("case $x in a) b;; *) c;; esac", &["case $x in a", "b", "*", "c"]),
        ("f() { a; }\n(b; c)", &["f", "a", "b", "c"]),
        ("x=$(a b) c \"$(d \"e\")\" `f g`", &["a b", "d e", "f g", "c $(d \"e\") `f g`"]),
        ("a > b 2>&1 < c &> d 3>>e f", &["a f"]),
        ("cat <<EOF\na; b\nEOF\nc", &["cat", "c"]),
        ("cat <<-'E' > x\n  a\n  E\nb <<< \"c d\"", &["cat", "b"]),
        ("a <(b c) d", &["b c", "a d"]),
        ("echo \"a; b\" 'c && d'", &["echo a; b c && d"]),
        ("a ${{ x && y || 'z' }} ${b:-c d} {{ e | f }}", &["a ${{ x && y || 'z' }} ${b:-c d} {{ e | f }}"]),
        ("x=(a b) c", &["c"]),
        ("a $((1 + 2)) b", &["a $((1 + 2)) b"]),
        ("bash -lc 'a b && c'", &["bash -lc a b && c", "a b", "c"]),
        ("script -e -c ./x.sh", &["script -e -c ./x.sh", "./x.sh"]),
        ("script -qec 'x y' /dev/null", &["script -qec x y /dev/null", "x y"]),
        ("script --command 'x y'", &["script --command x y", "x y"]),
        ("script out.log", &["script out.log"]),
        ("sh -c \"sh -c 'x y'\"", &["sh -c sh -c 'x y'", "sh -c x y", "x y"]),
        ("nix develop .#ci -c a b", &["nix develop .#ci -c a b", "a b"]),
        ("nix --quiet develop --command sudo a", &["nix --quiet develop --command sudo a", "a"]),
        ("nix-shell -p x --run 'a; b'", &["nix-shell -p x --run a; b", "a", "b"]),
        ("devenv shell -- a b", &["devenv shell -- a b", "a b"]),
        ("nix run -L nixpkgs#a.b -- c d", &["nix run -L nixpkgs#a.b -- c d", "b c d"]),
        ("nix run github:x/y", &["nix run github:x/y"]),
        ("direnv exec . a", &["direnv exec . a", "a"]),
        ("xargs -n 1 a b", &["a b"]),
        ("op run --env-file=.env -- a b", &["op run --env-file=.env -- a b", "a b"]),
        ("chamber exec web -- sudo a", &["chamber exec web -- sudo a", "a"]),
        ("dotenvx run -f .env -- a", &["dotenvx run -f .env -- a", "a"]),
        ("op item get a -- run", &["op item get a -- run"]),
        ("command -v docker", &["command -v docker"]),
        ("command docker ps", &["docker ps"]),
        ("sudo", &["sudo"]),
        ("", &[]),
        (";;;&&||\n)(", &[]),
        ("a 'open", &["a open"]),
        ("a \"open $(b", &["b", "a open $(b"]),
        ("é ü\\ö", &["é üö"]),
    ] {
        assert_eq!(read(script), expected, "{script:?}");
    }
}

#[test]
fn changing_the_folder_affects_only_the_shell_that_does_it() {
    // The folder of each command except `cd`.
    let folders = |script: &str| {
        let mut folder = PerShell::new(String::from("/"));
        let mut found = Vec::new();
        for command in commands(script) {
            let folder = folder.at(&command);
            match command.program() {
                "cd" => *folder = command.word(1).unwrap().to_owned(),
                program => found.push(format!("{program} {folder}")),
            }
        }
        found.join(", ")
    };
    for (script, expected) in [
        ("x; cd a; y && z", "x /, y a, z a"),
        ("(cd a && x); y", "x a, y /"),
        ("(x; (cd a; (y); z); cd b; u); (v); w", "x /, y a, z a, u b, v /, w /"),
        ("cd a & x", "x /"),
        ("cd a && x & y", "x a, y /"),
        ("cd a && x $(y) & z", "y a, x a, z /"),
        ("cd a && x `cd b; y $(z)` && u & v", "z b, y b, x a, u a, v /"),
        ("cd a | cd b && x $(y) | z $(u) & v", "y /, x /, u /, z /, v /"),
        ("cd a | x $(y $(z))", "z /, y /, x /"),
        ("x $( (cd a; y) ) && cd b & z", "y a, x /, z /"),
        ("(cd a && x $(y) & z); u", "y a, x a, z /, u /"),
        ("x | sh -c 'cd a; y $(z)' | u & v", "x /, sh /, z a, y a, u /, v /"),
        ("cd a | x | (cd b; y) || z", "x /, y b, z /"),
        ("cd a || x; y", "x a, y a"),
        ("x | cd a; y |& z", "x /, y /, z /"),
        ("x $(cd a; y) z; u `cd b; v`; w", "y a, x /, v b, u /, w /"),
        ("cd a; sh -c 'cd b; x'; y", "sh a, x b, y a"),
        ("# (\necho \"(\"; (cd a; echo ')'; x); y", "echo /, echo a, x a, y /"),
        ("case $r in a) x;; *) y;; esac; (cd a; x); y", "case /, x /, * /, y /, x a, y /"),
        ("(cd a; case $r in (b) x;; c) y; esac; z); u", "case a, b a, x a, c a, y a, z a, u /"),
        ("f() { cd a; }\nx", "f /, x a"),
        ("cd a 2>&1; x", "x a"),
    ] {
        assert_eq!(folders(script), expected, "{script}");
    }
}

#[test]
fn spans_point_into_the_script() {
    let script = "set -e\nsudo docker build . && sh -c \"npm run dev\"";
    let commands = commands(script);
    let at = |index: usize| script.get(commands[index].span.range()).unwrap();
    assert_eq!([at(0), at(1), at(3)], ["set -e", "docker build .", "npm run dev"]);
    assert_eq!(commands[1].program(), "docker");
    assert_eq!(commands[1].word(1), Some("build"));
    assert!(commands[1].has("."));
}

#[test]
fn hostile_scripts_are_read_in_linear_time() {
    for piece in ["$(", "`", "\"$(", "${", "{{", "sh -c '", "<<E\n", "((", "\\", "'", "a=(", "<(", "sudo "] {
        let text = piece.repeat(20_000);
        let found = commands(&text);
        assert!(found.len() <= text.len(), "{piece}");
    }
}
