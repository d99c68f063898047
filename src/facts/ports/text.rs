//! Port literals inside strings, for Nix, YAML and Dockerfiles alike.
//!
//! The scan is driven by numbers, not by patterns: each run of digits is visited once, and the text before and after it
//! decides whether it is a port. The context read on either side is bounded, so the time is linear in the size of the
//! text.
//!
//! The caller masks its own syntax first: each interpolation becomes a run of [`HOLE`], each escape sequence becomes
//! blanks.

mod address;
mod command;
mod host;
mod lines;
mod listed;
mod mapping;
mod near;
mod random;
mod section;
mod sink;
#[cfg(test)]
mod tests;
mod words;

use core::ops::Range;

pub use command::{ARGUMENTS, argument_port, takes_port};
pub use random::DRAWS;
pub use words::{is_plural, is_port_flag, is_port_word};

use lines::Lines;

/// The byte that replaces each byte of an interpolation of the surrounding language.
pub const HOLE: u8 = 1;

/// A tag before a literal value, in tools that distinguish it from a variable: `Port=literal:5000`.
pub const LITERAL: &str = "literal:";

/// The maximum number of bytes read before or after a number.
const WINDOW: usize = 256;

/// The context of the text, as far as the caller provides it.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The attribute path, YAML path or variable name that the text is the value of, innermost last; may be empty.
    pub path: &'a [&'a str],
    /// The kind of text.
    pub flavour: Flavour,
}

/// The kind of text: determines the comment syntax and where statements start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// A plain value.
    Value,
    /// Shell: command lines, and comments that start with `#`.
    Script,
    /// Multi-line configuration text: nginx, ini, toml, nftables, yaml.
    Config,
}

/// A port literal in a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPort<'a> {
    /// The digits, as byte offsets in the text; for [`Form::Random`] the word that draws the number.
    pub range: Range<usize>,
    /// The number; above 65535 only if only a port is valid there, 0 only for [`Form::Random`].
    pub number: u32,
    /// The host next to it.
    pub host: Host<'a>,
    /// The syntax of the port.
    pub form: Form,
    /// The flag, variable, key or directive that names it, as written.
    pub name: Option<&'a str>,
}

/// The host next to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// There is none.
    None,
    /// This machine: localhost, 127.0.0.0/8, `[::1]`, a socket directory.
    Local,
    /// An interpolation or a variable.
    Interpolated,
    /// All addresses of this machine: empty, `*`, 0.0.0.0, `[::]`.
    Any,
    /// Any other name or address, as written; the caller decides whose it is.
    Named(&'a str),
    /// A word that is a host only if the repository has a machine with that name: `atlas:9333`, `atlas.wg0:80`.
    Machine(&'a str),
}

/// The syntax of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `HOST:PORT`.
    HostPort,
    /// `scheme://HOST:PORT`.
    Url,
    /// `--port 80`, `-p 80`.
    Flag,
    /// `PORT=80`.
    Env,
    /// `port: 80`, `port = 80`.
    Key,
    /// `8080:80`, `8080/tcp`.
    Mapping,
    /// `listen 80;`, `tcp dport 80`, `nc -l 80`, `wait_for_open_port(80)`.
    Directive,
    /// A port drawn at random: `$RANDOM`, `shuf`.
    Random,
    /// `${PORT:-3000}`.
    EnvFallback,
    /// The whole text is a number or a list of numbers, and the path requires a port.
    Whole,
}

impl Form {
    /// Whether only a port is valid here, so that a number above 65535 is a mistake rather than another kind of number.
    const fn is_certain(self) -> bool {
        matches!(self, Self::Flag | Self::Env | Self::Key | Self::Mapping | Self::Directive | Self::Whole)
    }
}

/// Appends the port literals of `text` to `out`, in order.
pub fn scan<'a>(text: &'a str, context: &Context<'_>, out: &mut Vec<TextPort<'a>>) {
    let first = out.len();
    scan_with_machines(text, context, out);
    if out[first..].iter().any(|port| matches!(port.host, Host::Machine(_))) {
        let found = out.split_off(first);
        out.extend(found.into_iter().filter(|port| !matches!(port.host, Host::Machine(_))));
    }
}

