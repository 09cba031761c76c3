//! A scope that lets every path pass.

use crate::{
    diagnostic::{CodeDoc, Diagnostic, Severity, Sink, quoted},
    model::Mode,
    resolve::Resolved,
};

pub(super) const CODE: CodeDoc = CodeDoc {
    code: "empty-scope",
    severity: Severity::Warning,
    title: "a file scope lets every path pass",
    explanation: "A scope without patterns demands that there is a path, and lets each pass. In particular `allowed_paths: []` does not mean that no path is allowed: without allowed patterns all paths are, except the denied ones.

List the paths that are allowed: `allowed_paths: ['docs/**']`. To allow none, deny the tool.",
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for entry in resolved
        .entries
        .iter()
        .filter(|entry| entry.mode != Mode::Deny)
    {
        if !sink.has_room() {
            return;
        }
        let Some(scope) = &entry.doc.scope else {
            continue;
        };
        let name = quoted(&entry.doc.name.text);
        if scope.allowed.is_empty() && (scope.denied.is_empty() || scope.allowed_key.is_some()) {
            let (span, label) = match scope.allowed_key {
                Some(key) => (key, "an empty list allows every path"),
                None => (scope.key, "no patterns"),
            };
            let all = if scope.denied.is_empty() {
                "every path"
            } else {
                "every path but the denied ones"
            };
            sink.push(
                Diagnostic::new(CODE.code, format!("the scope of {name} allows {all}"), span, label)
                    .with_help("list what is allowed, such as `allowed_paths: ['docs/**']`; to allow nothing, use `mode: deny`"),
            );
        }
    }
}
