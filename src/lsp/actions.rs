//! Code actions: the fix for a finding, all safe fixes in a file, the migration of a file, and the acceptance of a
//! finding with a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gen_lsp_types::{
    CodeAction, CodeActionDisabled, CodeActionKind, Command, Diagnostic, DocumentChange, Edit as DocumentEdit,
    OptionalVersionedTextDocumentIdentifier, SnippetTextEdit, StringValue, TextDocumentEdit, TextDocumentIdentifier,
    WorkspaceEdit,
};

use super::accept::{self, Suppression};
use super::edits::{self, EditSupport, Target};
use super::migrate::{self, Plan, Texts};
use super::position::{Encoding, Lines};
use super::workspace::{Workspace, findings_in};
use crate::finding::{Edit, Finding, Fix, RelPath, Safety, Span};
use crate::fix::{self, Change, Request};
use crate::source::Source;

/// The kind of the action that applies every safe fix in a file.
pub const FIX_ALL: &str = "source.fixAll.flakeward";

/// The command that moves the cursor to a range, for clients without snippets.
pub const SELECT: &str = "flakeward.select";

/// The command that moves the cursor to the name of a new entry, so that it can be renamed.
pub const NAME_ENTRY: &str = "flakeward.nameEntry";

/// The command that migrates a file, or shows why it cannot be migrated.
pub const MIGRATE: &str = "flakeward.migrate";

/// The command that shows a message.
pub const SHOW: &str = "flakeward.showMessage";

/// The command that applies an edit, for clients without code actions.
pub const APPLY: &str = "flakeward.applyEdit";

/// The context for the actions in one document.
pub struct Actions<'a> {
    /// The repository.
    pub workspace: &'a mut Workspace,
    /// The file, relative to the root.
    pub path: &'a RelPath,
    /// The open document.
    pub source: Arc<Source>,
    /// The edits that the client supports.
    pub support: EditSupport,
    /// How columns are counted.
    pub encoding: Encoding,
    /// Whether the client can show a range on request.
    pub can_show: bool,
    /// Returns the text, URI and version of a file.
    pub target: &'a dyn Fn(&Workspace, &RelPath) -> Target,
    /// Returns the files that a migration reads.
    pub texts: &'a dyn Fn(&Workspace) -> Texts,
}

/// The maximum number of actions that add a registry entry. Each of them requires a check of the repository.
const NEW_ENTRIES: usize = 20;

