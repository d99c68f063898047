//! The image of a Dockerfile stage: its configuration, the copied files, and the commands that build it.

use std::collections::BTreeMap;

use crate::knowledge::images::{base, paths};
use crate::lang::dockerfile::{Dockerfile, Heredoc, Instruction, expand, pairs, words};

/// A command: `CMD` or `ENTRYPOINT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Words that are executed directly.
    Exec(Vec<String>),
    /// Text for the shell.
    Shell(String),
}

/// A `COPY` or `ADD` instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The line.
    pub line: usize,
    /// The stage or image to copy from; `None` for the build context.
    pub from: Option<String>,
    /// The source paths.
    pub sources: Vec<String>,
    /// The absolute target path. Ends with `/` if its form shows that it is a folder.
    pub to: String,
    /// `--chown`.
    pub owner: Option<String>,
    /// `--chmod`.
    pub mode: Option<String>,
    /// Files whose content is in the Dockerfile.
    pub heredocs: Vec<Heredoc>,
    /// Whether it is `ADD`, which extracts archives and downloads URLs.
    pub add: bool,
}

/// A command that is run during the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The line.
    pub line: usize,
    /// The script.
    pub script: String,
    /// The working directory.
    pub folder: String,
    /// `--mount` flags that provide files.
    pub mounts: Vec<String>,
    /// The variables and build arguments in its environment.
    pub variables: BTreeMap<String, String>,
    /// Whether its shell is bash, which expands `{a,b}`.
    pub in_bash: bool,
    /// The home folder of the user that runs it.
    pub home: String,
}

/// A step that creates the files of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `COPY` or `ADD`.
    Copy(Copy),
    /// `RUN`.
    Run(Run),
}

/// Something that is left to do by hand because an image cannot contain it: line, instruction, reason, work.
pub type Left = (usize, String, String, String);

/// The image of a stage.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// The base image, resolved through the stages that this one is based on.
    pub base: String,
    /// The line of the `FROM` for that image.
    pub base_line: usize,
    /// Environment variables, in order.
    pub env: Vec<(String, String, usize)>,
    /// `CMD` and its line.
    pub cmd: Option<(Command, usize)>,
    /// `ENTRYPOINT` and its line.
    pub entrypoint: Option<(Command, usize)>,
    /// `WORKDIR` and its line.
    pub folder: Option<(String, usize)>,
    /// `USER` and its line.
    pub user: Option<(String, usize)>,
    /// Labels.
    pub labels: BTreeMap<String, (String, usize)>,
    /// Ports with their protocol.
    pub ports: Vec<(u16, &'static str, usize)>,
    /// Volumes.
    pub volumes: Vec<(String, usize)>,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<(String, usize)>,
    /// The steps that create the files.
    pub steps: Vec<Step>,
    /// What an image cannot contain.
    pub left: Vec<Left>,
    /// Instructions that only affect the build: line, instruction, result.
    pub read: Vec<(usize, String, &'static str)>,
}

impl Frame {
    /// The frame of a stage, including the frames of the stages on which it is based.
    pub fn of(file: &Dockerfile, stage: usize) -> Self {
        let Some(found) = file.stages.get(stage) else { return Self::default() };
        let mut frame = match file.find(&found.base, stage) {
            Some(earlier) => Self::of(file, earlier),
            None => Self::of_base(&found.base, found.line),
        };
        let mut reader = Reader { frame: &mut frame, arguments: BTreeMap::new(), file, shell: None, own_cmd: false };
        for instruction in &found.instructions {
            reader.read(instruction);
        }
        frame
    }

    /// The frame that a base image sets.
    fn of_base(base: &str, line: usize) -> Self {
        let mut frame = Self { base: base.to_owned(), base_line: line, ..Self::default() };
        frame.folder = base::work_folder(base).map(|folder| (folder.to_owned(), line));
        let Some(settings) = base::settings(base) else { return frame };
        frame.user = settings.user.map(|user| (user.to_owned(), line));
        frame.ports = settings.ports.iter().map(|(port, protocol)| (*port, *protocol, line)).collect();
        frame.volumes = settings.volumes.iter().map(|path| ((*path).to_owned(), line)).collect();
        frame.stop_signal = settings.stop_signal.map(|signal| (signal.to_owned(), line));
        frame
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env.iter().find(|(found, ..)| found == name).map(|(_, value, _)| value.as_str())
    }
}

struct Reader<'f> {
    frame: &'f mut Frame,
    arguments: BTreeMap<String, String>,
    file: &'f Dockerfile,
    shell: Option<Vec<String>>,
    own_cmd: bool,
}

