//! `unlayered-image`: nix2container images whose rarely changing parts are not in separate layers.

use std::collections::HashSet;

use super::{Check, FileCheck, Trigger, Verdict};
use crate::facts::needles::Words;
use crate::facts::{FileView, Glance};
use crate::finding::{Finding, Span};
use crate::lang::nix::attrs;
use crate::lang::nix::attrs::{Attr, Attrs, Piece};
use crate::lang::{Field, Node, NodeKind, Tree, nix};
use crate::source;
use crate::suggest::nearest;

const RULE: &str = "unlayered-image";

/// See `rules/unlayered-image.md`.
pub static CHECK: Check =
    Check::of_files(RULE, FileCheck { needles: &[&LIBRARY, &BUILDERS], trigger: Trigger::Holds(trigger), check });

static LIBRARY: Words = Words::any_of(&["nix2container"]);
static BUILDERS: Words = Words::any_of(&["buildImage", "buildLayer"]);

fn trigger(source: &Glance<'_>) -> bool {
    source.kind == source::FileKind::Nix && source.has(&LIBRARY) && source.has(&BUILDERS)
}

fn check(view: &FileView<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(tree) = view.tree else { return verdict };
    for apply in tree.nodes().filter(|&node| tree.kind(node) == NodeKind::Apply) {
        let (Some(function), Some(argument)) = (tree.child(apply, Field::Function), tree.child(apply, Field::Argument))
        else {
            continue;
        };
        let function = nix::unwrap_parens(tree, function);
        let Some(builder) = builder(tree, function) else { continue };
        let settings = Attrs::read(tree, &[Piece::whole(argument)]);
        deprecated_contents(view, &mut verdict, tree, &builder.name, &settings);
        if builder.name == "buildImage" {
            dropped_config(view, &mut verdict, tree, &settings);
            layers(view, &mut verdict, tree, &builder, &settings);
        }
    }
    verdict
}

/// A call to a nix2container function.
struct Builder {
    name: String,
    span: Span,
    /// The prefix under which `buildLayer` is available.
    prefix: String,
}

/// The maximum number of times that a name is followed to its binding.
const HOPS: usize = 8;

/// Recognises nix2container's `buildImage` and `buildLayer`, whether selected, inherited, or under `with`.
fn builder(tree: &Tree<'_>, function: Node) -> Option<Builder> {
    let (name, owner) = last_selected(tree, function)?;
    if !matches!(&*name, "buildImage" | "buildLayer") || !is_nix2container(tree, owner, HOPS) {
        return None;
    }
    let written = tree.slice(function);
    let prefix = written.strip_suffix(name.as_str()).unwrap_or("nix2container.").to_owned();
    Some(Builder { name, span: tree.span(function), prefix })
}

/// What a name is selected from.
enum Owner {
    /// The name before it in the same selection: `nix2container` in `x.nix2container.buildImage`.
    Name(String),
    /// An expression.
    Expression(Node),
}

/// The last name of a function, and its owner.
fn last_selected(tree: &Tree<'_>, function: Node) -> Option<(String, Owner)> {
    match tree.kind(function) {
        NodeKind::Select => {
            let names: Vec<_> = nix::names(tree, tree.child(function, Field::Attrpath)?).collect();
            let (last, before) = names.split_last()?;
            let owner = match before.last() {
                Some(owner) => Owner::Name(owner.text.as_deref()?.to_owned()),
                None => Owner::Expression(tree.child(function, Field::Expression)?),
            };
            Some((last.text.as_deref()?.to_owned(), owner))
        }
        NodeKind::Variable => {
            let name = tree.slice(function).to_owned();
            let owner = match nix::resolve(tree, function, &name) {
                Some(nix::Origin::Inherited(node)) => Owner::Expression(inherited_from(tree, node)?),
                Some(nix::Origin::Binding(binding)) => {
                    return last_selected_again(tree, nix::unwrap_parens(tree, nix::value(tree, binding)?));
                }
                Some(nix::Origin::Argument(_)) => return None,
                None => Owner::Expression(with_around(tree, function)?),
            };
            Some((name, owner))
        }
        _ => None,
    }
}

