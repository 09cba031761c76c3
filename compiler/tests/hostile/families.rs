//! Sources that make the compiler work as hard as they can: each family at any length.

/// What stands on disk.
pub(crate) enum Source {
    Text(String),
    Bytes(Vec<u8>),
    /// The files of a directory.
    Roles(Vec<(String, String)>),
}

pub(crate) struct Family {
    pub(crate) name: &'static str,
    /// A source of about so many bytes, at most that many.
    pub(crate) make: fn(usize) -> Source,
    /// The codes of all that is said about one of [`SMALL`](super::SMALL) bytes; empty if it is compiled in silence.
    pub(crate) codes: &'static [&'static str],
}

/// A text of lines until it is long enough; what stands behind them counts too.
fn lines(size: usize, head: &str, line: impl Fn(usize) -> String, tail: &str) -> Source {
    Source::Text(text(size, head, line, tail))
}

fn text(size: usize, head: &str, line: impl Fn(usize) -> String, tail: &str) -> String {
    let mut text = head.to_owned();
    for index in 0.. {
        let line = line(index);
        if text.len() + line.len() + tail.len() > size {
            break;
        }
        text.push_str(&line);
    }
    text + tail
}

/// Two parts of half the length each.
fn halves(
    size: usize,
    first: (&str, impl Fn(usize) -> String),
    second: (&str, impl Fn(usize) -> String),
) -> Source {
    let one = text(size / 2, first.0, first.1, "");
    Source::Text(one + &text(size / 2, second.0, second.1, ""))
}

const TOOLS: &str = "tools:\n";
const ROLES: &str = "roles:\n  default: {}\n";
/// The constraints of one tool.
const TOOL: &str = "tools:\n  t:\n    mode: allow\n    constraints:\n      - only(args, [\"a\"])\n";
const POLICY: &str = "constraints:\n";

fn quoted(constraint: &str) -> String {
    format!("      - '{constraint}'\n")
}

fn at_policy(constraint: &str) -> String {
    format!("  - '{constraint}'\n")
}

fn allowed(index: usize) -> String {
    format!("  t{index}: {{ mode: allow }}\n")
}

/// As many as fit into a constraint.
fn filled(open: &str, item: impl Fn(usize) -> String, between: &str, close: &str) -> String {
    let mut text = open.to_owned();
    for index in 0.. {
        let next = item(index);
        if text.len() + between.len() + next.len() + close.len() > 4_000 {
            break;
        }
        if index > 0 {
            text.push_str(between);
        }
        text.push_str(&next);
    }
    text + close
}

