//! What a child needs between `fork` and `exec`. Made before, so that nothing has to be allocated there.

use std::ffi::CString;
use std::os::fd::RawFd;

use rustix::process::{Pid, Resource};

use super::filter::Filters;
use super::view::Plan;
use crate::workspace::Shield;

/// The exit code of a process that could not set up the sandbox. The report says why.
pub(super) const SETUP_FAILED: i32 = 125;

/// All that the child needs.
#[derive(Debug)]
pub(super) struct Launch {
    /// Where a failed step is reported: its number and the error, two `i32`.
    pub(super) report: RawFd,
    /// Closed by this program when the command has to end, and by the kernel when this program has ended.
    pub(super) lifeline: RawFd,
    /// Where the listener inside of the network namespace is sent to. None: no network.
    pub(super) network: Option<RawFd>,
    /// Whether the loopback interface is brought up.
    pub(super) loopback: bool,
    /// The rules of landlock for the command.
    pub(super) rules: RawFd,
    /// The rules of landlock for init: the same, but that it always reads what `/proc` says of the command.
    pub(super) supervisor: RawFd,
    /// Rules for places that do not exist before the namespaces do.
    pub(super) inside: Vec<(CString, u64)>,
    /// The file system. None: without namespaces.
    pub(super) plan: Option<Plan>,
    /// The maps of user and group to themselves.
    pub(super) maps: (Vec<u8>, Vec<u8>),
    pub(super) limits: Vec<(Resource, u64)>,
    /// The number of processes of the PID namespace, in digits.
    pub(super) processes: Vec<u8>,
    pub(super) filters: Filters,
    pub(super) shield: Shield,
    /// Where the control groups of the command are entered.
    pub(super) groups: Vec<RawFd>,
    pub(super) root: CString,
    /// The process that runs this program.
    pub(super) parent: Pid,
    /// Whether landlock keeps signals in the sandbox, so that all of its processes can be ended at once.
    pub(super) scoped: bool,
}
