//! Text -> tree: one YAML document, without what policies have no use for and readers of YAML disagree about.

use std::{collections::HashMap, mem};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};

use super::{Entry, FileId, Key, Node, NodeKind, Plain, Scalar, Sources, Span, Style, surrogate};
use crate::{
    budget::{Account, Budget, Exceeded},
    diagnostic::{Diagnostic, Sink, quoted},
};

/// Nesting beyond what a policy can need, far below what costs a reader its stack.
const MAX_DEPTH: usize = 64;

/// Reads the source `file`, which stands alone, as one YAML document; see [`parse_within`].
pub fn parse(sources: &Sources, file: FileId, sink: &mut Sink) -> Option<Node> {
    parse_within(sources, file, &Budget::default(), sink)
}

/// Reads the source `file`, one of those that share a budget, as one YAML document. `None` if there is no tree to go on with; then an error
/// stands in `sink`.
pub fn parse_within(
    sources: &Sources,
    file: FileId,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<Node> {
    read(sources, file, &Subject::POLICY, budget, sink)
}

/// What a document is, for messages.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// Its name, which goes with `a`, `the` and `this`: `policy`.
    pub noun: &'static str,
    /// What to do if it is empty.
    pub when_empty: &'static str,
    /// What to do if there are several in one file.
    pub when_several: &'static str,
    /// What to do about aliases that repeat too much.
    pub when_repeated: &'static str,
    /// How deep its parts nest at most, in words.
    pub depth: &'static str,
}

impl Subject {
    const POLICY: Self = Self {
        noun: "policy",
        when_empty: "write `{}` for the policy that denies everything",
        when_several: "put each role into a file of a directory, or all below `roles:` in one document",
        when_repeated: "use `inherits` and mixins to share rules between roles",
        depth: "6 levels",
    };
}

/// Reads the source `file` as one YAML document that is no policy, with the same care. `None` if there is no tree to go on with; then an
/// error stands in `sink`.
pub fn parse_as(
    sources: &Sources,
    file: FileId,
    subject: &Subject,
    sink: &mut Sink,
) -> Option<Node> {
    read(sources, file, subject, &Budget::default(), sink)
}

fn read(
    sources: &Sources,
    file: FileId,
    subject: &Subject,
    budget: &Budget,
    sink: &mut Sink,
) -> Option<Node> {
    let text = sources.text(file);
    let noun = subject.noun;
    if let Some(diagnostic) = refused(text, file, noun).or_else(|| directive(text, file, noun)) {
        sink.push(diagnostic);
        return None;
    }
    let read = surrogate::replaced(text);
    let mut builder = Builder {
        subject,
        file,
        written: text,
        read: &read,
        offsets: Offsets::new(text),
        budget,
        sink,
        frames: Vec::new(),
        anchors: HashMap::new(),
        root: None,
    };
    let mut documents = 0;
    for event in Parser::new_from_str(&read) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let diagnostic = syntax_error(
                    text,
                    file,
                    builder.offsets.byte(error.marker().index()),
                    &error,
                );
                builder.sink.push(diagnostic);
                return None;
            }
        };
        let span = builder.span(span.start, span.end);
        if let Event::DocumentStart(_) = event {
            documents += 1;
            if documents > 1 {
                builder.sink.push(
                    Diagnostic::new(
                        "yaml-several-documents",
                        format!("a {noun} is one YAML document, and here begins another"),
                        span,
                        "the second document",
                    )
                    .with_help(subject.when_several),
                );
                return None;
            }
        }
        builder.event(event, span)?;
        if builder.sink.is_full() {
            return None;
        }
    }
    match builder.root {
        Some(root) if !root.is_null() => Some(root),
        _ => {
            sink.push(
                Diagnostic::new(
                    "empty-source",
                    format!("the {noun} is empty"),
                    Span::whole(file),
                    "",
                )
                .with_help(subject.when_empty),
            );
            None
        }
    }
}

/// saphyr counts characters, we count bytes.
struct Offsets {
    /// Byte offsets by character; empty for ASCII.
    table: Vec<u32>,
    length: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        let table = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices()
                .map(|(byte, _)| u32::try_from(byte).unwrap_or(u32::MAX))
                .collect()
        };
        Self {
            table,
            length: text.len(),
        }
    }

    fn byte(&self, character: usize) -> usize {
        if self.table.is_empty() {
            character.min(self.length)
        } else {
            self.table
                .get(character)
                .map_or(self.length, |byte| *byte as usize)
        }
    }
}