// A family is one line where it can be: read as a table.
#[rustfmt::skip]
pub(crate) const FAMILIES: &[Family] = &[
    // Names that nobody knows.
    Family {
        name: "unknown parents",
        make: |size| lines(size, ROLES, |i| format!("  role_number_{i}: {{ inherits: [rolle_number_{i}] }}\n"), ""),
        codes: &["unknown-parent"],
    },
    Family {
        name: "unknown parents of one role",
        make: |size| halves(size, (ROLES, |i| format!("  role_number_{i}: {{}}\n")), ("  all:\n    inherits:\n", |i| format!("      - rule_number_{i}\n"))),
        codes: &["unknown-parent"],
    },
    Family {
        name: "unknown constants",
        make: |size| halves(size, ("consts:\n", |i| format!("  constant_{i}: 1\n")), (TOOL, |i| quoted(&format!("args.a == consts.konstant_{i}")))),
        codes: &["unknown-constant"],
    },
    Family {
        name: "wrong uses of constants",
        make: |size| halves(size, ("consts:\n", |i| format!("  c{i}: 1\n")), (TOOL, |i| quoted(&format!("args.a in consts.c{i}")))),
        codes: &["list-expected"],
    },
    Family { name: "unknown keys", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ mod: allow }}\n"), ""), codes: &["unknown-key"] },
    Family { name: "unknown keys of a policy", make: |size| lines(size, "", |i| format!("tool{i}: 1\n"), ""), codes: &["unknown-key"] },
    Family { name: "unknown functions", make: |size| lines(size, TOOL, |i| quoted(&format!("startwith(args.a{i}, \"x\")")), ""), codes: &["unknown-function"] },
    Family { name: "unknown roots", make: |size| lines(size, TOOL, |i| quoted(&format!("arg.a{i} == 1")), ""), codes: &["unknown-root"] },
    Family { name: "unknown modes", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ mode: alow }}\n"), ""), codes: &["unknown-mode"] },
    // YAML.
    Family { name: "duplicate keys", make: |size| lines(size, TOOLS, |_| "  a: {}\n".into(), ""), codes: &["duplicate-key"] },
    Family { name: "nested brackets", make: |size| lines(size, "tools: ", |_| "[".into(), ""), codes: &["yaml-syntax"] },
    Family { name: "nested braces", make: |size| lines(size, "tools: ", |_| "{a: ".into(), ""), codes: &["yaml-too-deep"] },
    Family { name: "nested dashes", make: |size| lines(size, "tools:\n ", |_| "- ".into(), ""), codes: &["yaml-too-deep"] },
    Family { name: "question marks", make: |size| lines(size, "", |_| "? ".into(), ""), codes: &["yaml-too-deep"] },
    Family { name: "brackets that never close", make: |size| lines(size, "tools: [", |_| "a, ".into(), ""), codes: &["yaml-syntax"] },
    Family { name: "a quote that never closes", make: |size| lines(size, "tools: \"", |_| "aaaaaaa\n".into(), ""), codes: &["yaml-syntax"] },
    Family { name: "colons", make: |size| lines(size, "tools: a", |_| ": a".into(), ""), codes: &["yaml-syntax"] },
    Family { name: "documents", make: |size| lines(size, "", |_| "---\n".into(), ""), codes: &["yaml-several-documents"] },
    Family { name: "tags", make: |size| lines(size, TOOLS, |i| format!("  t{i}: !x 1\n"), ""), codes: &["wrong-type", "yaml-tag"] },
    Family { name: "ambiguous scalars", make: |size| lines(size, "consts:\n", |i| format!("  c{i}: yes\n"), ""), codes: &["ambiguous-scalar"] },
    Family { name: "merge keys", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ <<: 1 }}\n"), ""), codes: &["yaml-merge-key"] },
    Family {
        name: "aliases of aliases",
        make: |size| lines(size, "consts:\n  a0: &a0 [x, x]\n", |i| format!("  a{}: &a{} [*a{i}, *a{i}]\n", i + 1, i + 1), ""),
        codes: &["yaml-alias"],
    },
    Family {
        name: "aliases of a long text",
        make: |size| halves(size, ("consts:\n  a: &a ", |_| "x".into()), ("\n  b:\n", |_| "    - *a\n".into())),
        codes: &["yaml-alias"],
    },
    Family { name: "anchors", make: |size| lines(size, "consts:\n", |i| format!("  c{i}: &a{i} 1\n"), ""), codes: &["unused-const"] },
    Family { name: "tiny values", make: |size| lines(size, "consts:\n  c: [", |_| "0,".into(), "0]\n"), codes: &["unused-const"] },
    Family { name: "tiny lists", make: |size| lines(size, "consts:\n  c: [", |_| "[],".into(), "[]]\n"), codes: &["unused-const"] },
    Family { name: "tiny keys", make: |size| lines(size, "consts: {", |i| format!("c{i}: 1,"), "}\n"), codes: &["unused-const"] },
    Family { name: "blank lines", make: |size| lines(size, "", |_| "\n".into(), ""), codes: &["empty-source"] },
    Family { name: "comments", make: |size| lines(size, "", |_| "# comment\n".into(), "tools: {}\n"), codes: &[] },
    Family { name: "one comment", make: |size| lines(size, "tools: {} # ", |_| "x".into(), "\n"), codes: &[] },
    Family { name: "control characters", make: |size| lines(size, "tools:\n", |_| "\u{1}".into(), ""), codes: &["refused-character"] },
    Family { name: "escaped control characters", make: |size| lines(size, TOOLS, |i| format!("  \"t\\x07{i}\": {{}}\n"), ""), codes: &["bad-name"] },
    Family {
        name: "bytes that are no UTF-8",
        make: |size| Source::Bytes([b"tools:\n".to_vec(), vec![0xff; size - 7]].concat()),
        codes: &["invalid-utf8"],
    },
    Family { name: "halves of characters", make: |size| lines(size, "consts:\n", |i| format!("  c{i}: \"\\ud83d\"\n"), ""), codes: &["yaml-syntax"] },
    Family { name: "pairs of halves", make: |size| lines(size, "consts:\n  c: \"", |_| "\\ud83d\\ude00".into(), "\"\n"), codes: &["unused-const"] },
    Family { name: "a long name", make: |size| lines(size, "tools:\n  ? ", |_| "é".into(), "\n  : {}\n"), codes: &["bad-name"] },
    Family { name: "long names", make: |size| lines(size, TOOLS, |i| format!("  {}{i}: {{ mode: allow }}\n", "n".repeat(240)), ""), codes: &[] },
    Family { name: "a long constraint", make: |size| lines(size, &format!("{TOOL}      - 'args.a == 1"), |_| " and args.a == 1".into(), "'\n"), codes: &["constraint-too-long"] },
    Family { name: "a long text", make: |size| lines(size, "consts:\n  c: |\n    ", |_| "word ".into(), "\n"), codes: &["unused-const"] },
    Family { name: "wrong types", make: |size| lines(size, TOOLS, |i| format!("  t{i}: [1]\n"), ""), codes: &["wrong-type"] },
    Family { name: "tools as a list", make: |size| lines(size, "tools: [", |_| "a, ".into(), "a]\n"), codes: &["wrong-type"] },
    Family { name: "errors on one line", make: |size| lines(size, "tools: {", |i| format!("t{i}: {{ mod: allow }}, "), "}\n"), codes: &["unknown-key"] },
    Family { name: "errors on one line of wide characters", make: |size| lines(size, "tools: {", |i| format!("é{i}: {{ mod: allow }}, "), "}\n"), codes: &["unknown-key"] },
    Family {
        name: "warnings on one line",
        make: |size| lines(size, "tools: {", |i| format!("t{i}: {{ mode: allow, constraints: ['args[\"é\"] < 1'] }}, "), "}\n"),
        codes: &["no-only", "one-sided-bound"],
    },
    Family {
        name: "second places far away",
        make: |size| lines(size, "tools:\n  a: {}\n", |i| format!("  b{i}: {{}}\n"), &"  a: {}\n".repeat(100)),
        codes: &["duplicate-key"],
    },
    // Folders.
    Family {
        name: "a folder of roles",
        make: |size| Source::Roles((0..size.min(1 << 20) / 64).map(|i| (format!("r{i}.yaml"), format!("tools: {{ tool{i}: {{ mode: allow }} }}\n"))).collect()),
        codes: &["no-default-role"],
    },
    Family {
        name: "a folder of aliases",
        make: |size| {
            let file = text(4 << 10, "consts:\n  a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n  b:\n", |_| "    - *a\n".into(), "");
            Source::Roles((0..size / file.len()).map(|i| (format!("r{i}.yaml"), file.clone())).collect())
        },
        codes: &["yaml-alias"],
    },
    Family {
        name: "a folder of other files",
        make: |size| Source::Roles((0..size.min(1 << 20) / 64).map(|i| (format!("r{i}.txt"), String::new())).chain([("default.yaml".into(), "{}".into())]).collect()),
        codes: &["skipped-entry"],
    },
    // Inheritance.
    Family { name: "a chain of roles", make: |size| lines(size, "roles:\n  default: {}\n  r0: {}\n", |i| format!("  r{}: {{ inherits: [r{i}] }}\n", i + 1), ""), codes: &[] },
    Family {
        name: "a chain of roles with a tool each",
        make: |size| lines(size, "roles:\n  default: {}\n  r0: {}\n", |i| format!("  r{}: {{ inherits: [r{i}], tools: {{ t{i}: {{ mode: allow }} }} }}\n", i + 1), ""),
        codes: &[],
    },
    Family {
        name: "a chain of roles with a constraint each",
        make: |size| lines(size, "roles:\n  default: {}\n  r0: {tools: {t: {mode: allow}}}\n", |i| format!("  r{}: {{ inherits: [r{i}], constraints: [ctx.c{i} == 1] }}\n", i + 1), ""),
        codes: &[],
    },
    Family {
        name: "a chain of roles with a constant each",
        make: |size| lines(size, "roles:\n  default: {}\n  r0: {}\n", |i| format!("  r{}: {{ inherits: [r{i}], consts: {{ c{i}: 1 }} }}\n", i + 1), ""),
        codes: &["unused-const"],
    },
    Family {
        name: "a cycle of roles",
        make: |size| lines(size, "roles:\n  default: {}\n", |i| format!("  r{i}: {{ inherits: [r{i}] }}\n"), ""),
        codes: &["inheritance-cycle"],
    },
    Family {
        name: "diamonds",
        make: |size| lines(size, "roles:\n  default: {}\n  l0: { tools: { t: { mode: allow } } }\n  r0: { tools: { t: { mode: deny } } }\n", |i| {
            let next = i + 1;
            format!("  l{next}: {{ inherits: [l{i}, r{i}] }}\n  r{next}: {{ inherits: [r{i}, l{i}] }}\n")
        }, ""),
        codes: &["conflicting-parents"],
    },
    Family {
        name: "mixins times roles",
        make: |size| halves(size,
            ("roles:\n  default: {}\n  m:\n    is_mixin: true\n    tools:\n", |i| format!("      t{i}: {{ mode: allow }}\n")),
            ("", |i| format!("  r{i}: {{ inherits: [m], tools: {{ own{i}: {{ mode: allow }} }} }}\n"))),
        codes: &[],
    },
    Family {
        name: "two mixins that disagree",
        make: |size| {
            let tools = |name: &str, bound: u32| text(size / 3, &format!("  {name}:\n    is_mixin: true\n    tools:\n"), |i| format!("      t{i}: {{ mode: allow, constraints: ['only(args, [\"x\"])', args.x == {bound}, ctx.y == {bound}] }}\n"), "");
            let roles = text(size / 3, "", |i| format!("  r{i}: {{ inherits: [m, o] }}\n"), "");
            Source::Text(format!("roles:\n  default: {{}}\n{}{}{roles}", tools("m", 1), tools("o", 2)))
        },
        codes: &[],
    },
    Family {
        name: "many parents and many replacements",
        make: |size| {
            let third = size / 3;
            let parents = text(third, "roles:\n  default: {}\n", |i| format!("  r{i}: {{ tools: {{ a{i}: {{ mode: allow }} }} }}\n"), "");
            let count = parents.lines().count() - 2;
            let inherits: String = (0..count).map(|i| format!("    - r{i}\n")).collect();
            let own = text(third, "    tools:\n", |i| format!("      a{i}: {{ mode: approval_required }}\n"), "");
            Source::Text(parents + "  all:\n    inherits:\n" + &inherits + &own)
        },
        codes: &[],
    },
    Family { name: "roles", make: |size| lines(size, ROLES, |i| format!("  r{i}: {{}}\n"), ""), codes: &[] },
    // Constraints.
    Family { name: "constraints of one tool", make: |size| lines(size, TOOL, |i| quoted(&format!("ctx.c{i} == {i}")), ""), codes: &[] },
    Family { name: "a constraint for each tool", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ mode: allow, constraints: ['ctx.c{i} == {i}'] }}\n"), ""), codes: &[] },
    Family { name: "the same constraint again", make: |size| lines(size, TOOL, |_| quoted("ctx.c == 1"), ""), codes: &["redundant"] },
    Family {
        name: "the same constraint everywhere",
        make: |size| lines(size, "constraints: [ctx.c == 1]\ntools:\n", |i| format!("  t{i}: {{ mode: allow, constraints: [ctx.c == 1] }}\n"), ""),
        codes: &["redundant"],
    },
    Family {
        name: "constraints of the policy times tools",
        make: |size| halves(size, (POLICY, |i| at_policy(&format!("ctx.c{i} == {i}"))), (TOOLS, allowed)),
        codes: &[],
    },
    Family {
        name: "constraints of the policy times tools that ask for the role",
        make: |size| {
            let parts = text(size / 3, "constraints:\n  - 'role != \"x\"'\n", |i| at_policy(&format!("ctx.c{i} == {i}")), "");
            let tools = text(size / 3, "roles:\n  default:\n    tools:\n", |i| format!("    {}", allowed(i)), "");
            Source::Text(parts + &tools + &text(size / 3, "", |i| format!("  r{i}: {{ inherits: [default] }}\n"), ""))
        },
        codes: &[],
    },
    Family {
        name: "bounds in sight of bounds",
        make: |size| halves(size,
            (POLICY, |i| at_policy(&format!("args.c{i} > {i}"))),
            (TOOLS, |i| format!("  t{i}: {{ mode: allow, constraints: ['{}'] }}\n", filled("", |part| format!("args.c{part} < {i}"), " or ", "")))),
        codes: &["no-only"],
    },
    Family {
        name: "only and members",
        make: |size| lines(size, TOOL, |i| quoted(&filled("only(ctx, [", |part| format!("\"c{part}_{i}\""), ", ", "])")), ""),
        codes: &[],
    },
    Family { name: "long paths", make: |size| lines(size, TOOL, |i| quoted(&filled(&format!("ctx.a{i}"), |_| ".b".into(), "", " == 1")), ""), codes: &[] },
    Family { name: "long lists", make: |size| lines(size, TOOL, |i| quoted(&filled(&format!("ctx.a{i} in ["), |part| part.to_string(), ",", "]")), ""), codes: &[] },
    Family { name: "nested quantifiers", make: |size| lines(size, TOOL, |i| quoted(&format!("every(ctx.a{i}, any(.b, . == ctx.c or any(ctx.d, . == 1)))")), ""), codes: &["quantifiers-too-deep"] },
    Family {
        name: "nested conditions",
        make: |size| lines(size, TOOL, |i| quoted(&format!("{}ctx.a == {i}{}", "not (ctx.b == 1 or ".repeat(14), ")".repeat(14))), ""),
        codes: &[],
    },
    Family { name: "parentheses", make: |size| lines(size, TOOL, |_| quoted(&"(".repeat(4_000)), ""), codes: &["constraint-too-deep"] },
    Family { name: "disjunctions of conjunctions", make: |size| lines(size, TOOL, |i| quoted(&filled(&format!("ctx.a == {i}"), |part| format!(" or (ctx.b == {part} and ctx.c == 1)"), "", "")), ""), codes: &[] },
    Family { name: "quotes that do not quote", make: |size| lines(size, TOOL, |_| format!("      - {}\n", "“".repeat(1_300)), ""), codes: &["wrong-quotes"] },
    Family { name: "indices", make: |size| lines(size, TOOL, |_| quoted(&"args[1]".repeat(580)), ""), codes: &["constraint-syntax"] },
    // Constants.
    Family { name: "constants", make: |size| lines(size, "consts:\n", |i| format!("  c{i}: {i}\n"), ""), codes: &["unused-const"] },
    Family {
        name: "definitions that double",
        make: |size| {
            let one = |index: usize| match index {
                0 => "  d0: . == 1\n".to_owned(),
                _ => format!("  d{index}: d{0}(.) and d{0}(.x)\n", index - 1),
            };
            lines(size, "define:\n", one, "tools: {}\n")
        },
        codes: &["policy-too-large"],
    },
    Family {
        name: "a chain of definitions, last first",
        make: |size| {
            let one = |index: usize| format!("  d{index}: d{}(.x)\n", index + 1);
            let Source::Text(text) = lines(size - 40, "define:\n", one, "") else {
                panic!("lines are one text")
            };
            let last = text.lines().count() - 1;
            Source::Text(format!("{text}  d{last}: . == 1\ntools: {{}}\n"))
        },
        codes: &["constraint-too-deep"],
    },
    Family {
        name: "definitions in a circle",
        make: |size| {
            let one = |index: usize| format!("  d{index}: d{}(.x)\n", index + 1);
            let Source::Text(text) = lines(size - 40, "define:\n", one, "") else {
                panic!("lines are one text")
            };
            let last = text.lines().count() - 1;
            Source::Text(format!("{text}  d{last}: d0(.)\ntools: {{}}\n"))
        },
        codes: &["circular-definition"],
    },
    Family {
        name: "a named condition in many constraints",
        make: |size| {
            let parts: Vec<String> = (0..20).map(|index| format!(".x{index} == {index}")).collect();
            let head = format!("define: {{ d: '{}' }}\n{TOOL}", parts.join(" and "));
            lines(size, &head, |index| quoted(&format!("d(args.a.x{index})")), "")
        },
        codes: &[],
    },
    Family {
        name: "chains of operations",
        make: |size| {
            let chain = |index: usize| {
                let terms = " + args.a * 1.5 - count(args.a)".repeat(10);
                quoted(&format!("{index}{terms} != 1"))
            };
            lines(size, TOOL, chain, "")
        },
        codes: &[],
    },
    Family {
        name: "an endless chain of operations",
        make: |size| {
            let chain = |_: usize| quoted(&format!("args.a{} != 1", "*9".repeat(2_000)));
            lines(size, TOOL, chain, "")
        },
        codes: &["constraint-too-deep"],
    },
    Family {
        name: "conditions as deep as they may be",
        make: |size| {
            let deep = |index: usize| {
                let around = "not optional(.a, ".repeat(14);
                quoted(&format!(
                    "not optional(args.a, {around}any_member(., anywhere(.value, . != \"x{index}\")){}",
                    ")".repeat(15)
                ))
            };
            lines(size, TOOL, deep, "")
        },
        codes: &[],
    },
    Family {
        name: "a long constant in many constraints",
        make: |size| halves(size, ("consts:\n  c:\n", |i| format!("    - v{i}\n")), (TOOL, |i| quoted(&format!("ctx.a{i} in consts.c")))),
        codes: &[],
    },
    Family {
        name: "a long text in many constraints",
        make: |size| halves(size, ("consts:\n  c: ", |_| "x".into()), (&format!("\n{TOOL}"), |i| quoted(&format!("ctx.a{i} == consts.c")))),
        codes: &[],
    },
    Family {
        name: "a constant for each role",
        make: |size| lines(size, ROLES, |i| format!("  r{i}: {{ consts: {{ c: {i} }}, constraints: [ctx.a == consts.c], tools: {{ t: {{ mode: allow }} }} }}\n"), ""),
        codes: &[],
    },
    Family {
        name: "constants that change below",
        make: |size| {
            let third = size / 3;
            let base = text(third, "roles:\n  default: {}\n  m:\n    consts:\n", |i| format!("      c{i}: 1\n"), "");
            let used = text(third, "    tools:\n      t:\n        mode: allow\n        constraints:\n        - only(args, [])\n", |i| format!("        - ctx.a{i} == consts.c0\n"), "");
            Source::Text(base + &used + &text(third, "  r:\n    inherits: [m]\n    consts:\n", |i| format!("      c{}: 2\n", i + 1), ""))
        },
        codes: &["unused-const"],
    },
    Family {
        name: "constants that parents disagree on",
        make: |size| {
            let consts = |name: &str, value: u32| text(size / 3, &format!("  {name}:\n    consts:\n"), |i| format!("      c{i}: {value}\n"), "");
            Source::Text(format!("roles:\n  default: {{}}\n{}{}  r: {{ inherits: [m, o] }}\n", consts("m", 1), consts("o", 2)))
        },
        codes: &["conflicting-const"],
    },
    // Patterns.
    Family { name: "patterns too large", make: |size| lines(size, TOOL, |i| quoted(&format!("matches(ctx.a, \"^(a|b)*a(a|b){{18}}{i}$\")")), ""), codes: &["invalid-regex", "policy-too-large"] },
    Family { name: "patterns with a long count", make: |size| lines(size, TOOL, |i| quoted(&format!("matches(ctx.a, \"^(a{{100}}){{100}}b{i}{{100}}$\")")), ""), codes: &["invalid-regex"] },
    Family { name: "patterns just small enough", make: |size| lines(size, TOOL, |i| quoted(&format!("matches(ctx.a, \"^(a|b)*a(a|b){{11}}{i}$\")")), ""), codes: &["policy-too-large"] },
    Family { name: "small patterns", make: |size| lines(size, TOOL, |i| quoted(&format!("matches(ctx.a, \"^[a-z]+{i}$\")")), ""), codes: &[] },
    Family { name: "one large pattern in many constraints", make: |size| lines(size, TOOL, |i| quoted(&format!("matches(ctx.a{i}, \"^(a|b)*a(a|b){{11}}$\")")), ""), codes: &[] },
    Family { name: "unicode in patterns", make: |size| lines(size, TOOL, |i| quoted(&format!("matches(ctx.a, \"^[à-ʯ]{{0,5}}[^é]{{0,9}}{i}$\")")), ""), codes: &["policy-too-large"] },
    Family { name: "paths", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      allowed_paths:\n", |i| format!("        - 'src/{i}/**'\n"), ""), codes: &[] },
    Family { name: "long paths of a scope", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      denied_paths:\n", |i| format!("        - '{i}{}'\n", "/abcdefghi".repeat(100)), ""), codes: &[] },
    Family { name: "paths with stars", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      denied_paths:\n", |i| format!("        - '{}{i}'\n", "*a*b/".repeat(40)), ""), codes: &["policy-too-large"] },
    Family { name: "paths with letters that fold", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      denied_paths:\n", |i| format!("        - '*{}{i}'\n", "s?i*".repeat(6)), ""), codes: &["bad-pattern", "policy-too-large"] },
    Family { name: "paths with a letter that folds", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      denied_paths:\n", |i| format!("        - '*s?{i}'\n"), ""), codes: &["policy-too-large"] },
    Family { name: "paths with letters in a row that fold", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      denied_paths:\n", |i| format!("        - '*{}{i}'\n", "?sfi".repeat(4)), ""), codes: &["bad-pattern", "policy-too-large"] },
    Family { name: "paths too large", make: |size| lines(size, "tools:\n  read_file:\n    mode: allow\n    file_scope:\n      allowed_paths:\n", |i| format!("        - '*a{}{i}'\n", "?".repeat(30)), ""), codes: &["bad-pattern", "policy-too-large"] },
    Family { name: "scopes", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ mode: allow, file_scope: {{ argument: a{i}, allowed_paths: ['**'] }} }}\n"), ""), codes: &[] },
    // Several rules, patterns of names, what is forbidden, words.
    Family { name: "lists of rules", make: |size| lines(size, TOOLS, |i| format!("  t{i}: [{}]\n", (0..64).map(|rule| format!("{{ mode: allow, constraints: [ctx.x == {rule}] }}")).collect::<Vec<_>>().join(", ")), ""), codes: &[] },
    Family { name: "rules of one tool", make: |size| lines(size, "tools:\n  t:\n", |_| "    - { mode: deny }\n".into(), ""), codes: &["rule-list"] },
    Family { name: "patterns of names", make: |size| lines(size, TOOLS, |i| format!("  \"t{i:06}*\": {{ mode: {} }}\n", if i % 2 == 0 { "allow" } else { "deny" }), ""), codes: &[] },
    Family { name: "more patterns of names than are tried", make: |size| lines(size.max(60_000), TOOLS, |i| format!("  \"t{i}*\": {{ mode: allow }}\n"), ""), codes: &["policy-too-large"] },
    Family { name: "patterns of names that overlap", make: |size| lines(size, TOOLS, |i| format!("  \"*t{i:06}*\": {{ mode: {} }}\n", if i % 2 == 0 { "allow" } else { "deny" }), ""), codes: &["ambiguous-patterns", "policy-too-large"] },
    Family { name: "patterns of names with the same rule", make: |size| lines(size, TOOLS, |i| format!("  \"*t{i:06}*\": {{ mode: allow }}\n"), ""), codes: &[] },
    Family {
        name: "patterns of names that others cover",
        make: |size| {
            let letters = |i: usize| (0..10).map(|at| char::from(b'c' + (i * 31 / (at * 7 + 1)) as u8 % 6)).map(|letter| format!("*{letter}")).collect::<String>();
            lines(size, "tools:\n  \"*a*\": { mode: allow }\n  \"*b*\": { mode: deny }\n  \"*a*b*\": { mode: deny }\n  \"*b*a*\": { mode: deny }\n", |i| format!("  \"{}*{i}*\": {{ mode: deny }}\n", letters(i)), "")
        },
        codes: &["policy-too-large"],
    },
    Family { name: "patterns of names in many roles", make: |size| halves(size, ("roles:\n  default: {}\n  m:\n    is_mixin: true\n    tools:\n", |i| format!("      \"t{i:06}*\": {{ mode: allow }}\n")), ("", |i| format!("  r{i}: {{ inherits: [m], tools: {{ \"x{i:06}*\": {{ mode: deny }} }} }}\n"))), codes: &[] },
    Family { name: "forbids", make: |size| lines(size, "forbid:\n", |i| format!("  - {{ tools: [t{i}] }}\n"), "tools: { t: { mode: allow } }\n"), codes: &[] },
    Family { name: "more forbids than are looked at", make: |size| lines(size.max(60_000), "forbid:\n", |i| format!("  - {{ tools: [t{i}] }}\n"), "tools: { t: { mode: allow } }\n"), codes: &["policy-too-large"] },
    Family { name: "tools of a forbid", make: |size| lines(size, "forbid:\n  - tools:\n", |i| format!("      - t{i}\n"), "tools: { t: { mode: allow } }\n"), codes: &[] },
    Family { name: "forbids with scopes times tools", make: |size| halves(size, ("forbid:\n", |i| format!("  - {{ tools: [a{i}, b{i}, c{i}], file_scope: {{ argument: x, denied_paths: [a] }} }}\n")), (TOOLS, allowed)), codes: &[] },
    Family { name: "forbids that roles inherit", make: |size| halves(size, ("roles:\n  default: {}\n  m:\n    is_mixin: true\n    forbid:\n", |i| format!("      - {{ tools: [t{i}] }}\n")), ("", |i| format!("  r{i}: {{ inherits: [m], forbid: [{{ tools: [x{i}] }}] }}\n"))), codes: &[] },
    Family { name: "messages", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ mode: allow, message: {} }}\n", "x".repeat(490)), ""), codes: &[] },
    Family { name: "messages with control characters", make: |size| lines(size, TOOLS, |i| format!("  t{i}: {{ mode: allow, message: \"\\x07\" }}\n"), ""), codes: &["bad-message"] },
    Family { name: "named conditions", make: |size| lines(size, "define:\n", |i| format!("  d{i}: . == {i}\n"), ""), codes: &["unused-define"] },
    Family { name: "named conditions of named conditions", make: |size| lines(size, "define:\n  d0: . == 1\n", |i| format!("  d{}: d{i}(.x) and d{i}(.y)\n", i + 1), ""), codes: &["policy-too-large"] },
    // The densest that says something.
    Family {
        name: "roles with tools of their own",
        make: |size| lines(size, ROLES, |i| format!("  r{i}:\n    tools:\n{}", (0..100).map(|tool| format!("      t{tool}: {{ mode: allow }}\n")).collect::<String>()), ""),
        codes: &[],
    },
    Family {
        name: "roles with constraints of their own",
        make: |size| lines(size, ROLES, |i| format!("  r{i}:\n    constraints: [ctx.tenant == {i}]\n    tools:\n{}", (0..100).map(|tool| format!("      t{tool}: {{ mode: allow, constraints: ['only(args, [\"x\"])', args.x == {tool}] }}\n")).collect::<String>()), ""),
        codes: &[],
    },
];
