//! Single conditions in words: what a value must be.

use hexgate_compiler::expr::{
    CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Path, Root, Test, TextCall,
};
use hexgate_eval::trace::ConditionTrace;

use super::values::{Type, Values};
use crate::output::shortened;

/// How many elements of a list the evaluator traces at most, beside the one that decides.
pub(super) const TRACED: usize = 16;

/// The longest value that is shown, in characters.
const SHOWN: usize = 80;

/// What a sentence is about: a path and what is there.
pub(super) struct Subject {
    name: String,
    value: Option<String>,
    /// Whether nothing in the arguments or facts changes it.
    fixed: bool,
}

impl Subject {
    /// The value at a path.
    pub(super) fn path(path: &Path, values: &Values<'_>) -> Self {
        let mut name = format!("`{path}`");
        if path.root == Root::Element
            && let Some(label) = values.element_label()
        {
            name.push_str(&format!(" of {label}"));
        }
        Self {
            name,
            value: values.at(path).map(|value| shortened(&value, SHOWN)),
            fixed: path.root.is_name(),
        }
    }

    /// What is computed, by its trace.
    fn computed(operand: &Operand, trace: &ConditionTrace) -> Self {
        let name = operand.to_string();
        let traced = trace.operands.iter().find(|traced| traced.path == name);
        Self {
            value: traced
                .and_then(|traced| traced.value.as_deref())
                .map(|value| shortened(value, SHOWN)),
            name: format!("`{name}`"),
            fixed: false,
        }
    }

    /// Its name in backticks.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// That it must be or do something, and what it is.
    pub(super) fn must(&self, what: &str) -> String {
        let is = self.value.as_ref().map_or_else(
            || "it is absent".to_owned(),
            |value| format!("it is {value}"),
        );
        let fixed = if self.fixed {
            ", and no argument changes that"
        } else {
            ""
        };
        format!("{} must {what} ({is}{fixed})", self.name)
    }
}

/// What a condition without parts lacks to be true, or to be false. None for what is not such a condition.
pub(super) fn leaf(
    expr: &Expr,
    trace: &ConditionTrace,
    wanted: bool,
    values: &Values<'_>,
) -> Option<String> {
    Some(match &expr.kind {
        ExprKind::Compare { op, left, right } => {
            let op = if wanted { *op } else { op.negated() };
            comparison(op, left, right, trace, values)
        }
        ExprKind::In {
            value,
            list,
            negated,
        } => {
            let subject = operand(value, trace, values)?;
            let member = wanted != *negated;
            match list {
                Members::Listed(list) => subject.must(&membership(list, member)),
                Members::Path(path) => {
                    let list = values.at(path);
                    if !list.is_some_and(|list| Type::of(&list) == Type::List) {
                        return Some(Subject::path(path, values).must("be a list"));
                    }
                    subject.must(&if member {
                        format!("be an element of `{path}`")
                    } else {
                        format!("be of the type of an element of `{path}`, and not be one")
                    })
                }
            }
        }
        ExprKind::Text {
            call,
            subject: of,
            sought,
        } => {
            let verb = match call {
                TextCall::StartsWith => "begin with",
                TextCall::EndsWith => "end with",
                TextCall::Contains => "contain",
            };
            let text = match &sought.kind {
                OperandKind::Literal(Literal::String(text)) => json(text),
                OperandKind::Literal(literal) => literal_text(literal),
                OperandKind::Path(_)
                | OperandKind::Count(_)
                | OperandKind::CountIf { .. }
                | OperandKind::Sum { .. }
                | OperandKind::Lower(_)
                | OperandKind::TypeOf(_)
                | OperandKind::Arithmetic { .. } => {
                    let sought = operand(sought, trace, values)?;
                    let is = sought.value.as_deref().unwrap_or("absent");
                    if is == "\"\"" || !is.starts_with('"') {
                        return Some(sought.must("be a string that is not empty"));
                    }
                    format!("{}, which is {is}", sought.name)
                }
            };
            text_call(&operand(of, trace, values)?, verb, &text, wanted)
        }
        ExprKind::Test(path, test) => match test {
            Test::Matches { pattern, .. } => {
                let pattern = format!("`{}`", shortened(pattern, SHOWN));
                text_call(&Subject::path(path, values), "match", &pattern, wanted)
            }
            Test::Present => {
                Subject::path(path, values).must(if wanted { "be given" } else { "be left out" })
            }
            Test::Only(names) => only(path, names, wanted, values),
        },
        ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Quantifier { .. }
        | ExprKind::Named { .. } => {
            return None;
        }
    })
}

