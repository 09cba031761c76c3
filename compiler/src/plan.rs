//! A resolved policy as a plan: the binary that the engine evaluates.
//!
//! The layout is [`hexgate_eval::plan::layout`]. What is equal is written once: texts, rules, constraints, tables, and the cells of
//! roles that may do the same. The result is a function of the policy alone.

mod condition;
mod index;
mod scope;
mod writer;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use hexgate_eval::plan::layout::{self, header, mode, size, trailer, with};

use crate::model::{
    Constraint, Entry, For, Forbid, Guard, Mode, Numbering, Policy, Role, Rule, Scope,
    TooManyForbids, ToolName, Tools,
};
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
    /// Too many forbids with a scope are about some of the tools of a rule.
    #[error(transparent)]
    TooManyForbids(#[from] TooManyForbids),
}

/// Writes a policy as a plan.
///
/// # Errors
///
/// If the plan would be larger than [`layout::MAX_LEN`], or cannot be written.
pub fn encode(policy: &Policy) -> Result<Vec<u8>, PlanError> {
    let mut encoder = Encoder {
        out: Writer::new(),
        rules: HashMap::new(),
        constraints: Interned::new(),
        places: HashMap::new(),
        by_tool: HashMap::new(),
        scopes: HashMap::new(),
        numbering: Numbering::new(policy),
        tools: tool_ids(policy),
    };
    encoder.policy(policy)
}

struct Encoder<'p> {
    out: Writer,
    /// By their records.
    rules: HashMap<Vec<u32>, u32>,
    constraints: Interned<&'p Constraint>,
    /// The entries, constraints, scopes and forbids that were met, by where they lie: many roles and rules share them.
    places: HashMap<*const (), u32>,
    /// The same for entries whose scopes depend on the tool.
    by_tool: HashMap<(*const (), Option<&'p str>), u32>,
    scopes: HashMap<&'p Scope, u32>,
    numbering: Numbering<'p>,
    /// The ids of tools.
    tools: BTreeMap<&'p str, u32>,
}

/// The cells of a role: the ids of tools, and their rules.
type Cells = Interned<Vec<(u32, u32)>>;

impl<'p> Encoder<'p> {
    fn policy(&mut self, policy: &'p Policy) -> Result<Vec<u8>, PlanError> {
        let compiler = self.out.text(COMPILER);
        // Cells refer to rules and roles to cells: what is referred to is written first.
        let mut cells = Cells::new();
        let mut roles = Vec::new();
        for (name, role) in &policy.roles {
            roles.push(self.role(name, role, &mut cells)?);
        }
        let ceiling = self.forbids(&policy.forbids);
        let tool_records: Vec<[u32; 3]> = self
            .tools
            .iter()
            .map(|(name, id)| {
                let (at, len) = self.out.text(name);
                [at, len, *id]
            })
            .collect();
        let tools_at = self.out.table(&tool_records);
        let roles_at = self.out.table(&roles);
        let scopes = self.numbered_scopes();
        let scopes_at = self.out.words(&scopes);
        self.out.check()?;
        let tool_index = index::build(self.tools.keys().copied(), tools_at, size::TOOL)
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

        if self.out.grown || policy.description.is_some() {
            self.trailer(policy, ceiling)?;
        }
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
        if out.grown {
            flags |= layout::flags::GROWN;
            version = layout::VERSION_GROWN;
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
            (header::SCOPES, scopes_at, scopes.len()),
            (header::COMPILER, compiler.0, compiler.1 as usize),
        ] {
            out.set(at, value);
            out.set(at + 4, count as u32);
        }
        self.out.finish()
    }

    /// What plans of versions 1 and 2 do not have, at the end of the plan.
    fn trailer(&mut self, policy: &Policy, ceiling: (u32, u32)) -> Result<(), PlanError> {
        self.out.grown = true;
        let approvals: Vec<u32> = (0..self.numbering.approvals.len())
            .filter_map(|id| self.numbering.approvals.get(id).copied())
            .map(|approval| self.out.approval(approval))
            .collect();
        let facts = policy.facts();
        let facts: Vec<[u32; 2]> = facts
            .iter()
            .map(|fact| self.out.text(fact).into())
            .collect();
        let (approvals_at, facts_at) = (self.out.words(&approvals), self.out.table(&facts));
        let (description, len) = self.out.optional_text(policy.description.as_deref());
        self.out.check()?;
        self.out.words(&[
            ceiling.0,
            ceiling.1,
            approvals_at,
            approvals.len() as u32,
            facts_at,
            facts.len() as u32,
            description,
            len,
        ]);
        const { assert!(trailer::SIZE == 8 * 4) };
        Ok(())
    }

