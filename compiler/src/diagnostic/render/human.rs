//! For people: the lines of the source with carets, as rustc prints them.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::{
    diagnostic::{Diagnostic, Label, Severity, harmless},
    source::{FileId, Sources},
};

/// More than these nobody reads in one go.
const SHOWN: usize = 100;

pub(super) fn render(diagnostics: &[Diagnostic], sources: &Sources, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        text.push_str(&renderer.render(&[group(diagnostic, sources)]));
        text.push_str("\n\n");
    }
    if let Some(more) = diagnostics
        .len()
        .checked_sub(SHOWN)
        .filter(|more| *more > 0)
    {
        text.push_str(&format!("… and {more} more\n\n"));
    }
    text
}

fn group<'r>(diagnostic: &'r Diagnostic, sources: &'r Sources) -> Group<'r> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(
        level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code),
    );
    // One excerpt for each file, the one with the primary label first.
    let mut files = vec![diagnostic.primary.span.file];
    for label in &diagnostic.secondary {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    for file in files {
        let primary = Some((&diagnostic.primary, AnnotationKind::Primary));
        let secondary = diagnostic
            .secondary
            .iter()
            .map(|label| (label, AnnotationKind::Context));
        let labels: Vec<_> = primary
            .into_iter()
            .chain(secondary)
            .filter(|(label, _)| label.span.file == file)
            .collect();
        group = match excerpt(file, &labels, sources) {
            Some(snippet) => group.element(snippet),
            None => group.element(Origin::path(harmless(sources.name(file)))),
        };
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The lines that the labels stand in; `None` if the whole file is meant.
fn excerpt<'r>(
    file: FileId,
    labels: &[(&'r Label, AnnotationKind)],
    sources: &'r Sources,
) -> Option<Snippet<'r, Annotation<'r>>> {
    let text = sources.text(file);
    let placed = labels.iter().filter(|(label, _)| {
        !(label.span.start == 0 && label.span.end == 0 && label.text.is_empty())
    });
    let placed: Vec<_> = placed
        .filter(|(label, _)| text.get(label.span.range()).is_some())
        .collect();
    let first = placed
        .iter()
        .map(|(label, _)| label.span.range().start)
        .min()?;
    let last = placed
        .iter()
        .map(|(label, _)| label.span.range().end)
        .max()?;
    // Only the lines between are handed over: rendering looks at all it is given.
    let (line, start) = sources.line(file, first);
    let end = text
        .get(last..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |newline| last + newline);
    if text.is_empty() {
        return None;
    }
    let annotations = placed.into_iter().map(|(label, kind)| {
        let range = label.span.range();
        let range = one_line(text, range);
        let annotation = kind.span(range.start - start..range.end - start);
        if label.text.is_empty() {
            annotation
        } else {
            annotation.label(label.text.as_str())
        }
    });
    Some(
        Snippet::source(text.get(start..end)?)
            .line_start(line)
            .path(harmless(sources.name(file)))
            .annotations(annotations),
    )
}

/// The part of a range on its first line: a caret under all lines of a block says less than one at its beginning.
fn one_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let length = text
        .get(range.clone())
        .and_then(|part| part.find(['\r', '\n']))
        .unwrap_or(range.len());
    range.start..range.start + length
}
