//! The conversation while a run adds to it.

use super::answer::{Answer, Proposal};
use crate::conversation::Conversation;
use crate::message::{CallState, Message};

/// A conversation that is left usable however the run ends: what the model began to say is kept, and each call gets a result.
pub(super) struct Talk<'a> {
    conversation: &'a mut Conversation,
    /// What the model says before its answer is complete.
    draft: String,
    /// The calls of the last answer, and what came of them.
    open: Vec<(Proposal, Option<Settled>)>,
}

/// What came of a call, for the model.
pub(super) struct Settled {
    pub(super) state: CallState,
    pub(super) content: String,
}

/// What the model reads of a call that the run did not come to.
const CANCELLED: &str = "[cancelled] The run ended before this call did.";

impl<'a> Talk<'a> {
    pub(super) fn new(conversation: &'a mut Conversation) -> Self {
        Self {
            conversation,
            draft: String::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn user_says(&mut self, text: String) {
        self.conversation.user_says(text);
    }

    pub(super) fn messages(&self) -> Vec<Message> {
        self.conversation.messages().to_vec()
    }

    /// The model says more.
    pub(super) fn says(&mut self, text: &str) {
        self.draft.push_str(text);
    }

    /// The model's answer is complete. Whether there are calls in it.
    pub(super) fn answered(&mut self, answer: Answer) -> bool {
        self.draft.clear();
        let calls = answer.calls.iter().map(|proposal| proposal.call.clone());
        self.conversation
            .assistant_says(answer.text, answer.reasoning, calls.collect());
        let calls = answer.calls.into_iter();
        self.open = calls.map(|proposal| (proposal, None)).collect();
        !self.open.is_empty()
    }

    /// The calls that have no result yet.
    pub(super) fn proposals(&self) -> Vec<Proposal> {
        self.open
            .iter()
            .map(|(proposal, _)| proposal.clone())
            .collect()
    }

    /// A call has a result.
    pub(super) fn settled(&mut self, index: usize, settled: Settled) {
        if let Some((_, slot)) = self.open.get_mut(index) {
            *slot = Some(settled);
        }
    }

    /// Puts the results behind their calls, in the order of the calls.
    pub(super) fn close(&mut self) {
        for (proposal, settled) in std::mem::take(&mut self.open) {
            let settled = settled.unwrap_or_else(|| Settled {
                state: CallState::Cancelled,
                content: CANCELLED.to_owned(),
            });
            self.conversation
                .answer(&proposal.call, settled.state, settled.content);
        }
    }
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        self.close();
        if !self.draft.is_empty() {
            let draft = std::mem::take(&mut self.draft);
            self.conversation
                .assistant_says(draft, String::new(), Vec::new());
        }
    }
}
