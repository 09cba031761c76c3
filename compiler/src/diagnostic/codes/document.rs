//! Codes of reading the document: keys, types, names.

use crate::diagnostic::CodeDoc;

pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        "unknown-key",
        "a key that is not known here",
        "An unknown key is refused, never skipped: in

    refund: { mode: allow, constraint: [args.amount <= 50] }

skipping `constraint` (for `constraints`) would allow every amount.

The keys of a policy are `version`, `inherits`, `is_mixin`, `default_policy`, `tools`, `constraints`, `consts`, and `arguments` where it is the whole document; of a tool `mode`, `constraints`, `file_scope`; of a scope `allowed_paths`, `denied_paths`, `argument`. Beside `roles:` only `version`, `arguments`, `constraints` and `consts` may stand.",
    ),
    CodeDoc::error(
        "wrong-type",
        "a value has another type than its key demands",
        "Each key takes one type: a mapping, a list, a string or a boolean. Nothing is converted; `constraints: args.x == 1` is not a list of one.

An empty value may stand for an empty mapping or list. A text that contains `: `, or begins with a bracket, becomes a mapping or list unless it is quoted.",
    ),
    CodeDoc::error(
        "unknown-mode",
        "a mode that does not exist",
        "The mode of a tool is `allow`, `deny` or `approval_required`, in small letters. Without a mode a tool is denied.",
    ),
    CodeDoc::error(
        "unknown-arguments",
        "a way to read arguments that does not exist",
        "`arguments` says how strictly the arguments and facts of a call are read. It can be left out, or be `portable`: then two members of an object whose names differ in case alone, and numbers that a double does not hold, are malformed, so that readers which ignore the case of names or take numbers as doubles find the same in a text as the policy did.

It stands in a policy of one document only, beside `roles:` if there are any.",
    ),
    CodeDoc::error(
        "unknown-version",
        "a version of policies that this compiler does not know",
        "`version` is the number 1, also where it is left out. Another version may give the same keys another meaning, so it is not guessed at.

Write `version: 1`.",
    ),
    CodeDoc::error(
        "flat-inheritance",
        "inheritance in a policy without roles",
        "A document without `roles:` is the one role `default`. It has nothing to inherit from, and no role can inherit from it, so `inherits` and `is_mixin` would silently do nothing.

Put the policy below `roles:`:

    roles:
      shared: { is_mixin: true, tools: { … } }
      default: { inherits: [shared] }",
    ),
    CodeDoc::error(
        "bad-name",
        "a name that no call can bear",
        "A call whose role or tool is empty, longer than 256 bytes or contains a control character is refused before any rule is looked at. A rule for such a name could never apply.",
    ),
    CodeDoc::error(
        "wildcard-name",
        "the name of a tool or role has a `*`",
        "Names are compared letter by letter: there are no patterns in them. In

    default_policy: { mode: allow }
    tools:
      \"mcp__shell__*\": { mode: deny }      # refused: it would deny no tool

the calls that are meant would all be allowed.

Name each tool. For tools that are not listed `default_policy` takes a condition on the name:

    default_policy:
      mode: allow
      constraints: ['not startswith(tool, \"mcp__shell__\")']

What several roles share belongs into a mixin that they inherit.",
    ),
    CodeDoc::warning(
        "pattern-like-name",
        "a name reads like a pattern",
        "Names are compared letter by letter. `Bash(git push)`, `mcp__shell__%` and `{read,write}_file` are rules for tools that are called exactly so, and there are hardly any: what calls tools accepts letters, digits, `_`, `-` and little else.

Name each tool, and say which of its calls are meant with constraints:

    Bash: { mode: allow, constraints: ['args.command == \"git push\"', 'only(args, [\"command\"])'] }",
    ),
    CodeDoc::error(
        "bad-const",
        "a constant that constraints cannot use",
        "The name of a constant consists of letters, digits and `_` and does not begin with a digit, so that `consts.NAME` can be written. Its value is a text, a number (at most 100 digits, exponent within ±1,000), a boolean, null, or a list of these.",
    ),
];
