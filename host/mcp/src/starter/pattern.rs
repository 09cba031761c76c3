//! Patterns of a schema, where they mean the same in a policy.

use hexgate_compiler::Compiler;
use hexgate_compiler::diagnostic::Severity;

use super::text::{literal, yaml_text};

/// The longest pattern that is looked at, in bytes.
const MAX_BYTES: usize = 512;

/// `matches` with the pattern on `path`. None: the policy language does not read it, or it is not anchored at both ends.
pub(super) fn condition(path: &str, pattern: &str) -> Option<String> {
    // `.` leaves out four characters there and one here; `\s` has more there; `\c` and `\u` are of ECMAScript alone.
    if pattern.len() > MAX_BYTES
        || ["\\c", "\\u", "\\p", "\\P", "\\S"]
            .iter()
            .any(|escape| pattern.contains(escape))
    {
        return None;
    }
    let test = format!("matches(args.x, {})", literal(pattern));
    let policy = format!(
        "tools:\n  t:\n    mode: allow\n    constraints: ['only(args, [\"x\"])', {}]\n",
        yaml_text(&test)
    );
    let outcome = Compiler::default().compile_str("pattern.yaml", &policy);
    let is_clean = outcome
        .diagnostics
        .iter()
        .all(|one| one.severity == Severity::Note);
    (outcome.policy.is_some() && is_clean).then(|| format!("matches({path}, {})", literal(pattern)))
}
