//! From the files to a definition.

mod names;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hexgate_base::disk::{FileError, read_all};
use hexgate_compiler::diagnostic::{CodeDoc, Diagnostic, Sink, quoted};
use hexgate_compiler::document::Reader;
use hexgate_compiler::source::{Entry, FileId, Node, Sources, Span, Subject, add_bytes, parse_as};

use super::beside::{self, Beside, Problem};
use super::codes::{LEAVES, MISSING_FILE, MISSING_KEY, NO_POLICY, TOO_LARGE};
use super::{
    Definition, FILE, Limits, MAX_FILE, MAX_SYSTEM_PROMPT, Name, Refused, SYSTEM_PROMPT, Workspace,
};

/// The keys, in the order in which documents list them.
const KEYS: &[&str] = &[
    "name",
    "description",
    "model",
    "system_prompt",
    "policy",
    "tools",
    "subagents",
    "handoffs",
    "limits",
    "workspace",
];
/// What other products call them.
const OTHER_WORDS: &[(&str, &[&str])] = &[
    (
        "system_prompt",
        &[
            "prompt",
            "instructions",
            "system",
            "system_message",
            "persona",
        ],
    ),
    ("model", &["llm", "engine", "provider", "model_name"]),
    ("name", &["id", "agent", "agent_name", "title"]),
    ("subagents", &["agents", "sub_agents", "team", "children"]),
    ("handoffs", &["handoff", "transfers", "delegates"]),
    ("limits", &["budget", "max_turns", "timeout"]),
    ("workspace", &["cwd", "root", "sandbox", "directory"]),
    ("tools", &["toolset", "functions", "plugins", "skills"]),
    ("policy", &["policies", "permissions", "guardrails"]),
];

const SUBJECT: Subject = Subject {
    noun: "definition of an agent",
    when_empty: "write at least `name: NAME`",
    when_several: "give each agent a folder of its own",
    when_repeated: "write the values out",
    depth: "3 levels",
};

/// What `agent.yaml` says, before its files are looked at.
#[derive(Default)]
struct Written {
    name: Option<Name>,
    description: Option<String>,
    model: Option<Name>,
    system_prompt: Option<Name>,
    policy: Option<Name>,
    tools: Vec<Name>,
    subagents: Vec<Name>,
    handoffs: Vec<Name>,
    limits: Limits,
    workspace: Workspace,
    /// Where the root of the workspace stands.
    root: Option<Name>,
}

pub(super) fn read(folder: &Path) -> Result<Definition, Refused> {
    let mut reading = Reading::default();
    let definition = reading.folder(folder);
    reading.end(definition)
}

pub(super) fn built_in(
    name: &str,
    text: &str,
    prompt: &'static str,
) -> Result<Definition, Refused> {
    let mut reading = Reading::default();
    let file = reading.sources.add(name, text);
    let definition = reading.document(file).and_then(|written| {
        let name = reading.named(&written, file)?;
        Some(Definition {
            system_prompt: Some(prompt.into()),
            ..definition(name, PathBuf::new(), written)
        })
    });
    reading.end(definition)
}

fn definition(name: String, folder: PathBuf, written: Written) -> Definition {
    Definition {
        name,
        folder,
        description: written.description,
        model: written.model.map(|model| model.text),
        system_prompt: None,
        policy: None,
        tools: written.tools,
        subagents: written.subagents,
        handoffs: written.handoffs,
        limits: written.limits,
        workspace: written.workspace,
        warnings: Vec::new(),
        sources: Arc::default(),
    }
}

#[derive(Default)]
struct Reading {
    sources: Sources,
    sink: Sink,
    /// The name, as soon as it is known.
    name: Option<String>,
}

