//! Changing a configuration without touching what is not the hook's.

use serde_json::value::RawValue;

use super::Action;
use super::agents::{Wanted, ends, events};
use super::entry::{CommandLine, entry, marker};
use crate::agent::Agent;
use crate::json::{Object, quoted};

/// Members that switch hooks off, and their value then.
const SWITCHES: &[(&str, &str)] = &[
    ("disableAllHooks", "true"),
    ("allowManagedHooksOnly", "true"),
];

type Edited = (Option<String>, Vec<String>);

/// The new content of a file, and the events in it that are the hook's, or were. None: there is no file.
pub(super) fn edit(agent: Agent, before: Option<&str>, action: &Action) -> Result<Edited, String> {
    let mut top = match before {
        None => Object::default(),
        Some(text) if text.trim().is_empty() => Object::default(),
        Some(text) => Object::read(text.as_bytes(), "it").map_err(|error| {
            format!("{error}; comments are not read either. Remove them, or add the hook by hand (docs/hook.md)")
        })?,
    };
    let line = match action {
        Action::Install(line) => Some(line),
        Action::Uninstall => None,
    };
    if line.is_some() {
        switched_on(agent, &top)?;
    }
    let mut hooks = match top.get("hooks") {
        None => Object::default(),
        Some(value) => {
            Object::read(value.get().as_bytes(), "`hooks`").map_err(|error| error.to_string())?
        }
    };
    let mut touched = Vec::new();
    // Events of other versions of this program are cleared, too.
    let names: Vec<String> = hooks.members().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let Some(list) = hooks.get(&name) else {
            continue;
        };
        let (left, removed) = without(agent, &name, list)?;
        if removed {
            touched.push(name.clone());
        }
        if removed && left.is_empty() {
            hooks.take(&name);
        } else if removed {
            hooks.set(&name, laid(&left)?);
        }
    }
    if let Some(line) = line {
        touched = add(agent, &mut hooks, line)?;
    } else if touched.is_empty() {
        return Ok((before.map(str::to_owned), touched));
    }
    let own_file = agent == Agent::Copilot;
    if line.is_none() && hooks.is_empty() {
        top.take("hooks");
        let left = top.members().any(|(name, _)| name != "version");
        if own_file && !left {
            return Ok((None, touched));
        }
    }
    if line.is_some() || !hooks.is_empty() {
        if matches!(agent, Agent::Cursor | Agent::Copilot) && !top.has("version") {
            top.set("version", raw("1")?);
        }
        top.set("hooks", raw(&object(&hooks, 1))?);
    }
    Ok((Some(object(&top, 0) + "\n"), touched))
}

fn add(agent: Agent, hooks: &mut Object, line: &CommandLine) -> Result<Vec<String>, String> {
    let mut touched = Vec::new();
    let told: &[Wanted] = match line.records() {
        true => ends(agent),
        false => &[],
    };
    for wanted in events(agent).iter().chain(told) {
        let mut list = match hooks.get(wanted.name) {
            None => Vec::new(),
            Some(list) => elements(wanted.name, list)?,
        };
        list.push(own(agent, wanted, line)?);
        hooks.set(wanted.name, laid(&list)?);
        touched.push(wanted.name.to_owned());
    }
    Ok(touched)
}

/// Refuses another file of the agent if hooks are switched off in it. One that cannot be read, because it has comments, must not name the
/// switches at all.
pub(super) fn allows(agent: Agent, text: &str) -> Result<(), String> {
    let names = || {
        SWITCHES
            .iter()
            .map(|(name, _)| *name)
            .chain(["hooksConfig"])
    };
    match Object::read(text.as_bytes(), "it") {
        Ok(top) => switched_off(agent, &top),
        Err(_) => match names().find(|name| text.contains(name)) {
            Some(name) => Err(format!(
                "`{name}` in it may switch hooks off, and it is not read in full; remove it first"
            )),
            None => Ok(()),
        },
    }
}