struct Builder<'s> {
    subject: &'s Subject,
    file: FileId,
    /// The source, and what the parser is given for it.
    written: &'s str,
    read: &'s str,
    offsets: Offsets,
    budget: &'s Budget,
    sink: &'s mut Sink,
    frames: Vec<Frame>,
    /// The finished values that bear an anchor, and of how many values each consists.
    anchors: HashMap<usize, (Node, u64)>,
    root: Option<Node>,
}

/// A list or mapping that is being read.
struct Frame {
    start: Span,
    anchor: usize,
    weight: u64,
    kind: FrameKind,
}

enum FrameKind {
    List(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        seen: HashMap<String, Span>,
        pending: Pending,
    },
}

enum Pending {
    /// A key comes next.
    Key,
    /// The value of this key comes next.
    Value(Key),
    /// The key was refused, and its value is read over.
    Refused,
}

impl Builder<'_> {
    fn span(&self, start: Marker, end: Marker) -> Span {
        Span::new(
            self.file,
            self.offsets.byte(start.index()),
            self.offsets.byte(end.index()),
        )
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Some(()),
            Event::Scalar(value, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let mut scalar = Scalar {
                    value: value.into_owned(),
                    style,
                    tagged_string: false,
                };
                let (written, read) = (
                    self.written.get(span.range()).unwrap_or_default(),
                    self.read.get(span.range()).unwrap_or_default(),
                );
                if written != read
                    && let Err(unpaired) = surrogate::restore(&mut scalar, written, read)
                {
                    self.refuse_half(span, unpaired.at);
                }
                match tag.as_deref() {
                    None => {}
                    Some(tag) if is_core(tag, "str") => scalar.tagged_string = true,
                    Some(tag) => {
                        let agrees = match scalar.read() {
                            Plain::Null => is_core(tag, "null"),
                            Plain::Bool(_) => is_core(tag, "bool"),
                            Plain::Number => is_core(
                                tag,
                                if scalar.value.contains('.') {
                                    "float"
                                } else {
                                    "int"
                                },
                            ),
                            Plain::String | Plain::Ambiguous { .. } => false,
                        };
                        if !agrees {
                            self.refuse_tag(tag, span);
                        }
                    }
                }
                // A long text is as much to repeat as several values.
                let weight = 1 + scalar.value.len() as u64 / 64;
                self.finished(
                    Node {
                        span,
                        kind: NodeKind::Scalar(scalar),
                    },
                    anchor,
                    weight,
                )
            }
            Event::SequenceStart(anchor, tag) => {
                if let Some(tag) = tag.filter(|tag| !is_core(tag, "seq")) {
                    self.refuse_tag(&tag, span);
                }
                self.begin(Frame {
                    start: span,
                    anchor,
                    weight: 1,
                    kind: FrameKind::List(Vec::new()),
                })
            }
            Event::MappingStart(anchor, tag) => {
                if let Some(tag) = tag.filter(|tag| !is_core(tag, "map")) {
                    self.refuse_tag(&tag, span);
                }
                let kind = FrameKind::Mapping {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    pending: Pending::Key,
                };
                self.begin(Frame {
                    start: span,
                    anchor,
                    weight: 1,
                    kind,
                })
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let frame = self.frames.pop()?;
                let (kind, last) = match frame.kind {
                    FrameKind::List(mut nodes) => {
                        nodes.shrink_to_fit();
                        let last = nodes.last().map(|node| node.span);
                        (NodeKind::List(nodes.into()), last)
                    }
                    FrameKind::Mapping { mut entries, .. } => {
                        entries.shrink_to_fit();
                        let last = entries.last().map(|entry| {
                            if entry.value.span.start < entry.key.span.end {
                                entry.key.span
                            } else {
                                entry.value.span
                            }
                        });
                        (NodeKind::Mapping(entries.into()), last)
                    }
                };
                // The end of a block collection is an empty place further down; that of a flow collection is its bracket.
                let end = if span.start == span.end {
                    last.map_or(frame.start.end, |last| last.end)
                } else {
                    span.end
                };
                let span = Span {
                    end: end.max(frame.start.end),
                    ..frame.start
                };
                self.finished(Node { span, kind }, frame.anchor, frame.weight)
            }
            Event::Alias(anchor) => {
                let Some((node, weight)) = self.anchors.get(&anchor).cloned() else {
                    self.sink.push(
                        Diagnostic::new(
                            "yaml-alias",
                            "the alias stands within the value that it names",
                            span,
                            "would contain itself",
                        )
                        .with_help("write the value out"),
                    );
                    return None;
                };
                if let Err(Exceeded { limit, .. }) = self.budget.spend(Account::Repeated, weight)
                    && self.budget.is_news()
                {
                    self.sink.push(
                        Diagnostic::new(
                            "yaml-alias",
                            format!(
                                "the aliases of this {} repeat more than {limit} values",
                                self.subject.noun
                            ),
                            span,
                            "too much",
                        )
                        .with_help(self.subject.when_repeated),
                    );
                }
                if self.budget.is_exhausted() {
                    return None;
                }
                self.finished(node, 0, weight)
            }
        }
    }

    fn begin(&mut self, frame: Frame) -> Option<()> {
        if self.frames.len() >= MAX_DEPTH {
            self.sink.push(
                Diagnostic::new(
                    "yaml-too-deep",
                    format!("the document is nested deeper than {MAX_DEPTH} levels"),
                    frame.start,
                    "too deep",
                )
                .with_help(format!(
                    "no part of a {} nests deeper than {}: check brackets and indentation",
                    self.subject.noun, self.subject.depth
                )),
            );
            return None;
        }
        self.frames.push(frame);
        Some(())
    }

    /// Puts a finished value where it belongs.
    fn finished(&mut self, node: Node, anchor: usize, weight: u64) -> Option<()> {
        // Aliases have paid for what they repeat, and what they repeat is kept once.
        self.budget.pay(Account::Values, 1, node.span, self.sink)?;
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Some(());
        };
        frame.weight = frame.weight.saturating_add(weight);
        match &mut frame.kind {
            FrameKind::List(nodes) => nodes.push(node),
            FrameKind::Mapping {
                entries,
                seen,
                pending,
            } => match mem::replace(pending, Pending::Key) {
                Pending::Value(key) => entries.push(Entry { key, value: node }),
                Pending::Refused => {}
                Pending::Key => {
                    let (key, complaint) = key(node);
                    self.sink.extend(complaint);
                    *pending = match key {
                        None => Pending::Refused,
                        Some(key) => match seen.get(&key.name) {
                            None => {
                                seen.insert(key.name.clone(), key.span);
                                Pending::Value(key)
                            }
                            Some(first) => {
                                self.sink.push(
                                    Diagnostic::new("duplicate-key", format!("the key {} stands here twice", quoted(&key.name)), key.span, "again")
                                        .with_label(*first, "first here")
                                        .with_help("remove one of them: readers of YAML disagree on which counts"),
                                );
                                Pending::Refused
                            }
                        },
                    };
                }
            },
        }
        Some(())
    }

    fn refuse_half(&mut self, scalar: Span, at: usize) {
        let start = scalar.range().start + at;
        self.sink.push(
            Diagnostic::new(
                "yaml-syntax",
                "this is not YAML: half of a character",
                Span::new(self.file, start, start + surrogate::HALF),
                "without its other half",
            )
            .with_help("write both halves one after the other, `\\ud83d\\ude00`, or the character as one, `\\U0001F600`"),
        );
    }

    fn refuse_tag(&mut self, tag: &Tag, span: Span) {
        let shown = if tag.handle == "tag:yaml.org,2002:" {
            format!("!!{}", tag.suffix)
        } else {
            format!("{}{}", tag.handle, tag.suffix)
        };
        self.sink.push(
            Diagnostic::new(
                "yaml-tag",
                format!("the tag {} is not accepted here", quoted(&shown)),
                span,
                "tagged",
            )
            .with_help("remove the tag, and quote the value if a string is meant"),
        );
    }
}

