//! How much one command may use.

use std::time::Duration;

/// How much one command may use. Everything has a limit; [`Limits::default`] has room for a build or a test run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How long a command may take if who asks for it says nothing: 30 seconds. Not more than [`longest_time`](Self::longest_time).
    pub time: Duration,
    /// The longest time that may be asked for, by the argument `timeout_seconds` of the tool `bash`: 9 minutes. Less than the ten minutes that
    /// an agent gives to a call of a tool, so that the output until then is answered.
    pub longest_time: Duration,
    /// Seconds of processor that one process may use: 600.
    pub cpu_seconds: u64,
    /// Bytes of memory of each process: 4 GiB. It is the address space: programs that compile while they run, such as Node, reserve much more
    /// than they use and need more here.
    pub memory: u64,
    /// Bytes of memory of all processes of a command together, with what it keeps in `/dev/shm` and what is swapped out: 8 GiB. Counts where
    /// this program can make control groups, see [`Guarantee::MemoryBounded`](crate::Guarantee::MemoryBounded).
    pub total_memory: u64,
    /// Processes and threads of a command at one time: 512.
    pub processes: u32,
    /// Bytes of one file that is written: 1 GiB.
    pub file_size: u64,
    /// Open files of one process: 1024.
    pub open_files: u64,
    /// Bytes that stay free on the file system of the workspace: 256 MiB. A command that leaves less is ended.
    pub free_disk: u64,
    /// Characters of each of the two output streams that are kept, from the beginning: 20,000. The rest is read and dropped.
    pub output_chars: usize,
    /// Bytes of the text of a command: 64 KiB. A longer one is refused.
    pub script_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            longest_time: Duration::from_secs(540),
            cpu_seconds: 600,
            memory: 4 << 30,
            total_memory: 8 << 30,
            processes: 512,
            file_size: 1 << 30,
            open_files: 1024,
            free_disk: 256 << 20,
            output_chars: 20_000,
            script_bytes: 64 << 10,
        }
    }
}
