//! Roles, rules, outcome.

use hexgate_contract::{
    Exceeded, FACTS, Field, Grant, MAX_NAME, MAX_ROLES, Malformed, NeededApproval, Request, Verdict,
};

use crate::{
    condition::{self, EvalContext},
    denial,
    error::Error,
    json::{self, Document, Node, Tree},
    plan::{
        Damaged, Marked, Plan, Ref, References,
        layout::{flags, header, mode, with},
    },
    rules::{Applicable, Roles, Tool, condition, forbids, granted_scope, in_scope, is_exception},
    scope,
    value::Truth,
};

/// The working memory of one decision. Nothing in it survives the decision; it need not be cleared.
#[derive(Debug)]
pub struct Scratch<'a> {
    /// At least [`Scratch::nodes_for`] the request.
    pub nodes: &'a mut [Node],
    /// At least [`Scratch::slots_for`] the request.
    pub slots: &'a mut [u32],
    /// At least [`Scratch::PATH`] bytes. What is written into them has no zero in it.
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
            return Err(Damaged::MemoSlots);
        }
        Ok(json::slots_for(arguments)
            .max(json::slots_for(facts))
            .max(memo + condition::room_for(plan.u32(header::FLAGS)?, arguments, facts)))
    }
}

/// Decides one tool call.
///
/// The answer is a function of the plan and the request alone. The work is at most n log n in the size of the arguments and facts,
/// and nothing is allocated on the way to a permission, but the message of one that needs approval.
///
/// # Errors
/// If the request cannot be understood, is larger than the plan accepts, or the plan is damaged. Each means: denied.
pub fn decide(
    plan: &Plan<'_>,
    request: &Request<'_>,
    scratch: &mut Scratch<'_>,
) -> Result<Verdict, Error> {
    let reading = Reading::of(plan, request, scratch)?;
    let whole = Marked::of(*plan);
    let plan = whole.view();
    let tool = Tool::of(plan, request, reading.grown);
    let mut context = EvalContext {
        plan,
        arguments: &reading.arguments,
        facts: reading.facts.as_ref(),
        role: b"",
        tool: request.tool.as_bytes(),
        memo: reading.memo,
        used: 0,
    };
    let path = reading.path;
    let answer = if tool.grown && are_forbidding(&mut context, plan.ceiling(), tool, path) {
        Answer::Forbidden
    } else {
        by_roles(&mut context, request, tool, path)
    };
    if let (Answer::Allow(grant), None) = (&answer, whole.damage()) {
        // Made in place: a verdict is large.
        return Ok(Verdict::Allow(*grant));
    }
    let verdict = match answer {
        Answer::Allow(grant) => Verdict::Allow(grant),
        Answer::Ask(grant, rule) => Verdict::NeedsApproval(NeededApproval {
            grant,
            terms: if tool.grown { plan.terms(rule) } else { None },
            message: denial::message(plan, rule, tool),
        }),
        Answer::Deny => Verdict::Deny(denial::explain(&mut context, request, tool, path)),
        Answer::Forbidden => Verdict::Deny(denial::forbidden(&mut context, tool, path)),
    };
    // Nothing from a damaged plan counts.
    match whole.damage() {
        None => Ok(verdict),
        Some(damaged) => Err(damaged.into()),
    }
}

/// A verdict without its texts.
enum Answer {
    Allow(Grant),
    /// By this rule.
    Ask(Grant, Ref),
    Deny,
    /// No role can lift it.
    Forbidden,
}

/// Whether one of several forbids denies a call.
#[inline(never)]
fn are_forbidding(
    context: &mut EvalContext<'_, '_>,
    list: References<'_>,
    tool: Tool<'_>,
    path: &mut [u8],
) -> bool {
    for forbid in list {
        if forbids(context, forbid, tool, path) {
            return true;
        }
    }
    false
}

/// What the roles say.
#[inline]
fn by_roles<'a>(
    context: &mut EvalContext<'a, '_>,
    request: &Request<'a>,
    tool: Tool<'a>,
    path: &mut [u8],
) -> Answer {
    let plan = context.plan;
    let mut answer = Answer::Deny;
    let mut roles = Roles::of(plan, request);
    while let Some((role, index)) = roles.next() {
        context.role = plan.text(role, 0);
        let Some(outcome) = outcome(context, role, tool, path) else {
            continue;
        };
        let grant = Grant {
            role: index,
            scope: outcome.scope,
        };
        if outcome.allow {
            return Answer::Allow(grant);
        }
        if let Answer::Deny = answer {
            answer = Answer::Ask(grant, outcome.rule);
        }
    }
    answer
}

