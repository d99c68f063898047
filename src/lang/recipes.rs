//! Recipes of justfiles and makefiles: their names, dependencies, and bodies as shell scripts.

/// A recipe.
#[derive(Debug)]
pub struct Recipe<'a> {
    /// Its name.
    pub name: &'a str,
    /// The recipes that run before or after it.
    pub dependencies: Vec<&'a str>,
    /// The offset of its body in the file.
    pub start: usize,
    /// The lines after its header, byte for byte, with the marks `@`, `-` and `+` before commands blanked.
    pub body: String,
}

impl Recipe<'_> {
    /// Whether its body is a shell script: in a justfile, a shebang may select another language.
    pub fn is_shell(&self) -> bool {
        let first = self.body.trim_start();
        let shebang = first.strip_prefix("#!").and_then(|line| line.lines().next()).unwrap_or("sh");
        shebang.trim_end().ends_with("sh") || shebang.contains("sh ")
    }

    fn push(&mut self, line: &str) {
        let marks = line.len() - line.trim_start_matches(['\t', ' ', '@', '-', '+']).len();
        self.body.extend(std::iter::repeat_n(' ', marks));
        self.body.push_str(&line[marks..]);
    }
}

/// The recipes of a justfile.
pub fn just(text: &str) -> Vec<Recipe<'_>> {
    let mut recipes = read(text, just_header);
    fill_in(&mut recipes, &variables(text), &[("{{", "}}")]);
    recipes
}

/// Another justfile that a justfile reads.
#[derive(Debug, PartialEq, Eq)]
pub struct Module<'a> {
    /// The name before its recipes, as in `just image::build`; `None` for an import.
    pub name: Option<&'a str>,
    /// Its path, relative to the file that reads it; `None` if just searches for it by its name.
    pub path: Option<&'a str>,
}

/// The files that a makefile includes: `include build/docker.mk`, `-include local.mk`.
pub fn includes(text: &str) -> impl Iterator<Item = &str> {
    let files = text.lines().filter_map(|line| {
        let (keyword, rest) = line.split_once([' ', '\t'])?;
        matches!(keyword, "include" | "-include" | "sinclude").then(|| rest.split('#').next().unwrap_or(rest))
    });
    files.flat_map(str::split_whitespace).filter(|path| is_name(path))
}

/// The imports and modules of a justfile: `import 'ci.just'`, `mod image`, `mod? image 'ci/image.just'`.
pub fn modules(text: &str) -> Vec<Module<'_>> {
    text.lines().filter_map(module).collect()
}

fn module(line: &str) -> Option<Module<'_>> {
    fn unquoted(path: &str) -> Option<&str> {
        Some(path.trim().trim_matches(['\'', '"'])).filter(|path| !path.is_empty())
    }
    let (keyword, rest) = line.split_once([' ', '\t'])?;
    let rest = rest.split('#').next().unwrap_or(rest).trim();
    match keyword {
        "import" | "import?" => Some(Module { name: None, path: Some(unquoted(rest)?) }),
        "mod" | "mod?" => {
            let (name, path) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
            is_name(name).then_some(Module { name: Some(name), path: unquoted(path) })
        }
        _ => None,
    }
}

/// The rules of a makefile.
pub fn make(text: &str) -> Vec<Recipe<'_>> {
    let mut recipes = read(text, make_header);
    fill_in(&mut recipes, &variables(text), &[("$(", ")"), ("${", "}")]);
    recipes
}

/// The variables with a single word as their value: `DOCKER ?= docker`, `engine := "podman"`.
fn variables(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with(['\t', ' ', '#'])) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim_end_matches([':', '?', ' ', '\t']);
        let value = value.trim().trim_matches(['"', '\'']);
        if is_name(name) && is_name(value) {
            found.push((name, value));
        }
    }
    found
}

