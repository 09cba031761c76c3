//! What was decided: an append-only log with a hash chain, its verification, replay and delivery.
