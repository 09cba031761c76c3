//! Tests of [`super::compile`].

mod accepted;
mod limits;
mod properties;
mod refused;
