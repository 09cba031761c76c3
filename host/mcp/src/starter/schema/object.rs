//! Conditions on objects, and on the arguments as a whole.

use serde_json::{Map, Value};

use super::at::At;
use super::join::{All, is_a};
use super::{LONG, MAX_QUANTIFIERS, MAX_STEPS, Reader};
use crate::starter::path::Path;
use crate::starter::text::literal;

impl<'a> Reader<'a> {
    /// An object, or the arguments themselves (`is_whole`). None: it cannot be written.
    pub(super) fn object(
        &mut self,
        members: &'a Map<String, Value>,
        at: &At,
        is_whole: bool,
    ) -> Option<All> {
        let properties = members.get("properties").and_then(Value::as_object);
        let property = |name: &str| properties.and_then(|all| all.get(name));
        let required: Vec<&str> = members
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let listed = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        if properties.map_or(0, Map::len) + required.len() > MAX_STEPS {
            return None;
        }
        let mut names: Vec<&str> = Vec::new();
        for name in listed.chain(required.iter().copied()) {
            if !names.contains(&name) && property(name) != Some(&Value::Bool(false)) {
                names.push(name);
            }
        }
        let more = members.get("additionalProperties");
        let is_open = !matches!(more, None | Some(Value::Bool(false)));
        let never = |name: &str| match property(name) {
            Some(schema) => *schema == Value::Bool(false),
            None => more == Some(&Value::Bool(false)),
        };
        if required.iter().copied().any(never) {
            self.leave(at, "that a member has to be there and must not be there");
        }
        let mut all = All::new();
        if properties.is_none() && more.is_none() && !is_whole {
            // An alternative that says which members have to be there, and leaves the others to what stands around it.
            all.push(is_a(at, "object"));
        } else if names.is_empty() {
            all.extend(self.map(more, at, is_whole));
        } else {
            let list: Vec<String> = names.iter().map(|name| literal(name)).collect();
            all.push(format!("only({}, [{}])", at.text(), list.join(", ")));
            if is_open {
                self.narrowed(at);
            }
        }
        for name in names {
            let Some(path) = at.path.member(name) else {
                self.leave(at, "members of elements whose names have other characters than letters, digits and `_`");
                continue;
            };
            let inner = at.below(path, at.quantifiers);
            let conditions = match property(name) {
                Some(schema) => self.conditions(schema, &inner),
                // It has to be there, and is described as all others are.
                None => match more {
                    Some(schema @ Value::Object(_)) => self.conditions(schema, &inner),
                    _ => All::new(),
                },
            };
            all.extend(member(
                &inner,
                conditions,
                required.contains(&name),
                is_whole,
            ));
        }
        Some(all)
    }

    /// An object that names no members.
    pub(super) fn map(&mut self, more: Option<&'a Value>, at: &At, is_whole: bool) -> All {
        match more {
            None | Some(Value::Bool(false)) if is_whole => {
                vec![format!("count({}) == 0", at.text())]
            }
            // A list and a text can be counted too.
            Some(Value::Bool(false)) => {
                vec![is_a(at, "object"), format!("count({}) == 0", at.text())]
            }
            Some(schema @ Value::Object(_)) if at.quantifiers < MAX_QUANTIFIERS => {
                let inner = at.below(Path::value_of_member(), at.quantifiers + 1);
                let conditions = self.conditions(schema, &inner);
                if conditions.is_empty() {
                    self.open(at, is_whole)
                } else {
                    vec![format!(
                        "every_member({}, {})",
                        at.text(),
                        conditions.join(" and ")
                    )]
                }
            }
            _ => self.open(at, is_whole),
        }
    }

    /// Any members.
    pub(super) fn open(&mut self, at: &At, is_whole: bool) -> All {
        self.leave(at, "an object with any members");
        if is_whole {
            All::new()
        } else {
            vec![is_a(at, "object")]
        }
    }
}

/// What holds of a member that has to be there, or need not.
fn member(at: &At, conditions: All, is_required: bool, is_whole: bool) -> All {
    let path = at.text();
    if is_required {
        return if conditions.is_empty() {
            vec![format!("present({path})")]
        } else {
            conditions
        };
    }
    if conditions.is_empty() {
        return All::new();
    }
    let together = conditions.join(" and ");
    if !is_whole {
        return vec![format!("(not present({path}) or {together})")];
    }
    // Constraints of their own are read more easily than one long one, and mean the same.
    if together.len() > LONG && conditions.len() > 1 {
        let split = conditions
            .iter()
            .map(|one| format!("not present({path}) or {one}"));
        return split.collect();
    }
    vec![format!("not present({path}) or {together}")]
}
