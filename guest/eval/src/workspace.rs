//! Working memory that grows as needed: the evaluator in-process.

use alloc::{vec, vec::Vec};

use hexgate_contract::{Request, Verdict};

use crate::{
    decide::{Scratch, decide},
    error::Error,
    json::Node,
    plan::Plan,
    scope::covers,
};

/// Working memory that is kept from decision to decision.
#[derive(Debug, Default)]
pub struct Workspace {
    nodes: Vec<Node>,
    slots: Vec<u32>,
    path: Vec<u8>,
}

impl Workspace {
    /// Working memory that holds nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decides one tool call, as [`decide`] does.
    ///
    /// # Errors
    /// As [`decide`].
    pub fn decide(&mut self, plan: &Plan<'_>, request: &Request<'_>) -> Result<Verdict, Error> {
        decide(plan, request, &mut self.scratch(plan, request)?)
    }

    /// Whether a scope of a grant covers a path, as [`covers`] says.
    pub fn covers(&mut self, plan: &Plan<'_>, scope: u32, path: &str) -> bool {
        covers(plan, scope, path, self.path())
    }

    /// Memory for one request.
    ///
    /// # Errors
    /// If the request is larger than the plan accepts: no memory is taken for it.
    pub fn scratch(
        &mut self,
        plan: &Plan<'_>,
        request: &Request<'_>,
    ) -> Result<Scratch<'_>, Error> {
        let arguments = request
            .arguments
            .len()
            .min(plan.arguments_bytes()? as usize);
        let facts = request
            .facts
            .map_or(0, str::len)
            .min(plan.facts_bytes()? as usize);
        grow(&mut self.nodes, Scratch::nodes_for(arguments, facts));
        grow(&mut self.slots, Scratch::slots_for(plan, arguments, facts)?);
        self.path();
        Ok(Scratch {
            nodes: &mut self.nodes,
            slots: &mut self.slots,
            path: &mut self.path,
        })
    }

    /// Memory for one path.
    fn path(&mut self) -> &mut [u8] {
        if self.path.is_empty() {
            self.path = vec![0; Scratch::PATH];
        }
        &mut self.path
    }
}

fn grow<T: Default + Clone>(memory: &mut Vec<T>, len: usize) {
    if memory.len() < len {
        memory.resize(len, T::default());
    }
}
