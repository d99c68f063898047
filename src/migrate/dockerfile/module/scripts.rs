//! Scripts that an image starts, and the programs of the base image that they use.

use std::collections::BTreeSet;

use super::Module;
use crate::knowledge::images::commands::{BASH, OF_EVERY_BASE};
use crate::lang::{dockerfile, shell};
use crate::migrate::dockerfile::frame::{Command, Frame, Step};
use crate::paths;

impl Module<'_, '_> {
    /// The paths of Bash that scripts in the image name as their interpreter, or that a command starts.
    pub(super) fn bash_paths(&self, frame: &Frame) -> BTreeSet<&'static str> {
        let interpreter = |text: String| {
            let first = text.lines().next()?.strip_prefix("#!")?.split_whitespace().next()?;
            Some(first.to_owned())
        };
        let mut named = words(frame);
        named.extend(self.scripts(frame).into_iter().filter_map(interpreter));
        BASH.into_iter().filter(|path| named.iter().any(|name| name == path)).collect()
    }

    /// The packages of the base image's programs that the scripts in the image run.
    pub(super) fn script_tools(&self, frame: &Frame) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        for text in self.scripts(frame).iter().filter(|text| is_shell(text)) {
            for command in shell::commands(text) {
                let package = OF_EVERY_BASE.iter().find(|(program, _)| *program == command.program());
                found.extend(package.map(|(_, package)| *package));
            }
        }
        found
    }

    /// The scripts in the build context that are copied individually, or that the image starts.
    fn scripts(&self, frame: &Frame) -> Vec<String> {
        let words = words(frame);
        let folder = frame.folder.as_ref().map_or("", |(folder, _)| folder.as_str()).trim_end_matches('/');
        let started = words.iter().map(|word| match word.starts_with('/') {
            true => word.clone(),
            false => format!("{folder}/{}", word.trim_start_matches("./")),
        });
        let started: Vec<String> = started.collect();
        let mut files = BTreeSet::new();
        for step in &frame.steps {
            let Step::Copy(copy) = step else { continue };
            if copy.from.is_some() {
                continue;
            }
            for source in &copy.sources {
                let source = self.in_context(source);
                if !self.draft.files().is_folder(&source) {
                    files.insert(source);
                    continue;
                }
                let to = copy.to.trim_end_matches('/');
                let below = started.iter().filter_map(|path| path.strip_prefix(to)?.strip_prefix('/'));
                files.extend(below.filter_map(|rest| paths::join(&source, rest)));
            }
        }
        let text = |path: &String| self.draft.text(path).ok().flatten().filter(|text| text.starts_with("#!"));
        files.iter().filter_map(text).collect()
    }
}

/// The words of the commands that the image starts.
fn words(frame: &Frame) -> Vec<String> {
    let commands = frame.entrypoint.iter().chain(&frame.cmd);
    let words = commands.flat_map(|(command, _)| match command {
        Command::Exec(words) => words.clone(),
        Command::Shell(text) => dockerfile::words(text),
    });
    words.collect()
}

fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    first.split(['/', ' ']).any(|word| matches!(word, "sh" | "bash" | "ash" | "dash"))
}
