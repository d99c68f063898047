//! The scripts that PHP-FPM runs for nginx. PHP-FPM accepts only absolute paths of scripts, and the module does not
//! know the path of the checkout. The paths are therefore written relative to `$document_root`, which nginx makes
//! absolute.

use super::Rewrite;
use crate::migrate::compose::folders;
use crate::migrate::compose::nginx::parse::Directive;
use crate::migrate::nix::Text;
use crate::paths;

/// What a block and the blocks around it define for scripts.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The folder in the checkout that nginx serves.
    root: Option<String>,
    /// The index of the service that runs the scripts.
    runs: Option<usize>,
    /// Whether the block may serve a different folder than the blocks around it.
    is_open: bool,
}

/// The parameters whose values are paths for PHP-FPM.
const PATHS: [&str; 3] = ["SCRIPT_FILENAME", "DOCUMENT_ROOT", "PATH_TRANSLATED"];

impl Rewrite<'_, '_, '_, '_> {
    /// The scope of a block inside the current one.
    pub(super) fn scope(&self, directives: &[Directive], parents: &[&str]) -> Scope {
        let outer = self.scopes.borrow().last().cloned().unwrap_or_default();
        let passes = directives.iter().any(|directive| directive.name() == "fastcgi_pass");
        let runs = self.passed_scripts(directives, 0).or(outer.runs.filter(|_| !passes));
        let is_own = |directive: &Directive| matches!(directive.name(), "root" | "alias" | "try_files");
        let is_open = parents.last() == Some(&"location") && !directives.iter().any(is_own);
        let inner = Scope { runs, is_open, ..outer };
        // In a location with `alias`, `$document_root` is the folder of the alias.
        let is_root = |directive: &&Directive| matches!(directive.name(), "root" | "alias");
        let root = directives.iter().find(is_root).and_then(|root| root.argument(1));
        let root = root.map(|root| root.trim_matches(['"', '\'']));
        match root {
            Some(root) if root.contains('$') => Scope { root: None, ..inner },
            Some(root) => Scope { root: self.served(root.trim_end_matches('/'), inner.runs), ..inner },
            None => inner,
        }
    }

    /// The service to which these directives pass scripts. A `fastcgi_pass` in an inner block also applies to the outer
    /// blocks.
    fn passed_scripts(&self, directives: &[Directive], depth: usize) -> Option<usize> {
        let services = &self.instance.builder.stack.services;
        let passed = directives.iter().find(|directive| directive.name() == "fastcgi_pass");
        if let Some(server) = passed.and_then(|directive| directive.argument(1)) {
            let is_upstream = |other: &&Directive| other.name() == "upstream" && other.argument(1) == Some(server);
            let upstream = self.upstreams.contains(server).then(|| self.http.iter().find(is_upstream)).flatten();
            let upstream = upstream.and_then(|upstream| upstream.block.as_ref());
            let member = upstream.and_then(|block| block.iter().find(|inner| inner.name() == "server")?.argument(1));
            let host = member.unwrap_or(server).split(':').next().unwrap_or_default();
            let named = services.iter().position(|service| service.names.iter().any(|name| name == host));
            // If the host is unknown, for example in a variable, it can only be the single PHP-FPM service.
            let only = match self.fpms.as_slice() {
                [only] => Some(*only),
                _ => None,
            };
            return named.map_or(only, |index| self.fpms.contains(&index).then_some(index));
        }
        let blocks = directives.iter().filter_map(|directive| directive.block.as_ref()).filter(|_| depth < DEEPEST);
        blocks.into_iter().find_map(|block| self.passed_scripts(block, depth + 1))
    }

    /// The folder in the checkout for a path that nginx serves.
    fn served(&self, path: &str, runs: Option<usize>) -> Option<String> {
        self.in_checkout(path).or_else(|| self.around(path)).or_else(|| self.run_from(path, runs))
    }

    /// The path in the checkout for a path in the container of the service that runs the scripts.
    fn run_from(&self, path: &str, runs: Option<usize>) -> Option<String> {
        let service = &self.instance.builder.stack.services[runs?];
        if !path.starts_with('/') {
            return None;
        }
        let path = path.trim_end_matches('/');
        let here = folders::host_path(service, path);
        (here != path).then(|| paths::join(&folders::working_folder(service), &here))?
    }

    /// The folder in the checkout for a folder that exists only in the container of the service that runs the scripts.
    pub(super) fn of_scripts(&self, path: &str) -> Option<String> {
        let runs = self.scopes.borrow().last()?.runs;
        let path = path.trim_matches(['"', '\'']);
        if self.in_checkout(path).is_some() {
            return None;
        }
        self.run_from(path, runs)
    }

    /// A parameter with the path of a script or a folder of scripts, relative to `$document_root`. `None` for other
    /// directives, and for paths that cannot be written this way, which are reported.
    pub(super) fn script(&self, directive: &Directive, parents: &[&str], file: &str) -> Option<Text> {
        let name = directive.argument(1).filter(|_| directive.name() == "fastcgi_param")?;
        let value = directive.argument(2).filter(|_| PATHS.contains(&name))?.trim_matches(['"', '\'']);
        let scope = self.scopes.borrow().last().cloned()?;
        if !value.starts_with('/') {
            return None;
        }
        let (path, rest) = value.split_at(value.find('$').unwrap_or(value.len()));
        let path = path.trim_end_matches('/');
        let Some(here) = self.run_from(path, scope.runs).or_else(|| self.in_checkout(path)) else {
            // A server other than PHP-FPM may have the folder.
            let why = match scope.runs {
                Some(_) => format!("{path} is not a folder in this repository"),
                None => format!("{path} exists only in the container of the server that receives the path"),
            };
            self.leave(file, directive.line, why, "replace the path with that of the folder on this machine");
            return None;
        };
        let below = |root: &str| {
            let inside =
                if root.is_empty() { Some(format!("/{here}")) } else { here.strip_prefix(root).map(str::to_owned) };
            inside.filter(|inside| inside.is_empty() || inside.starts_with('/'))
        };
        let parameter = |inside: &str| format!("fastcgi_param {name} $document_root{inside}{rest}");
        if let Some(inside) = scope.root.as_deref().and_then(below) {
            return Some(Text::literal(parameter(inside.trim_end_matches('/'))));
        }
        if !scope.is_open {
            let why = format!("{path} is ./{here} in the checkout, and PHP-FPM accepts only absolute paths");
            self.leave(file, directive.line, why, "write the absolute path of that folder");
            return None;
        }
        // Without a variable, the path is that of a script.
        let (folder, inside) = match rest.is_empty() && here.ends_with(".php") {
            true => (paths::folder(&here).to_owned(), format!("/{}", paths::name(&here))),
            false => (here.clone(), String::new()),
        };
        let text = format!("root ./{folder};\n{}{}", "  ".repeat(parents.len()), parameter(&inside));
        if let Some(scope) = self.scopes.borrow_mut().last_mut() {
            *scope = Scope { root: Some(folder), is_open: false, ..scope.clone() };
        }
        Some(Text::literal(text))
    }
}

/// The maximum depth of blocks that are searched for the service that runs the scripts.
const DEEPEST: usize = 5;