/// Like [`last_selected`], for the value of a variable, which must be a selection: variables are followed only once.
fn last_selected_again(tree: &Tree<'_>, value: Node) -> Option<(String, Owner)> {
    (tree.kind(value) == NodeKind::Select).then(|| last_selected(tree, value))?
}

fn inherited_from(tree: &Tree<'_>, name: Node) -> Option<Node> {
    let inherit = tree.parent(tree.parent(name)?)?;
    (tree.kind(inherit) == NodeKind::InheritFrom).then(|| tree.child(inherit, Field::Expression))?
}

fn with_around(tree: &Tree<'_>, node: Node) -> Option<Node> {
    let with = tree.ancestors(node).find(|&node| tree.kind(node) == NodeKind::With)?;
    tree.child(with, Field::Environment)
}

fn is_nix2container(tree: &Tree<'_>, owner: Owner, hops: usize) -> bool {
    let node = match owner {
        Owner::Name(name) => return name == "nix2container",
        Owner::Expression(node) => nix::unwrap_parens(tree, node),
    };
    match tree.kind(node) {
        NodeKind::Variable if tree.slice(node) == "nix2container" => true,
        NodeKind::Variable if hops > 0 => match nix::resolve(tree, node, tree.slice(node)) {
            Some(nix::Origin::Binding(binding)) => nix::value(tree, binding)
                .is_some_and(|value| is_nix2container(tree, Owner::Expression(value), hops - 1)),
            _ => false,
        },
        NodeKind::Select => {
            let last = tree.child(node, Field::Attrpath).and_then(|path| nix::names(tree, path).last());
            last.and_then(|name| name.text).as_deref() == Some("nix2container")
        }
        _ => false,
    }
}

fn deprecated_contents(view: &FileView<'_>, out: &mut Verdict, tree: &Tree<'_>, function: &str, settings: &Attrs) {
    let Some(contents) = settings.get("contents") else { return };
    let message = format!("`contents` of nix2container's {function} is deprecated and will be removed");
    let finding = view.finding(RULE, tree.span(contents.node), message).label("write `copyToRoot`");
    out.report(
        finding.help(
            "rename it to `copyToRoot`; move packages that are only needed in the store to the `deps` of a layer",
        ),
    );
}

/// The fields of an image's configuration (OCI image-spec, `specs-go/v1/config.go`), which are matched without regard
/// to case. All other fields are silently ignored.
const CONFIG: [&str; 10] = [
    "user",
    "exposedports",
    "env",
    "entrypoint",
    "cmd",
    "volumes",
    "workingdir",
    "labels",
    "stopsignal",
    "argsescaped",
];

fn dropped_config(view: &FileView<'_>, out: &mut Verdict, tree: &Tree<'_>, settings: &Attrs) {
    for attr in settings.inside(tree, "config").all {
        let lower = attr.name.to_ascii_lowercase();
        if CONFIG.contains(&&*lower) {
            continue;
        }
        let name = &attr.name;
        let message =
            format!("`{name}` in an image's `config` is ignored: nix2container's image format has no such field");
        let help = match &*lower {
            "healthcheck" => Some(
                "define the probe where the image runs: in `readiness_probe` of a process, or in the orchestrator"
                    .to_owned(),
            ),
            "onbuild" => Some("remove it: it only affects Dockerfiles that build on this image".to_owned()),
            "shell" => Some("name the shell in `Cmd` or `Entrypoint`".to_owned()),
            _ => nearest(&lower, CONFIG.iter().copied()).map(|near| format!("did you mean `{}`?", proper(near))),
        };
        let finding = view.finding(RULE, tree.span(attr.node), message).label("has no effect");
        out.report(match help {
            Some(help) => finding.help(help),
            None => finding,
        });
    }
}

