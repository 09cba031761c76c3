//! An upper bound without a lower one lets negative numbers pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use super::facts::{comparisons, conjuncts};
use crate::{
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    expr::{
        ArithmeticOp, CompareOp, Expr, ExprKind, Literal, Operand, OperandKind, Over, Path,
        Quantifier, Root, Step,
    },
    model::Mode,
    resolve::{Resolved, Role, Use},
    source::{Sources, Span},
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, sink: &mut Sink) {
    // What the constraints that apply to every tool bound from below, by role.
    let mut shared: BTreeMap<&str, Lower<'_>> = BTreeMap::new();
    let mut checked = BTreeSet::new();
    let mut open = Vec::new();
    for role in &resolved.roles {
        // Roles share the list; what would be said is the same.
        if checked.insert(Arc::as_ptr(&role.policy_level)) {
            let lower = Lower::of(conjuncts_of(resolved, &role.policy_level), None);
            open.extend(open_in(resolved, &role.policy_level, &lower));
        }
    }
    report_shared(resolved, open, sources, sink);
    for listed in &resolved.listed {
        let rules = resolved
            .entries
            .get(listed.rules.clone())
            .unwrap_or_default();
        // An exception for what is below a bound is a bound from below.
        let mut excepted = Lower::of(Vec::new(), None);
        for exception in rules.iter().filter(|rule| rule.is_exception()) {
            excepted.except(&conjuncts_of(resolved, &exception.constraints));
        }
        for entry in rules.iter().filter(|rule| rule.mode != Mode::Deny) {
            if !sink.has_room() {
                return;
            }
            let name = entry.role.name.text.as_str();
            let shared = shared.entry(name).or_insert_with(|| {
                let uses = resolved.role(name).map(|role| role.policy_level.as_slice());
                Lower::of(conjuncts_of(resolved, uses.unwrap_or_default()), None)
            });
            let mut lower = Lower::of(conjuncts_of(resolved, &entry.constraints), Some(shared));
            lower.own.extend(excepted.own.iter().cloned());
            for open in open_in(resolved, &entry.constraints, &lower) {
                report(&open, sources, sink);
            }
        }
    }
}

/// Reports bounds of constraints that apply to every tool, unless all rules of all roles to which they apply bound the rest themselves.
fn report_shared(resolved: &Resolved<'_>, open: Vec<Open<'_>>, sources: &Sources, sink: &mut Sink) {
    let places: BTreeSet<Span> = open.iter().map(|open| open.constraint.span()).collect();
    let mut carriers: BTreeMap<Span, Vec<usize>> = BTreeMap::new();
    for (index, role) in resolved
        .roles
        .iter()
        .enumerate()
        .filter(|(_, role)| !role.doc.is_mixin)
    {
        for place in role.policy_level.iter().map(Use::span) {
            if places.contains(&place) {
                carriers.entry(place).or_default().push(index);
            }
        }
    }
    let mut bounded: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    let mut told = BTreeSet::new();
    for open in open {
        if !sink.has_room() {
            return;
        }
        let place = open.constraint.span();
        let name = open.bounded.to_string();
        let carriers = carriers.get(&place).map(Vec::as_slice).unwrap_or_default();
        let everywhere = !carriers.is_empty()
            && carriers.iter().all(|index| {
                let known = bounded.entry(*index).or_insert_with(|| {
                    let role = resolved.roles.get(*index);
                    role.map(|role| bounded_by_all(resolved, role))
                        .unwrap_or_default()
                });
                known.contains(&name)
            });
        if !everywhere && told.insert((place, open.place.start, name)) {
            report(&open, sources, sink);
        }
    }
}

/// What every rule of a role that permits something bounds from below itself.
fn bounded_by_all(resolved: &Resolved<'_>, role: &Role<'_>) -> BTreeSet<String> {
    let listed = role.tools.values().copied().chain(role.default);
    let rules = listed.flat_map(|listed| resolved.rules(listed));
    let mut common: Option<BTreeSet<String>> = None;
    for rule in rules.filter(|rule| rule.mode != Mode::Deny) {
        let own = Lower::of(conjuncts_of(resolved, &rule.constraints), None).own;
        common = Some(match common {
            None => own,
            Some(common) => common.intersection(&own).cloned().collect(),
        });
        if common.as_ref().is_some_and(BTreeSet::is_empty) {
            break;
        }
    }
    common.unwrap_or_default()
}

