//! Which system calls a command makes: most by itself, some not at all, and those that change names or open files for writing through the
//! supervisor.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

use super::sys::Instruction;

/// Which families of sockets a command may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sockets {
    /// Internet sockets. There is a network of the sandbox's own, or none is allowed.
    pub(super) internet: bool,
    /// Unix sockets, beside pairs, which are always allowed.
    pub(super) unix: bool,
}

/// The filters of a command, in the order in which they are installed.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    /// Asks the supervisor, and refuses the calls of other architectures.
    pub(super) ask: Vec<Instruction>,
    /// Calls whose flags lie behind a pointer, so that no filter can read them. They do not exist, and libraries use the older ones.
    pub(super) absent: Vec<Instruction>,
    /// Calls that are refused.
    pub(super) refuse: Vec<Instruction>,
}

/// Calls that no command of an agent needs, and that reach beyond the sandbox or around its other walls.
const REFUSED: &[libc::c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Programs and privileges in the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_seccomp,
    // System calls that a filter does not see.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Mounts, roots and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_setns,
    libc::SYS_unshare,
    // Files without a path: programs that no rule covers, files behind the rules.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    // Keys of the kernel, which belong to the user and not to the sandbox.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine.
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_syslog,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    libc::SYS_lookup_dcookie,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[libc::c_long] = &[
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[libc::c_long] = &[libc::SYS_kexec_file_load];

/// Attributes beside the mode. They follow no rule of landlock.
const ATTRIBUTES: &[libc::c_long] = &[
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
];

/// Calls that change owners. Nothing but a change of group would come of them.
#[cfg(target_arch = "x86_64")]
const OWNERS: &[libc::c_long] = &[
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
];
#[cfg(not(target_arch = "x86_64"))]
const OWNERS: &[libc::c_long] = &[libc::SYS_fchown, libc::SYS_fchownat];

/// Calls that the supervisor makes in the place of a command, whatever their flags.
const ASKED: &[libc::c_long] = &[
    libc::SYS_mkdirat,
    libc::SYS_mknodat,
    libc::SYS_symlinkat,
    libc::SYS_linkat,
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_truncate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    FCHMODAT2,
    libc::SYS_utimensat,
];
/// Of Linux 6.6; its number is the same on all architectures.
pub(super) const FCHMODAT2: libc::c_long = 452;
#[cfg(target_arch = "x86_64")]
const ASKED_HERE: &[libc::c_long] = &[
    libc::SYS_creat,
    libc::SYS_mkdir,
    libc::SYS_mknod,
    libc::SYS_symlink,
    libc::SYS_link,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_unlink,
    libc::SYS_rmdir,
    libc::SYS_chmod,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const ASKED_HERE: &[libc::c_long] = &[libc::SYS_renameat];

/// Calls that the supervisor makes if they open for writing or create: the number and the argument with the flags.
#[cfg(target_arch = "x86_64")]
const ASKED_BY_FLAGS: &[(libc::c_long, u8)] = &[(libc::SYS_openat, 2), (libc::SYS_open, 1)];
#[cfg(not(target_arch = "x86_64"))]
const ASKED_BY_FLAGS: &[(libc::c_long, u8)] = &[(libc::SYS_openat, 2)];

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("the filters of system calls are written for x86_64 and aarch64");

/// The filters for a command with these sockets; without namespaces of its own if `bare`.
pub(super) fn filters(sockets: Sockets, bare: bool) -> Result<Filters, seccompiler::Error> {
    let absent = [
        libc::SYS_clone3,
        libc::SYS_openat2,
        SETXATTRAT,
        REMOVEXATTRAT,
    ];
    let absent = absent.iter().map(|call| (*call, Vec::new())).collect();
    let mut refuse: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    for call in REFUSED.iter().chain(REFUSED_HERE).chain(ATTRIBUTES) {
        refuse.insert(*call, Vec::new());
    }
    if bare {
        for call in OWNERS {
            refuse.insert(*call, Vec::new());
        }
    }
    // Namespaces: each of the bits.
    let namespaces = [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ];
    let mut clones = Vec::new();
    for bit in namespaces {
        clones.push(rule(&[(
            0,
            bits(bit.unsigned_abs()),
            u64::from(bit.unsigned_abs()),
        )])?);
    }
    refuse.insert(libc::SYS_clone, clones);
    // Programs that are no file with a path.
    refuse.insert(
        libc::SYS_execveat,
        vec![rule(&[(
            4,
            bits(libc::AT_EMPTY_PATH.unsigned_abs()),
            u64::from(libc::AT_EMPTY_PATH.unsigned_abs()),
        )])?],
    );
    // Filters of their own, and typing into a terminal.
    refuse.insert(
        libc::SYS_prctl,
        vec![rule(&[(
            0,
            Op::Eq,
            libc::PR_SET_SECCOMP.unsigned_abs().into(),
        )])?],
    );
    // A lease makes whoever opens the file wait for its holder, and the supervisor must not wait for a command.
    refuse.insert(
        libc::SYS_fcntl,
        vec![rule(&[(
            1,
            Op::Eq,
            libc::F_SETLEASE.unsigned_abs().into(),
        )])?],
    );
    let mut terminals = Vec::new();
    for call in [libc::TIOCSTI, libc::TIOCLINUX] {
        terminals.push(rule(&[(1, Op::Eq, call)])?);
    }
    refuse.insert(libc::SYS_ioctl, terminals);
    // Other personalities than asking and the usual one: they change what memory may be run.
    refuse.insert(
        libc::SYS_personality,
        vec![rule(&[(0, Op::Ne, 0), (0, Op::Ne, 0xFFFF_FFFF)])?],
    );
    // Families of sockets: what is not in the list.
    let mut families = Vec::new();
    if sockets.internet {
        families.extend([libc::AF_INET, libc::AF_INET6]);
    }
    if sockets.unix {
        families.push(libc::AF_UNIX);
    }
    let others: Vec<_> = families
        .iter()
        .map(|family| (0, Op::Ne, u64::from(family.unsigned_abs())))
        .collect();
    refuse.insert(
        libc::SYS_socket,
        if others.is_empty() {
            Vec::new()
        } else {
            vec![rule(&others)?]
        },
    );
    Ok(Filters {
        ask: ask(),
        absent: compile(absent, libc::ENOSYS)?,
        refuse: compile(refuse, libc::EPERM)?,
    })
}

/// Of Linux 6.13; their flags lie behind a pointer.
const SETXATTRAT: libc::c_long = 463;
const REMOVEXATTRAT: libc::c_long = 466;

fn bits(mask: u32) -> Op {
    Op::MaskedEq(u64::from(mask))
}

fn rule(conditions: &[(u8, Op, u64)]) -> Result<SeccompRule, seccompiler::Error> {
    let conditions = conditions
        .iter()
        .map(|(argument, op, value)| {
            SeccompCondition::new(*argument, Len::Dword, op.clone(), *value)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(seccompiler::Error::Backend)?;
    SeccompRule::new(conditions).map_err(seccompiler::Error::Backend)
}

fn compile(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    error: i32,
) -> Result<Vec<Instruction>, seccompiler::Error> {
    let arch: TargetArch = std::env::consts::ARCH
        .try_into()
        .map_err(seccompiler::Error::Backend)?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(error.unsigned_abs()),
        arch,
    )
    .map_err(seccompiler::Error::Backend)?;
    let program: BpfProgram = filter.try_into().map_err(seccompiler::Error::Backend)?;
    Ok(program
        .iter()
        .map(|instruction| Instruction {
            code: instruction.code,
            jt: instruction.jt,
            jf: instruction.jf,
            k: instruction.k,
        })
        .collect())
}

// What filters written by hand are made of.
const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;
const KILL: u32 = 0x8000_0000;
const ERROR: u32 = 0x0005_0000;
const NOTIFY: u32 = 0x7fc0_0000;
const ALLOW: u32 = 0x7fff_0000;
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
/// Numbers from here are those of the x32 interface, which no rule would know.
const X32: u32 = 0x4000_0000;

const fn step(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

/// The filter that refuses the calls of other interfaces, whose numbers no other filter knows. For those who install filters without asking.
pub(super) fn native() -> Vec<Instruction> {
    let mut program = begin();
    program.push(step(RETURN, ALLOW, 0, 0));
    program
}

/// The beginning of a filter: what follows sees the number of a call of this machine's own interface.
fn begin() -> Vec<Instruction> {
    let mut program = vec![
        step(LOAD, ARCH, 0, 0),
        step(EQUAL, AUDIT_ARCH, 1, 0),
        step(RETURN, KILL, 0, 0),
        step(LOAD, NUMBER, 0, 0),
    ];
    if cfg!(target_arch = "x86_64") {
        program.push(step(AT_LEAST, X32, 0, 1));
        program.push(step(RETURN, ERROR | libc::ENOSYS.unsigned_abs(), 0, 0));
    }
    program
}

/// The filter that asks the supervisor. By hand: the library has no such action.
fn ask() -> Vec<Instruction> {
    let mut program = begin();
    for call in ASKED.iter().chain(ASKED_HERE) {
        program.push(step(EQUAL, number(*call), 0, 1));
        program.push(step(RETURN, NOTIFY, 0, 0));
    }
    let writes = (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC).unsigned_abs();
    for (call, argument) in ASKED_BY_FLAGS {
        // The low half of the argument: these machines are little-endian.
        let flags = 16 + 8 * u32::from(*argument);
        program.push(step(EQUAL, number(*call), 0, 4));
        program.push(step(LOAD, flags, 0, 0));
        program.push(step(ANY_BIT, writes, 0, 1));
        program.push(step(RETURN, NOTIFY, 0, 0));
        program.push(step(RETURN, ALLOW, 0, 0));
    }
    program.push(step(RETURN, ALLOW, 0, 0));
    program
}

/// The number of a system call as filters compare it. None is negative.
fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).unwrap_or(u32::MAX)
}
