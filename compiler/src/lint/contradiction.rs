//! Constraints that no call of a tool can satisfy together.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::facts::{comparisons, conjuncts};
use crate::{
    budget::{Account, Budget},
    diagnostic::{Diagnostic, Sink, codes::lint as codes, quoted},
    expr::{
        CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Path, Quantifier,
        Root, Step, Test, Type,
    },
    model::{Mode, NamePattern},
    resolve::{Entry, Resolved, Role, Use},
    source::{Sources, Span},
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, budget: &Budget, sink: &mut Sink) {
    let by_role: Vec<bool> = resolved
        .constraints
        .iter()
        .map(|written| mentions_role(&written.constraint.expr))
        .collect();
    let asking = |uses: &[Use<'_>]| -> Vec<usize> {
        let asks = |constraint: &Use<'_>| by_role.get(constraint.id) == Some(&true);
        let uses = (0..).zip(uses).filter(|(_, constraint)| asks(constraint));
        uses.map(|(at, _)| at).collect()
    };
    let asking_rules: Vec<Vec<usize>> = resolved
        .entries
        .iter()
        .map(|entry| asking(&entry.constraints))
        .collect();
    let mut seen = BTreeSet::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        let asking_shared = asking(&role.policy_level);
        let listed = role.tools.values().copied().chain(role.default);
        let rules = listed.filter_map(|listed| resolved.listed.get(listed));
        for index in rules.flat_map(|listed| listed.rules.clone()) {
            let Some(entry) = resolved
                .entries
                .get(index)
                .filter(|entry| entry.mode != Mode::Deny)
            else {
                continue;
            };
            let span = entry.doc.name.span;
            // The same rule under the same policy-level constraints is the same rule. Equal lists of these are one list.
            if seen.insert((Arc::as_ptr(&role.policy_level), index)) {
                let steps = resolved.steps(&role.policy_level) + resolved.steps(&entry.constraints);
                if budget.pay(Account::Lints, steps, span, sink).is_none() {
                    return;
                }
                let mut facts = Facts {
                    tool: Some(entry.doc.name.text.as_str())
                        .filter(|name| !entry.is_default && NamePattern::new(name).is_none()),
                    ..Facts::default()
                };
                for constraint in role.policy_level.iter().chain(&entry.constraints) {
                    facts.learn_all(constraint, resolved);
                }
                sink.extend(
                    facts
                        .contradiction()
                        .map(|found| report(&found, role, entry, sources)),
                );
            }
            // Only what some of them say of the role differs from role to role.
            let own = asking_rules.get(index).into_iter().flatten();
            let own = own.filter_map(|at| entry.constraints.get(*at));
            let shared = asking_shared
                .iter()
                .filter_map(|at| role.policy_level.get(*at));
            let mut facts = Facts {
                role: Some(&role.doc.name.text),
                ..Facts::default()
            };
            for constraint in shared.chain(own) {
                let steps = resolved.steps(std::slice::from_ref(constraint));
                if budget.pay(Account::Lints, steps, span, sink).is_none() {
                    return;
                }
                facts.learn_all(constraint, resolved);
            }
            sink.extend(
                facts
                    .found
                    .map(|found| report(&found, role, entry, sources)),
            );
            if !sink.has_room() {
                return;
            }
        }
    }
}

fn mentions_role(expr: &Expr) -> bool {
    expr.paths().any(|path| path.root == Root::Role)
}

