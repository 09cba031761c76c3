//! Constraints that no call of a tool can satisfy together.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{comparisons, conjuncts, operand_path, show};
use crate::{
    diagnostic::{CodeDoc, Diagnostic, Severity, Sink, quoted},
    expr::{CompareOp, Expr, ExprKind, Literal, OperandKind, Path, Root},
    model::Mode,
    resolve::{Entry, Resolved, Role, Use},
    source::{Sources, Span},
};

pub(super) const CODE: CodeDoc = CodeDoc {
    code: "contradiction",
    severity: Severity::Warning,
    title: "constraints that no call can satisfy together",
    explanation: "All constraints of the policy and of the tool must hold. Where two exclude each other, every call of the tool is denied:

    constraints: [args.tenant == \"acme\"]                      # for every tool
    tools:
      ping: { mode: allow, constraints: ['only(args, [])'] }   # and this one has no `tenant`

A constraint on an argument is never true where the argument is absent. For a condition on some tools only, name them: `tool == \"ping\" or args.tenant == \"acme\"`.

Only contradictions that are certain are reported.",
};

pub(super) fn check(resolved: &Resolved<'_>, sources: &Sources, sink: &mut Sink) {
    let mut seen = BTreeSet::new();
    for role in resolved.roles.iter().filter(|role| !role.doc.is_mixin) {
        for index in role.tools.values().copied().chain(role.default) {
            let Some(entry) = resolved
                .entries
                .get(index)
                .filter(|entry| entry.mode != Mode::Deny)
            else {
                continue;
            };
            // The same rule under the same policy-level constraints is the same rule, unless one of these asks for the role.
            let asks_role = role
                .policy_level
                .iter()
                .chain(&entry.constraints)
                .filter_map(|constraint| resolved.expr(constraint))
                .any(mentions_role);
            let key = (
                role.policy_level
                    .iter()
                    .map(|constraint| constraint.id)
                    .collect::<Vec<_>>(),
                index,
                asks_role.then_some(&role.doc.name.text),
            );
            if !seen.insert(key) {
                continue;
            }
            let mut facts = Facts {
                tool: (!entry.is_default).then_some(entry.doc.name.text.as_str()),
                role: &role.doc.name.text,
                ..Facts::default()
            };
            for constraint in role.policy_level.iter().chain(&entry.constraints) {
                for conjunct in resolved.expr(constraint).map(conjuncts).unwrap_or_default() {
                    facts.learn(constraint, conjunct);
                }
            }
            if let Some(found) = facts.contradiction() {
                sink.push(report(&found, role, entry, sources));
            }
        }
    }
}

fn mentions_role(expr: &Expr) -> bool {
    super::facts::paths(expr)
        .iter()
        .any(|path| path.root == Root::Role)
}

fn report(
    found: &Contradiction<'_>,
    role: &Role<'_>,
    entry: &Entry<'_>,
    sources: &Sources,
) -> Diagnostic {
    let what = if entry.is_default {
        "no tool that is not listed".to_owned()
    } else {
        format!("no call of {}", quoted(&entry.doc.name.text))
    };
    let whom = if found.about_role {
        format!(" in the role {}", quoted(&role.doc.name.text))
    } else {
        String::new()
    };
    let (span, label) = found.first.at(sources);
    let mut diagnostic = Diagnostic::new(
        CODE.code,
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
        diagnostic = diagnostic.with_label(entry.doc.name.span, "every call of this is denied");
    }
    diagnostic.with_help(if is_own {
        "change one of the two: as they stand every call is denied"
    } else {
        "exempt the tool, as in `tool == \"NAME\" or …`, or deny it if that is meant"
    })
}

/// A conjunct at its place and what is to be said about it.
#[derive(Clone)]
struct Claim<'r, 'd> {
    constraint: &'r Use<'d>,
    expr: &'r Expr,
    label: String,
}

impl Claim<'_, '_> {
    fn at(&self, sources: &Sources) -> (Span, String) {
        (
            self.constraint
                .text
                .node
                .locate(sources, self.expr.span.clone()),
            self.label.clone(),
        )
    }
}

struct Contradiction<'r> {
    first: Claim<'r, 'r>,
    second: Option<Claim<'r, 'r>>,
    about_role: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Bool,
    Number,
    String,
    List,
    Object,
}

