//! Checks all of a plan once.
//!
//! After this, evaluation cannot meet a damaged record, and its work is bounded by the sizes of the plan and of the request: every
//! condition has exactly one parent, so that no chain of shared conditions can make a small plan do endless work.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
};
use core::cmp::Ordering;

use hexgate_contract::{Coverage, MAX_NAME};

use crate::{
    dfa::Dfa,
    json::{MAX_DEPTH as MAX_NESTING, is_number},
    number::Number,
    plan::{
        Damaged, Plan, Ref, Step,
        layout::{
            self, MAX_DEPTH, SUM_SLOTS, VERSION_GROWN, VERSION_PORTABLE, arithmetic, compare,
            flags, header, list, literal, mode, op, operand, over, root, size, text_call, with,
        },
    },
    scope::has_control,
    value::Value,
};

/// Why a plan is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPlan(String);

impl core::fmt::Display for InvalidPlan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "invalid plan: {}", self.0)
    }
}

impl core::error::Error for InvalidPlan {}

impl From<Damaged> for InvalidPlan {
    fn from(damaged: Damaged) -> Self {
        Self(damaged.what().to_string())
    }
}

mod records;

type Checked = Result<(), InvalidPlan>;

fn check(holds: bool, what: &str) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(InvalidPlan(what.to_string()))
    }
}

impl Plan<'_> {
    /// Checks every record that can be reached.
    ///
    /// # Errors
    /// If any record is not what the layout says.
    pub fn validate(&self) -> Checked {
        Validator {
            plan: *self,
            rules: BTreeSet::new(),
            scopes: BTreeSet::new(),
            constraints: BTreeSet::new(),
            nodes: BTreeSet::new(),
            literals: BTreeMap::new(),
        }
        .plan()
    }
}

struct Validator<'a> {
    plan: Plan<'a>,
    /// The parts that are checked already and may be shared.
    rules: BTreeSet<Ref>,
    scopes: BTreeSet<Ref>,
    constraints: BTreeSet<Ref>,
    /// Lists may share elements; each is looked into once, or a small plan could keep the validator busy for ever. How many levels
    /// of lists each has is kept, because it may be met again deeper down; and how many values it is where nothing is shared.
    literals: BTreeMap<Ref, (usize, usize)>,
    /// The parts that are checked already and may not be shared.
    nodes: BTreeSet<Ref>,
}

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Place {
    depth: u32,
    /// How many quantifiers are around it.
    quantifiers: u32,
    /// Whether a path may begin at the element.
    element: bool,
    /// How many memo slots its constraint has.
    slots: usize,
}