fn report(
    found: &Contradiction<'_>,
    role: &Role<'_>,
    entry: &Entry<'_>,
    sources: &Sources,
) -> Diagnostic {
    let name = &entry.doc.name.text;
    let what = if entry.is_default {
        "no tool that is not listed".to_owned()
    } else if NamePattern::new(name).is_some() {
        format!("no call of a tool that matches {}", quoted(name))
    } else {
        format!("no call of {}", quoted(name))
    };
    let whom = if found.about_role {
        format!(" in the role {}", quoted(&role.doc.name.text))
    } else {
        String::new()
    };
    let (span, label) = found.first.at(sources);
    let mut diagnostic = Diagnostic::new(
        codes::CONTRADICTION,
        format!("{what} can ever satisfy this{whom}"),
        span,
        label,
    );
    if let Some(second) = &found.second {
        let (second_span, label) = second.at(sources);
        diagnostic = diagnostic.with_label(second_span, label);
    }
    let is_own = entry
        .constraints
        .iter()
        .any(|constraint| constraint.span() == found.first.constraint.span());
    if !is_own {
        let label = if entry.doc.listed {
            "this rule holds for no call"
        } else {
            "every call of this is denied"
        };
        diagnostic = diagnostic.with_label(entry.doc.name.span, label);
    }
    diagnostic.with_help(if is_own && entry.doc.listed {
        "change one of the two: as they stand this rule holds for no call"
    } else if is_own {
        "change one of the two: as they stand every call is denied"
    } else {
        "exempt the tool, as in `tool == \"NAME\" or …`, or deny it if that is meant"
    })
}

/// A conjunct at its place and what it says about a path.
#[derive(Clone, Copy)]
struct Claim<'r> {
    constraint: &'r Use<'r>,
    /// Where it stands in the constraint, from and to.
    place: (usize, usize),
    path: &'r Path,
    says: Says<'r>,
}

#[derive(Clone, Copy)]
enum Says<'r> {
    /// It must be there.
    Demanded,
    /// It must not be there.
    Absent,
    /// It has no other members.
    Closed,
    /// It is of this type.
    Is(Type),
    /// It has one value.
    Equal,
    Bounded,
    /// The path is the name of a role or tool, and this is the name.
    Named(&'r str),
}

impl Claim<'_> {
    fn at(&self, sources: &Sources) -> (Span, String) {
        let node = &self.constraint.text.node;
        (
            node.locate(sources, self.place.0..self.place.1),
            self.label(),
        )
    }

    fn label(&self) -> String {
        let path = quoted(&self.path.to_string());
        match self.says {
            Says::Demanded => format!("demands {path}"),
            Says::Absent => format!("{path} must be absent"),
            Says::Closed => format!("allows no other members of {path}"),
            Says::Is(of) => format!("demands that {path} is {}", of.described()),
            Says::Equal => format!("demands this value of {path}"),
            Says::Bounded => format!("bounds {path}"),
            Says::Named(name) => format!("{path} is {} here", quoted(name)),
        }
    }
}

struct Contradiction<'r> {
    first: Claim<'r>,
    second: Option<Claim<'r>>,
    about_role: bool,
}

