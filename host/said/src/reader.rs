//! A turn, line by line.

use crate::{characters::turns_direction, chunk, quotes, row, single, taken::Taken};

/// Whether it ends a line. Nothing that is named goes over the end of a line.
pub(crate) fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2029}')
}

/// Takes what a turn names.
pub(crate) fn read(turn: &str, taken: &mut Taken) {
    for line in turn.split(ends_line) {
        taken.step(line.len());
        // A person reads such a line in another order than a program.
        if line.contains(turns_direction) {
            continue;
        }
        quotes::read(line, taken);
        let chunks = chunk::chunks(line, taken);
        let mut rest = chunks.as_slice();
        while let Some(first) = rest.first() {
            let used = row::read(rest, taken).unwrap_or_else(|| {
                single::read(first, taken);
                1
            });
            rest = rest.get(used.max(1)..).unwrap_or_default();
        }
    }
}
