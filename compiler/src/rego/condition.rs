//! Constraints: each condition as *is true* and as *is false*.
//!
//! A form is a list of alternatives, any of which suffices; each is a list of lines, all of which must hold. No alternative: the
//! form can never hold. Where alternatives stand within a condition, they become rules of their own, named `part_N`.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    compare::{self, Term},
    helper::{Helper, Helpers},
    text::{call, inline, literal, quoted, reference, rule},
};
use crate::{
    expr::{
        Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Path, Quantifier, Root, Test,
        TextCall, Type,
    },
    model::Constraint,
    plan::Interned,
};

/// The names of the elements of quantifiers, from the outermost inwards.
const ELEMENTS: [&str; 2] = ["element", "inner"];

/// The name of the role that is being evaluated.
const ROLE: &str = "role";

/// Lines that have to hold all together.
#[derive(Debug, Default)]
struct Alternative {
    lines: Vec<String>,
    mentions: Mentions,
    /// The lines name an element of a list of their own, which no other line beside them may do.
    names_element: bool,
}

/// What must be handed to a rule that a line is moved to.
#[derive(Debug, Clone, Copy, Default)]
struct Mentions {
    role: bool,
    /// The element of the innermost quantifier around.
    element: bool,
}

impl Mentions {
    fn and(self, other: Self) -> Self {
        Self {
            role: self.role || other.role,
            element: self.element || other.element,
        }
    }
}

/// The constraints that were printed.
pub(super) struct Conditions<'p> {
    /// What was printed.
    out: String,
    /// The parts of the constraint that is being printed.
    parts: String,
    part_count: usize,
    known: Interned<&'p Constraint>,
    /// The constraints that were met, by where they lie: many rules share them.
    places: HashMap<*const Constraint, Printed>,
    /// By number: whether it looks at the role.
    by_role: Vec<bool>,
    pub(super) helpers: Helpers,
}

/// A printed constraint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printed {
    pub(super) number: u32,
    /// Whether it looks at the role.
    pub(super) by_role: bool,
}

impl Printed {
    /// The line that holds if the constraint is true.
    pub(super) fn holds(self) -> String {
        self.call("holds", ROLE)
    }

    /// The list of its text if it is not true; else an empty one.
    pub(super) fn violated(self) -> String {
        self.call("violated", ROLE)
    }

    fn call(self, name: &str, role: &str) -> String {
        let arguments: &[&str] = if self.by_role { &[role] } else { &[] };
        call(&format!("{name}_{}", self.number), arguments)
    }
}

impl<'p> Conditions<'p> {
    pub(super) fn new() -> Self {
        Self {
            out: String::new(),
            parts: String::new(),
            part_count: 0,
            known: Interned::new(),
            places: HashMap::new(),
            by_role: Vec::new(),
            helpers: Helpers::default(),
        }
    }

    /// How much was printed so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Prints a constraint, unless an equal one was.
    pub(super) fn constraint(&mut self, constraint: &'p Arc<Constraint>) -> Printed {
        let place = Arc::as_ptr(constraint);
        if let Some(printed) = self.places.get(&place) {
            return *printed;
        }
        let printed = self.new_constraint(constraint);
        self.places.insert(place, printed);
        printed
    }

    fn new_constraint(&mut self, constraint: &'p Constraint) -> Printed {
        if let Some(number) = self.known.find(&constraint) {
            let by_role = self.by_role.get(number as usize).copied();
            return Printed {
                number,
                by_role: by_role.unwrap_or_default(),
            };
        }
        let alternatives = self.alternatives(&constraint.expr, true, 0);
        let printed = Printed {
            number: self.by_role.len() as u32,
            by_role: alternatives.iter().any(|one| one.mentions.role),
        };
        self.by_role.push(printed.by_role);
        self.known.remember(constraint, printed.number);
        if alternatives.is_empty() {
            rule(&mut self.out, &printed.holds(), &["false".to_owned()]);
        }
        for one in &alternatives {
            let role = if one.mentions.role { ROLE } else { "_" };
            condition(&mut self.out, &printed.call("holds", role), &one.lines);
        }
        self.out.push_str(&std::mem::take(&mut self.parts));
        let nothing = format!("{} := []", printed.violated());
        rule(&mut self.out, &nothing, &[printed.holds()]);
        let text = format!("else := [{}]", quoted(&constraint.source));
        rule(&mut self.out, &text, &[]);
        printed
    }

    /// All that was printed.
    pub(super) fn finish(self) -> (String, Helpers) {
        (self.out, self.helpers)
    }

