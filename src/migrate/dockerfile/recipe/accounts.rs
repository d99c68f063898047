//! Commands that create accounts and groups.

use crate::knowledge::images::commands::{ADDUSER_VALUED, GROUPADD_VALUED, USERADD_VALUED};

/// The properties of an account that `useradd` sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Its folder.
    pub home: Option<String>,
    /// Its shell.
    pub shell: Option<String>,
    /// Its group: a name or a number.
    pub group: Option<String>,
}

impl Account {
    pub(super) fn of(words: &[&str]) -> Self {
        let value = |flags: &[&str]| flag_value(words, flags).map(str::to_owned);
        let is_adduser = words.first().is_some_and(|program| program.ends_with("adduser"));
        // In BusyBox, the group follows `-G` and the comment follows `-g`. Debian uses `--ingroup`.
        let own = if is_adduser { value(&["--ingroup", "-G"]) } else { None };
        let group = own.or_else(|| value(&["-g", "--gid"])).filter(|group| is_account(group));
        let home = value(&["-d", "--home-dir", "--home"]).or_else(|| value(&["-h"]).filter(|_| is_adduser));
        Self { home, shell: value(&["-s", "--shell"]), group }
    }
}

/// The value of a flag, in the next word or after `=`.
pub(super) fn flag_value<'w>(words: &[&'w str], flags: &[&str]) -> Option<&'w str> {
    let pair = words.windows(2).find(|pair| flags.contains(&pair[0])).map(|pair| pair[1]);
    pair.or_else(|| {
        let own = words.iter().filter_map(|word| word.split_once('='));
        own.into_iter().find(|(flag, _)| flags.contains(flag)).map(|(_, value)| value)
    })
}

/// The words of a command for accounts with its flags one by one, as in `useradd -ms /bin/bash web`, and without a flag
/// for an id whose value is not set. The words of all other commands as they are.
pub(super) fn separate_flags<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    if !["useradd", "adduser"].contains(&program) {
        return words.to_vec();
    }
    let mut found: Vec<&str> = Vec::new();
    let is_id = |word: &str| matches!(word, "-u" | "--uid");
    for (at, word) in words.iter().enumerate() {
        if word.contains('$') && at > 0 && is_id(words[at - 1]) {
            continue;
        }
        let letters = word.strip_prefix('-').filter(|letters| letters.len() > 1 && !letters.starts_with('-'));
        let (plain, last) =
            letters.map_or(("", ""), |letters| letters.split_at_checked(letters.len() - 1).unwrap_or_default());
        let flag = ["-d", "-g", "-G", "-h", "-s", "-u"].into_iter().find(|flag| flag.strip_prefix('-') == Some(last));
        match flag.filter(|_| plain.chars().all(|c| "DHlmMNorSU".contains(c))) {
            Some(flag) => found.push(flag),
            None if is_id(word) && words.get(at + 1).is_none_or(|value| value.parse::<u32>().is_err()) => {}
            None => found.push(word),
        }
    }
    found
}

/// The words of an account command that are neither flags nor values of flags.
pub(super) fn operands_of<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let program = words.first().and_then(|word| word.rsplit('/').next()).unwrap_or_default();
    let has_value = |flag: &str| match program {
        "groupadd" | "addgroup" => GROUPADD_VALUED.contains(&flag),
        "adduser" => USERADD_VALUED.contains(&flag) || ADDUSER_VALUED.contains(&flag),
        _ => USERADD_VALUED.contains(&flag),
    };
    let mut found = Vec::new();
    let mut rest = words.iter().skip(1);
    while let Some(word) = rest.next() {
        if has_value(word) {
            rest.next();
        } else if !word.starts_with('-') {
            found.push(*word);
        }
    }
    found
}

/// Whether a word can be the name of an account.
pub(super) fn is_account(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}
