//! What was seen against what must be seen.

mod same;

use std::fmt;

use crate::driver::{Aspect, Driver};
use crate::play::Play;
use crate::scenario::{EndSpec, Expect, ExpectedRead, ExpectedRecord, Fault, Scenario};
use crate::seen::{Record, Seen};

use same::same;

/// Something that was seen and must not be, or the other way round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// In what respect.
    pub aspect: Aspect,
    /// One sentence.
    pub text: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Differences in one respect.
struct Found<'a> {
    aspect: Aspect,
    all: &'a mut Vec<Difference>,
}

impl Found<'_> {
    fn push(&mut self, text: String) {
        let aspect = self.aspect;
        self.all.push(Difference { aspect, text });
    }

    fn extend(&mut self, texts: impl IntoIterator<Item = String>) {
        texts.into_iter().for_each(|text| self.push(text));
    }
}

/// All differences. None: the scenario holds.
#[must_use]
pub(crate) fn differences(driver: &dyn Driver, play: &Play, seen: &Seen) -> Vec<Difference> {
    let scenario = play.scenario();
    let comparison = Comparison {
        play,
        scenario,
        expect: &scenario.expect,
        seen,
        keeps_bytes: driver.keeps_bytes(),
    };
    let mut all = Vec::new();
    let mut of = |aspect, compare: &dyn Fn(&mut Found<'_>)| {
        compare(&mut Found {
            aspect,
            all: &mut all,
        });
    };
    of(Aspect::Ran, &|found| comparison.runs(found));
    if let Some(reason) = &seen.no_gate {
        of(Aspect::Begins, &|found| {
            if !scenario.expect.without_gate {
                found.push(format!("the host refused to begin: {reason}"));
            }
        });
        of(Aspect::Records, &|found| {
            let permitted = seen.records.iter().filter(|it| it.outcome == "allow");
            found
                .extend(permitted.map(|it| format!("it has no gate, and permitted `{}`", it.tool)));
        });
        return all;
    }
    of(Aspect::Read, &|found| comparison.read(found));
    of(Aspect::Records, &|found| {
        comparison.records(found);
        comparison.laws(found);
    });
    of(Aspect::Asked, &|found| comparison.asked(found));
    of(Aspect::Named, &|found| {
        let named = scenario.expect.named_uncovered.iter();
        let missing = named.filter(|tool| !seen.named_uncovered.contains(tool));
        found.extend(
            missing.map(|tool| format!("the host does not say that `{tool}` is not gated")),
        );
    });
    all
}

struct Comparison<'a> {
    play: &'a Play,
    scenario: &'a Scenario,
    expect: &'a Expect,
    seen: &'a Seen,
    keeps_bytes: bool,
}

