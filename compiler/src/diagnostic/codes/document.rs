//! Codes of reading the document: keys, types, names.

use crate::diagnostic::CodeDoc;

pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        "unknown-key",
        "a key that is not known here",
        "An unknown key is refused, never skipped: in

    refund: { mode: allow, constraint: [args.amount <= 50] }

skipping `constraint` (for `constraints`) would allow every amount.

The keys of a policy are `version`, `description`, `inherits`, `is_mixin`, `default_policy`, `tools`, `constraints`, `forbid`, `consts`, `define`, and `arguments` where it is the whole document; of a rule `mode`, `constraints`, `file_scope`, `message`, `description`, `approval`; of what is forbidden `tools`, `constraints`, `file_scope`, `message`, `description`; of `approval` `roles`, `expires`, `approvers`, `reason`; of a scope `allowed_paths`, `denied_paths`, `except_paths`, `argument`, `arguments`, `search`, `style`. Beside `roles:` only `version`, `description`, `arguments`, `constraints`, `forbid`, `consts` and `define` may stand.",
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
        "The mode of a rule is `allow`, `deny` or `approval_required`, in small letters. Without a mode a tool is denied; in a list of rules each says its mode.",
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
        "the name of a role has a `*`",
        "A `*` makes the name of a tool a pattern, and never that of a role: a role is somebody's, and no rule makes roles up.

Name each role. What several roles share belongs into a mixin that they inherit.",
    ),
    CodeDoc::error(
        "rule-list",
        "a list of rules that cannot be",
        "A tool has one rule, a mapping, or a list of 1 to 64 rules. In a list each says its mode:

    refund:
      - { mode: allow, constraints: [args.amount > 0, args.amount <= 50] }
      - { mode: approval_required, constraints: [args.amount > 50, args.amount <= 500] }
      - { mode: deny, constraints: [ctx.frozen == true], message: \"Refunds are frozen.\" }

Those with `mode: deny` are exceptions: one denies unless its condition is false, whatever the others say. A rule without a mode would be one, by what was left out.",
    ),
    CodeDoc::error(
        "bad-forbid",
        "something forbidden that cannot be forbidden so",
        "`forbid` is a list of what no rule grants. A call of one of the `tools` (names or patterns; all whose names are not closed if the key is absent) is denied unless the condition is false:

    forbid:
      - tools: [\"mcp__shell__*\"]
        constraints: ['contains(args.command, \"rm \")']
        message: \"Deleting is done by people.\"

`tools: []` would forbid nothing, and is refused. Beside `roles` it is asked before any role, so it cannot look at `role`. The scope of what is forbidden, and of an exception, says which paths are denied: `denied_paths` and perhaps `except_paths`, and never `allowed_paths`.",
    ),
    CodeDoc::error(
        "bad-message",
        "a message that cannot be carried",
        "A `message` is what the model is told when the rule denies or asks: one line of at most 500 bytes, without control characters. Whoever talks to the agent may get to see it.",
    ),
    CodeDoc::error(
        "bad-description",
        "a description that cannot be carried",
        "A `description` is for people: at most 2,000 bytes, without control characters other than line breaks. It is never part of a verdict.",
    ),
    CodeDoc::error(
        "bad-approval",
        "approval terms that cannot be",
        "`approval` says who has to agree, on a rule with `mode: approval_required`:

    transfer:
      mode: approval_required
      approval: { roles: [finance], expires: \"1h\", approvers: 2, reason: required }

`roles` are the approvers' own, 1 to 32 of them; `expires` is a whole number and `s`, `m`, `h` or `d`; `approvers` is 1 to 8; `reason` is `required` or `optional`. What is left out is decided by the host.",
    ),
    CodeDoc::error(
        "unknown-style",
        "a style of paths that does not exist",
        "`style` says how the host writes paths: `posix`, which is what counts without the key, or `windows`: `\\` is `/`, and a path may begin with a drive, which patterns write as `C:/Users/**`.",
    ),
    CodeDoc::error(
        "bad-define",
        "a named condition that cannot be used",
        "`define` gives conditions names: `define: { iso_date: 'matches(., \"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\")' }`, used as `iso_date(args.day)`. A name consists of letters, digits and `_`, does not begin with a digit, and is no word of the language. A condition may use others, and never itself.",
    ),
    CodeDoc::warning(
        "lookalike-name",
        "a name is not what it seems to be",
        "Names are compared letter by letter. One with a character that nobody sees (a zero-width space, a blank at its end), or with one of another script that looks like a letter of ASCII, is another name than the one that a reader takes it for: a rule for it applies to nothing, or to a tool that pretends to be another.

Type the name anew.",
    ),
    CodeDoc::warning(
        "pattern-like-name",
        "a name reads like a pattern",
        "Names of roles are compared letter by letter; those of tools too, but for `*`, which is any run of characters. `Bash(git push)`, `mcp__shell__%` and `{read,write}_file` are rules for tools that are called exactly so, and there are hardly any: what calls tools accepts letters, digits, `_`, `-` and little else.

Name each tool, and say which of its calls are meant with constraints:

    Bash: { mode: allow, constraints: ['args.command == \"git push\"', 'only(args, [\"command\"])'] }",
    ),
    CodeDoc::error(
        "bad-const",
        "a constant that constraints cannot use",
        "The name of a constant consists of letters, digits and `_` and does not begin with a digit, so that `consts.NAME` can be written. Its value is a text, a number (at most 100 digits, exponent within ±1,000), a boolean, null, or a list of these.",
    ),
];
