//! `hexgate-compile` as its users meet it.

mod rego;
mod yaml;
