//! What a plan says of itself.

use hexgate_eval::{
    contract::{Mode, PathStyle, Tools},
    plan::layout::header,
};

use super::common::{Policy, compiled, paths};

const POLICY: &str = r#"
forbid:
  - { tools: ['z*', b, a, 'y*'], constraints: ['args.x == 1'], message: No. }
  - { tools: [a], file_scope: { argument: path, denied_paths: ['s/**'] } }
roles:
  default:
    forbid: [{ constraints: ['run.denials > 3'] }]
    default_policy: { mode: deny }
    tools:
      b: { mode: allow, constraints: ['ctx.region == "eu"', 'count(user.groups) > 0'] }
      a:
        - { mode: allow, message: m, file_scope: { argument: path, allowed_paths: ['d/**'] } }
        - { mode: deny, constraints: ['usage.tool_calls_24h > 5'] }
      'longer_*': { mode: approval_required, approval: { approvers: 2 } }
      'b*': { mode: deny }
      'a*': { mode: allow }
"#;

#[test]
fn the_rules_of_a_role_stand_in_their_order() {
    let policy = Policy::of(POLICY);
    let plan = policy.plan();
    let role = plan.role(0).unwrap().unwrap();
    let rules = role.rules(0, 100).unwrap();
    let told: Vec<_> = rules
        .iter()
        .map(|rule| (rule.tools().unwrap(), rule.mode().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            (Tools::Unlisted, Mode::Deny),
            (Tools::Exact("a"), Mode::Allow),
            (Tools::Exact("a"), Mode::Deny),
            (Tools::Exact("b"), Mode::Allow),
            (Tools::Pattern("longer_*"), Mode::NeedsApproval),
            (Tools::Pattern("a*"), Mode::Allow),
            (Tools::Pattern("b*"), Mode::Deny),
        ]
    );
    assert_eq!(rules[1].message().unwrap(), Some("m"));
    assert_eq!(rules[4].terms().unwrap(), Some(0));
    assert_eq!(
        rules[2].constraints().unwrap(),
        ["usage.tool_calls_24h > 5"]
    );
    // By pages it is the same.
    for page in 0..7 {
        let one = role.rules(page, 1).unwrap();
        assert_eq!(one[0].tools().unwrap(), told[page as usize].0);
    }
    assert!(role.rules(7, 5).unwrap().is_empty());
    let scope = plan
        .scope(rules[1].scope().unwrap().unwrap())
        .unwrap()
        .unwrap();
    assert_eq!(scope.paths, paths(&["d/**"], &[], &[]));
    assert_eq!(scope.exclusions[0].paths, paths(&[], &["s/**"], &[]));
    assert_eq!(scope.style, PathStyle::Posix);
    // Of a pattern it is what holds for all of its tools.
    assert_eq!(rules[5].scope().unwrap(), None);
}

#[test]
fn forbids_are_told_with_their_tools() {
    let policy = Policy::of(POLICY);
    let plan = policy.plan();
    let ceiling = plan.forbids(0, 10).unwrap();
    assert_eq!(ceiling.len(), 2);
    assert_eq!(ceiling[0].tools().unwrap(), ["a", "b", "z*", "y*"]);
    assert_eq!(ceiling[0].constraints().unwrap(), ["args.x == 1"]);
    assert_eq!(ceiling[0].message().unwrap(), Some("No."));
    assert_eq!(ceiling[0].scope().unwrap(), None);
    let scope = ceiling[1].scope().unwrap().unwrap();
    assert_eq!(
        plan.scope(scope).unwrap().unwrap().paths,
        paths(&[], &["s/**"], &[])
    );
    let own = plan.role(0).unwrap().unwrap().forbids(0, 10).unwrap();
    assert_eq!(own.len(), 1);
    assert!(own[0].tools().unwrap().is_empty());
    assert!(plan.forbids(2, 1).unwrap().is_empty());
}

#[test]
fn the_facts_that_conditions_look_at_are_told() {
    let policy = Policy::of(POLICY);
    let facts = policy.plan().about().unwrap().facts;
    assert_eq!(
        facts,
        [
            "ctx.region",
            "run.denials",
            "usage.tool_calls_24h",
            "user.groups"
        ]
    );
    // Plans of before do not list them.
    let policy = Policy::of(
        r#"
roles:
  a:
    tools:
      t:
        mode: allow
        constraints:
          - any(args.list, . == ctx.a.b or not (user.id in ["x"]) and every(run.tools, startswith(., "x")))
          - present(ctx)
          - count(ctx.a) > 1 and only(run, ["x"])
          - role == "a" and matches(user.id, "x")
"#,
    );
    assert_eq!(policy.0[header::VERSION], 1);
    let facts = policy.plan().about().unwrap().facts;
    assert_eq!(facts, ["ctx", "ctx.a", "run", "run.tools", "user.id"]);
}

