//! Walks through a script and looks at everything that would run.

use brush_parser::ast::{
    AndOr, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem as Item,
    CompoundCommand, CompoundList, ExtendedTestExpr, IoFileRedirectTarget, IoRedirect, Pipeline,
    SimpleCommand, SubshellCommand, Word,
};
use brush_parser::word::{self, WordPiece, WordPieceWithSource};

use super::naming::Names;
use super::words::{HARMLESS_BUILTINS, REFUSED_BUILTINS, SIDE_DOORS, WRAPPERS, is_obeyed};
use super::{Refused, naming, read};
use crate::executables;

/// Substitutions within substitutions.
const MOST_LEVELS: u32 = 8;

type Checked = Result<(), Refused>;

/// What is allowed.
pub(super) struct Walk<'a> {
    pub(super) allowed: &'a [String],
    pub(super) substitution: bool,
    /// Where everything that would run is named. Then what has a name is not refused, whatever is allowed.
    pub(super) names: Option<&'a Names>,
}

impl Walk<'_> {
    /// Looks at a script, `level` substitutions deep.
    pub(super) fn script(&self, script: &str, level: u32) -> Checked {
        if level > MOST_LEVELS {
            return Err(Refused::new(
                script,
                format!("more than {MOST_LEVELS} substitutions in each other are not read"),
            ));
        }
        let program = read::program(script)?;
        program
            .complete_commands
            .iter()
            .try_for_each(|list| self.list(list, level))
    }

    fn list(&self, list: &CompoundList, level: u32) -> Checked {
        list.0.iter().try_for_each(|item| {
            self.pipeline(&item.0.first, level)?;
            item.0.additional.iter().try_for_each(|next| match next {
                AndOr::And(pipeline) | AndOr::Or(pipeline) => self.pipeline(pipeline, level),
            })
        })
    }

    fn pipeline(&self, pipeline: &Pipeline, level: u32) -> Checked {
        pipeline
            .seq
            .iter()
            .try_for_each(|command| self.command(command, level))
    }

    fn command(&self, command: &Command, level: u32) -> Checked {
        match command {
            Command::Simple(simple) => self.simple(simple, level),
            Command::Compound(compound, redirects) => {
                self.compound(compound, level)?;
                self.redirects(redirects.iter().flat_map(|list| &list.0), level)
            }
            Command::Function(function) => Err(Refused::new(
                function.fname.value.as_str(),
                "a function changes what later words mean",
            )),
            Command::ExtendedTest(test, redirects) => {
                self.test(&test.expr, level)?;
                self.redirects(redirects.iter().flat_map(|list| &list.0), level)
            }
        }
    }

    fn compound(&self, compound: &CompoundCommand, level: u32) -> Checked {
        match compound {
            CompoundCommand::Arithmetic(arithmetic) => plain(&arithmetic.expr.value),
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater]
                    .into_iter()
                    .flatten()
                {
                    plain(&part.value)?;
                }
                self.list(&clause.body.list, level)
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list, level),
            CompoundCommand::Subshell(subshell) => self.list(&subshell.list, level),
            CompoundCommand::ForClause(clause) => {
                self.variable(&clause.variable_name)?;
                clause
                    .values
                    .iter()
                    .flatten()
                    .try_for_each(|word| self.word(word, level))?;
                self.list(&clause.body.list, level)
            }
            CompoundCommand::CaseClause(clause) => {
                self.word(&clause.value, level)?;
                clause.cases.iter().try_for_each(|case| {
                    case.patterns
                        .iter()
                        .try_for_each(|word| self.word(word, level))?;
                    case.cmd.iter().try_for_each(|list| self.list(list, level))
                })
            }
            CompoundCommand::IfClause(clause) => {
                self.list(&clause.condition, level)?;
                self.list(&clause.then, level)?;
                clause.elses.iter().flatten().try_for_each(|part| {
                    part.condition
                        .iter()
                        .try_for_each(|list| self.list(list, level))?;
                    self.list(&part.body, level)
                })
            }
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.list(&clause.0, level)?;
                self.list(&clause.1.list, level)
            }
            CompoundCommand::Coprocess(_) => Err(Refused::new(
                "coproc",
                "it runs a command beside the script",
            )),
        }
    }

    fn test(&self, test: &ExtendedTestExpr, level: u32) -> Checked {
        match test {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left, level)?;
                self.test(right, level)
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => {
                self.test(inner, level)
            }
            ExtendedTestExpr::UnaryTest(_, word) => self.word(word, level),
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.word(left, level)?;
                self.word(right, level)
            }
        }
    }

    fn simple(&self, simple: &SimpleCommand, level: u32) -> Checked {
        let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            self.item(item, level)?;
        }
        let suffix: Vec<_> = simple.suffix.iter().flat_map(|suffix| &suffix.0).collect();
        for item in &suffix {
            self.item(item, level)?;
        }
        let Some(name) = &simple.word_or_name else {
            return Ok(());
        };
        self.word(name, level)?;
        let arguments: Vec<&Word> = suffix
            .iter()
            .filter_map(|item| match item {
                Item::Word(word) | Item::AssignmentWord(_, word) => Some(word),
                _ => None,
            })
            .collect();
        self.named(name, &arguments)
    }

    /// A command by its name, with its arguments.
    fn named(&self, word: &Word, arguments: &[&Word]) -> Checked {
        let Some(name) = literal(word) else {
            return Err(Refused::new(
                word.value.as_str(),
                "the name of a command has to be written out",
            ));
        };
        if let Some(names) = self.names {
            names.program(&name);
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
        if plain == "printf" && arguments.iter().any(|word| word.value.starts_with("-v")) {
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
    fn variable(&self, name: &str) -> Checked {
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
    fn refuse(&self, token: impl Into<String>, why: &str) -> Checked {
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

    fn item(&self, item: &Item, level: u32) -> Checked {
        match item {
            Item::IoRedirect(redirect) => self.redirects([redirect], level),
            Item::Word(word) => self.word(word, level),
            Item::AssignmentWord(assignment, _) => {
                match &assignment.name {
                    AssignmentName::VariableName(name) => self.variable(name)?,
                    AssignmentName::ArrayElementName(name, index) => {
                        self.variable(name)?;
                        plain(index)?;
                    }
                }
                match &assignment.value {
                    AssignmentValue::Scalar(word) => self.word(word, level),
                    AssignmentValue::Array(elements) => {
                        elements.iter().try_for_each(|(index, value)| {
                            index.iter().try_for_each(|index| self.word(index, level))?;
                            self.word(value, level)
                        })
                    }
                }
            }
            Item::ProcessSubstitution(_, subshell) => self.process(subshell, level),
        }
    }

    fn process(&self, subshell: &SubshellCommand, level: u32) -> Checked {
        if self.names.is_some() {
            return self.list(&subshell.list, level);
        }
        Err(Refused::new(
            subshell.to_string(),
            "process substitution is not allowed",
        ))
    }

    fn redirects<'r>(
        &self,
        redirects: impl IntoIterator<Item = &'r IoRedirect>,
        level: u32,
    ) -> Checked {
        redirects
            .into_iter()
            .try_for_each(|redirect| match redirect {
                IoRedirect::File(_, _, target) => match target {
                    IoFileRedirectTarget::Filename(word) => self.file(word, level),
                    IoFileRedirectTarget::Fd(_) => Ok(()),
                    IoFileRedirectTarget::ProcessSubstitution(_, subshell) => {
                        self.process(subshell, level)
                    }
                    IoFileRedirectTarget::Duplicate(word) => {
                        // `>&2` is a descriptor, `>&name` a file.
                        if let Some(names) = self.names
                            && !naming::is_descriptor(&word.value)
                        {
                            names.redirect(&shown(word));
                        }
                        self.word(word, level)
                    }
                },
                IoRedirect::HereDocument(_, document) => {
                    if document.requires_expansion {
                        let pieces = word::parse_heredoc(&document.doc.value, &read::options())
                            .map_err(|_| unreadable(&document.doc))?;
                        self.pieces(&pieces, &document.doc, level)
                    } else {
                        Ok(())
                    }
                }
                IoRedirect::HereString(_, word) => self.word(word, level),
                IoRedirect::OutputAndError(word, _) => self.file(word, level),
            })
    }

    fn file(&self, word: &Word, level: u32) -> Checked {
        let text = shown(word);
        if let Some(names) = self.names {
            names.redirect(&text);
        } else if text.starts_with("/dev/tcp/") || text.starts_with("/dev/udp/") {
            return Err(Refused::new(text, "it is a connection"));
        }
        self.word(word, level)
    }

    fn word(&self, word: &Word, level: u32) -> Checked {
        let pieces = word::parse(&word.value, &read::options()).map_err(|_| unreadable(word))?;
        self.pieces(&pieces, word, level)
    }

    fn pieces(&self, pieces: &[WordPieceWithSource], word: &Word, level: u32) -> Checked {
        pieces.iter().try_for_each(|piece| match &piece.piece {
            WordPiece::CommandSubstitution(script)
            | WordPiece::BackquotedCommandSubstitution(script) => {
                if self.substitution {
                    self.script(script, level + 1)
                } else {
                    Err(Refused::new(
                        word.value.as_str(),
                        "command substitution is not allowed",
                    ))
                }
            }
            WordPiece::DoubleQuotedSequence(inner)
            | WordPiece::GettextDoubleQuotedSequence(inner) => self.pieces(inner, word, level),
            WordPiece::ArithmeticExpression(expression) => plain(&expression.value),
            WordPiece::ParameterExpansion(_) => {
                // What stands in its braces is text that is read again.
                let inside = word
                    .value
                    .get(piece.start_index..piece.end_index)
                    .unwrap_or(&word.value);
                let assigns =
                    inside.contains(":=") || inside.contains('=') && inside.contains("${");
                if assigns || inside.contains("@P") {
                    return Err(Refused::new(inside, "it sets variables or runs text"));
                }
                plain(inside)
            }
            WordPiece::Text(_)
            | WordPiece::SingleQuotedText(_)
            | WordPiece::AnsiCQuotedText(_)
            | WordPiece::TildeExpansion(_)
            | WordPiece::EscapeSequence(_) => Ok(()),
        })
    }
}

fn unreadable(word: &Word) -> Refused {
    Refused::new(word.value.as_str(), "it cannot be read as a word")
}

/// Refuses substitutions in text that this does not take apart.
fn plain(text: &str) -> Checked {
    if text.contains("$(") || text.contains('`') || text.contains("<(") || text.contains(">(") {
        return Err(Refused::new(
            text,
            "a substitution within an expression is not allowed",
        ));
    }
    Ok(())
}

/// The text of a word if it is written out, else the word as it stands in the script.
fn shown(word: &Word) -> String {
    literal(word).unwrap_or_else(|| word.value.clone())
}

/// The text of a word that is written out: quotes are taken away, anything that expands makes it none.
fn literal(word: &Word) -> Option<String> {
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