impl Reading {
    /// What came of it: a definition, or everything that is wrong.
    fn end(self, definition: Option<Definition>) -> Result<Definition, Refused> {
        let failed = self.sink.has_errors();
        let sources = Arc::new(self.sources);
        let diagnostics = self.sink.finish();
        match definition {
            Some(mut definition) if !failed => {
                definition.warnings = diagnostics;
                definition.sources = sources;
                Ok(definition)
            }
            _ => Err(Refused {
                name: self.name,
                diagnostics,
                sources,
            }),
        }
    }

    fn folder(&mut self, folder: &Path) -> Option<Definition> {
        let path = folder.join(FILE);
        let file = self.own_file(folder, FILE, &path, MAX_FILE, None)?;
        let written = self.document(file)?;
        let name = self.named(&written, file);
        let system_prompt = self.system_prompt(folder, written.system_prompt.as_ref());
        let policy = self.policy(folder, &written);
        let mut workspace = written.workspace.clone();
        workspace.root = self.root(folder, written.root.as_ref());
        let extra = workspace.extra_read_paths.iter_mut();
        for path in extra.chain(&mut workspace.extra_write_paths) {
            *path = folder.join(&*path);
        }
        Some(Definition {
            system_prompt,
            policy,
            workspace,
            ..definition(name?, folder.to_owned(), written)
        })
    }

    /// The name, which every agent has.
    fn named(&mut self, written: &Written, file: FileId) -> Option<String> {
        let Some(name) = &written.name else {
            if !self.sink.has_errors() {
                self.report(
                    &MISSING_KEY,
                    "the agent has no name".to_owned(),
                    Span::whole(file),
                    "write `name: NAME`: what policies and other agents call it",
                );
            }
            return None;
        };
        self.name = Some(name.text.clone());
        Some(name.text.clone())
    }

    /// Reads a text of the agent's folder. `at`: where it is named.
    fn own_file(
        &mut self,
        folder: &Path,
        name: &str,
        path: &Path,
        limit: u64,
        at: Option<Span>,
    ) -> Option<FileId> {
        let place = |reading: &mut Self| {
            at.unwrap_or_else(|| Span::whole(reading.sources.add(path.display().to_string(), "")))
        };
        let file = match beside::open(folder, name) {
            Ok(Beside::File(file)) => file,
            Ok(Beside::Folder) => {
                let span = place(self);
                let message = format!("{} is a folder, and a file is needed", quoted(name));
                self.report(&MISSING_FILE, message, span, "name the file");
                return None;
            }
            Err(problem) => {
                let span = place(self);
                self.problem(name, &problem, span);
                return None;
            }
        };
        match read_all(file, limit) {
            Ok(bytes) => {
                let shown = path.display().to_string();
                add_bytes(shown, bytes, "text", &mut self.sources, &mut self.sink)
            }
            Err(FileError::TooLarge(_)) => {
                let span = place(self);
                let message = format!("{} is longer than {} KiB", quoted(name), limit >> 10);
                self.report(&TOO_LARGE, message, span, "shorten it");
                None
            }
            Err(error) => {
                let span = place(self);
                let message = format!("{} cannot be read: {error}", quoted(name));
                self.report(&MISSING_FILE, message, span, "check who may read it");
                None
            }
        }
    }

    fn problem(&mut self, name: &str, problem: &Problem, span: Span) {
        let name = quoted(name);
        match problem {
            Problem::Leaves(why) => self.report(
                &LEAVES,
                format!("{name} is not in the agent's folder: {why}"),
                span,
                "put the file into the agent's folder, and name it by a relative path without `..` and links",
            ),
            Problem::Missing => self.report(
                &MISSING_FILE,
                format!("there is no {name} in the agent's folder"),
                span,
                "make it, or correct its name: paths are relative to the agent's folder",
            ),
            Problem::Other(why) => self.report(
                &MISSING_FILE,
                format!("{name} cannot be read: {why}"),
                span,
                "name a file in the agent's folder",
            ),
        }
    }

