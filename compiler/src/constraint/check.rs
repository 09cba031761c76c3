//! What can be told about a condition before any call: that it can never hold, or that it always does.
//!
//! Everything here is about one condition. What a path without steps holds is known: `role` and `tool` are texts, `args` is an
//! object, `count` is a whole number or nothing; what is behind a step can be anything, or absent.

use super::{
    constant::{holds, key},
    decimal::Decimal,
    doubt::with_empty,
    parser::Binds,
};
use crate::{
    expr::{
        CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Path, Quantifier,
        Root, Step, Test, TextCall, Type,
    },
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
    /// What was calculated: a number, if it is there.
    Number,
    /// `lower(…)`: a text without upper-case letters of ASCII, if it is there.
    Lower,
    /// `type(…)`: the name of a type, if it is there; of this one for sure.
    TypeName(Option<Type>),
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
        (left, right) if type_of(&left) == type_of(&right) => Verdict::Open,
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
            (true, true, _) if may_be_absent(&known) => Verdict::Open,
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
        (true, _) if may_be_absent(&known) => Verdict::Open,
        (true, _) => always(format!(
            "{} never has one of these values",
            describe(&known)
        )),
    }
}

/// `in` and `not in` of what a path leads to.
pub(super) fn membership_in(path: &Path) -> Verdict {
    match known_path(path) {
        Known::Name(name) => never(format!("`{name}` is a text, not a list")),
        Known::Arguments => never("`args` is an object, not a list"),
        _ => Verdict::Open,
    }
}

