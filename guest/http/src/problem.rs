//! What is said to requests that are refused: problem details as of RFC 9457.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::json;

/// Why a request is not answered. Never an allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is: a URI. `about:blank`: what the status says.
    pub kind: &'static str,
    /// The status of the response.
    pub status: u16,
    /// What is wrong, for the client.
    pub detail: String,
}

impl Problem {
    /// The request cannot be understood.
    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(400, detail)
    }

    /// `what` is not `expected`.
    pub(crate) fn wrong(what: &str, expected: &str) -> Self {
        Self::bad(format!("`{what}` must be {expected}"))
    }

    /// A response with this status.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            status,
            detail: detail.into(),
        }
    }

    /// Of this kind.
    #[must_use]
    pub fn of(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// What the status is called.
    fn title(&self) -> &'static str {
        match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            409 => "Conflict",
            410 => "Gone",
            413 => "Content Too Large",
            415 => "Unsupported Media Type",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        }
    }

    /// The document.
    pub(crate) fn document(&self) -> String {
        let mut object = json::Object::new();
        object.text("type", self.kind);
        object.text("title", self.title());
        object.raw("status", &self.status.to_string());
        object.text("detail", &self.detail);
        object.finish()
    }
}
