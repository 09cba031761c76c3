//! Every way in which a text is not a constraint: the codes, the places, and what the help of the first says.

use super::{super::*, consts, unmark};

/// The text with the place of each error marked, the codes in the order of the places, a part of the first one's help.
type Row = (&'static str, &'static [&'static str], &'static str);

const SYNTAX: &[Row] = &[
    ("⟦⟧", &["constraint-empty"], "args.amount <= 500"),
    ("⟦ \t\n ⟧", &["constraint-empty"], "remove the entry"),
    ("args.x == 1⟦)⟧", &["constraint-syntax"], ""),
    ("args.x == 1⟦]⟧", &["constraint-syntax"], ""),
    (
        "args.x == 1⟦,⟧ args.y == 2",
        &["constraint-syntax"],
        "`- ` before each",
    ),
    (
        "args.x == 1 ⟦args⟧.y == 2",
        &["constraint-syntax"],
        "join two conditions with `and` or `or`",
    ),
    (
        "args.x == 1 ⟦present⟧(args.y)",
        &["constraint-syntax"],
        "join",
    ),
    (
        "args.x == 1 ⟦(⟧args.y == 2)",
        &["constraint-syntax"],
        "join",
    ),
    ("args.x == 1 ⟦2⟧", &["constraint-syntax"], ""),
    ("args.x == 1 ⟦then⟧ deny", &["constraint-syntax"], ""),
    ("⟦(⟧args.x == 1", &["constraint-syntax"], ""),
    (
        "args.a == 1 and ⟦(⟧args.x == 1 or args.y == 2",
        &["constraint-syntax"],
        "",
    ),
    ("(args.x == 1 ⟦]⟧", &["constraint-syntax"], ""),
    (
        "(args.x == 1 ⟦args⟧.y == 2)",
        &["constraint-syntax"],
        "join",
    ),
    ("(⟦)⟧", &["constraint-syntax"], ""),
    ("⟦)⟧", &["constraint-syntax"], ""),
    ("⟦and⟧ args.x == 1", &["constraint-syntax"], ""),
    ("args.x == 1 and⟦⟧", &["constraint-syntax"], ""),
    (
        "args.x == 1 and ⟦or⟧ args.y == 2",
        &["constraint-syntax"],
        "",
    ),
    ("args.x == 1 or⟦⟧", &["constraint-syntax"], ""),
    ("not⟦⟧", &["constraint-syntax"], ""),
    ("not ⟦and⟧ args.x == 1", &["constraint-syntax"], ""),
    ("args.x ==⟦⟧", &["constraint-syntax"], ""),
    ("⟦==⟧ 5", &["constraint-syntax"], ""),
    ("args.x == ⟦==⟧ 5", &["constraint-syntax"], ""),
    ("args.x == ⟦and⟧ args.y == 1", &["constraint-syntax"], ""),
    ("args.x in⟦⟧", &["constraint-syntax"], ""),
    ("args.x ⟦5⟧", &["constraint-syntax"], "operators are"),
    ("args.x ⟦equal⟧ 5", &["constraint-syntax"], "operators are"),
    ("args.x == ⟦(5)⟧", &["constraint-syntax"], "leave them out"),
    ("args.x in ⟦[⟧1, 2", &["constraint-syntax"], ""),
    ("args.x in [1 ⟦2⟧]", &["constraint-syntax"], ""),
    (
        "args.x in [1⟦,⟧]",
        &["constraint-syntax"],
        "remove the comma",
    ),
    ("args.x in [⟦,⟧ 1]", &["constraint-syntax"], ""),
    ("args.x in [1, 2⟦)⟧", &["constraint-syntax"], ""),
    (
        "(args.x in [1, 2⟦)⟧ and args.y == 1",
        &["constraint-syntax"],
        "",
    ),
    ("args.x in [1 ⟦or⟧ 2]", &["constraint-syntax"], ""),
    ("⟦{\"a\": 1}⟧", &["object-literal"], "only("),
    ("args == ⟦{}⟧", &["object-literal"], "member"),
    (
        "args.x == ⟦{\"a\": \"}\", \"b\": {}}⟧ and ⟦arg⟧.y == 1",
        &["object-literal", "unknown-root"],
        "",
    ),
    ("args.x == ⟦{⟧", &["object-literal"], ""),
];

const CHARACTERS: &[Row] = &[
    ("args.x == 1⟦;⟧", &["constraint-character"], "one condition"),
    ("args.x == 1 ⟦# five⟧", &["constraint-character"], "YAML"),
    ("args.x == 1 ⟦// five⟧", &["constraint-character"], "YAML"),
    ("⟦$⟧args.x == 1", &["constraint-character"], "bare name"),
    (
        "args.x ⟦+⟧ 1 == 2",
        &["constraint-character"],
        "do not calculate",
    ),
    (
        "args.x ⟦-⟧ 1 == 2",
        &["constraint-character"],
        "do not calculate",
    ),
    (
        "args.x ⟦*⟧ 2 == 2",
        &["constraint-character"],
        "do not calculate",
    ),
    (
        "args.x == ⟦-⟧",
        &["constraint-character"],
        "begins with a digit",
    ),
    (
        "args.x == ⟦-⟧ 5",
        &["constraint-character"],
        "begins with a digit",
    ),
    (
        "args.x == 1 ⟦?⟧ true : false",
        &["constraint-character", "constraint-character"],
        "no conditional",
    ),
    ("args.x ⟦^⟧ 2", &["constraint-character"], "matches"),
    ("args.x ==⟦\u{a0}⟧1", &["constraint-character"], "invisible"),
    ("args.x == ⟦\0⟧1", &["constraint-character"], ""),
    ("⟦☃⟧", &["constraint-character"], ""),
    (
        "args.x == 1⟦\\⟧",
        &["constraint-character"],
        "double quotes",
    ),
];

const OPERATORS: &[Row] = &[
    ("args.x ⟦=⟧ 5", &["wrong-operator"], "write `==`"),
    ("args.x ⟦===⟧ 5", &["wrong-operator"], "write `==`"),
    ("args.x ⟦!==⟧ 5", &["wrong-operator"], "write `!=`"),
    ("args.x ⟦<>⟧ 5", &["wrong-operator"], "write `!=`"),
    ("args.x ⟦=<⟧ 5", &["wrong-operator"], "write `<=`"),
    ("args.x ⟦=>⟧ 5", &["wrong-operator"], "write `>=`"),
    ("args.x ⟦≤⟧ 5", &["wrong-operator"], "write `<=`"),
    ("args.x ⟦≠⟧ 5", &["wrong-operator"], "write `!=`"),
    (
        "args.x ⟦=~⟧ \"a\"",
        &["wrong-operator"],
        "matches(path, \"pattern\")",
    ),
    (
        "args.x == 1 ⟦&&⟧ args.y == 2",
        &["wrong-operator"],
        "write `and`",
    ),
    (
        "args.x == 1 ⟦&⟧ args.y == 2",
        &["wrong-operator"],
        "write `and`",
    ),
    (
        "args.x == 1 ⟦||⟧ args.y == 2",
        &["wrong-operator"],
        "write `or`",
    ),
    ("⟦!⟧present(args.x)", &["wrong-operator"], "write `not`"),
    (
        "⟦!⟧⟦args.x⟧",
        &["wrong-operator", "condition-expected"],
        "write `not`",
    ),
    (
        "args.x == 1 ⟦AND⟧ args.y == 2",
        &["wrong-operator"],
        "write `and`",
    ),
    (
        "args.x == 1 ⟦Or⟧ args.y == 2",
        &["wrong-operator"],
        "write `or`",
    ),
    ("⟦NOT⟧ args.x == 1", &["wrong-operator"], "write `not`"),
    ("⟦Not⟧ (args.x == 1)", &["wrong-operator"], "write `not`"),
    ("args.x ⟦IN⟧ [1]", &["wrong-operator"], "write `in`"),
    (
        "args.x ⟦NOT⟧ ⟦IN⟧ [1]",
        &["wrong-operator", "wrong-operator"],
        "write `not`",
    ),
    ("args.x ⟦is⟧ null", &["wrong-operator"], "write `==`"),
    ("args.x ⟦is not⟧ null", &["wrong-operator"], "write `!=`"),
    ("args.x ⟦eq⟧ 5", &["wrong-operator"], "write `==`"),
    ("args.x ⟦lte⟧ 5", &["wrong-operator"], "write `<=`"),
    (
        "args.x ⟦startswith⟧ \"a\"",
        &["wrong-operator"],
        "write `startswith(args.x, \"a\")`",
    ),
    (
        "args.x ⟦contains⟧ \"a\" and ⟦arg⟧.y == 1",
        &["wrong-operator", "unknown-root"],
        "contains(args.x, \"a\")",
    ),
    (
        "args.x ⟦like⟧ \"a%\"",
        &["wrong-operator"],
        "matches(args.x",
    ),
    (
        "1 < args.x ⟦<⟧ 5",
        &["chained-comparison"],
        "`1 < args.x and args.x < …`",
    ),
    (
        "args.x == args.y ⟦==⟧ args.z",
        &["chained-comparison"],
        "and args.y ==",
    ),
    ("args.x in [1] ⟦==⟧ true", &["chained-comparison"], ""),
    ("args.x == 1 ⟦in⟧ [true]", &["chained-comparison"], ""),
    ("args.x == 1 ⟦not⟧ in [true]", &["chained-comparison"], ""),
    ("args.x ⟦not⟧ == 5", &["misplaced-not"], "write `!=`"),
    ("args.x ⟦not⟧ < 5", &["misplaced-not"], "write `>=`"),
    ("args.x ⟦not⟧ 5", &["misplaced-not"], "args.x != …"),
    ("args.x in ⟦not⟧ [5]", &["misplaced-not"], "`not in`"),
    ("args.x == ⟦not⟧ true", &["misplaced-not"], "write `!=`"),
    (
        "args.x == ⟦not⟧ not not true",
        &["misplaced-not"],
        "write `!=`",
    ),
    ("args.x ⟦not⟧", &["misplaced-not"], ""),
];

const VALUES: &[Row] = &[
    ("args.x == ⟦USD⟧", &["unquoted-text"], "quote it: `\"USD\"`"),
    ("args.x == ⟦New York⟧", &["unquoted-text"], "`\"New York\"`"),
    (
        "args.x == ⟦New York⟧ and args.y == ⟦eu-west-1⟧",
        &["unquoted-text", "unquoted-text"],
        "`\"New York\"`",
    ),
    ("args.x == ⟦Größe⟧", &["unquoted-text"], "`\"Größe\"`"),
    ("args.x == ⟦TRUE⟧", &["unquoted-text"], "write `true`"),
    ("args.x == ⟦False⟧", &["unquoted-text"], "write `false`"),
    ("args.x == ⟦None⟧", &["unquoted-text"], "write `null`"),
    ("args.x == ⟦undefined⟧", &["unquoted-text"], "write `null`"),
    ("args.x < ⟦TRUE⟧", &["unquoted-text"], "write `true`"),
    ("⟦amount⟧ <= 500", &["unquoted-text"], "`\"amount\"`"),
    ("⟦arg⟧ == 5", &["unquoted-text"], "`args`"),
    (
        "args.x in [⟦USD⟧, ⟦EUR⟧, \"GBP\"]",
        &["unquoted-text", "unquoted-text"],
        "`\"USD\"`",
    ),
    ("args.state == ⟦OR⟧", &["unquoted-text"], "`\"OR\"`"),
    ("args.country == ⟦IN⟧", &["unquoted-text"], "`\"IN\"`"),
    ("args.x == ⟦'USD'⟧", &["wrong-quotes"], "write `\"USD\"`"),
    ("args.x == ⟦`USD`⟧", &["wrong-quotes"], "write `\"USD\"`"),
    ("args.x == ⟦“USD”⟧", &["wrong-quotes"], "write `\"USD\"`"),
    (
        "args.x in [⟦'a'⟧, ⟦'b'⟧]",
        &["wrong-quotes", "wrong-quotes"],
        "\"a\"",
    ),
    ("args.x == ⟦'⟧USD", &["wrong-quotes"], "double quotes"),
    ("args.x == ⟦\"⟧USD", &["unclosed-text"], "end it"),
    ("args.x == ⟦\"⟧USD\\", &["unclosed-text"], "end it"),
    ("args.x == ⟦\"⟧USD\\\"", &["unclosed-text"], "end it"),
    ("args.x == ⟦\"⟧", &["unclosed-text"], "end it"),
    ("args.x in [⟦\"⟧a, 1]", &["unclosed-text"], "end it"),
    (
        "not (startswith(args.x, ⟦\"⟧a))",
        &["unclosed-text"],
        "end it",
    ),
    ("⟦\"⟧a == args.x", &["unclosed-text"], "end it"),
    (
        "⟦arg⟧.y == 1 and args.x == ⟦\"⟧a and arg.z == 2",
        &["unknown-root", "unclosed-text"],
        "",
    ),
    ("args.x == \"a⟦\n⟧b\"", &["invalid-text"], "`\\n`"),
    ("args.x == \"a⟦\t⟧b\"", &["invalid-text"], "`\\t`"),
    ("args.x == \"a⟦\u{1}⟧b\"", &["invalid-text"], "`\\u0001`"),
    ("args.x == \"⟦\\d⟧+\\w\"", &["invalid-text"], "`\\\\d`"),
    ("args.x == \"⟦\\'⟧\"", &["invalid-text"], ""),
    ("args.x == \"⟦\\u⟧12\"", &["invalid-text"], "`\\u00e9`"),
    ("args.x == \"⟦\\u⟧+123\"", &["invalid-text"], "`\\u00e9`"),
    ("args.x == \"⟦\\ud800⟧\"", &["invalid-text"], "both halves"),
    (
        "args.x == \"⟦\\udc00⟧\\ud800\"",
        &["invalid-text"],
        "both halves",
    ),
    (
        "args.x == \"⟦\\ud800⟧\\ud800\"",
        &["invalid-text"],
        "both halves",
    ),
    (
        "args.x == \"⟦\\ud800⟧\\n\"",
        &["invalid-text"],
        "both halves",
    ),
    ("args.x == ⟦+5⟧", &["invalid-number"], "write `5`"),
    ("args.x == ⟦.5⟧", &["invalid-number"], "write `0.5`"),
    ("args.x == ⟦5.⟧", &["invalid-number"], "write `5.0`"),
    ("args.x == ⟦05⟧", &["invalid-number"], "write `5`"),
    ("args.x == ⟦-05⟧", &["invalid-number"], "write `-5`"),
    ("args.x <= ⟦1_000⟧", &["invalid-number"], "write `1000`"),
    ("args.x == ⟦0x1F⟧", &["invalid-number"], "`31`"),
    ("args.x == ⟦1e⟧", &["invalid-number"], "as JSON does"),
    ("args.x == ⟦5kg⟧", &["invalid-number"], "quote a text"),
    (
        "args.x == ⟦2026-01-31⟧",
        &["invalid-number"],
        "`\"2026-01-31\"`",
    ),
    (
        "args.x == ⟦2026-01-31T10:00:00Z⟧",
        &["invalid-number"],
        "`\"2026-01-31T10:00:00Z\"`",
    ),
    (
        "args.ip == ⟦10.0.0.1⟧",
        &["invalid-number"],
        "`\"10.0.0.1\"`",
    ),
    ("args.x == ⟦NaN⟧", &["invalid-number"], "bound"),
    ("args.x < ⟦Infinity⟧", &["invalid-number"], "bound"),
    (
        "args.x in [⟦01⟧, ⟦+2⟧, 3]",
        &["invalid-number", "invalid-number"],
        "`1`",
    ),
    ("args.x < ⟦1e1001⟧", &["number-limit"], "malformed"),
    ("args.x > ⟦1e-1001⟧", &["number-limit"], "malformed"),
    (
        "args.x < ⟦11111111112222222222333333333344444444445555555555666666666677777777778888888888999999999900000000001⟧",
        &["number-limit"],
        "malformed",
    ),
];

const PATHS: &[Row] = &[
    ("⟦arg⟧.x == 1", &["unknown-root"], "`args.x`"),
    ("⟦context⟧.x == 1", &["unknown-root"], "`ctx.x`"),
    ("⟦users⟧.x == 1", &["unknown-root"], "`user.x`"),
    ("⟦input⟧.args.x == 1", &["unknown-root"], "`args.x`"),
    (
        "⟦foo⟧.bar[\"x\"].y == 1",
        &["unknown-root"],
        "paths begin with",
    ),
    (
        "⟦Args⟧.x == 1 and ⟦arg⟧.y == 2",
        &["unknown-root", "unknown-root"],
        "`args.x`",
    ),
    (
        "args.a == 1 and (⟦arg⟧.b == 2 or present(⟦agrs⟧.c))",
        &["unknown-root", "unknown-root"],
        "",
    ),
    ("⟦const⟧.max == args.x", &["unknown-root"], "`consts.max`"),
    ("args⟦.⟧.x == 1", &["invalid-path"], "`[\"name\"]`"),
    ("args.x⟦.⟧ == 1", &["invalid-path"], "`.name`"),
    ("args⟦.⟧ x == 1", &["invalid-path"], "remove the space"),
    ("args ⟦.x⟧ == 1", &["invalid-path"], "`args.x`"),
    (
        "args.⟦user-id⟧ == 1",
        &["invalid-path"],
        "`args[\"user-id\"]`",
    ),
    ("args.⟦größe⟧ == 1", &["invalid-path"], "`args[\"größe\"]`"),
    ("args.⟦1st⟧ == 1", &["invalid-path"], "`args[\"1st\"]`"),
    ("args.list⟦[0]⟧ == 1", &["invalid-path"], "`any(path"),
    ("args.list⟦[-1]⟧ == 1", &["invalid-path"], "`any(path"),
    ("args.list⟦[*]⟧ == 1", &["invalid-path"], "`any(path"),
    ("args⟦[x]⟧ == 1", &["invalid-path"], "`[\"x\"]`"),
    ("args⟦[]⟧ == 1", &["invalid-path"], "`[\"name\"]`"),
    ("args⟦[\"a\", \"b\"]⟧ == 1", &["invalid-path"], "one name"),
    ("args[⟦'x'⟧] == 1", &["wrong-quotes"], "`\"x\"`"),
    (
        "role⟦.name⟧ == \"a\"",
        &["invalid-path"],
        "write `role` alone",
    ),
    (
        "tool⟦[\"name\"]⟧ == \"a\"",
        &["invalid-path"],
        "write `tool` alone",
    ),
    ("⟦consts⟧ == 1", &["invalid-path"], "`consts.NAME`"),
    (
        "args.x == ⟦consts[\"max_refund\"]⟧",
        &["invalid-path"],
        "`consts.NAME`",
    ),
    (
        "args.x == consts.max_refund⟦.y⟧",
        &["invalid-path"],
        "`consts.max_refund`",
    ),
    (
        "args.x == consts.⟦max_refnd⟧",
        &["unknown-constant"],
        "`consts.max_refund`",
    ),
    (
        "args.x == consts.⟦zzzzzzzz⟧",
        &["unknown-constant"],
        "constants are",
    ),
    ("⟦.⟧ == 1", &["element-outside-quantifier"], "`args.name`"),
    (
        "⟦.amount⟧ == 1",
        &["element-outside-quantifier"],
        "`args.amount`",
    ),
    ("any(⟦.⟧, . == 1)", &["element-outside-quantifier"], ""),
    (
        "any(args.l, . == 1) and ⟦.⟧ == 2",
        &["element-outside-quantifier"],
        "",
    ),
    (
        "any(args.l, .⟦[\"odd\"]⟧ == 1)",
        &["invalid-path"],
        "`.name`",
    ),
    ("any(args.l, .⟦.x⟧ == 1)", &["invalid-path"], "`.name`"),
    ("args.y == 1 or ⟦1⟧", &["condition-expected"], ""),
];

const CALLS: &[Row] = &[
    ("⟦len⟧(args.x) < 5", &["unknown-function"], "`count(path)`"),
    (
        "⟦starts_with⟧(args.x, \"a\")",
        &["unknown-function"],
        "`startswith(path, \"text\")`",
    ),
    (
        "⟦startwith⟧(args.x, \"a\")",
        &["unknown-function"],
        "`startswith(path, \"text\")`",
    ),
    (
        "⟦all⟧(args.x, . == 1)",
        &["unknown-function"],
        "`every(path, condition)`",
    ),
    (
        "⟦frobnicate⟧(args.x) == 1 and ⟦arg⟧.y == 2",
        &["unknown-function", "unknown-root"],
        "functions are",
    ),
    (
        "args.x == ⟦lower⟧(args.y)",
        &["unknown-function"],
        "functions are",
    ),
    (
        "⟦args.x.startswith⟧(\"a\")",
        &["unknown-function"],
        "`startswith(args.x, \"a\")`",
    ),
    (
        "⟦args.x.length⟧() < 5",
        &["unknown-function"],
        "`count(args.x)`",
    ),
    ("present⟦()⟧", &["wrong-arguments"], "`present(path)`"),
    (
        "present⟦(args.x, args.y)⟧",
        &["wrong-arguments"],
        "`present(path)`",
    ),
    (
        "count⟦(args.x, 1)⟧ == 1",
        &["wrong-arguments"],
        "`count(path)`",
    ),
    (
        "startswith⟦(args.x)⟧",
        &["wrong-arguments"],
        "`startswith(path, \"text\")`",
    ),
    (
        "startswith⟦(args.x, \"a\", \"b\")⟧",
        &["wrong-arguments"],
        "`startswith(path, \"text\")`",
    ),
    (
        "every⟦(args.x)⟧",
        &["wrong-arguments"],
        "`every(path, condition)`",
    ),
    ("⟦present⟧ args.x", &["wrong-arguments"], "`present(path)`"),
    (
        "present(⟦\"args.x\"⟧)",
        &["wrong-arguments"],
        "path such as",
    ),
    (
        "present(⟦count(args.x)⟧)",
        &["wrong-arguments"],
        "path such as",
    ),
    (
        "count(⟦count(count(args.x))⟧) == 1",
        &["wrong-arguments"],
        "path such as",
    ),
    (
        "startswith(⟦\"a\"⟧, args.x)",
        &["wrong-arguments"],
        "the path comes first",
    ),
    ("contains(args.x, ⟦5⟧)", &["wrong-arguments"], "`\"5\"`"),
    (
        "contains(args.x, ⟦args.y⟧)",
        &["wrong-arguments"],
        "`==` only",
    ),
    (
        "contains(args.x, ⟦[\"a\"]⟧)",
        &["wrong-arguments"],
        "one call a text",
    ),
    ("matches(args.x, ⟦5⟧)", &["wrong-arguments"], "`\"5\"`"),
    (
        "matches(args.x, ⟦null⟧)",
        &["wrong-arguments"],
        "`\"null\"`",
    ),
    ("only(args, ⟦\"x\"⟧)", &["wrong-arguments"], "`[\"x\"]`"),
    ("only(args, [\"a\", ⟦5⟧])", &["wrong-arguments"], "`\"5\"`"),
    (
        "startswith(args.x, ⟦consts.owner⟧)",
        &["constant-not-allowed"],
        "write the text here",
    ),
    (
        "matches(args.x, ⟦consts.max_refund⟧)",
        &["constant-not-allowed"],
        "write the text here",
    ),
    (
        "only(args, ⟦consts.currencies⟧)",
        &["constant-not-allowed"],
        "write the list here",
    ),
    ("present⟦(⟧args.x", &["constraint-syntax"], ""),
    ("startswith⟦(⟧args.x, \"a\"", &["constraint-syntax"], ""),
    (
        "startswith(args.x ⟦\"a\"⟧, \"b\")",
        &["constraint-syntax"],
        "",
    ),
    ("present(args.x ⟦args⟧.y)", &["constraint-syntax"], ""),
    ("every(args.l, . == 1 ⟦.⟧ == 2)", &["constraint-syntax"], ""),
    ("present(⟦⟧", &["constraint-syntax"], ""),
    ("every(args.l, ⟦)⟧", &["constraint-syntax"], ""),
    ("every(args.l, ⟦.⟧)", &["condition-expected"], "`. == true`"),
    (
        "every(args.l, any(.m, ⟦any⟧(.n, . == 1)))",
        &["quantifiers-too-deep"],
        "flatter",
    ),
    (
        "any(args.l, any(., ⟦every⟧(., ⟦any⟧(., . == 1))))",
        &["quantifiers-too-deep", "quantifiers-too-deep"],
        "",
    ),
    ("matches(args.x, \"^⟦(?=⟧a)$\")", &["invalid-regex"], ""),
    (
        "matches(args.x, \"^a\\\\d\\u00e9⟦(⟧b$\")",
        &["invalid-regex"],
        "",
    ),
    ("⟦args.x⟧", &["condition-expected"], "`args.x == true`"),
    ("not ⟦args.x⟧", &["condition-expected"], "`present(args.x)`"),
    (
        "⟦args.x⟧ and ⟦args.y⟧ or args.z == 1",
        &["condition-expected", "condition-expected"],
        "",
    ),
    ("⟦true⟧", &["condition-expected"], "compare it"),
    (
        "⟦count(args.x)⟧",
        &["condition-expected"],
        "`count(args.x) > 0`",
    ),
    ("⟦consts.flag⟧", &["condition-expected"], "compare it"),
    (
        "(⟦args.x⟧) == 5",
        &["condition-expected"],
        "leave them out around a value",
    ),
    (
        "present(args.x) ⟦==⟧ true",
        &["condition-expected"],
        "leave out `== true`",
    ),
    ("(args.x == 1) ⟦!=⟧ false", &["condition-expected"], "`not`"),
    (
        "true == ⟦present⟧(args.x)",
        &["condition-expected"],
        "joined",
    ),
];

const LISTS: &[Row] = &[
    ("args.x in ⟦5⟧", &["list-expected"], "`[5]`"),
    (
        "args.x in ⟦\"abc\"⟧",
        &["list-expected"],
        "`contains(args.x, \"abc\")`",
    ),
    ("args.x in ⟦(1, 2)⟧", &["list-expected"], "`[1, 2]`"),
    (
        "args.x in ⟦args.list⟧",
        &["list-expected"],
        "`any(args.list, . == args.x)`",
    ),
    (
        "\"a\" in ⟦args.tags⟧",
        &["list-expected"],
        "`any(args.tags, . == \"a\")`",
    ),
    ("any(args.l, . in ⟦args.m⟧)", &["list-expected"], ""),
    ("args.x in ⟦count(args.y)⟧", &["list-expected"], ""),
    (
        "args.x in ⟦consts.max_refund⟧",
        &["list-expected"],
        "`[consts.max_refund]`",
    ),
    ("args.x not in ⟦consts.nothing⟧", &["list-expected"], ""),
    ("args.x in ⟦[]⟧", &["empty-list"], "list the values"),
    ("args.x not in ⟦[]⟧", &["empty-list"], "list the values"),
    (
        "args.x in ⟦consts.empty⟧",
        &["empty-list"],
        "list the values",
    ),
    (
        "args.x in [1, ⟦args.y⟧]",
        &["list-element"],
        "join with `or`",
    ),
    (
        "args.x in [⟦consts.owner⟧, ⟦count(args.y)⟧]",
        &["list-element", "list-element"],
        "whole list a constant",
    ),
    (
        "args.x == [⟦.5⟧, ⟦role⟧]",
        &["invalid-number", "list-element"],
        "",
    ),
];

const NEVER: &[Row] = &[
    ("args.x < ⟦true⟧", &["never-holds"], "mode: deny"),
    ("args.x < ⟦null⟧", &["never-holds"], ""),
    ("args.x >= ⟦[1]⟧", &["never-holds"], ""),
    ("⟦true⟧ < args.x", &["never-holds"], ""),
    ("args.x < ⟦consts.flag⟧", &["never-holds"], ""),
    ("count(args.x) == ⟦\"a\"⟧", &["never-holds"], ""),
    ("count(args.x) == ⟦1.5⟧", &["never-holds"], ""),
    ("count(args.x) == ⟦-1⟧", &["never-holds"], ""),
    ("count(args.x) == ⟦null⟧", &["never-holds"], ""),
    ("count(args.x) == ⟦true⟧", &["never-holds"], ""),
    ("count(args.x) < ⟦0⟧", &["never-holds"], ""),
    ("count(args.x) < ⟦-0.0⟧", &["never-holds"], ""),
    ("count(args.x) <= ⟦-0.1⟧", &["never-holds"], ""),
    ("⟦0⟧ > count(args.x)", &["never-holds"], ""),
    ("count(args.x) > ⟦16777216⟧", &["never-holds"], ""),
    ("count(args.x) >= ⟦1e8⟧", &["never-holds"], ""),
    ("count(args.x) == ⟦1e8⟧", &["never-holds"], ""),
    ("role == ⟦5⟧", &["never-holds"], ""),
    ("role < ⟦5⟧", &["never-holds"], ""),
    ("role != ⟦5⟧", &["never-holds"], ""),
    ("tool == ⟦null⟧", &["never-holds"], ""),
    ("role == ⟦\"\"⟧", &["never-holds"], ""),
    ("tool == ⟦\"a\\nb\"⟧", &["never-holds"], ""),
    ("⟦role == count(args.x)⟧", &["never-holds"], ""),
    ("⟦role == args⟧", &["never-holds"], ""),
    ("args == ⟦5⟧", &["never-holds"], ""),
    ("args == ⟦null⟧", &["never-holds"], ""),
    ("args < ⟦5⟧", &["never-holds"], ""),
    ("⟦args < args.x⟧", &["never-holds"], ""),
    ("⟦args <= args⟧", &["never-holds"], ""),
    ("⟦args.x < args.x⟧", &["never-holds"], ""),
    ("⟦args.x != args.x⟧", &["never-holds"], ""),
    ("⟦count(args.x) > count(args.x)⟧", &["never-holds"], ""),
    ("⟦1 == 2⟧", &["never-holds"], ""),
    ("⟦1 == \"1\"⟧", &["never-holds"], ""),
    ("⟦1 != \"1\"⟧", &["never-holds"], ""),
    ("⟦1 == null⟧", &["never-holds"], ""),
    ("⟦1 < 1.0⟧", &["never-holds"], ""),
    ("⟦\"b\" < \"a\"⟧", &["never-holds"], ""),
    ("⟦true < false⟧", &["never-holds"], ""),
    ("⟦consts.max_refund > 500⟧", &["never-holds"], ""),
    ("⟦[1] == [\"1\"]⟧", &["never-holds"], ""),
    ("role in ⟦[1]⟧", &["never-holds"], ""),
    ("role not in ⟦[1]⟧", &["never-holds"], ""),
    ("role in ⟦[null]⟧", &["never-holds"], ""),
    ("count(args.x) in ⟦[\"a\"]⟧", &["never-holds"], ""),
    ("count(args.x) in ⟦[1.5, -1]⟧", &["never-holds"], ""),
    ("args in ⟦[1, null]⟧", &["never-holds"], ""),
    ("5 in ⟦[1, 2]⟧", &["never-holds"], ""),
    ("5 in ⟦[\"5\"]⟧", &["never-holds"], ""),
    ("5 not in ⟦[5.0]⟧", &["never-holds"], ""),
    ("null not in ⟦[1]⟧", &["never-holds"], ""),
    ("startswith(⟦args⟧, \"a\")", &["never-holds"], ""),
    ("matches(⟦args⟧, \"^a$\")", &["never-holds"], ""),
    ("only(⟦role⟧, [\"a\"])", &["never-holds"], ""),
    ("every(⟦tool⟧, . == 1)", &["never-holds"], ""),
    ("any(⟦args⟧, . == 1)", &["never-holds"], ""),
    ("⟦not present(args)⟧", &["never-holds"], ""),
    ("args.x == 1 or ⟦not (1 == 1)⟧", &["never-holds"], ""),
    ("⟦not (args.x == 1 or role != null)⟧", &["never-holds"], ""),
    (
        "args.x < ⟦true⟧ and count(args.y) < ⟦0⟧ and role == ⟦5⟧",
        &["never-holds", "never-holds", "never-holds"],
        "",
    ),
];

#[test]
fn each_refused_text_is_refused_for_its_reason_at_its_place() {
    let groups = [
        SYNTAX, CHARACTERS, OPERATORS, VALUES, PATHS, CALLS, LISTS, NEVER,
    ];
    let mut wrong = Vec::new();
    let mut rows = 0;
    for (marked, codes, help) in groups.into_iter().flatten() {
        rows += 1;
        let (text, spans) = unmark(marked);
        let errors = match parse(&text, &consts()) {
            Ok(parsed) => {
                wrong.push(format!("{text:?} is accepted as {}", parsed.expr));
                continue;
            }
            Err(errors) => errors,
        };
        let found: Vec<&str> = errors.iter().map(|error| error.code).collect();
        let places: Vec<_> = errors.iter().map(|error| error.span.clone()).collect();
        if std::env::var_os("DUMP").is_some() {
            println!("{marked}");
            for e in &errors {
                println!(
                    "    {}: {} | {} | {} {}",
                    e.code,
                    e.message,
                    e.label,
                    e.help.as_deref().unwrap_or("-"),
                    e.second.as_ref().map_or("", |s| &s.1)
                );
            }
        }
        let first_help = errors[0].help.clone().unwrap_or_default();
        if found != *codes || places != spans || !first_help.contains(help) {
            wrong.push(format!(
                "{marked:?}\n  wanted {codes:?} at {spans:?} with {help:?}\n  found {errors:#?}"
            ));
        }
        for error in &errors {
            well_formed(&text, error);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {rows} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(rows >= 150, "only {rows} rows");
}

/// What every finding has in common.
pub(super) fn well_formed(text: &str, error: &ConstraintError) {
    for span in [
        Some(&error.span),
        error.second.as_ref().map(|(span, _)| span),
    ]
    .into_iter()
    .flatten()
    {
        assert!(
            text.get(span.clone()).is_some(),
            "{span:?} is no place in {text:?}"
        );
    }
    assert!(
        codes::CODES.iter().any(|doc| doc.code == error.code),
        "`{}` is not documented",
        error.code
    );
    let texts = [
        Some(&error.message),
        Some(&error.label),
        error.help.as_ref(),
    ];
    for message in texts.into_iter().flatten() {
        assert!(
            !message.ends_with('.') && !message.contains('\n'),
            "{message:?}"
        );
        assert!(
            !message.chars().next().is_some_and(char::is_uppercase) || message.starts_with("YAML"),
            "{message:?}"
        );
    }
}

#[test]
fn every_error_is_produced() {
    let groups = [
        SYNTAX, CHARACTERS, OPERATORS, VALUES, PATHS, CALLS, LISTS, NEVER,
    ];
    let produced: Vec<&str> = groups
        .into_iter()
        .flatten()
        .flat_map(|(_, codes, _)| codes.iter().copied())
        .collect();
    // These have tests of their own below.
    let elsewhere = ["constraint-too-long", "constraint-too-deep"];
    for doc in codes::CODES
        .iter()
        .filter(|doc| doc.severity == crate::diagnostic::Severity::Error)
    {
        assert!(
            produced.contains(&doc.code) || elsewhere.contains(&doc.code),
            "nothing produces `{}`",
            doc.code
        );
    }
}

#[test]
fn a_text_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let padded = |length: usize| format!("args.x == \"{}\"", "é".repeat(length));
    let text = padded((MAX_BYTES - 12) / 2);
    assert_eq!(text.len(), MAX_BYTES);
    assert!(parse(&text, &consts()).is_ok());
    let text = padded(MAX_BYTES);
    let errors = parse(&text, &consts()).unwrap_err();
    assert_eq!(errors[0].code, "constraint-too-long");
    assert!(errors[0].message.contains("4096"), "{}", errors[0].message);
    well_formed(&text, &errors[0]);
}

#[test]
fn nesting_ends_at_the_limit() {
    let parentheses =
        |depth: usize| format!("{}args.x == 1{}", "(".repeat(depth), ")".repeat(depth));
    let negations = |depth: usize| format!("{}args.x == 1", "not ".repeat(depth));
    let lists = |depth: usize| format!("args.x == {}1{}", "[".repeat(depth), "]".repeat(depth));
    let mixed = |depth: usize| {
        let pairs = depth / 2;
        format!(
            "{}{}args.x == 1{}",
            "not (".repeat(pairs),
            "not ".repeat(depth % 2),
            ")".repeat(pairs)
        )
    };
    for build in [
        &parentheses as &dyn Fn(usize) -> String,
        &negations,
        &lists,
        &mixed,
    ] {
        assert!(
            parse(&build(MAX_NESTING), &consts()).is_ok(),
            "{}",
            build(MAX_NESTING)
        );
        for depth in [MAX_NESTING + 1, 200, 700] {
            let text = build(depth);
            let errors = parse(&text, &consts()).unwrap_err();
            assert_eq!(errors.len(), 1, "{errors:#?}");
            assert_eq!(errors[0].code, "constraint-too-deep");
            assert!(errors[0].message.contains("32"));
        }
    }
    let inside = "any(args.a, not (. == ";
    let text = format!("{inside}{}1{}))", "[".repeat(40), "]".repeat(40));
    assert_eq!(
        parse(&text, &consts()).unwrap_err()[0].code,
        "constraint-too-deep"
    );
}

#[test]
fn a_deep_constant_counts_where_it_is_used() {
    assert!(parse("args.x == consts.deep", &consts()).is_ok());
    assert!(parse("((args.x == consts.deep))", &consts()).is_ok());
    let errors = parse("(((args.x == consts.deep)))", &consts()).unwrap_err();
    assert_eq!(errors[0].code, "constraint-too-deep");
    assert_eq!(errors[0].span, 13..24);
}

#[test]
fn second_places_lead_to_the_cause() {
    for (marked, label) in [
        ("⟦1 < args.x⟧ < 5", "already"),
        ("any(args.l, any(.m, any(.n, . == 1)))", "inside of another"),
        ("⟦(⟧args.x == 1 args.y", "open here"),
        ("args.x in ⟦[⟧1 2]", "open here"),
        ("args.x ⟦in⟧ 5", "list"),
    ] {
        let (text, spans) = unmark(marked);
        let errors = parse(&text, &consts()).unwrap_err();
        let (span, text) = errors[0].second.clone().unwrap();
        if let Some(wanted) = spans.first() {
            assert_eq!(span, *wanted, "{marked}");
        }
        assert!(text.contains(label), "{marked}: {text}");
    }
}
