//! Functions that are printed where a policy needs them.

use std::collections::BTreeSet;

/// A function, or several that belong together, in the order in which they are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    /// The result of constraints that are not true.
    Refused,
    /// The result of a path outside of a scope.
    Beyond,
    /// Whether a name is closed, and whether it is not.
    Closed,
    /// The paths that an argument holds.
    Paths,
    /// A path without what says nothing.
    Normalised,
    /// The same for paths of Windows.
    NormalisedOnWindows,
    /// Whether no file system takes it for another one by its form.
    Distinct,
    /// The folder above a path, if there is one.
    Folders,
    /// True of every value, `null` and `false` included.
    Present,
    /// `count`, of what has a size.
    Size,
    /// Whether two values have an order.
    Ordered,
    /// Whether a value that is there is not in a list.
    Outside,
    /// Whether a value is in a list.
    Inside,
    /// Whether a value is in a set, and whether it is not.
    Element,
    /// The types of the elements of a list.
    Types,
    /// Whether a value can be compared with elements of these types.
    Comparable,
    /// The members of an object, by name and value.
    Members,
    /// The texts at and below a value.
    Texts,
    /// A text with its ASCII letters in lower case.
    Lowered,
    /// The name of a value's type.
    TypeOf,
    /// Several lists as one.
    Joined,
    /// What forbids a call.
    Forbidden,
    /// What several rules say together.
    Together,
}

impl Helper {
    fn source(self) -> &'static str {
        match self {
            Self::Refused => include_str!("helpers/refused.rego"),
            Self::Beyond => include_str!("helpers/beyond.rego"),
            Self::Closed => include_str!("helpers/closed.rego"),
            Self::Paths => include_str!("helpers/paths.rego"),
            Self::Normalised => include_str!("helpers/normalised.rego"),
            Self::NormalisedOnWindows => include_str!("helpers/normalised_on_windows.rego"),
            Self::Distinct => include_str!("helpers/distinct.rego"),
            Self::Folders => include_str!("helpers/folders.rego"),
            Self::Present => include_str!("helpers/present.rego"),
            Self::Size => include_str!("helpers/size.rego"),
            Self::Ordered => include_str!("helpers/ordered.rego"),
            Self::Outside => include_str!("helpers/outside.rego"),
            Self::Inside => include_str!("helpers/inside.rego"),
            Self::Element => include_str!("helpers/element.rego"),
            Self::Types => include_str!("helpers/types.rego"),
            Self::Comparable => include_str!("helpers/comparable.rego"),
            Self::Members => include_str!("helpers/members.rego"),
            Self::Texts => include_str!("helpers/texts.rego"),
            Self::Lowered => include_str!("helpers/lowered.rego"),
            Self::TypeOf => include_str!("helpers/type_of.rego"),
            Self::Joined => include_str!("helpers/joined.rego"),
            Self::Forbidden => include_str!("helpers/forbidden.rego"),
            Self::Together => include_str!("helpers/together.rego"),
        }
    }
}

/// The helpers that a policy needs.
#[derive(Debug, Default)]
pub(super) struct Helpers(BTreeSet<Helper>);

impl Helpers {
    /// Notes that one is called.
    pub(super) fn need(&mut self, helper: Helper) {
        self.0.insert(helper);
        if matches!(
            helper,
            Helper::Normalised | Helper::NormalisedOnWindows | Helper::Element
        ) {
            self.0.insert(Helper::Outside);
        }
    }

    /// Prints those that are.
    pub(super) fn print(&self, out: &mut String) {
        for helper in &self.0 {
            out.push('\n');
            out.push_str(helper.source());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_names_is_what_the_evaluator_says() {
        let class: String = hexgate_eval::IGNORED_IN_NAMES
            .iter()
            .map(|(first, last)| match first == last {
                true => format!("\\x{{{first:X}}}"),
                false => format!("\\x{{{first:X}}}-\\x{{{last:X}}}"),
            })
            .collect();
        let source = Helper::Distinct.source();
        assert!(source.contains(&format!("`[{class}]`")), "[{class}]");
    }
}
