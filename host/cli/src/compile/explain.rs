//! `--explain CODE`.

use hexgate_compiler::diagnostic::{all_codes, find_code, nearest, quoted};

/// What is known about a code.
pub(crate) fn explain(code: &str) -> anyhow::Result<String> {
    let Some(doc) = find_code(code) else {
        let hint = match nearest(code, all_codes().map(|doc| doc.code)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                let codes: Vec<&str> = all_codes().map(|doc| doc.code).collect();
                format!("the codes are {}", codes.join(", "))
            }
        };
        anyhow::bail!("unknown code {}; {hint}", quoted(code));
    };
    Ok(format!(
        "{} ({}): {}\n\n{}\n",
        doc.code,
        doc.severity.name(),
        doc.title,
        doc.explanation.trim()
    ))
}