/// The specification's spelling of a field.
fn proper(lower: &str) -> &str {
    match lower {
        "exposedports" => "ExposedPorts",
        "workingdir" => "WorkingDir",
        "stopsignal" => "StopSignal",
        "user" => "User",
        "env" => "Env",
        "entrypoint" => "Entrypoint",
        "cmd" => "Cmd",
        "volumes" => "Volumes",
        "labels" => "Labels",
        other => other,
    }
}

fn layers(view: &FileView<'_>, out: &mut Verdict, tree: &Tree<'_>, builder: &Builder, settings: &Attrs) {
    // An image based on another one gets its runtime from that one, and `maxLayers` splits the image automatically.
    if settings.get("fromImage").is_some() || splits_itself(tree, settings) {
        return;
    }
    let copied = settings.get("copyToRoot").and_then(Attr::value);
    let runtimes = copied.map(|node| packages(tree, node)).unwrap_or_default();
    match settings.get("layers") {
        None if settings.open => {
            out.not_decidable(
                &view.source.path,
                "cannot tell whether this nix2container image has layers: its arguments are computed",
            );
        }
        None => no_layers(view, out, tree, builder, settings, &runtimes),
        Some(attr) => match attr.value().map(|value| attrs::plain(tree, value)) {
            Some(list) if tree.kind(list) == NodeKind::List && attrs::items(tree, list).next().is_none() => {
                no_layers(view, out, tree, builder, settings, &runtimes);
            }
            Some(list) if tree.kind(list) == NodeKind::List => {
                runtimes_in_root(view, out, tree, builder, list, &runtimes)
            }
            // The layers are not a literal list, so they are not known.
            _ => {}
        },
    }
}

fn splits_itself(tree: &Tree<'_>, settings: &Attrs) -> bool {
    let Some(attr) = settings.get("maxLayers") else { return false };
    attr.value().and_then(|value| attrs::text(tree, value)).as_deref() != Some("1")
}

fn no_layers(
    view: &FileView<'_>,
    out: &mut Verdict,
    tree: &Tree<'_>,
    builder: &Builder,
    settings: &Attrs,
    runtimes: &[(Node, String)],
) {
    let name = settings.get("name").and_then(|attr| attrs::text(tree, attr.value()?));
    let name = name.map_or(String::new(), |name| format!(" `{name}`"));
    let message = format!(
        "the image{name} has no `layers`, so every change to the application rebuilds and pushes the whole image"
    );
    let deps = runtimes.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
    let layer = format!("layers = [ ({}buildLayer {{ deps = [ {deps} ]; }}) ];", builder.prefix);
    let mut finding: Finding = view.finding(RULE, builder.span, message).label("everything is in one layer");
    for (node, text) in runtimes {
        finding = finding.also(&view.source.path, tree.span(*node), format!("`{text}` belongs in a layer"));
    }
    let layer = match runtimes {
        [] => format!(
            "`layers = [ ({}buildLayer {{ deps = [ .. ]; }}) ];` with the packages that the application needs and that \
             rarely change",
            builder.prefix
        ),
        _ => format!("`{layer}`"),
    };
    out.report(finding.help(format!("put the runtime in a layer, and the application in `copyToRoot`: {layer}")));
}

