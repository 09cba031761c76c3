//! The codes of constraints, each with its documentation.

use crate::{diagnostic::CodeDoc, expr::function};

pub(crate) const EMPTY: &str = "constraint-empty";
pub(crate) const TOO_LONG: &str = "constraint-too-long";
pub(crate) const TOO_DEEP: &str = "constraint-too-deep";
pub(crate) const QUANTIFIERS: &str = "quantifiers-too-deep";
pub(crate) const SYNTAX: &str = "constraint-syntax";
pub(crate) const CHARACTER: &str = "constraint-character";
pub(crate) const OPERATOR: &str = "wrong-operator";
pub(crate) const CHAINED: &str = "chained-comparison";
pub(crate) const NOT: &str = "misplaced-not";
pub(crate) const UNQUOTED: &str = "unquoted-text";
pub(crate) const QUOTES: &str = "wrong-quotes";
pub(crate) const UNCLOSED: &str = "unclosed-text";
pub(crate) const TEXT: &str = "invalid-text";
pub(crate) const NUMBER: &str = "invalid-number";
pub(crate) const NUMBER_LIMIT: &str = "number-limit";
pub(crate) const OBJECT: &str = "object-literal";
pub(crate) const PATH: &str = "invalid-path";
pub(crate) const ROOT: &str = "unknown-root";
pub(crate) const OUTSIDE: &str = "element-outside-quantifier";
pub(crate) const FUNCTION: &str = "unknown-function";
pub(crate) const ARGUMENTS: &str = "wrong-arguments";
pub(crate) const CONSTANT: &str = "unknown-constant";
pub(crate) const CONSTANT_HERE: &str = "constant-not-allowed";
pub(crate) const LIST: &str = "list-expected";
pub(crate) const EMPTY_LIST: &str = "empty-list";
pub(crate) const LIST_ELEMENT: &str = "list-element";
pub(crate) const CONDITION: &str = "condition-expected";
pub(crate) const PATTERN: &str = "invalid-regex";
pub(crate) const NEVER: &str = "never-holds";
pub(crate) const ALWAYS: &str = "always-holds";
pub(crate) const UNANCHORED: &str = "unanchored-regex";
pub(crate) const NUMBER_TEXT: &str = "number-as-text";
pub(crate) const DOUBLE_NEGATION: &str = "double-negation";
pub(crate) const DUPLICATE: &str = "duplicate-element";
pub(crate) const DEAD_ELEMENT: &str = "dead-element";
pub(crate) const ELEMENT_UNUSED: &str = "element-unused";
pub(crate) const EMPTY_TEXT: &str = "empty-text";
pub(crate) const URL_PREFIX: &str = "open-url-prefix";
pub(crate) const ITSELF: &str = "compares-itself";
pub(crate) const WILDCARD: &str = "compared-wildcard";
pub(crate) const STAR: &str = "repeated-character";
pub(crate) const MEMBER: &str = "doubtful-member";
pub(crate) const FACT: &str = "unknown-fact";
pub(crate) const UNCOUNTED: &str = "uncounted-fact";
pub(crate) const TYPE: &str = "unknown-type";
pub(crate) const CIRCLE: &str = "circular-definition";
pub(crate) const PATH_PREFIX: &str = "path-prefix";
pub(crate) const HOST_PART: &str = "host-within-text";
pub(crate) const HOST_END: &str = "open-host-ending";
pub(crate) const HOST_DOT: &str = "unescaped-dot";

