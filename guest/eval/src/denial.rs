//! The text of a denial: the same in every engine.

use alloc::{string::String, vec::Vec};

use crate::{
    bytes,
    condition::Scene,
    decide::{Applicable, Roles, in_scope},
    plan::{Ref, View, layout::mode},
    request::{Denial, PathScope, Request},
    scope::pattern,
    value::Truth,
};

/// The longest reason, in bytes. A longer one is cut at a character's end.
pub const MAX_REASON: usize = 4096;

/// Words a denial: one sentence for the operator, and what goes with it. Whatever found the reasons, the text is made here.
///
/// ```
/// # use hexgate_eval::Wording;
/// let mut wording = Wording::new("refund", ["support"].into_iter());
/// wording.role("support");
/// wording.denied();
/// wording.violation("args.amount <= 500");
/// let denial = wording.finish();
/// assert_eq!(denial.reason, r#"Policy denied tool "refund": args.amount <= 500"#);
/// ```
#[derive(Debug)]
pub struct Wording<'a> {
    tool: &'a str,
    denial: Denial,
    /// What stands before the next role's name; nothing if there is one role at most.
    before_role: &'static str,
    before_violation: &'static str,
    /// Whether a role has said where the call could have gone.
    hinted: bool,
}

impl<'a> Wording<'a> {
    /// Begins to word why these roles deny. None at all: there is none that the policy knows.
    pub fn new<'r>(tool: &'a str, roles: impl ExactSizeIterator<Item = &'r str>) -> Self {
        let mut wording = Self {
            tool,
            denial: Denial {
                reason: String::new(),
                violations: Vec::new(),
                hint: None,
            },
            before_role: "",
            before_violation: ": ",
            hinted: false,
        };
        match roles.len() {
            0 => wording.unlisted("default"),
            1 => {}
            _ => {
                let mut separator = "denied for all roles [";
                for role in roles {
                    wording.push(separator);
                    quote(&mut wording.denial.reason, role);
                    separator = ", ";
                }
                wording.before_role = "]: ";
            }
        }
        wording
    }

    /// From here on it is about this role.
    pub fn role(&mut self, role: &str) {
        if !self.before_role.is_empty() {
            self.push(self.before_role);
            self.push(role);
            self.push(": ");
            self.before_role = "; ";
        }
        self.before_violation = ": ";
    }

    /// No rule of the role is about the tool.
    pub fn unlisted(&mut self, role: &str) {
        self.denied();
        self.push(" (no allow rule matched for role ");
        quote(&mut self.denial.reason, role);
        self.push(")");
    }

    /// A rule of the role denies. Violated constraints, or the path, may follow as the reason.
    pub fn denied(&mut self) {
        self.push("Policy denied tool ");
        quote(&mut self.denial.reason, self.tool);
    }

    /// A constraint, as written, that was not true.
    pub fn violation(&mut self, source: &str) {
        self.push(self.before_violation);
        self.push(source);
        self.before_violation = "; ";
        if !self
            .denial
            .violations
            .iter()
            .any(|violation| bytes::equal(violation.as_bytes(), source.as_bytes()))
        {
            self.denial.violations.push(source.into());
        }
    }

    /// The path lies outside of the scope.
    pub fn outside(&mut self) {
        self.push(" for the requested path");
    }

    /// Where the call could have gone for this role. It is kept if every role says the same.
    pub fn hint(&mut self, hint: Option<PathScope>) {
        if !self.hinted {
            self.denial.hint = hint;
            self.hinted = true;
        } else if self.denial.hint != hint {
            self.denial.hint = None;
        }
    }

    #[inline(never)]
    fn push(&mut self, text: &str) {
        self.denial.reason.push_str(text);
    }

    /// The denial.
    pub fn finish(mut self) -> Denial {
        truncate(&mut self.denial.reason);
        self.denial
    }
}

/// Says why none of the roles permits the call.
#[cold]
#[inline(never)]
pub(crate) fn explain<'a>(
    scene: &mut Scene<'a, '_>,
    request: &Request<'a>,
    tool: Option<u32>,
    path: &mut [u8],
) -> Denial {
    let plan = scene.plan;
    let mut roles: Vec<Ref> = Vec::new();
    let mut deciding = Roles::of(plan, request);
    while let Some((role, _)) = deciding.next() {
        roles.push(role);
    }
    let mut wording = Wording::new(request.tool, roles.iter().map(|role| plan.str(*role, 0)));
    for role in &roles {
        scene.role = plan.text(*role, 0);
        wording.role(plan.str(*role, 0));
        let found = Applicable::of(plan, *role, tool, request.tool);
        let hint = role_denial(scene, *role, found, path, &mut wording);
        wording.hint(hint);
    }
    wording.finish()
}

/// Words why one role denies. The hint if its scope was the cause.
fn role_denial(
    scene: &mut Scene<'_, '_>,
    role: Ref,
    found: Applicable,
    path: &mut [u8],
    wording: &mut Wording<'_>,
) -> Option<PathScope> {
    let plan = scene.plan;
    let rule = found
        .rule
        .filter(|rule| found.listed || plan.word(*rule, 0) != mode::DENY);
    let Some(rule) = rule else {
        wording.unlisted(plan.str(role, 0));
        return None;
    };
    wording.denied();
    if plan.word(rule, 0) == mode::DENY {
        return None;
    }
    let mut violated = false;
    for index in 0..plan.count(rule, 2) {
        let constraint = plan.reference(rule, 3 + index);
        if scene.constraint(constraint) != Truth::True {
            wording.violation(plan.str(constraint, 0));
            violated = true;
        }
    }
    let scope = plan.reference(rule, 1);
    if violated || scope == 0 || in_scope(scene, scope, path) {
        return None;
    }
    wording.outside();
    Some(patterns(plan, scope))
}

/// The pattern lists of a scope.
pub(crate) fn patterns(plan: View<'_>, scope: Ref) -> PathScope {
    let mut paths = PathScope::default();
    let allowed = plan.count(scope, 3);
    for index in 0..allowed + plan.count(scope, 4) {
        let source = String::from(plan.str(pattern(scope, index), 0));
        if index < allowed {
            paths.allowed.push(source)
        } else {
            paths.denied.push(source)
        }
    }
    paths
}

// Texts, not characters: then all of a reason is appended by the same few instructions.
const QUOTE: &str = "\"";
const BACKSLASH: &str = "\\";

/// Appends a name as a JSON string. Names have no control characters.
pub fn quote(target: &mut String, name: &str) {
    let escaped = ['"', '\\'];
    target.push_str(QUOTE);
    for piece in name.split_inclusive(escaped) {
        let plain = piece.strip_suffix(escaped).unwrap_or(piece);
        target.push_str(plain);
        if plain.len() < piece.len() {
            target.push_str(BACKSLASH);
            target.push_str(piece.get(plain.len()..).unwrap_or_default());
        }
    }
    target.push_str(QUOTE);
}

fn truncate(reason: &mut String) {
    if reason.len() > MAX_REASON {
        let mut end = MAX_REASON;
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
    }
}