impl Validator<'_> {
    fn plan(&mut self) -> Checked {
        let plan = self.plan;
        check(plan.u32(header::FLAGS)? & !flags::ALL == 0, "unknown flags")?;
        let portable = match plan.u32(header::VERSION)? {
            VERSION_GROWN => plan.is_portable()?,
            version => version == VERSION_PORTABLE,
        };
        check(plan.is_portable()? == portable, "a flag of another version")?;
        let room = flags::ORDERS_LISTS | flags::SEEKS_TEXTS | flags::INDEXES_TEXTS;
        check(
            plan.is_grown()? || plan.u32(header::FLAGS)? & room == 0,
            "a flag of another version",
        )?;
        check(plan.memo_slots()? <= plan.bytes().len(), "memo slots")?;
        let about = plan.about()?;
        for limit in [about.limits.arguments_bytes, about.limits.facts_bytes] {
            check(limit <= layout::MAX_LEN as u32, "a limit")?;
        }
        if about.coverage == Coverage::Opaque {
            plan.data()?;
            let empty = about.roles == 0 && about.scopes == 0 && !plan.is_grown()?;
            check(
                empty && plan.u32(header::DEFAULT_ROLE)? == 0,
                "roles or scopes of an opaque plan",
            )?;
        }
        let roles = (header::ROLES, size::ROLE, header::ROLE_INDEX);
        self.names(roles.0, roles.1, roles.2)?;
        self.names(header::TOOLS, size::TOOL, header::TOOL_INDEX)?;
        let table = plan.reference(header::TOOLS, 0)?;
        for id in 0..plan.reference(header::TOOL_COUNT, 0)? {
            check(
                plan.reference(table + id * size::TOOL, 2)? == id,
                "id of a tool",
            )?;
        }
        self.scopes()?;
        if plan.is_grown()? {
            self.trailer()?;
        }
        self.roles()
    }

    /// A table of records that begin with a name: in order, and each found by its name. The number stands behind the reference.
    fn names(&self, table: usize, record: usize, index: usize) -> Checked {
        let plan = self.plan;
        let first = plan.reference(table, 0)?;
        let count = plan.reference(table, 1)?;
        plan.slice(
            first,
            count.checked_mul(record).ok_or(Damaged::RecordCount)?,
        )?;
        let slots = plan
            .reference(index, 1)?
            .checked_add(1)
            .filter(|slots| slots.is_power_of_two());
        let slots = slots.ok_or(Damaged::IndexSize)?;
        plan.slice(
            plan.reference(index, 0)?,
            slots.checked_mul(4).ok_or(Damaged::IndexSize)?,
        )?;
        for slot in 0..slots {
            let at = plan.reference(plan.reference(index, 0)?, slot)?;
            let inside = at
                .checked_sub(first)
                .is_some_and(|offset| offset % record == 0 && offset / record < count);
            check(at == 0 || inside, "an index")?;
        }
        let mut before: Option<&[u8]> = None;
        for position in 0..count {
            let at = first + position * record;
            let name = plan.text(at, 0)?;
            plan.str(at, 0)?;
            check(name.len() <= MAX_NAME && !has_control(name), "a name")?;
            check(before.is_none_or(|before| before < name), "order of names")?;
            check(
                plan.checked(|plan| plan.look_up(index, name))? == Some(at),
                "a name that its index does not find",
            )?;
            before = Some(name);
        }
        Ok(())
    }

    fn roles(&mut self) -> Checked {
        let plan = self.plan;
        let first = plan.reference(header::ROLES, 0)?;
        let tools = plan.u32(header::TOOL_COUNT)?;
        let grown = plan.is_grown()?;
        for index in 0..plan.reference(header::ROLE_COUNT, 0)? {
            let role = first + index * size::ROLE;
            self.rule(plan.reference(role, 2)?)?;
            check(
                plan.reference(plan.reference(role, 2)?, 1)? == 0,
                "a scope for unlisted tools",
            )?;
            let (cells, count) = (plan.reference(role, 3)?, plan.reference(role, 4)?);
            plan.slice(
                cells,
                count.checked_mul(size::CELL).ok_or(Damaged::RecordCount)?,
            )?;
            let mut before = None;
            for cell in 0..count {
                let at = cells + cell * size::CELL;
                let tool = plan.word(at, 0)?;
                check(
                    tool < tools && before.is_none_or(|before| before < tool),
                    "order of cells",
                )?;
                before = Some(tool);
                self.entry(plan.reference(at, 1)?)?;
            }
            if grown {
                self.more(role)?;
            }
        }
        check(
            plan.checked(|plan| plan.default_role())? == plan.role_named(b"default")?,
            "the default role",
        )
    }

    fn rule(&mut self, rule: Ref) -> Checked {
        let plan = self.plan;
        // What was met already may have been an entry for several rules, or a forbid.
        let mode = plan.word(rule, 0)?;
        let mode = if plan.is_grown()? {
            mode & !with::ALL
        } else {
            mode
        };
        check(mode <= mode::ALLOW, "mode")?;
        if !self.rules.insert(rule) {
            return Ok(());
        }
        self.condition_of(rule)?;
        if plan.is_grown()? {
            self.behind_constraints(rule, mode)?;
        }
        self.scope_of(rule)
    }

    /// The constraints of a rule or forbid.
    fn condition_of(&mut self, rule: Ref) -> Checked {
        let plan = self.plan;
        let count = plan.reference(rule, 2)?;
        check(count <= plan.bytes().len(), "number of constraints")?;
        for index in 0..count {
            self.constraint(plan.reference(rule, 3 + index)?)?;
        }
        Ok(())
    }

    fn constraint(&mut self, constraint: Ref) -> Checked {
        let plan = self.plan;
        if !self.constraints.insert(constraint) {
            return Ok(());
        }
        plan.str(constraint, 0)?;
        let slots = plan.reference(constraint, 3)?;
        check(slots <= plan.memo_slots()?, "memo slots")?;
        let place = Place {
            depth: 0,
            quantifiers: 0,
            element: false,
            slots,
        };
        self.condition(plan.reference(constraint, 2)?, place)
    }

    fn condition(&mut self, node: Ref, place: Place) -> Checked {
        let plan = self.plan;
        // Reads round down to words, so that an odd reference would be a second name of the same condition.
        check(node.is_multiple_of(4), "a condition between words")?;
        check(self.nodes.insert(node), "a condition with two parents")?;
        check(place.depth <= MAX_DEPTH, "nesting of a condition")?;
        let first = plan.word(node, 0)?;
        plan.word(node, 1)?;
        let below = Place {
            depth: place.depth + 1,
            ..place
        };
        let count = first >> 16;
        let argument = first >> 8 & 0xff;
        if first & 0xff > op::MEMO {
            self.grown()?;
        }
        match first & 0xff {
            op::AND | op::OR => {
                check(count > 0, "an empty chain")?;
                for index in 0..count as usize {
                    self.condition(plan.reference(node, index + 2)?, below)?;
                }
            }
            op::NOT => self.condition(plan.reference(node, 2)?, below)?,
            op::COMPARE => {
                check(argument <= compare::GREATER_OR_EQUAL, "comparison")?;
                self.operand(count & 0xf, plan.reference(node, 2)?, place)?;
                self.operand(count >> 4 & 0xf, plan.reference(node, 3)?, place)?;
            }
            op::IN => {
                check(argument <= 1, "negation")?;
                self.operand(count & 0xf, plan.reference(node, 2)?, place)?;
                self.list(plan.reference(node, 3)?)?;
            }
            op::TEXT => {
                check(argument <= text_call::CONTAINS, "string call")?;
                self.path(plan.reference(node, 2)?, place)?;
                let sought = plan.text(node, 3)?;
                if argument == text_call::CONTAINS {
                    plan.slice(plan.reference(node, 5)?, sought.len() * 2)?;
                }
            }
            op::MATCHES => {
                self.path(plan.reference(node, 2)?, place)?;
                self.dfa(plan.reference(node, 3)?)?;
            }
            op::PRESENT => self.path(plan.reference(node, 2)?, place)?,
            op::ONLY => {
                self.path(plan.reference(node, 2)?, place)?;
                let mut before: Option<&[u8]> = None;
                for index in 0..count as usize {
                    let name = plan.text(node, 3 + 2 * index)?;
                    check(before.is_none_or(|before| before < name), "order of names")?;
                    before = Some(name);
                }
            }
            kind @ (op::EVERY | op::ANY) => {
                let of = plan.reference(node, 2)?;
                if argument != over::ELEMENTS {
                    self.grown()?;
                }
                match argument {
                    over::ELEMENTS | over::MEMBERS => self.path(of, place)?,
                    over::TEXTS => {
                        check(kind == op::ANY, "what a quantifier goes over")?;
                        self.path(of, place)?;
                    }
                    over::LITERALS => {
                        let (_, size) = self.literal(of, 0)?;
                        check(
                            plan.word(of, 0)? == literal::LIST && size <= layout::MAX_LEN,
                            "a literal list of a quantifier",
                        )?;
                    }
                    _ => return check(false, "what a quantifier goes over"),
                }
                self.body(plan.reference(node, 3)?, place)?;
            }
            op::OPTIONAL => {
                self.path(plan.reference(node, 2)?, place)?;
                let body = Place {
                    element: true,
                    ..below
                };
                self.condition(plan.reference(node, 3)?, body)?;
            }
            op::NAMED => {
                plan.str(node, 3)?;
                plan.str(node, 5)?;
                self.condition(plan.reference(node, 2)?, below)?;
            }
            op::TEXT_IN => {
                check(argument <= text_call::CONTAINS, "string call")?;
                self.operand(count & 0xf, plan.reference(node, 2)?, place)?;
                self.operand(count >> 4 & 0xf, plan.reference(node, 3)?, place)?;
                if argument == text_call::CONTAINS {
                    self.has_room(flags::SEEKS_TEXTS)?;
                }
                let path = (count & 0x7 == operand::PATH).then_some(plan.reference(node, 2)?);
                self.prepared(path, plan.reference(node, 4)?, flags::INDEXES_TEXTS, place)?;
            }
            op::IN_PATH => {
                check(argument <= 1, "negation")?;
                self.operand(count & 0xf, plan.reference(node, 2)?, place)?;
                let path = plan.reference(node, 3)?;
                self.path(path, place)?;
                self.prepared(
                    Some(path),
                    plan.reference(node, 4)?,
                    flags::ORDERS_LISTS,
                    place,
                )?;
            }
            op::MEMO => {
                check(plan.reference(node, 2)? < place.slots, "memo slots")?;
                self.condition(
                    plan.reference(node, 3)?,
                    Place {
                        element: false,
                        ..below
                    },
                )?;
            }
            _ => return check(false, "opcode"),
        }
        Ok(())
    }

    /// What versions 1 and 2 do not have.
    fn grown(&self) -> Checked {
        check(self.plan.is_grown()?, "a condition of another version")
    }

    /// The condition of a quantifier.
    fn body(&mut self, node: Ref, place: Place) -> Checked {
        check(place.quantifiers < 2, "nesting of quantifiers")?;
        let body = Place {
            depth: place.depth + 1,
            quantifiers: place.quantifiers + 1,
            element: true,
            ..place
        };
        self.condition(node, body)
    }

    /// What is prepared once, as the slot remembers (none: 0), is the same for each element.
    fn prepared(&self, path: Option<Ref>, slot: usize, flag: u32, place: Place) -> Checked {
        if slot == 0 {
            return Ok(());
        }
        check(slot <= place.slots, "memo slots")?;
        let is_fixed = match path {
            Some(path) => self.plan.word(path, 0)? & 0xff != root::ELEMENT,
            None => false,
        };
        check(is_fixed, "something that is prepared for each element")?;
        self.has_room(flag)
    }

    /// Whether the plan says that a condition needs room.
    fn has_room(&self, flag: u32) -> Checked {
        check(
            self.plan.u32(header::FLAGS)? & flag != 0,
            "a condition without the flag for its room",
        )
    }

    fn operand(&mut self, kind: u32, at: Ref, place: Place) -> Checked {
        let plan = self.plan;
        if kind > operand::LITERAL {
            self.grown()?;
        }
        match kind & !operand::LOWER {
            operand::PATH | operand::TYPE => self.path(at, place),
            operand::COUNT => {
                check(plan.reference(at, 1)? <= place.slots, "memo slots")?;
                self.path(plan.reference(at, 0)?, place)
            }
            operand::COUNT_IF => {
                check(self.nodes.insert(at), "a condition with two parents")?;
                check(plan.reference(at, 1)? <= place.slots, "memo slots")?;
                self.path(plan.reference(at, 0)?, place)?;
                self.body(plan.reference(at, 2)?, place)
            }
            operand::SUM => {
                let slot = plan.reference(at, 1)?;
                let behind = slot.saturating_add(SUM_SLOTS - 1);
                check(slot == 0 || behind <= place.slots, "memo slots")?;
                self.path(plan.reference(at, 0)?, place)?;
                let of = plan.reference(at, 2)?;
                check(plan.word(of, 0)? & 0xff == root::ELEMENT, "root of a path")?;
                let element = Place {
                    element: true,
                    ..place
                };
                self.path(of, element)
            }
            operand::ARITHMETIC => self.arithmetic(at, place),
            operand::LITERAL => self.literal(at, 0).map(|_| ()),
            _ => check(false, "kind of operand"),
        }
    }

    fn arithmetic(&mut self, at: Ref, place: Place) -> Checked {
        let plan = self.plan;
        check(at.is_multiple_of(4), "an operand between words")?;
        check(self.nodes.insert(at), "an operand with two parents")?;
        let count = plan.reference(at, 0)?;
        check((1..=plan.bytes().len()).contains(&count), "number of terms")?;
        for index in 0..count {
            let first = plan.word(at, 1 + 2 * index)?;
            let (operator, kind) = (first & 0xff, first >> 8);
            let is_known = if index == 0 {
                operator == arithmetic::ADD
            } else {
                operator <= arithmetic::MULTIPLY
            };
            check(is_known, "operator")?;
            check(
                kind <= 0xf && kind & !operand::LOWER != operand::ARITHMETIC,
                "kind of operand",
            )?;
            self.operand(kind, plan.reference(at, 2 + 2 * index)?, place)?;
        }
        Ok(())
    }

    fn path(&self, at: Ref, place: Place) -> Checked {
        let plan = self.plan;
        let first = plan.word(at, 0)?;
        let (is_memoised, is_indexed) = (first >> 8 & 1 != 0, first >> 9 & 1 != 0);
        let steps = plan.reference(at, 2)?;
        match first & 0xff {
            root::ARGS
            | root::CTX
            | root::RUN
            | root::USER
            | root::SAID
            | root::USAGE
            | root::USER_USAGE => {}
            root::ROLE | root::TOOL => check(steps == 0, "steps of a name")?,
            root::ELEMENT => check(
                place.element && !is_memoised,
                "element outside a quantifier",
            )?,
            _ => return check(false, "root of a path"),
        }
        check(
            first >> 10 == 0 && (!is_memoised || plan.reference(at, 1)? < place.slots),
            "memo slots",
        )?;
        check(steps <= plan.bytes().len(), "number of steps")?;
        let mut has_index = false;
        for step in 0..steps {
            has_index |= plan.checked(|plan| matches!(plan.step(at, step), Step::Element(_)))?;
        }
        if is_indexed || first & 0xff > root::ELEMENT {
            self.grown()?;
        }
        check(has_index == is_indexed, "steps of a path")
    }

    /// Checks a literal that stands in so many lists, and says how many levels of lists it has itself, and how many values it is.
    fn literal(&mut self, at: Ref, depth: usize) -> Result<(usize, usize), InvalidPlan> {
        let plan = self.plan;
        if let Some(known) = self.literals.get(&at) {
            return Ok(*known);
        }
        plan.slice(at, size::LITERAL)?;
        let (mut height, mut values) = (0, 1usize);
        match plan.word(at, 0)? {
            literal::NULL | literal::FALSE | literal::TRUE => {}
            literal::INTEGER => {
                let text = plan.text(at, 3)?;
                let same = plan.checked(|plan| {
                    let (value, read) = (Value::of_literal(plan, at), Number::from_json(text));
                    matches!((value, read), (Value::Number(Number::Integer(value)), Number::Integer(read)) if value == read)
                })?;
                check(is_number(text) && same, "an integer")?;
            }
            literal::NUMBER => check(is_number(plan.text(at, 1)?), "a number")?,
            literal::STRING => {
                plan.str(at, 1)?;
            }
            literal::LIST => {
                check(depth < MAX_NESTING, "nesting of a literal")?;
                for index in 0..plan.reference(at, 1)? {
                    let element = plan.reference(at, index + 2)?;
                    // Elements stand before their lists, so a list cannot contain itself.
                    check(element < at, "order of literals")?;
                    let (inner, more) = self.literal(element, depth + 1)?;
                    height = height.max(inner);
                    values = values.saturating_add(more);
                }
                height += 1;
                check(height <= MAX_NESTING, "nesting of a literal")?;
            }
            _ => check(false, "kind of literal")?,
        }
        self.literals.insert(at, (height, values));
        Ok((height, values))
    }

    fn list(&mut self, at: Ref) -> Checked {
        let plan = self.plan;
        check(
            plan.word(at, 0)? & !(list::NULL | list::TRUE | list::FALSE) == 0,
            "flags of a list",
        )?;
        let (numbers, strings, lists) = (plan.word(at, 1)?, plan.word(at, 2)?, plan.word(at, 3)?);
        let count = numbers
            .checked_add(strings)
            .and_then(|count| count.checked_add(lists));
        let mut before: Option<Ref> = None;
        for index in 0..count.ok_or(Damaged::RecordCount)? {
            let at = plan.reference(at, 4 + index as usize)?;
            self.literal(at, 0)?;
            let kind = plan.word(at, 0)?;
            let (expected, first_of_kind) = match index {
                index if index < numbers => (
                    matches!(kind, literal::NUMBER | literal::INTEGER),
                    index == 0,
                ),
                index if index < numbers + strings => (kind == literal::STRING, index == numbers),
                _ => (kind == literal::LIST, true),
            };
            check(expected, "kinds in a list")?;
            let ascends = before.is_none_or(|before| {
                let order = plan.checked(|plan| {
                    Value::of_literal(plan, before).compare(&Value::of_literal(plan, at))
                });
                order == Ok(Some(Ordering::Less))
            });
            check(first_of_kind || ascends, "order of a list")?;
            before = Some(at);
        }
        Ok(())
    }

    fn dfa(&self, at: Ref) -> Checked {
        check(
            self.plan.checked(|plan| Dfa::at(plan, at).is_sound())?,
            "table of a pattern",
        )
    }
}
