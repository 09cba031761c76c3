//! Asking a person: durable requests and signed answers.
