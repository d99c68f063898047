//! Files that `COPY` and `ADD` put into an image.

use super::config::FPM;
use super::{Module, escaped, pattern, quoted};
use crate::globs;
use crate::knowledge::images::base as base_images;
use crate::migrate::dockerfile::frame::{Copy, Frame, Step};
use crate::migrate::dockerfile::recipe::{FileLine, Recipe, Tool};
use crate::migrate::nix;
use crate::migrate::nix::{Expr, Text};
use crate::paths;

/// Copies a file or folder as Docker does: the contents of a folder, or a file into a folder or to a name.
pub(super) const COPY: &str = "''
      copy() {
        if [ -d \"$1\" ]; then
          mkdir -p \"$2\" && cp -r \"$1\"/. \"$2\"
        else
          case \"$2\" in */) mkdir -p \"$2\" ;; *) mkdir -p \"$(dirname \"$2\")\" ;; esac
          cp \"$1\" \"$2\"
        fi
        chmod -R u+w \"$out\"
      }
    ''";

impl<'d, 'f> Module<'d, 'f> {
    /// Binds a derivation with the files of a stage. Returns its name.
    pub(super) fn tree(
        &mut self,
        index: usize,
        frame: &Frame,
        recipe: &Recipe,
        tools: &mut Vec<String>,
        name: &str,
    ) -> String {
        let mut lines: Vec<String> = Vec::new();
        // These files come first, so that the files of the image overwrite them.
        if index + 1 == self.file.stages.len() {
            self.server_files(frame, recipe, &mut lines);
        }
        if recipe.holes.is_empty() {
            if let Some(app) = self.app(frame, recipe, tools, name) {
                lines.push(format!("copy ${{{app}}} $out"));
            }
        } else {
            let hole = self.hole(recipe, tools, name);
            lines.push(format!("copy ${{{hole}}} $out"));
        }
        let built = recipe.builds.iter().any(|build| !matches!(build.tool, Tool::Go(_) | Tool::Cargo(_)));
        for step in &frame.steps {
            let Step::Copy(copy) = step else { continue };
            self.copy(copy, index, built, tools, &mut lines);
        }
        let last = recipe.builds.iter().max_by_key(|build| build.line);
        let in_build = |file: &FileLine| {
            let is_inside = |folder: &str| folder.len() > 1 && in_folder(&file.path, folder.trim_end_matches('/'));
            let is_text = file.what.contains(" >");
            is_text && last.is_some_and(|build| file.line < build.line && is_inside(&build.folder))
        };
        for file in recipe.files.iter().filter(|file| in_build(file)) {
            let why = "the package is built without this file: it is only added to the stage afterwards";
            self.leave(file.line, &format!("RUN {}", file.what), why, "write the file in the package's `preBuild`");
        }
        for file in &recipe.files {
            self.carry(file.line, &file.what, name);
            lines.push(escaped(&file.script));
        }
        if let Some((folder, line)) = &frame.folder {
            let what = if *line == frame.base_line { "the working directory of the base image" } else { "WORKDIR" };
            self.carry(*line, what, "config.WorkingDir");
            lines.push(format!("mkdir -p $out{}", quoted(folder)));
        }
        let body: String = lines.iter().map(|line| format!("      {line}\n")).collect();
        let text = format!(
            "pkgs.runCommand \"{}-{name}\" {{ }} ''\n      ${{copy}}\n      mkdir -p $out\n{body}    ''",
            self.name
        );
        self.bindings.push((name.to_owned(), text));
        name.to_owned()
    }

    pub(super) fn copy(
        &mut self,
        copy: &Copy,
        index: usize,
        built: bool,
        tools: &mut Vec<String>,
        lines: &mut Vec<String>,
    ) {
        let to = format!("$out{}", quoted(&copy.to));
        for heredoc in &copy.heredocs {
            let end = if copy.to.ends_with('/') { heredoc.word.clone() } else { String::new() };
            let file = Expr::Apply(
                "pkgs.writeText".to_owned(),
                Box::new(Expr::Code(format!(
                    "\"{}\" {}",
                    heredoc.word,
                    nix::quoted(&Text::literal(heredoc.text.clone()))
                ))),
            );
            lines.push(format!("copy ${{{}}} {to}{end}", file.write(0)));
            self.carry(copy.line, "COPY <<", "root");
        }
        let Some(from) = &copy.from else {
            for source in &copy.sources {
                self.copy_source(copy, source, &to, built, lines);
            }
            return;
        };
        if let Some(stage) = self.file.find(from, index) {
            for source in &copy.sources {
                self.copy_from(copy, stage, source, tools, lines);
            }
        } else if let Some(tool) = base_images::tool(from) {
            tools.push(format!("pkgs.{tool}"));
            self.carry(copy.line, &format!("COPY --from={from}"), &format!("pkgs.{tool}"));
        } else {
            let why = "the contents of this image are unknown";
            self.leave(
                copy.line,
                &format!("COPY --from={from}"),
                why,
                "add the packages that provide the copied files to `deps`",
            );
        }
    }

    pub(super) fn copy_source(&mut self, copy: &Copy, source: &str, to: &str, built: bool, lines: &mut Vec<String>) {
        let what = format!("{} {source}", if copy.add { "ADD" } else { "COPY" });
        if source.contains("://") || source.starts_with("git@") {
            let todo = "add `pkgs.fetchurl { url = ..; hash = ..; }` to `root`";
            self.leave(copy.line, &what, "a download needs a hash", todo);
            return;
        }
        let path = self.in_context(source);
        let is_archive =
            copy.add && [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2"].iter().any(|end| source.ends_with(end));
        let shown = source.trim_start_matches("./").trim_start_matches('/');
        let shown = if shown == "." { "" } else { shown };
        let into = if built { "the package" } else { "root" };
        if is_archive {
            self.carry(copy.line, &what, into);
            lines.push(format!("mkdir -p {to} && tar -xf ${{src}}/{} -C {to}", quoted(shown)));
            return;
        }
        if shown.contains(['*', '?', '[']) {
            if !self.has_match(shown) {
                let why = format!("no file in the repository matches {shown}");
                self.leave(copy.line, &what, &why, "if a build creates it, copy it from that build's package");
                return;
            }
            self.carry(copy.line, &what, into);
            lines.push(match copy.to.ends_with('/') {
                true => format!("mkdir -p {to} && cp -r ${{src}}/{} {to}", pattern(shown)),
                false => format!("copy ${{src}}/{} {to}", pattern(shown)),
            });
            return;
        }
        if !path.is_empty() && !self.exists(&path) {
            let why = format!("there is no {path} in the repository");
            self.leave(copy.line, &what, &why, "if a build creates it, copy it from that build's package");
            return;
        }
        self.carry(copy.line, &what, into);
        lines.push(match shown {
            "" => format!("copy ${{src}} {to}"),
            shown => format!("copy ${{src}}/{} {to}", quoted(shown.trim_end_matches('/'))),
        });
    }

    /// Whether a file in the build context matches a pattern. Patterns in folder names are not expanded.
    fn has_match(&self, pattern: &str) -> bool {
        let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        if folder.contains(['*', '?', '[']) {
            return true;
        }
        let glob = globs::refusal(name.as_bytes()).is_none().then(|| globset::Glob::new(name).ok());
        let Some(glob) = glob.flatten() else { return true };
        let matcher = glob.compile_matcher();
        self.draft.files().names(&self.in_context(folder)).iter().any(|name| matcher.is_match(name))
    }

    /// Adds the files that nginx or PHP-FPM requires in addition to its program.
    pub(super) fn server_files(&mut self, frame: &Frame, recipe: &Recipe, lines: &mut Vec<String>) {
        if base_images::php_server(&frame.base) == Some(&["php-fpm"]) {
            self.bindings.push(("fpmConf".to_owned(), FPM_CONF.to_owned()));
            self.bindings.push(("fpmPool".to_owned(), FPM_POOL.to_owned()));
            lines.push(format!("copy ${{fpmConf}} $out{FPM}"));
            lines.push("copy ${fpmPool} $out/usr/local/etc/php-fpm.d/www.conf".to_owned());
        }
        if base_images::find(&frame.base).is_none_or(|base| base.image != "nginx") {
            return;
        }
        let copies = |name: &str| {
            frame.steps.iter().any(|step| {
                matches!(step, Step::Copy(copy) if copy.to.trim_end_matches('/') == name
                || (copy.to == "/etc/nginx/" && copy.sources.iter().any(|source| name.ends_with(source.as_str()))))
            })
        };
        lines.push("mkdir -p $out/var/log/nginx $out/var/cache/nginx $out/etc/nginx/conf.d".to_owned());
        lines.push("copy ${pkgs.nginx}/conf/mime.types $out/etc/nginx/mime.types".to_owned());
        if !copies("/etc/nginx/nginx.conf") {
            self.bindings.push(("nginxConf".to_owned(), NGINX.to_owned()));
            lines.push("copy ${nginxConf} $out/etc/nginx/nginx.conf".to_owned());
        }
        if self.is_plain_nginx(frame, recipe) {
            let port = self.draft.ports.reference(NGINX_PORT);
            let server = format!(
                "pkgs.writeText \"default.conf\" ''\n      server {{\n        listen ${{toString {port}}};\n        \
                 root /usr/share/nginx/html;\n        index index.html index.htm;\n      }}\n    ''"
            );
            self.bindings.push(("nginxDefault".to_owned(), server));
            lines.push("copy ${nginxDefault} $out/etc/nginx/conf.d/default.conf".to_owned());
        }
    }

    /// Whether an image is nginx with the server that its base defines: nothing is written to the configuration folder.
    pub(super) fn is_plain_nginx(&self, frame: &Frame, recipe: &Recipe) -> bool {
        let is_nginx = base_images::find(&frame.base).is_some_and(|base| base.image == "nginx");
        let is_written = |step: &Step| match step {
            Step::Copy(copy) => self.may_write(copy, NGINX_FOLDER),
            Step::Run(run) => run.script.contains(NGINX_FOLDER),
        };
        let by_line = || recipe.files.iter().any(|file| in_folder(&file.path, NGINX_FOLDER));
        is_nginx && !frame.steps.iter().any(is_written) && !by_line()
    }

    /// Whether an instruction may write into a folder in the image.
    fn may_write(&self, copy: &Copy, folder: &str) -> bool {
        if in_folder(&copy.to, folder) {
            return true;
        }
        let Some(below) = folder.strip_prefix(copy.to.trim_end_matches('/')).filter(|below| below.starts_with('/'))
        else {
            return false;
        };
        // Folders in the context are searched. The contents of other stages and of archives are unknown.
        let may_have = |source: &String| {
            let path = self.in_context(source);
            let is_file = !self.draft.files().is_folder(&path) && self.exists(&path);
            let is_unknown = copy.from.is_some() || copy.add || source.contains(['*', '?', '[', '$']);
            is_unknown
                || !is_file && paths::join(&path, below.trim_start_matches('/')).is_none_or(|path| self.exists(&path))
        };
        copy.sources.iter().any(may_have)
    }
}

/// The port on which the server of the nginx image listens.
pub(super) const NGINX_PORT: u16 = 80;

/// nginx's configuration folder.
const NGINX_FOLDER: &str = "/etc/nginx";

/// Whether a path is a folder or is under it.
fn in_folder(path: &str, folder: &str) -> bool {
    path.trim_end_matches('/').strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A main configuration for PHP-FPM that reads the same files as the one in the image. The files of the Dockerfile
/// replace it.
const FPM_CONF: &str = "pkgs.writeText \"php-fpm.conf\" ''
      [global]
      error_log = /dev/stderr
      daemonize = no
      include = /usr/local/etc/php-fpm.d/*.conf
    ''";

/// The pool of the image, from its files `www.conf` and `docker.conf`.
const FPM_POOL: &str = "pkgs.writeText \"www.conf\" ''
      [www]
      user = www-data
      group = www-data
      listen = 9000
      pm = dynamic
      pm.max_children = 5
      pm.start_servers = 2
      pm.min_spare_servers = 1
      pm.max_spare_servers = 3
      access.log = /dev/stderr
      clear_env = no
      catch_workers_output = yes
      decorate_workers_output = no
    ''";

/// A main configuration for nginx that reads the same files as the one in the image.
pub(super) const NGINX: &str = "pkgs.writeText \"nginx.conf\" ''
      worker_processes auto;
      error_log /dev/stderr notice;
      pid /tmp/nginx.pid;
      events { }
      http {
        include /etc/nginx/mime.types;
        default_type application/octet-stream;
        access_log /dev/stdout;
        include /etc/nginx/conf.d/*.conf;
      }
    ''";
