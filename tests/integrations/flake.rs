//! `nix flake check`, with the real Nix and without a network. nixpkgs.nix stands in for nixpkgs.
//!
//! With FLAKEWARD_TEST_FLAKE_PARTS and FLAKEWARD_TEST_NIXPKGS_LIB (folders with hercules-ci/flake-parts and
//! nix-community/nixpkgs.lib), the flake-parts module is also tested; with FLAKEWARD_TEST_NIX2CONTAINER
//! (nlewo/nix2container), the whole flake; with FLAKEWARD_TEST_GIT_HOOKS and FLAKEWARD_TEST_TREEFMT
//! (cachix/git-hooks.nix and numtide/treefmt-nix), the README's examples for these.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{FLAKEWARD, PROJECT, Ran, Repository, have, project_files, ran, release, snippet};

const BAD: &str = "FROM alpine:3\nRUN true\n";
const FOUND: &str = "web/Dockerfile:1:1: error[dockerfile]:";

/// Nix with its own store, without a daemon, sandbox or network.
pub struct Nix(TempDir);

impl Nix {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The path of its store.
    pub fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    /// Runs Nix on a repository with its own inputs, and writes the lock file if necessary.
    pub fn lock(&self, repository: &Repository, args: &str) -> Ran {
        ran(&self.command(repository, args).output().unwrap())
    }

    /// Runs Nix on a repository, with the given flakes in place of its inputs of the same names.
    fn run(&self, repository: &Repository, args: &str, inputs: &[(&str, &Path)]) -> Ran {
        let mut command = self.command(repository, args);
        command.arg("--no-write-lock-file");
        for (name, flake) in inputs {
            let scheme = if flake.join(".git").exists() { "git+file" } else { "path" };
            command.args(["--override-input", name, &format!("{scheme}://{}", flake.display())]);
        }
        ran(&command.output().unwrap())
    }

    fn command(&self, repository: &Repository, args: &str) -> Command {
        let mut command = repository.command("nix");
        command.args(args.split_whitespace()).arg("--offline");
        for name in ["STORE", "STATE", "LOG", "CONF"] {
            command.env(format!("NIX_{name}_DIR"), self.0.path().join(name.to_lowercase()));
        }
        command.env_remove("NIX_REMOTE").env_remove("NIX_PATH").env(
            "NIX_CONFIG",
            "experimental-features = nix-command flakes\nsandbox = false\nbuild-users-group =\nsubstituters =\n",
        );
        command
    }
}

impl Drop for Nix {
    /// Makes the store writable, so that it can be removed: Nix makes everything in it read-only.
    fn drop(&mut self) {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(self.0.path()).status();
    }
}

pub fn system() -> String {
    let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
    format!("{}-{os}", std::env::consts::ARCH)
}

/// The stand-in for nixpkgs as a flake. Its `lib` comes from a folder, or contains only `hasSuffix`.
pub fn nixpkgs(lib: Option<&Path>) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::copy(Path::new(PROJECT).join("tests/integrations/nixpkgs.nix"), folder.path().join("nixpkgs.nix")).unwrap();
    let lib = lib.map_or("{ hasSuffix = _: _: true; }", |lib| {
        let copied = Command::new("cp").arg("-r").arg(lib.join("lib")).arg(folder.path()).status().unwrap();
        assert!(copied.success());
        // `readFileType` was added in Nix 2.14; Debian's Nix is older.
        let filesystem = folder.path().join("lib/filesystem.nix");
        let text = fs::read_to_string(&filesystem).unwrap();
        let by_looking = "builtins.readFileType or (path: if toString (dirOf path) == builtins.storeDir then \
                          \"directory\" else (builtins.readDir (dirOf path)).${baseNameOf path});";
        fs::write(filesystem, text.replace("builtins.readFileType;", by_looking)).unwrap();
        "import ./lib"
    });
    let systems = ["x86_64-linux", "aarch64-linux", "aarch64-darwin"];
    let packages = systems.map(|system| format!("legacyPackages.{system} = pkgs \"{system}\";")).join(" ");
    let flake = format!(
        "{{ outputs = _: let lib = {lib}; pkgs = import ./nixpkgs.nix {{ inherit lib; flakeward = \"{FLAKEWARD}\"; }};\n\
         in {{ _type = \"flake\"; inherit lib; {packages} }}; }}\n"
    );
    fs::write(folder.path().join("flake.nix"), flake).unwrap();
    folder
}

