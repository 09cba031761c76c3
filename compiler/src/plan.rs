//! A resolved policy as a plan: the binary that the engine evaluates.
//!
//! The layout is [`hexgate_eval::plan::layout`]. What is equal is written once: texts, rules, constraints, tables, and the cells of
//! roles that may do the same. The result is a function of the policy alone.

mod condition;
mod index;
mod writer;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use hexgate_eval::plan::layout::{self, header, mode, size};

use crate::model::{Constraint, Entry, Mode, Policy, Role, Rule, Scope};
pub(crate) use writer::Interned;
use writer::Writer;

/// What the plan says compiled it.
pub const COMPILER: &str = concat!("hexgate-compiler ", env!("CARGO_PKG_VERSION"));

/// Why a policy cannot be a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// It is too large.
    #[error(
        "the compiled policy takes more than {} bytes; let roles share tools by inheritance, or split the policy",
        layout::MAX_LEN
    )]
    TooLarge,
    /// Its names share too many hash values.
    #[error(
        "more than {} names of roles or of tools share one hash value; rename some of them",
        layout::MAX_PROBES
    )]
    Collisions,
}

/// Writes a policy as a plan.
///
/// # Errors
///
/// If the plan would be larger than [`layout::MAX_LEN`].
pub fn encode(policy: &Policy) -> Result<Vec<u8>, PlanError> {
    let mut encoder = Encoder {
        out: Writer::new(),
        rules: HashMap::new(),
        constraints: Interned::new(),
        places: HashMap::new(),
        scopes: Vec::new(),
        known_scopes: HashMap::new(),
    };
    let plan = encoder.policy(policy)?;
    Ok(plan)
}

struct Encoder<'p> {
    out: Writer,
    /// By their records.
    rules: HashMap<Vec<u32>, u32>,
    constraints: Interned<&'p Constraint>,
    /// The constraints and scopes that were met, by where they lie: many rules share them.
    places: HashMap<*const (), u32>,
    /// Where the scopes stand, by their ids.
    scopes: Vec<u32>,
    known_scopes: HashMap<&'p Scope, u32>,
}

impl<'p> Encoder<'p> {
    fn policy(&mut self, policy: &'p Policy) -> Result<Vec<u8>, PlanError> {
        let tools = tool_ids(policy);
        let compiler = self.out.text(COMPILER);
        // Cells refer to rules and roles to cells: what is referred to is written first.
        let mut cells: Interned<Vec<(u32, u32)>> = Interned::new();
        let mut roles = Vec::new();
        for (name, role) in &policy.roles {
            roles.push(self.role(name, role, &tools, &mut cells)?);
        }
        let tool_records: Vec<[u32; 3]> = tools
            .iter()
            .map(|(name, id)| {
                let (at, len) = self.out.text(name);
                [at, len, *id]
            })
            .collect();
        let tools_at = self.out.table(&tool_records);
        let roles_at = self.out.table(&roles);
        let scopes_at = self
            .out
            .table(&self.scopes.iter().map(|at| [*at]).collect::<Vec<_>>());
        self.out.check()?;
        let tool_index = index::build(tools.keys().copied(), tools_at, size::TOOL)
            .ok_or(PlanError::Collisions)?;
        let role_index = index::build(
            policy.roles.keys().map(String::as_str),
            roles_at,
            size::ROLE,
        )
        .ok_or(PlanError::Collisions)?;
        let (tool_index_at, role_index_at) =
            (self.out.words(&tool_index), self.out.words(&role_index));
        let default = policy.roles.keys().position(|name| name == "default");
        let default = default.map_or(0, |position| roles_at + (position * size::ROLE) as u32);

        let out = &mut self.out;
        let mut flags = out.flags;
        let mut version = layout::VERSION;
        if out.sorts_members {
            flags |= layout::flags::SORT_MEMBERS;
        }
        if policy.portable {
            flags |= layout::flags::PORTABLE;
            version = layout::VERSION_PORTABLE;
        }
        out.set(header::VERSION, version);
        out.set(header::ARGUMENTS_BYTES, policy.limits.arguments_bytes);
        out.set(header::FACTS_BYTES, policy.limits.facts_bytes);
        out.set(header::DEFAULT_ROLE, default);
        out.set(header::MEMO_SLOTS, out.memo_slots);
        out.set(header::FLAGS, flags);
        out.set_bytes(header::SOURCE_DIGEST, &policy.source_digest);
        for (at, value, count) in [
            (header::ROLE_INDEX, role_index_at, role_index.len() - 1),
            (header::TOOL_INDEX, tool_index_at, tool_index.len() - 1),
            (header::ROLES, roles_at, roles.len()),
            (header::TOOLS, tools_at, tool_records.len()),
            (header::SCOPES, scopes_at, self.scopes.len()),
            (header::COMPILER, compiler.0, compiler.1 as usize),
        ] {
            out.set(at, value);
            out.set(at + 4, count as u32);
        }
        self.out.finish()
    }

