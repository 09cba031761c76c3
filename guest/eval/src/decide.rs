//! Roles, rules, outcome.

use crate::{
    condition::{Found, Scene},
    denial, json,
    json::{Document, Node},
    plan::{
        Damaged, Plan, Ref,
        layout::mode,
    },
    request::{Error, Field, Grant, Request, Verdict},
    scope,
    value::{Truth, Value},
};

/// The most roles of a caller.
pub const MAX_ROLES: usize = 32;
/// The longest name of a role or tool, in bytes.
pub const MAX_NAME: usize = 256;

/// The working memory of one decision. Nothing in it survives the decision; it need not be cleared.
#[derive(Debug)]
pub struct Scratch<'a> {
    /// At least [`Scratch::nodes_for`] the request.
    pub nodes: &'a mut [Node],
    /// At least [`Scratch::slots_for`] the request.
    pub slots: &'a mut [u32],
    /// At least [`Scratch::PATH`] bytes.
    pub path: &'a mut [u8],
}

impl Scratch<'_> {
    /// How many bytes [`Scratch::path`] has.
    pub const PATH: usize = scope::MAX_PATH;

    /// How many nodes a request needs whose arguments and facts have so many bytes (0: no facts).
    pub const fn nodes_for(arguments: usize, facts: usize) -> usize {
        json::nodes_for(arguments) + json::nodes_for(facts)
    }

    /// How many slots a request needs whose arguments and facts have so many bytes (0: no facts).
    pub fn slots_for(plan: &Plan<'_>, arguments: usize, facts: usize) -> Result<usize, Damaged> {
        let memo = plan.memo_slots()?;
        if memo > plan.bytes().len() {
            return Err(Damaged("memo slots"));
        }
        Ok(json::slots_for(arguments).max(json::slots_for(facts)).max(memo))
    }
}

/// Decides one tool call.
///
/// The answer is a function of the plan and the request alone. The work is at most n log n in the size of the arguments and facts,
/// and nothing is allocated on the way to a permission.
///
/// # Errors
/// If the request cannot be understood, is larger than the plan accepts, or the plan is damaged. Each means: denied.
pub fn decide(plan: &Plan<'_>, request: &Request<'_>, scratch: &mut Scratch<'_>) -> Result<Verdict, Error> {
    let reading = Reading::of(plan, request, scratch)?;
    let Roles { known, count, grants } = Roles::of(plan, request)?;
    let tool = plan.tool_named(request.tool.as_bytes())?;
    let mut scene = Scene {
        plan: *plan,
        arguments: reading.arguments,
        facts: reading.facts,
        role: b"",
        tool: request.tool.as_bytes(),
        memo: reading.memo,
    };
    let mut approval: Option<Grant> = None;
    for (role, index) in known.iter().zip(grants).take(count) {
        scene.role = plan.text(*role, 0)?;
        let found = Applicable::of(plan, *role, tool, request.tool)?;
        let Some(outcome) = outcome(&mut scene, found, reading.path)? else { continue };
        let role = if index == DEFAULTED { None } else { Some(index) };
        let grant = Grant { role, scope: outcome.scope };
        if outcome.allow {
            return Ok(Verdict::Allow(grant));
        }
        approval = approval.or(Some(grant));
    }
    match approval {
        Some(grant) => Ok(Verdict::NeedsApproval(grant)),
        None => {
            let known = known.get(..count).unwrap_or_default();
            denial::explain(&mut scene, known, tool, request.tool, reading.path).map(Verdict::Deny)
        }
    }
}

/// The request, read and found well-formed.
pub(crate) struct Reading<'s> {
    pub(crate) arguments: Document<'s>,
    pub(crate) facts: Option<Document<'s>>,
    pub(crate) memo: &'s mut [u32],
    pub(crate) path: &'s mut [u8],
}

impl<'s> Reading<'s> {
    /// Checks and reads all of a request: roles, tool, arguments, facts, in this order.
    pub(crate) fn of(plan: &Plan<'_>, request: &Request<'s>, scratch: &'s mut Scratch<'_>) -> Result<Self, Error> {
        check_names(request)?;
        let (arguments, facts) = (request.arguments.as_bytes(), request.facts.map(str::as_bytes));
        within("arguments-bytes", arguments, plan.arguments_bytes()?)?;
        let (front, back) = scratch
            .nodes
            .split_at_mut_checked(json::nodes_for(arguments.len()))
            .ok_or(Error::Internal("too few nodes"))?;
        let sort = plan.sorts_members()?;
        json::read(arguments, front, scratch.slots, sort).map_err(|fault| error(Field::Arguments, fault))?;
        let facts = match facts {
            None => None,
            Some(text) => {
                within("facts-bytes", text, plan.facts_bytes()?)?;
                json::read(text, back, scratch.slots, sort).map_err(|fault| error(Field::Facts, fault))?;
                let facts = Document { text, nodes: back };
                check_facts(facts)?;
                Some(facts)
            }
        };
        Ok(Self { arguments: Document { text: arguments, nodes: front }, facts, memo: scratch.slots, path: scratch.path })
    }
}

fn check_names(request: &Request<'_>) -> Result<(), Error> {
    if request.roles.len() > MAX_ROLES {
        return Err(Error::Malformed { field: Field::Roles, offset: MAX_ROLES as u32, reason: "more than 32 roles" });
    }
    for (index, role) in request.roles.iter().enumerate() {
        check_name(Field::Roles, index as u32, role)?;
    }
    check_name(Field::Tool, 0, request.tool)
}

