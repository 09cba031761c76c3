//! Constraints as nodes.
//!
//! What stands in a quantifier but does not depend on its element is marked to be evaluated once: otherwise the work would grow
//! with the square of the arguments.

use std::collections::BTreeSet;

use hexgate_eval::plan::layout::{
    ELEMENT_STEP, SUM_SLOTS, arithmetic, compare, flags, list, literal, op, operand, over, root,
    text_call,
};

use super::writer::Writer;
use crate::expr::{
    ArithmeticOp, CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Path,
    Quantifier, Root, Step, Test, TextCall,
};

/// Writes the condition of a constraint: its node, and how many memo slots it needs.
pub(super) fn encode(out: &mut Writer, expr: &Expr) -> (u32, u32) {
    let mut encoder = Encoder {
        out,
        slots: 0,
        in_quantifier: false,
        over_request: false,
        lists: Vec::new(),
        texts: Vec::new(),
    };
    let node = encoder.expr(expr);
    let slots = encoder.slots;
    out.memo_slots = out.memo_slots.max(slots);
    (node, slots)
}

struct Encoder<'w> {
    out: &'w mut Writer,
    slots: u32,
    /// Whether conditions are evaluated for each element of something.
    in_quantifier: bool,
    /// Whether that is something of the request, which is as long as a caller likes.
    over_request: bool,
    /// The lists that are put in order, and the slots that remember it.
    lists: Vec<(PathKey, u32)>,
    /// The texts of which there is an index, in lower case or not, and the slots that remember it.
    texts: Vec<((PathKey, bool), u32)>,
}

/// What makes two paths the same.
type PathKey = (Root, Vec<Step>);

