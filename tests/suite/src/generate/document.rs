//! Whole policies: flat ones and ones with roles, parents, constants and scopes.

use super::{
    Random, Scenario, Wish,
    constraint::{Sight, Writer, literal, number, word},
    paths,
};
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

/// Patterns of names. No two that match a name, and are not the same, have as many bytes that are not stars.
const PATTERNS: [&str; 10] = [
    "*",
    "t*",
    "my*",
    "*ool",
    "*kill",
    "read_*",
    "*d_file",
    "agent.*",
    "skill:*",
    "skill.script:*",
];

/// What the model can be told.
const MESSAGES: [&str; 6] = [
    "Ask the owner.",
    "Not here.",
    "é \"quoted\" \\ 😀",
    "first",
    "second",
    "third",
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
    if random.chance(8) {
        members.push(("arguments".to_owned(), Json::Text("portable".to_owned())));
    }
}

fn flat(random: &mut Random, known: &mut Known) -> Json {
    let mut members = vec![("version".to_owned(), Json::Number("1".to_owned()))];
    arguments(random, &mut members);
    let mut sight = Sight::default();
    see(random, &mut sight, "k", &mut members);
    rules(random, known, &sight, &mut members);
    Json::Object(members)
}

fn with_roles(random: &mut Random, known: &mut Known) -> Json {
    let mut members = Vec::new();
    arguments(random, &mut members);
    let mut shared = Sight::default();
    see(random, &mut shared, "k", &mut members);
    if random.chance(20) {
        let list = constraints(random, known, &shared, 1);
        members.push(("constraints".to_owned(), list));
    }
    if random.chance(25) {
        let count = 1 + random.below(2);
        let list = (0..count)
            .map(|_| forbid(random, known, &shared, true))
            .collect();
        members.push(("forbid".to_owned(), Json::List(list)));
    }
    // Parents come first, so there is no cycle; each role numbers its constants after itself, so they never clash.
    let mut roles: Vec<(String, Json)> = Vec::new();
    let mut visible: Vec<(String, Sight)> = Vec::new();
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
        let mut sight = shared.clone();
        if mixin {
            role.push(("is_mixin".to_owned(), Json::Bool(true)));
        } else {
            known.roles.push(name.clone());
        }
        let mut parents = Vec::new();
        for (parent, inherited) in &visible {
            if random.chance(45) {
                parents.push(Json::Text(parent.clone()));
                sight.inherit(inherited);
            }
        }
        if !parents.is_empty() {
            if random.chance(50) {
                parents.reverse();
            }
            role.push(("inherits".to_owned(), Json::List(parents)));
        }
        see(random, &mut sight, &format!("c{index}_"), &mut role);
        rules(random, known, &sight, &mut role);
        visible.push((name.clone(), sight));
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

/// Constants and named conditions, which can be seen from now on.
fn see(random: &mut Random, sight: &mut Sight, prefix: &str, members: &mut Vec<(String, Json)>) {
    let consts = consts(random, prefix);
    if !consts.is_empty() {
        members.push(("consts".to_owned(), Json::Object(consts.clone())));
        sight.consts.extend(consts);
    }
    let count = if random.chance(25) {
        1 + random.below(2)
    } else {
        0
    };
    let mut define = Vec::new();
    for index in 0..count {
        let writer = Writer::new(random, sight.clone());
        let definition = writer.definition(format!("is_{prefix}{index}"));
        define.push((definition.name.clone(), Json::Text(definition.text.clone())));
        sight.definitions.push(definition);
    }
    if !define.is_empty() {
        // One sees those that stand behind it as well.
        if random.chance(50) {
            define.reverse();
        }
        members.push(("define".to_owned(), Json::Object(define)));
    }
    describe(random, members);
}

/// What a flat policy and a role have alike.
fn rules(random: &mut Random, known: &mut Known, sight: &Sight, members: &mut Vec<(String, Json)>) {
    if random.chance(30) {
        let mode = mode(random);
        let mut entry = vec![("mode".to_owned(), mode.clone())];
        if random.chance(50) {
            entry.push((
                "constraints".to_owned(),
                constraints(random, known, sight, 1),
            ));
        }
        words(random, &mode, &mut entry);
        members.push(("default_policy".to_owned(), Json::Object(entry)));
    }
    if random.chance(20) {
        members.push((
            "constraints".to_owned(),
            constraints(random, known, sight, 1),
        ));
    }
    if random.chance(20) {
        let count = 1 + random.below(2);
        let list = (0..count)
            .map(|_| forbid(random, known, sight, false))
            .collect();
        members.push(("forbid".to_owned(), Json::List(list)));
    }
    let mut tools: Vec<(String, Json)> = Vec::new();
    for _ in 0..1 + random.below(4) {
        let tool = name(random, 25);
        if tools.iter().all(|(other, _)| *other != tool) {
            let entry = entry(random, known, sight, &tool);
            meet(random, known, &tool);
            tools.push((tool, entry));
        }
    }
    if !tools.is_empty() {
        members.push(("tools".to_owned(), Json::Object(tools)));
    }
}

/// The name of a tool, or a pattern.
fn name(random: &mut Random, patterns: usize) -> String {
    if random.chance(patterns) {
        random.text(&PATTERNS)
    } else {
        random.text(&TOOLS)
    }
}

/// Makes names known that a name or a pattern of names is for.
fn meet(random: &mut Random, known: &mut Known, name: &str) {
    for _ in 0..1 + usize::from(name.contains('*')) {
        let run = random.text(&["", "x", "file", "t", "read_"]);
        known.tools.push(name.replace('*', &run));
    }
}

fn entry(random: &mut Random, known: &mut Known, sight: &Sight, tool: &str) -> Json {
    if random.chance(75) {
        return rule(random, known, sight, tool, false);
    }
    let count = 1 + random.below(4);
    let rules = (0..count).map(|_| rule(random, known, sight, tool, true));
    Json::List(rules.collect())
}

fn rule(random: &mut Random, known: &mut Known, sight: &Sight, tool: &str, listed: bool) -> Json {
    let mut entry = Vec::new();
    let mode = mode(random);
    let exception = listed && mode == Json::Text("deny".to_owned());
    let told = listed || random.chance(95);
    if told {
        entry.push(("mode".to_owned(), mode.clone()));
    }
    if random.chance(60) {
        let count = 1 + random.below(3);
        entry.push((
            "constraints".to_owned(),
            constraints(random, known, sight, count),
        ));
    }
    let usual = usual(tool).is_some();
    if usual && random.chance(80) || random.chance(15) {
        entry.push((
            "file_scope".to_owned(),
            scope(random, known, tool, exception),
        ));
    }
    let asked = if told { mode } else { Json::Null };
    words(random, &asked, &mut entry);
    Json::Object(entry)
}

fn forbid(random: &mut Random, known: &mut Known, sight: &Sight, for_all_roles: bool) -> Json {
    let mut forbid = Vec::new();
    let mut only = String::new();
    if random.chance(75) {
        let names: Vec<String> = (0..1 + random.below(2)).map(|_| name(random, 40)).collect();
        names.iter().for_each(|name| meet(random, known, name));
        if let [one] = names.as_slice() {
            only = one.clone();
        }
        forbid.push((
            "tools".to_owned(),
            Json::List(names.into_iter().map(Json::Text).collect()),
        ));
    }
    let constrained = random.chance(85);
    if constrained {
        let mut writer = Writer::new(random, sight.clone());
        writer.for_all_roles = for_all_roles;
        let list = (0..1 + usize::from(writer.random.chance(30)))
            .map(|_| Json::Text(writer.constraint()))
            .collect();
        known.wishes.append(&mut writer.wishes);
        forbid.push(("constraints".to_owned(), Json::List(list)));
    }
    if random.chance(if constrained { 25 } else { 85 }) {
        forbid.push(("file_scope".to_owned(), scope(random, known, &only, true)));
    }
    if random.chance(30) {
        forbid.push(("message".to_owned(), message(random)));
    }
    describe(random, &mut forbid);
    Json::Object(forbid)
}

/// The path argument of a tool that is known.
fn usual(tool: &str) -> Option<&'static str> {
    match tool {
        "read_file" | "edit_file" => Some("file_path"),
        "glob" => Some("path"),
        _ => None,
    }
}

