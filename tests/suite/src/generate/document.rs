//! Whole policies: flat ones and ones with roles, parents, constants and scopes.

use super::{Random, Scenario, Wish, constraint::Writer, constraint::literal, paths};
use crate::json::Json;

const TOOLS: [&str; 12] = [
    "t",
    "u",
    "t2",
    "read_file",
    "edit_file",
    "glob",
    "agent.run",
    "skill:x",
    "mytool",
    "a\"b",
    "`{x}\\ é",
    "skill.script:z",
];

/// Collects what a call can be made of.
#[derive(Default)]
struct Known {
    wishes: Vec<Wish>,
    roles: Vec<String>,
    tools: Vec<String>,
    patterns: Vec<String>,
    arguments: Vec<String>,
}

pub(super) fn scenario(random: &mut Random) -> Scenario {
    let mut known = Known::default();
    let policy = if random.chance(35) {
        flat(random, &mut known)
    } else {
        with_roles(random, &mut known)
    };
    let Known {
        wishes,
        roles,
        tools,
        patterns,
        arguments,
    } = known;
    Scenario {
        policy,
        wishes,
        roles,
        tools,
        patterns,
        arguments,
    }
}

/// Some policies refuse what other readers may read differently.
fn arguments(random: &mut Random, members: &mut Vec<(String, Json)>) {
    if random.chance(15) {
        members.push(("arguments".to_owned(), Json::Text("portable".to_owned())));
    }
}

fn flat(random: &mut Random, known: &mut Known) -> Json {
    let mut members = vec![("version".to_owned(), Json::Number("1".to_owned()))];
    arguments(random, &mut members);
    let consts = consts(random, "k");
    if !consts.is_empty() {
        members.push(("consts".to_owned(), Json::Object(consts.clone())));
    }
    rules(random, known, &consts, &mut members);
    Json::Object(members)
}

fn with_roles(random: &mut Random, known: &mut Known) -> Json {
    let mut members = Vec::new();
    arguments(random, &mut members);
    let shared = consts(random, "k");
    if !shared.is_empty() {
        members.push(("consts".to_owned(), Json::Object(shared.clone())));
    }
    if random.chance(20) {
        let list = constraints(random, known, &shared, 1);
        members.push(("constraints".to_owned(), list));
    }
    // Parents come first, so there is no cycle; each role numbers its constants after itself, so they never clash.
    let mut roles: Vec<(String, Json)> = Vec::new();
    let mut visible: Vec<(String, Vec<(String, Json)>)> = Vec::new();
    let mixins = random.below(3);
    let concrete = 1 + random.below(3);
    for index in 0..mixins + concrete {
        let mixin = index < mixins;
        let name = match index.checked_sub(mixins) {
            None => format!("m{index}"),
            Some(0) if random.chance(80) => "default".to_owned(),
            Some(number) if random.chance(8) => format!("r\"{number}\\ `é"),
            Some(number) => format!("r{number}"),
        };
        let mut role = Vec::new();
        let mut consts_here = shared.clone();
        if mixin {
            role.push(("is_mixin".to_owned(), Json::Bool(true)));
        } else {
            known.roles.push(name.clone());
        }
        let mut parents = Vec::new();
        for (parent, consts) in &visible {
            if random.chance(45) {
                parents.push(Json::Text(parent.clone()));
                consts_here.extend(
                    consts
                        .iter()
                        .filter(|(name, _)| !consts_here.iter().any(|(other, _)| other == name))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
            }
        }
        if !parents.is_empty() {
            if random.chance(50) {
                parents.reverse();
            }
            role.push(("inherits".to_owned(), Json::List(parents)));
        }
        let own = consts(random, &format!("c{index}_"));
        if !own.is_empty() {
            role.push(("consts".to_owned(), Json::Object(own.clone())));
            consts_here.extend(own);
        }
        rules(random, known, &consts_here, &mut role);
        visible.push((name.clone(), consts_here));
        roles.push((
            name,
            if role.is_empty() {
                Json::Null
            } else {
                Json::Object(role)
            },
        ));
    }
    if random.chance(50) {
        roles.reverse();
    }
    members.push(("roles".to_owned(), Json::Object(roles)));
    Json::Object(members)
}

/// What stands in a flat policy and in a role alike.
fn rules(
    random: &mut Random,
    known: &mut Known,
    consts: &[(String, Json)],
    members: &mut Vec<(String, Json)>,
) {
    if random.chance(30) {
        let mut entry = vec![("mode".to_owned(), mode(random))];
        if random.chance(50) {
            entry.push((
                "constraints".to_owned(),
                constraints(random, known, consts, 1),
            ));
        }
        members.push(("default_policy".to_owned(), Json::Object(entry)));
    }
    if random.chance(20) {
        members.push((
            "constraints".to_owned(),
            constraints(random, known, consts, 1),
        ));
    }
    let mut tools: Vec<(String, Json)> = Vec::new();
    for _ in 0..random.below(4) {
        let tool = random.text(&TOOLS);
        if tools.iter().all(|(other, _)| *other != tool) {
            let entry = entry(random, known, consts, &tool);
            known.tools.push(tool.clone());
            tools.push((tool, entry));
        }
    }
    if !tools.is_empty() {
        members.push(("tools".to_owned(), Json::Object(tools)));
    }
}

fn entry(random: &mut Random, known: &mut Known, consts: &[(String, Json)], tool: &str) -> Json {
    let mut entry = Vec::new();
    let mode = mode(random);
    if random.chance(95) {
        entry.push(("mode".to_owned(), mode));
    }
    if random.chance(60) {
        let count = 1 + random.below(3);
        entry.push((
            "constraints".to_owned(),
            constraints(random, known, consts, count),
        ));
    }
    let argument = match tool {
        "read_file" | "edit_file" => "file_path",
        "glob" => "path",
        _ => "where",
    };
    if argument != "where" && random.chance(70) || random.chance(8) {
        let mut scope = Vec::new();
        for (list, chance) in [("allowed_paths", 70), ("denied_paths", 55)] {
            if random.chance(chance) {
                let patterns: Vec<String> = (0..1 + random.below(2))
                    .map(|_| paths::pattern(random))
                    .collect();
                known.patterns.extend(patterns.iter().cloned());
                scope.push((
                    list.to_owned(),
                    Json::List(patterns.into_iter().map(Json::Text).collect()),
                ));
            }
        }
        if argument == "where" {
            scope.push(("argument".to_owned(), Json::Text(argument.to_owned())));
        }
        known.arguments.push(argument.to_owned());
        entry.push(("file_scope".to_owned(), Json::Object(scope)));
    }
    Json::Object(entry)
}

fn mode(random: &mut Random) -> Json {
    Json::Text(random.text(&["allow", "allow", "allow", "approval_required", "deny"]))
}

fn constraints(
    random: &mut Random,
    known: &mut Known,
    consts: &[(String, Json)],
    count: usize,
) -> Json {
    let mut writer = Writer::new(random, consts.to_vec());
    let list = (0..count)
        .map(|_| Json::Text(writer.constraint()))
        .collect();
    known.wishes.append(&mut writer.wishes);
    Json::List(list)
}

fn consts(random: &mut Random, prefix: &str) -> Vec<(String, Json)> {
    let count = if random.chance(30) {
        1 + random.below(2)
    } else {
        0
    };
    (0..count)
        .map(|index| (format!("{prefix}{index}"), literal(random, 1)))
        .collect()
}
