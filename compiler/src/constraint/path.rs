//! Paths: a root and the member names that follow it, without a space between.

use super::{
    codes, facts,
    finding::ConstraintError,
    lexer::Kind,
    operand::Side,
    parser::{Binds, Parser},
    wildcard,
};
use crate::{
    diagnostic::quoted,
    expr::{Function, Literal, Operand, OperandKind, Path, Root, Step},
};

impl Parser<'_> {
    /// The path that begins here with `root`.
    pub(super) fn path_operand(&mut self, root: Root) -> Side {
        let start = self.span().start;
        let path = self.path(root);
        let span = start..self.end_before();
        if matches!(self.kind(), Some(Kind::Open)) && self.joined_after(0) {
            return self.method_call(start);
        }
        match path {
            Some(path) => Side::Good(Operand {
                kind: OperandKind::Path(path),
                span,
            }),
            None => Side::Poison(span),
        }
    }

    fn path(&mut self, root: Root) -> Option<Path> {
        let first = self.span();
        let mut steps = Vec::new();
        let mut sound = true;
        let mut closed = false;
        if root == Root::Element {
            match self.kind() {
                Some(Kind::Member(name)) => steps.push(Step::Member((*name).to_owned())),
                // No name follows a bare `.`: it needs a dot before it, and this is the only one.
                _ => closed = true,
            }
            match self.scopes.last_mut() {
                Some(scope) => scope.used = true,
                None => {
                    let written = steps.first().map_or("args.name".to_owned(), |step| {
                        format!("args.{}", step.member().unwrap_or("name"))
                    });
                    self.findings.refuse(
                        codes::OUTSIDE,
                        first.clone(),
                        "`.` is the element of a quantifier, and there is none around it",
                        format!(
                            "write {} for an argument, or `any(args.list, …)` around the condition",
                            quoted(&written)
                        ),
                    );
                    sound = false;
                }
            }
        }
        self.advance();
        while let Some(token) = self.peek() {
            let joined = token.joined;
            match &token.kind {
                Kind::Member(_) | Kind::OpenList
                    if joined && closed && !self.at_index(&mut closed) =>
                {
                    let start = self.span().start;
                    self.skip_steps();
                    self.findings.refuse(
                        codes::PATH,
                        start..self.end_before(),
                        "a name must follow the `.` of an element",
                        "write `.name`; members with other names cannot be reached from an element",
                    );
                    sound = false;
                }
                Kind::Member(name) if joined => {
                    steps.push(Step::Member((*name).to_owned()));
                    self.advance();
                }
                Kind::OpenList if joined => match self.index_step() {
                    Some(step) => steps.push(step),
                    None => sound = false,
                },
                Kind::Dot if joined => {
                    self.missing_name();
                    sound = false;
                }
                Kind::Member(_) => {
                    let error = ConstraintError::new(
                        codes::PATH,
                        self.span(),
                        "a path has no spaces in it",
                    )
                    .help(format!(
                        "write {}",
                        quoted(&format!(
                            "{}{}",
                            self.slice(first.start..self.end_before()),
                            self.slice(self.span())
                        ))
                    ));
                    self.findings.error(error);
                    sound = false;
                    self.advance();
                }
                _ => break,
            }
        }
        let span = first.start..self.end_before();
        if root.is_name() && span.end > first.end {
            if sound {
                let name = root.name();
                self.findings.refuse(
                    codes::PATH,
                    first.end..span.end,
                    format!("`{name}` is a text and has no members"),
                    format!("write `{name}` alone; facts about the caller are in `user` and `ctx`"),
                );
            }
            return None;
        }
        let path = Path { root, steps, span };
        if sound && root == Root::Element {
            let error = self
                .scopes
                .last()
                .and_then(|scope| misses(&path, &scope.binds));
            if let Some(error) = error {
                self.findings.error(error);
                return None;
            }
        }
        if sound && let Some(finding) = facts::unknown(&path, self.sight.budget) {
            if finding.code == codes::FACT {
                self.findings.error(finding);
                return None;
            }
            self.findings.warn(finding);
        }
        sound.then_some(path)
    }

    /// Whether the brackets that open here hold an index; behind a bare `.` nothing else can. What follows it is as behind any path.
    fn at_index(&self, closed: &mut bool) -> bool {
        let is_index = matches!(
            (self.kind(), self.kind_after(1)),
            (Some(Kind::OpenList), Some(Kind::Number(_)))
        );
        *closed &= !is_index;
        is_index
    }

    /// A joined dot that no name follows.
    fn missing_name(&mut self) {
        let dot = self.span();
        let spaced = matches!(self.kind_after(1), Some(Kind::Word(word)) if !matches!(*word, "in" | "not" | "and" | "or"));
        let help = if spaced {
            "a path has no spaces in it: remove the space"
        } else {
            "write `.name`, or `[\"name\"]` for a name with other characters"
        };
        self.findings
            .refuse(codes::PATH, dot, "a name is missing behind this `.`", help);
        self.advance();
        if spaced {
            self.advance();
        }
    }

    /// `["name"]`, `[0]`
    fn index_step(&mut self) -> Option<Step> {
        let open = self.span();
        let step = match (self.kind_after(1), self.kind_after(2)) {
            (Some(Kind::Text(name)), Some(Kind::CloseList)) => Some(Step::Member(name.clone())),
            (Some(Kind::Number(text)), Some(Kind::CloseList))
                if text.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                text.parse().ok().map(Step::Element)
            }
            _ => None,
        };
        if let Some(step) = step {
            self.advance();
            if let Some(warning) = step
                .member()
                .and_then(|name| wildcard::member(name, self.span()))
            {
                self.findings.warn(warning);
            }
            for _ in 0..2 {
                self.advance();
            }
            return Some(step);
        }
        let (message, help) = match self.kind_after(1) {
            Some(Kind::Number(text)) if text.starts_with('-') => (
                "elements of a list are counted from its start",
                "write `[0]` for the first, or `any(path, …)` or `every(path, …)` for a condition on elements".to_owned(),
            ),
            Some(Kind::Number(_)) => (
                "the place of an element is a whole number from 0 on",
                "write `[0]` for the first, or `any(path, …)` or `every(path, …)` for a condition on elements; a member named by digits is `[\"0\"]`".to_owned(),
            ),
            Some(Kind::Bad) => (
                "a member name in brackets is a text",
                "write `any(path, …)` or `every(path, …)` for a condition on elements".to_owned(),
            ),
            Some(Kind::Word(word)) if Root::named(word).is_some() || *word == "consts" => (
                "the place of an element, and the name of a member, is written out",
                "write `any(path, …)` for a condition on one of the elements, or `any_member(path, .name == …)` for a member of some name".to_owned(),
            ),
            Some(Kind::Word(word)) => {
                ("a member name in brackets is a text", format!("write {}", quoted(&format!("[{}]", Literal::String((*word).to_owned())))))
            }
            Some(Kind::Text(_)) => ("expected `]` behind the member name", "write one name in each pair of brackets".to_owned()),
            _ => ("a member name is missing in these brackets", "write `[\"name\"]`".to_owned()),
        };
        self.skip_brackets();
        let span = open.start..self.end_before();
        // What is in the brackets may have been reported for itself, with a help that does not help here.
        self.findings
            .errors
            .retain(|error| !(span.start < error.span.start && error.span.end < span.end));
        self.findings
            .error(ConstraintError::new(codes::PATH, span, message).help(help));
        None
    }

    /// `args.x.startswith("a")`
    fn method_call(&mut self, start: usize) -> Side {
        let whole = self.slice(start..self.end_before());
        let open = self.span();
        self.skip_group();
        let span = start..self.end_before();
        let arguments = self
            .slice(open.end..span.end)
            .trim_end_matches(')')
            .trim()
            .to_owned();
        let help = whole.rsplit_once('.').and_then(|(object, name)| {
            let function = Function::meant(name)?;
            let list = if arguments.is_empty() {
                object.to_owned()
            } else {
                format!("{object}, {arguments}")
            };
            Some(format!("write {}", quoted(&format!("{function}({list})"))))
        });
        self.findings.error(
            ConstraintError::new(
                codes::FUNCTION,
                start..open.start,
                format!("{} cannot be called", quoted(whole)),
            )
            .help(format!("functions stand in front: {}", Function::listed()))
            .help_if(help),
        );
        Side::Poison(span)
    }

    /// Skips joined steps, well-formed or not. Whether there were any.
    pub(super) fn skip_steps(&mut self) -> bool {
        let start = self.end_before();
        while self.joined_after(0) {
            match self.kind() {
                Some(Kind::Member(_) | Kind::Dot) => self.advance(),
                Some(Kind::OpenList) => self.skip_brackets(),
                _ => break,
            }
        }
        self.end_before() > start
    }

    /// At an opening bracket: goes past the one that closes it.
    fn skip_brackets(&mut self) {
        let mut depth = 0usize;
        while let Some(kind) = self.kind() {
            match kind {
                Kind::OpenList => depth += 1,
                Kind::CloseList => depth = depth.saturating_sub(1),
                // Never past the call or the group that it stands in.
                Kind::Close => return,
                _ => {}
            }
            self.advance();
            if depth == 0 {
                return;
            }
        }
    }
}