/// A scope; `forbidding`: of what is forbidden, where nothing is allowed.
fn scope(random: &mut Random, known: &mut Known, tool: &str, forbidding: bool) -> Json {
    let mut scope = Vec::new();
    let windows = random.chance(15);
    let (denied, excepted) = (
        random.chance(if forbidding { 92 } else { 55 }),
        random.chance(35),
    );
    for (list, given) in [
        ("allowed_paths", !forbidding && random.chance(70)),
        ("denied_paths", denied),
        ("except_paths", denied && excepted),
    ] {
        if given {
            let patterns: Vec<String> = (0..1 + random.below(2))
                .map(|_| {
                    let near = list == "except_paths" && !known.patterns.is_empty();
                    let above = near.then(|| random.pick(&known.patterns).clone());
                    let above = above.filter(|above| windows || !above.contains(':'));
                    paths::pattern(random, windows, above.as_deref())
                })
                .collect();
            known.patterns.extend(patterns.iter().cloned());
            scope.push((
                list.to_owned(),
                Json::List(patterns.into_iter().map(Json::Text).collect()),
            ));
        }
    }
    let arguments = match usual(tool) {
        Some(usual) if random.chance(80) => {
            if tool == "glob" && random.chance(30) {
                scope.push(("search".to_owned(), Json::Bool(random.chance(50))));
            }
            vec![usual.to_owned()]
        }
        _ if random.chance(25) => {
            let arguments = vec!["where".to_owned(), "to".to_owned()];
            let list = arguments.iter().cloned().map(Json::Text).collect();
            scope.push(("arguments".to_owned(), Json::List(list)));
            arguments
        }
        _ => {
            if random.chance(30) {
                scope.push(("search".to_owned(), Json::Bool(random.chance(80))));
            }
            scope.push(("argument".to_owned(), Json::Text("where".to_owned())));
            vec!["where".to_owned()]
        }
    };
    known.arguments.extend(arguments);
    if windows {
        scope.push(("style".to_owned(), Json::Text("windows".to_owned())));
    }
    Json::Object(scope)
}

