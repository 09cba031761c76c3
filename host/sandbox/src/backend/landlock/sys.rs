//! System calls that no library offers as safe functions. The only file of this crate with unsafe code.
//!
//! All but [`before_exec`] and [`landlock_abi`] run between `fork` and `exec` in a program that may have had many threads: none allocates,
//! locks, or touches what other threads share.
#![allow(
    unsafe_code,
    reason = "system calls that no library offers; each names why it is sound"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::UnshareFlags;

type Result<T> = std::result::Result<T, Errno>;

/// Runs `steps` in the child of `command`, after `fork` and before `exec`.
///
/// `steps` must not allocate, lock or panic. It borrows nothing, and its data was made before.
pub(super) fn before_exec(
    command: &mut Command,
    mut steps: impl FnMut() -> Result<()> + Send + Sync + 'static,
) {
    // SAFETY: the caller keeps to system calls on data made before `fork`; see above.
    unsafe {
        command.pre_exec(move || steps().map_err(io::Error::from));
    }
}

fn check(returned: libc::c_long) -> Result<libc::c_long> {
    if returned < 0 {
        Err(errno())
    } else {
        Ok(returned)
    }
}

fn errno() -> Errno {
    // SAFETY: the location of `errno` is valid for the whole life of a thread.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}

fn owned(returned: libc::c_long) -> Result<OwnedFd> {
    let fd = RawFd::try_from(check(returned)?).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A copy of this process. None: this is the copy.
pub(super) fn fork() -> Result<Option<Pid>> {
    let none: libc::c_ulong = 0;
    // SAFETY: without `CLONE_VM` the copy has memory of its own and goes on here; no handler of libc runs, and none is needed, as both
    // sides make system calls alone.
    let pid = check(unsafe {
        libc::syscall(
            libc::SYS_clone,
            libc::c_ulong::from(libc::SIGCHLD.unsigned_abs()),
            none,
            none,
            none,
            none,
        )
    })?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw))
}

/// Ends this process at once.
pub(super) fn exit(code: i32) -> ! {
    // SAFETY: it only makes the system call.
    unsafe { libc::_exit(code) }
}

/// New namespaces for this process.
pub(super) fn unshare(flags: UnshareFlags) -> Result<()> {
    // SAFETY: the table of open files is not among what callers unshare.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Attributes of a mount that has not been attached yet, and of all mounts below it if `recursive`.
pub(super) fn mount_attributes(mount: BorrowedFd<'_>, set: u64, recursive: bool) -> Result<()> {
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        userns: u64,
    }
    let attributes = Attributes {
        set,
        clear: 0,
        propagation: 0,
        userns: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: an empty path and a structure of the size that is said, both alive during the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<Attributes>(),
        )
    })
    .map(drop)
}

/// The version of landlock of the running kernel; zero if there is none.
pub(crate) fn landlock_abi() -> i32 {
    const VERSION: libc::c_uint = 1;
    // SAFETY: no attributes and this flag ask for the version.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0usize,
            VERSION,
        )
    };
    i32::try_from(version).unwrap_or(0).max(0)
}

/// Adds a rule for what is beneath `place`.
pub(super) fn landlock_allow(
    rules: BorrowedFd<'_>,
    place: BorrowedFd<'_>,
    access: u64,
) -> Result<()> {
    const PATH_BENEATH: libc::c_int = 1;
    #[repr(C, packed)]
    struct Rule {
        access: u64,
        place: i32,
    }
    let rule = Rule {
        access,
        place: place.as_raw_fd(),
    };
    // SAFETY: the structure that this kind of rule has, alive during the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            rules.as_raw_fd(),
            PATH_BENEATH,
            &raw const rule,
            0,
        )
    })
    .map(drop)
}

/// Puts this process and all that it starts under the rules, for good.
pub(super) fn landlock_restrict(rules: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: numbers alone.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0) })
        .map(drop)
}

/// One instruction of a filter of system calls, as the kernel has it.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) jt: u8,
    pub(super) jf: u8,
    pub(super) k: u32,
}