    /// What makes a condition true, or false. `depth` is how many quantifiers it stands in.
    fn alternatives(&mut self, expr: &Expr, wanted: bool, depth: usize) -> Vec<Alternative> {
        match &expr.kind {
            ExprKind::And(parts) if wanted => self.all(parts, wanted, depth),
            ExprKind::Or(parts) if !wanted => self.all(parts, wanted, depth),
            ExprKind::And(parts) | ExprKind::Or(parts) => parts
                .iter()
                .flat_map(|part| self.alternatives(part, wanted, depth))
                .collect(),
            ExprKind::Not(part) => self.alternatives(part, !wanted, depth),
            ExprKind::Quantifier {
                quantifier,
                over: Over::Path(path),
                body,
            } => self.quantifier(*quantifier, path, body, wanted, depth),
            leaf => self.leaf(leaf, wanted, depth).into_iter().collect(),
        }
    }

    /// All of several conditions at once.
    fn all(&mut self, parts: &[Expr], wanted: bool, depth: usize) -> Vec<Alternative> {
        let mut all = Alternative::default();
        for part in parts {
            let mut alternatives = self.alternatives(part, wanted, depth);
            if alternatives.is_empty() {
                return Vec::new();
            }
            let mentions = mentions(&alternatives);
            all.mentions = all.mentions.and(mentions);
            let fits = |one: &mut Alternative| !(one.names_element && all.names_element);
            match alternatives.pop_if(fits) {
                Some(one) if alternatives.is_empty() => {
                    all.lines.extend(one.lines);
                    all.names_element |= one.names_element;
                }
                one => {
                    alternatives.extend(one);
                    let element = element(depth).filter(|_| mentions.element);
                    all.lines.push(self.part(element, &alternatives));
                }
            }
        }
        vec![all]
    }

    /// Over the elements of a list: *every is true* and *any is false* ask all of them, the others ask for one.
    fn quantifier(
        &mut self,
        quantifier: Quantifier,
        path: &Path,
        body: &Expr,
        wanted: bool,
        depth: usize,
    ) -> Vec<Alternative> {
        let mut seen = looks(path);
        let list = place(path, depth);
        let all = (quantifier == Quantifier::Every) == wanted;
        let mut lines = vec![format!("is_array({list})")];
        let alternatives = self.alternatives(body, wanted, depth + 1);
        seen.role |= mentions(&alternatives).role;
        // At most two are nested: the reader of constraints sees to it.
        let element = element(depth + 1);
        let name = element.unwrap_or_default();
        if alternatives.is_empty() {
            // No element can be as it has to be.
            if !all {
                return Vec::new();
            }
            lines.push(format!("count({list}) == 0"));
        } else if all {
            let part = self.part(element, &alternatives);
            lines.push(format!("every {name} in {list} {{\n\t{part}\n}}"));
        } else {
            let part = self.part(element, &alternatives);
            lines.extend([format!("some {name} in {list}"), part]);
        }
        vec![Alternative {
            lines,
            mentions: seen,
            names_element: true,
        }]
    }

    /// Prints alternatives as a rule of their own: what is called. With the name of an element it is handed over.
    fn part(&mut self, element: Option<&str>, alternatives: &[Alternative]) -> String {
        self.part_count += 1;
        let name = format!("part_{}", self.part_count);
        let by_role = mentions(alternatives).role;
        for one in alternatives {
            // A parameter that is not looked at must not have a name: OPA is strict about it.
            let mut parameters = Vec::new();
            if by_role {
                parameters.push(if one.mentions.role { ROLE } else { "_" });
            }
            if let Some(element) = element {
                parameters.push(if one.mentions.element { element } else { "_" });
            }
            condition(&mut self.parts, &call(&name, &parameters), &one.lines);
        }
        let arguments: Vec<&str> = by_role.then_some(ROLE).into_iter().chain(element).collect();
        call(&name, &arguments)
    }

