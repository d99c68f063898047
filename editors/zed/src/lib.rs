//! The Zed extension: finds `flakeward` and starts its language server.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{self as zed, LanguageServerId, Result, Worktree, serde_json};

/// The name of the server in Zed's settings, and of the executable.
const NAME: &str = "flakeward";

struct Flakeward;

impl zed::Extension for Flakeward {
    fn new() -> Self {
        Self
    }

    /// The executable named in the settings (`lsp.flakeward.binary.path`), or else the one on the worktree's `PATH`,
    /// which a development shell with direnv sets.
    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> Result<zed::Command> {
        let binary = LspSettings::for_worktree(NAME, worktree)?.binary;
        let (path, arguments) = binary.map_or((None, None), |binary| (binary.path, binary.arguments));
        let command = path.or_else(|| worktree.which(NAME)).ok_or_else(|| {
            format!("there is no `{NAME}` on PATH: install it, or set `lsp.{NAME}.binary.path` in the settings")
        })?;
        let args = arguments.unwrap_or_else(|| vec!["lsp".to_owned()]);
        Ok(zed::Command { command, args, env: worktree.shell_env() })
    }

    fn language_server_initialization_options(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<serde_json::Value>> {
        Ok(LspSettings::for_worktree(NAME, worktree)?.initialization_options)
    }

    fn language_server_workspace_configuration(
        &mut self,
        _: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<serde_json::Value>> {
        Ok(LspSettings::for_worktree(NAME, worktree)?.settings)
    }
}

zed::register_extension!(Flakeward);