impl Comparison<'_> {
    fn is_same(&self, one: &str, other: &str) -> bool {
        one == other || (!self.keeps_bytes && same(one, other))
    }

    fn runs(&self, found: &mut Found<'_>) {
        let wanted = &self.expect.ran;
        let mut left: Vec<_> = self.seen.ran.iter().collect();
        for run in wanted {
            let at = left.iter().position(|ran| {
                ran.tool == run.tool && self.is_same(&ran.arguments, &run.arguments)
            });
            match at {
                Some(at) if at == 0 || self.expect.any_order => drop(left.remove(at)),
                _ if run.optional => {}
                _ => found.push(format!(
                    "`{}` did not run in its turn with {}",
                    run.tool,
                    shown(&run.arguments)
                )),
            }
        }
        for ran in left {
            found.push(format!(
                "`{}` ran with {}, which must not be",
                ran.tool,
                shown(&ran.arguments)
            ));
        }
    }

    fn read(&self, found: &mut Found<'_>) {
        let Some(wanted) = &self.expect.read else {
            return;
        };
        if wanted.len() != self.seen.read.len() {
            found.push(format!(
                "the model reads {} results of {} calls",
                self.seen.read.len(),
                wanted.len()
            ));
        }
        for (nth, (wanted, text)) in wanted.iter().zip(&self.seen.read).enumerate() {
            if let Some(what) = self.differs(wanted, text) {
                found.push(format!(
                    "the result of call {} {what}: {}",
                    nth + 1,
                    shown(text)
                ));
            }
        }
    }

    fn differs(&self, wanted: &ExpectedRead, text: &str) -> Option<String> {
        let has = |piece: &String| text.contains(&self.play.filled(piece));
        if let Some(lacking) = wanted.contains.iter().find(|piece| !has(piece)) {
            return Some(format!("lacks `{}`", self.play.filled(lacking)));
        }
        if !wanted.one_of.is_empty() && !wanted.one_of.iter().any(has) {
            return Some(format!("has none of {:?}", wanted.one_of));
        }
        let secret = wanted.lacks.iter().find(|piece| has(piece));
        secret.map(|piece| format!("has `{}`", self.play.filled(piece)))
    }

    fn records(&self, found: &mut Found<'_>) {
        let mut left: Vec<&Record> = self.seen.records.iter().collect();
        for wanted in &self.expect.records {
            let at = left
                .iter()
                .position(|record| self.is_record(wanted, record));
            match at {
                Some(at) if at == 0 || self.expect.any_order => drop(left.remove(at)),
                _ if wanted.optional => {}
                _ => found.push(format!(
                    "there is no record in its place of `{}`, {:?}, {:?}",
                    self.play.policy_name(&wanted.tool),
                    wanted.outcome,
                    wanted.ended
                )),
            }
        }
        for record in left {
            found.push(format!("there is a record too many: {record:?}"));
        }
    }

    fn is_record(&self, wanted: &ExpectedRecord, record: &Record) -> bool {
        let ended = record.ended.as_ref();
        let is_end = |ran: bool, state: &str| {
            ended.is_some_and(|end| end.ran == ran && (state.is_empty() || end.state == state))
        };
        record.tool == self.play.policy_name(&wanted.tool)
            && wanted.outcome.has(&record.outcome)
            && (wanted.cause.is_empty()
                || record
                    .cause
                    .as_ref()
                    .is_none_or(|cause| wanted.cause.contains(cause)))
            && match (&wanted.arguments, &record.arguments) {
                (Some(wanted), Some(found)) => self.is_same(wanted, found),
                _ => true,
            }
            && (record.outcome != "allow"
                || match wanted.ended {
                    EndSpec::Completed => is_end(true, "completed"),
                    EndSpec::Failed => is_end(true, "failed"),
                    EndSpec::Cancelled => is_end(true, "cancelled"),
                    EndSpec::NotRun => is_end(false, ""),
                    EndSpec::Unrecorded => ended.is_none(),
                    EndSpec::Any => ended.is_some(),
                })
    }

    /// What holds in every scenario: what ran was permitted with these arguments, on behalf of this user, and has its end.
    fn laws(&self, found: &mut Found<'_>) {
        found.extend(self.seen.oddities.iter().cloned());
        let mut permitted: Vec<&Record> = self
            .seen
            .records
            .iter()
            .filter(|record| record.outcome == "allow")
            .collect();
        for ran in &self.seen.ran {
            let name = self.play.policy_name(&ran.tool);
            let at = permitted.iter().position(|record| {
                record.tool == name
                    && record
                        .arguments
                        .as_ref()
                        .is_none_or(|decided| self.is_same(decided, &ran.arguments))
            });
            match at {
                Some(at) => drop(permitted.remove(at)),
                None => found.push(format!(
                    "`{}` ran with {}, and no record permits that",
                    ran.tool,
                    shown(&ran.arguments)
                )),
            }
        }
        let user = self.scenario.caller.as_ref().map(|caller| &caller.user);
        for record in &self.seen.records {
            if record.user.as_ref() != user {
                found.push(format!(
                    "`{}` is recorded for {:?}, and it was {user:?}",
                    record.tool, record.user
                ));
            }
            match (record.outcome.as_str(), &record.ended) {
                ("allow", None) if self.scenario.gate != Fault::EndsUnrecorded => {
                    found.push(format!("how `{}` ended is not recorded", record.tool));
                }
                ("deny" | "needs_approval", Some(_)) => {
                    found.push(format!("`{}` ended and was not permitted", record.tool));
                }
                _ => {}
            }
        }
    }

    fn asked(&self, found: &mut Found<'_>) {
        let (wanted, asked) = (&self.expect.asked, &self.seen.asked);
        if wanted.len() != asked.len() {
            found.push(format!(
                "people were asked {} times, and not {}",
                asked.len(),
                wanted.len()
            ));
        }
        for (wanted, asked) in wanted.iter().zip(asked) {
            if asked.tool != self.play.policy_name(&wanted.tool)
                || !self.is_same(&wanted.arguments, &asked.arguments)
            {
                found.push(format!(
                    "people were asked about `{}` with {}",
                    asked.tool,
                    shown(&asked.arguments)
                ));
            }
            if asked.after != wanted.after {
                found.push(format!(
                    "{} calls had begun when people were asked, and not {}",
                    asked.after, wanted.after
                ));
            }
        }
    }
}

/// A text for a message, not too long.
fn shown(text: &str) -> String {
    const MOST: usize = 300;
    let mut shown: String = text.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}