/// Reports packages in the root that are in no layer.
fn runtimes_in_root(
    view: &FileView<'_>,
    out: &mut Verdict,
    tree: &Tree<'_>,
    builder: &Builder,
    layers: Node,
    runtimes: &[(Node, String)],
) {
    // A layer that is a name or a call may contain anything.
    let written = |layer: Node| {
        let layer = nix::unwrap_parens(tree, layer);
        let function = (tree.kind(layer) == NodeKind::Apply).then(|| tree.child(layer, Field::Function)).flatten();
        function.and_then(|function| self::builder(tree, nix::unwrap_parens(tree, function))).is_some()
    };
    if !attrs::items(tree, layers).all(written) {
        return;
    }
    let layered: HashSet<&str> = tree
        .subtree(layers)
        .filter(|&node| matches!(tree.kind(node), NodeKind::Select | NodeKind::Variable))
        .map(|node| nix_name(tree.slice(node)))
        .collect();
    let bare: Vec<&(Node, String)> = runtimes.iter().filter(|(_, text)| !layered.contains(nix_name(text))).collect();
    let Some(((first, _), others)) = bare.split_first() else { return };
    let deps = bare.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ");
    let all = bare.iter().map(|(_, text)| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    let message =
        format!("`copyToRoot` contains {all} outside any layer: every change to the application pushes it again");
    let mut finding = view.finding(RULE, tree.span(*first), message).label("belongs in a layer");
    for (node, text) in others {
        finding = finding.also(&view.source.path, tree.span(*node), format!("so does `{text}`"));
    }
    out.report(finding.help(format!("add a layer: `({}buildLayer {{ deps = [ {deps} ]; }})`", builder.prefix)));
}

/// A package's name without the prefix `pkgs.`, which it lacks under `with pkgs`.
fn nix_name(text: &str) -> &str {
    text.strip_prefix("pkgs.").unwrap_or(text)
}

/// The nixpkgs packages that are copied to the root, each with its name: `pkgs.*`, including the ones in `buildEnv`
/// and `symlinkJoin`.
fn packages(tree: &Tree<'_>, root: Node) -> Vec<(Node, String)> {
    let mut found = Vec::new();
    let mut todo = vec![root];
    let mut seen = HashSet::new();
    while let Some(node) = todo.pop() {
        if !seen.insert(node) {
            continue;
        }
        match tree.kind(node) {
            NodeKind::Parenthesized => todo.extend(tree.child(node, Field::Expression)),
            NodeKind::Let | NodeKind::With | NodeKind::Assert => todo.extend(tree.child(node, Field::Body)),
            NodeKind::List => todo.extend(attrs::items(tree, node)),
            NodeKind::Binary => {
                todo.extend([Field::Left, Field::Right].into_iter().filter_map(|side| tree.child(node, side)))
            }
            NodeKind::Apply => todo.extend(handed_on(tree, node)),
            NodeKind::Select => found.extend(selected(tree, node).map(|text| (node, text))),
            NodeKind::Variable => match attrs::binding_of(tree, node) {
                Some(value) => todo.push(value),
                None => found.extend(under_with_pkgs(tree, node).map(|text| (node, text))),
            },
            _ => {}
        }
    }
    found.sort();
    found
}

fn selected(tree: &Tree<'_>, node: Node) -> Option<String> {
    let text = nix::dotted(tree, node)?;
    let rest = text.strip_prefix("pkgs.")?;
    // The attributes of dockerTools are files for the root, such as /etc/passwd.
    (!rest.starts_with("dockerTools.")).then(|| text.into_owned())
}

fn under_with_pkgs(tree: &Tree<'_>, node: Node) -> Option<String> {
    let name = tree.slice(node);
    let with = with_around(tree, node)?;
    (tree.slice(with) == "pkgs" && nix::resolve(tree, node, name).is_none()).then(|| format!("pkgs.{name}"))
}

/// The arguments of a call whose packages end up in the root.
fn handed_on(tree: &Tree<'_>, apply: Node) -> Vec<Node> {
    let Some((name, arguments)) = nix::call(tree, apply) else { return Vec::new() };
    match (nix::last_name(&name), arguments.as_slice()) {
        ("buildEnv" | "symlinkJoin", [argument]) => {
            let settings = Attrs::read(tree, &[Piece::whole(*argument)]);
            settings.get("paths").and_then(Attr::value).into_iter().collect()
        }
        ("optional" | "optionals", [_, list]) => vec![*list],
        _ => Vec::new(),
    }
}
