//! `hexgate policy validate`

use insta::assert_snapshot;

use crate::fixture::Fixture;

const MISTAKEN: &str = "version: 1\nroles:\n  default:\n    tools:\n      refund:\n        mode: alow\n        constraints:\n          - args.currency == USD\n";

#[test]
fn says_that_a_policy_is_valid() {
    assert_snapshot!(Fixture::new().run("validate policy.yaml"), @r"
    exit 0
    ✓ policy.yaml is valid: 3 roles, 5 tool rules
    ");
}

#[test]
fn shows_every_mistake_at_its_place() {
    let fixture = Fixture::empty().with("policy.yaml", MISTAKEN);
    assert_snapshot!(fixture.run("validate policy.yaml"), @r#"
    exit 1
    --- stderr
    error[unknown-mode]: unknown mode `alow`
     --> policy.yaml:6:15
      |
    6 |         mode: alow
      |               ^^^^ not a mode
      |
      = help: did you mean `allow`

    error[unquoted-text]: `USD` is not a value
     --> policy.yaml:8:30
      |
    8 |           - args.currency == USD
      |                              ^^^
      |
      = help: quote it: `"USD"`

    `policy.yaml` is refused: 2 errors
    for more about a code run `hexgate-compile --explain unknown-mode`
    "#);
}

#[test]
fn warns_and_refuses_for_it_when_told_to() {
    let fixture = Fixture::empty().with("policy.yaml", "version: 1\ntools:\n  refund:\n    mode: allow\n    constraints:\n      - args.amount <= 5\n");
    assert_snapshot!(fixture.run("validate policy.yaml"), @r#"
    exit 0
    ✓ policy.yaml is valid: 1 role, 1 tool rule, with 2 warnings
    --- stderr
    warning[no-only]: `refund` is constrained, and accepts arguments that no constraint names
     --> policy.yaml:3:3
      |
    3 |   refund:
      |   ^^^^^^ no `only` among its constraints
      |
      = help: add `only(args, ["amount"])` with all arguments that it may be given

    warning[one-sided-bound]: `args.amount` is bounded from above only: negative numbers pass
     --> policy.yaml:6:9
      |
    6 |       - args.amount <= 5
      |         ^^^^^^^^^^^ no lower bound
      |
      = help: add `args.amount > 0`, or the least value that is meant

    for more about a code run `hexgate-compile --explain no-only`
    "#);
    let denied = fixture.run("validate policy.yaml --deny-warnings");
    assert!(
        denied.starts_with("exit 1\n") && denied.contains("`policy.yaml` is refused"),
        "{denied}"
    );
}

#[test]
fn reads_a_directory_of_roles() {
    let fixture = Fixture::empty()
        .with("roles/default.yaml", "tools:\n  ping: { mode: deny }\n")
        .with("roles/support.yaml", "tools:\n  ping: { mode: allow }\n")
        .with("roles/.hidden.yaml", "nonsense")
        .with("roles/README.md", "notes");
    assert_snapshot!(fixture.run("validate roles"), @r"
    exit 0
    ✓ roles is valid: 2 roles, 2 tool rules
    --- stderr
    note[skipped-entry]: skipped: its name begins with a dot
    --> roles/.hidden.yaml

    note[skipped-entry]: skipped: its name does not end in `.yaml` or `.yml`
    --> roles/README.md
    ");
}

#[test]
fn programs_get_their_formats_on_stdout() {
    let fixture = Fixture::empty().with("policy.yaml", MISTAKEN);
    let json = fixture.json(&["validate", "policy.yaml", "--format", "json"]);
    assert!(json.is_object() || json.is_array());
    let sarif = fixture.json(&["validate", "policy.yaml", "--format", "sarif"]);
    assert_eq!(sarif["version"], "2.1.0");
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
    let github = fixture
        .command("validate policy.yaml --format github")
        .output()
        .unwrap();
    assert_eq!(github.status.code(), Some(1));
    assert!(
        String::from_utf8(github.stdout)
            .unwrap()
            .starts_with("::error file=policy.yaml,line=6")
    );
    assert!(github.stderr.is_empty());
}

#[test]
fn files_that_are_no_policies() {
    let fixture = Fixture::empty()
        .with("empty.yaml", "")
        .with("tabs.yaml", "tools:\n\trefund:\n\t\tmode: allow\n")
        .with("list.yaml", "- a\n- b\n")
        .with("binary.yaml", b"\x7fELF\0\x01\x02\xff")
        .with("none/notes.txt", "no roles here");
    assert_snapshot!(fixture.run("validate empty.yaml"), @r"
    exit 1
    --- stderr
    error[empty-source]: the policy is empty
    --> empty.yaml
     = help: write `{}` for the policy that denies everything

    `empty.yaml` is refused: 1 error
    for more about a code run `hexgate-compile --explain empty-source`
    ");
    assert_snapshot!(fixture.run("validate tabs.yaml"), @r"
    exit 1
    --- stderr
    error[yaml-tab]: a tab stands in the indentation
     --> tabs.yaml:2:1
      |
    2 |     refund:
      | ^^^^ a tab
      |
      = help: indent with spaces: YAML does not allow tabs there

    `tabs.yaml` is refused: 1 error
    for more about a code run `hexgate-compile --explain yaml-tab`
    ");
    assert_snapshot!(fixture.run("validate list.yaml"), @r"
    exit 1
    --- stderr
    error[wrong-type]: a policy is a mapping, not a list
     --> list.yaml:1:1
      |
    1 | - a
      | ^^^ a list

    `list.yaml` is refused: 1 error
    for more about a code run `hexgate-compile --explain wrong-type`
    ");
    assert_snapshot!(fixture.run("validate binary.yaml"), @r"
    exit 1
    --- stderr
    error[invalid-utf8]: byte 7 of this file is not UTF-8
     --> binary.yaml:1:1
      |
    1 | �
      | ^ here
      |
      = help: a policy is a YAML text: is this the right file?

    `binary.yaml` is refused: 1 error
    for more about a code run `hexgate-compile --explain invalid-utf8`
    ");
    assert_snapshot!(fixture.run("validate none"), @r"
    exit 1
    --- stderr
    error[no-roles]: no role stands in this directory
    --> none
     = help: a role is a file `NAME.yaml` directly in the directory

    note[skipped-entry]: skipped: its name does not end in `.yaml` or `.yml`
    --> none/notes.txt

    `none` is refused: 1 error
    for more about a code run `hexgate-compile --explain no-roles`
    ");
    assert_snapshot!(fixture.run("validate missing.yaml"), @r"
    exit 2
    --- stderr
    error: cannot read `missing.yaml`: No such file or directory (os error 2); check the path
    ");
}

#[test]
fn a_bundle_is_not_taken_for_a_directory_of_roles() {
    let fixture = Fixture::new().with_bundle();
    assert_snapshot!(fixture.run("validate dist"), @r"
    exit 2
    --- stderr
    error: `dist` is a bundle already: name the policy that it was built from; `hexgate policy inspect` shows what is in it, and `hexgate policy verify` who signed it
    ");
}
