//! Policy sources: files, positions in them, and YAML as a tree in which every node knows where it stands.

mod align;
mod files;
mod parse;
mod scalar;
mod surrogate;
mod tree;
mod write;

pub use crate::place::{FileId, Source, Sources, Span};
pub use files::{Input, ReadError, add_bytes, read};
pub(crate) use files::{MAX_SOURCE, add_text, read_bytes, read_text, too_large};
pub(crate) use parse::{FLOW_COMMA, refused_character};
pub use parse::{Subject, parse, parse_as, parse_within};
pub use scalar::Plain;
pub use tree::{Entry, Key, Node, NodeKind, Scalar, Style};
pub use write::write_roles;
