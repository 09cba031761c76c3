//! The functions of the language, each declared once: a name cannot be read, printed or explained without standing here, and every match
//! over them names all.

use std::fmt;

macro_rules! functions {
    ($($(#[doc = $about:literal])+ $function:ident: $kind:ident $name:literal (path $(, $argument:literal)?) also [$($also:literal),*])+) => {
        /// A function of the language. The first argument of each is a path.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Function {
            $($(#[doc = $about])+ $function,)+
        }

        impl Function {
            /// All functions, by name.
            pub const ALL: &[Self] = &[$(Self::$function),+];

            /// How it is called.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$function => $name,)+
                }
            }

            /// How it is written, with its arguments.
            #[must_use]
            pub const fn signature(self) -> &'static str {
                match self {
                    $(Self::$function => concat!($name, "(path", $(", ", $argument,)? ")"),)+
                }
            }

            /// How many arguments it takes.
            #[must_use]
            pub const fn arity(self) -> usize {
                match self {
                    $(Self::$function => 1 $(+ [$argument].len())?,)+
                }
            }

            /// Whether it is a condition; else it is a value, to be compared.
            #[must_use]
            pub const fn is_condition(self) -> bool {
                match self {
                    $(Self::$function => functions!(@is_condition $kind),)+
                }
            }

            /// What other languages call it.
            const fn aliases(self) -> &'static [&'static str] {
                match self {
                    $(Self::$function => &[$($also),*],)+
                }
            }
        }

        /// What the code of unknown functions explains.
        pub(crate) const EXPLANATION: &str = concat!(
            "The functions are\n\n",
            $("    ", $name, "(path", $(", ", $argument,)? ")\n", $("       ", $about, "\n",)+)+
            "\nThey stand in front of their arguments: `startswith(args.s, \"a\")`, not `args.s.startswith(\"a\")`. Nothing is converted:\n\n    ",
            "is_number(args.n)           ->  type(args.n) == \"number\"\n    ",
            "is_object(args.o)           ->  type(args.o) == \"object\"\n    ",
            "upper(args.s) == \"USD\"      ->  lower(args.s) == \"usd\"\n\n",
            "A condition that is written often has a name below `define`, and is used like a function:\n\n    ",
            "define: {iso_date: 'matches(., \"^[0-9]{4}-[0-9]{2}-[0-9]{2}$\")'}\n    iso_date(args.day)",
        );
    };
    (@is_condition condition) => { true };
    (@is_condition value) => { false };
}

functions! {
    /// The condition holds for at least one element of the list; `.` is the element.
    Any: condition "any" (path, "condition") also ["some"]
    /// The condition holds for at least one member of the object; `.name` and `.value` are the member's.
    AnyMember: condition "any_member" (path, "condition") also ["some_member"]
    /// The condition holds for at least one text at or below the value, at any depth, names of members included; `.` is the text.
    Anywhere: condition "anywhere" (path, "condition") also ["any_text", "walk"]
    /// The text has this part.
    Contains: condition "contains" (path, "\"text\"") also ["includes", "substring"]
    /// The number of elements of a list, of members of an object, or of characters of a text; `count(path, condition)` is the number of
    /// elements of a list for which the condition holds.
    Count: value "count" (path) also ["len", "length", "size"]
    /// The text ends with this one.
    EndsWith: condition "endswith" (path, "\"text\"") also ["ends_with", "hasSuffix"]
    /// The condition holds for all elements of the list; `.` is the element.
    Every: condition "every" (path, "condition") also ["all", "each", "forall"]
    /// The condition holds for all members of the object; `.name` and `.value` are the member's.
    EveryMember: condition "every_member" (path, "condition") also ["all_members"]
    /// The text with its ASCII letters in lower case.
    Lower: value "lower" (path) also ["lowercase", "tolower", "to_lower"]
    /// The pattern is found in the text.
    Matches: condition "matches" (path, "\"pattern\"") also ["like", "match", "re_match", "regex", "search"]
    /// The object has no members but these.
    Only: condition "only" (path, "[\"name\", …]") also []
    /// Nothing or null is there, or the condition holds; `.` is the value.
    Optional: condition "optional" (path, "condition") also ["maybe"]
    /// Something is there, be it null.
    Present: condition "present" (path) also ["defined", "exists", "has", "is_set"]
    /// The text begins with this one.
    StartsWith: condition "startswith" (path, "\"text\"") also ["hasPrefix", "starts_with"]
    /// The sum of the numbers in the elements of the list.
    Sum: value "sum" (path, ".field") also ["total"]
    /// The name of the value's type: null, boolean, number, text, list or object.
    Type: value "type" (path) also ["type_name", "typeof"]
}

impl Function {
    /// The function of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::find(|function| function.name() == name)
    }

    /// The function that a name surely means: its own in any letter case, or what other languages call it.
    pub(crate) fn meant(name: &str) -> Option<Self> {
        Self::find(|function| function.name().eq_ignore_ascii_case(name)).or_else(|| {
            let is_it = |alias: &&str| alias.eq_ignore_ascii_case(name);
            Self::find(|function| function.aliases().iter().any(is_it))
        })
    }

    /// The names of all functions, for a message.
    pub(crate) fn listed() -> String {
        let names: Vec<String> = Self::ALL.iter().map(|one| format!("`{one}`")).collect();
        names.join(", ")
    }

    /// Whether it has that name, here or in another language.
    pub(crate) fn is_called(self, name: &str) -> bool {
        Self::meant(name) == Some(self)
    }

    fn find(is_it: impl Fn(Self) -> bool) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| is_it(*function))
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_one_function() {
        for function in Function::ALL {
            assert_eq!(Function::named(function.name()), Some(*function));
            for alias in function.aliases() {
                assert_eq!(Function::named(alias), None, "{alias} is a function");
                assert_eq!(Function::meant(alias), Some(*function), "{alias}");
            }
        }
    }

    /// The signature and the arguments that are demanded cannot differ.
    #[test]
    fn signatures_have_as_many_arguments_as_are_read() {
        assert_eq!(Function::Only.signature(), "only(path, [\"name\", …])");
        assert_eq!(Function::Count.signature(), "count(path)");
        assert_eq!((Function::Only.arity(), Function::Count.arity()), (2, 1));
        assert!(EXPLANATION.contains(Function::Every.signature()));
    }
}
