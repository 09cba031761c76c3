//! Calls: made of what a policy's conditions ask for, then bent.

use std::fmt::Write as _;

use super::{Random, Scenario, constraint, paths};
use crate::{
    case::Call,
    json::{DEPTH, DIGITS, EXPONENT, Json},
};

pub(super) fn call(scenario: &Scenario, random: &mut Random) -> Call {
    let mut args = Json::Object(Vec::new());
    let mut facts = Json::Object(Vec::new());
    // Nearly all wishes fulfilled as they stand, or a mixture: both are needed to get past several constraints.
    let obedient = random.chance(50);
    for wish in &scenario.wishes {
        if random.chance(if obedient { 5 } else { 20 }) {
            continue;
        }
        let value = if random.chance(if obedient { 8 } else { 40 }) {
            bent(random, &wish.value)
        } else {
            respelt(random, &wish.value)
        };
        if wish.root == "args" {
            constraint::put(&mut args, &wish.steps, value);
        } else {
            let mut steps = vec![wish.root.to_owned()];
            steps.extend(wish.steps.iter().cloned());
            constraint::put(&mut facts, &steps, value);
        }
    }
    for argument in &scenario.arguments {
        let count = match random.below(20) {
            // Absent.
            0..=1 => continue,
            2..=3 => Some(random.below(4)),
            _ => None,
        };
        let mut path = || Json::Text(paths::path(random, &scenario.patterns));
        let value = match count {
            Some(count) => Json::List((0..count).map(|_| path()).collect()),
            None => path(),
        };
        let value = if random.chance(3) {
            bent(random, &value)
        } else {
            value
        };
        constraint::put(&mut args, std::slice::from_ref(argument), value);
    }
    let facts = if facts == Json::Object(Vec::new()) && random.chance(80) {
        None
    } else {
        Some(written(random, facts))
    };
    Call {
        roles: roles(scenario, random),
        tool: tool(scenario, random),
        args: written(random, args),
        facts,
    }
}

fn roles(scenario: &Scenario, random: &mut Random) -> Vec<String> {
    if random.chance(1) {
        return vec!["r0".to_owned(); 32 + random.below(2)];
    }
    let count = if random.chance(60) {
        1
    } else {
        random.below(4)
    };
    (0..count)
        .map(|_| {
            if scenario.roles.is_empty() || random.chance(12) {
                let bad = if random.chance(10) { "bad\nname" } else { "r3" };
                random.text(&["default", "ghost", "", "Default", "m0", "r1 ", "m1", bad])
            } else {
                random.pick(&scenario.roles).clone()
            }
        })
        .collect()
}

fn tool(scenario: &Scenario, random: &mut Random) -> String {
    if scenario.tools.is_empty() || random.chance(10) {
        return match random.below(12) {
            0 => "x".repeat(256 + random.below(2)),
            1 => "t\u{7f}".to_owned(),
            _ => random.text(&[
                "T",
                "t ",
                "tt",
                "agent.run",
                "agent.x",
                "agents",
                "skill:y",
                "skill",
                "hexgate.z",
                "other",
                "a\"b",
                "read_",
                "read_other",
                "mytool2",
                "agent.tool:x",
                "skill.resource:q",
            ]),
        };
    }
    random.pick(&scenario.tools).clone()
}

/// The same value in other characters.
fn respelt(random: &mut Random, value: &Json) -> Json {
    match value {
        // With an exponent a number takes no second one, and no digits behind it.
        Json::Number(number) if random.chance(40) && is_plain(number) => {
            Json::Number(if number.contains('.') {
                random
                    .pick(&[
                        format!("{number}0"),
                        format!("{number}e0"),
                        format!("{number}E+00"),
                    ])
                    .clone()
            } else {
                random
                    .pick(&[
                        format!("{number}.0"),
                        format!("{number}e0"),
                        format!("{number}00e-2"),
                        format!("{number}.000E-0"),
                    ])
                    .clone()
            })
        }
        Json::List(items) => Json::List(items.iter().map(|item| respelt(random, item)).collect()),
        other => other.clone(),
    }
}

fn is_plain(number: &str) -> bool {
    number != "0" && !number.contains(['e', 'E'])
}

/// A value nearby.
fn bent(random: &mut Random, value: &Json) -> Json {
    if random.chance(25) {
        return constraint::literal(random, 2);
    }
    match value {
        Json::Number(number) if is_plain(number) => bent_number(random, number),
        Json::Number(number) => Json::Text(number.clone()),
        Json::Text(text) => match random.below(6) {
            0 => Json::Text(format!("{text}a")),
            1 => Json::Text(text.to_uppercase()),
            2 => Json::Text(text.chars().skip(1).collect()),
            3 => Json::Text(format!("{text}\n")),
            4 => Json::List(vec![value.clone()]),
            _ => Json::Text(constraint::word(random)),
        },
        Json::List(items) => {
            let mut items = items.clone();
            match random.below(4) {
                0 => items.push(constraint::literal(random, 1)),
                1 => {
                    items.pop();
                }
                2 => items = items.iter().map(|item| bent(random, item)).collect(),
                _ => {
                    return Json::Object(
                        items
                            .into_iter()
                            .map(|item| ("a".to_owned(), item))
                            .take(1)
                            .collect(),
                    );
                }
            }
            Json::List(items)
        }
        Json::Object(members) => {
            let mut members = members.clone();
            match random.below(3) {
                0 if members.iter().all(|(name, _)| name != "zz") => {
                    members.push(("zz".to_owned(), Json::Null))
                }
                1 => {
                    members.pop();
                }
                _ => {
                    for (_, member) in &mut members {
                        *member = bent(random, member);
                    }
                }
            }
            Json::Object(members)
        }
        Json::Bool(value) => random
            .pick(&[
                Json::Bool(!value),
                Json::Number("1".to_owned()),
                Json::Text("true".to_owned()),
            ])
            .clone(),
        Json::Null => random
            .pick(&[
                Json::Bool(false),
                Json::Number("0".to_owned()),
                Json::Text(String::new()),
            ])
            .clone(),
    }
}

