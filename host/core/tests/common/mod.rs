//! Components made from text: the floor with some of its parts replaced.

/// The floor: a policy that allows everything.
pub(crate) const FLOOR: &str = include_str!("../../benches/floor.wat");

/// The floor, with the parts that `replacement` has instead of its own. A part goes from a line `;; part NAME` to the next.
pub(crate) fn component(replacement: &str) -> Vec<u8> {
    let begin = FLOOR.find(";; part ").unwrap();
    let end = FLOOR[begin..].find("\n  )\n").unwrap() + begin;
    let mut parts = split(&FLOOR[begin..end]);
    for (name, text) in split(replacement) {
        parts
            .iter_mut()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("no part {name}"))
            .1 = text;
    }
    let module: String = parts.iter().map(|(_, text)| *text).collect();
    wat::parse_str(format!("{}{module}{}", &FLOOR[..begin], &FLOOR[end..])).unwrap()
}

fn split(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split(";; part ").skip(1);
    parts.map(|part| part.split_once('\n').unwrap()).collect()
}

/// The line `;; error: …` of a case.
#[allow(dead_code, reason = "not every test reads cases")]
pub(crate) fn expected(case: &str) -> &str {
    case.lines()
        .find_map(|line| line.strip_prefix(";; error: "))
        .unwrap()
}
