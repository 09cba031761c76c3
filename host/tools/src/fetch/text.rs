//! From the bytes of a page to its text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use hexgate_agent::tool::ToolError;
use hexgate_base::beginning;

use super::get::Fetched;
use super::page;

/// A page as text.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) url: String,
    pub(super) title: String,
    pub(super) content: String,
    pub(super) truncated: bool,
}

/// How a page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Text,
}

/// How far a page's own word for its encoding is looked for, as browsers do.
const LOOKED_AT: usize = 1024;

/// Reads a page. `keeps_all`: also what stands around the text.
pub(super) async fn read(
    fetched: Fetched,
    keeps_all: bool,
    characters: usize,
) -> Result<Read, ToolError> {
    let form = form(&fetched)?;
    let text = decoded(&fetched, form);
    let url = fetched.url.to_string();
    let (title, content, is_cut) = match form {
        Form::Text => (String::new(), text, false),
        Form::Html => {
            let base = url.clone();
            // It takes a while, and the library may panic.
            let converting = tokio::task::spawn_blocking(move || {
                page::markdown(&text, &base, keeps_all, characters)
            });
            let page = converting.await.map_err(|_| {
                ToolError::new("internal", "the page cannot be turned into Markdown")
            })??;
            (page.title, page.content, page.is_cut)
        }
    };
    let content: String = content
        .chars()
        .filter(|char| !char.is_control() || matches!(char, '\n' | '\t'))
        .collect();
    let begin = beginning(&content, characters);
    Ok(Read {
        url,
        title,
        truncated: fetched.is_cut || is_cut || begin.is_some(),
        content: begin.unwrap_or(&content).to_owned(),
    })
}

fn form(fetched: &Fetched) -> Result<Form, ToolError> {
    let kind = fetched.content_type.as_deref().unwrap_or("");
    let essence = kind.split(';').next().unwrap_or("").trim();
    let start = fetched.bytes.get(..LOOKED_AT).unwrap_or(&fetched.bytes);
    let is_wide = Encoding::for_bom(start)
        .is_some_and(|(encoding, _)| encoding == UTF_16LE || encoding == UTF_16BE)
        || named(kind).is_some_and(|encoding| encoding == UTF_16LE || encoding == UTF_16BE);
    let refused = |what: &str| {
        let message = format!("the page is {what}, and only text is read");
        Err(ToolError::new("binary", message))
    };
    let form = match essence {
        "text/html" | "application/xhtml+xml" => Form::Html,
        "" | "application/octet-stream" if start.trim_ascii_start().starts_with(b"<") => Form::Html,
        "" => Form::Text,
        _ if is_text(essence) => Form::Text,
        _ => return refused(&format!("`{}`", essence.escape_debug())),
    };
    if start.contains(&0) && !is_wide {
        return refused("binary");
    }
    Ok(form)
}

fn is_text(essence: &str) -> bool {
    let is_known = matches!(
        essence,
        "application/json"
            | "application/xml"
            | "application/javascript"
            | "application/x-javascript"
            | "application/ecmascript"
            | "application/yaml"
            | "application/x-yaml"
            | "application/toml"
            | "application/sql"
            | "application/graphql"
            | "application/x-ndjson"
            | "application/x-sh"
    );
    let is_built_on = ["+json", "+xml", "+yaml"]
        .iter()
        .any(|suffix| essence.ends_with(suffix));
    essence.starts_with("text/") || is_known || is_built_on
}

/// The text, by the encoding that a mark at its beginning says, else the header, else the page, else what the bytes are.
fn decoded(fetched: &Fetched, form: Form) -> String {
    let bytes = &fetched.bytes;
    let said = fetched.content_type.as_deref().and_then(named);
    let encoding = said
        .or_else(|| if form == Form::Html { own(bytes) } else { None })
        .unwrap_or_else(|| {
            let is_utf8 = match std::str::from_utf8(bytes) {
                Ok(_) => true,
                // Cut in the middle of a character.
                Err(error) => error.error_len().is_none(),
            };
            if is_utf8 { UTF_8 } else { WINDOWS_1252 }
        });
    encoding.decode(bytes).0.into_owned()
}

/// The encoding that a content type names.
fn named(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1);
    let label = parameters.find_map(|parameter| parameter.trim().strip_prefix("charset="))?;
    Encoding::for_label(label.trim_matches(['"', '\'', ' ']).as_bytes())
}

/// The encoding that a page itself names in its first bytes, which are ASCII as far as it matters.
fn own(bytes: &[u8]) -> Option<&'static Encoding> {
    let start =
        String::from_utf8_lossy(bytes.get(..LOOKED_AT).unwrap_or(bytes)).to_ascii_lowercase();
    let (_, behind) = start.split_once("charset=")?;
    let label: String = behind
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | ':'))
        .collect();
    let encoding = Encoding::for_label(label.as_bytes())?;
    // These bytes could not have been read if it were so.
    let is_wide = encoding == UTF_16LE || encoding == UTF_16BE;
    Some(if is_wide { UTF_8 } else { encoding })
}