fn bent_number(random: &mut Random, number: &str) -> Json {
    let near = if number.contains('.') {
        format!("{number}0000000000000001")
    } else {
        format!("{number}.0000000000000000000000001")
    };
    let choices = [
        "9007199254740993".to_owned(),
        "9007199254740992.00".to_owned(),
        format!("{number}e-299"),
        near,
        number
            .parse::<i128>()
            .map_or("0.5".to_owned(), |n| (n + 1).to_string()),
        number
            .parse::<i128>()
            .map_or("0.2".to_owned(), |n| (n - 1).to_string()),
        number
            .strip_prefix('-')
            .map_or(format!("-{number}"), str::to_owned),
        format!("{number}e1"),
        format!("{number}e1000"),
        format!("{number}e-1000"),
    ];
    match random.below(choices.len() + 1) {
        index if index < choices.len() => {
            Json::Number(choices.get(index).cloned().unwrap_or_default())
        }
        _ => Json::Text(number.to_owned()),
    }
}

/// The text of an object, sometimes with one fault.
fn written(random: &mut Random, mut value: Json) -> String {
    let fault = if random.chance(7) {
        random.below(10)
    } else {
        usize::MAX
    };
    let extra = match fault {
        0 => deep(DEPTH - 2 + random.below(3)),
        1 => Json::Number("1".repeat(DIGITS + random.below(2))),
        2 => Json::Number(format!(
            "1e{}{}",
            random.text(&["", "-", "+"]),
            EXPONENT as usize + random.below(2)
        )),
        _ => Json::Null,
    };
    if let Json::Object(members) = &mut value {
        match fault {
            0..=2 => members.push(("ctx".to_owned(), extra)),
            // The first name once more, likely with another spelling.
            3 => members.extend(members.first().cloned()),
            // Or in another case: malformed for some policies, another name for others.
            8 => {
                let twin = members.first().cloned();
                members.extend(twin.map(|(name, value)| (in_another_case(random, &name), value)));
            }
            9 => {
                let names = ["k", "K", "\u{212a}", "s", "\u{17f}", "é", "É", "ß", "ẞ"];
                let extra: Vec<String> = (0..12)
                    .map(|n| format!("{}{n}", random.text(&names)))
                    .collect();
                let twin = random.text(&names) + "0";
                for name in extra.into_iter().chain([twin]) {
                    if members.iter().all(|(other, _)| *other != name) {
                        members.push((name, Json::Null));
                    }
                }
            }
            _ => {}
        }
        if fault <= 2 {
            let mut seen = Vec::new();
            members.retain(|(name, _)| {
                let new = !seen.contains(name);
                seen.push(name.clone());
                new
            });
        }
    }
    let mut text = String::new();
    spell(random, &value, &mut text);
    match fault {
        4 => text.pop().map_or((), |_| {
            text.push_str(&random.text(&["", "]", ",}", "}}", "} x"]))
        }),
        5 => {
            let at = random.below(text.chars().count() + 1);
            text = text.chars().take(at).collect();
        }
        6 => text = text.replacen('"', "\"\\ud800", 1),
        7 => text.insert(0, '\u{feff}'),
        _ => {}
    }
    text
}

fn in_another_case(random: &mut Random, name: &str) -> String {
    let other = if random.chance(50) {
        name.to_uppercase()
    } else {
        name.replace('k', "\u{212a}")
            .replace('s', "\u{17f}")
            .replace('i', "\u{131}")
    };
    if other == name {
        format!("{name}_")
    } else {
        other
    }
}

fn deep(levels: usize) -> Json {
    (0..levels).fold(Json::Null, |inner, _| Json::List(vec![inner]))
}

/// Writes a value with random white space and escapes.
fn spell(random: &mut Random, value: &Json, out: &mut String) {
    match value {
        Json::Text(text) => spell_text(random, text, out),
        Json::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                comma(random, index, out);
                spell(random, item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                comma(random, index, out);
                spell_text(random, name, out);
                out.push(':');
                space(random, out);
                spell(random, member, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn comma(random: &mut Random, index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
    space(random, out);
}

fn space(random: &mut Random, out: &mut String) {
    if random.chance(20) {
        out.push_str(&random.text(&[" ", "\n", "\t", " \r\n  "]));
    }
}

fn spell_text(random: &mut Random, text: &str, out: &mut String) {
    let escaping = random.chance(15);
    out.push('"');
    for c in text.chars() {
        let must = c < ' ' || c == '"' || c == '\\';
        if must || (escaping && random.chance(40)) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = if random.chance(50) {
                    write!(out, "\\u{unit:04x}")
                } else {
                    write!(out, "\\u{unit:04X}")
                };
            }
        } else {
            out.push(c);
        }
    }
    out.push('"');
}