/// The codes of everything that can be said about a constraint.
pub(crate) const CODES: &[CodeDoc] = &[
    CodeDoc::error(
        EMPTY,
        "a constraint is an empty text",
        "An entry of `constraints` holds no condition. An entry that was forgotten must not look like one that permits everything,\n\
         so it is refused.\n\n    constraints: [\"\"]                       # refused\n    constraints: [\"args.amount <= 500\"]     # a condition\n\n\
         Write the condition or remove the entry.",
    ),
    CodeDoc::error(
        TOO_LONG,
        "a constraint is longer than 4,096 bytes",
        "A denial reports each constraint as written, so a constraint has to stay readable.\n\n\
         Constraints of one tool are joined by `and` anyway: write each part of a top-level `and` as an entry of its own, and give a\n\
         long list a name under `consts`: `args.country in consts.countries`.",
    ),
    CodeDoc::error(
        TOO_DEEP,
        "a constraint is nested more than 32 levels deep",
        "Parentheses, `not`, lists, quantifiers and what named conditions stand for may stand in each other 32 levels deep, and a value\n\
         has at most 32 operations. The limits bound what every engine needs to evaluate a constraint.\n\n\
         Parentheses that change nothing can go: `((args.x == 1))` is `args.x == 1`. Otherwise split the constraint into several.",
    ),
    CodeDoc::error(
        QUANTIFIERS,
        "quantifiers stand in each other more than two deep",
        "`every`, `any`, `every_member`, `any_member`, `anywhere` and `count` with a condition may stand in one another, but not three\n\
         deep: each level multiplies the work of a decision by the length of a list that the model writes. Those that named conditions\n\
         stand for count, `optional` does not.\n\n    every(args.orders, any(.items, .sku == \"A\"))                     # two: fine\n    \
         every(args.orders, any(.items, any(.tags, . == \"x\")))            # three: refused\n\n\
         Let the tool take flatter arguments, or check the innermost list in the tool.",
    ),
    CodeDoc::error(
        SYNTAX,
        "a constraint cannot be read",
        "Something else was expected at the place that is marked. A constraint is one condition:\n\n    \
         args.amount <= 500\n    args.currency in [\"USD\", \"EUR\"] and not (args.note == null)\n    every(args.files, startswith(., \"/tmp/\"))\n\n\
         Conditions are comparisons and functions, joined with `and`, `or`, `not` and parentheses. Values stand without parentheses,\n\
         lists in brackets, elements are separated by commas.",
    ),
    CodeDoc::error(
        CHARACTER,
        "a character has no meaning in a constraint",
        "Constraints have no division, comments, conditionals, variables or statements, so characters such as `/`, `;`, `#`, `?` or\n\
         `$` mean nothing outside of a text. `+`, `-` and `*` stand between two values.\n\n    args.total / 2 <= 500                 # refused: no division\n    args.total <= 2 * 500\n    \"args.total <= 500\"   # limit          # a comment stands in the YAML, behind the quotes\n\n\
         What cannot be said so is written in Rust; `hexgate new` begins a policy, which narrows one in YAML.",
    ),
    CodeDoc::error(
        OPERATOR,
        "an operator of another language",
        "The operators are `==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`, and `and`, `or`, `not` in lower case.\n\n    \
         args.x = 5          ->  args.x == 5\n    a && b, a || b, !a  ->  a and b, a or b, not a\n    args.x <> 5         ->  args.x != 5\n    args.s like \"a\"     ->  startswith(args.s, \"a\")\n\n\
         What was meant is usually plain, and still not guessed: a policy says exactly one thing.",
    ),
    CodeDoc::error(
        CHAINED,
        "a comparison has more than two sides",
        "Languages disagree about what `1 < x < 5` means, so it means nothing here.\n\n    1 <= args.n <= 5                      # refused\n    1 <= args.n and args.n <= 5           # two comparisons\n\n\
         Write each comparison on its own and join them with `and`.",
    ),
    CodeDoc::error(
        NOT,
        "`not` stands where it cannot",
        "`not` negates a condition and stands before it; the one other place is the operator `not in`.\n\n    \
         not args.x == 5              # the same as args.x != 5\n    args.x not in [1, 2]\n    args.x not == 5              # refused: write args.x != 5\n    args.x == not true           # refused: write args.x != true\n    args.x in not [1, 2]         # refused: write args.x not in [1, 2]",
    ),
    CodeDoc::error(
        UNQUOTED,
        "a text lacks its quotes",
        "A bare word is neither a text nor a path. Texts stand in double quotes, and `true`, `false` and `null` are lower case.\n\n    \
         args.currency == USD         ->  args.currency == \"USD\"\n    args.force == TRUE           ->  args.force == true",
    ),
    CodeDoc::error(
        QUOTES,
        "a text stands in other than double quotes",
        "Texts are written as in JSON, in double quotes. Single quotes, backticks and typographic quotes are none.\n\n    \
         args.currency == 'USD'       ->  args.currency == \"USD\"\n\n\
         In YAML put single quotes around the whole constraint: `'args.currency == \"USD\"'`.",
    ),
    CodeDoc::error(
        UNCLOSED,
        "a text is never closed",
        "A text that begins with `\"` has no `\"` at its end, so it is not known where it ends.\n\n    args.name == \"Smith          ->  args.name == \"Smith\"\n\n\
         A quote within a text is written `\\\"`. If the constraint looks complete, look at the quotes of YAML around it: in double\n\
         quotes YAML takes away the backslash of `\\\"`, and unquoted it takes ` #` for a comment.",
    ),
    CodeDoc::error(
        TEXT,
        "a text has a wrong escape or a control character",
        "Texts are JSON strings: `\\\" \\\\ \\/ \\b \\f \\n \\r \\t` and `\\u` with four hexadecimal digits are the only escapes, halves of\n\
         surrogate pairs stand together, and control characters are escaped.\n\n    matches(args.id, \"^\\d+$\")    ->  matches(args.id, \"^\\\\d+$\")\n\n\
         A backslash of a pattern is doubled, and once more within double quotes of YAML.",
    ),
    CodeDoc::error(
        NUMBER,
        "a number is not written as in JSON",
        "Numbers are decimal, without a leading `+` or `0`, with a digit on both sides of the point, without separators and units.\n\
         There is no NaN and no infinity.\n\n    +5, 05, .5, 5., 1_000        ->  5, 5, 0.5, 5.0, 1000\n    0x1F                         ->  31\n    2026-01-31, 10.0.0.1         ->  \"2026-01-31\", \"10.0.0.1\" (texts)",
    ),
    CodeDoc::error(
        NUMBER_LIMIT,
        "a number is larger than any that a call can carry",
        "Numbers are compared exactly, digit by digit. To keep that cheap, numbers with more than 100 digits or an exponent beyond\n\
         ±1,000 are refused in arguments as malformed, so comparing with one is pointless.\n\n    \
         args.n < 1e9999              # refused: write the largest value that is meant\n    args.n < 1e15\n\nWrite the bound that is really meant.",
    ),
    CodeDoc::error(
        OBJECT,
        "an object is written in a constraint",
        "Constants are texts, numbers, booleans, null and lists. An object is compared member by member; `only` forbids all others.\n\n    \
         args.point == {\"x\": 1}                                   # refused\n    args.point.x == 1\n    only(args.point, [\"x\"])",
    ),
    CodeDoc::error(
        PATH,
        "a path is malformed",
        "A path is a root and the names of members, without spaces: `args.user.name`. A name with other characters than letters,\n\
         digits and `_` stands in brackets: `args[\"user-id\"]`. So does the place of an element, from 0 on: `args.command[0]`. Nothing in\n\
         brackets is looked up.\n\n    \
         args.user-id                 ->  args[\"user-id\"]\n    args.files[-1]               ->  any(args.files, …) or every(args.files, …)\n    args.files[args.i]           ->  any(args.files, …)\n    any_member(args.env, .key == \"A\")   ->  any_member(args.env, .name == \"A\")\n    role.name                    ->  role\n\n\
         `role` and `tool` are texts and have no members, and neither has a constant.",
    ),
    CodeDoc::error(
        ROOT,
        "a path begins with an unknown name",
        "A path begins with one of\n\n    args     the arguments of the call\n    ctx      attributes of the caller's context\n    run      facts about the agent's run\n    said     what the user's own words name\n    usage, user_usage   what was counted over time, of the agent and of the user\n    user     facts about the user\n    role     the role that is evaluated, a text\n    tool     the tool's name, a text\n\n\
         and constants with `consts`. `arg.x`, `context.x` or `input.args.x` are none of these.",
    ),
    CodeDoc::error(
        OUTSIDE,
        "`.` stands outside of a quantifier",
        "`.` is the element of the innermost `every` or `any`, and `.name` a member of that element. In `any_member` and `every_member`\n\
         `.name` and `.value` are the member's, in `anywhere` and `optional` `.` is the text and the value, below `define` what the\n\
         condition is asked of. Elsewhere there is no element.\n\n    \
         . == \"a\"                     # refused\n    any(args.tags, . == \"a\")\n    .amount <= 5                 # probably args.amount <= 5",
    ),
    CodeDoc::error(FUNCTION, "there is no such function", function::EXPLANATION),
    CodeDoc::error(
        ARGUMENTS,
        "a function or an operation has wrong arguments",
        "Functions look at one path, which comes first; the second argument of a text function is a text, or what leads to one, that of\n\
         `only` a list of names, that of `every` and `any` a condition, that of `sum` where in an element the number is. `+`, `-` and\n\
         `*` take numbers. A named condition takes the path that it is asked of, if its definition has a `.`.\n\n    startswith(\"a\", args.x)            ->  startswith(args.x, \"a\")\n    sum(args.items)                     ->  sum(args.items, .price)\n    contains(args.tags, 5)              ->  any(args.tags, . == 5)\n    only(args, \"path\")                  ->  only(args, [\"path\"])",
    ),
    CodeDoc::error(
        CONSTANT,
        "there is no constant of that name",
        "`consts.NAME` stands for a value under `consts` of the policy, of the role or of a role that it inherits, in whichever the\n\
         constraint is written. A constant that a child defines is not seen by what it inherits.\n\n    \
         consts: {limit: 500}\n    constraints: [\"args.amount <= consts.limit\"]\n\nDefine it, or correct the name.",
    ),
    CodeDoc::error(
        CONSTANT_HERE,
        "a constant stands where only a literal can",
        "The pattern of `matches` and the names of `only` are written in place, so that a pattern and its anchors are read together.\n\
         Elsewhere a value can be a constant.\n\n    matches(args.id, consts.pattern)         # refused\n    matches(args.id, \"^[a-z]+$\")\n    endswith(args.host, consts.suffix)\n    any(consts.suffixes, endswith(args.host, .))",
    ),
    CodeDoc::error(
        LIST,
        "the right side of `in` is not a list",
        "Right of `in` and `not in` stands a list literal, a constant that is a list, or a path that leads to one.\n\n    args.x in (1, 2)             ->  args.x in [1, 2]\n    args.x in \"abc\"              ->  contains(args.x, …) or args.x == \"abc\"\n    args.x in args.n + 1         ->  args.x == args.n + 1",
    ),
    CodeDoc::error(
        EMPTY_LIST,
        "the right side of `in` is an empty list",
        "Nothing is in an empty list, so the constraint denies every call; and everything is outside of it. Neither is likely to be\n\
         meant.\n\n    args.region in []            # refused\n    args.region in [\"EU\"]\n\nTo forbid a tool write `mode: deny`.",
    ),
    CodeDoc::error(
        LIST_ELEMENT,
        "a list holds something else than literals",
        "The elements of a list are texts, numbers, `true`, `false`, `null` and lists of those.\n\n    \
         args.a in [args.b, args.c]            ->  args.a == args.b or args.a == args.c\n    args.a in [consts.x, 5]               ->  args.a == consts.x or args.a == 5",
    ),
    CodeDoc::error(
        CONDITION,
        "a value stands where a condition is wanted, or the other way round",
        "Values have no truth of their own, and conditions are no values.\n\n    args.confirmed                        ->  args.confirmed == true\n    not args.dry_run                      ->  args.dry_run == false\n    args.note                             ->  present(args.note)\n    present(args.note) == false           ->  not present(args.note)",
    ),
    CodeDoc::error(
        PATTERN,
        "a pattern is malformed, or read differently by different engines",
        "`matches` takes what RE2 and the Rust crate `regex` read alike: literals, classes, groups, alternatives, repetitions, anchors.\n\
         There are no lookarounds and no back references, because matching is linear in the text; and the table of a pattern has at\n\
         most 64 KiB.\n\n    matches(args.id, \"^(?!x).*$\")          # refused: lookahead\n    not startswith(args.id, \"x\")\n\n\
         What is too large for one table is split so that it says the same: `matches(p, \"A|B\")` is\n\
         `matches(p, \"A\") or matches(p, \"B\")`, and a length is for `count(p)`.\n\n\
         In a constraint each backslash of the pattern is written twice: `\"^\\\\d+$\"`.",
    ),
    CodeDoc::error(
        NEVER,
        "a condition can never hold",
        "No call makes the marked condition true, so it would deny every call, or be dead weight beside an `or`. Values of different\n\
         types never compare: `<` orders numbers with numbers and texts with texts, a count is a whole number from 0 on, `role` and\n\
         `tool` are texts, `args` is an object, `lower` leaves no upper-case letters.\n\n    args.x < true                # booleans have no order\n    contains(args, \"secret\")     # for all texts in it: anywhere(args, contains(., \"secret\"))\n    lower(args.x) == \"USD\"\n    count(args.files) < 0\n    role == 5\n    1 == 2\n\n\
         Correct the constant. To forbid a tool write `mode: deny`.",
    ),
    CodeDoc::warning(
        ALWAYS,
        "a condition always holds",
        "The marked condition is true of every call, so it restricts nothing although it looks as if it did.\n\n    1 < 2\n    present(args)                # the arguments are always there\n    role != null\n\nRemove it, or look at a value of the call.",
    ),
    CodeDoc::warning(
        UNANCHORED,
        "a pattern is found anywhere in the text",
        "`matches` looks for the pattern anywhere in the text. Without `^` in front and `$` at the end, other text may stand around.\n\n    \
         matches(args.id, \"inv_[0-9]+\")           # also \"../../inv_1; rm -rf\"\n    matches(args.id, \"^inv_[0-9]+$\")         # the whole text\n\n\
         If a part is meant, `contains`, `startswith` and `endswith` say so; otherwise write `^(?:…)$`. Below `not` a pattern says what\n\
         is forbidden: there it is right to find it anywhere, anchors would let more calls pass, and nothing is reported; so it is in `forbid`\n\
         and in exceptions.",
    ),
    CodeDoc::warning(
        NUMBER_TEXT,
        "a value is compared with a text that looks like a number",
        "`\"5\"` is a text: no number equals it, and texts are ordered letter by letter, so `\"10\" < \"9\"`. If the argument is a number,\n\
         the comparison never holds.\n\n    args.amount <= \"500\"         ->  args.amount <= 500\n\nIf it really is a text of digits, `matches(args.id, \"^5$\")` says the same without doubt.",
    ),
    CodeDoc::warning(
        DOUBLE_NEGATION,
        "a condition is negated twice",
        "Two negations cancel each other, in three-valued logic too, and hide what is meant.\n\n    not not args.x == 1          ->  args.x == 1\n    not (args.x != 1)            ->  args.x == 1\n    not (args.x not in [1])      ->  args.x in [1]",
    ),
    CodeDoc::warning(
        DUPLICATE,
        "an element stands in a list twice",
        "The second element changes nothing. Numbers are compared by value, so `1` and `1.0` are the same. Often one of the two was\n\
         meant to be something else.\n\n    args.currency in [\"USD\", \"EUR\", \"USD\"]     # remove one, or correct it",
    ),
    CodeDoc::warning(
        DEAD_ELEMENT,
        "an element of a list can never be the value that is sought",
        "What stands left of `in` is known to have another type or range than the marked element, which therefore never matters.\n\n    \
         role in [\"admin\", 5]                   # a role is a text\n    count(args.files) in [1, 2.5]          # a count is a whole number\n\nRemove or correct the element.",
    ),
    CodeDoc::warning(
        ELEMENT_UNUSED,
        "the condition of a quantifier does not look at the element",
        "In `every(path, condition)` and `any(path, condition)` the element is `.`, and its members are `.name`. A condition that looks\n\
         at neither says the same about each element.\n\n    every(args.files, startswith(args.path, \"/tmp/\"))\n    every(args.files, startswith(.path, \"/tmp/\"))     # probably meant",
    ),
    CodeDoc::warning(
        EMPTY_TEXT,
        "a text function looks for the empty text",
        "Every text begins with, ends with and contains the empty text, so the condition holds for all texts.\n\n    startswith(args.path, \"\")             # restricts nothing but the type\n    startswith(args.path, \"/tmp/\")\n\n\
         Below `not` it holds for none.",
    ),
    CodeDoc::warning(
        URL_PREFIX,
        "a prefix of a URL does not end the host",
        "A prefix that ends within the host admits other hosts that begin alike.\n\n    startswith(args.url, \"https://example.com\")     # also https://example.com.evil.example\n    startswith(args.url, \"https://example.com/\")    # this host only\n\n\
         End the prefix with `/`. Below `not` the open prefix is the one that forbids more, and nothing is reported.",
    ),
    CodeDoc::warning(
        ITSELF,
        "a value is compared with itself",
        "The comparison holds whenever the value is there (and has an order, for `<=`). Probably one side was meant to be another\n\
         argument.\n\n    args.max >= args.max         ->  args.max >= args.min\n\nTo demand that a value is there write `present(args.max)` instead of `args.max == args.max`. Below `not` such a\n\
         comparison holds for no call.",
    ),
    CodeDoc::error(
        WILDCARD,
        "the name of a tool or role is compared with a text that has a `*`",
        "Names are compared letter by letter, and no tool or role of a policy has a `*` in its name. So the condition is false for every\n\
         call, and `not` makes it true for every call.\n\n    tool != \"mcp__shell__*\"             # refused: it would hold for all tools\n    \
         not startswith(tool, \"mcp__shell__\")\n    matches(tool, \"^mcp__.*__read$\")\n\n\
         Write what the `*` stands for. `contains(tool, \"*\")` looks for the character itself.",
    ),
    CodeDoc::warning(
        STAR,
        "a `*` in a pattern on a name repeats one character",
        "In a pattern of `matches` a `*` repeats what stands before it: `mcp__*` is `mcp_` and any number of `_`.\n\n    \
         matches(tool, \"^mcp__shell__*$\")      # no tool of that server\n    matches(tool, \"^mcp__shell__.*$\")     # all of them\n    startswith(tool, \"mcp__shell__\")\n\n\
         For any text write `.*`. To repeat the character on purpose write `{0,}`.",
    ),
    CodeDoc::warning(
        MEMBER,
        "a member name reads like a path, a pattern or several names",
        "The names in `only` and in the brackets of a path are compared as they stand. An object has a member `args.path` or `x-*` only if\n\
         somebody called it so.\n\n    only(args, [\"args.path\"])             ->  only(args, [\"path\"])\n    only(args, [\"path, mode\"])            ->  only(args, [\"path\", \"mode\"])\n    only(args, [\"*\"])                     # leave it out, or name each\n\nWrite each name alone.",
    ),
    CodeDoc::error(
        FACT,
        "there is no such fact",
        "What hosts count and hear has names of its own, so that a misspelled one is found before it denies everything:\n\n    \
         run.NAME                   agent approvals calls_of_this_tool denials elapsed_seconds errors id input_tokens llm_calls\n    \
                                    output_tokens tool_calls tools_used total_tokens\n    \
         usage.METRIC_WINDOW        denials invocations llm_calls tokens tool_calls, over 5m 1h 24h 7d 30d: usage.tool_calls_24h\n    \
         user_usage.METRIC_WINDOW   the same of the user\n    \
         said.KIND                  dates emails handles hosts ibans numbers paths quoted urls\n\n\
         What the host knows besides stands in `ctx` and `user`, which have any names.",
    ),
    CodeDoc::warning(
        UNCOUNTED,
        "a fact about the run that the runtime does not count",
        "Below `run` the runtime counts what `unknown-fact` lists. Another name is there only if the host adds it; where it does not, it is\n\
         absent, and a comparison with it is never true.\n\n    run.spent_usd <= 50          # denies every call unless the host says what was spent\n\n\
         Facts of the host's own are better placed in `ctx`.",
    ),
    CodeDoc::error(
        TYPE,
        "there is no such type",
        "`type(path)` is one of `null`, `boolean`, `number`, `text`, `list`, `object`, as a text in double quotes.\n\n    \
         type(args.x) == \"string\"     ->  type(args.x) == \"text\"\n    type(args.x) == \"array\"      ->  type(args.x) == \"list\"\n    type(args.x) == \"integer\"    ->  type(args.x) == \"number\"\n\n\
         It is undefined where nothing is there.",
    ),
    CodeDoc::error(
        CIRCLE,
        "a named condition uses itself",
        "Named conditions are expanded where they are used, so none can stand for itself, not even by way of others.\n\n    \
         define:\n      a: b(.) or . == 1\n      b: a(.x)                 # refused\n\nWrite out what is meant for the depth that the data has.",
    ),
    CodeDoc::warning(
        PATH_PREFIX,
        "a path is kept in a folder by its prefix",
        "A text that begins with a folder may lead out of it again, and may be written in other ways: `..`, links, other letters. A scope\n\
         reads paths as file systems do.\n\n    \
         startswith(args.path, \"/srv/app/\")       # also \"/srv/app/../../etc/passwd\"\n\n    \
         file_scope: { argument: path, allowed_paths: [\"/srv/app/**\"] }\n\n\
         What is forbidden stands in `denied_paths` of a scope.",
    ),
    CodeDoc::warning(
        HOST_PART,
        "a host is looked for anywhere in a text",
        "A URL can have the name of any host in its path, its query, its user name or in front of another host's name.\n\n    \
         contains(args.url, \"docs.example.com\")     # also \"https://evil.example/?docs.example.com\"\n    \
         startswith(args.url, \"https://docs.example.com/\")\n    args.host == \"docs.example.com\"\n\n\
         Below `not`, and in what is forbidden, it is right to look for it anywhere, and nothing is reported.",
    ),
    CodeDoc::warning(
        HOST_END,
        "the ending of a host or address does not begin where a name begins",
        "What stands before the ending may be part of another name.\n\n    \
         endswith(args.host, \"example.com\")         # also \"evilexample.com\"\n    \
         args.host == \"example.com\" or endswith(args.host, \".example.com\")\n    \
         endswith(args.to, \"@example.com\")\n\n\
         Put the `.` or `@` before it. Below `not`, and in what is forbidden, nothing is reported.",
    ),
    CodeDoc::warning(
        HOST_DOT,
        "a dot in the host of a pattern stands for any character",
        "In a pattern `.` is any character, so a host in which it is not escaped is also the name of others.\n\n    \
         matches(args.url, \"^https://drive.example.com/.*$\")         # also https://drive-example.com/\n    \
         matches(args.url, \"^https://drive\\\\.example\\\\.com/.*$\")\n\n\
         Write `\\\\.` for a dot. Below `not`, and in what is forbidden, nothing is reported.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_documented_once() {
        let mut codes: Vec<&str> = CODES.iter().map(|doc| doc.code).collect();
        codes.sort_unstable();
        let before = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), before);
    }
}
