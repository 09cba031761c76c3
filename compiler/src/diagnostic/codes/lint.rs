//! The codes of what is allowed and probably not meant.

use crate::diagnostic::CodeDoc;

pub(crate) const ALLOW_OVER_DENY: &str = "allow-over-denied-pattern";
pub(crate) const CONFLICTING_PARENTS: &str = "conflicting-parents";
pub(crate) const CONTRADICTION: &str = "contradiction";
pub(crate) const DEAD_RULE: &str = "dead-rule";
pub(crate) const DROPPED_CONSTRAINTS: &str = "dropped-constraints";
pub(crate) const EMPTY_SCOPE: &str = "empty-scope";
pub(crate) const NO_DEFAULT_ROLE: &str = "no-default-role";
pub(crate) const NO_ONLY: &str = "no-only";
pub(crate) const ONE_SIDED_BOUND: &str = "one-sided-bound";
pub(crate) const PERMISSIVE_DEFAULT: &str = "permissive-default";
pub(crate) const REDUNDANT: &str = "redundant";
pub(crate) const ABSENT_BOUND: &str = "absent-argument-bound";
pub(crate) const UNKNOWN_NAME: &str = "unknown-name";
pub(crate) const UNUSED_CONST: &str = "unused-const";
pub(crate) const UNUSED_DEFINE: &str = "unused-define";
pub(crate) const UNUSED_MIXIN: &str = "unused-mixin";