/// Checks a request as [`decide`] does before it evaluates anything: names, both texts, every limit. For engines that evaluate by
/// other means and must refuse the same requests for the same reasons.
///
/// # Errors
/// If the request cannot be understood, is larger than the plan accepts, or the plan is damaged. Each means: denied.
pub fn check(
    plan: &Plan<'_>,
    request: &Request<'_>,
    scratch: &mut Scratch<'_>,
) -> Result<(), Error> {
    Reading::of(plan, request, scratch).map(drop)
}

/// Reads a request as [`check`] does, and gives the arguments and facts that it found.
///
/// # Errors
/// As [`check`].
pub fn read<'s>(
    plan: &Plan<'_>,
    request: &Request<'s>,
    scratch: &'s mut Scratch<'_>,
) -> Result<(Tree<'s>, Option<Tree<'s>>), Error> {
    let reading = Reading::of(plan, request, scratch)?;
    Ok((Tree::of(reading.arguments), reading.facts.map(Tree::of)))
}

/// The request, read and found well-formed.
pub(crate) struct Reading<'s> {
    pub(crate) arguments: Document<'s>,
    pub(crate) facts: Option<Document<'s>>,
    pub(crate) memo: &'s mut [u32],
    pub(crate) path: &'s mut [u8],
    /// Whether the plan has what versions 1 and 2 do not have.
    pub(crate) grown: bool,
}

impl<'s> Reading<'s> {
    /// Checks and reads all of a request: roles, tool, arguments, facts, in this order.
    pub(crate) fn of(
        plan: &Plan<'_>,
        request: &Request<'s>,
        scratch: &'s mut Scratch<'_>,
    ) -> Result<Self, Error> {
        check_names(request)?;
        let (arguments, facts) = (
            request.arguments.as_bytes(),
            request.facts.map(str::as_bytes),
        );
        within("arguments-bytes", arguments, plan.arguments_bytes()?)?;
        let (front, back) = scratch
            .nodes
            .split_at_mut_checked(json::nodes_for(arguments.len()))
            .ok_or(Error::Internal("too few nodes"))?;
        let flags = plan.u32(header::FLAGS)?;
        if flags & !flags::ALL != 0 {
            // The meaning of an unknown flag must not be ignored.
            return Err(Damaged::Flags.into());
        }
        let manner = json::Manner {
            sort: flags & flags::SORT_MEMBERS != 0,
            portable: flags & flags::PORTABLE != 0,
        };
        json::read(arguments, front, scratch.slots, manner)
            .map_err(|fault| error(Field::Arguments, fault))?;
        let facts = match facts {
            None => None,
            Some(text) => {
                within("facts-bytes", text, plan.facts_bytes()?)?;
                json::read(text, back, scratch.slots, manner)
                    .map_err(|fault| error(Field::Facts, fault))?;
                let facts = Document { text, nodes: back };
                check_facts(facts)?;
                Some(facts)
            }
        };
        Ok(Self {
            arguments: Document {
                text: arguments,
                nodes: front,
            },
            facts,
            memo: scratch.slots,
            path: scratch.path,
            grown: flags & flags::GROWN != 0,
        })
    }
}

fn check_names(request: &Request<'_>) -> Result<(), Error> {
    if request.roles.len() > MAX_ROLES {
        return Err(Error::Malformed(Malformed {
            field: Field::Roles,
            offset: MAX_ROLES as u32,
            reason: "more than 32 roles",
        }));
    }
    for (index, role) in request.roles.iter().enumerate() {
        check_name(Field::Roles, index as u32, role)?;
    }
    check_name(Field::Tool, 0, request.tool)
}

fn check_name(field: Field, offset: u32, name: &str) -> Result<(), Error> {
    if name.len() > MAX_NAME {
        return Err(Error::Malformed(Malformed {
            field,
            offset,
            reason: "a name of more than 256 bytes",
        }));
    }
    if scope::has_control(name.as_bytes()) {
        return Err(Error::Malformed(Malformed {
            field,
            offset,
            reason: "a control character in a name",
        }));
    }
    Ok(())
}

fn within(limit: &'static str, text: &[u8], allowed: u32) -> Result<(), Error> {
    if text.len() > allowed as usize {
        return Err(Error::Exceeded(Exceeded {
            limit,
            allowed: u64::from(allowed),
        }));
    }
    Ok(())
}

fn check_facts(facts: Document<'_>) -> Result<(), Error> {
    for member in facts.children(facts.node(0)) {
        let name = facts.name(member);
        let mut known = FACTS.iter();
        if !known.any(|known| name.equals(json::Text::plain(known.as_bytes()))) {
            let reason = "facts other than `ctx`, `run`, `said`, `usage`, `user` and `user_usage`";
            return Err(Error::Malformed(Malformed {
                field: Field::Facts,
                offset: member[0],
                reason,
            }));
        }
    }
    Ok(())
}