/// What the constraints of one rule demand, path by path.
#[derive(Default)]
struct Facts<'r> {
    /// The name of the tool, and that of the role, where they are asked for.
    tool: Option<&'r str>,
    role: Option<&'r str>,
    /// The paths that must be there.
    demanded: Vec<Claim<'r>>,
    /// The paths that must not be there.
    absent: Vec<Claim<'r>>,
    /// The members that objects may have.
    closed: Vec<(&'r [String], Claim<'r>)>,
    types: Vec<(Type, Claim<'r>)>,
    equal: Vec<(&'r Literal, Claim<'r>)>,
    bounds: Vec<(CompareOp, i128, Claim<'r>)>,
    /// Found at once.
    found: Option<Contradiction<'r>>,
}

impl<'r> Facts<'r> {
    fn learn_all(&mut self, constraint: &'r Use<'r>, resolved: &'r Resolved<'_>) {
        for (conjunct, place) in resolved.expr(constraint).map(conjuncts).unwrap_or_default() {
            self.learn(constraint, conjunct, (place.start, place.end));
        }
    }

    fn learn(&mut self, constraint: &'r Use<'r>, expr: &'r Expr, place: (usize, usize)) {
        let claim = |path: &'r Path, says: Says<'r>| Claim {
            constraint,
            place,
            path,
            says,
        };
        match &expr.kind {
            ExprKind::Not(inner) => match &inner.kind {
                ExprKind::Test(path, Test::Present) => {
                    self.absent.push(claim(path, Says::Absent));
                }
                ExprKind::Compare { .. } => self.learn_comparisons(expr, &claim),
                ExprKind::And(_)
                | ExprKind::Or(_)
                | ExprKind::Not(_)
                | ExprKind::In { .. }
                | ExprKind::Text { .. }
                | ExprKind::Named { .. }
                | ExprKind::Test(..)
                | ExprKind::Quantifier { .. } => {}
            },
            ExprKind::Compare { .. } => self.learn_comparisons(expr, &claim),
            ExprKind::In {
                value,
                list: Members::Path(list),
                ..
            } => {
                self.learn_operand(value, &claim);
                self.demanded.push(claim(list, Says::Demanded));
                self.types
                    .push((Type::List, claim(list, Says::Is(Type::List))));
            }
            ExprKind::Text {
                subject, sought, ..
            } => {
                for operand in [subject, sought] {
                    self.learn_operand(operand, &claim);
                    if let OperandKind::Path(path) = &operand.kind {
                        self.types
                            .push((Type::Text, claim(path, Says::Is(Type::Text))));
                    }
                }
            }
            ExprKind::In {
                value,
                list: Members::Listed(list),
                negated,
            } => {
                self.learn_operand(value, &claim);
                if let OperandKind::Path(path) = &value.kind {
                    let name = self.name_of(path);
                    let matches = |name: &str| {
                        list.iter()
                            .any(|item| matches!(item, Literal::String(text) if text == name))
                    };
                    if let Some(name) = name
                        && matches(name) == *negated
                    {
                        self.never(claim(path, Says::Named(name)));
                    }
                }
            }
            ExprKind::Test(path, test) => {
                self.demanded.push(claim(path, Says::Demanded));
                match test {
                    Test::Matches { .. } => self
                        .types
                        .push((Type::Text, claim(path, Says::Is(Type::Text)))),
                    Test::Only(names) => self.closed.push((names, claim(path, Says::Closed))),
                    Test::Present => {}
                }
            }
            ExprKind::Quantifier {
                quantifier,
                over: Over::Path(path),
                ..
            } => {
                let of = match quantifier {
                    Quantifier::Every | Quantifier::Any => Some(Type::List),
                    Quantifier::EveryMember | Quantifier::AnyMember => Some(Type::Object),
                    Quantifier::Anywhere => None,
                    // It is true where nothing is there.
                    Quantifier::Optional => return,
                };
                self.demanded.push(claim(path, Says::Demanded));
                if let Some(of) = of {
                    self.types.push((of, claim(path, Says::Is(of))));
                }
            }
            ExprKind::Quantifier {
                over: Over::Listed(_),
                ..
            }
            | ExprKind::Named { .. }
            | ExprKind::And(_)
            | ExprKind::Or(_) => {}
        }
    }

    fn learn_comparisons(
        &mut self,
        expr: &'r Expr,
        claim: &impl Fn(&'r Path, Says<'r>) -> Claim<'r>,
    ) {
        for (left, op, right) in comparisons(expr) {
            self.learn_operand(left, claim);
            let (OperandKind::Path(path), OperandKind::Literal(literal)) =
                (&left.kind, &right.kind)
            else {
                continue;
            };
            if let (Some(name), Literal::String(text)) = (self.name_of(path), literal)
                && ((op == CompareOp::Equal && name != text)
                    || (op == CompareOp::NotEqual && name == text))
            {
                self.never(claim(path, Says::Named(name)));
            }
            let of = Type::of(literal);
            // A comparison for inequality with null is true of everything else.
            if !(of == Type::Null && op == CompareOp::NotEqual) {
                self.types.push((of, claim(path, Says::Is(of))));
            }
            if op == CompareOp::Equal {
                self.equal.push((literal, claim(path, Says::Equal)));
            }
            if let Literal::Number(number) = literal
                && let Some(value) = fixed(number)
                && op != CompareOp::NotEqual
            {
                self.bounds.push((op, value, claim(path, Says::Bounded)));
            }
        }
    }

    /// What must be there for a value to be there.
    fn learn_operand(
        &mut self,
        operand: &'r Operand,
        claim: &impl Fn(&'r Path, Says<'r>) -> Claim<'r>,
    ) {
        for term in operand.terms() {
            if let Some(path) = term.path() {
                self.demanded.push(claim(path, Says::Demanded));
            }
            let (typed, of) = match &term.kind {
                OperandKind::Lower(inner) => ([inner.as_path(), None], Type::Text),
                OperandKind::Arithmetic { left, right, .. } => {
                    ([left.as_path(), right.as_path()], Type::Number)
                }
                OperandKind::CountIf { path, .. } | OperandKind::Sum { path, .. } => {
                    ([Some(path), None], Type::List)
                }
                OperandKind::Path(_)
                | OperandKind::Count(_)
                | OperandKind::TypeOf(_)
                | OperandKind::Literal(_) => continue,
            };
            for path in typed.into_iter().flatten() {
                self.types.push((of, claim(path, Says::Is(of))));
            }
        }
    }

    /// The value of `role` and `tool`, which is known.
    fn name_of(&self, path: &Path) -> Option<&'r str> {
        match path.root {
            Root::Role => self.role,
            Root::Tool => self.tool,
            Root::Args
            | Root::Ctx
            | Root::Run
            | Root::Said
            | Root::Usage
            | Root::User
            | Root::UserUsage
            | Root::Element => None,
        }
    }

    fn never(&mut self, claim: Claim<'r>) {
        self.found.get_or_insert(Contradiction {
            first: claim,
            second: None,
            about_role: claim.path.root == Root::Role,
        });
    }

    fn contradiction(mut self) -> Option<Contradiction<'r>> {
        if let Some(found) = self.found.take() {
            return Some(found);
        }
        let both = |first: &Claim<'r>, second: &Claim<'r>| {
            Some(Contradiction {
                first: *first,
                second: Some(*second),
                about_role: false,
            })
        };
        let mut demands = Demands::default();
        for claim in &self.demanded {
            demands.add(claim);
        }
        for (names, closed) in &self.closed {
            let Some(object) = demands.at(closed.path) else {
                continue;
            };
            let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let mut members = object.in_order.iter();
            if let Some((_, claim)) =
                members.find(|(step, _)| !step.member().is_some_and(|name| names.contains(name)))
            {
                return both(claim, closed);
            }
        }
        for absent in &self.absent {
            if let Some(claim) = demands.at(absent.path).and_then(|value| value.first) {
                return both(claim, absent);
            }
        }
        let mut types: HashMap<Place<'_>, (Type, &Claim<'r>)> = HashMap::new();
        for (of, claim) in &self.types {
            let (known, first) = *types.entry(place(claim.path)).or_insert((*of, claim));
            if known != *of {
                return both(first, claim);
            }
        }
        for (of, claim) in &self.types {
            let leads_on = |step: &Step| match (of, step) {
                (Type::List, Step::Element(_)) | (Type::Object, Step::Member(_)) => true,
                (Type::Null | Type::Bool | Type::Number | Type::Text, _)
                | (Type::List, Step::Member(_))
                | (Type::Object, Step::Element(_)) => false,
            };
            if let Some(object) = demands.at(claim.path)
                && let Some((_, deeper)) = object.in_order.iter().find(|(step, _)| !leads_on(step))
            {
                return both(deeper, claim);
            }
        }
        let mut values: HashMap<Place<'_>, (&Literal, &Claim<'r>)> = HashMap::new();
        for (value, claim) in &self.equal {
            let (known, first) = *values.entry(place(claim.path)).or_insert((value, claim));
            if differ(known, value) {
                return both(first, claim);
            }
        }
        let mut lower: HashMap<Place<'_>, (i128, bool, &Claim<'r>)> = HashMap::new();
        let mut upper: HashMap<Place<'_>, (i128, bool, &Claim<'r>)> = HashMap::new();
        for (op, value, claim) in &self.bounds {
            let strict = matches!(op, CompareOp::Less | CompareOp::Greater);
            let bound = (*value, strict, claim);
            if !matches!(op, CompareOp::Less | CompareOp::LessOrEqual) {
                let known = lower.entry(place(claim.path)).or_insert(bound);
                if (*value, strict) > (known.0, known.1) {
                    *known = bound;
                }
            }
            if !matches!(op, CompareOp::Greater | CompareOp::GreaterOrEqual) {
                let known = upper.entry(place(claim.path)).or_insert(bound);
                if (*value, !strict) < (known.0, !known.1) {
                    *known = bound;
                }
            }
        }
        for (_, _, claim) in &self.bounds {
            let place = place(claim.path);
            if let Some((least, strictly_more, low)) = lower.get(&place)
                && let Some((most, strictly_less, high)) = upper.get(&place)
                && (least > most || (least == most && (*strictly_more || *strictly_less)))
            {
                return both(high, low);
            }
        }
        None
    }
}

