//! Runs: what a model proposes, what the policy decides, what tools do, and how it ends.

mod building;
mod cancelling;
mod conversations;
mod counting;
mod crowds;
pub(crate) mod fixture;
mod guarding;
mod hopping;
mod limiting;
mod recording;
mod running;
mod said;
mod tools;
