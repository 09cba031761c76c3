//! Constraints as nodes.
//!
//! What stands in a quantifier but does not depend on its element is marked to be evaluated once: otherwise the work would grow
//! with the square of the arguments.

use std::collections::BTreeSet;

use hexgate_eval::plan::layout::{compare, list, literal, op, operand, root, text_call};

use super::writer::Writer;
use crate::expr::{
    CompareOp, Expr, ExprKind, Literal, Members, Operand, OperandKind, Over, Path, Quantifier,
    Root, Step, Test, TextCall,
};

/// Writes the condition of a constraint: its node, and how many memo slots it needs.
pub(super) fn encode(out: &mut Writer, expr: &Expr) -> (u32, u32) {
    let mut encoder = Encoder {
        out,
        slots: 0,
        in_quantifier: false,
    };
    let node = encoder.expr(expr);
    let slots = encoder.slots;
    out.memo_slots = out.memo_slots.max(slots);
    (node, slots)
}

struct Encoder<'w> {
    out: &'w mut Writer,
    slots: u32,
    /// Whether an element is in sight.
    in_quantifier: bool,
}

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
                let (kind, value) = self.operand(value);
                let Members::Listed(list) = list else { todo!() };
                let list = self.list(list);
                vec![
                    op::IN | u32::from(*negated) << 8 | kind << 16,
                    span,
                    value,
                    list,
                ]
            }
            ExprKind::Test(path, test) => {
                let path = self.path(path);
                self.test(span, path, test)
            }
            ExprKind::Quantifier {
                quantifier,
                over: Over::Path(path),
                body,
            } => {
                let opcode = match quantifier {
                    Quantifier::Every => op::EVERY,
                    Quantifier::Any => op::ANY,
                    _ => todo!(),
                };
                let path = self.path(path);
                let around = std::mem::replace(&mut self.in_quantifier, true);
                let body = self.expr(body);
                self.in_quantifier = around;
                vec![opcode, span, path, body]
            }
            ExprKind::Text {
                call,
                subject,
                sought,
            } => match (&subject.kind, &sought.kind) {
                (OperandKind::Path(path), OperandKind::Literal(Literal::String(text))) => {
                    let path = self.path(path);
                    self.text(span, path, *call, text)
                }
                _ => todo!(),
            },
            ExprKind::Named { .. } | ExprKind::Quantifier { .. } => todo!(),
        };
        self.out.words(&record)
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
        match &operand.kind {
            OperandKind::Path(path) => (operand::PATH, self.path(path)),
            OperandKind::Count(path) => {
                let slot = if self.in_quantifier && path.root != Root::Element {
                    self.slot() + 1
                } else {
                    0
                };
                let path = self.path(path);
                (operand::COUNT, self.out.shared(vec![path, slot]))
            }
            OperandKind::Literal(value) => (operand::LITERAL, self.literal(value)),
            _ => todo!(),
        }
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
            Root::Said | Root::Usage | Root::UserUsage => todo!(),
        };
        // The role and the tool are at hand anyway.
        let remember = self.in_quantifier && path.root != Root::Element && !path.root.is_name();
        let mut record = vec![
            root | u32::from(remember) << 8,
            if remember { self.slot() } else { 0 },
            path.steps.len() as u32,
        ];
        for step in &path.steps {
            let Step::Member(step) = step else { todo!() };
            let (at, len) = self.out.text(step);
            record.extend([at, len]);
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
