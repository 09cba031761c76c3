//! Codes of reading files and YAML.

use crate::diagnostic::CodeDoc;

pub(super) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        "invalid-utf8",
        "a policy file is not UTF-8",
        "A policy is a text in UTF-8. A file in another encoding, or one that is no text at all, is refused at the first byte that is not UTF-8.

Save the file as UTF-8, or check that the right file was named.",
    ),
    CodeDoc::error(
        "refused-character",
        "a character that may not stand in a policy",
        "Control characters, characters that change the direction of text, and characters that some readers of YAML take for a line break can make a policy read differently from what it says. None of them may stand in a policy.

Remove the character. Where a constraint or pattern really needs it, write it as an escape within double quotes: `\"args.separator == \\\"\\\\u2028\\\"\"`.",
    ),
    CodeDoc::error(
        "source-too-large",
        "a policy is longer than what is read",
        "A policy in one file may have 16 MiB; in a directory each file may have 1 MiB, and all together 16 MiB.

Let roles share rules with `inherits` and mixins, and constraints share lists with `consts`.",
    ),
    CodeDoc::error(
        "empty-source",
        "a policy file is empty",
        "A file without content is refused, because it is more often the trace of a failed write than the wish to deny everything.

Write `{}` for the policy that denies everything.",
    ),
    CodeDoc::error(
        "no-roles",
        "a policy has no role that a caller could have",
        "`roles:` is empty, a directory holds no `*.yaml` or `*.yml` file, or all roles are mixins. Such a policy could only deny everything, which is unlikely to be meant.

Add a role:

    roles:
      default: {}",
    ),
    CodeDoc::error(
        "not-a-file",
        "a role is not a regular file",
        "In a directory of roles each role is a regular file. Symbolic links are refused: what they point to can change, or be swapped, without the reviewed directory changing.

Put the file itself into the directory.",
    ),
    CodeDoc::error(
        "duplicate-role",
        "two files define the same role",
        "In a directory of roles the name of a file without its extension is the name of the role, so `support.yaml` and `support.yml` define the same one. Which would count depends on the reader.

Remove or rename one of the files.",
    ),
    CodeDoc::note(
        "skipped-entry",
        "an entry of a directory of roles was skipped",
        "Roles are the files `*.yaml` and `*.yml` that stand directly in the directory. Folders, names that begin with a dot and files with other extensions are skipped, and each is reported so that no role is missing unnoticed.

Rename or move the file if it should be a role.",
    ),
    CodeDoc::error(
        "yaml-syntax",
        "the source is not YAML",
        "The text cannot be read as YAML 1.2. Frequent reasons: indentation that does not fit the lines above, and texts that YAML takes for something else. A text that contains `: ` or ` #`, or that begins with one of ``[ ] { } \" ' & * ! | > % @ ` ``, needs quotes around all of it:

    constraints:
      - '\"beta\" in args.tags'      # without the single quotes YAML sees a text and then something else",
    ),
    CodeDoc::error(
        "yaml-tab",
        "a tab stands in the indentation",
        "YAML does not allow tabs in indentation, because editors disagree on how wide they are.

Indent with spaces; most editors can convert a file.",
    ),
    CodeDoc::error(
        "yaml-several-documents",
        "a file holds several YAML documents",
        "A line `---` begins another document. A reader that looks at the first document only would see another policy than one that looks at the last.

Put all roles below `roles:` in one document, or each into a file of a directory.",
    ),
    CodeDoc::error(
        "yaml-directive",
        "a YAML directive",
        "Lines such as `%YAML 1.1` or `%TAG` change how the rest of the file is read. A policy is always YAML 1.2.

Remove the line.",
    ),
    CodeDoc::error(
        "yaml-too-deep",
        "a document is nested too deep",
        "A document may nest 64 levels. No part of a policy needs more than a handful, so this is a slip of brackets or indentation, or an attack on the reader.

Check the brackets.",
    ),
    CodeDoc::error(
        "yaml-alias",
        "an alias repeats too much, or itself",
        "Aliases (`*name`) may repeat 100,000 values in all, because a few lines of aliases of aliases can stand for billions. An alias may not stand within the value that it names.

Share rules between roles with `inherits` and mixins instead.",
    ),
    CodeDoc::error(
        "yaml-tag",
        "a YAML tag that policies do not use",
        "Tags ask the reader to make a certain type of a value. A policy needs only `!!str`, which makes a text of what would be a number, and quotes do the same.

Remove the tag, and quote the value if a text is meant.",
    ),
    CodeDoc::error(
        "yaml-key",
        "a key is not a string",
        "All keys of a policy are strings. A bare `1`, `true` or `null` is not, and neither is a list or mapping; readers of YAML disagree on what becomes of such keys.

Quote the key: `\"1\": …`.",
    ),
    CodeDoc::error(
        "yaml-merge-key",
        "a merge key",
        "`<<` merges a mapping into another in YAML 1.1, and is an ordinary key in YAML 1.2. What a tool may do must not depend on the reader.

Share rules between roles with `inherits` and mixins. A tool that is really called so is written `\"<<\"`.",
    ),
    CodeDoc::error(
        "duplicate-key",
        "a key stands twice in a mapping",
        "Some readers of YAML let the first entry count, some the last. With

    tools:
      wire_transfer: { mode: deny }
      wire_transfer: { mode: allow }

a reviewer sees the denial and the agent gets the permission. So a repeated key is an error.

Remove one of the entries.",
    ),
    CodeDoc::error(
        "ambiguous-scalar",
        "a scalar that readers of YAML understand differently",
        "YAML 1.1 and 1.2 disagree on bare words and numbers such as `yes`, `no`, `on`, `010`, `0x1F`, `1_000`, `1e3`, `+1`, `.5`, `12:30`, `2026-01-31`. A policy is read by people and by other tools, and must mean the same to all.

Quote what is meant as a text: `\"no\"`. Write numbers as JSON does, in full: `8`, `1000`, `0.5`, `1.5e+3`. Write booleans `true` and `false`.",
    ),
];
