//! What an answer may look like.
//!
//! OPA prints the results of an entrypoint as a list. Ours has one result, an object whose members have exactly the expected types;
//! anything else is an error that names what is wrong, and so a denial.

use alloc::{string::String, vec, vec::Vec};

use hexgate_contract::Effect;
use hexgate_eval::{Error, Node, Tree, TreeValue};

/// The memory in which an answer is read.
#[derive(Debug)]
pub(crate) struct Reader {
    nodes: Vec<Node>,
    slots: Vec<u32>,
}

/// An answer whose common members have been found.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    tree: Tree<'a>,
    result: TreeValue,
}

impl Reader {
    /// Memory for an answer of that text.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            nodes: vec![[0; 4]; Tree::nodes_for(text.len())],
            slots: vec![0; Tree::slots_for(text.len())],
        }
    }

    /// Reads an answer.
    pub(crate) fn read<'a>(&'a mut self, text: &'a str) -> Result<Answer<'a>, Error> {
        let inside = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
            .ok_or(Error::Internal(
                "the Rego policy's answer is not a list of results",
            ))?;
        if inside.is_empty() {
            return Err(Error::Internal("the Rego policy's decision is undefined"));
        }
        let tree = Tree::read(inside, &mut self.nodes, &mut self.slots).ok_or(Error::Internal(
            "the Rego policy's answer is not one result as JSON",
        ))?;
        let result = match tree.member(tree.root(), "result") {
            Some(result @ TreeValue::Object(_)) => result,
            _ => {
                return Err(Error::Internal(
                    "the Rego policy's decision is not an object",
                ));
            }
        };
        Ok(Answer { tree, result })
    }
}

impl Answer<'_> {
    /// `allow` and `requires_approval`. If both are true the stricter wins.
    pub(crate) fn says(&self) -> Result<Effect, Error> {
        let truth = |name, wrong| match self.tree.member(self.result, name) {
            Some(TreeValue::Bool(value)) => Ok(value),
            _ => Err(Error::Internal(wrong)),
        };
        let allow = truth(
            "allow",
            "the Rego policy's decision has no `allow` that is a boolean",
        )?;
        let approval = truth(
            "requires_approval",
            "the Rego policy's decision has no `requires_approval` that is a boolean",
        )?;
        Ok(match (allow, approval) {
            (_, true) => Effect::NeedsApproval,
            (true, false) => Effect::Allow,
            (false, false) => Effect::Deny,
        })
    }

    /// `violations`.
    pub(crate) fn violations(&self) -> Result<Vec<String>, Error> {
        let wrong = "the Rego policy's decision has no `violations` that is a list of strings";
        self.strings(self.result, "violations", wrong)
    }

    /// The object that was decided.
    pub(crate) fn result(&self) -> TreeValue {
        self.result
    }

    /// A member of an object; `null` counts as a member that is not there.
    pub(crate) fn member(&self, object: TreeValue, name: &str) -> Option<TreeValue> {
        self.tree
            .member(object, name)
            .filter(|value| *value != TreeValue::Null)
    }

    /// The elements of a member that is a list.
    pub(crate) fn elements(
        &self,
        object: TreeValue,
        name: &str,
    ) -> Option<impl ExactSizeIterator<Item = TreeValue> + Clone> {
        self.tree.elements(self.tree.member(object, name)?)
    }

    /// A member that is a string.
    pub(crate) fn string(
        &self,
        object: TreeValue,
        name: &str,
        wrong: &'static str,
    ) -> Result<String, Error> {
        self.tree
            .member(object, name)
            .and_then(|value| self.tree.string(value))
            .ok_or(Error::Internal(wrong))
    }

    /// A member that is a list of strings.
    pub(crate) fn strings(
        &self,
        object: TreeValue,
        name: &str,
        wrong: &'static str,
    ) -> Result<Vec<String>, Error> {
        self.elements(object, name)
            .and_then(|list| list.map(|value| self.tree.string(value)).collect())
            .ok_or(Error::Internal(wrong))
    }

    /// A member that is `null` or a small whole number.
    pub(crate) fn index(&self, name: &str, wrong: &'static str) -> Result<Option<u32>, Error> {
        match self.tree.member(self.result, name) {
            Some(TreeValue::Null) => Ok(None),
            Some(value) => self
                .tree
                .number(value)
                .and_then(|number| number.parse().ok())
                .map(Some)
                .ok_or(Error::Internal(wrong)),
            None => Err(Error::Internal(wrong)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<(Effect, Vec<String>), &'static str> {
        let mut reader = Reader::of(text);
        let told = |error| match error {
            Error::Internal(what) => what,
            _ => "another error",
        };
        let answer = reader.read(text).map_err(told)?;
        Ok((
            answer.says().map_err(told)?,
            answer.violations().map_err(told)?,
        ))
    }

    #[test]
    fn the_stricter_of_two_wins() {
        for (allow, approval, says) in [
            (false, false, Effect::Deny),
            (true, false, Effect::Allow),
            (false, true, Effect::NeedsApproval),
            (true, true, Effect::NeedsApproval),
        ] {
            let text = alloc::format!(
                r#"[{{"result":{{"violations":["x"],"allow":{allow},"requires_approval":{approval},"more":1}}}}]"#
            );
            assert_eq!(said(&text), Ok((says, vec!["x".into()])));
        }
    }

    #[test]
    fn every_other_shape_is_named() {
        let result = |object: &str| said(&alloc::format!(r#"[{{"result":{object}}}]"#));
        for (object, named) in [
            ("true", "not an object"),
            ("[]", "not an object"),
            ("{}", "`allow`"),
            (
                r#"{"allow":1,"requires_approval":false,"violations":[]}"#,
                "`allow`",
            ),
            (
                r#"{"allow":"true","requires_approval":false,"violations":[]}"#,
                "`allow`",
            ),
            (
                r#"{"allow":true,"requires_approval":null,"violations":[]}"#,
                "`requires_approval`",
            ),
            (
                r#"{"allow":true,"requires_approval":false}"#,
                "`violations`",
            ),
            (
                r#"{"allow":true,"requires_approval":false,"violations":"x"}"#,
                "`violations`",
            ),
            (
                r#"{"allow":true,"requires_approval":false,"violations":[1]}"#,
                "`violations`",
            ),
        ] {
            let wrong = result(object).unwrap_err();
            assert!(wrong.contains(named), "{object}: {wrong}");
        }
        for (text, named) in [
            ("[]", "undefined"),
            ("", "not a list of results"),
            ("{}", "not a list of results"),
            (r#"[{"result":{}},{"result":{}}]"#, "not one result"),
            (r#"[{"result":{},"result":{}}]"#, "not one result"),
            ("[1]", "not one result"),
        ] {
            let wrong = said(text).unwrap_err();
            assert!(wrong.contains(named), "{text}: {wrong}");
        }
    }
}
