//! Plans that lie about what versions 1 and 2 do not have.

use hexgate_eval::{
    Plan, Request, Verdict, Workspace,
    plan::layout::{flags, header, mode, scope, trailer, with},
};

use super::common::Policy;

const POLICY: &str = r#"
description: d
forbid:
  - { tools: [t, 'x*'], constraints: ['args.a == 1'], message: No., file_scope: { argument: path, denied_paths: ['s/**'] } }
roles:
  default:
    description: e
    default_policy: { mode: deny }
    tools:
      t:
        - { mode: allow, message: m, file_scope: { arguments: [path, other], allowed_paths: ['d/**'], denied_paths: ['q'], except_paths: ['q'] } }
        - { mode: approval_required, approval: { roles: [boss], approvers: 2, expires: 1h } }
        - { mode: deny, constraints: ['ctx.n == 1'] }
      'y*': { mode: allow }
      '*': { mode: approval_required }
"#;

fn word(plan: &[u8], at: usize) -> usize {
    u32::from_le_bytes(plan[at..at + 4].try_into().unwrap()) as usize
}

fn trailer_of(plan: &[u8]) -> usize {
    plan.len() - trailer::SIZE
}

/// What the validator says of the plan with one word changed.
fn refusal(plan: &[u8], at: usize, value: usize) -> String {
    let mut plan = plan.to_vec();
    plan[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
    match Plan::open(&plan) {
        Ok(plan) => plan
            .validate()
            .map_or_else(|error| error.to_string(), |()| "valid".to_owned()),
        Err(damaged) => damaged.to_string(),
    }
}

struct Places {
    forbid: usize,
    approval: usize,
    role: usize,
    more: usize,
    entry: usize,
    allow: usize,
    scope: usize,
    bounds: usize,
}

fn places(plan: &[u8]) -> Places {
    let trailer = trailer_of(plan);
    let role = word(plan, header::ROLES);
    let entry = word(plan, word(plan, role + 12) + 4);
    let allow = word(plan, entry + 8);
    let scopes = word(plan, header::SCOPES);
    let table = (0..word(plan, header::SCOPE_COUNT)).map(|id| word(plan, scopes + 4 * id));
    Places {
        forbid: word(plan, word(plan, trailer + trailer::CEILING)),
        approval: word(plan, word(plan, trailer + trailer::APPROVALS)),
        role,
        more: word(plan, role + 20),
        entry,
        allow,
        scope: word(plan, allow + 4),
        bounds: table
            .into_iter()
            .find(|at| word(plan, *at) & scope::BOUNDS as usize != 0)
            .unwrap(),
    }
}

#[test]
fn every_lie_about_a_grown_record_is_refused() {
    let policy = Policy::of(POLICY);
    let plan = &policy.0;
    assert_eq!(word(plan, header::VERSION), 3);
    assert_eq!(word(plan, header::FLAGS), flags::GROWN as usize);
    let at = places(plan);
    let trailer = trailer_of(plan);
    assert_eq!(refusal(plan, 12, word(plan, 12)), "valid");
    assert_eq!(word(plan, at.entry), mode::SEVERAL as usize);
    assert_eq!(word(plan, at.forbid) & 0xff, mode::FORBID as usize);
    let pattern = at.scope + 20;
    let more_of_scope = at.scope + 20 + 2 * 16;
    let choice = word(plan, at.allow + 20);
    let unknown = plan.len() * 2;
    let mut failures = String::new();
    for (place, value, what) in [
        (header::VERSION, 1, "plan of another version"),
        (header::VERSION, 2, "plan of another version"),
        (header::VERSION, 4, "plan of another version"),
        (header::FLAGS, 0, "plan of another version"),
        (header::FLAGS, 8 + 2, ""),
        (header::FLAGS, 8 + 16, "unknown flags"),
        (trailer + trailer::CEILING, unknown, "reference"),
        (trailer + trailer::CEILING, 0, ""),
        (
            trailer + trailer::CEILING_COUNT,
            unknown,
            "number of forbids",
        ),
        (trailer + trailer::APPROVALS, unknown, "reference"),
        (trailer + trailer::APPROVAL_COUNT, 0, "terms of an approval"),
        (trailer + trailer::FACTS, unknown, ""),
        (trailer + trailer::FACT_COUNT, unknown, "number of records"),
        (trailer + trailer::DESCRIPTION, unknown, "text"),
        (trailer + trailer::DESCRIPTION + 4, 2001, ""),
        (at.approval, 16, "flags of an approval"),
        (at.approval, 8, "flags of an approval"),
        (at.approval + 4, 0, "time of an approval"),
        (at.approval + 8, 9, "approvers"),
        (at.approval + 8, 0, "approvers"),
        (at.approval + 12, unknown, "number of roles"),
        (at.approval + 20, 0, "role of approvers"),
        (at.role + 20, unknown, "reference"),
        (at.more, unknown, "text"),
        (at.more + 12, unknown, ""),
        (word(plan, at.more + 8) + 4, 1, "pattern of names"),
        (
            word(plan, at.more + 8) + 12,
            word(plan, word(plan, at.more + 8)),
            "",
        ),
        (at.entry + 4, 0, "number of rules"),
        (at.entry + 4, 65, "number of rules"),
        (at.entry + 8, at.entry, "mode"),
        (at.entry + 8, at.forbid, "mode"),
        (at.role + 8, at.entry, "mode"),
        (at.allow, 3, "mode"),
        (at.allow, 2 | 1 << 12, "mode"),
        (at.allow, word(plan, at.allow) | with::APPROVAL as usize, ""),
        (at.allow + 12, unknown, "text"),
        (at.allow + 16, 501, ""),
        (choice, 5, "number of forbids"),
        (choice + 4, 1000, "scope of a rule"),
        (at.forbid, mode::ALLOW as usize, "a forbid"),
        (
            at.forbid,
            mode::FORBID as usize | with::APPROVAL as usize,
            "a forbid",
        ),
        (at.forbid + 4, at.scope, ""),
        (at.forbid + 4, at.bounds, "scope of a rule"),
        (at.forbid + 8, unknown, "number of constraints"),
        (
            at.scope,
            word(plan, at.scope) & !(scope::ID as usize) | 1,
            "id of a scope",
        ),
        (at.scope, word(plan, at.scope) & !(scope::MORE as usize), ""),
        (at.scope + 12, unknown, "number of records"),
        (more_of_scope, 4, "flags of a scope"),
        (more_of_scope + 4, unknown, ""),
        (more_of_scope + 8, unknown, ""),
        (pattern + 8, 0, ""),
        (pattern + 12, 4, "a pattern"),
        (at.bounds, word(plan, at.bounds) + 1, "id of a scope"),
        (
            at.bounds,
            word(plan, at.bounds) | scope::MORE as usize,
            "flags of bounds",
        ),
        (at.bounds + 4, at.bounds, ""),
        (at.bounds + 8, 0, "number of exclusions"),
        (at.bounds + 12, at.scope, "excluded"),
        (at.bounds + 12, at.bounds, ""),
    ] {
        let said = refusal(plan, place, value);
        if said == "valid" || !said.contains(what) {
            failures += &format!("{place} = {value}: {said}, not {what:?}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_plan_of_before_has_no_grown_records() {
    let plan = Policy::of("tools: {t: {mode: allow}}").0;
    let role = word(&plan, header::ROLES);
    let rule = word(&plan, word(&plan, role + 12) + 4);
    for value in [3, 4, 2 | with::MESSAGE as usize, 2 | with::CHOICE as usize] {
        assert!(refusal(&plan, rule, value).contains("mode"), "{value}");
    }
    // What stands in the place of the ordinal of a role says nothing there.
    let mut changed = plan.clone();
    changed[role + 20..role + 24].copy_from_slice(&[0xff; 4]);
    let verdict = Workspace::new().decide(&Plan::open(&changed).unwrap(), &Request::new("t", "{}"));
    assert!(matches!(verdict, Ok(Verdict::Allow(_))));
}

#[test]
fn no_changed_word_makes_the_evaluator_panic_or_go_on_for_ever() {
    let policy = Policy::of(POLICY);
    let at = places(&policy.0);
    let mut interesting = vec![
        0,
        1,
        3,
        4,
        0xff,
        0x100,
        u32::MAX,
        u32::MAX / 4,
        1 << 31,
        1 << 30,
    ];
    interesting.extend([at.entry, at.forbid, at.bounds, at.scope, at.more].map(|at| at as u32));
    let facts = r#"{"ctx": {"n": 2}}"#;
    let args = r#"{"a": 2, "path": "d/x", "other": ["d/y"]}"#;
    let mut workspace = Workspace::new();
    for place in (12..policy.0.len()).step_by(4) {
        for value in &interesting {
            let mut plan = policy.0.clone();
            plan[place..place + 4].copy_from_slice(&value.to_le_bytes());
            let Ok(plan) = Plan::open(&plan) else {
                continue;
            };
            let valid = plan.validate().is_ok();
            for tool in ["t", "xyz", "yz", "q"] {
                let request = Request::new(tool, args).facts(facts);
                let verdict = workspace.decide(&plan, &request);
                let internal = matches!(verdict, Err(hexgate_eval::Error::Internal(_)));
                assert!(!(valid && internal), "{place} {value} {tool}: {verdict:?}");
            }
            if valid {
                let about = plan.about().unwrap();
                for id in 0..about.scopes.min(20) {
                    assert!(plan.scope(id).is_ok());
                    workspace.covers(&plan, id, "d/x");
                }
                for role in (0..about.roles.min(4)).filter_map(|index| plan.role(index).unwrap()) {
                    assert!(role.rules(0, 100).is_ok() && role.forbids(0, 100).is_ok());
                }
            }
        }
    }
}