/// The codes of all lints.
pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::warning(
        ABSENT_BOUND,
        "an argument may be absent by one condition, and must be there for a bound in another",
        "A comparison is never true of an argument that is absent. So a bound outside of the condition that lets it be absent demands it again:

    constraints:
      - not present(args.limit) or args.limit <= 100
      - args.limit >= 1                                  # denies the call without `limit`

Write both bounds where the argument may be absent: `optional(args.limit, . >= 1 and . <= 100)`. If the argument is demanded, say so once and leave out the alternative.",
    ),
    CodeDoc::warning(
        UNKNOWN_NAME,
        "an alternative names a role or a tool that the policy does not have",
        "In an `or` a name that nothing has is silent: `tool == \"refnd\" or …` adds nothing, and `tool != \"refnd\" or …` is true of every call, so that the rest of it restricts nothing.

    constraints: ['tool != \"refnd\" or args.amount <= 1000']
    tools: { refund: { mode: allow } }

Correct the name. Names of tools are not looked at where `default_policy` permits something, since any tool may then be called.",
    ),
    CodeDoc::warning(
        ALLOW_OVER_DENY,
        "a tool is allowed that a shorter pattern denies",
        "The rule of a call is that of the tool's exact name, else that of the longest pattern that matches. In

    tools:
      \"mcp__shell__*\": { mode: deny }
      mcp__shell__run: { mode: allow }

`mcp__shell__run` is allowed. That may be meant; a reader who sees the pattern takes it for denied.

If nobody may call what matches, write it below `forbid`, which no rule lifts:

    forbid:
      - tools: [\"mcp__shell__*\"]",
    ),
    CodeDoc::warning(
        CONFLICTING_PARENTS,
        "a later parent loosens the rule of an earlier one",
        "Parents are read from left to right, and the rule of a later one replaces that of an earlier one, also where the earlier was stricter:

    inherits: [strict, loose]     # the rule of `loose` counts

Change the order of the parents if the stricter rule is meant, or write the rule into the role itself to say that the looser one is.",
    ),
    CodeDoc::warning(
        CONTRADICTION,
        "constraints that no call can satisfy together",
        "All constraints of the policy and of the tool must hold. Where two exclude each other, every call of the tool is denied:

    constraints: [args.tenant == \"acme\"]                      # for every tool
    tools:
      ping: { mode: allow, constraints: ['only(args, [])'] }   # and this one has no `tenant`

A constraint on an argument is never true where the argument is absent. For a condition on some tools only, name them: `tool == \"ping\" or args.tenant == \"acme\"`.

Only contradictions that are certain are reported.",
    ),
    CodeDoc::warning(
        DEAD_RULE,
        "a part of the policy that is never looked at",
        "A tool whose mode is `deny`, or that has no mode, is denied before its constraints and its scope are looked at. Constraints of a policy apply to tools that are not denied; where all are, they apply to none. An allowed path pattern that is also a denied one never allows anything, and an `except_paths` pattern without a denied one that it could lift lifts nothing. In a list of rules one that asks the same as another, or more, and comes to no more, never decides. A tool that is forbidden without a condition needs no rule.

Most often the mode was forgotten:

    refund: { mode: allow, constraints: [args.amount <= 50] }",
    ),
    CodeDoc::warning(
        DROPPED_CONSTRAINTS,
        "a rule replaces an inherited one and drops its constraints",
        "The entry of a tool replaces the whole entry that a role inherits; nothing of it is merged. In

    roles:
      base: { is_mixin: true, tools: { refund: { mode: allow, constraints: [args.amount <= 50] } } }
      support: { inherits: [base], tools: { refund: { mode: approval_required } } }

a human may be asked to approve any amount. A new constraint of the same kind on the same argument counts as a replacement, and is not reported.

Repeat the constraints that are still meant. What must hold for every tool and every child belongs below `constraints` of the policy, which add up.",
    ),
    CodeDoc::warning(
        EMPTY_SCOPE,
        "a file scope lets every path pass",
        "A scope without patterns demands that there is a path, and lets each pass. In particular `allowed_paths: []` does not mean that no path is allowed: without allowed patterns all paths are, except the denied ones.

List the paths that are allowed: `allowed_paths: ['docs/**']`. To allow none, deny the tool.",
    ),
    CodeDoc::warning(
        NO_DEFAULT_ROLE,
        "no role `default`",
        "A caller without a role, or with roles that the policy does not know, is decided by the role `default`. Without one such callers are denied everything. That is safe, and a surprise to those who expect some role to stand in.

Say what is meant:

    roles:
      default: {}      # callers without a known role may do nothing",
    ),
    CodeDoc::warning(
        NO_ONLY,
        "a constrained tool accepts arguments that no constraint names",
        "Constraints look at the arguments that they name. A tool that takes others too, or takes the same thing under a second name, can be called around them: `refund(amount=10, amount_cents=900000)`.

`only` closes the list:

    refund:
      mode: allow
      constraints:
        - only(args, [\"amount\", \"currency\"])
        - args.amount > 0
        - args.amount <= 50

List every argument that the tool may be given, the unconstrained ones too.",
    ),
    CodeDoc::warning(
        ONE_SIDED_BOUND,
        "an upper bound without a lower one",
        "`args.amount <= 50` is true of -1000000 as well, and many systems take a negative refund for a charge.

Say from where on the argument is allowed:

    - args.amount > 0
    - args.amount <= 50",
    ),
    CodeDoc::warning(
        PERMISSIVE_DEFAULT,
        "every tool that is not listed is allowed",
        "`default_policy: { mode: allow }` without constraints, or a pattern `*` with such a rule, allows every tool that the policy does not list: also those that the agent is given later, and misspelt ones. In the role `default` it does so for callers that nobody knows.

Deny by default and list the tools that are allowed. `approval_required` is a middle way.",
    ),
    CodeDoc::warning(
        REDUNDANT,
        "a constraint or rule that changes nothing",
        "The same constraint stands twice for a tool, or already below the policy's `constraints`; or a role repeats a rule that it inherits. Today nothing changes without it. A later change of one of the two would leave the other behind.

Remove the repetition.",
    ),
    CodeDoc::warning(
        UNUSED_CONST,
        "a constant that no constraint uses",
        "No constraint that sees this constant uses it: constraints see those of their own role, of its parents, and those beside `roles:`. An author who changes its value would expect something to happen.

Use it as `consts.NAME`, or remove it.",
    ),
    CodeDoc::warning(
        UNUSED_DEFINE,
        "a named condition that nothing uses",
        "No constraint that sees this condition uses it, nor does another condition. What was meant to be demanded is not.

Use it as `NAME(args.x)`, or as `NAME()` if it looks at no `.`; or remove it.",
    ),
    CodeDoc::warning(
        UNUSED_MIXIN,
        "a mixin that no role inherits",
        "A role with `is_mixin: true` is there to be inherited from; no caller can have it. If no role inherits it, its rules apply to no caller.

Inherit from it, remove it, or remove `is_mixin`.",
    ),
];
