//! What can be told about a condition before any call: that it can never hold, or that it always does.
//!
//! Everything here is about one condition. What a path without steps holds is known: `role` and `tool` are texts, `args` is an
//! object, `count` is a whole number or nothing; what is behind a step can be anything, or absent.

use std::{cmp::Ordering, collections::BTreeMap, ops::Range};

use super::{codes, decimal::Decimal, finding::ConstraintError, number, operand::Element};
use crate::{
    diagnostic::quoted,
    expr::{CompareOp, Literal, Operand, OperandKind, Path, Root, TextCall},
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
    /// It is true of everything that is there.
    Itself,
}

/// What is known of a value.
enum Known<'a> {
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
            if is_order(op) && !has_order(value) =>
        {
            never(format!(
                "`{op}` orders numbers and texts, not {}",
                type_name(value)
            ))
        }
        (Known::Nothing, Known::Arguments) | (Known::Arguments, Known::Nothing) if is_order(op) => {
            never(format!(
                "`{op}` orders numbers and texts, and `args` is an object"
            ))
        }
        (Known::Nothing, _) | (_, Known::Nothing) => Verdict::Open,
        (known, Known::Value(value)) => with_value(op, &known, value),
        (Known::Value(value), known) => with_value(mirrored(op), &known, value),
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
            .filter(|element| same_type(element, value) || **element == Literal::Null)
            .peekable();
        if own.peek().is_none() {
            return never(format!("the list holds no {}", noun(value)));
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
        .filter(|element| own_type.is(element))
        .peekable();
    if own.peek().is_none() {
        let nulls = list.contains(&Literal::Null);
        return match (nulls, negated, &known) {
            (true, true, Known::Count) => Verdict::Open,
            (true, true, _) => always(format!("{} is never null", describe(&known))),
            _ => never(format!(
                "{} is never `{word}` a list without {}",
                describe(&known),
                own_type.plural()
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

/// Warnings for elements that never equal the value that is sought, in a list in which others can.
pub(super) fn dead_elements(value: &Operand, elements: &[Element]) -> Vec<ConstraintError> {
    let known = known(value);
    let Some(own_type) = type_of(&known) else {
        return Vec::new();
    };
    let why = |element: &Element| {
        if own_type.is(&element.value) {
            impossible(&known, &element.value)
        } else {
            Some(format!(
                "{} is never {}",
                describe(&known),
                type_name(&element.value)
            ))
        }
    };
    let dead: Vec<(&Element, String)> = elements
        .iter()
        .filter_map(|element| Some((element, why(element)?)))
        .collect();
    if dead.len() == elements.len() {
        return Vec::new();
    }
    let warning = |(element, why): (&Element, String)| {
        let shown = quoted(&element.value.to_string());
        let message = format!("{shown} can never be the value that is sought");
        ConstraintError::new(codes::DEAD_ELEMENT, element.span.clone(), message)
            .label(why)
            .help("remove the element")
    };
    dead.into_iter().map(warning).collect()
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

/// A text that reads as a number, compared with what may be one.
pub(super) fn number_texts(left: &Operand, right: &Operand) -> Option<ConstraintError> {
    let (text, literal) = match (known(left), known(right)) {
        (Known::Nothing, Known::Value(Literal::String(text))) => (text, right),
        (Known::Value(Literal::String(text)), Known::Nothing) => (text, left),
        _ => return None,
    };
    number::looks_like_a_number(text).then(|| {
        let shown = quoted(&Literal::String(text.clone()).to_string());
        ConstraintError::new(
            codes::NUMBER_TEXT,
            literal.span.clone(),
            format!("{shown} is a text that looks like a number"),
        )
        .label("numbers never compare with it, and texts are ordered letter by letter")
        .help(format!(
            "if the argument is a number write {}",
            quoted(text)
        ))
    })
}

/// Texts that admit more than they seem to.
pub(super) fn doubtful_text(
    call: TextCall,
    text: &str,
    span: Range<usize>,
) -> Option<ConstraintError> {
    if text.is_empty() {
        return Some(
            ConstraintError::new(
                codes::EMPTY_TEXT,
                span,
                format!("every text {}", with_empty(call)),
            )
            .help("write the text that is meant, or remove the condition"),
        );
    }
    let (scheme, host) = text.split_once("://")?;
    let open = call == TextCall::StartsWith
        && !scheme.is_empty()
        && !host.is_empty()
        && !host.contains(['/', '?', '#']);
    open.then(|| {
        let literal = Literal::String(format!("{text}/"));
        ConstraintError::new(
            codes::URL_PREFIX,
            span,
            "this prefix does not end the host of the URL",
        )
        .label(format!(
            "also begins {}",
            quoted(&format!("{text}.evil.example"))
        ))
        .help(format!(
            "end it with a slash: {}",
            quoted(&literal.to_string())
        ))
    })
}

/// Warnings for elements that are equal to an earlier one.
pub(super) fn duplicates(
    elements: impl Iterator<Item = (String, Range<usize>)>,
) -> Vec<ConstraintError> {
    let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut warnings = Vec::new();
    for (key, span) in elements {
        match seen.get(&key) {
            Some(first) => warnings.push(
                ConstraintError::new(
                    codes::DUPLICATE,
                    span,
                    "this element stands in the list already",
                )
                .second(first.clone(), "first here")
                .help("remove one of them"),
            ),
            None => {
                seen.insert(key, span);
            }
        }
    }
    warnings
}

/// The same for literals that are equal as JSON, different for all others.
pub(super) fn key(literal: &Literal) -> String {
    match literal {
        Literal::Number(text) => match Decimal::read(text) {
            Some(decimal) => format!("{decimal:?}"),
            None => text.clone(),
        },
        Literal::List(elements) => {
            let keys: Vec<String> = elements.iter().map(key).collect();
            format!("[{}]", keys.join(","))
        }
        other => other.to_string(),
    }
}

/// Whether lists stand in each other more than `levels` deep.
pub(super) fn deeper_than(literal: &Literal, levels: usize) -> bool {
    match (literal, levels.checked_sub(1)) {
        (Literal::List(_), None) => true,
        (Literal::List(elements), Some(rest)) => {
            elements.iter().any(|element| deeper_than(element, rest))
        }
        _ => false,
    }
}

/// The type of a literal, with its article.
pub(super) fn type_name(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "null",
        Literal::Bool(_) => "a boolean",
        Literal::Number(_) => "a number",
        Literal::String(_) => "a text",
        Literal::List(_) => "a list",
    }
}

fn noun(literal: &Literal) -> &'static str {
    let name = type_name(literal);
    name.strip_prefix("a ").unwrap_or(name)
}

/// The JSON type of something known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Number,
    Object,
}

impl Type {
    fn is(self, literal: &Literal) -> bool {
        matches!(
            (self, literal),
            (Self::Text, Literal::String(_)) | (Self::Number, Literal::Number(_))
        )
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Text => "texts",
            Self::Number => "numbers",
            Self::Object => "objects",
        }
    }
}

fn type_of(known: &Known<'_>) -> Option<Type> {
    match known {
        Known::Name(_) => Some(Type::Text),
        Known::Arguments => Some(Type::Object),
        Known::Count => Some(Type::Number),
        Known::Nothing | Known::Value(_) => None,
    }
}

fn known(operand: &Operand) -> Known<'_> {
    match &operand.kind {
        OperandKind::Path(path) => known_path(path),
        OperandKind::Count(_) => Known::Count,
        OperandKind::Literal(literal) => Known::Value(literal),
    }
}

fn known_path<'a>(path: &Path) -> Known<'a> {
    match path.root {
        Root::Role | Root::Tool if path.steps.is_empty() => Known::Name(path.root.name()),
        Root::Args if path.steps.is_empty() => Known::Arguments,
        _ => Known::Nothing,
    }
}

fn describe(known: &Known<'_>) -> String {
    match known {
        Known::Nothing => "a value".to_owned(),
        Known::Name(name) => format!("`{name}`, a text,"),
        Known::Arguments => "`args`, an object,".to_owned(),
        Known::Count => "a count".to_owned(),
        Known::Value(value) => type_name(value).to_owned(),
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
    if !own_type.is(value) {
        return never(format!(
            "{} does not compare with {}",
            describe(known),
            type_name(value)
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
fn impossible(known: &Known<'_>, value: &Literal) -> Option<String> {
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
        _ => Verdict::Itself,
    }
}

fn constants(op: CompareOp, left: &Literal, right: &Literal) -> Verdict {
    let holds = if is_order(op) {
        order(left, right).map(|order| match op {
            CompareOp::Less => order == Ordering::Less,
            CompareOp::LessOrEqual => order != Ordering::Greater,
            CompareOp::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    } else if same_type(left, right) {
        Some((key(left) == key(right)) == (op == CompareOp::Equal))
    } else if *left == Literal::Null || *right == Literal::Null {
        Some(op == CompareOp::NotEqual)
    } else {
        None
    };
    match holds {
        Some(true) => always("both sides are constants"),
        Some(false) => never("both sides are constants"),
        None => never(format!(
            "{} does not compare with {}",
            type_name(left),
            type_name(right)
        )),
    }
}

fn order(left: &Literal, right: &Literal) -> Option<Ordering> {
    match (left, right) {
        (Literal::Number(left), Literal::Number(right)) => {
            Some(Decimal::read(left)?.cmp(&Decimal::read(right)?))
        }
        // The order of UTF-8 is the order of code points.
        (Literal::String(left), Literal::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn same_type(left: &Literal, right: &Literal) -> bool {
    std::mem::discriminant(left) == std::mem::discriminant(right)
}

fn is_order(op: CompareOp) -> bool {
    !matches!(op, CompareOp::Equal | CompareOp::NotEqual)
}

fn has_order(literal: &Literal) -> bool {
    matches!(literal, Literal::Number(_) | Literal::String(_))
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
        same => same,
    }
}

fn with_empty(call: TextCall) -> &'static str {
    match call {
        TextCall::StartsWith => "begins with the empty text",
        TextCall::EndsWith => "ends with the empty text",
        TextCall::Contains => "contains the empty text",
    }
}

fn never(why: impl Into<String>) -> Verdict {
    Verdict::Never(why.into())
}

fn always(why: impl Into<String>) -> Verdict {
    Verdict::Always(why.into())
}
