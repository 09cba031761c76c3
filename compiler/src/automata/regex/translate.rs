//! From the syntax of a pattern to its meaning. What is not named here is refused.

use std::ops::Range;

use regex_syntax::{
    ast::{
        Assertion, AssertionKind, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl,
        ClassPerlKind, ClassSet, ClassSetItem, Flag, Flags as FlagList, FlagsItemKind, Group,
        GroupKind, HexLiteralKind, Literal, LiteralKind, Repetition, RepetitionKind,
        RepetitionRange, Span, SpecialLiteralKind,
    },
    hir::{ClassUnicode, ClassUnicodeRange, Hir, Look},
};

use crate::automata::{
    PatternError,
    code_points::{one_of, repeat},
};

/// RE2's bound on a count, and on the product of counts that nest.
const MAX_REPETITION: u32 = 1000;

/// The meaning of a parsed pattern.
pub(super) fn translate(pattern: &str, ast: &Ast) -> Result<Hir, PatternError> {
    Translator { pattern }.node(ast, &mut Flags::default(), MAX_REPETITION)
}

struct Translator<'p> {
    pattern: &'p str,
}

/// The flags in force. They hold to the end of the group in which they are set, across `|`.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    dot_matches_newline: bool,
}

impl Translator<'_> {
    /// `repetitions` is how often this may still be repeated. The depth is bounded by the parser.
    fn node(&self, ast: &Ast, flags: &mut Flags, repetitions: u32) -> Result<Hir, PatternError> {
        match ast {
            Ast::Empty(_) => Ok(Hir::empty()),
            Ast::Flags(set) => {
                self.set(&set.flags, flags)?;
                Ok(Hir::empty())
            }
            Ast::Literal(literal) => self.literal(literal, *flags),
            Ast::Dot(_) => {
                let mut set = class(&[('\0', char::MAX)]);
                if !flags.dot_matches_newline {
                    set.difference(&class(&[('\n', '\n')]));
                }
                Ok(one_of(&set))
            }
            Ast::Assertion(assertion) => self.assertion(assertion),
            Ast::ClassUnicode(class) => Err(unicode_class(&class.span)),
            Ast::ClassPerl(class) => Ok(one_of(&self.perl(class, *flags)?)),
            Ast::ClassBracketed(class) => Ok(one_of(&self.bracketed(class, *flags)?)),
            Ast::Repetition(repetition) => self.repetition(repetition, flags, repetitions),
            Ast::Group(group) => self.group(group, *flags, repetitions),
            Ast::Alternation(alternation) => Ok(Hir::alternation(self.nodes(
                &alternation.asts,
                flags,
                repetitions,
            )?)),
            Ast::Concat(concat) => Ok(Hir::concat(self.nodes(&concat.asts, flags, repetitions)?)),
        }
    }

    fn nodes(
        &self,
        asts: &[Ast],
        flags: &mut Flags,
        repetitions: u32,
    ) -> Result<Vec<Hir>, PatternError> {
        asts.iter()
            .map(|ast| self.node(ast, flags, repetitions))
            .collect()
    }

    fn group(
        &self,
        group: &Group,
        mut flags: Flags,
        repetitions: u32,
    ) -> Result<Hir, PatternError> {
        match &group.kind {
            GroupKind::CaptureIndex(_) => {}
            GroupKind::CaptureName {
                starts_with_p,
                name,
            } => {
                let shown = &name.name;
                if !starts_with_p {
                    return Err(PatternError::new(
                        range(&name.span),
                        format!("`(?<{shown}>` is not read alike by all engines"),
                    )
                    .with_help(format!("write `(?P<{shown}>…)` or `(?:…)`")));
                }
                let mut bytes = shown.bytes();
                let plain = bytes
                    .next()
                    .is_some_and(|first| first == b'_' || first.is_ascii_alphabetic())
                    && bytes.all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
                if !plain {
                    return Err(PatternError::new(
                        range(&name.span),
                        format!("the group name `{shown}` is not read alike by all engines"),
                    )
                    .with_help(
                        "use ASCII letters, digits and `_`, or leave the name out: `(?:…)`",
                    ));
                }
            }
            GroupKind::NonCapturing(list) => self.set(list, &mut flags)?,
        }
        self.node(&group.ast, &mut flags, repetitions)
    }

    fn set(&self, list: &FlagList, flags: &mut Flags) -> Result<(), PatternError> {
        let mut value = true;
        for item in &list.items {
            let (name, help) = match &item.kind {
                FlagsItemKind::Negation => {
                    value = false;
                    continue;
                }
                FlagsItemKind::Flag(Flag::CaseInsensitive) => {
                    flags.ignore_case = value;
                    continue;
                }
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => {
                    flags.dot_matches_newline = value;
                    continue;
                }
                FlagsItemKind::Flag(Flag::MultiLine) => (
                    "m",
                    "`^` and `$` always stand for the start and the end of the text; write `(?:^|\\n)` for the start of a line",
                ),
                FlagsItemKind::Flag(Flag::SwapGreed) => (
                    "U",
                    "a text is accepted wherever it matches, greedy or not: leave it out",
                ),
                FlagsItemKind::Flag(Flag::Unicode) => {
                    ("u", "classes are ASCII, all else is Unicode: leave it out")
                }
                FlagsItemKind::Flag(Flag::CRLF) => ("R", "write `\\r?\\n` for an end of line"),
                FlagsItemKind::Flag(Flag::IgnoreWhitespace) => {
                    ("x", "write the pattern without white space and comments")
                }
            };
            return Err(PatternError::new(
                range(&item.span),
                format!("the flag `{name}` is not supported: only `i` and `s` are"),
            )
            .with_help(help));
        }
        Ok(())
    }

    fn assertion(&self, assertion: &Assertion) -> Result<Hir, PatternError> {
        let (name, help) = match assertion.kind {
            AssertionKind::StartLine | AssertionKind::StartText => {
                return Ok(Hir::look(Look::Start));
            }
            AssertionKind::EndLine | AssertionKind::EndText => return Ok(Hir::look(Look::End)),
            AssertionKind::WordBoundary => return Ok(Hir::look(Look::WordAscii)),
            // Between the bytes of a code point RE2 finds one, and the Rust crate does not.
            AssertionKind::NotWordBoundary => (
                "`\\B` is",
                "state what may stand beside the word: `[0-9A-Za-z_]`",
            ),
            AssertionKind::WordBoundaryStart
            | AssertionKind::WordBoundaryEnd
            | AssertionKind::WordBoundaryStartHalf
            | AssertionKind::WordBoundaryEndHalf => ("`\\b{…}` is", "write `\\b` alone"),
            AssertionKind::WordBoundaryStartAngle => {
                ("`\\<` is", "write `\\b`, or `<` for the character itself")
            }
            AssertionKind::WordBoundaryEndAngle => {
                ("`\\>` is", "write `\\b`, or `>` for the character itself")
            }
        };
        Err(PatternError::new(
            range(&assertion.span),
            format!("{name} not read alike by all engines"),
        )
        .with_help(help))
    }

    fn repetition(
        &self,
        repetition: &Repetition,
        flags: &mut Flags,
        repetitions: u32,
    ) -> Result<Hir, PatternError> {
        let span = range(&repetition.op.span);
        let written = self.pattern.get(span.clone()).unwrap_or_default();
        match *repetition.ast {
            Ast::Repetition(_) => {
                return Err(PatternError::new(span, format!("`{written}` repeats a repetition"))
                    .with_help("put the inner one into a group, `(?:a+){2}`; there are no possessive repetitions"));
            }
            Ast::Assertion(_) => {
                return Err(PatternError::new(
                    span,
                    format!("`{written}` repeats an assertion, which takes no text"),
                )
                .with_help("leave it out, or make the assertion optional as `(?:^|…)`"));
            }
            _ => {}
        }
        let (min, max) = match &repetition.op.kind {
            RepetitionKind::ZeroOrOne => (0, Some(1)),
            RepetitionKind::ZeroOrMore => (0, None),
            RepetitionKind::OneOrMore => (1, None),
            RepetitionKind::Range(counts) => {
                if !is_plain_count(written) {
                    return Err(PatternError::new(span, format!("the repetition `{written}` is not read alike by all engines"))
                        .with_help("write the counts without white space and leading zeros: `{2}`, `{2,}`, `{2,5}`"));
                }
                match *counts {
                    RepetitionRange::Exactly(count) => (count, Some(count)),
                    RepetitionRange::AtLeast(min) => (min, None),
                    RepetitionRange::Bounded(min, max) => (min, Some(max)),
                }
            }
        };
        let count = match repetition.op.kind {
            RepetitionKind::Range(_) => max.unwrap_or(min).max(1),
            _ => 1,
        };
        // Division as in RE2: the product of the counts that nest reaches the bound exactly when this comes to nothing.
        let Some(left) = repetitions.checked_div(count).filter(|&left| left > 0) else {
            return Err(PatternError::new(span, format!("`{written}` repeats more than {MAX_REPETITION} times, counting the repetitions around it"))
                .with_help("bound the length of the text with `count`"));
        };
        Ok(repeat(self.node(&repetition.ast, flags, left)?, min, max))
    }

    fn literal(&self, literal: &Literal, flags: Flags) -> Result<Hir, PatternError> {
        let c = self.character(literal, flags)?;
        if flags.ignore_case && c.is_ascii_alphabetic() {
            let mut set = class(&[(c, c)]);
            fold(&mut set);
            return Ok(one_of(&set));
        }
        Ok(Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()))
    }

    /// The character of a literal, inside a class or outside.
    fn character(&self, literal: &Literal, flags: Flags) -> Result<char, PatternError> {
        let c = literal.c;
        let span = range(&literal.span);
        let written = self.pattern.get(span.clone()).unwrap_or_default();
        let refused = |help: String| {
            Err(PatternError::new(
                span.clone(),
                format!("`{written}` is not read alike by all engines"),
            )
            .with_help(help))
        };
        match literal.kind {
            LiteralKind::Verbatim | LiteralKind::Meta => {}
            LiteralKind::Superfluous if c.is_ascii_punctuation() && c != '_' => {}
            LiteralKind::Superfluous => return refused("leave out the `\\`".to_owned()),
            LiteralKind::Octal => return refused(format!("write `\\x{{{:X}}}`", u32::from(c))),
            LiteralKind::HexFixed(HexLiteralKind::X) | LiteralKind::HexBrace(HexLiteralKind::X) => {
            }
            LiteralKind::HexFixed(_) | LiteralKind::HexBrace(_) => {
                return refused(format!("write `\\x{{{:X}}}`", u32::from(c)));
            }
            LiteralKind::Special(SpecialLiteralKind::Space) => {
                return refused("write the space without `\\`".to_owned());
            }
            LiteralKind::Special(_) => {}
        }
        if flags.ignore_case && !c.is_ascii() {
            return Err(PatternError::new(
                span,
                format!("`{written}` stands under the flag `i`, which is ASCII only"),
            )
            .with_help("list the cases in a class outside of the flag: `(?i:abc)[Éé]`"));
        }
        Ok(c)
    }

    fn perl(&self, ast: &ClassPerl, flags: Flags) -> Result<ClassUnicode, PatternError> {
        let ranges: &[(char, char)] = match ast.kind {
            ClassPerlKind::Digit => &[('0', '9')],
            ClassPerlKind::Space => &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')],
            // RE2 adds U+017F and U+212A, the Rust crate does not.
            ClassPerlKind::Word if flags.ignore_case => {
                let written = self.pattern.get(range(&ast.span)).unwrap_or_default();
                return Err(PatternError::new(range(&ast.span), format!("`{written}` under the flag `i` is not read alike by all engines"))
                    .with_help("it holds both cases already: set the flag only around the letters, `(?i:abc)\\w`"));
            }
            ClassPerlKind::Word => WORD,
        };
        let mut set = class(ranges);
        if ast.negated {
            set.negate();
        }
        Ok(set)
    }

    fn bracketed(&self, ast: &ClassBracketed, flags: Flags) -> Result<ClassUnicode, PatternError> {
        let span = range(&ast.span);
        let written = self.pattern.get(span.clone()).unwrap_or_default();
        if written.starts_with("[:") && written.ends_with(":]") {
            return Err(PatternError::new(
                span,
                format!("`{written}` is a class of these characters, not a named one"),
            )
            .with_help(format!("write `[{written}]`")));
        }
        let mut set = ClassUnicode::empty();
        match &ast.kind {
            ClassSet::BinaryOp(operation) => {
                return Err(PatternError::new(
                    range(&operation.span),
                    "operations on classes are not read alike by all engines",
                )
                .with_help(
                    "write one class; write `\\&`, `\\-` or `\\~` for the character itself",
                ));
            }
            ClassSet::Item(item) => self.item(item, flags, &span, &mut set)?,
        }
        if ast.negated {
            set.negate();
        }
        Ok(set)
    }

    /// Adds an item of the class that stands at `whole`.
    fn item(
        &self,
        item: &ClassSetItem,
        flags: Flags,
        whole: &Range<usize>,
        set: &mut ClassUnicode,
    ) -> Result<(), PatternError> {
        let added = match item {
            ClassSetItem::Empty(_) => return Ok(()),
            ClassSetItem::Union(union) => {
                return union
                    .items
                    .iter()
                    .try_for_each(|item| self.item(item, flags, whole, set));
            }
            ClassSetItem::Literal(literal) => {
                self.in_class(literal, whole)?;
                let c = self.character(literal, flags)?;
                folded(class(&[(c, c)]), flags)
            }
            ClassSetItem::Range(ends) => {
                self.in_class(&ends.start, whole)?;
                self.in_class(&ends.end, whole)?;
                folded(
                    class(&[(
                        self.character(&ends.start, flags)?,
                        self.character(&ends.end, flags)?,
                    )]),
                    flags,
                )
            }
            ClassSetItem::Ascii(named) => named_class(named, flags),
            ClassSetItem::Perl(perl) => self.perl(perl, flags)?,
            ClassSetItem::Unicode(class) => return Err(unicode_class(&class.span)),
            ClassSetItem::Bracketed(inner) => {
                let span = range(&inner.span);
                let written = self.pattern.get(span.clone()).unwrap_or_default();
                if written.starts_with("[:") && written.ends_with(":]") {
                    return Err(PatternError::new(
                        span,
                        format!("`{written}` is not a known class"),
                    )
                    .with_help(NAMED_CLASSES));
                }
                return Err(PatternError::new(
                    span,
                    "a class within a class is not read alike by all engines",
                )
                .with_help("write one class; write `\\[` for the bracket itself"));
            }
        };
        set.union(&added);
        Ok(())
    }

    /// Refuses characters whose meaning in a class depends on where they stand, unless they stand where all agree.
    fn in_class(&self, literal: &Literal, whole: &Range<usize>) -> Result<(), PatternError> {
        if literal.kind != LiteralKind::Verbatim || !matches!(literal.c, '-' | ']') {
            return Ok(());
        }
        let span = range(&literal.span);
        let before = self
            .pattern
            .get(whole.start..span.start)
            .unwrap_or_default();
        let after = self.pattern.get(span.end..whole.end).unwrap_or_default();
        if literal.c == '-'
            && ((matches!(before, "[" | "[^") && !after.starts_with('-')) || after == "]")
        {
            return Ok(());
        }
        let (message, help) = match literal.c {
            '-' => (
                "`-` in the middle of a class is not read alike by all engines",
                "write `\\-`, or put it first or last",
            ),
            _ => (
                "`]` right after the opening bracket is easily misread",
                "write `\\]`",
            ),
        };
        Err(PatternError::new(span, message).with_help(help))
    }
}

