//! A page of HTML as Markdown.

use hexgate_agent::tool::ToolError;
use htmd::HtmlToMarkdown;
use htmd::options::{BulletListMarker, Options};
use reqwest::Url;

use super::tidy::tidy;

/// A page as Markdown.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) content: String,
    /// Whether something was left out at the end.
    pub(super) is_cut: bool,
}

/// Turns HTML into Markdown. `base`: where the page was. The library that does it builds a tree and walks it by recursion; it gets
/// [tidy](tidy) HTML, in which depth, tags and text are bounded.
pub(super) fn markdown(
    html: &str,
    base: &str,
    keeps_all: bool,
    characters: usize,
) -> Result<Page, ToolError> {
    let tidied = tidy(html, Url::parse(base).ok(), keeps_all, characters);
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder().options(options).build();
    let content = converter.convert(&tidied.html).map_err(|error| {
        ToolError::new(
            "internal",
            format!("the page cannot be turned into Markdown: {error}"),
        )
    })?;
    Ok(Page {
        title: tidied.title,
        content,
        is_cut: tidied.is_cut,
    })
}
