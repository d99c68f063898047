//! The keys for hosts and ports in a string, by the object that they are in.

use std::collections::VecDeque;

use super::is_host_word;
use crate::migrate::compose::names::leading_number;

/// A key with a value. In `spring.redis.host`, the prefix is `spring.redis`.
pub enum Key<'t> {
    /// The name of a host, with its offset.
    Host { at: usize, name: &'t str, prefix: String },
    /// The number of a port, with its offset and the number of objects around it.
    Port { at: usize, number: u16, prefix: String, depth: usize },
}

/// The keys of an object, including those of inner objects that have no host.
pub struct Scope<'t> {
    /// The number of objects around its keys, from 1.
    pub depth: usize,
    /// The keys, in order.
    pub keys: VecDeque<Key<'t>>,
    /// Whether one of the keys is for a host.
    pub has_host: bool,
}

impl Scope<'_> {
    fn at(depth: usize) -> Self {
        Self { depth, keys: VecDeque::new(), has_host: false }
    }

    /// Adds the keys of an inner object that has ended. The longer list is not moved.
    fn take_over(&mut self, mut inner: Self) {
        if inner.keys.len() > self.keys.len() {
            std::mem::swap(&mut self.keys, &mut inner.keys);
            for key in inner.keys.into_iter().rev() {
                self.keys.push_front(key);
            }
        } else {
            self.keys.append(&mut inner.keys);
        }
    }
}

/// The keys of hosts and ports in a string, by object. Keys outside all objects form a separate scope.
pub fn scopes(text: &str) -> Vec<Scope<'_>> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_filler = |c: char| matches!(c, '"' | '\'' | ' ');
    let (mut done, mut open) = (Vec::new(), vec![Scope::at(1)]);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if !is_name(first) {
            rest = &rest[first.len_utf8()..];
            match first {
                '{' => open.push(Scope::at(open.len() + 1)),
                '}' if open.len() > 1 => {
                    let Some(inner) = open.pop() else { break };
                    match open.last_mut() {
                        Some(outer) if !inner.has_host => outer.take_over(inner),
                        _ => done.push(inner),
                    }
                }
                _ => {}
            }
            continue;
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        rest = after;
        let Some(value) = after.trim_start_matches(is_filler).strip_prefix(['=', ':']) else { continue };
        let value = value.trim_start_matches(is_filler);
        let at = text.len() - value.len();
        let key = key.trim_start_matches('-');
        let (prefix, last) = key.rfind(['.', '-', '_']).map_or(("", key), |dot| (&key[..dot], &key[dot + 1..]));
        let depth = open.len();
        let Some(scope) = open.last_mut() else { break };
        if last.eq_ignore_ascii_case("port") {
            let number = leading_number(value).filter(|_| !value.starts_with('0'));
            let prefix = || prefix.to_ascii_lowercase();
            scope.keys.extend(number.map(|number| Key::Port { at, number, prefix: prefix(), depth }));
        } else {
            let end = value.find(|c| !is_name(c)).unwrap_or(value.len());
            let (name, after) = value.split_at(end);
            if !name.is_empty() && !after.starts_with("://") && is_host_word(key) {
                scope.keys.push_back(Key::Host { at, name, prefix: prefix.to_ascii_lowercase() });
                scope.has_host = true;
            }
        }
    }
    done.append(&mut open);
    done
}
