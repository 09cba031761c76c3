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
        Expr, ExprKind, Members, Operand, OperandKind, Over, Path, Quantifier, Root, Test,
        TextCall, Type,
    },
    model::Constraint,
    plan::Interned,
};

/// The name of the role that is being evaluated.
pub(super) const ROLE: &str = "role";

/// Lines that have to hold all together.
#[derive(Debug, Default)]
struct Alternative {
    lines: Vec<String>,
    mentions: Mentions,
    /// The lines name an element of a list of their own, which no other line beside them may do.
    names_element: bool,
}

impl Alternative {
    fn line(line: String, mentions: Mentions) -> Self {
        Self {
            lines: vec![line],
            mentions,
            names_element: false,
        }
    }
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
    /// Those that were printed as *is true*, and as *is false*.
    holding: Forms<'p>,
    failing: Forms<'p>,
    /// The lists in which values are looked for, by their places.
    lists: HashMap<String, u32>,
    pub(super) helpers: Helpers,
}

/// The constraints that were printed in one of the two forms.
struct Forms<'p> {
    known: Interned<&'p Constraint>,
    /// The constraints that were met, by where they lie: many rules share them.
    places: HashMap<*const Constraint, Printed>,
    /// By number: whether it looks at the role.
    by_role: Vec<bool>,
}

impl<'p> Forms<'p> {
    fn new() -> Self {
        Self {
            known: Interned::new(),
            places: HashMap::new(),
            by_role: Vec::new(),
        }
    }

    /// The one that was printed for this constraint, or an equal one.
    fn find(&mut self, constraint: &'p Constraint) -> Option<Printed> {
        let place: *const Constraint = constraint;
        if let Some(printed) = self.places.get(&place) {
            return Some(*printed);
        }
        let number = self.known.find(&constraint)?;
        let by_role = self.by_role.get(number as usize).copied();
        let printed = Printed {
            number,
            by_role: by_role.unwrap_or_default(),
        };
        self.places.insert(place, printed);
        Some(printed)
    }

    fn add(&mut self, constraint: &'p Constraint, by_role: bool) -> Printed {
        let printed = Printed {
            number: self.by_role.len() as u32,
            by_role,
        };
        self.by_role.push(by_role);
        self.known.remember(constraint, printed.number);
        self.places.insert(constraint, printed);
        printed
    }
}

