//! What can be told about a condition before any call: that it can never hold, or that it always does.
//!
//! Everything here is about one condition. What a path without steps holds is known: `role` and `tool` are texts, `args` is an
//! object, `count` is a whole number or nothing; what is behind a step can be anything, or absent.

use super::{
    constant::{holds, key},
    decimal::Decimal,
    doubt::with_empty,
};
use crate::{
    expr::{CompareOp, Literal, Operand, OperandKind, Path, Root, TextCall, Type},
    model::Limits,
};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It depends on the call.
    Open,
    /// No call makes it true, and why.
    Never(String),
    /// Every call makes it true, and why.
    Always(String),
    /// It is true of everything that is there, or of all that has an order.
    Itself {
        /// Whether an order is asked for.
        ordered: bool,
    },
}

/// What is known of a value.
pub(super) enum Known<'a> {
    Nothing,
    /// `role`, `tool`: a text that is always there.
    Name(&'static str),
    /// `args`: an object that is always there.
    Arguments,
    /// `count(…)`: a whole number, if it is there.
    Count,
    Value(&'a Literal),
}

/// A comparison.
pub(super) fn compare(op: CompareOp, left: &Operand, right: &Operand) -> Verdict {
    if same_place(left, right) {
        return itself(op, left);
    }
    match (known(left), known(right)) {
        (Known::Value(left), Known::Value(right)) => constants(op, left, right),
        (Known::Nothing, Known::Value(value)) | (Known::Value(value), Known::Nothing)
            if op.is_order() && !Type::of(value).has_order() =>
        {
            never(format!(
                "`{op}` orders numbers and texts, not {}",
                Type::of(value).described()
            ))
        }
        (Known::Nothing, Known::Arguments) | (Known::Arguments, Known::Nothing)
            if op.is_order() =>
        {
            never(format!(
                "`{op}` orders numbers and texts, and `args` is an object"
            ))
        }
        (Known::Nothing, _) | (_, Known::Nothing) => Verdict::Open,
        (known, Known::Value(value)) => with_value(op, &known, value),
        (Known::Value(value), known) => with_value(op.mirrored(), &known, value),
        (Known::Name(_), Known::Name(_)) | (Known::Count, Known::Count) => Verdict::Open,
        (left, right) => never(format!(
            "{} never equals {}",
            describe(&left),
            describe(&right)
        )),
    }
}

/// `in`, `not in`. The list is not empty.
pub(super) fn membership(value: &Operand, list: &[Literal], negated: bool) -> Verdict {
    let known = known(value);
    let word = if negated { "not in" } else { "in" };
    if let Known::Value(value) = known {
        let mut own = list
            .iter()
            .filter(|element| Type::of(element) == Type::of(value) || **element == Literal::Null)
            .peekable();
        if own.peek().is_none() {
            return never(format!("the list holds no {}", Type::of(value).noun()));
        }
        let found = own.any(|element| key(element) == key(value));
        return if found != negated {
            always("both sides are constants")
        } else {
            never("both sides are constants")
        };
    }
    let Some(own_type) = type_of(&known) else {
        return Verdict::Open;
    };
    let mut own = list
        .iter()
        .filter(|element| own_type == Type::of(element))
        .peekable();
    if own.peek().is_none() {
        let nulls = list.contains(&Literal::Null);
        return match (nulls, negated, &known) {
            (true, true, Known::Count) => Verdict::Open,
            (true, true, _) => always(format!("{} is never null", describe(&known))),
            _ => never(format!(
                "{} is never `{word}` a list without {}s",
                describe(&known),
                own_type.noun()
            )),
        };
    }
    if own.any(|element| impossible(&known, element).is_none()) {
        return Verdict::Open;
    }
    match (negated, &known) {
        (false, _) => never(format!(
            "{} never has one of these values",
            describe(&known)
        )),
        (true, Known::Count) => Verdict::Open,
        (true, _) => always(format!(
            "{} never has one of these values",
            describe(&known)
        )),
    }
}

/// `startswith`, `endswith`, `contains`.
pub(super) fn text_call(call: TextCall, path: &Path, text: &str) -> Verdict {
    match known_path(path) {
        Known::Name(name) if text.is_empty() => always(format!(
            "`{name}` is a text, and every text {}",
            with_empty(call)
        )),
        _ => on_text(path),
    }
}

/// A function that looks at a text.
pub(super) fn on_text(path: &Path) -> Verdict {
    match known_path(path) {
        Known::Arguments => never("`args` is an object, not a text"),
        _ => Verdict::Open,
    }
}

/// `only`
pub(super) fn only(path: &Path) -> Verdict {
    match known_path(path) {
        Known::Name(name) => never(format!("`{name}` is a text, not an object")),
        _ => Verdict::Open,
    }
}

/// `present`
pub(super) fn present(path: &Path) -> Verdict {
    match known_path(path) {
        Known::Name(name) => always(format!("`{name}` is always there")),
        Known::Arguments => always("`args` is always there"),
        _ if path.root == Root::Element && path.steps.is_empty() => {
            always("the element of a list is always there")
        }
        _ => Verdict::Open,
    }
}

/// `every`, `any`
pub(super) fn quantifier(path: &Path) -> Verdict {
    match known_path(path) {
        Known::Name(name) => never(format!("`{name}` is a text, not a list")),
        Known::Arguments => never("`args` is an object, not a list"),
        _ => Verdict::Open,
    }
}

/// The JSON type of what is known, save for constants.
pub(super) fn type_of(known: &Known<'_>) -> Option<Type> {
    match known {
        Known::Name(_) => Some(Type::Text),
        Known::Arguments => Some(Type::Object),
        Known::Count => Some(Type::Number),
        Known::Nothing | Known::Value(_) => None,
    }
}

/// What is known of an operand.
pub(super) fn known(operand: &Operand) -> Known<'_> {
    match &operand.kind {
        OperandKind::Path(path) => known_path(path),
        OperandKind::Count(_) => Known::Count,
        OperandKind::CountIf { .. }
        | OperandKind::Sum { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Arithmetic { .. } => Known::Nothing,
        OperandKind::Literal(literal) => Known::Value(literal),
    }
}

fn known_path<'a>(path: &Path) -> Known<'a> {
    match path.root {
        _ if !path.steps.is_empty() => Known::Nothing,
        Root::Role | Root::Tool => Known::Name(path.root.name()),
        Root::Args => Known::Arguments,
        Root::Ctx
        | Root::Run
        | Root::Said
        | Root::Usage
        | Root::User
        | Root::UserUsage
        | Root::Element => Known::Nothing,
    }
}

/// What is known, for a message.
pub(super) fn describe(known: &Known<'_>) -> String {
    match known {
        Known::Nothing => "a value".to_owned(),
        Known::Name(name) => format!("`{name}` (a text)"),
        Known::Arguments => "`args` (an object)".to_owned(),
        Known::Count => "a count".to_owned(),
        Known::Value(value) => Type::of(value).described().to_owned(),
    }
}

/// Something of a known type, and a constant right of it.
fn with_value(op: CompareOp, known: &Known<'_>, value: &Literal) -> Verdict {
    let Some(own_type) = type_of(known) else {
        return Verdict::Open;
    };
    if *value == Literal::Null {
        return match (op, known) {
            (CompareOp::NotEqual, Known::Count) => Verdict::Open,
            (CompareOp::NotEqual, _) => always(format!("{} is never null", describe(known))),
            _ => never(format!("{} is never null", describe(known))),
        };
    }
    if own_type != Type::of(value) {
        return never(format!(
            "{} does not compare with {}",
            describe(known),
            Type::of(value).described()
        ));
    }
    match (op, known) {
        (CompareOp::Equal, _) => impossible(known, value).map_or(Verdict::Open, never),
        // A count may be absent, and then nothing holds.
        (CompareOp::NotEqual, Known::Name(_)) => {
            impossible(known, value).map_or(Verdict::Open, always)
        }
        (_, Known::Count) => count_order(op, value),
        _ => Verdict::Open,
    }
}

/// Why something of a known type never equals a literal of that type.
pub(super) fn impossible(known: &Known<'_>, value: &Literal) -> Option<String> {
    match (known, value) {
        (Known::Name(name), Literal::String(text)) => {
            let longest = 256;
            (text.is_empty() || text.len() > longest || text.chars().any(char::is_control))
                .then(|| format!("`{name}` has 1 to {longest} bytes and no control characters"))
        }
        (Known::Count, Literal::Number(text)) => {
            let number = Decimal::read(text)?;
            let (zero, most) = count_bounds()?;
            if !number.is_whole() {
                Some("a count is a whole number".to_owned())
            } else if number < zero {
                Some("a count is never below 0".to_owned())
            } else {
                (number > most).then(too_many)
            }
        }
        _ => None,
    }
}

fn count_order(op: CompareOp, value: &Literal) -> Verdict {
    let Literal::Number(text) = value else {
        return Verdict::Open;
    };
    let (Some(number), Some((zero, most))) = (Decimal::read(text), count_bounds()) else {
        return Verdict::Open;
    };
    let below = || never("a count is never below 0");
    match op {
        CompareOp::Less if number <= zero => below(),
        CompareOp::LessOrEqual if number < zero => below(),
        CompareOp::Greater if number >= most => never(too_many()),
        CompareOp::GreaterOrEqual if number > most => never(too_many()),
        _ => Verdict::Open,
    }
}

/// No list, object or text has more parts than the arguments may have bytes.
fn count_bounds() -> Option<(Decimal, Decimal)> {
    Some((
        Decimal::read("0")?,
        Decimal::read(&Limits::MAX_BYTES.to_string())?,
    ))
}

fn too_many() -> String {
    format!("arguments have at most {} bytes", Limits::MAX_BYTES)
}

fn same_place(left: &Operand, right: &Operand) -> bool {
    let same = |left: &Path, right: &Path| left.root == right.root && left.steps == right.steps;
    match (&left.kind, &right.kind) {
        (OperandKind::Path(left), OperandKind::Path(right))
        | (OperandKind::Count(left), OperandKind::Count(right)) => same(left, right),
        _ => false,
    }
}

fn itself(op: CompareOp, operand: &Operand) -> Verdict {
    let surely_there = matches!(known(operand), Known::Name(_) | Known::Arguments);
    match op {
        CompareOp::Less | CompareOp::Greater | CompareOp::NotEqual => {
            never("both sides are the same value")
        }
        CompareOp::LessOrEqual | CompareOp::GreaterOrEqual
            if matches!(known(operand), Known::Arguments) =>
        {
            never(format!(
                "`{op}` orders numbers and texts, and `args` is an object"
            ))
        }
        _ if surely_there => always("both sides are the same value"),
        _ => Verdict::Itself {
            ordered: op.is_order(),
        },
    }
}

fn constants(op: CompareOp, left: &Literal, right: &Literal) -> Verdict {
    match holds(op, left, right) {
        Some(true) => always("both sides are constants"),
        Some(false) => never("both sides are constants"),
        None if op.is_order() && Type::of(left) == Type::of(right) => never(format!(
            "`{op}` orders numbers and texts, not {}",
            Type::of(left).described()
        )),
        None => never(format!(
            "{} does not compare with {}",
            Type::of(left).described(),
            Type::of(right).described()
        )),
    }
}

fn never(why: impl Into<String>) -> Verdict {
    Verdict::Never(why.into())
}

fn always(why: impl Into<String>) -> Verdict {
    Verdict::Always(why.into())
}
