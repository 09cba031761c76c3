//! Which tools of a server are offered.

use rmcp::model::Tool;

/// Looks at the tools of a server whenever they are read, before any client sees them or calls one.
pub trait Catalogue: Send + Sync {
    /// One answer for each tool, in their order. A tool without an answer is withheld.
    fn review(&self, server: &str, tools: &[Tool]) -> Vec<Review>;

    /// Another number than before: the answers may be others now, and every server's tools are read and reviewed again within two seconds.
    fn version(&self) -> u64 {
        0
    }
}

/// What becomes of a tool.
#[derive(Debug, Clone, PartialEq)]
pub enum Review {
    /// It is offered, and clients see it so. Its name is the server's, whatever this says.
    Offer(Box<Tool>),
    /// It is not listed, and calls of it are refused.
    Withhold {
        /// Why, for the operator.
        reason: String,
    },
}

/// Offers every tool as the server describes it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Everything;

impl Catalogue for Everything {
    fn review(&self, _: &str, tools: &[Tool]) -> Vec<Review> {
        tools
            .iter()
            .map(|tool| Review::Offer(Box::new(tool.clone())))
            .collect()
    }
}
