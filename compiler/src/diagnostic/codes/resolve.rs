//! Codes of looking things up: parents, constants, scopes.

use crate::diagnostic::CodeDoc;

pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        "unknown-parent",
        "a role inherits from one that does not exist",
        "Every name below `inherits` is a role of the same policy: below the same `roles:`, or a file of the same directory. Names are compared letter by letter.",
    ),
    CodeDoc::warning(
        "repeated-parent",
        "a role inherits twice from the same one",
        "A role stands twice below `inherits`. The second mention changes nothing. Another role may have been meant.

Remove it, or name the role that was meant.",
    ),
    CodeDoc::error(
        "inheritance-cycle",
        "a role inherits from itself",
        "A role inherits from itself, directly or through others, so there is no order in which the rules could be put together.

Put what the roles share into a mixin that all of them inherit.",
    ),
    CodeDoc::error(
        "conflicting-const",
        "two parents define a constant differently",
        "A role inherits two values for the same name. Whichever counted, constraints written in the sight of the other would seem to mean something else.

Give the constants different names, or define it once in a role that both inherit from.",
    ),
    CodeDoc::error(
        "redefined-const",
        "a constant is redefined that an inherited constraint uses",
        "A constant is looked up where the constraint is written, so that no child can loosen what it inherits:

    roles:
      base: { is_mixin: true, consts: { limit: 50 }, constraints: [args.amount <= consts.limit] }
      support: { inherits: [base], consts: { limit: 5000 } }     # the limit stays 50

The redefinition would look as if it changed the constraint, so it is refused.

Choose another name for the new constant; replace the tool's entry if its rule is to change.",
    ),
    CodeDoc::error(
        "conflicting-define",
        "two parents define a named condition differently",
        "A role inherits two conditions of the same name. Whichever counted, constraints written in the sight of the other would seem to mean something else.

Give the conditions different names, or define it once in a role that both inherit from.",
    ),
    CodeDoc::error(
        "redefined-define",
        "a named condition is redefined that something inherited uses",
        "A named condition is looked up where the constraint is written, so that no child can loosen what it inherits. A redefinition would look as if it changed the inherited constraint, so it is refused.

Choose another name for the new condition; replace the tool's entry if its rule is to change.",
    ),
    CodeDoc::error(
        "scope-argument",
        "which argument holds the path is not known, known to be another, or no argument's name",
        "A file scope looks at the arguments that hold paths. For `read_file`, `write_file` and `edit_file` it is `file_path`, for `glob` and `grep` it is `path`, unless the scope says otherwise. For every other tool, and for patterns of names, the scope names it:

    upload:
      mode: allow
      file_scope: { argument: source, allowed_paths: ['out/**'] }
    move_file:
      mode: allow
      file_scope: { arguments: [source, destination], allowed_paths: ['work/**'] }

Each is the name alone, as callers send it: `source`, and neither `args.source` nor `$.source`. A scope cannot look at a member within an argument. An argument may be a list of paths; each of them must be covered.",
    ),
    CodeDoc::error(
        "ambiguous-patterns",
        "two patterns of tool names of which neither counts",
        "Of the patterns that match a tool the one with the most characters that are not `*` counts. In

    tools:
      \"read_*\": { mode: allow }
      \"*_file\": { mode: deny }

both have five, and `read_file` is matched by both. The error shows such a name.

Make one of the two longer, give both the same rules, or list the tool by name. What nobody may call belongs below `forbid`.",
    ),
    CodeDoc::error(
        "too-many-forbids",
        "too many forbids with a file scope are about some of the tools of a rule",
        "What a result of a search must satisfy travels with the verdict: the scope of the rule, and those of what is forbidden for the tool. Where a rule is for many tools (a pattern, `default_policy`) and a forbid for some of them, both possibilities are kept; more than four such forbids would be too many.

List the tools by name, or join the denied patterns in one forbid.",
    ),
    CodeDoc::error(
        "bad-pattern",
        "a path pattern that cannot be used",
        "Patterns look like those of gitignore: without a slash a pattern matches a name at any depth, with one it is anchored at the root; `*`, `?` and `[a-z]` stay within a segment, `**` as a whole segment crosses any number; a trailing slash means `/**`. With `style: windows` one may begin with a drive, as in `C:/Users/**`. There is no `!` (what is lifted from denied patterns stands under `except_paths`), no `\\`, no braces, no `..`, no leading `./`: what could be read in two ways, or could never match, is refused.",
    ),
    CodeDoc::error(
        "policy-too-large",
        "a policy grows too large when it is compiled",
        "A policy can cost far more than it is long: every role has all rules of its parents, constants are written out into constraints, a short pattern may need a table of megabytes. What a policy may cost is counted, by the same budget on every machine; the error says which part of it is used up, and where:

    values     4,000,000   keys and values of all documents
    flattened  4,000,000   rules, constraints and (four times) constants as inheritance copies them
    applied    4,000,000   constraints of all rules, those of the policy counted for each tool
    constants  1,000,000   values of constants that are written out into constraints
    patterns     256 MiB   automata that are made from patterns
    tables        16 MiB   tables of all patterns, alike ones once
    lints      4,000,000   conditions that are checked against each other, rule by rule
    overlaps   4,000,000   steps to tell which of overlapping patterns of tool names counts

A role has at most 1,024 patterns of tool names, and forbids at most 1,024 times. The plan that is made from a policy takes at most 16 MiB.

Let fewer roles inherit from fewer roles; apply constraints of the policy to fewer tools; begin patterns with `^`; split a policy that serves several agents.",
    ),
];
