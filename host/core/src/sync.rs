//! The locks that `slots` uses.

pub(crate) use std::sync::{Mutex, MutexGuard};