impl Instruction {
    /// As the kernel has it.
    pub(super) fn bytes(&self) -> [u8; 8] {
        let [c0, c1] = self.code.to_ne_bytes();
        let [k0, k1, k2, k3] = self.k.to_ne_bytes();
        [c0, c1, self.jt, self.jf, k0, k1, k2, k3]
    }
}

#[repr(C)]
struct Program {
    len: u16,
    filter: *const Instruction,
}

fn install(filter: &[Instruction], flags: libc::c_ulong) -> Result<libc::c_long> {
    const SET_MODE_FILTER: libc::c_uint = 1;
    let program = Program {
        len: u16::try_from(filter.len()).map_err(|_| Errno::INVAL)?,
        filter: filter.as_ptr(),
    };
    // SAFETY: the program points to as many instructions as it says, alive during the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    })
}

/// A filter for this process and all that it starts, for good.
pub(super) fn filter(filter: &[Instruction]) -> Result<()> {
    install(filter, 0).map(drop)
}

/// A filter whose notices are read from the returned descriptor.
pub(super) fn filter_with_listener(filter: &[Instruction]) -> Result<OwnedFd> {
    const NEW_LISTENER: libc::c_ulong = 1 << 3;
    const WAIT_KILLABLE: libc::c_ulong = 1 << 5;
    match install(filter, NEW_LISTENER | WAIT_KILLABLE) {
        // Before Linux 5.19: a signal then interrupts a call that was already made, which programs see as an error.
        Err(Errno::INVAL) => owned(install(filter, NEW_LISTENER)?),
        other => owned(other?),
    }
}

/// A system call that waits for an answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Notice {
    pub(super) id: u64,
    pub(super) pid: u32,
    pub(super) flags: u32,
    pub(super) nr: i32,
    pub(super) arch: u32,
    pub(super) instruction: u64,
    pub(super) args: [u64; 6],
}

#[repr(C)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

#[repr(C)]
struct AddFd {
    id: u64,
    flags: u32,
    source: u32,
    target: u32,
    target_flags: u32,
}

/// `_IOC` of the kernel for the letter `!`.
const fn request(direction: u64, number: u64, size: usize) -> u64 {
    (direction << 30) | ((size as u64) << 16) | ((b'!' as u64) << 8) | number
}

fn ioctl<T>(fd: BorrowedFd<'_>, request: u64, argument: *mut T) -> Result<libc::c_long> {
    // SAFETY: callers pass the structure that the request asks for, alive during the call.
    check(unsafe { libc::syscall(libc::SYS_ioctl, fd.as_raw_fd(), request, argument) })
}

/// The next notice. Blocks.
pub(super) fn notice(listener: BorrowedFd<'_>) -> Result<Notice> {
    let mut notice = Notice::default();
    ioctl(
        listener,
        request(3, 0, size_of::<Notice>()),
        &raw mut notice,
    )?;
    Ok(notice)
}

/// Whether the process that made the call still waits for its answer, so that its number is still its own.
pub(super) fn waits(listener: BorrowedFd<'_>, id: u64) -> Result<()> {
    let mut id = id;
    ioctl(listener, request(1, 2, size_of::<u64>()), &raw mut id).map(drop)
}

/// Answers a call with a value or an error.
pub(super) fn answer(listener: BorrowedFd<'_>, id: u64, result: Result<i64>) -> Result<()> {
    let mut answer = Answer {
        id,
        value: result.unwrap_or(0),
        error: result.err().map_or(0, |error| -error.raw_os_error()),
        flags: 0,
    };
    ioctl(
        listener,
        request(3, 1, size_of::<Answer>()),
        &raw mut answer,
    )
    .map(drop)
}