/// The flakeward flake without flake-parts: it has the same check, and the executable that has already been built.
pub fn flakeward() -> Repository {
    let program = Path::new(FLAKEWARD).parent().and_then(Path::parent).unwrap().join("integrations");
    let flake = format!(
        "{{ outputs = {{ self, ... }}: {{ _type = \"flake\"; lib.mkCheck = import ./nix/check.nix {{ flakeward = self; }};\n\
         packages.{}.default = \"{}\"; }}; }}\n",
        system(),
        program.display()
    );
    fs::create_dir_all(program.join("bin")).unwrap();
    let link = program.join("bin/flakeward");
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(FLAKEWARD, link).unwrap();
    let flakeward = release(["nix/check.nix", "nix/toml.nix"].iter());
    flakeward.write("flake.nix", &flake);
    flakeward.commit().ok();
    flakeward
}

/// A repository whose flake is one of the README's examples, locked like a user's: with flakeward from GitHub.
fn user(flake: &str, inputs: &[(&str, &Path)]) -> Repository {
    let own = fs::read_to_string(Path::new(PROJECT).join("flake.lock")).unwrap();
    let mut lock: Value = serde_json::from_str(&own).unwrap();
    let address = json!({ "type": "github", "owner": "flakeward", "repo": "flakeward" });
    let mut locked = address.clone();
    locked["rev"] = json!("0123456789abcdef0123456789abcdef01234567");
    locked["narHash"] = json!("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    locked["lastModified"] = json!(1_780_000_000);
    let shared = inputs.iter().any(|(name, _)| *name == "flake-parts");
    let flake_parts = if shared { json!(["flake-parts"]) } else { json!("flake-parts") };
    let follows = json!({ "nixpkgs": ["nixpkgs"], "flake-parts": flake_parts });
    lock["nodes"]["flakeward"] = json!({ "inputs": follows, "locked": locked, "original": address });
    lock["nodes"]["root"]["inputs"] = inputs.iter().map(|(name, _)| ((*name).to_owned(), json!(name))).collect();
    let user = Repository::new(&[
        ("flake.nix", &snippet(flake).replace("x86_64-linux", &system())),
        ("flake.lock", &lock.to_string()),
    ]);
    user.add_all();
    user
}

/// Checks that `nix flake check` passes, fails and shows a finding, and passes again once the file is excluded.
fn assert_check_guards_the_flake(nix: &Nix, user: &Repository, inputs: &[(&str, &Path)]) {
    nix.run(user, "flake check", inputs).ok();
    user.write("web/Dockerfile", BAD);
    user.add_all();
    let stopped = nix.run(user, "flake check", inputs);
    assert_ne!(stopped.code, 0, "{}", stopped.said);
    assert!(stopped.said.contains(FOUND), "{}", stopped.said);
    user.write("flakeward.toml", "exclude = [\"web\"]\n");
    user.add_all();
    nix.run(user, "flake check", inputs).ok();
}

#[test]
fn mk_check_fails_on_findings() {
    if !have(&["git", "nix"]) {
        return;
    }
    let (nix, nixpkgs, flakeward) = (Nix::new(), nixpkgs(None), flakeward());
    let inputs = [("nixpkgs", nixpkgs.path()), ("flakeward", flakeward.path())];
    assert_check_guards_the_flake(&nix, &user("flake.nix", &inputs), &inputs);

    let strict = user("flake.nix", &inputs);
    strict.write("web/Dockerfile", BAD);
    let flake = fs::read_to_string(strict.path().join("flake.nix")).unwrap();
    let settings = "src = self; settings.rules.dockerfile.level = \"warn\"; extraArgs = [ \"--fail-on\" \"warn\" ];";
    strict.write("flake.nix", flake.replace("src = self;", settings));
    strict.add_all();
    let stopped = nix.run(&strict, "flake check", &inputs);
    assert_ne!(stopped.code, 0, "{}", stopped.said);
    assert!(stopped.said.contains("web/Dockerfile:1:1: warn[dockerfile]:"), "{}", stopped.said);
}

/// Two checks of one tree at different times are the same derivation; the age of a release is relative to the date of
/// the tree.
#[test]
fn the_result_does_not_depend_on_the_clock() {
    if !have(&["git", "nix"]) {
        return;
    }
    let (nix, nixpkgs, flakeward) = (Nix::new(), nixpkgs(None), flakeward());
    let inputs = [("nixpkgs", nixpkgs.path()), ("flakeward", flakeward.path())];
    let user = user("flake.nix", &inputs);
    user.git("commit --quiet --message=m --date=2026-01-02T03:04:05Z");
    let committed = user.run("git log -1 --format=%ct").ok();
    let script = nix.run(&user, &format!("eval --raw .#checks.{}.flakeward.script", system()), &inputs).ok();
    assert!(script.contains(&format!("--now={}'", committed.trim())), "{script}");
    assert!(!script.contains("--config"), "{script}");
}

#[test]
fn settings_are_converted_to_toml() {
    if !have(&["git", "nix"]) {
        return;
    }
    let settings = r#"{ exclude = [ "a \"b\"\n" "\\" "${"$"}{x}" ]; ports = { own-hosts = [ ]; };
        rules = { lookup-path.level = "error"; x = { a = 1; b = true; c = 1.5; "d.e" = { }; }; };
        overrides = [ { paths = [ "x" ]; rules.dockerfile = "off"; } ]; }"#;
    let repository =
        Repository::new(&[("toml.nix", &fs::read_to_string(Path::new(PROJECT).join("nix/toml.nix")).unwrap())]);
    let expression = format!("{{ toml = import ./toml.nix ({settings}); json = builtins.toJSON ({settings}); }}");
    repository.write("both.nix", &expression);
    let said = Nix::new().run(&repository, "eval --impure --json --file both.nix", &[]).ok();
    let both: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    let read: toml::Table = toml::from_str(both["toml"].as_str().unwrap()).unwrap();
    let meant: Value = serde_json::from_str(both["json"].as_str().unwrap()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), meant);
}

