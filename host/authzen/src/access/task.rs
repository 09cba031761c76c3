//! A request for access as its client sees it.

use hexgate_enforce::approvals::{Request, RequestState};
use hexgate_http::REQUESTS;
use serde_json::json;

/// What is said of a request.
#[derive(Debug)]
pub(crate) struct Task {
    /// Whether it waits for approvers.
    pub(super) is_open: bool,
    /// JSON.
    pub(crate) text: String,
}

impl Task {
    /// A state never changes back: an approval that was used, or whose time is over, stays one. Whether it counts is decided at the evaluation.
    pub(super) fn new(request: &Request, state: RequestState, base: &str) -> Self {
        let id = request.id().to_string();
        let approved_at = match state {
            RequestState::Approved { at } => Some(at.to_string()),
            _ => None,
        };
        let (status, is_approved) = match state {
            RequestState::Pending => ("pending", false),
            RequestState::Approved { .. } | RequestState::Used => ("approved", true),
            RequestState::Denied => ("denied", false),
            RequestState::Expired => ("expired", false),
            // What this version does not know is no approval.
            _ => ("failed", false),
        };
        let mut answer = json!({"task": {
            "id": id,
            "status": status,
            "status_endpoint": format!("{base}{REQUESTS}/{id}"),
        }});
        if is_approved {
            let mut approval = json!({
                "id": id,
                "approved_until": request.expires_at.to_string(),
            });
            if let (Some(at), Some(members)) = (approved_at, approval.as_object_mut()) {
                members.insert("approved_at".to_owned(), json!(at));
            }
            if let Some(members) = answer.as_object_mut() {
                let result = json!({"mode": "reevaluate", "approval": approval});
                members.insert("result".to_owned(), result);
            }
        }
        Self {
            is_open: status == "pending",
            text: answer.to_string(),
        }
    }
}