/// Replaces references to variables in bodies with their values, padded with blanks to keep offsets. A value that is
/// longer than the reference is not inserted.
fn fill_in(recipes: &mut [Recipe<'_>], variables: &[(&str, &str)], brackets: &[(&str, &str)]) {
    const MOST: usize = 200;
    for (name, value) in variables.iter().take(MOST) {
        for (open, close) in brackets {
            for blank in ["", " "] {
                let reference = format!("{open}{blank}{name}{blank}{close}");
                let Some(padding) = reference.len().checked_sub(value.len()) else { continue };
                let padded = format!("{value}{}", " ".repeat(padding));
                for recipe in recipes.iter_mut().filter(|recipe| recipe.body.contains(&reference)) {
                    recipe.body = recipe.body.replace(&reference, &padded);
                }
            }
        }
    }
}

/// A header's name and dependencies.
type Header<'a> = (&'a str, Vec<&'a str>);

fn read<'a>(text: &'a str, header: fn(&'a str) -> Option<Header<'a>>) -> Vec<Recipe<'a>> {
    let mut recipes: Vec<Recipe<'a>> = Vec::new();
    let mut is_open = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indented = line.starts_with(['\t', ' ']);
        match recipes.last_mut().filter(|_| is_open) {
            Some(recipe) if indented || line.trim().is_empty() => recipe.push(line),
            _ if indented || line.trim().is_empty() || line.starts_with('#') => {}
            _ => {
                let found = header(line);
                is_open = found.is_some();
                let start = at + line.len();
                let recipe = |(name, dependencies)| Recipe { name, dependencies, start, body: String::new() };
                recipes.extend(found.map(recipe));
            }
        }
        at += line.len();
    }
    recipes
}

/// Parses a header such as `dev port="1": build (push "x") && done`, with `@` for a quiet recipe.
fn just_header(line: &str) -> Option<Header<'_>> {
    let (head, rest) = line.split_once(':')?;
    let name = head.trim_start_matches('@').split_whitespace().next()?;
    let keyword = matches!(name, "set" | "alias" | "export" | "import" | "import?" | "mod" | "mod?");
    let rest = rest.split('#').next().unwrap_or("");
    let names = rest.split_whitespace().map(|word| word.trim_matches(['(', ')'])).filter(|word| is_name(word));
    (!rest.starts_with('=') && !keyword && !name.starts_with('[')).then(|| (name, names.collect()))
}

/// Parses a header such as `dev: build`.
fn make_header(line: &str) -> Option<Header<'_>> {
    let (head, rest) = line.split_once(':')?;
    let assigns = rest.starts_with('=') || rest.starts_with(":=") || head.contains('=');
    let rest = rest.split(['#', ';']).next().unwrap_or("");
    let name = head.split_whitespace().next().filter(|_| !assigns)?;
    Some((name, rest.split_whitespace().filter(|word| is_name(word)).collect()))
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(recipes: Vec<Recipe<'_>>) -> Vec<String> {
        recipes
            .iter()
            .map(|recipe| format!("{}({}): {}", recipe.name, recipe.dependencies.join(" "), recipe.body.trim()))
            .collect()
    }

    #[test]
    fn recipes_have_dependencies_and_bodies() {
        let text = "set x := 1\n@all: build (push 'a') # c\n  @echo a\n\nbuild:\n  b\nv := 'x'\n  stray\n";
        assert_eq!(shown(just(text)), ["all(build push): echo a", "build(): b"]);
        let text = "X := a:b\n.PHONY: all\nall: build push # c\n\t@echo a\nbuild:\n\tb\n";
        assert_eq!(shown(make(text)), [".PHONY(all): ", "all(build push): echo a", "build(): b"]);
    }

    #[test]
    fn justfiles_read_other_justfiles() {
        let text = "import 'ci/a.just'\nimport? \"b.just\" # c\nmod image\nmod? web 'web/just'\nmodel:\n  mod x\n";
        let found: Vec<_> = modules(text).into_iter().map(|module| (module.name, module.path)).collect();
        let expected =
            [(None, Some("ci/a.just")), (None, Some("b.just")), (Some("image"), None), (Some("web"), Some("web/just"))];
        assert_eq!(found, expected);
    }

    #[test]
    fn variables_with_a_single_word_are_filled_in() {
        let text =
            "DOCKER ?= docker\nFLAGS := -a -b\nX = much-longer\nimage:\n\t$(DOCKER) build $(FLAGS) $(X) ${DOCKER}\n";
        assert_eq!(shown(make(text)), ["image(): docker    build $(FLAGS) $(X) docker"]);
        let text = "engine := \"podman\"\nimage:\n  {{ engine }} build {{engine}}\n";
        assert_eq!(shown(just(text)), ["image(): podman       build podman"]);
    }
}