/// What is said to the model, and who is asked.
fn words(random: &mut Random, mode: &Json, members: &mut Vec<(String, Json)>) {
    if random.chance(30) {
        members.push(("message".to_owned(), message(random)));
    }
    describe(random, members);
    if mode.as_text() != Some("approval_required") || random.chance(40) {
        return;
    }
    let mut terms = Vec::new();
    if random.chance(50) {
        let mut roles = vec!["ops", "lead", "é"];
        roles.truncate(1 + random.below(3));
        let roles = roles.into_iter().map(|role| Json::Text(role.to_owned()));
        terms.push(("roles".to_owned(), Json::List(roles.collect())));
    }
    if random.chance(50) {
        let expires = random.text(&["30s", "1h", "60m", "1d"]);
        terms.push(("expires".to_owned(), Json::Text(expires)));
    }
    if random.chance(50) {
        let approvers = 1 + random.below(8);
        terms.push(("approvers".to_owned(), Json::Number(approvers.to_string())));
    }
    if random.chance(50) || terms.is_empty() {
        let reason = random.text(&["required", "optional"]);
        terms.push(("reason".to_owned(), Json::Text(reason)));
    }
    members.push(("approval".to_owned(), Json::Object(terms)));
}

fn message(random: &mut Random) -> Json {
    Json::Text(random.text(&MESSAGES))
}

fn describe(random: &mut Random, members: &mut Vec<(String, Json)>) {
    if random.chance(5) {
        members.push((
            "description".to_owned(),
            Json::Text("For people.\nTwo lines.".to_owned()),
        ));
    }
}

fn mode(random: &mut Random) -> Json {
    Json::Text(random.text(&["allow", "allow", "allow", "approval_required", "deny"]))
}

fn constraints(random: &mut Random, known: &mut Known, sight: &Sight, count: usize) -> Json {
    let mut writer = Writer::new(random, sight.clone());
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
        .map(|index| {
            let value = match random.below(3) {
                // What quantifiers can go over.
                0 => {
                    let numbers = random.chance(30);
                    let one = |random: &mut Random| {
                        if numbers {
                            number(random)
                        } else {
                            Json::Text(word(random))
                        }
                    };
                    Json::List((0..1 + random.below(3)).map(|_| one(random)).collect())
                }
                _ => literal(random, 1),
            };
            (format!("{prefix}{index}"), value)
        })
        .collect()
}
