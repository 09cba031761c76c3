//! One attempt to send an event to the platform.

use std::time::Duration;

use hexgate_platform::{Client, PlatformError, Posted, Timeouts};

use super::{DeliveryError, DeliveryOptions, Problem};

/// Sends events.
pub(super) struct Sender(Client);

/// The result of one attempt.
#[derive(Debug)]
pub(super) enum Answer {
    /// The platform has the event.
    Taken,
    /// The platform did not take it.
    Failed(Failure),
}

/// Why the platform did not take an event.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// Whether it refuses the event for good: 400, 413, 422. That counts only while other events pass; if all fail so, something else
    /// blocks them.
    pub(super) is_final: bool,
    /// The wait that the platform asks for.
    pub(super) at_least: Duration,
}

const TOO_LARGE: u16 = 413;

impl Sender {
    pub(super) fn new(options: &DeliveryOptions) -> Result<Self, DeliveryError> {
        let timeouts = Timeouts {
            full: options.timeout,
            ..Timeouts::default()
        };
        let client = Client::new(options.address.clone(), options.token.clone(), timeouts)?;
        Ok(Self(client))
    }

    /// Sends an event, once.
    pub(super) async fn post(&self, event: String) -> Answer {
        let failed = |problem, is_final, at_least| {
            Answer::Failed(Failure {
                problem,
                is_final,
                at_least,
            })
        };
        match self.0.post_event(event).await {
            // 409: it has the event already.
            Ok(Posted { status: 409, .. }) => Answer::Taken,
            Ok(posted) if (200..300).contains(&posted.status) && !posted.is_page => Answer::Taken,
            Ok(posted) => {
                let is_final = matches!(posted.status, 400 | TOO_LARGE | 422);
                let at_least = posted.retry_after;
                failed(Problem::answer(&posted), is_final, at_least)
            }
            Err(error) => failed(Problem::transport(&error), false, Duration::ZERO),
        }
    }
}

impl Failure {
    /// Whether a smaller event might be taken.
    pub(super) fn is_about_size(&self) -> bool {
        self.problem.status == Some(TOO_LARGE)
    }
}

impl Problem {
    fn answer(posted: &Posted) -> Self {
        // Some firewalls and portals block requests with an HTML page and a good status.
        let page = if (200..300).contains(&posted.status) {
            " with a page for people, so something else than the platform answered"
        } else {
            ""
        };
        Self {
            status: Some(posted.status),
            reason: format!("it answers {}{page}", posted.says),
        }
    }

    fn transport(error: &PlatformError) -> Self {
        Self {
            status: None,
            // The message puts this after the address, so it leaves the address out.
            reason: match error {
                PlatformError::Timeout => "it does not answer in time".to_owned(),
                PlatformError::Unreachable(cause) => cause.to_string(),
                other => other.to_string(),
            },
        }
    }
}