const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

const NAMED_CLASSES: &str = "the names are `alnum`, `alpha`, `ascii`, `blank`, `cntrl`, `digit`, `graph`, `lower`, `print`, `punct`, `space`, `upper`, `word` and `xdigit`";

fn named_class(ast: &ClassAscii, flags: Flags) -> ClassUnicode {
    let mut set = class(match ast.kind {
        ClassAsciiKind::Alnum => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        ClassAsciiKind::Alpha => &[('A', 'Z'), ('a', 'z')],
        ClassAsciiKind::Ascii => &[('\0', '\x7F')],
        ClassAsciiKind::Blank => &[('\t', '\t'), (' ', ' ')],
        ClassAsciiKind::Cntrl => &[('\0', '\x1F'), ('\x7F', '\x7F')],
        ClassAsciiKind::Digit => &[('0', '9')],
        ClassAsciiKind::Graph => &[('!', '~')],
        ClassAsciiKind::Lower => &[('a', 'z')],
        ClassAsciiKind::Print => &[(' ', '~')],
        ClassAsciiKind::Punct => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        ClassAsciiKind::Space => &[('\t', '\r'), (' ', ' ')],
        ClassAsciiKind::Upper => &[('A', 'Z')],
        ClassAsciiKind::Word => WORD,
        ClassAsciiKind::Xdigit => &[('0', '9'), ('A', 'F'), ('a', 'f')],
    });
    if flags.ignore_case {
        fold(&mut set);
    }
    if ast.negated {
        set.negate();
    }
    set
}

