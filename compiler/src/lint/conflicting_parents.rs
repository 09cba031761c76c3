//! Two parents have a rule for the same tool, and the looser one wins.

use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    resolve::Resolved,
};

pub(super) fn check(resolved: &Resolved<'_>, sink: &mut Sink) {
    for (replacement, old, new) in resolved.replaced() {
        if !sink.has_room() {
            return;
        }
        if !replacement.own && new.mode() > old.mode() {
            sink.push(
                Diagnostic::new(
                    codes::CONFLICTING_PARENTS,
                    format!(
                        "this parent's rule for {} loosens that of an earlier parent",
                        quoted(&new.listed.doc.name.text)
                    ),
                    replacement.place,
                    "its rule counts",
                )
                .with_label(old.listed.doc.name.span, "the stricter rule")
                .with_label(new.listed.doc.name.span, "the rule that counts")
                .with_help(
                    "put the stricter parent last, or write the rule that is meant into this role",
                ),
            );
        }
    }
}