impl Encoder<'_> {
    fn expr(&mut self, expr: &Expr) -> u32 {
        if self.in_quantifier && !depends_on_element(expr) {
            let slot = self.slot();
            self.in_quantifier = false;
            let child = self.node(expr);
            self.in_quantifier = true;
            return self.out.words(&[op::MEMO, span(expr), slot, child]);
        }
        self.node(expr)
    }

    fn node(&mut self, expr: &Expr) -> u32 {
        let span = span(expr);
        let record = match &expr.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                let opcode = if matches!(expr.kind, ExprKind::And(_)) {
                    op::AND
                } else {
                    op::OR
                };
                let parts: Vec<u32> = parts.iter().map(|part| self.expr(part)).collect();
                [vec![opcode | (parts.len() as u32) << 16, span], parts].concat()
            }
            ExprKind::Not(part) => vec![op::NOT, span, self.expr(part)],
            ExprKind::Compare {
                op: comparison,
                left,
                right,
            } => {
                if let (OperandKind::Path(_), OperandKind::Path(_)) = (&left.kind, &right.kind)
                    && matches!(comparison, CompareOp::Equal | CompareOp::NotEqual)
                {
                    self.out.sorts_members = true;
                }
                let (left_kind, left) = self.operand(left);
                let (right_kind, right) = self.operand(right);
                let first = op::COMPARE
                    | comparison_code(*comparison) << 8
                    | left_kind << 16
                    | right_kind << 20;
                vec![first, span, left, right]
            }
            ExprKind::In {
                value,
                list,
                negated,
            } => {
                if let (OperandKind::Path(_), Members::Path(_)) = (&value.kind, list) {
                    self.out.sorts_members = true;
                }
                let (kind, value) = self.operand(value);
                let first = u32::from(*negated) << 8 | kind << 16;
                match list {
                    Members::Listed(list) => vec![op::IN | first, span, value, self.list(list)],
                    Members::Path(path) => {
                        self.out.grown = true;
                        let slot = self.ordered(path);
                        vec![op::IN_PATH | first, span, value, self.path(path), slot]
                    }
                }
            }
            ExprKind::Test(path, test) => {
                let path = self.path(path);
                self.test(span, path, test)
            }
            ExprKind::Quantifier {
                quantifier: Quantifier::Optional,
                over: Over::Path(path),
                body,
            } => {
                self.out.grown = true;
                let path = self.path(path);
                // It is asked once where it stands: what holds for the conditions around it holds for its own.
                vec![op::OPTIONAL, span, path, self.expr(body)]
            }
            ExprKind::Quantifier {
                quantifier,
                over,
                body,
            } => match quantifier_code(*quantifier, over) {
                Some((opcode, what)) => {
                    self.out.grown |= what != over::ELEMENTS;
                    let (of, over_request) = match over {
                        Over::Path(path) => (self.path(path), true),
                        Over::Listed(list) => (self.literal(&Literal::List(list.clone())), false),
                    };
                    let body = self.body(body, over_request);
                    vec![opcode | what << 8, span, of, body]
                }
                None => self.undefined(span),
            },
            ExprKind::Text {
                call,
                subject,
                sought,
            } => match (&subject.kind, &sought.kind) {
                (OperandKind::Path(path), OperandKind::Literal(Literal::String(text))) => {
                    let path = self.path(path);
                    self.text(span, path, *call, text)
                }
                _ => self.text_in(span, *call, subject, sought),
            },
            ExprKind::Named {
                name,
                body,
                definition,
                argument: _,
            } => {
                self.out.grown = true;
                let (name, definition) = (self.out.text(name), self.out.text(definition));
                let body = self.expr(body);
                vec![
                    op::NAMED,
                    span,
                    body,
                    name.0,
                    name.1,
                    definition.0,
                    definition.1,
                ]
            }
        };
        self.out.words(&record)
    }

    /// The condition of a quantifier.
    fn body(&mut self, body: &Expr, over_request: bool) -> u32 {
        let around = (self.in_quantifier, self.over_request);
        (self.in_quantifier, self.over_request) = (true, over_request);
        let body = self.expr(body);
        (self.in_quantifier, self.over_request) = around;
        body
    }

    /// A condition that is never true nor false.
    fn undefined(&mut self, span: u32) -> Vec<u32> {
        let null = self.literal(&Literal::Null);
        let kinds = operand::LITERAL << 16 | operand::LITERAL << 20;
        vec![op::COMPARE | compare::LESS << 8 | kinds, span, null, null]
    }

    /// The slot of a list that is looked into, and 1; 0 if it is not put in order.
    fn ordered(&mut self, path: &Path) -> u32 {
        if !self.is_fixed(path) {
            return 0;
        }
        self.out.flags |= flags::ORDERS_LISTS;
        let key = (path.root, path.steps.clone());
        if let Some((_, slot)) = self.lists.iter().find(|(known, _)| *known == key) {
            return slot + 1;
        }
        let slot = self.slot();
        self.lists.push((key, slot));
        slot + 1
    }

    /// Whether a path leads to the same value for each element of what is around it, which is a value of the request.
    fn is_fixed(&self, path: &Path) -> bool {
        self.in_quantifier && path.root != Root::Element && !path.root.is_name()
    }

    fn text_in(
        &mut self,
        span: u32,
        call: TextCall,
        subject: &Operand,
        sought: &Operand,
    ) -> Vec<u32> {
        self.out.grown = true;
        let code = match call {
            TextCall::StartsWith => text_call::STARTS_WITH,
            TextCall::EndsWith => text_call::ENDS_WITH,
            TextCall::Contains => {
                self.out.flags |= flags::SEEKS_TEXTS;
                text_call::CONTAINS
            }
        };
        let slot = match call {
            TextCall::StartsWith => 0,
            TextCall::EndsWith | TextCall::Contains => self.indexed(subject),
        };
        let (kind, subject) = self.operand(subject);
        let (sought_kind, sought) = self.operand(sought);
        let first = op::TEXT_IN | code << 8 | kind << 16 | sought_kind << 20;
        vec![first, span, subject, sought, slot]
    }

    /// The slot of a text in which another is sought for each element, and 1; 0 if there is no index of it.
    fn indexed(&mut self, subject: &Operand) -> u32 {
        let (of, lower) = without_lower(subject);
        let path = match &of.kind {
            OperandKind::Path(path) if self.is_fixed(path) && self.over_request => path,
            _ => return 0,
        };
        self.out.flags |= flags::INDEXES_TEXTS;
        let key = ((path.root, path.steps.clone()), lower);
        if let Some((_, slot)) = self.texts.iter().find(|(known, _)| *known == key) {
            return slot + 1;
        }
        let slot = self.slot();
        self.texts.push((key, slot));
        slot + 1
    }

    fn text(&mut self, span: u32, path: u32, call: TextCall, text: &str) -> Vec<u32> {
        let (at, len) = self.out.text(text);
        let first = |code: u32| op::TEXT | code << 8;
        match call {
            TextCall::StartsWith => vec![first(text_call::STARTS_WITH), span, path, at, len],
            TextCall::EndsWith => vec![first(text_call::ENDS_WITH), span, path, at, len],
            TextCall::Contains => {
                let (failure, _) = self.out.blob(&failure_table(text.as_bytes()));
                vec![first(text_call::CONTAINS), span, path, at, len, failure]
            }
        }
    }

    fn test(&mut self, span: u32, path: u32, test: &Test) -> Vec<u32> {
        match test {
            Test::Matches { dfa, .. } => vec![op::MATCHES, span, path, self.out.dfa(dfa)],
            Test::Present => vec![op::PRESENT, span, path],
            Test::Only(names) => {
                let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
                let mut record = vec![op::ONLY | (names.len() as u32) << 16, span, path];
                for name in names {
                    let (at, len) = self.out.text(name);
                    record.extend([at, len]);
                }
                record
            }
        }
    }

    fn slot(&mut self) -> u32 {
        self.slots += 1;
        self.slots - 1
    }

    fn operand(&mut self, operand: &Operand) -> (u32, u32) {
        let (operand, lower) = without_lower(operand);
        self.out.grown |= lower;
        let (kind, at) = match &operand.kind {
            OperandKind::Path(path) => (operand::PATH, self.path(path)),
            OperandKind::Count(path) => {
                let slot = self.slots_for(path, 1);
                let path = self.path(path);
                (operand::COUNT, self.out.shared(vec![path, slot]))
            }
            OperandKind::Literal(Literal::String(text)) if lower => {
                let text = Literal::String(text.to_ascii_lowercase());
                return (operand::LITERAL, self.literal(&text));
            }
            OperandKind::Literal(value) => (operand::LITERAL, self.literal(value)),
            OperandKind::TypeOf(path) => {
                self.out.grown = true;
                (operand::TYPE, self.path(path))
            }
            OperandKind::CountIf { path, body } => {
                self.out.grown = true;
                let slot = self.slots_for(path, 1);
                let path = self.path(path);
                let body = self.body(body, true);
                // Not shared: a condition has one parent.
                (operand::COUNT_IF, self.out.words(&[path, slot, body]))
            }
            OperandKind::Sum { path, of } => {
                self.out.grown = true;
                let slot = self.slots_for(path, SUM_SLOTS as u32);
                let of = self.path(&Path {
                    root: Root::Element,
                    steps: of.clone(),
                    span: operand.span.clone(),
                });
                let path = self.path(path);
                (operand::SUM, self.out.shared(vec![path, slot, of]))
            }
            OperandKind::Arithmetic { .. } => {
                self.out.grown = true;
                (operand::ARITHMETIC, self.arithmetic(operand))
            }
            // There is none behind `without_lower`.
            OperandKind::Lower(of) => return self.operand(of),
        };
        (kind | if lower { operand::LOWER } else { 0 }, at)
    }

    /// Slots for what is computed once for all elements: the first, and 1; 0 if it can be another for each.
    fn slots_for(&mut self, path: &Path, count: u32) -> u32 {
        if !self.in_quantifier || path.root == Root::Element {
            return 0;
        }
        self.slots += count;
        self.slots - count + 1
    }

    /// Terms from left to right. There are no parentheses, so that products stand in sums and never sums in products.
    fn arithmetic(&mut self, operand: &Operand) -> u32 {
        let mut record = vec![0];
        let mut ahead = vec![(ArithmeticOp::Add, operand)];
        while let Some((before, operand)) = ahead.pop() {
            if let OperandKind::Arithmetic { op, left, right } = &operand.kind {
                ahead.extend([(*op, &**right), (before, &**left)]);
                continue;
            }
            let operator = match before {
                ArithmeticOp::Add => arithmetic::ADD,
                ArithmeticOp::Subtract => arithmetic::SUBTRACT,
                ArithmeticOp::Multiply => arithmetic::MULTIPLY,
            };
            let (kind, at) = self.operand(operand);
            record.extend([operator | kind << 8, at]);
        }
        if let Some((count, terms)) = record.split_first_mut() {
            *count = terms.len() as u32 / 2;
        }
        self.out.words(&record)
    }

    fn path(&mut self, path: &Path) -> u32 {
        let root = match path.root {
            Root::Args => root::ARGS,
            Root::Ctx => root::CTX,
            Root::Run => root::RUN,
            Root::User => root::USER,
            Root::Role => root::ROLE,
            Root::Tool => root::TOOL,
            Root::Element => root::ELEMENT,
            Root::Said => root::SAID,
            Root::Usage => root::USAGE,
            Root::UserUsage => root::USER_USAGE,
        };
        self.out.grown |= root >= root::SAID;
        // The role and the tool are at hand anyway.
        let remember = self.is_fixed(path);
        let indexed = path.steps.iter().any(|step| step.member().is_none());
        self.out.grown |= indexed;
        let mut record = vec![
            root | u32::from(remember) << 8 | u32::from(indexed) << 9,
            if remember { self.slot() } else { 0 },
            path.steps.len() as u32,
        ];
        for step in &path.steps {
            record.extend(match step {
                Step::Member(name) => <[u32; 2]>::from(self.out.text(name)),
                Step::Element(index) => [*index, ELEMENT_STEP],
            });
        }
        self.out.shared(record)
    }

    fn literal(&mut self, value: &Literal) -> u32 {
        let record = match value {
            Literal::Null => vec![literal::NULL],
            Literal::Bool(false) => vec![literal::FALSE],
            Literal::Bool(true) => vec![literal::TRUE],
            Literal::Number(number) => {
                let (at, len) = self.out.text(number);
                match small_integer(number) {
                    Some(integer) => {
                        let bits = integer as u64;
                        vec![literal::INTEGER, bits as u32, (bits >> 32) as u32, at, len]
                    }
                    None => vec![literal::NUMBER, at, len],
                }
            }
            Literal::String(text) => {
                let (at, len) = self.out.text(text);
                vec![literal::STRING, at, len]
            }
            Literal::List(elements) => {
                let elements: Vec<u32> = elements
                    .iter()
                    .map(|element| self.literal(element))
                    .collect();
                [vec![literal::LIST, elements.len() as u32], elements].concat()
            }
        };
        self.out.shared(record)
    }

    /// The right side of `in`: constants as flags, numbers and strings in order, each once.
    fn list(&mut self, elements: &[Literal]) -> u32 {
        let mut flags = 0;
        let (mut numbers, mut strings, mut lists) = (Vec::new(), BTreeSet::new(), Vec::new());
        for element in elements {
            match element {
                Literal::Null => flags |= list::NULL,
                Literal::Bool(true) => flags |= list::TRUE,
                Literal::Bool(false) => flags |= list::FALSE,
                Literal::Number(number) => numbers.push(number.as_str()),
                Literal::String(text) => {
                    strings.insert(text.as_str());
                }
                Literal::List(_) => lists.push(element),
            }
        }
        numbers.sort_by(|one, other| {
            hexgate_eval::compare_numbers(one, other).then_with(|| one.cmp(other))
        });
        numbers.dedup_by(|one, other| hexgate_eval::compare_numbers(one, other).is_eq());
        let mut record = vec![
            flags,
            numbers.len() as u32,
            strings.len() as u32,
            lists.len() as u32,
        ];
        let numbers = numbers
            .into_iter()
            .map(|number| Literal::Number(number.to_owned()));
        let strings = strings
            .into_iter()
            .map(|text| Literal::String(text.to_owned()));
        for literal in numbers.chain(strings).chain(lists.into_iter().cloned()) {
            record.push(self.literal(&literal));
        }
        self.out.words(&record)
    }
}

