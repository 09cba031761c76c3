//! The command line as its users meet it: what it prints, where, and how it ends.

mod bench;
mod bundles;
mod calls;
mod engines;
mod explain;
mod fixture;
mod inspect;
mod misuse;
mod suites;
mod validate;
