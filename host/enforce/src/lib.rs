//! Enforcement: who calls, which policy is live, what was decided.