/// What is put into lower case, and whether that is asked for.
fn without_lower(operand: &Operand) -> (&Operand, bool) {
    let (mut operand, mut lower) = (operand, false);
    while let OperandKind::Lower(of) = &operand.kind {
        (operand, lower) = (of, true);
    }
    (operand, lower)
}

/// The opcode of a quantifier, and what it goes over. None: it does not go over that.
fn quantifier_code(quantifier: Quantifier, over: &Over) -> Option<(u32, u32)> {
    Some(match (quantifier, over) {
        (Quantifier::Every, Over::Path(_)) => (op::EVERY, over::ELEMENTS),
        (Quantifier::Any, Over::Path(_)) => (op::ANY, over::ELEMENTS),
        (Quantifier::Every, Over::Listed(_)) => (op::EVERY, over::LITERALS),
        (Quantifier::Any, Over::Listed(_)) => (op::ANY, over::LITERALS),
        (Quantifier::EveryMember, Over::Path(_)) => (op::EVERY, over::MEMBERS),
        (Quantifier::AnyMember, Over::Path(_)) => (op::ANY, over::MEMBERS),
        (Quantifier::Anywhere, Over::Path(_)) => (op::ANY, over::TEXTS),
        (
            Quantifier::EveryMember | Quantifier::AnyMember | Quantifier::Anywhere,
            Over::Listed(_),
        )
        | (Quantifier::Optional, _) => return None,
    })
}