fn error(field: Field, fault: json::Fault) -> Error {
    use json::Reason;
    let reason = match fault.reason {
        Reason::Depth => {
            return Error::Exceeded(Exceeded {
                limit: "depth",
                allowed: json::MAX_DEPTH as u64,
            });
        }
        Reason::NumberDigits => {
            return Error::Exceeded(Exceeded {
                limit: "number-digits",
                allowed: json::MAX_DIGITS as u64,
            });
        }
        Reason::NumberExponent => {
            return Error::Exceeded(Exceeded {
                limit: "number-exponent",
                allowed: u64::from(json::MAX_EXPONENT),
            });
        }
        Reason::TooFewNodes => return Error::Internal("too few nodes"),
        Reason::ByteOrderMark => "a byte-order mark",
        Reason::NotAnObject => "not an object",
        Reason::TextAfterEnd => "text after the end of the object",
        Reason::ExpectedValue => "expected a value",
        Reason::ExpectedName => "expected a member name in double quotes",
        Reason::ExpectedColon => "expected `:`",
        Reason::ExpectedCommaOrBrace => "expected `,` or `}`",
        Reason::ExpectedCommaOrBracket => "expected `,` or `]`",
        Reason::ExpectedDigit => "expected a digit",
        Reason::LeadingZero => "a number with a leading zero",
        Reason::ControlCharacter => "a control character in a string",
        Reason::EndlessString => "a string that does not end",
        Reason::UnknownEscape => "an unknown escape",
        Reason::UnpairedSurrogate => "an unpaired surrogate",
        Reason::RepeatedName => "a member name that stands twice",
        Reason::NameInAnotherCase => "a member name that stands twice, in another case",
        Reason::NumberNotHeld => "a number that a double does not hold",
    };
    Error::Malformed(Malformed {
        field,
        offset: fault.at,
        reason,
    })
}

struct Outcome {
    allow: bool,
    scope: Option<u32>,
    /// The rule that decides.
    rule: Ref,
}

/// The grant of a role; none if it denies.
#[inline]
fn outcome(
    context: &mut EvalContext<'_, '_>,
    role: Ref,
    tool: Tool<'_>,
    path: &mut [u8],
) -> Option<Outcome> {
    if tool.grown {
        return grown_outcome(context, role, tool, path);
    }
    let rule = Applicable::of(context.plan, role, tool).rule?;
    let [mode, scope, count] = context.plan.record(rule);
    let allow = holds(context, rule, [mode, scope, count], path)?;
    let scope = (scope != 0).then(|| {
        let [id] = context.plan.record(scope as usize);
        id
    });
    Some(Outcome { allow, scope, rule })
}

/// As [`outcome`], where there can be forbids, patterns of names and several rules for a tool.
#[inline(never)]
fn grown_outcome(
    context: &mut EvalContext<'_, '_>,
    role: Ref,
    tool: Tool<'_>,
    path: &mut [u8],
) -> Option<Outcome> {
    let plan = context.plan;
    if are_forbidding(context, plan.forbids(role), tool, path) {
        return None;
    }
    let entry = Applicable::of(plan, role, tool).rule?;
    if plan.word(entry, 0) == mode::SEVERAL {
        for rule in plan.rules(entry) {
            if is_exception(plan, rule) && condition(context, rule, path) != Truth::False {
                return None;
            }
        }
    }
    let mut approval = None;
    for rule in plan.rules(entry) {
        let [first, scope, count] = plan.record(rule);
        let Some(allow) = holds(context, rule, [first & !with::ALL, scope, count], path) else {
            continue;
        };
        let outcome = |scope| Outcome { allow, scope, rule };
        if allow {
            return Some(outcome(granted_scope(plan, rule, tool)));
        }
        approval = approval.or(Some(outcome(None)));
    }
    let approval = approval?;
    Some(Outcome {
        scope: granted_scope(plan, approval.rule, tool),
        ..approval
    })
}

/// Whether a rule allows, or asks, if it holds: its constraints and its scope. None: it does not hold, or denies.
#[inline(always)]
fn holds(
    context: &mut EvalContext<'_, '_>,
    rule: Ref,
    [mode, scope, count]: [u32; 3],
    path: &mut [u8],
) -> Option<bool> {
    let plan = context.plan;
    let allow = match mode {
        mode::ALLOW => true,
        mode::NEEDS_APPROVAL => false,
        mode::DENY => return None,
        _ => return plan.fail(Damaged::Mode),
    };
    for index in 0..plan.bounded(count) {
        let [constraint] = plan.record(rule.wrapping_add(12 + 4 * index));
        if context.constraint(constraint as usize) != Truth::True {
            return None;
        }
    }
    (scope == 0 || in_scope(context, scope as usize, path)).then_some(allow)
}
