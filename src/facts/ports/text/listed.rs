//! Numbers that continue a list or a range: `80,443`, `8000-8010`, `{ 9001, 42042 }`.

use core::ops::Range;

use super::mapping::is_address;
use super::words::is_plural;
use super::{Form, Found, Host, TextPort, View};

impl<'a> View<'a> {
    /// The digits, if they continue the list or range that the last port is in.
    pub(super) fn listed(&self, digits: &Range<usize>, last: Option<&TextPort<'a>>) -> Option<Found<'a>> {
        let last = last?;
        let gap = self.bytes.get(last.range.end..digits.start).filter(|gap| gap.len() < 160)?;
        let form = match gap {
            b"-" => in_range(last.form),
            // QEMU's `hostfwd=tcp:127.0.0.1:2222-:22`
            b"-:" => (last.form == Form::HostPort).then_some(Form::HostPort),
            b":" => in_mapping(last),
            b"," => is_list(last.form).then_some(last.form),
            _ => (takes_loose_list(last) && is_loose_separator(gap, last)).then_some(last.form),
        }?;
        let host = if gap == b"-:" { Host::Any } else { last.host };
        self.value_ends(digits.end).then_some(Found::new(form, host, last.name))
    }
}

const fn is_list(form: Form) -> bool {
    matches!(form, Form::Flag | Form::Env | Form::Key | Form::Directive | Form::Whole)
}

/// The form of the upper bound of a range such as `8000-8010`, if the lower bound has the given form.
const fn in_range(form: Form) -> Option<Form> {
    match form {
        Form::HostPort | Form::Mapping | Form::Flag | Form::Env | Form::Key | Form::Directive | Form::Whole => {
            Some(form)
        }
        _ => None,
    }
}

/// The form of a number after a colon: the upper bound of an iptables range (`8000:8010`), or a part of
/// `127.0.0.1:8080:80`, which can only be a container mapping.
fn in_mapping(last: &TextPort<'_>) -> Option<Form> {
    match last.form {
        Form::HostPort if is_address(last.host) => Some(Form::Mapping),
        form if is_list(form) => Some(form),
        _ => None,
    }
}

/// Whether a port may be followed by a list with blanks between its numbers. Except in packet filters, this requires a
/// plural name: `f(port=80, 30)` has one port.
fn takes_loose_list(last: &TextPort<'_>) -> bool {
    match last.form {
        Form::Directive => last.name.is_some_and(|name| {
            matches!(name.trim_start_matches('-'), "dport" | "sport" | "dports" | "sports" | "elements")
        }),
        Form::Key | Form::Env | Form::Flag => last.name.is_some_and(is_plural),
        _ => false,
    }
}

/// Whether a gap separates two numbers in a list: blanks, quotes and comments around one comma, or only blanks on one
/// line if the list needs no commas.
fn is_loose_separator(gap: &[u8], last: &TextPort<'_>) -> bool {
    let mut commas = 0;
    let mut newline = false;
    let mut comment = false;
    for &byte in gap {
        match byte {
            b'\n' => {
                comment = false;
                newline = true;
            }
            _ if comment => {}
            b'#' => comment = true,
            b',' => commas += 1,
            b' ' | b'\t' | b'\r' | b'"' | b'\'' | b'\\' => {}
            _ => return false,
        }
    }
    commas == 1 || commas == 0 && !newline && last.form != Form::Directive
}