impl Type {
    fn described(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

/// What the constraints of one rule demand, path by path.
#[derive(Default)]
struct Facts<'r> {
    tool: Option<&'r str>,
    role: &'r str,
    /// The paths that must be there.
    demanded: Vec<(&'r Path, Claim<'r, 'r>)>,
    /// The paths that must not be there.
    absent: Vec<(&'r Path, Claim<'r, 'r>)>,
    /// The members that objects may have.
    closed: Vec<(&'r Path, &'r [String], Claim<'r, 'r>)>,
    types: Vec<(&'r Path, Type, Claim<'r, 'r>)>,
    equal: Vec<(&'r Path, &'r Literal, Claim<'r, 'r>)>,
    bounds: Vec<(&'r Path, CompareOp, i128, Claim<'r, 'r>)>,
    /// Found at once.
    found: Option<Contradiction<'r>>,
}

impl<'r> Facts<'r> {
    fn learn(&mut self, constraint: &'r Use<'r>, expr: &'r Expr) {
        let claim = |label: String| Claim {
            constraint,
            expr,
            label,
        };
        match &expr.kind {
            ExprKind::Not(inner) => match &inner.kind {
                ExprKind::Present(path) => self.absent.push((
                    path,
                    claim(format!("{} must be absent", quoted(&show(path)))),
                )),
                ExprKind::Compare { .. } => self.learn_comparisons(expr, &claim),
                _ => {}
            },
            ExprKind::Compare { .. } => self.learn_comparisons(expr, &claim),
            ExprKind::In {
                value,
                list,
                negated,
            } => {
                if let OperandKind::Path(path) = &value.kind {
                    self.demand(path, &claim);
                    let name = self.name_of(path);
                    let matches = |name: &str| {
                        list.iter()
                            .any(|item| matches!(item, Literal::String(text) if text == name))
                    };
                    if let Some(name) = name
                        && matches(name) == *negated
                    {
                        self.never(path, name, &claim);
                    }
                }
            }
            ExprKind::Text { path, .. } | ExprKind::Matches { path, .. } => {
                self.demand(path, &claim);
                self.types.push((
                    path,
                    Type::String,
                    claim(format!("demands that {} is a string", quoted(&show(path)))),
                ));
            }
            ExprKind::Present(path) => self.demand(path, &claim),
            ExprKind::Only(path, names) => {
                self.demand(path, &claim);
                self.closed.push((
                    path,
                    names,
                    claim(format!(
                        "allows no other members of {}",
                        quoted(&show(path))
                    )),
                ));
            }
            ExprKind::Quantifier { path, .. } => {
                self.demand(path, &claim);
                self.types.push((
                    path,
                    Type::List,
                    claim(format!("demands that {} is a list", quoted(&show(path)))),
                ));
            }
            ExprKind::And(_) | ExprKind::Or(_) => {}
        }
    }

    fn learn_comparisons(&mut self, expr: &'r Expr, claim: &impl Fn(String) -> Claim<'r, 'r>) {
        for (left, op, right) in comparisons(expr) {
            if let Some(path) = operand_path(left) {
                self.demand(path, claim);
            }
            let (OperandKind::Path(path), OperandKind::Literal(literal)) =
                (&left.kind, &right.kind)
            else {
                continue;
            };
            if let (Some(name), Literal::String(text)) = (self.name_of(path), literal)
                && ((op == CompareOp::Equal && name != text)
                    || (op == CompareOp::NotEqual && name == text))
            {
                self.never(path, name, claim);
            }
            let of = match literal {
                Literal::Null => Type::Null,
                Literal::Bool(_) => Type::Bool,
                Literal::Number(_) => Type::Number,
                Literal::String(_) => Type::String,
                Literal::List(_) => Type::List,
            };
            // A comparison for inequality with null is true of everything else.
            if !(of == Type::Null && op == CompareOp::NotEqual) {
                self.types.push((
                    path,
                    of,
                    claim(format!(
                        "demands that {} is {}",
                        quoted(&show(path)),
                        of.described()
                    )),
                ));
            }
            if op == CompareOp::Equal {
                self.equal.push((
                    path,
                    literal,
                    claim(format!("demands this value of {}", quoted(&show(path)))),
                ));
            }
            if let Literal::Number(number) = literal
                && let Some(value) = fixed(number)
                && op != CompareOp::NotEqual
            {
                self.bounds.push((
                    path,
                    op,
                    value,
                    claim(format!("bounds {}", quoted(&show(path)))),
                ));
            }
        }
    }

    fn demand(&mut self, path: &'r Path, claim: &impl Fn(String) -> Claim<'r, 'r>) {
        self.demanded
            .push((path, claim(format!("demands {}", quoted(&show(path))))));
    }

    /// The value of `role` and `tool`, which is known.
    fn name_of(&self, path: &Path) -> Option<&'r str> {
        match path.root {
            Root::Role => Some(self.role),
            Root::Tool => self.tool,
            _ => None,
        }
    }

    fn never(&mut self, path: &Path, name: &str, claim: &impl Fn(String) -> Claim<'r, 'r>) {
        let label = format!("{} is {} here", quoted(&show(path)), quoted(name));
        self.found.get_or_insert_with(|| Contradiction {
            first: claim(label),
            second: None,
            about_role: path.root == Root::Role,
        });
    }

    fn contradiction(mut self) -> Option<Contradiction<'r>> {
        if let Some(found) = self.found.take() {
            return Some(found);
        }
        let both = |first: &Claim<'r, 'r>, second: &Claim<'r, 'r>| {
            Some(Contradiction {
                first: first.clone(),
                second: Some(second.clone()),
                about_role: false,
            })
        };
        // Prefixes are looked up by name, so that many constraints take no more than n log n.
        let mut demanded: BTreeMap<String, &Claim<'r, 'r>> = BTreeMap::new();
        let mut members: BTreeMap<String, Vec<(&str, &Claim<'r, 'r>)>> = BTreeMap::new();
        for (path, claim) in &self.demanded {
            for length in 0..=path.steps.len() {
                let prefix = Path {
                    root: path.root,
                    steps: path.steps.get(..length).unwrap_or_default().to_vec(),
                    span: 0..0,
                };
                let name = show(&prefix);
                if let Some(next) = path.steps.get(length) {
                    members.entry(name.clone()).or_default().push((next, claim));
                }
                demanded.entry(name).or_insert(claim);
            }
        }
        for (path, names, closed) in &self.closed {
            let found = members
                .get(&show(path))
                .into_iter()
                .flatten()
                .find(|(name, _)| !names.iter().any(|allowed| allowed == name));
            if let Some((_, claim)) = found {
                return both(claim, closed);
            }
        }
        for (path, absent) in &self.absent {
            if let Some(claim) = demanded.get(&show(path)) {
                return both(claim, absent);
            }
        }
        let mut types: BTreeMap<String, (Type, &Claim<'r, 'r>)> = BTreeMap::new();
        for (path, of, claim) in &self.types {
            let (known, first) = *types.entry(show(path)).or_insert((*of, claim));
            if known != *of {
                return both(first, claim);
            }
        }
        for (name, (of, claim)) in &types {
            if *of != Type::Object
                && let Some((_, deeper)) = members.get(name).and_then(|members| members.first())
            {
                return both(deeper, claim);
            }
        }
        let mut values: BTreeMap<String, (&Literal, &Claim<'r, 'r>)> = BTreeMap::new();
        for (path, value, claim) in &self.equal {
            let (known, first) = *values.entry(show(path)).or_insert((value, claim));
            if differ(known, value) {
                return both(first, claim);
            }
        }
        let mut lower: BTreeMap<String, (i128, bool, &Claim<'r, 'r>)> = BTreeMap::new();
        let mut upper: BTreeMap<String, (i128, bool, &Claim<'r, 'r>)> = BTreeMap::new();
        for (path, op, value, claim) in &self.bounds {
            let strict = matches!(op, CompareOp::Less | CompareOp::Greater);
            if !matches!(op, CompareOp::Less | CompareOp::LessOrEqual) {
                let known = lower.entry(show(path)).or_insert((*value, strict, claim));
                if (*value, strict) > (known.0, known.1) {
                    *known = (*value, strict, claim);
                }
            }
            if !matches!(op, CompareOp::Greater | CompareOp::GreaterOrEqual) {
                let known = upper.entry(show(path)).or_insert((*value, strict, claim));
                if (*value, !strict) < (known.0, !known.1) {
                    *known = (*value, strict, claim);
                }
            }
        }
        for (name, (least, strictly_more, low)) in &lower {
            if let Some((most, strictly_less, high)) = upper.get(name)
                && (least > most || (least == most && (*strictly_more || *strictly_less)))
            {
                return both(high, low);
            }
        }
        None
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
