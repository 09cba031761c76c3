//! Tests of [`super::allowed`] and [`super::denied`].