    fn role(
        &mut self,
        name: &str,
        role: &'p Role,
        cells: &mut Cells,
    ) -> Result<[u32; 6], PlanError> {
        let guard = self.numbering.guard(role);
        let default = self.unlisted(role, guard)?;
        let mut row = Vec::with_capacity(role.tools.len());
        for (tool, entry) in &role.tools {
            let id = self.tools.get(tool.as_str()).copied().unwrap_or_default();
            row.push((id, self.entry(role, guard, For::Tool(tool), entry)?));
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
        let more = self.more(role, guard)?;
        self.out.check()?;
        let (name_at, name_len) = self.out.text(name);
        Ok([name_at, name_len, default, at, count, more])
    }

    /// The rule for unlisted tools.
    fn unlisted(&mut self, role: &'p Role, guard: Guard) -> Result<u32, PlanError> {
        let rule = &role.default_rule;
        let place = Arc::as_ptr(rule).cast();
        match self.places.get(&place) {
            Some(at) if guard == Guard::None => return Ok(*at),
            _ => {}
        }
        self.out.check()?;
        let at = self.rule(role, For::Unlisted, std::slice::from_ref(rule), rule)?;
        if guard == Guard::None {
            self.places.insert(place, at);
        }
        Ok(at)
    }

    /// What plans of versions 1 and 2 do not have of a role.
    fn more(&mut self, role: &'p Role, guard: Guard) -> Result<u32, PlanError> {
        if role.description.is_none() && role.patterns.is_empty() && role.forbids.is_empty() {
            return Ok(0);
        }
        self.out.grown = true;
        let mut entries = Vec::with_capacity(role.patterns.len() * 3);
        for (pattern, entry) in &role.patterns {
            let rule = self.entry(role, guard, For::Pattern(pattern), entry)?;
            let (at, len) = self.out.text(pattern.as_str());
            entries.extend([at, len, rule]);
        }
        let entries = self.out.shared(entries);
        let (forbids, forbid_count) = self.forbids(&role.forbids);
        let (description, len) = self.out.optional_text(role.description.as_deref());
        Ok(self.out.shared(vec![
            description,
            len,
            entries,
            role.patterns.len() as u32,
            forbids,
            forbid_count,
        ]))
    }

    /// What a role says of some tools. Entries that lie at one place are looked at once.
    fn entry(
        &mut self,
        role: &'p Role,
        guard: Guard,
        tool: For<'p>,
        entry: &'p Entry,
    ) -> Result<u32, PlanError> {
        let key = guard.key(tool, entry);
        let known = match key {
            Some((place, None)) => self.places.get(&place),
            Some(key) => self.by_tool.get(&key),
            None => None,
        };
        if let Some(at) = known {
            return Ok(*at);
        }
        self.out.check()?;
        let at = match entry {
            Entry::Rule(rule) => self.rule(role, tool, entry.rules(), rule)?,
            Entry::Rules(rules) => {
                self.out.grown = true;
                let mut record = vec![mode::SEVERAL, rules.len() as u32];
                for rule in rules.iter() {
                    record.push(self.rule(role, tool, rules, rule)?);
                }
                self.record(record)
            }
        };
        match key {
            Some((place, None)) => self.places.insert(place, at),
            Some(key) => self.by_tool.insert(key, at),
            None => None,
        };
        Ok(at)
    }

    fn rule(
        &mut self,
        role: &'p Role,
        tool: For<'p>,
        rules: &'p [Arc<Rule>],
        rule: &'p Rule,
    ) -> Result<u32, PlanError> {
        let choice = self.numbering.number(role, tool, rules, rule)?;
        let scope = rule.scope.as_ref().map_or(0, |scope| self.scope(scope));
        let mode = match rule.mode {
            Mode::Deny => mode::DENY,
            Mode::NeedsApproval => mode::NEEDS_APPROVAL,
            Mode::Allow => mode::ALLOW,
        };
        let mut record = vec![mode, scope];
        self.constraints(&rule.constraints, &mut record);
        self.words_for_people(&rule.message, &rule.description, &mut record);
        if let Some(approval) = &rule.approval {
            let id = self.numbering.approval(approval);
            self.out.add(&mut record, with::APPROVAL, &[id]);
        }
        let own = rule
            .scope
            .as_ref()
            .and_then(|scope| self.numbering.known(scope));
        if choice.scopes != [own] {
            let mut chosen = vec![choice.forbids.len() as u32];
            for forbid in choice.forbids {
                chosen.push(self.forbid(forbid));
            }
            chosen.extend(choice.scopes.iter().map(|id| id.map_or(0, |id| id + 1)));
            let choice = self.out.shared(chosen);
            self.out.add(&mut record, with::CHOICE, &[choice]);
        }
        Ok(self.record(record))
    }

    /// The forbids of one place: where the references to them stand, and how many there are.
    fn forbids(&mut self, forbids: &'p [Arc<Forbid>]) -> (u32, u32) {
        if forbids.is_empty() {
            return (0, 0);
        }
        self.out.grown = true;
        let mut table = Vec::with_capacity(forbids.len());
        for forbid in forbids {
            self.numbering.own(forbid.scope.as_ref());
            table.push(self.forbid(forbid));
        }
        (self.out.shared(table), forbids.len() as u32)
    }

    fn forbid(&mut self, forbid: &'p Arc<Forbid>) -> u32 {
        self.once(forbid, Self::new_forbid)
    }

    fn new_forbid(&mut self, forbid: &'p Forbid) -> u32 {
        let scope = forbid.scope.as_ref().map_or(0, |scope| self.scope(scope));
        let mut record = vec![mode::FORBID, scope];
        self.constraints(&forbid.constraints, &mut record);
        self.words_for_people(&forbid.message, &forbid.description, &mut record);
        let names: &[ToolName] = match &forbid.tools {
            Tools::Open => &[],
            Tools::Named(names) => names,
        };
        let (mut ids, mut patterns) = (BTreeSet::<u32>::new(), Vec::new());
        for name in names {
            match name {
                ToolName::Exact(name) => {
                    ids.extend(self.tools.get(name.as_str()));
                }
                ToolName::Pattern(pattern) => patterns.push(pattern.as_str()),
            }
        }
        record.extend([ids.len() as u32, patterns.len() as u32]);
        record.extend(ids);
        for pattern in patterns {
            let (at, len) = self.out.text(pattern);
            record.extend([at, len]);
        }
        self.record(record)
    }

    /// The number of constraints, and where they stand.
    fn constraints(&mut self, constraints: &'p [Arc<Constraint>], record: &mut Vec<u32>) {
        record.push(constraints.len() as u32);
        record.extend(
            constraints
                .iter()
                .map(|constraint| self.once(constraint, Self::new_constraint)),
        );
    }

    fn words_for_people(
        &mut self,
        message: &Option<String>,
        description: &Option<String>,
        record: &mut Vec<u32>,
    ) {
        for (bit, text) in [(with::MESSAGE, message), (with::DESCRIPTION, description)] {
            if let Some(text) = text {
                let (at, len) = self.out.text(text);
                self.out.add(record, bit, &[at, len]);
            }
        }
    }

    /// Writes a rule, an entry or a forbid, unless an equal one was written.
    fn record(&mut self, record: Vec<u32>) -> u32 {
        if let Some(at) = self.rules.get(&record) {
            return *at;
        }
        let at = self.out.words(&record);
        self.rules.insert(record, at);
        at
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
}

/// All tools that are named, each with its position in the order of the names' bytes.
pub(crate) fn tool_ids(policy: &Policy) -> BTreeMap<&str, u32> {
    let mut tools: BTreeMap<&str, u32> = BTreeMap::new();
    for role in policy.roles.values() {
        tools.extend(role.tools.keys().map(|name| (name.as_str(), 0)));
    }
    let forbids = policy.roles.values().flat_map(|role| &role.forbids);
    for forbid in forbids.chain(&policy.forbids) {
        if let Tools::Named(names) = &forbid.tools {
            tools.extend(names.iter().filter_map(|name| match name {
                ToolName::Exact(name) => Some((name.as_str(), 0)),
                ToolName::Pattern(_) => None,
            }));
        }
    }
    for (position, id) in tools.values_mut().enumerate() {
        *id = position as u32;
    }
    tools
}