/// Refuses a file in which hooks are switched off: whoever installs a hook there would believe that it runs.
fn switched_on(agent: Agent, top: &Object) -> Result<(), String> {
    switched_off(agent, top)?;
    if let Some(version) = top.get("version")
        && matches!(agent, Agent::Cursor | Agent::Copilot)
        && version.get() != "1"
    {
        return Err(format!("it is of version {version}, and 1 is known"));
    }
    Ok(())
}

fn switched_off(agent: Agent, top: &Object) -> Result<(), String> {
    for (name, off) in SWITCHES {
        if top.get(name).is_some_and(|value| value.get() == *off) {
            return Err(format!("`{name}` switches hooks off; remove it first"));
        }
    }
    if agent == Agent::Gemini {
        let config = top
            .object("hooksConfig")
            .map_err(|error| error.to_string())?;
        let config = config.unwrap_or_default();
        let disabled = config
            .texts("disabled")
            .map_err(|error| error.to_string())?;
        if config
            .get("enabled")
            .is_some_and(|value| value.get() != "true")
            || disabled.iter().any(|name| name == "hexgate")
        {
            return Err("`hooksConfig` switches the hook off; change that first".to_owned());
        }
    }
    Ok(())
}

/// A list without the entries of the hook, and whether there were any.
fn without(
    agent: Agent,
    name: &str,
    list: &RawValue,
) -> Result<(Vec<Box<RawValue>>, bool), String> {
    let marker = marker(agent);
    if !list.get().contains(&marker) {
        return Ok((Vec::new(), false));
    }
    let mut left = Vec::new();
    for element in elements(name, list)? {
        if !element.get().contains(&marker) {
            left.push(element);
            continue;
        }
        // A group in which somebody has put another hook beside this one.
        let Ok(mut group) = Object::read(element.get().as_bytes(), "an entry") else {
            return Err(format!("`{name}` has an entry that is not read"));
        };
        let Some(handlers) = group.get("hooks") else {
            continue;
        };
        let mut others = elements(name, handlers)?;
        others.retain(|handler| !handler.get().contains(&marker));
        if !others.is_empty() {
            group.set("hooks", raw(&list_of(&others, 4))?);
            left.push(raw(&object(&group, 3))?);
        }
    }
    Ok((left, true))
}

fn elements(name: &str, list: &RawValue) -> Result<Vec<Box<RawValue>>, String> {
    serde_json::from_str(list.get()).map_err(|_| format!("`{name}` in it is not a list"))
}

fn own(agent: Agent, wanted: &Wanted, line: &CommandLine) -> Result<Box<RawValue>, String> {
    let pretty = serde_json::to_string_pretty(&entry(agent, wanted, line))
        .map_err(|error| error.to_string())?;
    raw(&pretty.replace('\n', "\n      "))
}

/// The list of an event, which stands two levels deep.
fn laid(list: &[Box<RawValue>]) -> Result<Box<RawValue>, String> {
    raw(&list_of(list, 2))
}

fn raw(text: &str) -> Result<Box<RawValue>, String> {
    RawValue::from_string(text.to_owned()).map_err(|error| error.to_string())
}

fn list_of(list: &[Box<RawValue>], depth: usize) -> String {
    lines(
        '[',
        ']',
        list.iter().map(|value| value.get().to_owned()),
        depth,
    )
}

fn object(object: &Object, depth: usize) -> String {
    let members = object
        .members()
        .map(|(name, value)| format!("{}: {}", quoted(name), value.get()));
    lines('{', '}', members, depth)
}

/// Parts on lines of their own.
fn lines(open: char, close: char, parts: impl Iterator<Item = String>, depth: usize) -> String {
    let inner = "  ".repeat(depth + 1);
    let parts: Vec<String> = parts.map(|part| format!("{inner}{part}")).collect();
    if parts.is_empty() {
        return format!("{open}{close}");
    }
    format!(
        "{open}\n{}\n{}{close}",
        parts.join(",\n"),
        "  ".repeat(depth)
    )
}