/// The checkouts of flake-parts and nixpkgs.lib, if environment variables name them.
fn checkouts() -> Option<(PathBuf, PathBuf)> {
    both("FLAKEWARD_TEST_FLAKE_PARTS", "FLAKEWARD_TEST_NIXPKGS_LIB")
}

/// The folders that two environment variables name, if both are set.
fn both(one: &str, other: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let both = folder(one).zip(folder(other));
    if both.is_none() {
        eprintln!("skipped: {one} and {other} are not set");
    }
    both
}

/// flakeward's own flake, checked with its own module, and its parts as other projects would use them.
#[test]
fn the_flake_of_this_repository_passes_its_own_check() {
    let Some((flake_parts, lib)) = checkouts().filter(|_| have(&["git", "nix"])) else { return };
    let Some(nix2container) = std::env::var_os("FLAKEWARD_TEST_NIX2CONTAINER").map(PathBuf::from) else { return };
    let (nix, nixpkgs, flakeward) = (Nix::new(), nixpkgs(Some(&lib)), release(project_files().into_iter()));
    let inputs = [("nixpkgs", nixpkgs.path()), ("flake-parts", &*flake_parts), ("nix2container", &*nix2container)];
    nix.run(&flakeward, "flake check", &inputs).ok();
    assert_package_is_complete(&nix, &flakeward, &inputs);
    assert_image_is_valid(&nix, &flakeward, &inputs);
    let named = nix.run(&flakeward, &format!("eval --raw .#packages.{}.flakeward-static.name", system()), &inputs);
    assert!(named.ok().starts_with(concat!("flakeward-", env!("CARGO_PKG_VERSION"))));
    let overlay = "overlay:(overlay{callPackage=file:(_:(baseNameOf(toString(file))));}{}).flakeward";
    let package = nix.run(&flakeward, &format!("eval --raw .#overlays.default --apply {overlay}"), &inputs);
    assert!(package.ok().starts_with("package.nix"));
}

