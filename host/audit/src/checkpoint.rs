//! What a checkpoint signs.

use crate::chain::Head;

/// Keeps these signatures apart from all others of the same key.
pub(crate) const PURPOSE: &str = "audit checkpoint 1";

/// The message: the log's id, the number of the record before the checkpoint and its hash, which binds all records up to it.
pub(crate) fn message(log: &str, head: &Head) -> Vec<u8> {
    let mut message = Vec::with_capacity(log.len() + 41);
    message.extend_from_slice(log.as_bytes());
    message.push(0);
    message.extend_from_slice(&head.n.to_be_bytes());
    message.extend_from_slice(head.hash.as_bytes());
    message
}
