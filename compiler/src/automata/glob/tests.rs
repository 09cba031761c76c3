//! Tests of [`super::allowed`] and [`super::denied`].

mod properties;
mod refused;
mod table;