fn conjuncts_of<'r>(resolved: &'r Resolved<'_>, uses: &'r [Use<'_>]) -> Vec<&'r Expr> {
    uses.iter()
        .filter_map(|constraint| resolved.expr(constraint))
        .flat_map(conjuncts)
        .map(|(expr, _)| expr)
        .collect()
}

/// The bounds of `uses` below which nothing bounds.
fn open_in<'r>(
    resolved: &'r Resolved<'_>,
    uses: &'r [Use<'r>],
    lower: &Lower<'_>,
) -> Vec<Open<'r>> {
    let mut found = Vec::new();
    for constraint in uses {
        if let Some(expr) = resolved.expr(constraint) {
            let at = At {
                constraint,
                named: None,
                element: "the element",
            };
            unbounded(expr, &at, lower, &mut found);
        }
    }
    found
}

fn report(open: &Open<'_>, sources: &Sources, sink: &mut Sink) {
    let name = open.bounded.to_string();
    let shown = match &open.bounded.kind {
        OperandKind::Path(path) if path.root == Root::Element && path.steps.is_empty() => {
            open.element.to_owned()
        }
        _ => quoted(&name),
    };
    let bound = match &open.bounded.kind {
        OperandKind::Sum { path, of } => format!("every({path}, {} > 0)", element(of)),
        _ => format!("{name} > 0"),
    };
    sink.push(
        Diagnostic::new(
            codes::ONE_SIDED_BOUND,
            format!("{shown} is bounded from above only: negative numbers pass"),
            open.constraint
                .text
                .node
                .locate(sources, open.place.clone()),
            "no lower bound",
        )
        .with_help(format!(
            "add {}, or the least value that is meant",
            quoted(&bound)
        )),
    );
}

/// The path to something in an element.
fn element(steps: &[Step]) -> Path {
    Path {
        root: Root::Element,
        steps: steps.to_vec(),
        span: 0..0,
    }
}

/// Something that is bounded from above only, and where.
struct Open<'e> {
    constraint: &'e Use<'e>,
    bounded: &'e Operand,
    place: Range<usize>,
    /// What `.` is.
    element: &'static str,
}

/// Where a condition stands.
struct At<'e> {
    constraint: &'e Use<'e>,
    /// The place of the named condition of which it is a part.
    named: Option<Range<usize>>,
    /// What `.` is.
    element: &'static str,
}

/// The paths and sums that are bounded from below, or fixed.
struct Lower<'l> {
    own: BTreeSet<String>,
    /// What is around it; nothing is copied, so that many conditions in the sight of many others take no longer.
    around: Option<&'l Lower<'l>>,
    /// Whether the element is another one than around it; and the path to it there, if it is one value.
    in_quantifier: Option<Option<String>>,
}

impl<'l> Lower<'l> {
    fn of(conjuncts: Vec<&Expr>, around: Option<&'l Lower<'l>>) -> Self {
        let mut own = BTreeSet::new();
        for conjunct in conjuncts {
            for (left, op, _) in comparisons(conjunct) {
                if bounds_from_below(op)
                    && matches!(left.kind, OperandKind::Path(_) | OperandKind::Sum { .. })
                {
                    own.insert(left.to_string());
                }
            }
            match &conjunct.kind {
                ExprKind::In {
                    value,
                    negated: false,
                    ..
                } if matches!(value.kind, OperandKind::Path(_)) => {
                    own.insert(value.to_string());
                }
                // A sum of numbers that are bounded is bounded, and so is the value itself where it is asked of the value.
                ExprKind::Quantifier {
                    quantifier: quantifier @ (Quantifier::Every | Quantifier::Optional),
                    over: Over::Path(path),
                    body,
                } => {
                    let inner: Vec<&Expr> = self::conjuncts(body)
                        .into_iter()
                        .map(|(expr, _)| expr)
                        .collect();
                    for element in Lower::of(inner, None).own {
                        if !element.starts_with('.') {
                            continue;
                        }
                        own.insert(match quantifier {
                            Quantifier::Every => format!("sum({path}, {element})"),
                            _ => format!("{path}{}", element.strip_suffix('.').unwrap_or(&element)),
                        });
                    }
                }
                ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::Compare { .. }
                | ExprKind::In { .. }
                | ExprKind::Text { .. }
                | ExprKind::Test(..)
                | ExprKind::Quantifier { .. }
                | ExprKind::Named { .. } => {}
            }
        }
        Self {
            own,
            around,
            in_quantifier: None,
        }
    }

    /// Learns from an exception: what it alone says of a value is never so.
    fn except(&mut self, conjuncts: &[&Expr]) {
        let [only] = conjuncts else {
            return;
        };
        for (left, op, _) in comparisons(only) {
            if bounds_from_below(op.negated()) && matches!(left.kind, OperandKind::Path(_)) {
                self.own.insert(left.to_string());
            }
        }
    }

    fn contains(&self, path: &str) -> bool {
        let mut at = Some(self);
        let mut path = path.to_owned();
        while let Some(lower) = at {
            if lower.own.contains(&path) {
                return true;
            }
            match &lower.in_quantifier {
                Some(Some(value)) if path.starts_with('.') => {
                    path = format!("{value}{}", path.strip_suffix('.').unwrap_or(&path));
                }
                Some(None) if path.starts_with('.') => return false,
                Some(_) | None => {}
            }
            at = lower.around;
        }
        false
    }
}