impl Actions<'_> {
    /// The actions for the findings that a span touches.
    pub fn quick_fixes(&mut self, span: Span, shown: &[Diagnostic]) -> Vec<CodeAction> {
        let report = self.workspace.actionable();
        let touched = findings_in(report, self.path).iter().filter(|finding| meets(finding.span, span));
        let touched: Vec<Finding> = touched.cloned().collect();
        let adds_entry = |fix: &Fix| fix.safety == Safety::Unsafe && fix.files().any(|path| *path != *self.path);
        let (new, others): (Vec<Finding>, Vec<Finding>) =
            touched.into_iter().partition(|finding| finding.fix.as_ref().is_some_and(adds_entry));
        let new = new.iter().take(NEW_ENTRIES).map(|finding| self.workspace.with_own_entry(finding));
        let mut touched: Vec<Finding> = new.collect::<Vec<_>>().into_iter().chain(others).collect();
        touched.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        let mut actions = Vec::new();
        let mut migrations = BTreeSet::new();
        for finding in &touched {
            let diagnostics = self.shown_as(finding, shown);
            let fix = finding.fix.as_ref().and_then(|fix| self.fix(finding, fix));
            actions.extend(fix.map(|action| CodeAction { diagnostics: diagnostics.clone(), ..action }));
            let target = migrate::Target::of_rule(finding.rule).filter(|target| migrations.insert(*target));
            let migration = target.and_then(|target| self.migration(target));
            actions.extend(migration.map(|action| CodeAction { diagnostics: diagnostics.clone(), ..action }));
            let accept = self.accept(finding);
            actions.extend(accept.map(|action| CodeAction { diagnostics, ..action }));
        }
        actions.sort_by_key(|action| action.is_preferred != Some(true));
        match self.support.late_commands {
            true => actions.into_iter().map(keep_command).collect(),
            false => actions,
        }
    }

    /// The diagnostics in the request that represent a finding, if there are any.
    fn shown_as(&self, finding: &Finding, shown: &[Diagnostic]) -> Option<Vec<Diagnostic>> {
        let range = Lines::new(&self.source.text, self.encoding).range(finding.span);
        let code = gen_lsp_types::Code::String(finding.rule.to_owned());
        let same =
            shown.iter().filter(|diagnostic| diagnostic.range == range && diagnostic.code.as_ref() == Some(&code));
        let same: Vec<Diagnostic> = same.cloned().collect();
        (!same.is_empty()).then_some(same)
    }

    /// The fix for a finding. The title of an unsafe fix marks it as unsafe, and such a fix is never preferred. A fix
    /// that would create an unchecked file is offered as disabled, or not at all: a flake does not see files that Git
    /// ignores.
    fn fix(&self, finding: &Finding, fix: &Fix) -> Option<CodeAction> {
        let is_safe = fix.safety == Safety::Safe;
        let mut title = capitalised(&fix.title);
        if !is_safe {
            title.push_str(" (unsafe: check the result)");
        }
        let action = CodeAction { title, kind: Some(CodeActionKind::QuickFix), ..CodeAction::default() };
        if let Some(reason) = fix.files().find_map(|path| self.workspace.why_left_out(path)) {
            let disabled = Some(CodeActionDisabled { reason });
            return self.support.disabled.then_some(CodeAction { disabled, ..action });
        }
        Some(CodeAction {
            is_preferred: Some(is_safe),
            edit: Some(self.workspace_edit(&self.adapted(fix.all_edits()))?),
            command: self.new_entry(finding, fix),
            ..action
        })
    }

    /// The command that shows the entry that a fix adds to the registry, so that the user can rename it. `None` if the
    /// fix adds none, or if the client cannot show it.
    fn new_entry(&self, finding: &Finding, fix: &Fix) -> Option<Command> {
        let elsewhere = fix.all_edits().find(|edit| edit.path != finding.path && edit.path.ends_with(".nix"))?;
        let number = self.source.slice(finding.span);
        let value = elsewhere.text.find(&format!("= {number};"))?;
        let name = elsewhere.text[..value].trim_end();
        let start = name.trim_end_matches(|c: char| !c.is_whitespace() && c != '.').len();
        let target = (self.target)(self.workspace, &elsewhere.path);
        let mut text = target.text.unwrap_or_default();
        text.insert_str(elsewhere.span.start as usize, &elsewhere.text);
        let at = elsewhere.span.start as usize + start;
        let range = Lines::new(&text, self.encoding).range(Span::new(at, elsewhere.span.start as usize + name.len()));
        self.select(NAME_ENTRY, "Rename the new entry", &target.uri, range)
    }

    fn select(
        &self,
        command: &str,
        title: &str,
        uri: &gen_lsp_types::Uri,
        range: gen_lsp_types::Range,
    ) -> Option<Command> {
        self.can_show.then(|| Command {
            title: title.to_owned(),
            tooltip: None,
            command: command.to_owned(),
            arguments: Some(vec![serde_json::json!(uri), serde_json::json!(range)]),
        })
    }

    /// The action that accepts a finding: it inserts a suppression and selects the reason. `None` if the finding cannot
    /// be suppressed.
    fn accept(&self, finding: &Finding) -> Option<CodeAction> {
        let catalog = self.workspace.settings().rules.catalog();
        let new = accept::suppression(finding, &self.source, catalog)?;
        let what = if new.whole_file { "in this file" } else { "here" };
        let (edit, command) = match self.support.snippets {
            true => (self.snippet(&new), None),
            false => {
                let edits = self.adapted(std::iter::once(&new.edit));
                (self.workspace_edit(&edits)?, self.select_reason(&new))
            }
        };
        Some(CodeAction {
            title: format!("Accept {} {what} with a reason", finding.rule),
            kind: Some(CodeActionKind::QuickFix),
            is_preferred: Some(false),
            edit: Some(edit),
            command,
            ..CodeAction::default()
        })
    }

    fn snippet(&self, new: &Suppression) -> WorkspaceEdit {
        let at = (new.reason.start - new.edit.span.start) as usize;
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('$', "\\$").replace('}', "\\}");
        let (head, tail) = (&new.edit.text[..at], &new.edit.text[at + accept::REASON.len()..]);
        let value = format!("{}${{1:{}}}{}", escaped(head), accept::REASON, escaped(tail));
        let range = Lines::new(&self.source.text, self.encoding).range(new.edit.span);
        let target = (self.target)(self.workspace, self.path);
        let snippet = SnippetTextEdit { range, snippet: StringValue::new(value), annotation_id: None };
        WorkspaceEdit {
            document_changes: Some(vec![DocumentChange::TextDocumentEdit(TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier {
                    version: target.version,
                    text_document_identifier: TextDocumentIdentifier { uri: target.uri },
                },
                edits: vec![DocumentEdit::SnippetTextEdit(snippet)],
            })]),
            ..WorkspaceEdit::default()
        }
    }

    fn select_reason(&self, new: &Suppression) -> Option<Command> {
        let mut text = self.source.text.clone();
        text.insert_str(new.edit.span.start as usize, &new.edit.text);
        let range = Lines::new(&text, self.encoding).range(new.reason);
        let target = (self.target)(self.workspace, self.path);
        self.select(SELECT, "Write the reason", &target.uri, range)
    }

    /// The migration of the file, or an action that shows why the file cannot be migrated. `None` if the client does
    /// not support the edit.
    fn migration(&self, target: migrate::Target) -> Option<CodeAction> {
        let action = CodeAction {
            title: target.title().to_owned(),
            kind: Some(CodeActionKind::QuickFix),
            is_preferred: Some(false),
            ..CodeAction::default()
        };
        match self.plan(target) {
            Ok(plan) => {
                let title = match plan.left.len() {
                    0 => action.title,
                    1 => format!("{} (1 part is left to do by hand)", action.title),
                    count => format!("{} ({count} parts are left to do by hand)", action.title),
                };
                let edit = Some(self.migration_edit(&plan)?);
                let command = migrate::left_text(&plan.left).map(|text| Command {
                    title: "Show what is left".to_owned(),
                    tooltip: None,
                    command: SHOW.to_owned(),
                    arguments: Some(vec![serde_json::json!(text)]),
                });
                Some(CodeAction { title, edit, command, ..action })
            }
            Err(reason) if self.support.disabled => {
                Some(CodeAction { disabled: Some(CodeActionDisabled { reason }), ..action })
            }
            Err(_) => {
                let uri = (self.target)(self.workspace, self.path).uri;
                let command = Command {
                    title: action.title.clone(),
                    tooltip: None,
                    command: MIGRATE.to_owned(),
                    arguments: Some(vec![serde_json::json!(uri)]),
                };
                Some(CodeAction { command: Some(command), ..action })
            }
        }
    }

    fn plan(&self, target: migrate::Target) -> Result<Plan, String> {
        let state = self.workspace.known().ok_or("the repository has not been checked yet")?;
        let texts = (self.texts)(self.workspace);
        migrate::plan(target, self.path, &texts, &state.project, self.workspace.settings())
    }

    /// The edit that migrates a file with a finding, and the work that remains to be done by hand. The error is the
    /// reason why there is no edit.
    pub fn migrate(&self) -> Result<(WorkspaceEdit, Option<String>), String> {
        let state = self.workspace.known().ok_or("the repository has not been checked yet")?;
        let mut targets = state.findings(self.path).iter().filter_map(|finding| migrate::Target::of_rule(finding.rule));
        let target = targets.next().ok_or("no finding in this file suggests a migration")?;
        let plan = self.plan(target)?;
        let edit = self.migration_edit(&plan).ok_or("the editor cannot create files")?;
        Ok((edit, migrate::left_text(&plan.left)))
    }

    /// Every safe fix in the file, as `flakeward fix` applies them. `None` if there is none.
    pub fn fix_all(&mut self) -> Option<CodeAction> {
        let guard = |_: &str| Ok(());
        let request = Request { allowed: Safety::Safe, only: None, guard: &guard };
        let outcome = self.workspace.for_file(self.path, |repo, settings| fix::fix(repo, settings, &request));
        let edits = change_edits(&outcome.changes);
        if edits.is_empty() {
            return None;
        }
        Some(CodeAction {
            title: "Apply all safe flakeward fixes".to_owned(),
            kind: Some(CodeActionKind::from(FIX_ALL)),
            edit: Some(self.workspace_edit(&edits)?),
            ..CodeAction::default()
        })
    }

    /// The edit of a migration. It contains the version of the migrated document, even if it does not change that
    /// document.
    fn migration_edit(&self, plan: &Plan) -> Option<WorkspaceEdit> {
        let mut edit = self.workspace_edit(&change_edits(&plan.changes))?;
        edits::pin(&mut edit, (self.target)(self.workspace, self.path));
        Some(edit)
    }

    /// Edits as `flakeward fix` applies them.
    fn adapted<'e>(&self, all: impl Iterator<Item = &'e Edit>) -> Vec<Edit> {
        let mut texts: BTreeMap<&RelPath, String> = BTreeMap::new();
        let text = |path| (self.target)(self.workspace, path).text.unwrap_or_default();
        all.map(|edit| edits::adapted(texts.entry(&edit.path).or_insert_with(|| text(&edit.path)), edit)).collect()
    }

    fn workspace_edit(&self, all: &[Edit]) -> Option<WorkspaceEdit> {
        edits::workspace_edit(all, |path| (self.target)(self.workspace, path), self.support, self.encoding)
    }
}