/// A path as a key.
type Place<'r> = (Root, &'r [Step]);

fn place(path: &Path) -> Place<'_> {
    (path.root, &path.steps)
}

/// What must be there, as a tree: paths are followed step by step, so that long ones take no longer than they are.
#[derive(Default)]
struct Demands<'c, 'r> {
    roots: HashMap<Root, usize>,
    values: Vec<Demanded<'c, 'r>>,
}

/// A value that must be there, if only because a member of it must.
#[derive(Default)]
struct Demanded<'c, 'r> {
    first: Option<&'c Claim<'r>>,
    /// Its members: into [`Demands::values`].
    members: HashMap<&'r Step, usize>,
    /// The same with the first who demands each.
    in_order: Vec<(&'r Step, &'c Claim<'r>)>,
}

impl<'c, 'r> Demands<'c, 'r> {
    fn add(&mut self, claim: &'c Claim<'r>) {
        let next = self.values.len();
        let mut at = *self.roots.entry(claim.path.root).or_insert(next);
        let mut steps = claim.path.steps.iter();
        loop {
            let free = self.values.len();
            if at == free {
                self.values.push(Demanded {
                    first: Some(claim),
                    ..Demanded::default()
                });
            }
            let free = self.values.len();
            let (Some(value), Some(step)) = (self.values.get_mut(at), steps.next()) else {
                return;
            };
            at = *value.members.entry(step).or_insert_with(|| {
                value.in_order.push((step, claim));
                free
            });
        }
    }

    fn at(&self, path: &Path) -> Option<&Demanded<'c, 'r>> {
        let mut value = self.values.get(*self.roots.get(&path.root)?)?;
        for step in &path.steps {
            value = self.values.get(*value.members.get(step)?)?;
        }
        Some(value)
    }
}

/// Whether two values of a type are certainly not equal.
fn differ(one: &Literal, other: &Literal) -> bool {
    match (one, other) {
        (Literal::String(one), Literal::String(other)) => one != other,
        (Literal::Bool(one), Literal::Bool(other)) => one != other,
        (Literal::Number(one), Literal::Number(other)) => {
            matches!((fixed(one), fixed(other)), (Some(one), Some(other)) if one != other)
        }
        _ => false,
    }
}

/// A decimal number in units of 10^-9, if it is one that fits; others are not judged.
fn fixed(text: &str) -> Option<i128> {
    const PLACES: usize = 9;
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > PLACES || integer.len() > 24 {
        return None;
    }
    let value: i128 = format!("{integer}{fraction:0<PLACES$}").parse().ok()?;
    Some(sign * value)
}
