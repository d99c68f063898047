//! `install-in-app-derivation`: dependencies that are reinstalled with every build of the application.

mod script;

use std::collections::HashSet;

use self::script::{Command, commands};
use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::needles::Words;
use crate::facts::{FileView, Glance};
use crate::finding::Span;
use crate::lang::nix::attrs;
use crate::lang::nix::attrs::{Attrs, Piece};
use crate::lang::{Node, NodeKind, Tree, nix};
use crate::source;

const RULE: &str = "install-in-app-derivation";

/// See `rules/install-in-app-derivation.md`.
pub static CHECK: Check =
    Check::of_files(RULE, FileCheck { needles: &[&TOOLS], trigger: Trigger::Holds(trigger), check });

static TOOLS: Words = Words::counted(&["npm", "pnpm", "yarn", "bun"], |text, place| {
    let is_part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    // The letter of an escape such as `\n` is not part of a word.
    let is_escape = place.start >= 2 && text[place.start - 2] == b'\\';
    (is_escape || !is_part(text[..place.start].last())) && !is_part(text.get(place.end))
});

fn trigger(source: &Glance<'_>) -> bool {
    source.kind == source::FileKind::Nix && source.has(&TOOLS)
}

/// A script that runs when a derivation is built.
struct Script {
    /// Its name, such as `buildPhase`.
    phase: String,
    text: String,
    start: u32,
}

/// The attributes of a derivation that this rule needs.
struct Derivation {
    /// The function that creates it, such as `mkDerivation`.
    function: String,
    name: Option<String>,
    settings: Attrs,
    scripts: Vec<Script>,
}

fn check(view: &FileView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(tree) = view.tree else { return verdict };
    let mut reported = HashSet::new();
    for apply in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Apply) {
        if let Some(derivation) = called(tree, apply) {
            judge(view, &mut verdict, &derivation, &mut reported);
        }
    }
    verdict
}

/// Whether this nixpkgs function creates a derivation from an attribute set.
fn makes_a_derivation(name: &str) -> bool {
    name == "mkDerivation"
        || name == "derivation"
        || name == "overrideAttrs"
        || name == "mkYarnPackage"
        || name == "mkPnpmPackage"
        || name == "mkBunDerivation"
        || (name.starts_with("build") && name.ends_with("Package"))
        || matches!(name, "buildGoModule" | "buildNodePackage" | "buildPythonApplication" | "buildDotnetModule")
}

/// Whether a function builds an application regardless of its phases.
fn builds_by_itself(name: &str) -> bool {
    makes_a_derivation(name) && !matches!(name, "mkDerivation" | "derivation" | "overrideAttrs")
}

/// The derivation that a call creates, if it creates one.
fn called(tree: &Tree<'_>, apply: Node) -> Option<Derivation> {
    let (name, arguments) = nix::call(tree, apply)?;
    let function = nix::last_name(&name).to_owned();
    if let ("runCommand" | "runCommandCC" | "runCommandNoCC" | "runCommandLocal", [name, environment, text]) =
        (&*function, arguments.as_slice())
    {
        let settings = Attrs::read(tree, &[Piece::whole(*environment)]);
        let script = script(tree, "the command", *text)?;
        return Some(Derivation { function, name: attrs::text(tree, *name), settings, scripts: vec![script] });
    }
    if !makes_a_derivation(&function) {
        return None;
    }
    let argument = *arguments.last()?;
    let settings = Attrs::read(tree, &[Piece::whole(argument)]);
    let scripts: Vec<_> = settings
        .all
        .iter()
        .filter(|attr| is_phase(&attr.name))
        .filter_map(|attr| script(tree, &attr.name, attr.value()?))
        .collect();
    let name = ["pname", "name"].iter().find_map(|key| settings.get(key));
    let name = name.and_then(|attr| attrs::text(tree, attr.value()?));
    (!scripts.is_empty()).then_some(Derivation { function, name, settings, scripts })
}

/// Whether a name is a phase: `buildPhase`, `preBuild`, `postInstall`, `buildCommand`, or a custom phase.
fn is_phase(name: &str) -> bool {
    let hook = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| {
            matches!(
                rest,
                "Unpack" | "Patch" | "Configure" | "Build" | "Check" | "Install" | "Fixup" | "InstallCheck" | "Dist"
            )
        })
    };
    name.ends_with("Phase") || name == "buildCommand" || hook("pre") || hook("post")
}

fn script(tree: &Tree<'_>, phase: &str, value: Node) -> Option<Script> {
    let (text, start) = nix::masked(tree, attrs::plain(tree, value))?;
    Some(Script { phase: phase.to_owned(), text, start })
}

