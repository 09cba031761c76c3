//! Single conditions in words: what a value must be.

use hexgate_compiler::expr::{
    CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Path, Root, Test, TextCall,
};
use hexgate_eval::trace::{ConditionTrace, OperandTrace};

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
        if path.root == Root::Element {
            name.push_str(&of_element(values));
        }
        Self {
            name,
            value: values.at(path).map(|value| shortened(&value, SHOWN)),
            fixed: path.root.is_name(),
        }
    }

    /// What is computed, by its trace.
    fn computed(operand: &Operand, traced: Option<&OperandTrace>, values: &Values<'_>) -> Self {
        let name = traced.map_or_else(|| operand.to_string(), |traced| traced.path.clone());
        let of = if is_of_element(operand) {
            of_element(values)
        } else {
            String::new()
        };
        Self {
            value: traced
                .and_then(|traced| traced.value.as_deref())
                .map(|value| shortened(value, SHOWN)),
            name: format!("`{name}`{of}"),
            fixed: false,
        }
    }

    /// Its name in backticks.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its name, and its value if there is one.
    fn described(&self) -> String {
        match &self.value {
            Some(value) => format!("{} ({value})", self.name),
            None => self.name.clone(),
        }
    }

    fn is(&self, kind: Type) -> bool {
        self.value
            .as_deref()
            .is_some_and(|value| Type::of(value) == kind)
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
            let subject = operand(value, traced(&[value], trace), values)?;
            let member = wanted != *negated;
            match list {
                Members::Listed(list) => subject.must(&membership(list, member)),
                Members::Path(path) => {
                    let list = Subject::path(path, values);
                    let elements = values.elements(path);
                    match (elements.is_some_and(|elements| elements.is_empty()), member) {
                        _ if !list.is(Type::List) => {
                            let with = if member { "with" } else { "without" };
                            list.must(&format!("be a list {with} {}", subject.described()))
                        }
                        (true, true) => list.must(&format!("have {}", subject.described())),
                        (false, true) => subject.must(&format!("be an element of {}", list.name)),
                        // Nothing is in an empty list, but what is absent is undefined there as well.
                        (true, false) => subject.must("be given"),
                        (false, false) => subject.must(&format!(
                            "be of the type of an element of {}, and not be one",
                            list.name
                        )),
                    }
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
                    let is_element = matches!(&sought.kind, OperandKind::Path(path) if path.root == Root::Element && path.steps.is_empty());
                    let sought = operand(sought, traced(&[of, sought], trace), values)?;
                    let is = sought.value.as_deref().unwrap_or("absent");
                    if is == "\"\"" || !is.starts_with('"') {
                        let of = operand(of, traced(&[of], trace), values)?;
                        let not = if wanted { "" } else { "not " };
                        return Some(sought.must(&format!(
                            "be a string that is not empty, and {} a string that does {not}{verb} it",
                            of.name
                        )));
                    }
                    if is_element {
                        is.to_owned()
                    } else {
                        format!("{}, which is {is}", sought.name)
                    }
                }
            };
            let of = operand(of, traced(&[of], trace), values)?;
            text_call(&of, verb, &text, wanted)
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
        (_, OperandKind::Literal(literal)) => {
            with_literal(op, left, literal, traced(&[left], trace), values)
        }
        (OperandKind::Literal(literal), _) => {
            let traced = traced(&[right], trace);
            with_literal(op.mirrored(), right, literal, traced, values)
        }
        _ => {
            let one = operand(left, traced(&[left], trace), values);
            let other = operand(right, traced(&[left, right], trace), values);
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
    traced: Option<&OperandTrace>,
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
            let subject = Subject::computed(operand, traced, values);
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
    let verb = match (subject.is(Type::String), wanted) {
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

/// Whose path one is that begins with `.`.
fn of_element(values: &Values<'_>) -> String {
    let label = values.element_label();
    label.map_or_else(String::new, |label| format!(" of {label}"))
}

/// Whether what is computed begins with an element.
fn is_of_element(operand: &Operand) -> bool {
    match &operand.kind {
        OperandKind::Path(path)
        | OperandKind::Count(path)
        | OperandKind::CountIf { path, .. }
        | OperandKind::Sum { path, .. }
        | OperandKind::TypeOf(path) => path.root == Root::Element,
        OperandKind::Lower(operand) => is_of_element(operand),
        OperandKind::Arithmetic { left, right, .. } => is_of_element(left) || is_of_element(right),
        OperandKind::Literal(_) => false,
    }
}

/// The trace of the last of several operands, by its place: what is computed stands behind what it is computed from, and constants are
/// left out.
fn traced<'t>(operands: &[&Operand], trace: &'t ConditionTrace) -> Option<&'t OperandTrace> {
    fn parts(operand: &Operand) -> usize {
        match &operand.kind {
            OperandKind::Literal(_) => 0,
            OperandKind::Arithmetic { left, right, .. } => parts(left) + parts(right),
            OperandKind::Path(_)
            | OperandKind::Count(_)
            | OperandKind::CountIf { .. }
            | OperandKind::Sum { .. }
            | OperandKind::Lower(_)
            | OperandKind::TypeOf(_) => 1,
        }
    }
    let computed = |operand: &&Operand| matches!(operand.kind, OperandKind::Arithmetic { .. });
    let traces = operands
        .iter()
        .map(|operand| parts(operand) + usize::from(computed(operand)));
    trace.operands.get(traces.sum::<usize>().checked_sub(1)?)
}

fn operand(
    operand: &Operand,
    traced: Option<&OperandTrace>,
    values: &Values<'_>,
) -> Option<Subject> {
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
        | OperandKind::Arithmetic { .. } => Some(Subject::computed(operand, traced, values)),
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
