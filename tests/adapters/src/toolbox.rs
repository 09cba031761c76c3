//! The tools of a play: they keep what they get, and do what the scenario says.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::scenario::{Act, Cancel, Scenario, ToolSpec};
use crate::seen::Ran;

/// How long calls wait for each other.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tools of a play. Cloning gives the same ones.
#[derive(Debug, Clone)]
pub struct Toolbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    acts: BTreeMap<String, Vec<Act>>,
    ran: Mutex<Vec<Ran>>,
    inside: watch::Sender<usize>,
    cancel: Option<Cancel>,
    cancelled: watch::Sender<bool>,
}

impl Toolbox {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let below = scenario
            .tools
            .iter()
            .filter_map(|tool| tool.agent.as_ref())
            .flat_map(|agent| &agent.tools);
        let acts = |tool: &ToolSpec| (tool.name.clone(), tool.does.clone());
        Self(Arc::new(Inner {
            acts: scenario.tools.iter().chain(below).map(acts).collect(),
            ran: Mutex::default(),
            inside: watch::Sender::new(0),
            cancel: scenario.around.cancel,
            cancelled: watch::Sender::new(false),
        }))
    }

    /// Runs a tool, by its name in the scenario, with the bytes that the host gives it. What it answers, or how it fails.
    ///
    /// # Errors
    ///
    /// The tool fails, as the scenario says, or there is none of that name.
    ///
    /// # Panics
    ///
    /// As the scenario says.
    pub async fn run(&self, tool: &str, arguments: &str) -> Result<String, String> {
        let act = {
            let mut ran = self.0.ran.lock().unwrap_or_else(PoisonError::into_inner);
            let before = ran.iter().filter(|ran| ran.tool == tool).count();
            ran.push(Ran {
                tool: tool.to_owned(),
                arguments: arguments.to_owned(),
            });
            let acts = self.0.acts.get(tool);
            acts.and_then(|acts| acts.get(before).or(acts.last()).cloned())
        };
        let _inside = Inside::new(&self.0.inside);
        if self.0.cancel == Some(Cancel::InTool) {
            self.cancel();
        }
        match act {
            None => Err(format!("the scenario has no tool `{tool}`")),
            Some(Act::Text(text)) => Ok(text),
            Some(Act::Fail(why)) => Err(why),
            Some(Act::Panic(why)) => panic!("{why}"),
            Some(Act::Hang) => pending().await,
            Some(Act::Meet(wanted)) => {
                let mut inside = self.0.inside.subscribe();
                let met = async { inside.wait_for(|inside| *inside >= wanted).await.is_ok() };
                match tokio::time::timeout(PATIENCE, met).await {
                    // Those who met leave once all of them saw it.
                    Ok(true) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        Ok(format!("{wanted} ran side by side"))
                    }
                    _ => Err(format!("fewer than {wanted} ran side by side")),
                }
            }
        }
    }

    /// What ran so far.
    #[must_use]
    pub fn ran(&self) -> Vec<Ran> {
        let ran = self.0.ran.lock().unwrap_or_else(PoisonError::into_inner);
        ran.clone()
    }

    /// How many calls are running.
    #[must_use]
    pub fn running(&self) -> usize {
        *self.0.inside.borrow()
    }

    pub(crate) fn is_cancelled_while_asked(&self) -> bool {
        self.0.cancel == Some(Cancel::WhileAsked)
    }

    pub(crate) fn cancel(&self) {
        self.0.cancelled.send_replace(true);
    }

    pub(crate) async fn cancelled(&self) {
        let mut cancelled = self.0.cancelled.subscribe();
        let is_told = cancelled.wait_for(|cancelled| *cancelled).await.is_ok();
        if !is_told {
            pending::<()>().await;
        }
    }
}

/// A call that runs.
struct Inside<'a>(&'a watch::Sender<usize>);

impl<'a> Inside<'a> {
    fn new(inside: &'a watch::Sender<usize>) -> Self {
        inside.send_modify(|inside| *inside += 1);
        Self(inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|inside| *inside -= 1);
    }
}
