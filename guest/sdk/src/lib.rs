//! Policies for AI agents, written in Rust.
#![no_std]
