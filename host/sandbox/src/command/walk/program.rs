//! What a simple command runs: by its name, by a path, or by another command that runs it.

use brush_parser::ast::Word;
use brush_parser::word::{self, WordPiece, WordPieceWithSource};

use super::super::words::{HARMLESS_BUILTINS, REFUSED_BUILTINS, SIDE_DOORS, WRAPPERS, is_obeyed};
use super::super::{Refused, naming, read};
use super::{Checked, Walk, arguments as given};
use crate::executables;

impl Walk<'_> {
    /// A command by its name, with its arguments.
    pub(super) fn named(&self, word: &Word, arguments: &[&Word]) -> Checked {
        let Some(name) = literal(word) else {
            return Err(Refused::new(
                word.value.as_str(),
                "the name of a command has to be written out",
            ));
        };
        if let Some(names) = self.names {
            given::command(&name, arguments)?;
            names.program(&name);
            // A list of what is denied has plain names, and some file systems take any case.
            let plain = name.rsplit('/').next().unwrap_or(&name);
            names.program(plain);
            names.program(&plain.to_lowercase());
        }
        if let Some((_, why)) = REFUSED_BUILTINS
            .iter()
            .find(|(refused, _)| *refused == name)
        {
            return self.refuse(name, why);
        }
        let listed = |name: &str| self.allowed.iter().any(|allowed| allowed == name);
        // By a path it is the same program.
        let plain = name.rsplit('/').next().unwrap_or(&name);
        let wrapper = WRAPPERS.contains(&plain);
        let builtin = HARMLESS_BUILTINS.contains(&name.as_str())
            || (wrapper && matches!(name.as_str(), "command" | "time"));
        if self.names.is_some() {
            // It is named, by its path if it has one.
        } else if name.contains('/') {
            self.by_path(&name)?;
        } else if !builtin && !listed(&name) {
            return Err(Refused::new(name, self.not_listed()));
        }
        let sets = |word: &&Word| shown(word).starts_with("-v");
        if plain == "printf" && arguments.iter().any(sets) {
            self.refuse("printf -v", "it sets variables")?;
        }
        for argument in arguments {
            let text = literal(argument).unwrap_or_else(|| argument.value.clone());
            let door = SIDE_DOORS.iter().find(|(program, option, _)| {
                *program == plain
                    && match option.strip_suffix('*') {
                        Some(begin) => text.starts_with(begin),
                        None => text == *option,
                    }
            });
            if let Some((_, _, why)) = door {
                self.refuse(format!("{plain} {text}"), why)?;
            }
        }
        if wrapper {
            return self.wrapped(plain, arguments);
        }
        Ok(())
    }

    /// What a wrapper runs: the first of its arguments that is neither an option nor a number nor a variable.
    fn wrapped(&self, wrapper: &str, arguments: &[&Word]) -> Checked {
        if self.names.is_some() {
            return self.wrapped_exactly(wrapper, arguments);
        }
        for (at, argument) in arguments.iter().enumerate() {
            let Some(text) = literal(argument) else {
                return Err(Refused::new(
                    argument.value.as_str(),
                    "the name of a command has to be written out",
                ));
            };
            if text.starts_with('-') {
                if wrapper == "env"
                    || (wrapper == "command" && !matches!(text.as_str(), "-v" | "-V"))
                {
                    return Err(Refused::new(
                        format!("{wrapper} {text}"),
                        "options can hide what it runs",
                    ));
                }
                continue;
            }
            if let Some((name, _)) = text.split_once('=') {
                self.variable(name)?;
                continue;
            }
            if text.starts_with(|first: char| first.is_ascii_digit()) {
                continue;
            }
            return self.named(argument, arguments.get(at + 1..).unwrap_or_default());
        }
        Ok(())
    }

    /// As [`wrapped`](Self::wrapped) where the program has to be named: what cannot be told exactly is refused. A list of what is allowed
    /// refuses a word that was taken for the program by mistake; whoever only has its name would take it for harmless.
    fn wrapped_exactly(&self, wrapper: &str, arguments: &[&Word]) -> Checked {
        let texts: Vec<Option<String>> = arguments.iter().map(|word| literal(word)).collect();
        let unclear = |word: &Word| {
            Refused::new(
                format!("{wrapper} {}", word.value),
                "options can hide what it runs",
            )
        };
        let (mut at, mut duration_read) = (0, false);
        while let Some(argument) = arguments.get(at) {
            let rest = texts.get(at..).unwrap_or_default();
            match naming::step(wrapper, rest, &mut duration_read) {
                naming::Step::Skip(words) => at += words,
                naming::Step::Variable(name) => {
                    self.variable(&name)?;
                    at += 1;
                }
                naming::Step::Program => {
                    given::fed(wrapper, argument)?;
                    return self.named(argument, arguments.get(at + 1..).unwrap_or_default());
                }
                naming::Step::Unclear => return Err(unclear(argument)),
            }
        }
        Ok(())
    }

    /// A command by a path: only where the search path leads to it.
    fn by_path(&self, path: &str) -> Checked {
        let allowed = self.allowed.iter().any(|name| {
            executables::SEARCH_PATH.split(':').any(|folder| {
                path.strip_prefix(folder)
                    .and_then(|rest| rest.strip_prefix('/'))
                    == Some(name)
            })
        });
        if allowed {
            Ok(())
        } else {
            Err(Refused::new(path, self.not_listed()))
        }
    }

    /// Refuses to set a variable that programs obey.
    pub(super) fn variable(&self, name: &str) -> Checked {
        let name = name.trim_end_matches('+');
        match (is_obeyed(name), self.names) {
            (false, _) => Ok(()),
            (true, Some(names)) => {
                names.program(&format!("{name}="));
                Ok(())
            }
            (true, None) => Err(Refused::new(
                name,
                "it changes a variable that programs obey",
            )),
        }
    }

    /// Refuses something, or names it where everything is named.
    pub(super) fn refuse(&self, token: impl Into<String>, why: &str) -> Checked {
        match self.names {
            Some(names) => {
                names.program(&token.into());
                Ok(())
            }
            None => Err(Refused::new(token, why)),
        }
    }

    fn not_listed(&self) -> String {
        if self.allowed.is_empty() {
            return "no command is allowed".to_owned();
        }
        format!("allowed are {}", self.allowed.join(", "))
    }
}