    /// The named prompt, which has to be there; else that of the usual name, if it is there.
    fn system_prompt(&mut self, folder: &Path, named: Option<&Name>) -> Option<Arc<str>> {
        let (name, at) = match named {
            Some(name) => (name.text.as_str(), Some(name.span)),
            None => match beside::open(folder, SYSTEM_PROMPT) {
                Err(Problem::Missing) => return None,
                _ => (SYSTEM_PROMPT, None),
            },
        };
        let path = folder.join(name);
        let file = self.own_file(folder, name, &path, MAX_SYSTEM_PROMPT, at)?;
        Some(self.sources.text(file).trim_end().into())
    }

    /// The policy: a file, or a folder in any of the layouts.
    fn policy(&mut self, folder: &Path, written: &Written) -> Option<PathBuf> {
        let Some(named) = &written.policy else {
            self.without_policy(folder, written);
            return None;
        };
        match beside::open(folder, &named.text) {
            Ok(_) => Some(folder.join(&named.text)),
            Err(problem) => {
                self.problem(&named.text, &problem, named.span);
                None
            }
        }
    }

    fn without_policy(&mut self, folder: &Path, written: &Written) {
        let Some(first) = written.tools.first() else {
            return;
        };
        let there = beside::open(folder, "policy.yaml").is_ok();
        let help = if there {
            "write `policy: policy.yaml`: the file is there, and counts only if it is named"
        } else {
            "write a policy, and name it: `policy: policy.yaml`"
        };
        self.sink.push(
            Diagnostic::documented(
                &NO_POLICY,
                "the agent has tools and no policy: every call is denied",
                first.span,
                "denied, as every other",
            )
            .with_help(help),
        );
    }

    fn root(&mut self, folder: &Path, named: Option<&Name>) -> Option<PathBuf> {
        let named = named?;
        match beside::open(folder, &named.text) {
            Ok(Beside::Folder) => Some(folder.join(&named.text)),
            Ok(Beside::File(_)) => {
                let message = format!("{} is a file, and a folder is needed", quoted(&named.text));
                self.report(&MISSING_FILE, message, named.span, "name the folder");
                None
            }
            Err(problem) => {
                self.problem(&named.text, &problem, named.span);
                None
            }
        }
    }

    /// Reads `agent.yaml`.
    fn document(&mut self, file: FileId) -> Option<Written> {
        let root = parse_as(&self.sources, file, &SUBJECT, &mut self.sink)?;
        let mut written = Written::default();
        let mut reader = Reader {
            sink: &mut self.sink,
        };
        let entries = reader.mapping(&root, "an agent", root.span)?;
        for entry in entries {
            key(&mut reader, entry, &mut written);
        }
        Some(written)
    }

    fn report(&mut self, doc: &'static CodeDoc, message: String, span: Span, help: &str) {
        let diagnostic = Diagnostic::documented(doc, message, span, "").with_help(help);
        self.sink.push(diagnostic);
    }
}

fn key(reader: &mut Reader<'_>, entry: &Entry, written: &mut Written) {
    match entry.key.name.as_str() {
        "name" => written.name = names::agent(reader, entry),
        "description" => written.description = reader.description(entry),
        "model" => written.model = values::text(reader, entry, "a model"),
        "system_prompt" => {
            written.system_prompt = values::text(reader, entry, "the name of a file")
        }
        "policy" => written.policy = values::text(reader, entry, "the name of a file or folder"),
        "tools" => written.tools = names::tools(reader, entry),
        "subagents" => written.subagents = names::agents(reader, entry),
        "handoffs" => written.handoffs = names::agents(reader, entry),
        "limits" => written.limits = values::limits(reader, entry),
        "workspace" => (written.workspace, written.root) = values::workspace(reader, entry),
        _ => values::unknown(reader, &entry.key, "an agent", KEYS, OTHER_WORDS),
    }
}

/// Where to point for a value.
fn place(reader: &Reader<'_>, node: &Node, entry: &Entry) -> Span {
    reader.place(node, entry.key.span)
}
