//! The platform's list of banned users and agents.

use std::fmt;
use std::time::Duration;

use hexgate_base::names::folded;
use hexgate_base::shortened;
use hexgate_platform::wire::Ban;
use hexgate_platform::{Etag, Fetched, PlatformError};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Asker, Platform};
use crate::kill::list::{ListId, Moment, Names};
use crate::kill::{KillSwitch, WeakKillSwitch};
use crate::repeat::{Repeated, elsewhere, spread};

/// How much of a reason is kept, in bytes.
const SHOWN: usize = 200;
/// The longest name that is compared, in bytes. A caller's has at most 256, and a list may spell it longer.
const MAX_TARGET: usize = 4096;

/// The names of a list, and its unreadable part.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    names: Names,
    /// How many bans cannot be read, and why the first of them cannot.
    unknown: Option<(usize, String)>,
}

/// Applies the list to a switch. If `optional`, a missing list is no error: it is returned, and the list is asked for again and again.
pub(super) fn enforce(
    platform: &Platform,
    switch: &KillSwitch,
    optional: bool,
) -> Result<Option<PlatformError>, PlatformError> {
    let mut keeper = Keeper {
        asker: platform.asker()?,
        switch: switch.downgrade(),
        list: switch.list(&platform.address),
        max_age: platform.bans_max_age,
        etag: None,
    };
    let missing = match elsewhere(|| keeper.look()).map_err(PlatformError::start)? {
        Ok(()) => None,
        Err(none @ PlatformError::NoBans) if optional => Some(none),
        Err(error) => return Err(error),
    };
    let interval = platform.interval;
    let (list, told) = (keeper.list, switch.downgrade());
    let work = Repeated::start(
        "hexgate-bans",
        move || spread(interval),
        // The switch keeps the failure.
        move || {
            let _ = keeper.look();
            keeper.switch.upgrade().is_some()
        },
        move |panic| {
            if let Some(switch) = told.upgrade() {
                switch.fail(list, PlatformError::start(panic));
            }
        },
    );
    switch.hold(work.map_err(PlatformError::start)?);
    Ok(missing)
}

/// Keeps one list.
struct Keeper {
    asker: Asker,
    switch: WeakKillSwitch,
    list: ListId,
    max_age: Option<Duration>,
    /// The tag of the list that counts now.
    etag: Option<Etag>,
}

impl Keeper {
    /// Asks once, and updates the switch.
    fn look(&mut self) -> Result<(), PlatformError> {
        // The list is as old as the request: the answer may lack later bans.
        let asked = Moment::now();
        let etag = self.etag.as_ref();
        let fetched = self.asker.ask(async |client| client.bans(etag).await);
        let Some(switch) = self.switch.upgrade() else {
            return Ok(());
        };
        let good_until = self.max_age.and_then(|max_age| asked.after(max_age));
        let failure = match fetched {
            Ok(Fetched::NotModified) => {
                switch.confirm(self.list, good_until);
                return Ok(());
            }
            Ok(Fetched::Body { bytes, etag }) => match read(&bytes) {
                Ok(Read {
                    names,
                    unknown: None,
                }) => {
                    self.etag = etag;
                    switch.replace(self.list, names, good_until);
                    return Ok(());
                }
                Ok(Read {
                    names,
                    unknown: Some((count, first)),
                }) => {
                    // The tag stays the old list's: `not modified` must not confirm a list that was read in part.
                    switch.add(self.list, names);
                    PlatformError::UnknownBans { count, first }
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        switch.fail(self.list, failure.clone());
        Err(failure)
    }
}

fn read(body: &[u8]) -> Result<Read, PlatformError> {
    let unreadable = |error: serde_json::Error| PlatformError::Unreadable {
        reason: format!("its list of bans: {error}"),
    };
    serde_json::from_slice(body).map_err(unreadable)
}

/// Bans are read one by one from their text: as parsed values, four megabytes of brackets would take a hundred.
impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Read;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of bans")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut bans: A) -> Result<Read, A::Error> {
                let mut read = Read::default();
                while let Some(ban) = bans.next_element::<&RawValue>()? {
                    if let Err(why) = stop(&mut read.names, ban) {
                        read.unknown.get_or_insert((0, why)).0 += 1;
                    }
                }
                Ok(read)
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// Adds one ban. A ban of a user applies to all agents, and one of an agent to all users, even if it names both.
fn stop(names: &mut Names, ban: &RawValue) -> Result<(), String> {
    let ban: Ban =
        serde_json::from_str(ban.get()).map_err(|error| shortened(&error.to_string(), SHOWN))?;
    let reason = ban.reason.as_deref().unwrap_or("banned on the platform");
    let reason = shortened(reason, SHOWN).to_string();
    let (list, target, member) = match ban.ban_type.as_str() {
        "agent" => (
            &mut names.agents,
            ban.target_agent_name,
            "target_agent_name",
        ),
        "user" => (&mut names.users, ban.target_user_id, "target_user_id"),
        other => return Err(format!("its type is `{}`", shortened(other, 64))),
    };
    let target = target
        .filter(|target| !target.is_empty())
        .ok_or_else(|| format!("it has no `{member}`"))?;
    if target.len() > MAX_TARGET {
        return Err(format!("its `{member}` has more than {MAX_TARGET} bytes"));
    }
    list.insert(folded(&target).into_owned(), reason);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_understood_counts_and_the_rest_is_named() {
        let list = br#"[
            {"ban_id": "1", "ban_type": "agent", "target_agent_name": "a", "target_user_id": null, "reason": "loops"},
            {"ban_id": "2", "ban_type": "user", "target_user_id": "u", "target_agent_name": "b", "reason": null},
            {"ban_id": "3", "ban_type": "tool", "target_tool": "t"},
            {"ban_id": "4", "ban_type": "user", "target_user_id": ""},
            {"ban_id": "5", "ban_type": "user", "target_agent_name": "c"},
            {"ban_id": "6"}, 7
        ]"#;
        let long = format!(
            r#"[{{"ban_type": "user", "target_user_id": "{}"}}]"#,
            "u".repeat(MAX_TARGET + 1)
        );
        let (count, why) = read(long.as_bytes()).unwrap().unknown.unwrap();
        assert!(count == 1 && why.contains("4096 bytes"), "{why}");
        let read = read(list).unwrap();
        let names = |list: &std::collections::BTreeMap<String, String>| {
            list.iter()
                .map(|(name, reason)| format!("{name}: {reason}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&read.names.agents), ["a: loops"]);
        assert_eq!(names(&read.names.users), ["u: banned on the platform"]);
        assert_eq!(read.unknown, Some((5, "its type is `tool`".into())));
    }

    #[test]
    fn what_is_no_list_is_not_an_empty_one() {
        for bad in ["", "{}", "null", "[", r#"{"bans": []}"#, "[]x"] {
            assert!(
                matches!(read(bad.as_bytes()), Err(PlatformError::Unreadable { .. })),
                "{bad}"
            );
        }
        assert_eq!(read(b"[]").unwrap().unknown, None);
    }
}