/// The text of a word if it is written out, else the word as it stands in the script.
pub(super) fn shown(word: &Word) -> String {
    literal(word).unwrap_or_else(|| word.value.clone())
}

/// The text of a word that is written out: quotes are taken away, anything that expands makes it none.
pub(super) fn literal(word: &Word) -> Option<String> {
    let pieces = word::parse(&word.value, &read::options()).ok()?;
    let mut text = String::new();
    add_literal(&pieces, false, &mut text)?;
    // A pattern or a list in braces is another name after it was expanded, and quotes within a name hide it from whoever reads it.
    Some(text)
}

fn add_literal(pieces: &[WordPieceWithSource], quoted: bool, text: &mut String) -> Option<()> {
    for piece in pieces {
        match &piece.piece {
            WordPiece::Text(part) => {
                if !quoted
                    && part.contains(['*', '?', '[', '{', '~'])
                    && part != "["
                    && part != "[["
                {
                    return None;
                }
                text.push_str(part);
            }
            WordPiece::SingleQuotedText(part) => text.push_str(part),
            WordPiece::DoubleQuotedSequence(inner) => add_literal(inner, true, text)?,
            WordPiece::EscapeSequence(part) => {
                text.push_str(part.strip_prefix('\\').unwrap_or(part));
            }
            WordPiece::AnsiCQuotedText(_)
            | WordPiece::GettextDoubleQuotedSequence(_)
            | WordPiece::TildeExpansion(_)
            | WordPiece::ParameterExpansion(_)
            | WordPiece::CommandSubstitution(_)
            | WordPiece::BackquotedCommandSubstitution(_)
            | WordPiece::ArithmeticExpression(_) => return None,
        }
    }
    Some(())
}