/// Checks that the package has completions, manual pages and the program that `nix run` runs.
fn assert_package_is_complete(nix: &Nix, flakeward: &Repository, inputs: &[(&str, &Path)]) {
    let package = format!(".#packages.{}.flakeward", system());
    let meta = nix.run(flakeward, &format!("eval --json {package}.meta"), inputs).ok();
    let meta: Value = serde_json::Deserializer::from_str(&meta).into_iter().next().unwrap().unwrap();
    assert_eq!((&meta["mainProgram"], &meta["homepage"]), (&json!("flakeward"), &json!(env!("CARGO_PKG_HOMEPAGE"))));
    assert!(meta["platforms"].as_array().unwrap().contains(&json!(system())), "{meta}");
    nix.run(flakeward, &format!("build {package}"), inputs).ok();
    let share = flakeward.path().join("result/share");
    let installed = |file: &str| fs::read_to_string(share.join(file)).unwrap();
    for (file, part) in [
        ("bash-completion/completions/flakeward.bash", "_flakeward()"),
        ("fish/vendor_completions.d/flakeward.fish", "complete -c flakeward"),
        ("zsh/site-functions/_flakeward", "#compdef flakeward"),
        ("nushell/vendor/autoload/flakeward.nu", "export extern flakeward"),
        ("man/man1/flakeward.1", ".TH flakeward"),
        ("man/man1/flakeward-check.1", ".TH flakeward-check"),
    ] {
        assert!(installed(file).contains(part), "{file}");
    }
}

/// Checks that the image runs flakeward in the folder where a repository is mounted, and can be pushed.
fn assert_image_is_valid(nix: &Nix, flakeward: &Repository, inputs: &[(&str, &Path)]) {
    let image = format!(".#packages.{}.container-flakeward", system());
    let named = nix.run(flakeward, &format!("eval --raw {image}.imageRefUnsafe"), inputs).ok();
    let expected = concat!("ghcr.io/flakeward/flakeward:", env!("CARGO_PKG_VERSION"), "-");
    assert!(named.starts_with(expected), "{named}");
    let push = nix.run(flakeward, &format!("eval --raw {image}.copyToRegistry.name"), inputs).ok();
    assert!(push.starts_with("copy-to-registry"), "{push}");
    let derivations = nix.run(flakeward, &format!("show-derivation --recursive {image}"), inputs).ok();
    let derivations: Value = serde_json::Deserializer::from_str(&derivations).into_iter().next().unwrap().unwrap();
    let mut all = derivations.as_object().unwrap().values();
    let config = all.find(|it| it["env"]["name"] == "config.json").unwrap()["env"]["text"].as_str().unwrap();
    let config: Value = serde_json::from_str(config).unwrap();
    assert!(config["Entrypoint"][0].as_str().unwrap().ends_with("/bin/flakeward"), "{config}");
    assert_eq!(config["WorkingDir"], "/repository");
}

#[test]
fn the_flake_parts_module_fails_on_findings() {
    let Some((flake_parts, lib)) = checkouts().filter(|_| have(&["git", "nix"])) else { return };
    let (nix, nixpkgs, flakeward) = (Nix::new(), nixpkgs(Some(&lib)), release(project_files().into_iter()));
    let inputs = [("nixpkgs", nixpkgs.path()), ("flake-parts", &*flake_parts), ("flakeward", flakeward.path())];
    assert_check_guards_the_flake(&nix, &user("flake.nix, with flake-parts", &inputs), &inputs);
}

