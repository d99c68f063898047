//! How a program gets its port number.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::calls;
use super::source::each_source;
use crate::knowledge::containers;
use crate::knowledge::containers::sources::{ADDRESS_READS, LISTENING_CALLS, OWN_PORTS, PORT_READS};
use crate::migrate::Files;
use crate::migrate::compose::builder::Builder;
use crate::migrate::compose::configurations::caddy;
use crate::migrate::compose::hosts::Position;
use crate::migrate::compose::process::mosquitto;
use crate::migrate::compose::stack::{self, Bind, Role, Service, is_configuration};
use crate::migrate::compose::yaml::Node;
use crate::migrate::compose::{hosts, process};
use crate::{paths, wording};

/// How a program gets the port that it listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Its settings contain the port.
    Text,
    /// It reads the port from this variable.
    Variable(Cow<'static, str>),
    /// No setting or variable is known to pass the port.
    Not,
}

/// How a program gets one of its ports.
pub fn how_told(builder: &Builder<'_, '_>, service: &Service<'_>, container: u16) -> Told {
    let words = match service.role {
        Role::Program => process::words_or_usual(builder, service),
        _ => process::command_words(builder, service),
    };
    told(builder, service, &words.unwrap_or_default(), container)
}

/// How a program gets one of its ports, according to the words of its command.
fn told(builder: &Builder<'_, '_>, service: &Service<'_>, words: &[String], container: u16) -> Told {
    let files = builder.files();
    let is_main = service.ports.first().is_some_and(|port| port.container == container);
    if is_main && process::sets_port(service, words, container) {
        return Told::Text;
    }
    if mosquitto::Configuration::listens(service, files, container) || caddy::serves(service, files, container) {
        return Told::Text;
    }
    let mut before = "";
    for word in words {
        let (flag, value) = match word.split_once('=').filter(|(flag, _)| flag.starts_with('-')) {
            Some((flag, value)) => (flag, value),
            None => (before, word.as_str()),
        };
        let in_script = word.contains(' ')
            && word.split_whitespace().any(|part| hosts::tells_port(part, Position::Word("-p"), container));
        if hosts::tells_port(value, Position::Word(flag), container) || in_script {
            return Told::Text;
        }
        before = word;
    }
    let usual = stack::usual_words(service);
    let reads = |target: &str| words.iter().chain(&usual).any(|word| word.contains(target));
    let says = |bind: Bind| {
        let names = files.names(&bind.source).into_iter().map(|name| stack::below(&bind.source, &name));
        let mut paths = std::iter::once(bind.source.clone()).chain(names).filter(|path| is_configuration(path));
        let listens =
            |path: String| files.text(&path).ok().flatten().is_some_and(|text| hosts::listens_in(&text, container));
        reads(&bind.target) && paths.any(listens)
    };
    if service.binds().into_iter().any(says) {
        return Told::Text;
    }
    let own = service.get("environment").map_or(&[][..], Node::pairs);
    let own = own.iter().filter_map(|(key, value)| Some((key.name.as_str(), value.text()?)));
    let image = service
        .image_file
        .iter()
        .flat_map(|file| &file.variables)
        .map(|(name, value, _)| (name.as_str(), value.as_str()));
    let tells = |(name, value): (&str, &str)| {
        hosts::tells_port(value, Position::Variable(name), container)
            && !hosts::is_port_of_other(name, service, builder.stack)
    };
    if own.chain(image).any(tells) {
        // If the source contains the number, the variable does not set it.
        return if listens_on(files, service, container) { Told::Not } else { Told::Text };
    }
    // A variable sets only the main port.
    if service.ports.first().is_some_and(|port| port.container != container) {
        return Told::Not;
    }
    let has = |program: &str| words.iter().any(|word| word == program || word.ends_with(&format!("/{program}")));
    if let Some((_, variable)) = containers::PORT_VARIABLES.iter().find(|(program, _)| has(program)) {
        return Told::Variable((*variable).into());
    }
    let is_flask = |pair: &[String]| {
        let [script, verb] = pair else { return false };
        let text =
            || process::own_file(builder, service, script).is_some_and(|(_, _, text)| text.contains("FlaskGroup"));
        verb == "run" && script.ends_with(".py") && text()
    };
    // `FlaskGroup` adds the commands of Flask to a script of the project.
    if words.windows(2).any(is_flask) {
        return Told::Variable("FLASK_RUN_PORT".into());
    }
    // A Spring Boot program is run from its source, not from the archive in the image.
    let is_java = words.iter().take(2).any(|word| paths::name(word) == "java");
    if is_java && process::is_spring(files, service) {
        return Told::Variable("SERVER_PORT".into());
    }
    // A base image's server is not the program in the build context.
    let is_server = service.image_file.as_ref().is_some_and(|file| {
        containers::service_of(&file.base).is_some() || containers::package_of(&file.base).is_some()
    });
    if is_server {
        return Told::Not;
    }
    if reads_port(files, service) {
        return Told::Variable("PORT".into());
    }
    // If the source contains the number, or the variable already has another value, the variable cannot pass the port.
    let Some(set) = builder.env_file_names(service).filter(|_| !listens_on(files, service, container)) else {
        return Told::Not;
    };
    let is_set = |name: &str| {
        let is_in_compose = service.get("environment").is_some_and(|node| node.get(name).is_some());
        is_in_compose || set.contains(name) || service.image_variables().any(|(known, ..)| known == name)
    };
    let is_free = |name: &str| !is_set(name) && !hosts::is_port_of_other(name, service, builder.stack);
    let names: Vec<_> = OWN_PORTS.into_iter().filter(|name| is_free(name)).collect();
    if let Some(name) = listening_variable(files, service, &names, container) {
        return Told::Variable(name.into());
    }
    called_variable(files, service, container, is_free).map_or(Told::Not, |name| Told::Variable(name.into()))
}