/// The error for a path from `.` that what is bound does not have.
fn misses(path: &Path, binds: &Binds) -> Option<ConstraintError> {
    let refuse = |message: &str, help: &str| {
        Some(ConstraintError::new(codes::PATH, path.span.clone(), message).help(help))
    };
    match (binds, path.steps.as_slice()) {
        (Binds::Member, [Step::Member(name), rest @ ..]) if name == "name" => {
            if rest.is_empty() {
                return None;
            }
            refuse(
                "the name of a member is a text and has no members",
                "write `.name` alone, or `.value` for what the member holds",
            )
        }
        (Binds::Member, [Step::Member(name), ..]) if name == "value" => None,
        (Binds::Member, steps) => {
            let help = match steps.first() {
                Some(Step::Member(name)) => format!(
                    "write {} for a member of its value, `.name` for its name",
                    quoted(&format!(".value.{name}"))
                ),
                Some(Step::Element(_)) | None => {
                    "write `.name` for its name, `.value` for its value".to_owned()
                }
            };
            refuse(
                "a member has a `.name` and a `.value`, and nothing else",
                &help,
            )
        }
        (Binds::Text, [_, ..]) => refuse(
            "`.` is a text here and has no members",
            "write `.` alone; `anywhere` meets the texts below a value and the names of members alike",
        ),
        (Binds::Listed(_), [Step::Member(_), ..]) => refuse(
            "`.` is an element of a constant here and has no members",
            "write `.` alone",
        ),
        (Binds::Element | Binds::Listed(_) | Binds::Text | Binds::Value | Binds::Argument, _) => {
            None
        }
    }
}
