//! Patterns of file scopes, and paths that try to slip past them.

use unicode_normalization::UnicodeNormalization;

use super::Random;

/// A pattern that a compiler accepts; `near`: mostly one that has to do with that one.
pub(super) fn pattern(random: &mut Random, windows: bool, near: Option<&str>) -> String {
    if let Some(near) = near.filter(|near| !near.starts_with('/') && near.len() > 1)
        && random.chance(60)
    {
        let last = near.trim_end_matches("/**").trim_end_matches('/');
        let last = last.rsplit('/').next().unwrap_or_default();
        return match random.below(3) {
            0 => near.to_owned(),
            1 if !last.is_empty() => last.to_owned(),
            _ => format!("{}/x", near.trim_end_matches("/**").trim_end_matches('/')),
        };
    }
    let count = 1 + random.below(3);
    let segments: Vec<String> = (0..count)
        .map(|_| {
            random.text(&[
                "src", "src", "src", "a", "a", "A", ".env", "*", "*", "*.py", "a?", "[a-c]", "a*b",
                "**", "**", "é", "a.b", "a+b(c)", "x$", "^y", "a|b", "[&-(]", "[*?]", "[A-Z_^]",
                "[à-ü]x", "passwd", "straße", "task", "é*", "office", "[s-t]x", "ệ", "id_?",
            ])
        })
        .collect();
    let mut text = segments.join("/");
    if windows && random.chance(40) {
        text.insert_str(0, &random.text(&["C:/", "c:/", "D:/"]));
    } else if !windows && random.chance(15) {
        text.insert(0, '/');
    }
    if random.chance(10) && !text.ends_with("**") {
        text.push('/');
    }
    text
}

/// A path near a pattern.
pub(super) fn path(random: &mut Random, patterns: &[String]) -> String {
    let mut text = if patterns.is_empty() || random.chance(15) {
        random.text(&[
            "src/a",
            "a",
            ".env",
            "etc/passwd",
            "/etc/passwd",
            "src",
            "A",
        ])
    } else {
        near(random, patterns)
    };
    // Half of them stay as they are, or hardly any would be within a scope.
    for _ in 0..random.below(4).saturating_sub(1) {
        text = bent(random, &text);
    }
    text
}

/// A path that a pattern means, more or less.
fn near(random: &mut Random, patterns: &[String]) -> String {
    let mut segments = Vec::new();
    for segment in random.pick(patterns).split('/') {
        segments.push(match segment {
            "**" => random.text(&["x", "x/y", ".", "a/b/c"]),
            "*" => random.text(&["x", ".x", "a.py"]),
            "*.py" => random.text(&["x.py", ".py"]),
            "a?" => random.text(&["ab", "aé"]),
            "[a-c]" => random.text(&["a", "c", "d"]),
            "a*b" => random.text(&["ab", "axxb"]),
            "a.b" => random.text(&["a.b", "axb"]),
            "a+b(c)" => random.text(&["a+b(c)", "aabc"]),
            "a|b" => random.text(&["a|b", "a"]),
            "[&-(]" => random.text(&["&", "'", "(", ")"]),
            "[*?]" => random.text(&["*", "?", "x"]),
            "[A-Z_^]" => random.text(&["Q", "q", "^", "`"]),
            "[à-ü]x" => random.text(&["éx", "Éx"]),
            "passwd" => random.text(&["passwd", "paßwd", "PA\u{17f}Swd", "paswd"]),
            "straße" => random.text(&["straße", "STRASSE", "strasse", "strase"]),
            "task" => random.text(&["task", "tas\u{212a}", "ta\u{17f}K", "tasks"]),
            "é*" => random.text(&["é", "e\u{301}x", "\u{1ebf}", "e\u{301}\u{302}", "e"]),
            "office" => random.text(&["office", "o\u{fb03}ce", "of\u{fb01}ce", "OFF\u{131}CE"]),
            "[s-t]x" => random.text(&["tx", "SX", "\u{17f}x", "ux", "日x"]),
            "ệ" => random.text(&["ệ", "e\u{302}\u{323}", "Ẹ\u{302}", "ê", "e\u{323}"]),
            "id_?" => random.text(&["id_1", "id_", "id_ss", "id_日本", "id_xx"]),
            "C:" | "c:" => random.text(&["C:", "c:", "C:", "D:"]),
            "" => random.text(&["", "x"]),
            other => other.to_owned(),
        });
    }
    segments.join("/")
}

fn bent(random: &mut Random, text: &str) -> String {
    match random.below(30) {
        0 => format!("/{text}"),
        1 => format!("./{text}"),
        2 => format!("../{text}"),
        3 => format!("{text}/.."),
        4 => format!("{text}/x"),
        5 => format!("x/{text}"),
        6 => text.replace('/', "//"),
        7 => text.replace('/', "/./"),
        8 => text.replace('/', "\\"),
        9 => text.to_uppercase(),
        10 => text.trim_start_matches(['.', '/']).to_owned(),
        11 => format!("~{text}"),
        12 => format!("c:{text}"),
        13 => format!("{text}\n"),
        14 => format!("{text}/"),
        // The limits of a path, on both sides: bytes with one and with two of them a character, and segments.
        15 => format!(
            "{text}{}",
            "x".repeat((4096 + random.below(2)).saturating_sub(text.len()))
        ),
        16 => {
            let rest = (4096 + random.below(3)).saturating_sub(text.len());
            format!("{text}{}", "é".repeat(rest / 2))
        }
        17 => format!("{}{text}", "x/".repeat(253 + random.below(4))),
        18 => random.text(&[
            "",
            " ",
            "\u{a0}",
            "\u{3000} ",
            "\u{2003}x",
            ".",
            "/",
            "./",
            "...",
        ]),
        19 => format!("{text}:x"),
        20 => format!("x/~{text}"),
        // What file systems may take for the same: dropped ends, streams, short names, ignored characters, composition.
        21 => text.replace('/', &random.text(&[". /", " /", "./", "\u{a0}/"])),
        22 => format!(
            "{text}{}",
            random.text(&[".", " ", ". .", "\u{3000}", "\u{200b}", "::$DATA"])
        ),
        23 => {
            let at = random.below(text.chars().count() + 1);
            let extra = random.text(&[
                "\u{200d}",
                "\u{feff}",
                "\u{ad}",
                "\u{f022}",
                "\u{e0041}",
                "~1",
                "~",
                ":",
            ]);
            let (head, tail): (Vec<_>, Vec<_>) =
                text.chars().enumerate().partition(|(index, _)| *index < at);
            let text =
                |part: Vec<(usize, char)>| part.into_iter().map(|(_, c)| c).collect::<String>();
            format!("{}{extra}{}", text(head), text(tail))
        }
        24 => text.nfd().collect(),
        26 => text.replace('/', "\\"),
        27 => random.text(&[
            "C:",
            "c:/",
            "C:\\",
            "C:x",
            "\\\\host\\share\\x",
            "//host/share/x",
            "\\x",
            "1:/x",
            "CC:/x",
        ]),
        28 => format!("{}{text}", random.text(&["c:\\", "C:/", "d:/"])),
        25 => text.to_uppercase().nfc().collect(),
        _ => format!("{text}é"),
    }
}