/// Whether the value of a condition can differ from element to element of the quantifier that is directly around it.
fn depends_on_element(expr: &Expr) -> bool {
    expr.walk_outside_quantifiers()
        .flat_map(Expr::own_paths)
        .any(|path| path.root == Root::Element)
}

fn span(expr: &Expr) -> u32 {
    // INVARIANT: the parser accepts constraints of at most 4,096 bytes.
    expr.span.start.min(0xffff) as u32 | (expr.span.end.min(0xffff) as u32) << 16
}

fn comparison_code(comparison: CompareOp) -> u32 {
    match comparison {
        CompareOp::Equal => compare::EQUAL,
        CompareOp::NotEqual => compare::NOT_EQUAL,
        CompareOp::Less => compare::LESS,
        CompareOp::LessOrEqual => compare::LESS_OR_EQUAL,
        CompareOp::Greater => compare::GREATER,
        CompareOp::GreaterOrEqual => compare::GREATER_OR_EQUAL,
    }
}

/// The value of a number that is written as at most 18 digits.
fn small_integer(number: &str) -> Option<i64> {
    let digits = number.strip_prefix('-').unwrap_or(number);
    if digits.len() > 18 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse().ok()
}

/// For each byte of a needle how long the longest proper prefix of it is that ends there (Knuth, Morris, Pratt).
fn failure_table(needle: &[u8]) -> Vec<u8> {
    let mut table: Vec<u16> = Vec::with_capacity(needle.len());
    let mut matched = 0usize;
    for (index, byte) in needle.iter().enumerate() {
        if index > 0 {
            while matched > 0 && needle.get(matched) != Some(byte) {
                matched = table
                    .get(matched - 1)
                    .map_or(0, |shorter| usize::from(*shorter));
            }
            matched += usize::from(needle.get(matched) == Some(byte));
        }
        table.push(matched as u16);
    }
    table.into_iter().flat_map(u16::to_le_bytes).collect()
}
