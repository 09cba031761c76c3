//! For people: the lines of the source with carets, as rustc prints them.

use annotate_snippets::{
    Annotation, AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet,
};

use crate::{
    diagnostic::{Diagnostic, Label, Severity, Sink, harmless},
    place::{FileId, Sources},
};

/// How many are shown at once.
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
        // The compiler stops looking when it has found so many.
        let least = if diagnostics.len() < Sink::LIMIT {
            ""
        } else {
            "at least "
        };
        text.push_str(&format!("… and {least}{more} more\n\n"));
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
        group = group.elements(excerpts(file, &labels, sources));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The lines that the labels stand in; the name of the file alone if all of it is meant.
fn excerpts<'r>(
    file: FileId,
    labels: &[(&'r Label, AnnotationKind)],
    sources: &'r Sources,
) -> Vec<Element<'r>> {
    let text = sources.text(file);
    let placed = labels.iter().filter(|(label, _)| {
        !(label.span.start == 0 && label.span.end == 0 && label.text.is_empty())
    });
    let placed: Vec<_> = placed
        .filter(|(label, _)| !text.is_empty() && text.get(label.span.range()).is_some())
        .copied()
        .collect();
    let ranges = || placed.iter().map(|(label, _)| label.span.range());
    let first = ranges().map(|range| range.start).min();
    let last = ranges().map(|range| range.end).max();
    let (Some(first), Some(last)) = (first, last) else {
        return vec![Origin::path(harmless(sources.name(file))).into()];
    };
    // Only the lines between are handed over: rendering looks at all it is given.
    let (line, start) = sources.line(file, first);
    let end = line_end(text, last, usize::MAX);
    if end - start > WIDE {
        return placed
            .into_iter()
            .flat_map(|label| apart(file, label, sources))
            .collect();
    }
    let annotations = placed
        .into_iter()
        .map(|label| annotation(label, one_line(text, label.0.span.range()), start));
    let source = text.get(start..end).unwrap_or_default();
    let snippet = Snippet::source(source)
        .line_start(line)
        .path(harmless(sources.name(file)))
        .annotations(annotations);
    vec![snippet.into()]
}

/// More bytes than this are not rendered as one excerpt: labels stand far apart, or on a line that goes on for pages.
const WIDE: usize = 64 << 10;
/// How many bytes of such a line are shown before and behind the beginning of what is meant.
const AROUND: usize = 200;

/// A label with what stands next to it.
fn apart<'r>(
    file: FileId,
    label: (&'r Label, AnnotationKind),
    sources: &'r Sources,
) -> [Element<'r>; 2] {
    let text = sources.text(file);
    let whole = label.0.span.range();
    let (line, line_start) = sources.line(file, whole.start);
    let start = text.floor_char_boundary(whole.start.saturating_sub(AROUND).max(line_start));
    let most = text.floor_char_boundary(whole.start.saturating_add(AROUND));
    let range = one_line(text, whole.start..whole.end.min(most));
    let end = line_end(text, range.end, most);
    let (line, column) = (line, sources.position(file, label.0.span.start).1);
    [
        Origin::path(harmless(sources.name(file)))
            .line(line)
            .char_column(column)
            .into(),
        Snippet::source(text.get(start..end).unwrap_or_default())
            .line_start(line)
            .annotation(annotation(label, range, start))
            .into(),
    ]
}

/// Where the line ends that goes on at `from`, or `most` if that comes first.
fn line_end(text: &str, from: usize, most: usize) -> usize {
    let most = most.clamp(from, text.len());
    let rest = text.get(from..most).and_then(|rest| rest.find('\n'));
    rest.map_or(most, |newline| from + newline)
}

fn annotation<'r>(
    (label, kind): (&'r Label, AnnotationKind),
    range: std::ops::Range<usize>,
    start: usize,
) -> Annotation<'r> {
    let annotation = kind.span(range.start - start..range.end - start);
    if label.text.is_empty() {
        annotation
    } else {
        annotation.label(label.text.as_str())
    }
}

/// The part of a range on its first line: a caret under all lines of a block says less than one at its beginning.
fn one_line(text: &str, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let length = text
        .get(range.clone())
        .and_then(|part| part.find(['\r', '\n']))
        .unwrap_or(range.len());
    range.start..range.start + length
}