fn comparison(
    op: CompareOp,
    left: &Operand,
    right: &Operand,
    trace: &ConditionTrace,
    values: &Values<'_>,
) -> String {
    match (&left.kind, &right.kind) {
        (_, OperandKind::Literal(literal)) => with_literal(op, left, literal, trace, values),
        (OperandKind::Literal(literal), _) => {
            with_literal(op.mirrored(), right, literal, trace, values)
        }
        _ => {
            let (one, other) = (operand(left, trace, values), operand(right, trace, values));
            let (Some(one), Some(other)) = (one, other) else {
                return "a comparison of constants must hold".to_owned();
            };
            let kind = if op.is_order() {
                "both numbers or both strings"
            } else {
                "both of one type"
            };
            let value =
                |subject: &Subject| subject.value.clone().unwrap_or_else(|| "absent".to_owned());
            format!(
                "{} must {} {}, {kind} (they are {} and {})",
                one.name,
                relation(op),
                other.name,
                value(&one),
                value(&other)
            )
        }
    }
}

/// What an operand must be, compared with a constant.
fn with_literal(
    op: CompareOp,
    operand: &Operand,
    literal: &Literal,
    trace: &ConditionTrace,
    values: &Values<'_>,
) -> String {
    match &operand.kind {
        OperandKind::Path(path) => {
            let subject = Subject::path(path, values);
            let current = values.at(path).map(|value| Type::of(&value));
            subject.must(&value_must(op, literal, current))
        }
        OperandKind::Count(path) => {
            let subject = Subject::path(path, values);
            let unit = match values.at(path).map(|value| Type::of(&value)) {
                Some(Type::List) => "elements",
                Some(Type::Object) => "members",
                Some(Type::String) => "characters",
                _ => {
                    return subject.must(&format!(
                        "be a list, an object or a string whose count is {} {}",
                        amount(op),
                        literal_text(literal)
                    ));
                }
            };
            subject.must(&format!(
                "have {} {} {unit}",
                amount(op),
                literal_text(literal)
            ))
        }
        OperandKind::CountIf { .. }
        | OperandKind::Sum { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Arithmetic { .. } => {
            let subject = Subject::computed(operand, trace);
            let current = subject.value.as_deref().map(Type::of);
            subject.must(&value_must(op, literal, current))
        }
        OperandKind::Literal(left) => format!(
            "{} must {} {}, which no call can change",
            literal_text(left),
            relation(op),
            literal_text(literal)
        ),
    }
}

/// What a value must be. The type is named where the value is of another, or absent.
fn value_must(op: CompareOp, literal: &Literal, current: Option<Type>) -> String {
    let text = literal_text(literal);
    let wanted = type_of(literal);
    let kind = if current == Some(wanted) {
        String::new()
    } else {
        format!("{}, ", wanted.described())
    };
    match (op, literal) {
        (CompareOp::Equal, _) => format!("be {text}"),
        (CompareOp::NotEqual, Literal::Bool(value)) => format!("be {}", !value),
        (CompareOp::NotEqual, Literal::Null) => "be given and not be null".to_owned(),
        (CompareOp::NotEqual, _) => format!("be {} other than {text}", wanted.described()),
        (op, Literal::String(_)) => format!("be {kind}{} {text}", order_of_text(op)),
        (op, _) => format!("be {kind}{} {text}", amount(op)),
    }
}

fn membership(list: &[Literal], member: bool) -> String {
    let texts: Vec<String> = list.iter().map(literal_text).collect();
    if member {
        return match texts.as_slice() {
            [one] => format!("be {one}"),
            several => format!("be one of {}", several.join(", ")),
        };
    }
    // A value whose type no element has is undefined, unless `null` is among the elements.
    let mut kinds: Vec<&str> = Vec::new();
    for literal in list.iter().filter(|literal| **literal != Literal::Null) {
        let kind = type_of(literal).described();
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let what = if kinds.is_empty() || list.contains(&Literal::Null) {
        "a value".to_owned()
    } else {
        kinds.join(" or ")
    };
    format!("be {what} other than {}", texts.join(", "))
}

fn text_call(subject: &Subject, verb: &str, text: &str, wanted: bool) -> String {
    let is_string = subject
        .value
        .as_deref()
        .is_some_and(|value| Type::of(value) == Type::String);
    let verb = match (is_string, wanted) {
        (true, true) => verb.to_owned(),
        (true, false) => format!("not {verb}"),
        (false, true) => format!("be a string, and {verb}"),
        (false, false) => format!("be a string, and not {verb}"),
    };
    subject.must(&format!("{verb} {text}"))
}

fn only(path: &Path, allowed: &[String], wanted: bool, values: &Values<'_>) -> String {
    let subject = Subject::path(path, values);
    let quoted = |names: &[String]| -> String {
        let names: Vec<String> = names
            .iter()
            .map(|name| format!("`{}`", shortened(name, SHOWN)))
            .collect();
        names.join(", ")
    };
    let names = if allowed.is_empty() {
        "none".to_owned()
    } else {
        quoted(allowed)
    };
    let Some(present) = values.names(path) else {
        let other = if wanted {
            "no members but"
        } else {
            "a member other than"
        };
        return subject.must(&format!("be an object with {other} {names}"));
    };
    if !wanted {
        return format!("{} must have a member other than {names}", subject.name);
    }
    let extra: Vec<String> = present
        .into_iter()
        .filter(|name| !allowed.contains(name))
        .collect();
    let shown = extra.get(..8).unwrap_or(&extra);
    let more = if shown.len() < extra.len() {
        format!(" and {} more", extra.len() - shown.len())
    } else {
        String::new()
    };
    format!(
        "{} may have no members but {names}: leave out {}{more}",
        subject.name,
        quoted(shown)
    )
}

fn operand(operand: &Operand, trace: &ConditionTrace, values: &Values<'_>) -> Option<Subject> {
    match &operand.kind {
        OperandKind::Path(path) => Some(Subject::path(path, values)),
        OperandKind::Count(path) => {
            let value = values
                .at(path)
                .and_then(|value| count(&value))
                .map(|count| count.to_string());
            let subject = Subject::path(path, values);
            Some(Subject {
                name: format!("the count of {}", subject.name),
                value,
                fixed: subject.fixed,
            })
        }
        OperandKind::CountIf { .. }
        | OperandKind::Sum { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Arithmetic { .. } => Some(Subject::computed(operand, trace)),
        OperandKind::Literal(_) => None,
    }
}

fn count(json: &str) -> Option<usize> {
    use std::collections::BTreeMap;
    match Type::of(json) {
        Type::List => serde_json::from_str::<Vec<&serde_json::value::RawValue>>(json)
            .ok()
            .map(|list| list.len()),
        Type::Object => {
            serde_json::from_str::<BTreeMap<String, &serde_json::value::RawValue>>(json)
                .ok()
                .map(|object| object.len())
        }
        Type::String => serde_json::from_str::<String>(json)
            .ok()
            .map(|text| text.chars().count()),
        _ => None,
    }
}

fn literal_text(literal: &Literal) -> String {
    shortened(&literal.to_string(), SHOWN)
}

fn type_of(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Number(_) => Type::Number,
        Literal::String(_) => Type::String,
        Literal::List(_) => Type::List,
    }
}

fn json(text: &str) -> String {
    shortened(&serde_json::to_string(text).unwrap_or_default(), SHOWN)
}

fn amount(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "exactly",
        CompareOp::NotEqual => "other than",
        CompareOp::Less => "less than",
        CompareOp::LessOrEqual => "at most",
        CompareOp::Greater => "more than",
        CompareOp::GreaterOrEqual => "at least",
    }
}

fn order_of_text(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Less => "sorted before",
        CompareOp::LessOrEqual => "equal to or sorted before",
        CompareOp::Greater => "sorted behind",
        CompareOp::GreaterOrEqual => "equal to or sorted behind",
        CompareOp::Equal | CompareOp::NotEqual => relation(op),
    }
}

fn relation(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "be equal to",
        CompareOp::NotEqual => "differ from",
        CompareOp::Less => "be less than",
        CompareOp::LessOrEqual => "be at most",
        CompareOp::Greater => "be more than",
        CompareOp::GreaterOrEqual => "be at least",
    }
}