/// Like [`scan`], but includes the numbers that are ports only if their host is a machine: [`Host::Machine`].
pub fn scan_with_machines<'a>(text: &'a str, context: &Context<'_>, out: &mut Vec<TextPort<'a>>) {
    if !may_hold_port(text.as_bytes()) {
        return;
    }
    let first = out.len();
    let view = View::new(text, context);
    let mut lines = Lines::new(view.bytes, context.flavour);
    let mut last: Option<TextPort<'a>> = None;
    let mut from = 0;
    while let Some(digits) = next_digits(view.bytes, from) {
        from = digits.end;
        if let Some(end) = lines.comment_around(digits.start) {
            from = end;
        } else if let Some(port) = view.port(digits, last.as_ref()).filter(|port| !view.is_sought(port.range.start)) {
            out.push(port.clone());
            last = Some(port);
        }
    }
    if random::may_draw(view.bytes) {
        random::scan(&view, out);
        out[first..].sort_by_key(|port| port.range.start);
    }
}

/// A cheap necessary condition for [`scan`] to find anything.
pub fn may_hold_port(text: &[u8]) -> bool {
    let mut from = 0;
    while let Some(digits) = next_digits(text, from) {
        if is_number(text, &digits) {
            return true;
        }
        from = digits.end;
    }
    random::may_draw(text)
}

/// Whether a run of digits is a number: without leading zeros (`0750` is a file mode), and not part of a word (`x86`),
/// of a decimal or of an address.
fn is_number(text: &[u8], digits: &Range<usize>) -> bool {
    let at = |at: usize| text.get(at).copied().unwrap_or(0);
    let (before, after) = (digits.start.checked_sub(1).map_or(0, at), at(digits.end));
    let part_of_word = after.is_ascii_alphabetic() || after == b'_' || after >= 0x80;
    let decimal = before == b'.' || after == b'.' && at(digits.end + 1).is_ascii_alphanumeric();
    !part_of_word && !decimal && at(digits.start) != b'0' && digits.len() <= 9
}

/// The next run of ASCII digits at or after `from`.
fn next_digits(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = bytes.get(from..)?;
    let start = from + rest.iter().position(u8::is_ascii_digit)?;
    let len = bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len() - start);
    Some(start..start + len)
}

/// The text and what its path implies.
struct View<'a> {
    text: &'a str,
    bytes: &'a [u8],
    flavour: Flavour,
    /// Whether the path implies that bare numbers, lists and mappings are ports.
    wants_port: bool,
    /// Whether the path implies that `name:number` is not an address but a time, an image or an owner.
    no_address: bool,
    /// Whether the path implies an address, so that `redis:6379` is one.
    wants_address: bool,
    /// Whether the path implies ports and the text contains only numbers.
    only_numbers: bool,
    /// Whether the path implies addresses on which a machine listens.
    listens: bool,
    /// Whether the path is about forwarding, so that its addresses belong to the repository's own machines.
    forwards: bool,
    /// Whether the path is about ssh, whose options often appear without the command (`NIX_SSHOPTS = "-p 23"`).
    about_ssh: bool,
    /// Whether the path is an ssh tunnel option, whose values start with a port: `"8080 localhost:8080"`.
    tunnels: bool,
    /// The program whose arguments the text contains, if the path names it.
    program: Option<&'static str>,
}

/// Whether a text is a list of numbers in brackets, `[8448, 443]`, and not a class of characters such as `[09]`.
fn is_bracketed(text: &str) -> bool {
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let mut numbers = inner.into_iter().flat_map(|inner| inner.split(',')).map(str::trim).peekable();
    let is_number = |number: &str| number.len() > 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    numbers.peek().is_some() && numbers.all(is_number)
}

impl<'a> View<'a> {
    fn new(text: &'a str, context: &Context<'_>) -> Self {
        // `port = mkOption { default = "8080"; }`: the name of the option is the relevant one.
        let mut path = context.path;
        while let [rest @ .., "default" | "value"] = path {
            path = rest;
        }
        let last = path.last().copied().unwrap_or_default();
        let parent = path.iter().rev().nth(1).copied().unwrap_or_default();
        let wants_port = words::asks_for_port(parent, last) || words::is_listened_on(last, text);
        let option = if last == "?" { parent } else { last };
        Self {
            text,
            bytes: text.as_bytes(),
            flavour: context.flavour,
            wants_port,
            only_numbers: wants_port && (text.bytes().all(is_list_byte) || names_services(text) || is_bracketed(text)),
            no_address: words::is_no_address(last),
            wants_address: words::is_address_word(last),
            listens: words::is_own_address(path),
            forwards: path.contains(&"forwardPorts"),
            about_ssh: words::is_about_ssh(last),
            tunnels: matches!(option, "LocalForward" | "RemoteForward" | "DynamicForward"),
            program: command::program_of(path),
        }
    }

