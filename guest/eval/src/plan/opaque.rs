//! The plan of a policy that cannot be described: limits, a digest, and the data that goes with the code.

use alloc::{vec, vec::Vec};

use hexgate_contract::Limits;

use super::layout::{MAGIC, VERSION, flags, header};

/// What is known of a policy that is code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpaquePlan<'a> {
    /// SHA-256 of the policy's source.
    pub source_digest: [u8; 32],
    /// What compiled it: a name and a version.
    pub compiler: &'a str,
    /// The limits that can change a verdict.
    pub limits: Limits,
    /// The document that the policy's Rego knows as `data`: a JSON object as text, or nothing.
    pub data: &'a str,
}

impl<'a> OpaquePlan<'a> {
    /// A policy of that source, with the default limits and no data.
    #[must_use]
    pub const fn new(source_digest: [u8; 32], compiler: &'a str) -> Self {
        Self {
            source_digest,
            compiler,
            limits: Limits::DEFAULT,
            data: "",
        }
    }
}

/// The bytes of an opaque plan: no roles, no rules, and a description that says so.
#[must_use]
pub fn opaque_plan(plan: &OpaquePlan<'_>) -> Vec<u8> {
    // Both indices are the same single, empty slot.
    let index = header::OPAQUE_SIZE;
    let compiler = index + 4;
    let data = compiler + plan.compiler.len();
    let mut bytes = vec![0; data];
    let mut put = |at: usize, value: &[u8]| {
        let target = at
            .checked_add(value.len())
            .and_then(|end| bytes.get_mut(at..end));
        if let Some(target) = target {
            target.copy_from_slice(value);
        }
    };
    // A plan that is too large for its own references is refused for its size wherever it is used.
    let word = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    put(0, &MAGIC);
    put(header::VERSION, &VERSION.to_le_bytes());
    put(header::LEN, &word(data.saturating_add(plan.data.len())));
    put(
        header::ARGUMENTS_BYTES,
        &plan.limits.arguments_bytes.to_le_bytes(),
    );
    put(header::FACTS_BYTES, &plan.limits.facts_bytes.to_le_bytes());
    put(header::FLAGS, &flags::OPAQUE.to_le_bytes());
    put(header::SOURCE_DIGEST, &plan.source_digest);
    put(header::ROLE_INDEX, &word(index));
    put(header::TOOL_INDEX, &word(index));
    put(header::COMPILER, &word(compiler));
    put(header::COMPILER + 4, &word(plan.compiler.len()));
    put(header::DATA, &word(data));
    put(header::DATA + 4, &word(plan.data.len()));
    put(compiler, plan.compiler.as_bytes());
    bytes.extend_from_slice(plan.data.as_bytes());
    bytes
}