fn is_core(tag: &Tag, name: &str) -> bool {
    tag.handle == "tag:yaml.org,2002:" && tag.suffix == name
}

/// The key that `node` is, and what is wrong with it. Where the name is known it is kept, so that what refers to it is not reported
/// as well.
fn key(node: Node) -> (Option<Key>, Option<Diagnostic>) {
    let span = node.span;
    let described = node.described();
    let NodeKind::Scalar(scalar) = node.kind else {
        let diagnostic = Diagnostic::new(
            "yaml-key",
            format!("a key is a string, not {described}"),
            span,
            "used as a key",
        )
        .with_help(
            "a text that contains `: ` or begins with `[` or `{` needs quotes around all of it",
        );
        return (None, Some(diagnostic));
    };
    let kind = scalar.read();
    let name = scalar.value;
    let quote = format!("quote it: {}", quoted(&format!("\"{name}\"")));
    let diagnostic = match kind {
        Plain::String => None,
        Plain::Ambiguous { .. } if name == "<<" => {
            let diagnostic = Diagnostic::new(
                "yaml-merge-key",
                "merge keys are not part of YAML 1.2",
                span,
                "a merge key",
            )
            .with_help("use `inherits` and mixins to share rules between roles");
            return (None, Some(diagnostic));
        }
        Plain::Ambiguous { reading } => {
            let message = format!("some readers of YAML take {} for {reading}", quoted(&name));
            Some(
                Diagnostic::new("ambiguous-scalar", message, span, "not a string for all")
                    .with_help(quote),
            )
        }
        Plain::Null | Plain::Bool(_) | Plain::Number => Some(
            Diagnostic::new(
                "yaml-key",
                format!("a key is a string, not {described}"),
                span,
                described,
            )
            .with_help(quote),
        ),
    };
    (Some(Key { name, span }), diagnostic)
}