/// `startswith`, `endswith`, `contains`.
pub(super) fn text_call(call: TextCall, subject: &Operand, sought: &Operand) -> Verdict {
    let is_empty = |operand: &Operand| matches!(&operand.kind, OperandKind::Literal(Literal::String(text)) if text.is_empty());
    match (known(subject), known(sought)) {
        (Known::Name(name), _) if is_empty(sought) => always(format!(
            "`{name}` is a text, and every text {}",
            with_empty(call)
        )),
        (Known::Arguments, _) | (_, Known::Arguments) => never("`args` is an object, not a text"),
        (Known::Lower, Known::Value(value)) => {
            impossible(&Known::Lower, value).map_or(Verdict::Open, never)
        }
        _ => Verdict::Open,
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

/// `present`, where `.` is bound so.
pub(super) fn present(path: &Path, bound: Option<&Binds>) -> Verdict {
    match known_path(path) {
        Known::Name(name) => always(format!("`{name}` is always there")),
        Known::Arguments => always("`args` is always there"),
        _ if path.root == Root::Element => match (bound, path.steps.as_slice()) {
            (Some(Binds::Element | Binds::Listed(_)), []) => {
                always("the element of a list is always there")
            }
            (Some(Binds::Member), [Step::Member(_)]) => {
                always("a member has always a name and a value")
            }
            (Some(Binds::Text), []) => always("the text is always there"),
            (Some(Binds::Value), []) => {
                always("the condition is asked only where the value is there")
            }
            (Some(_) | None, _) => Verdict::Open,
        },
        _ => Verdict::Open,
    }
}

/// `every`, `any` and their kin.
pub(super) fn quantifier(quantifier: Quantifier, path: &Path) -> Verdict {
    let wanted = match quantifier {
        Quantifier::Every | Quantifier::Any => Type::List,
        Quantifier::EveryMember | Quantifier::AnyMember => Type::Object,
        Quantifier::Anywhere | Quantifier::Optional => return Verdict::Open,
    };
    match known_path(path) {
        Known::Name(name) => never(format!("`{name}` is a text, not {}", wanted.described())),
        Known::Arguments if wanted != Type::Object => {
            never(format!("`args` is an object, not {}", wanted.described()))
        }
        _ => Verdict::Open,
    }
}

/// A condition, without those in it.
pub(super) fn condition(expr: &Expr) -> Verdict {
    match &expr.kind {
        ExprKind::Compare { op, left, right } => compare(*op, left, right),
        ExprKind::In {
            value,
            list: Members::Listed(list),
            negated,
        } => membership(value, list, *negated),
        ExprKind::In {
            list: Members::Path(path),
            ..
        } => membership_in(path),
        ExprKind::Text {
            call,
            subject,
            sought,
        } => text_call(*call, subject, sought),
        ExprKind::Test(path, Test::Matches { .. }) => on_text(path),
        ExprKind::Test(path, Test::Only(_)) => only(path),
        ExprKind::Quantifier {
            quantifier: of,
            over: Over::Path(path),
            ..
        } => quantifier(*of, path),
        ExprKind::Test(_, Test::Present)
        | ExprKind::Quantifier {
            over: Over::Listed(_),
            ..
        }
        | ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::Named { .. } => Verdict::Open,
    }
}

/// Whether something of a known type may also not be there, so that nothing holds of it.
fn may_be_absent(known: &Known<'_>) -> bool {
    match known {
        Known::Nothing | Known::Count | Known::Number | Known::Lower | Known::TypeName(None) => {
            true
        }
        Known::Name(_) | Known::Arguments | Known::TypeName(Some(_)) | Known::Value(_) => false,
    }
}

/// The JSON type of what is known, save for constants.
pub(super) fn type_of(known: &Known<'_>) -> Option<Type> {
    match known {
        Known::Name(_) => Some(Type::Text),
        Known::Arguments => Some(Type::Object),
        Known::Count | Known::Number => Some(Type::Number),
        Known::Lower | Known::TypeName(_) => Some(Type::Text),
        Known::Nothing | Known::Value(_) => None,
    }
}

/// What is known of an operand.
pub(super) fn known(operand: &Operand) -> Known<'_> {
    match &operand.kind {
        OperandKind::Path(path) => known_path(path),
        OperandKind::Count(_) | OperandKind::CountIf { .. } => Known::Count,
        OperandKind::Sum { .. } | OperandKind::Arithmetic { .. } => Known::Number,
        OperandKind::Lower(_) => Known::Lower,
        OperandKind::TypeOf(path) => Known::TypeName(match known_path(path) {
            Known::Name(_) => Some(Type::Text),
            Known::Arguments => Some(Type::Object),
            _ => None,
        }),
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
        Known::Number => "a number".to_owned(),
        Known::Lower => "what `lower` says (a text)".to_owned(),
        Known::TypeName(_) => "what `type` says (a text)".to_owned(),
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
            (CompareOp::NotEqual, _) if may_be_absent(known) => Verdict::Open,
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
        (CompareOp::Equal, Known::TypeName(Some(of))) if is_name_of(*of, value) => {
            always(format!("it is {} for sure", of.described()))
        }
        (CompareOp::NotEqual, Known::TypeName(Some(of))) if is_name_of(*of, value) => {
            never(format!("it is {} for sure", of.described()))
        }
        (CompareOp::Equal, _) => impossible(known, value).map_or(Verdict::Open, never),
        // What may be absent may be undefined, and then nothing holds.
        (CompareOp::NotEqual, _) if !may_be_absent(known) => {
            impossible(known, value).map_or(Verdict::Open, always)
        }
        (_, Known::Count) => count_order(op, value),
        _ => Verdict::Open,
    }
}

fn is_name_of(of: Type, value: &Literal) -> bool {
    matches!(value, Literal::String(text) if text == of.name())
}

/// Why something of a known type never equals a literal of that type.
pub(super) fn impossible(known: &Known<'_>, value: &Literal) -> Option<String> {
    match (known, value) {
        (Known::Name(name), Literal::String(text)) => {
            let longest = 256;
            (text.is_empty() || text.len() > longest || text.chars().any(char::is_control))
                .then(|| format!("`{name}` has 1 to {longest} bytes and no control characters"))
        }
        (Known::Lower, Literal::String(text)) => text
            .bytes()
            .any(|byte| byte.is_ascii_uppercase())
            .then(|| "`lower` leaves no upper-case letters".to_owned()),
        (Known::TypeName(Some(of)), value @ Literal::String(_)) => {
            (!is_name_of(*of, value)).then(|| format!("it is {} for sure", of.described()))
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
        | (OperandKind::Count(left), OperandKind::Count(right))
        | (OperandKind::TypeOf(left), OperandKind::TypeOf(right)) => same(left, right),
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
