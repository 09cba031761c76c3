//! What is said to requests that are refused: problem details as of RFC 9457.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::json;

/// Why a request is not answered. Never an allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The status of the response.
    pub(crate) status: u16,
    /// What is wrong, for the client.
    pub(crate) detail: String,
}

impl Problem {
    /// The request cannot be understood.
    pub(crate) fn bad(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// `what` is not `expected`.
    pub(crate) fn wrong(what: &str, expected: &str) -> Self {
        Self::bad(format!("`{what}` must be {expected}"))
    }

    pub(crate) fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
        }
    }

    /// What the status is called.
    fn title(&self) -> &'static str {
        match self.status {
            400 => "Bad Request",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 => "Content Too Large",
            415 => "Unsupported Media Type",
            _ => "Internal Server Error",
        }
    }

    /// The document.
    pub(crate) fn document(&self) -> String {
        let mut object = json::Object::new();
        object.text("type", "about:blank");
        object.text("title", self.title());
        object.raw("status", &self.status.to_string());
        object.text("detail", &self.detail);
        object.finish()
    }
}
