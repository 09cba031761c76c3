//! Tests of [`super::compile`].
