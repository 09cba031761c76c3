//! A scope that lets every path pass.

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for entry in resolved.permitting() {
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
                Diagnostic::new(codes::EMPTY_SCOPE, format!("the scope of {name} allows {all}"), span, label)
                    .with_help("list what is allowed, such as `allowed_paths: ['docs/**']`; to allow nothing, use `mode: deny`"),
            );
        }
    }
}
