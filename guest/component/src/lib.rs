//! A policy as a component of the engine that this crate carries.