/// The first character that has no place in a policy: invisible, or a line break to some readers and none to others.
pub(crate) fn refused_character(text: &str, file: FileId) -> Option<Diagnostic> {
    refused(text, file, Subject::POLICY.noun)
}

fn refused(text: &str, file: FileId, noun: &str) -> Option<Diagnostic> {
    let mut characters = text.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        let what = match character {
            '\t' | '\n' | ' '..='~' => continue,
            '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => continue,
            '\r' => "a carriage return without a line feed",
            '\0'..='\u{1f}' | '\u{7f}'..='\u{84}' | '\u{86}'..='\u{9f}' => "a control character",
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                "a line break to some readers of YAML and none to others"
            }
            '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => {
                "a character that changes the direction of the text around it"
            }
            '\u{feff}' => "a byte-order mark, which stands at the beginning of a file or nowhere",
            _ => continue,
        };
        let span = Span::new(file, offset, offset + character.len_utf8());
        let escape = if u32::from(character) < 0x100 {
            format!("\\x{:02X}", u32::from(character))
        } else {
            format!("\\u{:04X}", u32::from(character))
        };
        return Some(
            Diagnostic::new(
                "refused-character",
                format!(
                    "U+{:04X} may not stand in a {noun}: it is {what}",
                    u32::from(character)
                ),
                span,
                "here",
            )
            .with_help(format!(
                "remove it, or write `{escape}` within double quotes"
            )),
        );
    }
    None
}

/// A `%YAML` or `%TAG` line ahead of the document.
fn directive(text: &str, file: FileId, noun: &str) -> Option<Diagnostic> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('%') {
            let length = line.trim_end().len();
            return Some(
                Diagnostic::new(
                    "yaml-directive",
                    "YAML directives are not accepted",
                    Span::new(file, offset, offset + length),
                    "a directive",
                )
                .with_help(format!(
                    "remove the line: a {noun} is YAML 1.2 without extensions"
                )),
            );
        }
        if !(line.trim().is_empty() || line.starts_with('#')) {
            return None;
        }
        offset += line.len();
    }
    None
}

/// The help for a text with a comma in a list in brackets.
pub(crate) const FLOW_COMMA: &str = "in a YAML list in brackets every comma begins a new entry, also that of a function or list within a constraint: put single quotes around the whole constraint, or write each on a line of its own behind `- `";