#[test]
fn plans_of_before_decide_and_describe() {
    for (first, version) in [("", 1), ("arguments: portable\n", 2)] {
        let policy = Policy::of(&format!(
            "{first}tools: {{read_file: {{mode: allow, constraints: ['args.n == 1'], file_scope: {{argument: path, allowed_paths: ['a/**']}}}}}}"
        ));
        assert_eq!(policy.0[header::VERSION], version);
        assert_eq!(
            policy.says("read_file", r#"{"path": "a/b", "n": 1}"#),
            "allow"
        );
        let plan = policy.plan();
        let about = plan.about().unwrap();
        assert_eq!(
            (about.terms, about.description, about.facts.len()),
            (0, None, 0)
        );
        assert!(plan.forbids(0, 9).unwrap().is_empty());
        let role = plan.find_role("default").unwrap().unwrap();
        assert_eq!(role.description().unwrap(), None);
        assert!(role.forbids(0, 9).unwrap().is_empty());
        let rules = role.rules(0, 9).unwrap();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules[1].tools().unwrap(), Tools::Exact("read_file"));
        assert_eq!(
            (rules[1].terms().unwrap(), rules[1].message().unwrap()),
            (None, None)
        );
        let scope = plan
            .scope(rules[1].scope().unwrap().unwrap())
            .unwrap()
            .unwrap();
        assert_eq!(scope.arguments, ["path"]);
        assert_eq!(scope.paths, paths(&["a/**"], &[], &[]));
    }
}

#[test]
fn a_plan_and_the_numbering_of_other_engines_agree() {
    let scoped = r#"
forbid:
  - { tools: ['m*'], file_scope: { argument: path, denied_paths: ['one/**'] } }
  - { tools: [late], file_scope: { argument: path, denied_paths: ['two/**'] } }
roles:
  a:
    forbid: [{ tools: ['n*'], constraints: ['user.id == "x"'], file_scope: { argument: path, denied_paths: ['three/**'] } }]
    default_policy: { mode: approval_required, approval: { approvers: 3 } }
    tools:
      m: { mode: allow, file_scope: { argument: path, allowed_paths: ['p/**'] } }
      nn:
        - { mode: allow, file_scope: { argument: path, allowed_paths: ['p/**'] } }
        - { mode: deny, file_scope: { argument: path, denied_paths: ['four/**'] } }
        - { mode: approval_required, approval: { approvers: 2 } }
      'mn*': { mode: allow, file_scope: { argument: path, allowed_paths: ['q/**'] } }
  b:
    default_policy: { mode: allow }
    tools: { plain: { mode: allow, file_scope: { argument: path, allowed_paths: ['p/**'] } }, m: { mode: allow } }
"#;
    for yaml in [scoped, POLICY] {
        let compiled = compiled(yaml);
        let plan = hexgate_eval::Plan::open(&compiled.plan).unwrap();
        let numbering = hexgate_compiler::model::Numbering::of(&compiled.model).unwrap();
        let about = plan.about().unwrap();
        assert_eq!(about.scopes as usize, numbering.scopes.len());
        assert_eq!(about.terms as usize, numbering.approvals.len());
        assert_eq!(about.facts, compiled.model.facts());
        for (id, bounds) in (0..).zip(&numbering.scopes) {
            let told = plan.scope(id).unwrap().unwrap();
            let sources = |patterns: &[hexgate_compiler::model::Pattern]| {
                let sources = patterns.iter().map(|pattern| pattern.source.clone());
                sources.collect::<Vec<String>>()
            };
            let allowed = bounds.scope.map(|scope| sources(&scope.allowed));
            let denied = bounds.scope.map(|scope| sources(&scope.denied));
            assert_eq!(told.paths.allowed, allowed.unwrap_or_default(), "{id}");
            assert_eq!(told.paths.denied, denied.unwrap_or_default(), "{id}");
            let exclusions = bounds.exclusions.iter();
            let exclusions: Vec<_> = exclusions.map(|scope| sources(&scope.denied)).collect();
            let told = told.exclusions.into_iter();
            let told: Vec<_> = told.map(|exclusion| exclusion.paths.denied).collect();
            assert_eq!(told, exclusions, "{id}");
        }
        for (id, approval) in (0..).zip(&numbering.approvals) {
            let told = plan.terms(id).unwrap().unwrap();
            assert_eq!(told.approvers, approval.approvers);
        }
    }
}
