//! Functions of other languages that have no namesake here, and how to say the same.

use super::spelling::CALCULATE;
use crate::{
    diagnostic::quoted,
    expr::{Literal, is_name},
};

/// What to write for a function that is not there. `argument` is what stands in its parentheses, `sought` the text that its value is
/// compared with; `negated` says that it must be another one.
pub(super) fn remedy(
    name: &str,
    argument: &str,
    sought: Option<&str>,
    negated: bool,
) -> Option<String> {
    let not = if negated { "not " } else { "" };
    let is_path = argument.split('.').all(is_name) && argument.contains('.');
    let path = if is_path { argument } else { "path" };
    let lower = name.to_ascii_lowercase().replace('_', "");
    Some(match lower.as_str() {
        "lower" | "tolower" | "lowercase" | "lcase" | "downcase" | "upper" | "toupper"
        | "uppercase" | "ucase" | "upcase" | "casefold" | "fold" => {
            let text = sought.map_or("text".to_owned(), regex_syntax::escape);
            let pattern = Literal::String(format!("^(?i:{text})$"));
            format!(
                "a pattern can leave letter case out of account: {}",
                quoted(&format!("{not}matches({path}, {pattern})"))
            )
        }
        "trim" | "strip" | "trimspace" => {
            let text = sought.map_or("text".to_owned(), regex_syntax::escape);
            let pattern = Literal::String(format!("^\\s*{text}\\s*$"));
            format!(
                "texts are compared as they are; a pattern can admit blanks: {}",
                quoted(&format!("{not}matches({path}, {pattern})"))
            )
        }
        "isobject" | "isdict" | "ismap" => format!(
            "there is no test for a type alone; {} holds for objects only",
            quoted(&format!("only({path}, [\"name\", …])"))
        ),
        "islist" | "isarray" => format!(
            "there is no test for a type alone; {} holds for lists only",
            quoted(&format!("every({path}, …)"))
        ),
        "isstring" | "istext" | "isstr" => format!(
            "there is no test for a type alone; {} holds for texts only",
            quoted(&format!("matches({path}, \"(?s)^.*$\")"))
        ),
        "isnumber" | "isint" | "isinteger" | "isfloat" | "isnumeric" => format!(
            "there is no test for a type alone; {} holds for numbers only",
            quoted(&format!("({path} < 0 or {path} >= 0)"))
        ),
        "isbool" | "isboolean" => format!(
            "there is no test for a type alone; {} holds for booleans only",
            quoted(&format!("{path} in [true, false]"))
        ),
        "isnull" | "isnone" | "isnil" => format!("write {}", quoted(&format!("{path} == null"))),
        "type" | "typeof" | "typename" | "isinstance" => format!(
            "there is no test for a type alone; only numbers make {} true, only booleans {}, only lists {}",
            quoted(&format!("({path} < 0 or {path} >= 0)")),
            quoted(&format!("{path} in [true, false]")),
            quoted(&format!("every({path}, …)"))
        ),
        "sum" | "avg" | "min" | "max" | "abs" | "round" | "floor" | "ceil" | "int" | "float"
        | "number" | "tonumber" | "str" | "string" | "format" | "sprintf" | "concat" | "join"
        | "split" | "replace" | "substr" | "now" | "date" | "time" => {
            format!("constraints compare values as they are; {CALCULATE}")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraint::parse;

    /// The constraint between the first two backticks of a remedy.
    fn offered(remedy: &str) -> String {
        let body = remedy.split('`').nth(1).unwrap_or_default();
        body.replace("[\"name\", …]", "[\"name\"]")
            .replace('…', ". == 1")
    }

    #[test]
    fn what_is_offered_is_read() {
        for name in [
            "lower",
            "toUpper",
            "trim",
            "is_object",
            "is_array",
            "isString",
            "is_number",
            "is_bool",
            "is_null",
            "typeof",
        ] {
            let remedy = remedy(name, "args.a", Some("u.s\\d"), true);
            let constraint = offered(&remedy.unwrap_or_default());
            assert!(
                parse(&constraint, &Default::default()).is_ok(),
                "{name}: {constraint}"
            );
        }
    }
}