/// If an action has both an edit and a command, moves the command to its data until the client resolves the action.
fn keep_command(mut action: CodeAction) -> CodeAction {
    if action.edit.is_some()
        && let Some(command) = action.command.take()
    {
        action.data = Some(serde_json::json!({ "command": command }));
    }
    action
}

/// Restores the stored command.
pub fn resolve(mut action: CodeAction) -> CodeAction {
    let kept = action.data.as_ref().and_then(|data| data.get("command"));
    if let Some(command) = kept.and_then(|command| serde_json::from_value(command.clone()).ok()) {
        action.command = Some(command);
    }
    action
}

/// The command that replaces an action, for clients that do not support actions.
pub fn as_command(action: CodeAction) -> Option<Command> {
    match action.edit {
        Some(edit) => Some(Command {
            title: action.title,
            tooltip: None,
            command: APPLY.to_owned(),
            arguments: Some(vec![serde_json::json!(edit)]),
        }),
        None => action.command,
    }
}

fn change_edits(changes: &[Change]) -> Vec<Edit> {
    let between = |change: &Change| edits::between(&change.path, change.before.as_deref().unwrap_or(""), &change.after);
    changes.iter().flat_map(between).collect()
}

/// Whether two spans overlap or touch. A cursor is an empty span.
fn meets(a: Span, b: Span) -> bool {
    a.start <= b.end && b.start <= a.end
}

/// Capitalises the first letter, as editors do for titles in menus.
fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Whether a client that requests some kinds of actions wants this kind. Kinds are hierarchical.
pub fn wants(only: Option<&[CodeActionKind]>, kind: &str) -> bool {
    let name = |kind: &CodeActionKind| serde_json::to_value(kind).ok()?.as_str().map(str::to_owned);
    only.is_none_or(|only| {
        only.iter().filter_map(name).any(|wanted| {
            wanted.is_empty() || kind == wanted || kind.strip_prefix(&*wanted).is_some_and(|rest| rest.starts_with('.'))
        })
    })
}
