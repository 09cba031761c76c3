//! Sources, and places in them.

/// Which source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A place: a range of bytes in a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// In which source.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// A range of bytes in `file`.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        // INVARIANT: sources are at most 16 MiB, so nothing is cut off.
        let clamp = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self {
            file,
            start: clamp(start),
            end: clamp(end.max(start)),
        }
    }

    /// The whole of `file`, for what is wrong with all of it.
    pub fn whole(file: FileId) -> Self {
        Self {
            file,
            start: 0,
            end: 0,
        }
    }

    /// The bytes.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// The sources of one policy.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    files: Vec<Source>,
}

/// One source.
#[derive(Debug, Clone)]
pub struct Source {
    /// How it is named to the user: the path as given.
    pub name: String,
    /// Its text, without a byte-order mark. Empty for a directory.
    pub text: String,
    /// Where its lines begin.
    lines: Vec<u32>,
    /// How many characters stand before each multiple of [`BLOCK`]; empty where all have one byte. Lines can be as long as the source.
    characters: Vec<u32>,
}

/// How many bytes are looked at to count the characters before a place.
const BLOCK: usize = 1024;

impl Source {
    fn new(name: String, text: String) -> Self {
        let offset = |line_end: usize| u32::try_from(line_end + 1).unwrap_or(u32::MAX);
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(newline, _)| offset(newline)))
            .collect();
        let mut characters = Vec::new();
        if !text.is_ascii() {
            let mut before = 0;
            for block in text.as_bytes().chunks(BLOCK) {
                characters.push(before);
                before += u32::try_from(block.iter().filter(|byte| begins(**byte)).count())
                    .unwrap_or(u32::MAX);
            }
            characters.push(before);
        }
        Self {
            name,
            text,
            lines,
            characters,
        }
    }

    /// How many characters begin before a byte.
    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        let Some(before) = self.characters.get(block) else {
            return offset;
        };
        let rest = self.text.as_bytes().get(block * BLOCK..offset);
        *before as usize + rest.map_or(0, |rest| rest.iter().filter(|byte| begins(**byte)).count())
    }
}

/// Whether a byte of UTF-8 begins a character.
fn begins(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

impl Sources {
    /// Adds a source.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source::new(name.into(), text.into()));
        id
    }

    /// The source `id`.
    #[must_use]
    pub fn source(&self, id: FileId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// The first place where a text stands.
    pub(crate) fn find(&self, text: &str) -> Option<Span> {
        (0..).zip(&self.files).find_map(|(id, source)| {
            let start = source.text.find(text)?;
            Some(Span::new(FileId(id), start, start + text.len()))
        })
    }

    /// The name of the source `id`.
    #[must_use]
    pub fn name(&self, id: FileId) -> &str {
        self.source(id).map_or("", |source| &source.name)
    }

    /// The text of the source `id`.
    #[must_use]
    pub fn text(&self, id: FileId) -> &str {
        self.source(id).map_or("", |source| &source.text)
    }

    /// The text at `span`; empty if the span is not one of these sources'.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or("")
    }

    /// Line and column of a byte, both from 1; columns count characters.
    #[must_use]
    pub fn position(&self, file: FileId, offset: u32) -> (usize, usize) {
        let text = self.text(file);
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let (line, start) = self.line(file, offset);
        let column = self.source(file).map_or(0, |source| {
            source.characters_before(offset) - source.characters_before(start)
        });
        (line, column + 1)
    }

    /// The word at a line and column, both from 1; columns count characters. Without a column the first word of the line, without a
    /// line the whole file, for tools that report less.
    #[must_use]
    pub fn word(&self, file: FileId, line: usize, column: usize) -> Span {
        let lines = self.source(file).map_or(&[][..], |source| &source.lines);
        let text = self.text(file);
        let Some(start) = line.checked_sub(1).and_then(|line| lines.get(line)) else {
            return Span::whole(file);
        };
        let start = *start as usize;
        let line = text.get(start..).unwrap_or_default();
        let line = line.lines().next().unwrap_or_default();
        let skipped = match column.checked_sub(1) {
            Some(characters) => line
                .char_indices()
                .nth(characters)
                .map_or(line.len(), |(at, _)| at),
            None => line.len() - line.trim_start().len(),
        };
        let rest = line.get(skipped..).unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let length = match rest.chars().next() {
            Some(first) if is_word(first) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            Some(first) => first.len_utf8(),
            None => 0,
        };
        Span::new(file, start + skipped, start + skipped + length)
    }

    /// The number of the line that a byte stands in, from 1, and where the line begins.
    #[must_use]
    pub fn line(&self, file: FileId, offset: usize) -> (usize, usize) {
        let lines = self.source(file).map_or(&[][..], |source| &source.lines);
        let line = lines
            .partition_point(|start| *start as usize <= offset)
            .max(1);
        (line, lines.get(line - 1).map_or(0, |start| *start as usize))
    }
}