/// The variable, whatever its name, that a call in the build context passes to a server as its port, such as
/// `server.listen(process.env.REST_PORT)`. `None` if there are several.
fn called_variable(
    files: &dyn Files,
    service: &Service<'_>,
    container: u16,
    is_free: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    each_source(files, service, &mut |path, text| {
        let forms = PORT_READS.iter().filter_map(|form| form.split_once("PORT"));
        let reads = forms.flat_map(|(start, end)| {
            text.match_indices(start).filter_map(move |(at, _)| {
                let rest = &text[at + start.len()..];
                let name = &rest[..rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?];
                rest[name.len()..].starts_with(end).then_some((at, name, &rest[name.len()..]))
            })
        });
        let mut reads = reads.filter(|(_, name, _)| calls::names_port(name)).peekable();
        if reads.peek().is_none() {
            return false;
        }
        let comments = calls::comments(path, text);
        let is_comment = |at: usize| {
            let before = comments.partition_point(|comment| comment.start <= at);
            comments[..before].last().is_some_and(|comment| at < comment.end)
        };
        let called = reads.filter(|(at, _, after)| !is_comment(*at) && is_called(&text[..*at], after, container));
        found.extend(called.map(|(_, name, _)| name).filter(|name| is_free(name)).take(2).map(str::to_owned));
        found.len() > 1
    });
    found.pop_first().filter(|_| found.is_empty())
}

/// Whether a variable is the port in a call that makes a server listen, given the text before and after it. Without such
/// a call, it must be assigned to `port` with the container's number as its default.
fn is_called(before: &str, after: &str, container: u16) -> bool {
    let ends = ['\n', ';'];
    // Only the text nearby is searched, because a whole file may be a single line.
    let start = wording::tail(before, calls::LONGEST_CALL).rsplit(ends).next().unwrap_or_default();
    let rest = wording::head(after, calls::LONGEST_CALL).split(ends).next().unwrap_or_default();
    if start.contains("://") {
        return false;
    }
    let numbers = rest.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.parse::<u16>().ok());
    let defaults: Vec<u16> = numbers.filter(|number| *number == container || *number > 99).collect();
    match defaults.as_slice() {
        [] => calls::is_port_argument(before, false),
        defaults => defaults.contains(&container) && (is_port(start) || calls::is_port_argument(before, true)),
    }
}

/// The first of the given variables that sets the port on which a program in the build context listens.
fn listening_variable(
    files: &dyn Files,
    service: &Service<'_>,
    names: &[&'static str],
    container: u16,
) -> Option<&'static str> {
    let mut first: Option<usize> = None;
    each_source(files, service, &mut |_, text| {
        if text.contains("_PORT") {
            let sooner = &names[..first.unwrap_or(names.len())];
            let found = sooner.iter().position(|name| listens_on_variable(text, name, container));
            first = found.or(first);
        }
        first == Some(0)
    });
    first.and_then(|at| names.get(at).copied())
}

