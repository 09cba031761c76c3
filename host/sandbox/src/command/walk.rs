//! Walks through a script and looks at everything that would run.

mod arguments;
mod program;
mod strict;

use brush_parser::ast::{
    AndOr, AssignmentName, AssignmentValue, Command, CommandPrefixOrSuffixItem as Item,
    CompoundCommand, CompoundList, ExtendedTestExpr, IoFileRedirectTarget, IoRedirect, Pipeline,
    SimpleCommand, SubshellCommand, Word,
};
use brush_parser::word::{self, WordPiece, WordPieceWithSource};

use self::program::shown;
use super::naming::Names;
use super::{Refused, naming, read};

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
        if self.names.is_some() {
            strict::quotes(script)?;
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
            CompoundCommand::Arithmetic(arithmetic) => self.arithmetic(&arithmetic.expr.value),
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater]
                    .into_iter()
                    .flatten()
                {
                    self.arithmetic(&part.value)?;
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
        if self.names.is_some() {
            strict::test(test)?;
        }
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

    fn item(&self, item: &Item, level: u32) -> Checked {
        match item {
            Item::IoRedirect(redirect) => self.redirects([redirect], level),
            Item::Word(word) => self.word(word, level),
            Item::AssignmentWord(assignment, _) => {
                match &assignment.name {
                    AssignmentName::VariableName(name) => self.variable(name)?,
                    AssignmentName::ArrayElementName(name, index) => {
                        self.variable(name)?;
                        self.arithmetic(index)?;
                    }
                }
                match &assignment.value {
                    AssignmentValue::Scalar(word) => self.word(word, level),
                    AssignmentValue::Array(elements) => {
                        elements.iter().try_for_each(|(index, value)| {
                            index.iter().try_for_each(|index| {
                                if self.names.is_some() {
                                    strict::arithmetic(&index.value)?;
                                }
                                self.word(index, level)
                            })?;
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
        if self.names.is_some() {
            strict::word(word, &pieces)?;
        }
        self.pieces(&pieces, word, level)
    }

    fn arithmetic(&self, expression: &str) -> Checked {
        plain(expression)?;
        match self.names {
            Some(_) => strict::arithmetic(expression),
            None => Ok(()),
        }
    }

    fn pieces(&self, pieces: &[WordPieceWithSource], word: &Word, level: u32) -> Checked {
        let mut expanded = false;
        pieces.iter().try_for_each(|piece| {
            let behind = expanded;
            expanded = matches!(piece.piece, WordPiece::ParameterExpansion(_));
            self.piece(piece, behind, word, level)
        })
    }

    /// Looks at a piece of a word; `behind` says whether an expansion stands straight before it.
    fn piece(&self, piece: &WordPieceWithSource, behind: bool, word: &Word, level: u32) -> Checked {
        match &piece.piece {
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
            WordPiece::ArithmeticExpression(expression) => self.arithmetic(&expression.value),
            WordPiece::ParameterExpansion(expansion) => {
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
                if self.names.is_some() {
                    strict::expansion(inside, expansion)?;
                }
                plain(inside)
            }
            WordPiece::Text(text) if self.names.is_some() => strict::text(text, behind),
            WordPiece::Text(_)
            | WordPiece::SingleQuotedText(_)
            | WordPiece::AnsiCQuotedText(_)
            | WordPiece::TildeExpansion(_)
            | WordPiece::EscapeSequence(_) => Ok(()),
        }
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