/// The value of an option from the flake-parts module of the last input, with the README's example for `perSystem`.
fn option_value(nix: &Nix, other: &str, option: &str, inputs: &[(&str, &Path)]) -> Value {
    let urls: String = inputs.iter().map(|(name, _)| format!("{name}.url = \"path:/{name}\"; ")).collect();
    let (system, name) = (system(), inputs.last().unwrap().0);
    let flake = format!(
        r#"{{
          inputs = {{ {urls} flake-parts.inputs.nixpkgs-lib.follows = "nixpkgs"; }};
          outputs = inputs: inputs.flake-parts.lib.mkFlake {{ inherit inputs; }} {{
            imports = [ inputs.{name}.flakeModule ];
            systems = [ "{system}" ];
            perSystem = {{ config, ... }}: {{ imports = [ ./module.nix ]; legacyPackages.made = config.{option}; }};
          }};
        }}"#
    );
    let module = snippet(&format!("perSystem, with {other}"));
    let user = Repository::new(&[("flake.nix", &flake), ("module.nix", &module)]);
    user.add_all();
    let said = nix.run(&user, &format!("eval --json .#legacyPackages.{system}.made"), inputs).ok();
    // Nix's warnings follow the JSON value.
    serde_json::Deserializer::from_str(&said).into_iter().next().unwrap().unwrap()
}

/// The README's hook for git-hooks.nix rejects a commit when run by the real pre-commit, and its formatter for
/// treefmt-nix fixes a file.
#[test]
fn the_examples_for_git_hooks_and_treefmt_work() {
    let Some((flake_parts, lib)) = checkouts().filter(|_| have(&["git", "nix", "pre-commit"])) else { return };
    let Some((git_hooks, treefmt)) = both("FLAKEWARD_TEST_GIT_HOOKS", "FLAKEWARD_TEST_TREEFMT") else { return };
    let (nix, nixpkgs, flakeward) = (Nix::new(), nixpkgs(Some(&lib)), flakeward());
    let inputs = |name, other| {
        [("nixpkgs", nixpkgs.path()), ("flake-parts", &*flake_parts), ("flakeward", flakeward.path()), (name, other)]
    };
    let hook = option_value(
        &nix,
        "git-hooks.nix",
        "pre-commit.settings.hooks.flakeward.raw",
        &inputs("git-hooks", &*git_hooks),
    );
    let config = json!({ "repos": [{ "repo": "local", "hooks": [hook] }] });
    let user = Repository::new(&[(".pre-commit-config.yaml", &config.to_string())]);
    user.commit().ok();
    user.run("pre-commit install").ok();
    user.write("web/Dockerfile", BAD);
    let stopped = user.commit();
    assert_ne!(stopped.code, 0, "{}", stopped.said);
    assert!(stopped.said.contains("error[dockerfile]"), "{}", stopped.said);
    user.git("rm --quiet -r --force web");
    user.write("ok.nix", "{ }\n");
    user.commit().ok();

    let formatter =
        option_value(&nix, "treefmt-nix", "treefmt.settings.formatter.flakeward", &inputs("treefmt", &*treefmt));
    let command = formatter["command"].as_str().unwrap();
    let words = formatter["options"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let fixed = Repository::new(&[
        ("lib/ports.nix", "{\n  redis = 6379;\n}\n"),
        ("cache.nix", "{\n  services.redis.port = 6379;\n}\n"),
    ]);
    ran(&fixed.command(command).args(words).arg("cache.nix").output().unwrap()).ok();
    let text = fs::read_to_string(fixed.path().join("cache.nix")).unwrap();
    assert!(text.contains("port = ports.redis;"), "{text}");
    assert_eq!(formatter["includes"], json!(["*.nix", "*.yml", "*.yaml"]));
}
