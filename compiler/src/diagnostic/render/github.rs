//! For GitHub Actions: workflow commands, which become annotations of a pull request.

use super::region;
use crate::{
    diagnostic::{Diagnostic, Severity, harmless},
    place::Sources,
};

pub(super) fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let span = diagnostic.primary.span;
        text.push_str(&format!(
            "::{command} file={}",
            property(&harmless(sources.name(span.file)))
        ));
        if let Some(region) = region(span, sources) {
            text.push_str(&format!(
                ",line={},endLine={}",
                region.line, region.end_line
            ));
            // Columns are allowed within one line only.
            if region.line == region.end_line {
                text.push_str(&format!(
                    ",col={},endColumn={}",
                    region.column, region.end_column
                ));
            }
        }
        let mut message = diagnostic.message.clone();
        for label in &diagnostic.secondary {
            let line = region(label.span, sources)
                .map_or_else(String::new, |region| format!(":{}", region.line));
            message.push_str(&format!(
                "\n{}{line}: {}",
                harmless(sources.name(label.span.file)),
                label.text
            ));
        }
        if let Some(help) = &diagnostic.help {
            message.push_str(&format!("\nhelp: {help}"));
        }
        text.push_str(&format!(
            ",title={}::{}\n",
            property(diagnostic.code),
            data(&message)
        ));
    }
    text
}

/// Escapes a message: a line break in it would begin a command of its own.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