/// A printed constraint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printed {
    number: u32,
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

    /// The line that holds if the constraint is false.
    pub(super) fn fails(self) -> String {
        self.call("fails", ROLE)
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
            holding: Forms::new(),
            failing: Forms::new(),
            lists: HashMap::new(),
            helpers: Helpers::default(),
        }
    }

    /// How much was printed so far.
    pub(super) fn len(&self) -> usize {
        self.out.len()
    }

    /// Prints a constraint as *is true*, unless an equal one was.
    pub(super) fn constraint(&mut self, constraint: &'p Arc<Constraint>) -> Printed {
        if let Some(printed) = self.holding.find(constraint) {
            return printed;
        }
        let alternatives = self.alternatives(&constraint.expr, true, 0);
        let printed = self.holding.add(constraint, mentions(&alternatives).role);
        self.print(printed, "holds", &alternatives);
        let nothing = format!("{} := []", printed.violated());
        rule(&mut self.out, &nothing, &[printed.holds()]);
        let text = format!("else := [{}]", quoted(&constraint.source));
        rule(&mut self.out, &text, &[]);
        printed
    }

    /// Prints a constraint as *is false*, unless an equal one was. None: it never is.
    pub(super) fn failing(&mut self, constraint: &'p Arc<Constraint>) -> Option<Printed> {
        if let Some(printed) = self.failing.find(constraint) {
            return Some(printed);
        }
        let alternatives = self.alternatives(&constraint.expr, false, 0);
        if alternatives.is_empty() {
            return None;
        }
        let printed = self.failing.add(constraint, mentions(&alternatives).role);
        self.print(printed, "fails", &alternatives);
        Some(printed)
    }

    fn print(&mut self, printed: Printed, name: &str, alternatives: &[Alternative]) {
        if alternatives.is_empty() {
            let head = printed.call(name, ROLE);
            rule(&mut self.out, &head, &["false".to_owned()]);
        }
        for one in alternatives {
            let role = if one.mentions.role { ROLE } else { "_" };
            condition(&mut self.out, &printed.call(name, role), &one.lines);
        }
        self.out.push_str(&std::mem::take(&mut self.parts));
    }

    /// All that was printed.
    pub(super) fn finish(self) -> (String, Helpers) {
        (self.out, self.helpers)
    }

    /// What makes a condition true, or false. `depth` is how many conditions around it bind `.`.
    fn alternatives(&mut self, expr: &Expr, wanted: bool, depth: usize) -> Vec<Alternative> {
        match &expr.kind {
            ExprKind::And(parts) if wanted => self.all(parts, wanted, depth),
            ExprKind::Or(parts) if !wanted => self.all(parts, wanted, depth),
            ExprKind::And(parts) | ExprKind::Or(parts) => parts
                .iter()
                .flat_map(|part| self.alternatives(part, wanted, depth))
                .collect(),
            ExprKind::Not(part) => self.alternatives(part, !wanted, depth),
            ExprKind::Named { body, .. } => self.alternatives(body, wanted, depth),
            ExprKind::Quantifier {
                quantifier,
                over,
                body,
            } => self.quantifier(*quantifier, over, body, wanted, depth),
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
                    let name = element(depth);
                    let element = mentions.element.then_some((name.as_str(), name.as_str()));
                    all.lines.push(self.part(element, &alternatives));
                }
            }
        }
        vec![all]
    }

    /// Over elements, members or texts: *every is true* and *any is false* ask all of them, the others ask for one.
    fn quantifier(
        &mut self,
        quantifier: Quantifier,
        over: &Over,
        body: &Expr,
        wanted: bool,
        depth: usize,
    ) -> Vec<Alternative> {
        let every = match quantifier {
            Quantifier::Every | Quantifier::EveryMember => true,
            Quantifier::Any | Quantifier::AnyMember | Quantifier::Anywhere => false,
            Quantifier::Optional => return self.optional(over, body, wanted, depth),
        };
        let mut seen = Mentions::default();
        let (mut lines, domain) = match over {
            Over::Listed(list) => (Vec::new(), inline(list.iter().map(literal))),
            Over::Path(path) => {
                seen = looks(path);
                self.domain(quantifier, place(path, depth))
            }
        };
        let all = every == wanted;
        if matches!(over, Over::Listed(list) if list.is_empty()) {
            return all.then(Alternative::default).into_iter().collect();
        }
        let alternatives = self.alternatives(body, wanted, depth + 1);
        seen.role |= mentions(&alternatives).role;
        let name = element(depth + 1);
        let element = Some((name.as_str(), name.as_str()));
        if alternatives.is_empty() {
            // No element can be as it has to be.
            if !all || matches!(over, Over::Listed(_)) {
                return Vec::new();
            }
            lines.push(format!("count({domain}) == 0"));
        } else if all {
            let part = self.part(element, &alternatives);
            lines.push(format!("every {name} in {domain} {{\n\t{part}\n}}"));
        } else {
            let part = self.part(element, &alternatives);
            lines.extend([format!("some {name} in {domain}"), part]);
        }
        vec![Alternative {
            lines,
            mentions: seen,
            names_element: true,
        }]
    }

    /// The lines that hold if a quantifier can go over what is at a place, and what it goes over.
    fn domain(&mut self, quantifier: Quantifier, place: String) -> (Vec<String>, String) {
        match quantifier {
            Quantifier::EveryMember | Quantifier::AnyMember => {
                self.helpers.need(Helper::Members);
                let domain = format!("members({place})");
                (vec![format!("is_object({place})")], domain)
            }
            Quantifier::Anywhere => {
                self.helpers.need(Helper::Texts);
                (Vec::new(), format!("texts({place})"))
            }
            Quantifier::Every | Quantifier::Any | Quantifier::Optional => {
                (vec![format!("is_array({place})")], place)
            }
        }
    }

    /// True of what is absent or `null`; else the condition on the value.
    fn optional(
        &mut self,
        over: &Over,
        body: &Expr,
        wanted: bool,
        depth: usize,
    ) -> Vec<Alternative> {
        // Only of a path can it be asked.
        let Over::Path(path) = over else {
            return Vec::new();
        };
        let value = place(path, depth);
        let seen = looks(path);
        let mut alternatives = Vec::new();
        if wanted {
            for line in [absent(&value), format!("is_null({value})")] {
                alternatives.push(Alternative::line(line, seen));
            }
        }
        let inside = self.alternatives(body, wanted, depth + 1);
        if !inside.is_empty() {
            let seen = Mentions {
                role: seen.role || mentions(&inside).role,
                ..seen
            };
            let name = element(depth + 1);
            let part = self.part(Some((&name, &value)), &inside);
            let mut lines = vec![part];
            if !wanted {
                lines.insert(0, format!("{value} != null"));
            }
            alternatives.push(Alternative {
                lines,
                mentions: seen,
                names_element: false,
            });
        }
        alternatives
    }

    /// Prints alternatives as a rule of their own: what is called. With the name of an element what stands beside it is handed over.
    fn part(&mut self, element: Option<(&str, &str)>, alternatives: &[Alternative]) -> String {
        let name = self.new_part();
        let by_role = mentions(alternatives).role;
        for one in alternatives {
            // A parameter that is not looked at must not have a name: OPA is strict about it.
            let mut parameters = Vec::new();
            if by_role {
                parameters.push(if one.mentions.role { ROLE } else { "_" });
            }
            if let Some((element, _)) = element {
                parameters.push(if one.mentions.element { element } else { "_" });
            }
            condition(&mut self.parts, &call(&name, &parameters), &one.lines);
        }
        let given = element.map(|(_, given)| given);
        let arguments: Vec<&str> = by_role.then_some(ROLE).into_iter().chain(given).collect();
        call(&name, &arguments)
    }

    fn new_part(&mut self) -> String {
        self.part_count += 1;
        format!("part_{}", self.part_count)
    }

    /// A condition that has no conditions in it but those of its operands.
    fn leaf(&mut self, leaf: &ExprKind, wanted: bool, depth: usize) -> Option<Alternative> {
        let mut seen = Mentions::default();
        let lines = match leaf {
            ExprKind::Compare { op, left, right } => {
                let left = self.term(left, depth, &mut seen)?;
                let right = self.term(right, depth, &mut seen)?;
                compare::comparison(*op, &left, &right, wanted, &mut self.helpers)?
            }
            ExprKind::In {
                value,
                list,
                negated,
            } => {
                let value = self.term(value, depth, &mut seen)?;
                let wanted = wanted != *negated;
                match list {
                    Members::Listed(list) => {
                        compare::membership(&value, list, wanted, &mut self.helpers)?
                    }
                    Members::Path(path) => {
                        seen = seen.and(looks(path));
                        self.among(&value, path, wanted, depth)?
                    }
                }
            }
            ExprKind::Test(path, test) => {
                seen = looks(path);
                self.test(&place(path, depth), test, wanted)
            }
            ExprKind::Text {
                call,
                subject,
                sought,
            } => {
                let subject = self.term(subject, depth, &mut seen)?;
                let sought = self.term(sought, depth, &mut seen)?;
                text(*call, &subject, &sought, wanted)?
            }
            ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::Named { .. }
            | ExprKind::Quantifier { .. } => return None,
        };
        Some(Alternative {
            lines,
            mentions: seen,
            names_element: false,
        })
    }

    /// An operand as a term. None: it has no value that could be compared.
    fn term<'e>(
        &mut self,
        operand: &'e Operand,
        depth: usize,
        seen: &mut Mentions,
    ) -> Option<Term<'e>> {
        let mut subject = |path: &Path| {
            *seen = seen.and(looks(path));
            place(path, depth)
        };
        let computed = |text: String, kind: Type| Term {
            text,
            kind: Some(kind),
            literal: None,
            variable: false,
        };
        Some(match &operand.kind {
            OperandKind::Path(path) => Term {
                text: subject(path),
                kind: path.root.is_name().then_some(Type::Text),
                literal: None,
                variable: path.root == Root::Element && path.steps.is_empty(),
            },
            OperandKind::Count(path) => {
                self.helpers.need(Helper::Size);
                computed(format!("size({})", subject(path)), Type::Number)
            }
            OperandKind::CountIf { path, body } => {
                let list = subject(path);
                computed(self.tally(&list, body, depth, seen), Type::Number)
            }
            OperandKind::Lower(of) => {
                self.helpers.need(Helper::Lowered);
                let of = self.term(of, depth, seen)?;
                computed(format!("lowered({})", of.text), Type::Text)
            }
            OperandKind::TypeOf(path) => {
                self.helpers.need(Helper::TypeOf);
                computed(format!("type_of({})", subject(path)), Type::Text)
            }
            OperandKind::Literal(value) => Term {
                text: literal(value),
                kind: Some(Type::of(value)),
                literal: Some(value),
                variable: false,
            },
            // Policies with these are refused before anything is printed.
            OperandKind::Sum { .. } | OperandKind::Arithmetic { .. } => return None,
        })
    }

    /// Prints a function that counts the elements of a list for which a condition is true, and is undefined if the condition is for any.
    /// What is returned calls it.
    fn tally(&mut self, list: &str, body: &Expr, depth: usize, seen: &mut Mentions) -> String {
        let name = element(depth + 1);
        let element = Some((name.as_str(), name.as_str()));
        let trues = self.alternatives(body, true, depth + 1);
        let mut decided = self.alternatives(body, false, depth + 1);
        let by_role = mentions(&trues).role || mentions(&decided).role;
        seen.role |= by_role;
        let mut counted = "0".to_owned();
        if !trues.is_empty() {
            let part = self.part(element, &trues);
            counted = format!("count([{name} | some {name} in list; {part}])");
            let seen = Mentions {
                element: true,
                ..mentions(&trues)
            };
            decided.push(Alternative::line(part, seen));
        }
        let all = if decided.is_empty() {
            "count(list) == 0".to_owned()
        } else {
            let part = self.part(element, &decided);
            format!("every {name} in list {{\n\t{part}\n}}")
        };
        let function = self.new_part();
        let called = |list| {
            let arguments: Vec<&str> = by_role.then_some(ROLE).into_iter().chain([list]).collect();
            call(&function, &arguments)
        };
        rule(
            &mut self.parts,
            &format!("{} := {counted}", called("list")),
            &["is_array(list)".to_owned(), all],
        );
        called(list)
    }

    /// The lines that hold if a value is an element of the list at a path, or is not; none if that never is.
    fn among(
        &mut self,
        value: &Term<'_>,
        path: &Path,
        wanted: bool,
        depth: usize,
    ) -> Option<Vec<String>> {
        if path.root.is_name() {
            return None;
        }
        let place = place(path, depth);
        let value = &value.text;
        self.helpers.need(Helper::Types);
        let of_element = path.root == Root::Element;
        let (elements, types) = if of_element {
            (place.clone(), format!("types({place})"))
        } else {
            self.helpers.need(Helper::Element);
            let number = self.list(place.clone());
            (format!("elements_{number}"), format!("types_{number}"))
        };
        let mut lines = Vec::new();
        let test = match (wanted, of_element) {
            (true, true) => {
                self.helpers.need(Helper::Inside);
                lines.push(format!("is_array({place})"));
                "inside"
            }
            (false, true) => {
                self.helpers.need(Helper::Outside);
                "outside"
            }
            (true, false) => "is_element",
            (false, false) => "is_no_element",
        };
        if !wanted {
            self.helpers.need(Helper::Comparable);
            lines.push(format!("comparable({value}, {types})"));
        }
        lines.push(format!("{test}({value}, {elements})"));
        Some(lines)
    }

    /// Prints the elements of a list as a set, and their types: OPA works them out once, however many values are looked for.
    fn list(&mut self, place: String) -> u32 {
        let next = self.lists.len() as u32;
        let number = *self.lists.entry(place.clone()).or_insert(next);
        if number == next {
            let elements = format!("elements_{number} := {{value | some value in {place}}}");
            rule(&mut self.parts, &elements, &[format!("is_array({place})")]);
            let types = format!("types_{number} := types({place})");
            rule(&mut self.parts, &types, &[]);
        }
        number
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
            Test::Present => vec![absent(subject)],
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

/// The lines that hold if a text begins with, ends with or contains another one, or does not; none if that never is.
fn text(
    call: TextCall,
    subject: &Term<'_>,
    sought: &Term<'_>,
    wanted: bool,
) -> Option<Vec<String>> {
    let may_be_text = |term: &Term<'_>| term.kind.is_none_or(|kind| kind == Type::Text);
    if !may_be_text(subject) || !may_be_text(sought) {
        return None;
    }
    let name = match call {
        TextCall::StartsWith => "startswith",
        TextCall::EndsWith => "endswith",
        TextCall::Contains => "contains",
    };
    let negation = if wanted { "" } else { " == false" };
    let mut lines = vec![format!("is_string({})", subject.text)];
    // A text from elsewhere that is empty says nothing.
    if sought.literal.is_none() {
        lines.push(format!("is_string({})", sought.text));
        lines.push(format!("{} != \"\"", sought.text));
    }
    lines.push(format!(
        "{name}({}, {}){negation}",
        subject.text, sought.text
    ));
    Some(lines)
}

/// The line that holds if nothing is at a place. The list holds what is there: nothing is negated.
pub(super) fn absent(place: &str) -> String {
    format!("count([value | value := {place}]) == 0")
}

/// The name of what `.` is within so many conditions that bind it.
fn element(depth: usize) -> String {
    match depth {
        0 | 1 => "element".to_owned(),
        2 => "inner".to_owned(),
        _ => format!("inner_{depth}"),
    }
}

/// Where a path leads, as Rego says it: undefined where the path leads nowhere.
fn place(path: &Path, depth: usize) -> String {
    let element = element(depth);
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
        Root::Element => &element,
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