/// The placeholder for the PATH of the base image while variables are expanded.
const BASE_PATH: &str = "\u{f8f4}";

/// A word of a command in a script.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@:,=%$".contains(c));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Arguments that Docker sets, with their values for the default platform of a build.
const PLATFORM: [(&str, &str); 8] = [
    ("TARGETPLATFORM", "linux/amd64"),
    ("TARGETOS", "linux"),
    ("TARGETARCH", "amd64"),
    ("TARGETVARIANT", ""),
    ("BUILDPLATFORM", "linux/amd64"),
    ("BUILDOS", "linux"),
    ("BUILDARCH", "amd64"),
    ("BUILDVARIANT", ""),
];

impl Reader<'_> {
    fn expand(&self, text: &str) -> String {
        expand(text, &|name| {
            let env = self.frame.variable(name).map(str::to_owned);
            let of_base = || base::variables(&self.frame.base).find(|(known, _)| *known == name);
            let own = env.or_else(|| self.arguments.get(name).cloned());
            own.or_else(|| of_base().map(|(_, value)| value.to_owned()))
        })
    }

    fn leave(&mut self, line: usize, what: &str, why: &str, todo: &str) {
        self.frame.left.push((line, what.to_owned(), why.to_owned(), todo.to_owned()));
    }

    fn read(&mut self, instruction: &Instruction) {
        let (line, rest) = (instruction.line, instruction.rest.as_str());
        match instruction.name.as_str() {
            "ENV" => self.env(line, rest),
            "ARG" => {
                let name = rest.split('=').next().unwrap_or("").trim();
                // An ARG without a default gets the value of the global ARG, or is reported below.
                let is_platform = PLATFORM.iter().any(|(found, _)| *found == name);
                if is_platform || rest.contains('=') || self.file.arguments.iter().any(|(global, ..)| global == name) {
                    self.frame.read.push((line, format!("ARG {name}"), "its default"));
                }
                self.arg(line, rest);
            }
            "WORKDIR" => {
                let folder = self.expand(rest.trim().trim_matches('"'));
                self.frame.folder = Some((self.absolute(&folder), line));
            }
            "USER" => self.frame.user = Some((self.expand(rest.trim()), line)),
            "CMD" => {
                self.own_cmd = true;
                self.frame.cmd = Some((self.command(instruction), line));
            }
            "ENTRYPOINT" => {
                // An ENTRYPOINT clears the command of the base image.
                if !self.own_cmd {
                    self.frame.cmd = None;
                }
                self.frame.entrypoint = Some((self.command(instruction), line));
            }
            "EXPOSE" => self.expose(line, rest),
            "LABEL" => {
                for (name, value) in pairs(rest) {
                    let value = self.expand(&value.unwrap_or_default());
                    self.frame.labels.insert(name, (value, line));
                }
            }
            "MAINTAINER" => {
                self.frame.labels.insert("maintainer".to_owned(), (rest.trim_matches('"').to_owned(), line));
            }
            "VOLUME" => {
                let paths = instruction.exec().unwrap_or_else(|| words(rest));
                let paths = paths.iter().map(|path| (self.expand(path), line)).collect::<Vec<_>>();
                self.frame.volumes.extend(paths);
            }
            "STOPSIGNAL" => self.frame.stop_signal = Some((self.expand(rest.trim()), line)),
            "COPY" | "ADD" => self.copy(instruction),
            "RUN" => self.run(instruction),
            "HEALTHCHECK" => {
                let todo = format!("give the process that runs the image a readiness probe: {rest}");
                self.leave(line, "HEALTHCHECK", "the OCI image format has no field for it", &todo);
            }
            "ONBUILD" => {
                let todo = format!("add the instruction to the images based on this one: {rest}");
                self.leave(line, "ONBUILD", "images based on this one are no longer built by Docker", &todo);
            }
            "SHELL" => {
                self.shell = instruction.exec();
                self.frame.read.push((line, "SHELL".to_owned(), "the shell for the commands after it"));
            }
            _ => {}
        }
    }

    fn env(&mut self, line: usize, rest: &str) {
        // `ENV NAME value with spaces` is the old form.
        let first = rest.split_whitespace().next().unwrap_or("");
        let all = match first.contains('=') {
            true => pairs(rest),
            false => {
                let value = rest.trim_start().get(first.len()..).unwrap_or("").trim();
                vec![(first.to_owned(), Some(value.trim_matches('"').to_owned()))]
            }
        };
        let expanded: Vec<(String, String)> = all
            .into_iter()
            .map(|(name, value)| (name.clone(), self.value(&name, &value.unwrap_or_default())))
            .collect();
        for (name, value) in expanded {
            self.frame.env.retain(|(found, ..)| *found != name);
            self.frame.env.push((name, value, line));
        }
    }

    /// The value that ENV gives a variable. The PATH of the base image is kept as `$PATH`.
    fn value(&self, name: &str, value: &str) -> String {
        if name != "PATH" || self.frame.variable("PATH").is_some() {
            return self.expand(value);
        }
        let kept = |before: &str| before.replace("${PATH}", BASE_PATH).replace("$PATH", BASE_PATH);
        self.expand(&kept(value)).replace(BASE_PATH, "$PATH")
    }

    fn arg(&mut self, line: usize, rest: &str) {
        for (name, value) in pairs(rest) {
            let global = self.file.arguments.iter().rev().find(|(found, ..)| *found == name);
            let platform = PLATFORM.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
            let value = value.map(|value| self.expand(&value));
            let value = value.or_else(|| global.and_then(|(_, value, _)| value.clone())).or(platform);
            match value {
                Some(value) => {
                    self.arguments.insert(name, value);
                }
                None => {
                    let why = "a Nix build has no build arguments, and this one has no default";
                    self.leave(line, &format!("ARG {name}"), why, "write its value into the new file");
                }
            }
        }
    }

    fn expose(&mut self, line: usize, rest: &str) {
        if self.expand(rest).trim().is_empty() {
            let why = "its port is a build argument without a value";
            self.leave(line, &format!("EXPOSE {rest}"), why, "write the port into the registry");
        }
        for word in self.expand(rest).split_whitespace() {
            let (number, protocol) = word.split_once('/').unwrap_or((word, "tcp"));
            let protocol = if protocol.eq_ignore_ascii_case("udp") { "udp" } else { "tcp" };
            let (first, last) = number.split_once('-').unwrap_or((number, number));
            match (first.parse::<u16>(), last.parse::<u16>()) {
                (Ok(first), Ok(last)) if first > 0 && first <= last && last - first < 100 => {
                    self.frame.ports.extend((first..=last).map(|port| (port, protocol, line)));
                }
                _ => self.leave(
                    line,
                    &format!("EXPOSE {word}"),
                    "it is neither a port number nor a range of at most 100 ports",
                    "write the port into the registry",
                ),
            }
        }
    }

    fn command(&self, instruction: &Instruction) -> Command {
        match (instruction.exec(), &self.shell) {
            (Some(words), _) => Command::Exec(words),
            (None, Some(shell)) => {
                let mut words = shell.clone();
                words.push(instruction.rest.clone());
                Command::Exec(words)
            }
            (None, None) => Command::Shell(instruction.rest.clone()),
        }
    }

    fn copy(&mut self, instruction: &Instruction) {
        let listed = instruction.exec().unwrap_or_else(|| words(&instruction.rest));
        let mut listed: Vec<String> = listed.iter().map(|word| self.expand(word)).collect();
        let Some(to) = listed.pop() else { return };
        let sources: Vec<String> = listed.into_iter().filter(|word| !word.starts_with("<<")).collect();
        let is_folder = to.ends_with('/') || to == "." || to.ends_with("/.") || sources.len() > 1;
        let mut to = self.absolute(&to);
        let is_folder = is_folder || self.is_there(&to);
        if is_folder && !to.ends_with('/') {
            to.push('/');
        }
        self.frame.steps.push(Step::Copy(Copy {
            line: instruction.line,
            from: instruction.flag("from").map(|from| self.expand(from)),
            sources,
            to,
            owner: instruction.flag("chown").map(|owner| self.expand(owner.trim_matches(['"', '\'']))),
            mode: instruction.flag("chmod").map(str::to_owned),
            heredocs: instruction.heredocs.clone(),
            add: instruction.name == "ADD",
        }));
    }

    /// Whether a path is a folder that exists before anything is copied to it.
    fn is_there(&self, path: &str) -> bool {
        let is_work_folder = self.frame.folder.as_ref().is_some_and(|(folder, _)| folder == path);
        is_work_folder || (self.frame.base != "scratch" && paths::is_folder(path))
    }

    fn run(&mut self, instruction: &Instruction) {
        let script = match (instruction.exec(), instruction.heredocs.as_slice()) {
            (Some(words), _) => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
            (None, []) => instruction.rest.clone(),
            (None, heredocs) if instruction.rest.trim_start().starts_with("<<") => {
                heredocs.iter().map(|heredoc| heredoc.text.as_str()).collect()
            }
            (None, heredocs) => {
                let texts: String = heredocs.iter().map(|doc| format!("\n{}{}", doc.text, doc.word)).collect();
                format!("{}{texts}", instruction.rest)
            }
        };
        let mounts =
            instruction.flags.iter().filter(|(name, _)| name == "mount").map(|(_, value)| value.clone()).collect();
        let folder = self.frame.folder.as_ref().map_or("/".to_owned(), |(folder, _)| folder.clone());
        let of_base = base::variables(&self.frame.base).map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut variables: BTreeMap<String, String> = of_base.collect();
        variables.extend(self.arguments.clone());
        variables.extend(self.frame.env.iter().map(|(name, value, _)| (name.clone(), value.clone())));
        let in_bash = match self.shell.as_ref().and_then(|shell| shell.first()) {
            Some(shell) => shell.ends_with("bash"),
            None => base::has_bash_as_sh(&self.frame.base),
        };
        let home = variables.get("HOME").cloned().unwrap_or_else(|| self.home());
        let run = Run { line: instruction.line, script, folder, mounts, variables, in_bash, home };
        self.frame.steps.push(Step::Run(run));
    }

    /// The usual home folder of the current user.
    fn home(&self) -> String {
        let user = self.frame.user.as_ref().map_or("root", |(user, _)| user.split(':').next().unwrap_or(user));
        match user {
            "root" | "0" | "" => "/root".to_owned(),
            user => format!("/home/{user}"),
        }
    }

    /// Converts a path to an absolute one, with `.` and `..` resolved.
    fn absolute(&self, path: &str) -> String {
        let base = self.frame.folder.as_ref().map_or("/", |(folder, _)| folder.as_str());
        let joined = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let end = if joined.ends_with('/') && !parts.is_empty() { "/" } else { "" };
        format!("/{}{end}", parts.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_inherit_the_settings_of_their_base() {
        let text = "ARG V=1\nFROM node:22 AS base\nARG V\nENV A=$V B=\"x y\"\nENV C old form\nWORKDIR /srv\nWORKDIR app/../code\n\
                    EXPOSE 3000 53/udp 8000-8001\nCMD [\"node\", \"a.js\"]\nSTOPSIGNAL SIGINT\nLABEL a=b\n\
                    FROM base\nCOPY --chown=1 a b ./\nENTRYPOINT [\"tini\"]\nVOLUME /data\nUSER node\nHEALTHCHECK CMD true\nARG LOST\n";
        let file = Dockerfile::read(text).unwrap();
        let frame = Frame::of(&file, 1);
        let env: Vec<_> = frame.env.iter().map(|(name, value, _)| (name.as_str(), value.as_str())).collect();
        assert_eq!(env, [("A", "1"), ("B", "x y"), ("C", "old form")]);
        assert_eq!(frame.folder, Some(("/srv/code".to_owned(), 7)));
        assert_eq!(frame.ports, [(3000, "tcp", 8), (53, "udp", 8), (8000, "tcp", 8), (8001, "tcp", 8)]);
        assert_eq!((frame.cmd, frame.base.as_str()), (None, "node:22"));
        assert_eq!(frame.entrypoint, Some((Command::Exec(vec!["tini".into()]), 14)));
        let [Step::Copy(copy)] = frame.steps.as_slice() else { panic!("{:?}", frame.steps) };
        assert_eq!((copy.to.as_str(), copy.sources.len(), copy.owner.as_deref()), ("/srv/code/", 2, Some("1")));
        let left: Vec<_> = frame.left.iter().map(|(line, what, ..)| (*line, what.as_str())).collect();
        assert_eq!(left, [(17, "HEALTHCHECK"), (18, "ARG LOST")]);
    }
}