fn bounds_from_below(op: CompareOp) -> bool {
    match op {
        CompareOp::Greater | CompareOp::GreaterOrEqual | CompareOp::Equal => true,
        CompareOp::Less | CompareOp::LessOrEqual | CompareOp::NotEqual => false,
    }
}

/// What `expr` bounds from above only.
fn unbounded<'e>(expr: &'e Expr, at: &At<'e>, lower: &Lower<'_>, found: &mut Vec<Open<'e>>) {
    let all = |expr: &'e Expr| -> Vec<&'e Expr> {
        conjuncts(expr).into_iter().map(|(expr, _)| expr).collect()
    };
    match &expr.kind {
        ExprKind::And(parts) => {
            let lower = Lower::of(parts.iter().flat_map(all).collect(), Some(lower));
            for part in parts {
                unbounded(part, at, &lower, found);
            }
        }
        ExprKind::Or(parts) => {
            for part in parts {
                unbounded(part, at, &Lower::of(all(part), Some(lower)), found);
            }
        }
        ExprKind::Quantifier {
            quantifier,
            over,
            body,
        } => {
            let (value, element) = match (quantifier, over) {
                (Quantifier::Optional, Over::Path(path)) => (Some(path.to_string()), "the value"),
                (_, Over::Path(_)) => (None, "the element"),
                // The author chose the elements.
                (_, Over::Listed(_)) => return,
            };
            // What is around is another `.` than what is in it.
            let outer = Lower {
                own: BTreeSet::new(),
                around: Some(lower),
                in_quantifier: Some(value),
            };
            let inner = Lower::of(all(body), Some(&outer));
            let at = At {
                constraint: at.constraint,
                named: at.named.clone(),
                element,
            };
            unbounded(body, &at, &inner, found);
        }
        ExprKind::Compare { .. } | ExprKind::Not(_) => {
            for (left, op, right) in comparisons(expr) {
                if matches!(op, CompareOp::Less | CompareOp::LessOrEqual) && is_bound(&right.kind) {
                    for bounded in summands(left) {
                        if !lower.contains(&bounded.to_string()) {
                            found.push(Open {
                                constraint: at.constraint,
                                bounded,
                                place: at.named.as_ref().unwrap_or(&bounded.span).clone(),
                                element: at.element,
                            });
                        }
                    }
                }
            }
        }
        ExprKind::Named { body, .. } => {
            let at = At {
                constraint: at.constraint,
                named: Some(at.named.as_ref().unwrap_or(&expr.span).clone()),
                element: at.element,
            };
            unbounded(body, &at, &Lower::of(all(body), Some(lower)), found);
        }
        ExprKind::In { .. } | ExprKind::Text { .. } | ExprKind::Test(..) => {}
    }
}

/// The values that the model chooses and that count in full: what is bounded, or what it is a sum of.
fn summands(operand: &Operand) -> Vec<&Operand> {
    match &operand.kind {
        OperandKind::Path(path) | OperandKind::Sum { path, .. } if is_given(path) => vec![operand],
        OperandKind::Arithmetic {
            op: ArithmeticOp::Add,
            left,
            right,
        } => {
            let mut found = summands(left);
            found.extend(summands(right));
            found
        }
        OperandKind::Arithmetic {
            op: ArithmeticOp::Subtract,
            left,
            ..
        } => summands(left),
        OperandKind::Path(_)
        | OperandKind::Sum { .. }
        | OperandKind::Count(_)
        | OperandKind::CountIf { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_)
        | OperandKind::Arithmetic { .. }
        | OperandKind::Literal(_) => Vec::new(),
    }
}

/// Whether the model chooses the value.
fn is_given(path: &Path) -> bool {
    matches!(path.root, Root::Args | Root::Element)
}

/// Whether the author may have overlooked negative numbers. A bound that is negative itself shows that they were not.
fn is_bound(bound: &OperandKind) -> bool {
    match bound {
        OperandKind::Literal(Literal::Number(number)) => {
            !number.starts_with('-') && number.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        OperandKind::Path(path) => match path.root {
            Root::Ctx | Root::Run | Root::User | Root::Usage | Root::UserUsage => true,
            Root::Args | Root::Said | Root::Role | Root::Tool | Root::Element => false,
        },
        OperandKind::Arithmetic { left, right, .. } => {
            is_bound(&left.kind) || is_bound(&right.kind)
        }
        OperandKind::Literal(_)
        | OperandKind::Count(_)
        | OperandKind::CountIf { .. }
        | OperandKind::Sum { .. }
        | OperandKind::Lower(_)
        | OperandKind::TypeOf(_) => false,
    }
}
