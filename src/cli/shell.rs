//! The options of `completions` and `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell to complete for
    pub shell: Shell,
}

/// The shells with completions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// Z shell.
    Zsh,
    /// Nushell.
    Nushell,
}

/// The options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page for each command to DIR
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