/// Whether a source text makes a server listen on the port in a variable. A client may read a variable with the same
/// name for the port of another server, so the statement that reads it must start the server, or have the container's
/// number as its default.
fn listens_on_variable(text: &str, name: &str, container: u16) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        // `process.env.APP_PORT_NAME` is another variable.
        let is_whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let mut forms = PORT_READS.iter().filter_map(|form| form.split_once("PORT"));
        if !is_whole || !forms.any(|(start, end)| before.ends_with(start) && after.starts_with(end)) {
            return false;
        }
        let ends = ['\n', ';'];
        let start = before.rsplit(ends).next().unwrap_or_default();
        let rest = after.split(ends).next().unwrap_or_default();
        if start.contains("://") || rest.contains("://") {
            return false;
        }
        let numbers = rest.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.parse::<u16>().ok());
        let defaults: Vec<u16> = numbers.filter(|number| *number == container || *number > 99).collect();
        match defaults.first() {
            Some(_) => defaults.contains(&container),
            None => listens(start),
        }
    })
}

/// Whether the start of a statement listens on the port that follows, or assigns it to the program's own port variable:
/// `app.listen(`, `const port = `.
fn listens(start: &str) -> bool {
    let lower = start.to_ascii_lowercase();
    is_port(start) || LISTENING_CALLS.iter().any(|word| lower.contains(word))
}

/// Whether the start of a statement assigns what follows to the program's own port variable: `const port = `.
fn is_port(start: &str) -> bool {
    let lower = start.to_ascii_lowercase();
    let assigned = lower.split_once('=').map_or("", |(target, _)| target.trim_end_matches(':').trim());
    assigned == "port" || assigned.strip_suffix("port").is_some_and(|rest| rest.ends_with([' ', '\t']))
}

/// Whether a source file in the build context makes a server listen on a number: `app.listen(3000)`.
fn listens_on(files: &dyn Files, service: &Service<'_>, container: u16) -> bool {
    let call = format!("listen({container}");
    let mut listens = false;
    each_source(files, service, &mut |_, text| {
        let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_digit());
        listens = text.match_indices(&call).any(|(at, _)| is_whole(&text[at + call.len()..]));
        listens
    });
    listens
}

/// The path and the line of the source file in the build context that passes a number to a server as its port:
/// `app.run(port=5000)`.
pub(super) fn fixed_port(files: &dyn Files, service: &Service<'_>, container: u16) -> Option<(String, usize)> {
    let number = container.to_string();
    let mut found = None;
    each_source(files, service, &mut |path, text| {
        let mut comments = None;
        found = text.match_indices(&number).find_map(|(at, _)| {
            let (before, after) = (text.get(..at)?, text.get(at + number.len()..)?);
            let is_whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || "_.".contains(c))
                && !before.ends_with(|c: char| c.is_ascii_alphanumeric() || "_.".contains(c));
            // `":8080"`
            let address = || {
                before
                    .strip_suffix(':')?
                    .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
                    .strip_suffix(['"', '\''])
            };
            if !is_whole || !calls::is_port_argument(address().unwrap_or(before), true) {
                return None;
            }
            let comments = comments.get_or_insert_with(|| calls::comments(path, text));
            let earlier = comments.partition_point(|comment| comment.start <= at);
            let is_comment = comments[..earlier].last().is_some_and(|comment| at < comment.end);
            (!is_comment).then(|| (path.to_owned(), before.matches('\n').count() + 1))
        });
        found.is_some()
    });
    found
}

/// Whether the variable for a port is an address without a host, such as `:8080`: a Go program passes it on unchanged,
/// or `.env` or an example of it has such a value.
pub(super) fn is_address(files: &dyn Files, service: &Service<'_>, variable: &str, container: u16) -> bool {
    let is_example = |name: &str| {
        let path = service.context().map(|context| stack::below(context, name));
        let text = path.and_then(|path| files.text(&path).ok().flatten()).unwrap_or_default();
        text.lines().any(|line| {
            let value = line.trim().strip_prefix(variable).and_then(|rest| rest.strip_prefix('='));
            let value = value.map(|value| value.trim().trim_matches(['"', '\'']));
            value.and_then(|value| value.strip_prefix(':')).is_some_and(|number| number.parse() == Ok(container))
        })
    };
    if [".env", ".env.example", ".env.sample"].into_iter().any(is_example) {
        return true;
    }
    let reads = ADDRESS_READS.map(|form| form.replace("PORT", variable));
    let mut is_passed_on = false;
    each_source(files, service, &mut |path, text| {
        let is_go = path.ends_with(".go");
        is_passed_on = is_go && reads.iter().any(|form| text.contains(form.as_str()));
        is_passed_on
    });
    is_passed_on
}

/// Whether a source file in the build context reads PORT.
pub(in crate::migrate::compose) fn reads_port(files: &dyn Files, service: &Service<'_>) -> bool {
    let mut reads = false;
    each_source(files, service, &mut |_, text| {
        reads = PORT_READS.iter().any(|form| text.contains(form));
        reads
    });
    reads
}