/// Whether a text in a list in brackets was taken apart at a comma: before `offset` stands a parenthesis or bracket that is open in a text,
/// and a comma behind it.
fn is_taken_apart(text: &str, offset: usize) -> bool {
    // A constraint is no longer than this, and what stands further back belongs to another one.
    const FAR: usize = 4096;
    let before = text.get(..offset).unwrap_or(text);
    let start = (before.len().saturating_sub(FAR)..=before.len())
        .find(|at| before.is_char_boundary(*at))
        .unwrap_or(0);
    let near = before.get(start..).unwrap_or_default();
    // The list itself begins with a bracket behind a key.
    let Some(list) = near.rfind(": [").map(|at| at + 3) else {
        return false;
    };
    let inside = near.get(list..).unwrap_or_default();
    let mut depth = 0usize;
    let mut comma = false;
    for c in inside.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth > 0 => comma = true,
            _ => {}
        }
        comma &= depth > 0;
    }
    // `args.x in ["a", …` stops at the bracket itself.
    comma || text.get(offset..).is_some_and(|rest| rest.starts_with('['))
}

fn syntax_error(text: &str, file: FileId, offset: usize, error: &ScanError) -> Diagnostic {
    let line_start = text
        .get(..offset)
        .and_then(|before| before.rfind('\n'))
        .map_or(0, |newline| newline + 1);
    let line = text
        .get(line_start..)
        .and_then(|rest| rest.lines().next())
        .unwrap_or("");
    let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
    let tab = line.get(..indentation).and_then(|blank| blank.find('\t'));
    if let Some(tab) = tab.map(|tab| line_start + tab) {
        return Diagnostic::new(
            "yaml-tab",
            "a tab stands in the indentation",
            Span::new(file, tab, tab + 1),
            "a tab",
        )
        .with_help("indent with spaces: YAML does not allow tabs there");
    }
    // The end of the file is an empty line, which shows nothing.
    let start = if offset >= text.len() {
        text.trim_end()
            .char_indices()
            .next_back()
            .map_or(0, |(last, _)| last)
    } else {
        offset
    };
    let end = start
        + text
            .get(start..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
    let info = error.info();
    let message = format!("this is not YAML: {}", info.replace('\'', "`"));
    let help = [
        (
            "mapping values are not allowed",
            "a text that contains `: ` needs quotes around all of it",
        ),
        (
            "unexpected character",
            "a text that begins with this character needs quotes around all of it",
        ),
        (
            "character that cannot start",
            "a text that begins with this character needs quotes around all of it",
        ),
        (
            "invalid trailing content",
            "a text that begins with a quote ends with it: put single quotes around all of it",
        ),
        (
            "escape",
            "within double quotes `\\` begins an escape: write `\\\\` for a backslash, `\\U0001F600` for a character beyond U+FFFF",
        ),
        (
            "quoted scalar",
            "close the quote; within double quotes `\\` begins an escape, within single quotes it does not",
        ),
        (
            "expected <block end>",
            "check the indentation; a text that begins with a quote or a bracket needs quotes around all of it",
        ),
        (
            "expected key",
            "check the indentation of this line against the lines above",
        ),
        (
            "expected ','",
            "close the bracket; within `[ ]` and `{ }` a text that contains a comma or a bracket needs quotes around all of it",
        ),
        (
            "indicator",
            "check the indentation; a text that begins with a bracket needs quotes around all of it",
        ),
        ("simple key", "a key is followed by `:` and a space"),
        (
            "unknown anchor",
            "a text that begins with `*` needs quotes around all of it; an alias needs its anchor `&name` on a line before",
        ),
        (
            "anchor",
            "a text that begins with `*` or `&` needs quotes around all of it",
        ),
        (
            "alias",
            "a text that begins with `*` or `&` needs quotes around all of it",
        ),
        (
            "tag",
            "a text that begins with `!` needs quotes around all of it",
        ),
    ];
    let is_in_list = ["invalid trailing content", "expected ','"]
        .iter()
        .any(|part| info.contains(part));
    let help = help
        .iter()
        .find(|(part, _)| info.contains(part))
        .map(|(_, help)| *help);
    let help = if is_in_list && is_taken_apart(text, offset) {
        Some(FLOW_COMMA.to_owned())
    } else {
        help.map(str::to_owned)
    };
    Diagnostic::new("yaml-syntax", message, Span::new(file, start, end), "here").with_help_if(help)
}
