//! rustc's messages as diagnostics of ours: in the user's file, at the place that rustc names.

use std::{fs, path::PathBuf};

use serde::Deserialize;

use super::package::Package;
use crate::{
    diagnostic::{Diagnostic, in_one_line},
    source::{FileId, Sources, Span},
};

/// What rustc says.
#[derive(Debug)]
pub(super) struct Message {
    said: Said,
    /// Whether it is about the package itself, and not about one that it depends on.
    own: bool,
}

#[derive(Debug, Deserialize)]
struct Said {
    message: String,
    level: String,
    #[serde(default)]
    code: Option<Code>,
    #[serde(default)]
    spans: Vec<Place>,
    #[serde(default)]
    children: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Code {
    code: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    file_name: PathBuf,
    byte_start: usize,
    byte_end: usize,
    is_primary: bool,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    expansion: Option<Box<Expansion>>,
}

#[derive(Debug, Deserialize)]
struct Expansion {
    span: Place,
}

impl Message {
    /// One message of rustc. None: it is not one, or says nothing of its own.
    pub(super) fn read(message: &serde_json::Value, own: bool) -> Option<Self> {
        let said = Said::deserialize(message).ok()?;
        // "aborting due to 2 previous errors", "1 warning emitted"
        let counts = said.code.is_none() && said.spans.is_empty() && said.children.is_empty();
        (!counts
            || !(said.message.starts_with("aborting due to") || said.message.ends_with(" emitted")))
        .then_some(Self { said, own })
    }

    pub(super) fn is_error(&self) -> bool {
        self.said.level.starts_with("error")
    }

    /// Whether there is no standard library for the target.
    pub(super) fn lacks_target(&self) -> bool {
        let code = self.said.code.as_ref().map(|code| code.code.as_str());
        code == Some("E0463")
            && ["`core`", "`alloc`", "`std`"]
                .iter()
                .any(|library| self.said.message.contains(library))
    }

    /// As a diagnostic. None: a warning about a dependency.
    pub(super) fn diagnostic(
        &self,
        package: &Package,
        manifest: FileId,
        files: &mut Files,
        sources: &mut Sources,
    ) -> Option<Diagnostic> {
        let code = if self.is_error() {
            "rust-error"
        } else if self.said.level == "warning" && self.own {
            "rust-warning"
        } else {
            return None;
        };
        let primary = self.said.spans.iter().find(|place| place.is_primary);
        let (span, label) = match primary {
            Some(place) if self.own => {
                let place = place.outermost();
                (
                    files.span(place, package, sources),
                    place.label.clone().unwrap_or_default(),
                )
            }
            _ => (Span::whole(manifest), String::new()),
        };
        let help = self
            .said
            .children
            .iter()
            .find(|child| child.level == "help" || child.level == "note");
        Some(
            Diagnostic::new(
                code,
                in_one_line(&self.said.message),
                span,
                in_one_line(&label),
            )
            .with_help_if(help.map(|help| in_one_line(&help.message))),
        )
    }
}

impl Place {
    /// Where the user wrote what a macro has made this of.
    fn outermost(&self) -> &Self {
        let mut place = self;
        while let Some(expansion) = &place.expansion {
            place = &expansion.span;
        }
        place
    }
}

/// The files that messages point into, each read once.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<(PathBuf, FileId)>);

impl Files {
    fn span(&mut self, place: &Place, package: &Package, sources: &mut Sources) -> Span {
        let path = package.workspace.join(&place.file_name);
        let file = match self.0.iter().find(|(known, _)| *known == path) {
            Some((_, file)) => *file,
            None => {
                let shown = match path.strip_prefix(&package.folder) {
                    Ok(within) => package.shown.join(within),
                    Err(_) => path.clone(),
                };
                // A file that cannot be read is shown without its lines.
                let text = fs::read_to_string(&path).unwrap_or_default();
                let file = sources.add(shown.display().to_string(), text);
                self.0.push((path, file));
                file
            }
        };
        let text = sources.text(file);
        let (start, end) = (place.byte_start, place.byte_end);
        if start <= end && text.is_char_boundary(start) && text.is_char_boundary(end) {
            Span::new(file, start, end)
        } else {
            Span::whole(file)
        }
    }
}
