//! What becomes of which tag.

/// What holds no text for readers.
pub(super) fn is_dropped(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "template"
            | "svg"
            | "math"
            | "iframe"
            | "noembed"
            | "noframes"
            | "object"
            | "canvas"
            | "audio"
            | "video"
            | "select"
            | "textarea"
            | "button"
            | "dialog"
    )
}

/// What stands around the text of a page.
pub(super) fn is_around(name: &str) -> bool {
    matches!(name, "nav" | "aside" | "footer" | "menu")
}

/// What Markdown has, by its name there.
pub(super) fn kept(name: &str) -> Option<&'static str> {
    const KEPT: &[&str] = &[
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "a",
        "img",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "em",
        "strong",
        "del",
        "br",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "div",
    ];
    let name = match name {
        "i" | "cite" | "dfn" | "var" => "em",
        "b" => "strong",
        "s" | "strike" => "del",
        "tt" | "kbd" | "samp" => "code",
        "section" | "article" | "main" | "header" | "footer" | "nav" | "aside" | "figure"
        | "figcaption" | "form" | "fieldset" | "address" | "details" | "summary" | "dl"
        | "center" | "body" => "div",
        "dt" | "dd" | "legend" | "caption" => "p",
        other => other,
    };
    KEPT.iter().find(|kept| **kept == name).copied()
}

/// What has no end.
pub(super) fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img")
}

/// What stands in a line.
pub(super) fn is_inline(name: &str) -> bool {
    matches!(name, "a" | "code" | "em" | "strong" | "del")
}
