//! What a line is, from its first characters.

/// A line, and how many bytes of it are its mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) taken: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// ```` ``` ````, the whole line.
    Fence,
    /// A line within a block of code.
    Code,
    /// A row of a table, a rule: the whole line as it is.
    Verbatim,
    Heading,
    /// An item of a list, with its indentation and its mark.
    Item,
    Quote,
    Paragraph,
}

/// The most marks and blanks that are waited for.
const MAX_HEAD: usize = 120;

/// What a line is that begins with `head`. None: more of it has to come. `ends`: nothing more comes.
pub(super) fn of(head: &str, ends: bool, in_code: bool) -> Option<Block> {
    let text = head.trim_start_matches(' ');
    let indent = head.len() - text.len();
    let whole = |kind| Some(Block { kind, taken: 0 });
    let waits = !ends && head.len() < MAX_HEAD;
    if text.starts_with("```") || text.starts_with("~~~") {
        // The rest of the line belongs to it.
        return if waits { None } else { whole(Kind::Fence) };
    }
    let may_be_fence = text.len() < 3 && (is_all(text, '`') || is_all(text, '~'));
    if may_be_fence && waits {
        return None;
    }
    if in_code {
        return whole(Kind::Code);
    }
    let paragraph = whole(Kind::Paragraph);
    match text.chars().next() {
        None if waits => None,
        None => paragraph,
        Some('#') => {
            let rest = text.trim_start_matches('#');
            let level = text.len() - rest.len();
            match rest.chars().next() {
                None if waits && level <= 6 => None,
                Some(' ') if level <= 6 => Some(Block {
                    kind: Kind::Heading,
                    taken: indent + level + 1,
                }),
                _ => paragraph,
            }
        }
        Some('>') => match text.get(1..) {
            Some("") if waits => None,
            Some(rest) => Some(Block {
                kind: Kind::Quote,
                taken: indent + 1 + usize::from(rest.starts_with(' ')),
            }),
            None => paragraph,
        },
        Some('|') => whole(Kind::Verbatim),
        Some(mark @ ('-' | '*' | '+' | '_' | '=')) => {
            let rest = text.trim_start_matches(mark);
            match (text.len() - rest.len(), rest.chars().next()) {
                (1, Some(' ')) if !matches!(mark, '_' | '=') => Some(Block {
                    kind: Kind::Item,
                    taken: indent + 2,
                }),
                (_, None) if waits => None,
                (count, None) if count >= 3 => whole(Kind::Verbatim),
                _ => paragraph,
            }
        }
        Some(digit) if digit.is_ascii_digit() => {
            let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = text.len() - rest.len();
            let mut marks = rest.chars();
            match (marks.next(), marks.next()) {
                (None, _) if waits && digits <= 9 => None,
                (Some('.' | ')'), None) if waits && digits <= 9 => None,
                (Some('.' | ')'), Some(' ')) if digits <= 9 => Some(Block {
                    kind: Kind::Item,
                    taken: indent + digits + 2,
                }),
                _ => paragraph,
            }
        }
        Some(_) => paragraph,
    }
}

fn is_all(text: &str, mark: char) -> bool {
    !text.is_empty() && text.chars().all(|c| c == mark)
}