fn folded(mut set: ClassUnicode, flags: Flags) -> ClassUnicode {
    if flags.ignore_case {
        fold(&mut set);
    }
    set
}

/// Adds the other case of each ASCII letter, and the two code points beyond ASCII that fold to one.
fn fold(set: &mut ClassUnicode) {
    let mut other = ClassUnicode::empty();
    for letter in 'a'..='z' {
        let cases = [letter, letter.to_ascii_uppercase()];
        if set.ranges().iter().any(|range| {
            cases
                .iter()
                .any(|case| (range.start()..=range.end()).contains(case))
        }) {
            other.union(&class(&cases.map(|case| (case, case))));
            match letter {
                'k' => other.union(&class(&[('\u{212A}', '\u{212A}')])),
                's' => other.union(&class(&[('\u{17F}', '\u{17F}')])),
                _ => {}
            }
        }
    }
    set.union(&other);
}

fn class(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .iter()
            .map(|&(start, end)| ClassUnicodeRange::new(start, end)),
    )
}

/// `{2}`, `{2,}`, `{2,5}`, each also lazy.
fn is_plain_count(written: &str) -> bool {
    let inner = written
        .strip_suffix('?')
        .unwrap_or(written)
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let is_number = |text: &str| {
        text == "0"
            || (!text.starts_with('0')
                && !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    inner.is_some_and(|inner| match inner.split_once(',') {
        None => is_number(inner),
        Some((min, max)) => is_number(min) && (max.is_empty() || is_number(max)),
    })
}

fn unicode_class(span: &Span) -> PatternError {
    PatternError::new(range(span), "Unicode classes are not supported")
        .with_help("list the code points: `[a-zA-Z]`, `[[:alpha:]]`")
}

fn range(span: &Span) -> Range<usize> {
    span.start.offset..span.end.offset
}
