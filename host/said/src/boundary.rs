//! What stands around names in a sentence.

/// What opens: a name may begin after it.
pub(crate) fn opens(character: char) -> bool {
    matches!(
        character,
        '(' | '['
            | '{'
            | '<'
            | '“'
            | '„'
            | '‚'
            | '‘'
            | '«'
            | '‹'
            | '「'
            | '『'
            | '【'
            | '《'
            | '〈'
            | '（'
            | '［'
            | '｛'
    )
}

/// What closes: a name may end before it.
pub(crate) fn closes(character: char) -> bool {
    matches!(
        character,
        ')' | ']'
            | '}'
            | '>'
            | '”'
            | '»'
            | '›'
            | '」'
            | '』'
            | '】'
            | '》'
            | '〉'
            | '）'
            | '］'
            | '｝'
    )
}

/// What opens and closes. Apostrophes are not among them: they also stand within words.
pub(crate) fn opens_and_closes(character: char) -> bool {
    matches!(character, '"' | '`' | '*' | '|')
}

/// What stands between the names of a list.
pub(crate) fn lists(character: char) -> bool {
    matches!(character, ',' | ';' | '，' | '、' | '；' | '：')
}

/// Whether it ends a token.
pub(crate) fn separates(character: char) -> bool {
    opens(character) || closes(character) || opens_and_closes(character) || lists(character)
}

/// What ends a sentence or a part of it, where it stands at the end of a word.
pub(crate) fn punctuates(character: char) -> bool {
    matches!(
        character,
        '.' | ','
            | ';'
            | ':'
            | '!'
            | '?'
            | '…'
            | '。'
            | '，'
            | '、'
            | '；'
            | '：'
            | '！'
            | '？'
            | '．'
            | '｡'
    )
}

/// `'`, as it is typed and as it is set.
pub(crate) fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’')
}

/// A word of a chunk without what stands around it.
pub(crate) fn core(chunk: &str) -> &str {
    chunk
        .trim_start_matches(|character| {
            opens(character) || opens_and_closes(character) || is_apostrophe(character)
        })
        .trim_end_matches(|character| {
            closes(character)
                || opens_and_closes(character)
                || is_apostrophe(character)
                || punctuates(character)
        })
}