    /// The digits as a port literal; `None` if they are not one.
    fn port(&self, digits: Range<usize>, last: Option<&TextPort<'a>>) -> Option<TextPort<'a>> {
        let number = self.number(&digits)?;
        if self.is_every_port(&digits) || self.is_vsock(digits.start) {
            return None;
        }
        let port = self
            .listed(&digits, last)
            .or_else(|| self.renamed(&digits))
            .or_else(|| self.mapped(&digits))
            .or_else(|| self.addressed(&digits).filter(|found| !found.needs_machine()))
            .or_else(|| self.named(&digits))
            .or_else(|| self.whole(&digits))
            // All other evidence takes precedence: `port:8080`.
            .or_else(|| self.addressed(&digits).filter(Found::needs_machine))?;
        if number > 65535 && !port.form.is_certain() {
            return None;
        }
        let host = if self.listens && host::is_address(port.host) { Host::Any } else { port.host };
        Some(TextPort { range: digits, number, host, form: port.form, name: port.name })
    }

    /// The value of the digits, if they are a number.
    fn number(&self, digits: &Range<usize>) -> Option<u32> {
        if !is_number(self.bytes, digits) {
            return None;
        }
        self.text.get(digits.clone())?.parse().ok()
    }

    /// Whether the digits are a bound of the range of all ports: `0-65535`, `1:65535`.
    fn is_every_port(&self, digits: &Range<usize>) -> bool {
        let separates = |at: usize| matches!(self.at(at), b'-' | b':');
        match self.str(digits.clone()) {
            // `127.0.0.1:65535` is an address.
            "65535" => digits.start.checked_sub(2).is_some_and(|start| {
                let is_apart = !self.before(start).is_ascii_digit() && self.before(start) != b'.';
                matches!(self.at(start), b'0' | b'1') && separates(start + 1) && is_apart
            }),
            "1" => separates(digits.end) && self.str(digits.end + 1..self.bytes.len().min(digits.end + 6)) == "65535",
            _ => false,
        }
    }

    /// Whether the digits are in a vsock address, `vsock::22`. Its ports are not network ports.
    fn is_vsock(&self, digits: usize) -> bool {
        self.before(digits) == b':' && {
            let end = self.run_start(digits, |byte| byte.is_ascii_digit() || byte == b':');
            let word = self.run_start(end, |byte| byte.is_ascii_alphabetic());
            self.str(word..end) == "vsock"
        }
    }

    /// The byte at `at`, 0 outside the text.
    fn at(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    /// The byte before `at`, 0 at the start of the text.
    fn before(&self, at: usize) -> u8 {
        at.checked_sub(1).map_or(0, |index| self.at(index))
    }

    /// The text of a range; empty if the range is not valid.
    fn str(&self, range: Range<usize>) -> &'a str {
        self.text.get(range).unwrap_or_default()
    }

    /// The start of the run of bytes that `accept` allows and that ends at `end`; at most [`WINDOW`] bytes back.
    fn run_start(&self, end: usize, accept: impl Fn(u8) -> bool) -> usize {
        let floor = end.saturating_sub(WINDOW);
        let mut start = end;
        while start > floor && accept(self.bytes[start - 1]) {
            start -= 1;
        }
        start
    }

    /// The end of the run of bytes that `accept` allows and that starts at `start`; at most [`WINDOW`] bytes ahead.
    fn run_end(&self, start: usize, accept: impl Fn(u8) -> bool) -> usize {
        let ceiling = self.bytes.len().min(start.saturating_add(WINDOW));
        let mut end = start;
        while end < ceiling && accept(self.bytes[end]) {
            end += 1;
        }
        end
    }
}

/// The result of one rule for a number.
struct Found<'a> {
    form: Form,
    host: Host<'a>,
    name: Option<&'a str>,
}

impl<'a> Found<'a> {
    const fn new(form: Form, host: Host<'a>, name: Option<&'a str>) -> Self {
        Self { form, host, name }
    }

    /// Whether it is a port only if its host is a machine.
    const fn needs_machine(&self) -> bool {
        matches!(self.host, Host::Machine(_))
    }
}

/// Whether the text is a list of ports, some of them given by the name of their service: `smtp,465,submission`.
fn names_services(text: &str) -> bool {
    let is_number = |item: &str| !item.is_empty() && item.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |item: &str| item.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && item.len() > 1;
    text.contains(',') && text.split(',').map(str::trim).all(|item| is_number(item) || is_name(item))
}

/// Whether a byte belongs to a number or a list of numbers.
const fn is_list_byte(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_whitespace() || matches!(byte, b',' | b';' | b'-' | b':' | HOLE)
}
