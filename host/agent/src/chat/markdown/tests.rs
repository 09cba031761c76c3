use super::*;

fn rendered(text: &str, styled: bool, width: usize, piece: usize) -> String {
    let mut markdown = Markdown::new(styled, width);
    let mut out = String::new();
    let characters: Vec<char> = text.chars().collect();
    for chunk in characters.chunks(piece) {
        out.push_str(&markdown.push(&chunk.iter().collect::<String>()));
    }
    out.push_str(&markdown.end());
    out
}

/// Styles by names that can be read.
fn named(text: &str) -> String {
    text.replace(RESET, "<>")
        .replace("\x1b[1m", "<b>")
        .replace("\x1b[3m", "<i>")
        .replace("\x1b[4m", "<u>")
        .replace("\x1b[2m", "<dim>")
        .replace("\x1b[36m", "<code>")
}

#[test]
fn marks_become_styles() {
    for (text, expected) in [
        ("plain words\n", "plain words\n"),
        ("a **bold** word\n", "a <><b>bold<> word\n"),
        ("an *italic* word\n", "an <><i>italic<> word\n"),
        ("run `cargo test` now\n", "run <><code>cargo test<> now\n"),
        ("# Title\n", "<><b><u>Title<>\n"),
        ("- one\n", "• one\n"),
        ("12. one\n", "12. one\n"),
        ("> said\n", "<dim>│ <>said\n"),
        (
            "snake_case_name and 2 * 3 * 4\n",
            "snake_case_name and 2 * 3 * 4\n",
        ),
        ("\\*no\\* marks\n", "*no* marks\n"),
        ("`a*b`\n", "<><code>a*b<>\n"),
        ("| a | b |\n", "| a | b |<>\n"),
        ("---\n", "---<>\n"),
        (
            "[good](https://evil.example)\n",
            "[good](https://evil.example)\n",
        ),
        (
            "```rust\nlet a = *b;\n```\nafter\n",
            "<dim>```rust<><>\n<code>let a = *b;<>\n<dim>```<><>\nafter\n",
        ),
    ] {
        for piece in [1, 2, 3, 1000] {
            assert_eq!(
                named(&rendered(text, true, 80, piece)),
                expected,
                "{text:?} by {piece}"
            );
        }
    }
}

#[test]
fn without_styles_nothing_is_taken_away() {
    let text = "# Title\n\n- *one* `two`\n- three\n\n> said\n\n```\ncode\n```\n";
    for piece in [1, 7, 1000] {
        assert_eq!(rendered(text, false, 80, piece), text);
    }
}

#[test]
fn lines_keep_to_the_width() {
    let text = "# A heading that is rather long for a narrow terminal\n\n- an item with **many bold words that go on** and `code in it`\n\n> a quotation that is longer than the line\n\nabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz 日本語日本語日本語日本語\n";
    for width in [8, 20, 40] {
        let out = rendered(text, true, width, 3);
        let plain = out.replace(RESET, "");
        let plain = ["[1m", "[2m", "[3m", "[4m", "[36m"]
            .iter()
            .fold(plain, |text, code| text.replace(&format!("\x1b{code}"), ""));
        for line in plain.lines() {
            let columns: usize = line.chars().map(width_of).sum();
            assert!(columns <= width, "{columns} > {width}: {line:?}");
        }
        let letters = |text: &str| {
            text.chars()
                .filter(|c| c.is_alphanumeric())
                .collect::<String>()
        };
        assert_eq!(letters(&plain), letters(text));
    }
}

#[test]
fn styles_end_with_their_line() {
    for text in [
        "**never closed\nnext\n",
        "`never closed\nnext\n",
        "# **x\nnext\n",
    ] {
        let out = named(&rendered(text, true, 80, 1));
        assert!(out.ends_with("<>\nnext\n"), "{out}");
    }
}

#[test]
fn a_model_cannot_steer_the_terminal() {
    for styled in [true, false] {
        let out = rendered(
            "a\x1b[2Jb\x1b]0;title\x07c\u{202e}d\x08\n```\n\x1b[1A\n```\n",
            styled,
            80,
            1,
        );
        let own = [
            "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[3m", "\x1b[4m", "\x1b[36m",
        ]
        .iter()
        .fold(out, |text, code| text.replace(code, ""));
        assert!(!own.chars().any(|c| c.is_control() && c != '\n'), "{own:?}");
        assert!(own.contains("\\u{1b}"), "{own:?}");
    }
}

#[test]
fn a_line_without_end_is_written_at_the_end() {
    for text in ["```", "``", "#", "-", "1.", ">", "a", "**", "\\", "   "] {
        let out = rendered(text, true, 80, 1);
        assert!(out.ends_with('\n'), "{text:?}: {out:?}");
    }
    assert_eq!(rendered("", true, 80, 1), "");
}