fn check_name(field: Field, offset: u32, name: &str) -> Result<(), Error> {
    if name.len() > MAX_NAME {
        return Err(Error::Malformed { field, offset, reason: "a name of more than 256 bytes" });
    }
    if scope::has_control(name.as_bytes()) {
        return Err(Error::Malformed { field, offset, reason: "a control character in a name" });
    }
    Ok(())
}

fn within(limit: &'static str, text: &[u8], allowed: u32) -> Result<(), Error> {
    if text.len() > allowed as usize {
        return Err(Error::Exceeded { limit, allowed: u64::from(allowed) });
    }
    Ok(())
}

fn check_facts(facts: Document<'_>) -> Result<(), Error> {
    let root = facts.node(0);
    for index in 0..root[3] & json::LEN_MASK {
        let member = facts.node(root[2].wrapping_add(index));
        let name = facts.name(&member);
        if ![b"ctx".as_slice(), b"run", b"user"].iter().any(|known| name.equals(json::Text::plain(known))) {
            let reason = "facts other than `ctx`, `run` and `user`";
            return Err(Error::Malformed { field: Field::Facts, offset: member[0], reason });
        }
    }
    Ok(())
}

fn error(field: Field, fault: json::Fault) -> Error {
    match fault {
        json::Fault::Malformed(offset, reason) => Error::Malformed { field, offset, reason },
        json::Fault::Exceeded(limit, allowed) => Error::Exceeded { limit, allowed },
        json::Fault::Space => Error::Internal("too few nodes"),
    }
}

/// The roles that decide, in the caller's order, each once.
pub(crate) struct Roles {
    pub(crate) known: [Ref; MAX_ROLES],
    pub(crate) count: usize,
    /// For each role its index in the request, or [`DEFAULTED`].
    grants: [u32; MAX_ROLES],
}

/// No role of the request: the policy's default decides.
const DEFAULTED: u32 = u32::MAX;

impl Roles {
    pub(crate) fn of(plan: &Plan<'_>, request: &Request<'_>) -> Result<Self, Error> {
        let mut roles = Self { known: [0; MAX_ROLES], count: 0, grants: [DEFAULTED; MAX_ROLES] };
        for (index, name) in request.roles.iter().enumerate() {
            let Some(role) = plan.role_named(name.as_bytes())? else { continue };
            if !roles.known.iter().take(roles.count).any(|known| *known == role) {
                roles.push(role, index as u32);
            }
        }
        if roles.count == 0
            && let Some(role) = plan.default_role()?
        {
            roles.push(role, DEFAULTED);
        }
        Ok(roles)
    }

    fn push(&mut self, role: Ref, index: u32) {
        if let (Some(known), Some(grant)) = (self.known.get_mut(self.count), self.grants.get_mut(self.count)) {
            (*known, *grant) = (role, index);
            self.count += 1;
        }
    }
}

/// The rule that applies to a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Applicable {
    /// None: closed.
    pub(crate) rule: Option<Ref>,
    /// Whether the role lists the tool.
    pub(crate) listed: bool,
}

impl Applicable {
    pub(crate) fn of(plan: &Plan<'_>, role: Ref, tool: Option<u32>, name: &str) -> Result<Self, Damaged> {
        if let Some(tool) = tool
            && let Some(rule) = plan.rule_for(role, tool)?
        {
            return Ok(Self { rule: Some(rule), listed: true });
        }
        let rule = if is_closed(name) { None } else { Some(plan.default_rule(role)?) };
        Ok(Self { rule, listed: false })
    }
}

/// Whether a name never falls to a role's rule for unlisted tools.
fn is_closed(tool: &str) -> bool {
    ["agent.", "hexgate.", "skill:", "skill.resource:", "skill.script:"].iter().any(|prefix| tool.starts_with(prefix))
}

struct Outcome {
    allow: bool,
    scope: Option<u32>,
}

/// What a role permits; nothing if it denies.
fn outcome(scene: &mut Scene<'_, '_>, found: Applicable, path: &mut [u8]) -> Result<Option<Outcome>, Damaged> {
    let plan = scene.plan;
    let Some(rule) = found.rule else { return Ok(None) };
    let allow = match plan.word(rule, 0)? {
        mode::ALLOW => true,
        mode::NEEDS_APPROVAL => false,
        mode::DENY => return Ok(None),
        _ => return Err(Damaged("mode")),
    };
    for index in 0..plan.reference(rule, 2)? {
        if scene.constraint(plan.reference(rule, 3 + index)?)? != Truth::True {
            return Ok(None);
        }
    }
    let scope = plan.reference(rule, 1)?;
    if scope == 0 {
        return Ok(Some(Outcome { allow, scope: None }));
    }
    if !in_scope(scene, scope, path)? {
        return Ok(None);
    }
    Ok(Some(Outcome { allow, scope: Some(plan.word(scope, 0)?) }))
}

/// Whether the path argument is there and the scope covers it.
pub(crate) fn in_scope(scene: &Scene<'_, '_>, scope: Ref, path: &mut [u8]) -> Result<bool, Damaged> {
    let arguments = scene.arguments;
    let Some(index) = arguments.member(&arguments.node(0), scene.plan.text(scope, 1)?) else { return Ok(false) };
    match Found::Node(arguments, arguments.node(index)).value() {
        Value::String(text) => scope::covers(scene.plan, scope, text, path),
        _ => Ok(false),
    }
}

