//! Ports drawn at random: `PORT=$RANDOM`, `--port $(shuf -i 2000-65000 -n 1)`.

use memchr::memmem;

use super::lines::Lines;
use super::words::{is_name_byte, is_port_flag, is_port_word};
use super::{Form, Host, TextPort, View};

/// Words that draw a random number in a shell.
pub const DRAWS: [&str; 2] = ["RANDOM", "shuf"];

/// A cheap necessary condition for [`scan`] to find anything.
pub(super) fn may_draw(text: &[u8]) -> bool {
    DRAWS.iter().any(|word| memmem::find(text, word.as_bytes()).is_some())
}

/// Appends the random numbers that are used as ports.
pub(super) fn scan<'a>(view: &View<'a>, out: &mut Vec<TextPort<'a>>) {
    for word in DRAWS {
        let mut lines = Lines::new(view.bytes, view.flavour);
        for at in memmem::find_iter(view.bytes, word.as_bytes()) {
            let range = at..at + word.len();
            let whole = !is_name_byte(view.before(at)) && !is_name_byte(view.at(range.end));
            if !whole || lines.comment_around(at).is_some() {
                continue;
            }
            if let Some(name) = view.drawn_for(at) {
                out.push(TextPort { range, number: 0, host: Host::None, form: Form::Random, name });
            }
        }
    }
}

impl<'a> View<'a> {
    /// Whether a random number follows on the line.
    pub(super) fn is_drawn(&self, at: usize) -> bool {
        let end = self.run_end(at, |byte| !matches!(byte, b'\n' | b';'));
        self.bytes.get(at..end).is_some_and(may_draw)
    }

    /// The port name that the number drawn at `at` is assigned to. The inner value is `None` if only the path requires
    /// a port.
    fn drawn_for(&self, at: usize) -> Option<Option<&'a str>> {
        let start = self.run_start(at, |byte| !matches!(byte, b'\n' | b';' | b'&'));
        let before = self.str(start..at);
        let assigned = before
            .rsplit_once('=')
            .map(|(name, _)| self.last_name(start + name.len()))
            .filter(|name| is_port_word(name));
        let flag = || before.split_ascii_whitespace().rev().find(|word| is_port_flag(word));
        match assigned.or_else(flag) {
            Some(name) => Some(Some(name)),
            None => self.wants_port.then_some(None),
        }
    }

    /// The name that ends at `end`, ignoring blanks.
    fn last_name(&self, end: usize) -> &'a str {
        let end = self.run_start(end, |byte| byte == b' ');
        self.str(self.run_start(end, is_name_byte)..end)
    }
}
