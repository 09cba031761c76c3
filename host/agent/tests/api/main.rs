//! What users of the crate see.

#[cfg(feature = "genai")]
mod models;
mod scripts;