/// Answers a call with a file that the caller then has open.
pub(super) fn answer_file(
    listener: BorrowedFd<'_>,
    id: u64,
    file: BorrowedFd<'_>,
    close_on_exec: bool,
) -> Result<()> {
    const SEND: u32 = 1 << 1;
    let mut add = AddFd {
        id,
        flags: SEND,
        source: file.as_raw_fd().unsigned_abs(),
        target: 0,
        target_flags: if close_on_exec {
            libc::O_CLOEXEC.unsigned_abs()
        } else {
            0
        },
    };
    ioctl(listener, request(1, 3, size_of::<AddFd>()), &raw mut add).map(drop)
}

/// Reads memory of another process into `buffer`, at most to the end of the page. The number of bytes.
pub(super) fn read_memory(pid: u32, address: u64, buffer: &mut [u8]) -> Result<usize> {
    const PAGE: u64 = 4096;
    let len = buffer
        .len()
        .min(usize::try_from(PAGE - address % PAGE).unwrap_or(1));
    let here = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: len,
    };
    let there = libc::iovec {
        iov_base: usize::try_from(address).map_err(|_| Errno::FAULT)? as *mut libc::c_void,
        iov_len: len,
    };
    // SAFETY: `here` is a buffer of at least this length; `there` is not read in this process.
    let read = check(unsafe {
        libc::syscall(
            libc::SYS_process_vm_readv,
            libc::c_long::from(pid),
            &raw const here,
            1,
            &raw const there,
            1,
            0,
        )
    })?;
    usize::try_from(read).map_err(|_| Errno::FAULT)
}

/// Blocks the signals that a supervisor waits for, and reads them from the returned descriptor.
pub(super) fn signals(wanted: &[libc::c_int]) -> Result<OwnedFd> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` makes the set; the others read or change it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in wanted {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        check(libc::c_long::from(libc::sigprocmask(
            libc::SIG_BLOCK,
            set.as_ptr(),
            std::ptr::null_mut(),
        )))?;
        owned(libc::c_long::from(libc::signalfd(
            -1,
            set.as_ptr(),
            libc::SFD_CLOEXEC | libc::SFD_NONBLOCK,
        )))
    }
}

/// Closes descriptors in a range, or marks them to be closed by `exec`.
pub(super) fn close_range(first: u32, last: u32, at_exec: bool) -> Result<()> {
    const CLOEXEC: libc::c_uint = 1 << 2;
    // SAFETY: the owners of these descriptors never run again in this process: it ends with `exit` or `exec`.
    check(unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            last,
            if at_exec { CLOEXEC } else { 0 },
        )
    })
    .map(drop)
}

/// A descriptor by its number.
pub(super) fn borrowed(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: callers pass numbers of descriptors that were opened before `fork` and stay open until this process ends.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Ends every process that this one may signal, but for itself.
///
/// Only for the first process of a PID namespace, or one whose signals landlock keeps in its own domain: it is tried on `outsider` first.
pub(super) fn kill_all(outsider: Option<Pid>) -> Result<()> {
    if let Some(outsider) = outsider {
        match rustix::process::test_kill_process(outsider) {
            Err(Errno::PERM | Errno::SRCH) => {}
            _ => return Err(Errno::PERM),
        }
    }
    // SAFETY: numbers alone.
    check(libc::c_long::from(unsafe { libc::kill(-1, libc::SIGKILL) })).map(drop)
}

/// Brings up the loopback interface of a network namespace.
pub(super) fn loopback_up() -> Result<()> {
    const SET_FLAGS: u64 = 0x8914;
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    #[repr(C)]
    struct Request {
        name: [u8; libc::IFNAMSIZ],
        flags: libc::c_short,
        rest: [u8; 22],
    }
    let mut request = Request {
        name: [0; libc::IFNAMSIZ],
        flags: libc::c_short::try_from(libc::IFF_UP | libc::IFF_RUNNING)
            .map_err(|_| Errno::INVAL)?,
        rest: [0; 22],
    };
    for (to, from) in request.name.iter_mut().zip(b"lo") {
        *to = *from;
    }
    ioctl(socket.as_fd(), SET_FLAGS, &raw mut request).map(drop)
}
