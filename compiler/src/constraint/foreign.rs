//! Functions of other languages that have no namesake here, and how to say the same.

use super::spelling::CALCULATE;
use crate::{
    diagnostic::quoted,
    expr::{Literal, Type, is_name, json},
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
    let of_type = |of: Type| {
        let equal = if negated { "!=" } else { "==" };
        format!(
            "write {}",
            quoted(&format!("type({path}) {equal} {}", json(of.name())))
        )
    };
    let lower = name.to_ascii_lowercase().replace('_', "");
    Some(match lower.as_str() {
        "lower" | "tolower" | "lowercase" | "lcase" | "downcase" | "upper" | "toupper"
        | "uppercase" | "ucase" | "upcase" | "casefold" | "fold" => match sought {
            Some(sought) => {
                let text = Literal::String(sought.to_ascii_lowercase());
                let equal = if negated { "!=" } else { "==" };
                format!(
                    "letters of ASCII are compared in lower case: {}",
                    quoted(&format!("lower({path}) {equal} {text}"))
                )
            }
            None => format!(
                "letters of ASCII are compared in lower case: {}",
                quoted(&format!("lower({path})"))
            ),
        },
        "trim" | "strip" | "trimspace" => {
            let text = sought.map_or("text".to_owned(), regex_syntax::escape);
            let pattern = Literal::String(format!("^\\s*{text}\\s*$"));
            format!(
                "texts are compared as they are; a pattern can admit blanks: {}",
                quoted(&format!("{not}matches({path}, {pattern})"))
            )
        }
        "isobject" | "isdict" | "ismap" => of_type(Type::Object),
        "islist" | "isarray" | "isset" | "istuple" => of_type(Type::List),
        "isstring" | "istext" | "isstr" => of_type(Type::Text),
        "isnumber" | "isint" | "isinteger" | "isfloat" | "isnumeric" => of_type(Type::Number),
        "isbool" | "isboolean" => of_type(Type::Bool),
        "isnull" | "isnone" | "isnil" => format!("write {}", quoted(&format!("{path} == null"))),
        "typeof" | "typename" | "isinstance" | "gettype" => {
            let equal = if negated { "!=" } else { "==" };
            let known = |name: &&str| Type::ALL.iter().any(|of| of.name() == *name);
            let name = sought.and_then(|name| {
                let meant = super::suggest::type_name(name);
                meant.or(Some(name).filter(known))
            });
            let name = name.unwrap_or("text");
            format!(
                "write {}",
                quoted(&format!("type({path}) {equal} {}", json(name)))
            )
        }
        "avg" | "mean" | "min" | "max" | "abs" | "round" | "floor" | "ceil" | "int" | "float"
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
            "toLower",
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