    fn role(
        &mut self,
        name: &str,
        role: &'p Role,
        tools: &BTreeMap<&str, u32>,
        cells: &mut Interned<Vec<(u32, u32)>>,
    ) -> Result<[u32; 6], PlanError> {
        let default = self.rule(&role.default_rule)?;
        let mut row = Vec::with_capacity(role.tools.len());
        for (tool, rule) in &role.tools {
            let id = tools.get(tool.as_str()).copied().unwrap_or_default();
            let Entry::Rule(rule) = rule else { todo!() };
            row.push((id, self.rule(rule)?));
        }
        let count = row.len() as u32;
        let at = match cells.find(&row) {
            Some(at) => at,
            None => {
                let at = self.out.table(
                    &row.iter()
                        .map(|(tool, rule)| [*tool, *rule])
                        .collect::<Vec<_>>(),
                );
                cells.remember(row, at)
            }
        };
        self.out.check()?;
        let (name_at, name_len) = self.out.text(name);
        Ok([name_at, name_len, default, at, count, 0])
    }

    fn rule(&mut self, rule: &'p Arc<Rule>) -> Result<u32, PlanError> {
        let place = Arc::as_ptr(rule).cast();
        if let Some(at) = self.places.get(&place) {
            return Ok(*at);
        }
        self.out.check()?;
        let scope = rule.scope.as_ref().map_or(0, |scope| self.scope(scope));
        let constraints: Vec<u32> = rule
            .constraints
            .iter()
            .map(|constraint| self.constraint(constraint))
            .collect();
        let mode = match rule.mode {
            Mode::Deny => mode::DENY,
            Mode::NeedsApproval => mode::NEEDS_APPROVAL,
            Mode::Allow => mode::ALLOW,
        };
        let mut record = vec![mode, scope, constraints.len() as u32];
        record.extend(constraints);
        let at = match self.rules.get(&record) {
            Some(at) => *at,
            None => {
                let at = self.out.words(&record);
                self.rules.insert(record, at);
                at
            }
        };
        self.places.insert(place, at);
        Ok(at)
    }

    fn constraint(&mut self, constraint: &'p Arc<Constraint>) -> u32 {
        self.once(constraint, Self::new_constraint)
    }

    /// What stands at a place in memory is looked at once.
    fn once<T>(&mut self, shared: &'p Arc<T>, write: fn(&mut Self, &'p T) -> u32) -> u32 {
        let place = Arc::as_ptr(shared).cast();
        if let Some(at) = self.places.get(&place) {
            return *at;
        }
        let at = write(self, shared);
        self.places.insert(place, at);
        at
    }

    fn new_constraint(&mut self, constraint: &'p Constraint) -> u32 {
        if let Some(at) = self.constraints.find(&constraint) {
            return at;
        }
        let (source, len) = self.out.text(&constraint.source);
        let (node, slots) = condition::encode(&mut self.out, &constraint.expr);
        let at = self.out.words(&[source, len, node, slots]);
        self.constraints.remember(constraint, at)
    }

    fn scope(&mut self, scope: &'p Arc<Scope>) -> u32 {
        self.once(scope, Self::new_scope)
    }

    fn new_scope(&mut self, scope: &'p Scope) -> u32 {
        if let Some(at) = self.known_scopes.get(scope) {
            return *at;
        }
        let (argument, len) = self.out.text(&scope.arguments.concat());
        let mut record = vec![
            self.scopes.len() as u32,
            argument,
            len,
            scope.allowed.len() as u32,
            scope.denied.len() as u32,
        ];
        for pattern in scope.allowed.iter().chain(&scope.denied) {
            let (source, len) = self.out.text(&pattern.source);
            let dfa = self.out.dfa(&pattern.dfa);
            record.extend([source, len, dfa, u32::from(pattern.absolute)]);
        }
        let at = self.out.words(&record);
        self.scopes.push(at);
        self.known_scopes.insert(scope, at);
        at
    }
}

/// All listed tools, each with its position in the order of the names' bytes.
pub(crate) fn tool_ids(policy: &Policy) -> BTreeMap<&str, u32> {
    let mut tools: BTreeMap<&str, u32> = BTreeMap::new();
    for role in policy.roles.values() {
        tools.extend(role.tools.keys().map(|name| (name.as_str(), 0)));
    }
    for (position, id) in tools.values_mut().enumerate() {
        *id = position as u32;
    }
    tools
}