fn judge(view: &FileView<'_>, out: &mut Verdict, derivation: &Derivation, reported: &mut HashSet<Span>) {
    // A fixed-output derivation has network access, and its result is kept: that is how dependencies are fetched.
    if ["outputHash", "outputHashAlgo", "outputHashMode"].iter().any(|key| derivation.settings.get(key).is_some()) {
        return;
    }
    let Some((script, install)) = installing(derivation) else { return };
    if derivation.settings.open && !builds(derivation) {
        out.not_decidable(
            &view.source.path,
            "cannot tell whether a derivation that installs dependencies also builds: some of its attributes are computed",
        );
        return;
    }
    if !builds(derivation) {
        return;
    }
    let what = derivation.name.as_ref().map_or("the application".to_owned(), |name| format!("`{name}`"));
    let command = plain_words(&install);
    let at = script.start as usize;
    let span = Span::new(at + install.start, at + install.end);
    // A set that several derivations share is reported once, for the first of them.
    if !reported.insert(span) {
        return;
    }
    let message = format!("`{command}` runs in {} of the derivation that also builds {what}", in_phase(&script.phase));
    let help = format!(
        "run `{command}` in a separate derivation with an `outputHash` and link its node_modules here, so that source changes do not reinstall dependencies"
    );
    let finding = view.finding(RULE, span, message).label("runs again after every source change").help(help);
    out.report(finding);
}

fn in_phase(phase: &str) -> String {
    match phase.contains(' ') {
        true => phase.to_owned(),
        false => format!("`{phase}`"),
    }
}

/// The program and its subcommand, without flags.
fn plain_words(install: &Command<'_>) -> String {
    let mut words = vec![install.program()];
    words.extend(
        install.words.iter().skip(1).filter(|word| matches!(**word, "install" | "i" | "ci" | "clean-install")).take(1),
    );
    words.join(" ")
}

fn installing(derivation: &Derivation) -> Option<(&Script, Command<'_>)> {
    derivation.scripts.iter().find_map(|script| {
        let install = commands(&script.text).into_iter().find(Command::installs)?;
        Some((script, install))
    })
}

fn builds(derivation: &Derivation) -> bool {
    builds_by_itself(&derivation.function)
        || derivation.scripts.iter().any(|script| commands(&script.text).iter().any(Command::builds))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::found;

    const RULE: &str = "install-in-app-derivation";

    #[test]
    fn installs_are_reported_for_every_builder_in_every_phase() {
        for builder in [
            "pkgs.stdenv.mkDerivation",
            "stdenvNoCC.mkDerivation",
            "(stdenv.mkDerivation)",
            "buildNpmPackage",
            "pkgs.buildNpmPackage",
            "mkYarnPackage",
            "mkPnpmPackage",
            "mkBunDerivation",
            "buildRustPackage",
            "buildGoModule",
            "buildPythonPackage",
            "buildDotnetModule",
            "app.overrideAttrs",
        ] {
            for phase in [
                "configurePhase",
                "buildPhase",
                "installPhase",
                "checkPhase",
                "webPhase",
                "preConfigure",
                "preBuild",
                "postBuild",
                "preInstall",
                "postPatch",
            ] {
                let text = format!("p: {builder} {{ name = \"web\"; {phase} = \"npm ci && npm run build\"; }}");
                assert_eq!(found(RULE, &[("web.nix", &text)]), ["npm ci"], "{text}");
            }
        }
        for (command, expected) in [
            ("runCommand \"web\" { } \"npm ci && npm run build\"", &["npm ci"][..]),
            ("pkgs.runCommandLocal \"web\" { } \"pnpm install && pnpm build\"", &["pnpm install"]),
            ("runCommandCC \"web\" { } ''\n  yarn\n  yarn build\n''", &["yarn"]),
            ("runCommand \"deps\" { outputHash = \"sha256-x\"; } \"npm ci && cp -r . $out\"", &[]),
            ("runCommand \"deps\" { } \"npm ci && mv node_modules $out\"", &[]),
            ("mkDerivation (final: { name = \"x\"; buildPhase = \"bun i && bun build x\"; })", &["bun i"]),
            ("mkDerivation (args // { buildPhase = \"bun i && bun build x\"; })", &["bun i"]),
            ("mkShell { shellHook = \"npm ci && npm run build\"; }", &[]),
            ("writeShellScriptBin \"dev\" \"npm ci && npm run build\"", &[]),
            ("mkDerivation { meta.description = \"npm ci && npm run build\"; }", &[]),
        ] {
            assert_eq!(found(RULE, &[("web.nix", &format!("p: with p; {command}"))]), expected, "{command}");
        }
    }
}