    /// A condition that has no conditions in it.
    fn leaf(&mut self, leaf: &ExprKind, wanted: bool, depth: usize) -> Option<Alternative> {
        let mut seen = Mentions::default();
        let mut subject = |path: &Path| {
            seen = seen.and(looks(path));
            place(path, depth)
        };
        let lines = match leaf {
            ExprKind::Compare { op, left, right } => {
                let left = term(left, &mut subject, &mut self.helpers);
                let right = term(right, &mut subject, &mut self.helpers);
                compare::comparison(*op, &left, &right, wanted, &mut self.helpers)?
            }
            ExprKind::In {
                value,
                list,
                negated,
            } => {
                let value = term(value, &mut subject, &mut self.helpers);
                let Members::Listed(list) = list else { todo!() };
                compare::membership(&value, list, wanted != *negated, &mut self.helpers)?
            }
            ExprKind::Test(path, test) => {
                let subject = subject(path);
                self.test(&subject, test, wanted)
            }
            ExprKind::Text {
                call,
                subject: of,
                sought,
            } => match (&of.kind, &sought.kind) {
                (OperandKind::Path(path), OperandKind::Literal(Literal::String(text))) => {
                    let subject = subject(path);
                    self.text(&subject, *call, text, wanted)
                }
                _ => todo!(),
            },
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Named { .. }
            | ExprKind::Quantifier { .. } => {
                return None;
            }
        };
        Some(Alternative {
            lines,
            mentions: seen,
            names_element: false,
        })
    }

    fn text(&mut self, subject: &str, call: TextCall, text: &str, wanted: bool) -> Vec<String> {
        let name = match call {
            TextCall::StartsWith => "startswith",
            TextCall::EndsWith => "endswith",
            TextCall::Contains => "contains",
        };
        let negation = if wanted { "" } else { " == false" };
        vec![
            format!("is_string({subject})"),
            format!("{name}({subject}, {}){negation}", quoted(text)),
        ]
    }

    fn test(&mut self, subject: &str, test: &Test, wanted: bool) -> Vec<String> {
        // What is true or false wherever it is asked.
        let of_text = |call: String| {
            let negation = if wanted { "" } else { " == false" };
            vec![format!("is_string({subject})"), format!("{call}{negation}")]
        };
        match test {
            Test::Matches { pattern, .. } => {
                of_text(format!("regex.match({}, {subject})", quoted(pattern)))
            }
            Test::Present if wanted => {
                self.helpers.need(Helper::Present);
                vec![format!("present({subject})")]
            }
            // The list holds what is there. What is absent leaves it empty, so nothing is negated.
            Test::Present => vec![format!("count([value | value := {subject}]) == 0")],
            Test::Only(names) => {
                let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                let names = inline(names.into_iter().map(quoted));
                let equals = if wanted { "==" } else { "!=" };
                vec![
                    format!("is_object({subject})"),
                    format!("object.remove({subject}, {names}) {equals} {{}}"),
                ]
            }
        }
    }
}

/// Prints a rule that is true where its lines hold.
fn condition(out: &mut String, head: &str, lines: &[String]) {
    if lines.is_empty() {
        rule(out, &format!("{head} := true"), &[]);
    } else {
        rule(out, head, lines);
    }
}

fn term<'e>(
    operand: &'e Operand,
    subject: &mut impl FnMut(&Path) -> String,
    helpers: &mut Helpers,
) -> Term<'e> {
    let variable = matches!(&operand.kind, OperandKind::Path(path) if path.root == Root::Element && path.steps.is_empty());
    let (text, kind, literal) = match &operand.kind {
        OperandKind::Path(path) => (
            subject(path),
            path.root.is_name().then_some(Type::Text),
            None,
        ),
        OperandKind::Count(path) => {
            helpers.need(Helper::Size);
            let size = format!("size({})", subject(path));
            (size, Some(Type::Number), None)
        }
        OperandKind::Literal(value) => (literal(value), Some(Type::of(value)), Some(value)),
        _ => todo!(),
    };
    Term {
        text,
        kind,
        literal,
        variable,
    }
}

/// The name of the element within so many quantifiers.
fn element(depth: usize) -> Option<&'static str> {
    ELEMENTS.get(depth.checked_sub(1)?).copied()
}

/// Where a path leads, as Rego says it: undefined where the path leads nowhere.
fn place(path: &Path, depth: usize) -> String {
    let root = match path.root {
        Root::Args => "input.args",
        Root::Ctx => "input.ctx",
        Root::Run => "input.run",
        Root::User => "input.user",
        Root::Said => "input.said",
        Root::Usage => "input.usage",
        Root::UserUsage => "input.user_usage",
        Root::Tool => "input.tool",
        Root::Role => ROLE,
        Root::Element => element(depth).unwrap_or_default(),
    };
    reference(root, path)
}

fn looks(path: &Path) -> Mentions {
    Mentions {
        role: path.root == Root::Role,
        element: path.root == Root::Element,
    }
}

fn mentions(alternatives: &[Alternative]) -> Mentions {
    let nothing = Mentions::default();
    alternatives
        .iter()
        .fold(nothing, |seen, one| seen.and(one.mentions))
}
