//! How models are asked.

use std::str::FromStr;
use std::time::Duration;

use crate::retry::Retries;

/// How a model of a provider is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelSettings {
    /// How often a failed request is made again: after 429 and 5xx and where no connection came about, and only if nothing of the answer has
    /// been delivered yet.
    pub retries: Retries,
    /// The longest time until the connection stands. Default: 10 seconds.
    pub connect_timeout: Duration,
    /// The longest time from the request to the first piece of the answer. Models that think say nothing meanwhile. Default: 5 minutes.
    pub first_timeout: Duration,
    /// The longest time between two pieces of an answer. A part of a piece is none. Default: 2 minutes.
    pub idle_timeout: Duration,
    /// The longest time for a whole answer. Default: 30 minutes.
    pub answer_timeout: Duration,
    /// The most bytes of one answer, as they come from the provider. Default: 16 MiB.
    pub max_answer_bytes: usize,
    /// The most tokens of one answer. Default: what the provider takes for it.
    pub max_output_tokens: Option<u32>,
    /// How much the model is to think. Default: what the provider takes for it, and thoughts are not asked for.
    pub reasoning: Option<Reasoning>,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            retries: Retries::default(),
            connect_timeout: Duration::from_secs(10),
            first_timeout: Duration::from_secs(300),
            idle_timeout: Duration::from_secs(120),
            answer_timeout: Duration::from_secs(1800),
            max_answer_bytes: 16 << 20,
            max_output_tokens: None,
            reasoning: None,
        }
    }
}

/// How much a model is to think. If it is set, the thoughts that the provider shows are part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reasoning {
    /// Not at all, where the model can do without.
    None,
    /// A little.
    Low,
    /// More.
    Medium,
    /// Much.
    High,
}

impl Reasoning {
    /// The names, as model texts have them.
    pub const NAMES: [&'static str; 4] = ["none", "low", "medium", "high"];
}

impl FromStr for Reasoning {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "none" => Self::None,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            _ => return Err(()),
        })
    }
}
