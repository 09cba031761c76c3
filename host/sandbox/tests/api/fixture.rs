//! A workspace that is worth attacking, beside things that it must not reach; and the look at what became of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::net::{self, TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hexgate_sandbox::{Limits, Workspace};

use crate::corpus::surroundings;

/// Commands that the corpus of shell scripts may run.
pub(crate) const ALLOWED: &[&str] = &[
    "cat", "grep", "git", "find", "sed", "sort", "env", "xargs", "tar", "printf", "cp", "ln",
    "chmod", "mkdir", "base64", "tee", "dd", "ls", "nohup", "timeout", "head",
    // Programs with side doors, where they are installed.
    "curl", "rg", "xxd",
];

pub(crate) struct Fixture {
    folder: tempfile::TempDir,
    tcp: TcpListener,
    /// None where the machine has no such addresses.
    tcp6: Option<TcpListener>,
    udp: UdpSocket,
    unix: UnixListener,
    abstracted: UnixListener,
    inside: Option<UnixListener>,
    agent: UnixListener,
    notified: UnixDatagram,
    mark: String,
}

type Picture = BTreeMap<PathBuf, String>;

/// What must be as it was.
pub(crate) struct Before {
    outside: Picture,
    shielded: Picture,
}

impl Fixture {
    pub(crate) fn new(mark: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("fixture")
            .tempdir()
            .unwrap();
        for name in ["work", "out", "home/.ssh", "run", "read", "tmp"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("home/.ssh/id_ed25519"), "home-secret\n").unwrap();
        // A library that a program could be made to load.
        let library = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""]
            .map(|machine| Path::new("/usr/lib").join(machine).join("libm.so.6"))
            .into_iter()
            .find(|path| path.exists());
        if let Some(library) = library {
            fs::copy(library, folder.path().join("read/x.so")).unwrap();
        }
        let mark = format!("{mark}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(mark.as_bytes()).unwrap();
        let (agent, notified) = (
            addressed(&folder, "SSH_AUTH_SOCK"),
            addressed(&folder, "NOTIFY_SOCKET"),
        );
        let fixture = Self {
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            tcp6: TcpListener::bind("[::1]:0").ok(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            unix: UnixListener::bind(folder.path().join("run/host.sock")).unwrap(),
            abstracted: UnixListener::bind_addr(&address).unwrap(),
            inside: None,
            agent: UnixListener::bind(&agent).unwrap(),
            notified: UnixDatagram::bind(&notified).unwrap(),
            mark,
            folder,
        };
        fixture.tcp.set_nonblocking(true).unwrap();
        fixture.udp.set_nonblocking(true).unwrap();
        fixture.unix.set_nonblocking(true).unwrap();
        fixture.abstracted.set_nonblocking(true).unwrap();
        fixture.agent.set_nonblocking(true).unwrap();
        fixture.notified.set_nonblocking(true).unwrap();
        if let Some(tcp6) = &fixture.tcp6 {
            tcp6.set_nonblocking(true).unwrap();
        }
        fixture
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn workspace(&self, listed: bool) -> Workspace {
        let mut limits = Limits::default();
        limits.file_size = 4 << 20;
        limits.processes = 64;
        limits.open_files = 256;
        limits.memory = 1 << 30;
        let path = |name: &str| self.folder.path().join(name);
        let mut builder = Workspace::builder(self.root())
            .home(path("home"))
            .deny_write_path("kept")
            .extra_read_path(path("read"))
            .limits(limits);
        for (name, value) in self.variables() {
            builder = builder.env(name, value);
        }
        if listed {
            builder = builder
                .allowed_commands(ALLOWED.iter().copied())
                .kernel_alone();
        }
        builder.build().unwrap()
    }

    /// Where things are that a command must not reach, and the mark of its processes.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let path = |name: &str| self.folder.path().join(name).into_os_string();
        let port = |address: io::Result<net::SocketAddr>| {
            OsString::from(address.unwrap().port().to_string())
        };
        let named = |address: io::Result<SocketAddr>| {
            address.unwrap().as_pathname().unwrap().to_owned().into()
        };
        let tcp6 = self
            .tcp6
            .as_ref()
            .map_or_else(OsString::new, |tcp6| port(tcp6.local_addr()));
        vec![
            ("READ_ONLY", path("read")),
            ("OUT", path("out")),
            ("FAKE_HOME", path("home")),
            ("HOST_PID", std::process::id().to_string().into()),
            ("HOST_TCP", port(self.tcp.local_addr())),
            ("HOST_TCP6", tcp6),
            ("HOST_UDP", port(self.udp.local_addr())),
            ("HOST_SOCKET", path("run/host.sock")),
            ("HOST_ABSTRACT", self.mark.clone().into()),
            ("HOST_AGENT", named(self.agent.local_addr())),
            ("HOST_NOTIFY", named(self.notified.local_addr())),
            ("FIXTURE", self.mark.clone().into()),
        ]
    }

    /// The folder for temporary files of what runs without a sandbox.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// Everything as at the beginning.
    pub(crate) fn reset(&mut self) -> Before {
        self.inside = None;
        let (root, out) = (self.root(), self.folder.path().join("out"));
        // What runs without a sandbox may have moved it away.
        let _ = fs::remove_dir_all(self.folder.path().join("work.old"));
        for folder in [&root, &out, &self.temporary()] {
            fs::create_dir_all(folder).unwrap();
            clear(folder);
        }
        let write = |path: PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(out.join("file"), "outside-content\n");
        write(root.join("a.txt"), "one\ntwo\n");
        write(root.join("b.txt"), "one\nthree\n");
        write(root.join("sub/c.txt"), "c\n");
        write(root.join("sub/.git/config"), "[core]\n");
        write(root.join("kept/file"), "kept\n");
        write(root.join(".env"), "the-env\n");
        git(&root);
        write(root.join(".git/hooks/existing"), "hook\n");
        symlink(out.join("file"), root.join("link-out")).unwrap();
        symlink(&out, root.join("link-out-dir")).unwrap();
        self.inside = UnixListener::bind(root.join("host.sock")).ok();
        if let Some(inside) = &self.inside {
            inside.set_nonblocking(true).unwrap();
        }
        Before {
            outside: self.outside(),
            shielded: self.shielded(),
        }
    }

    fn outside(&self) -> Picture {
        let mut picture = Picture::new();
        for name in ["out", "home"] {
            look(&self.folder.path().join(name), &mut |_| true, &mut picture);
        }
        picture
    }

    /// What of the workspace is protected, whether or not it was there.
    fn shielded(&self) -> Picture {
        let root = self.root();
        if !root.is_dir() {
            return Picture::new();
        }
        let workspace = Workspace::builder(&root)
            .home(self.folder.path().join("home"))
            .deny_write_path("kept")
            .build()
            .unwrap();
        let mut picture = Picture::new();
        let mut shielded = |path: &Path| {
            path.strip_prefix(&root)
                .is_ok_and(|relative| workspace.is_protected(relative))
        };
        look(&root, &mut shielded, &mut picture);
        picture
    }

    /// What a command has done that it must not. Empty: nothing.
    pub(crate) fn damage(&self, before: &Before) -> Vec<String> {
        let mut damage = Vec::new();
        for (what, then, now) in [
            ("outside", &before.outside, self.outside()),
            ("protected", &before.shielded, self.shielded()),
        ] {
            for path in then.keys().chain(now.keys()) {
                if then.get(path) != now.get(path) {
                    damage.push(format!("{what}: {}", path.display()));
                }
            }
        }
        if !self.root().is_dir() {
            damage.push("the workspace is gone".to_owned());
        }
        let tcp6 = self.tcp6.as_ref().map(TcpListener::accept);
        if self.tcp.accept().is_ok() || tcp6.is_some_and(|arrived| arrived.is_ok()) {
            damage.push("a connection arrived".to_owned());
        }
        if self.udp.recv(&mut [0; 16]).is_ok() || self.notified.recv(&mut [0; 16]).is_ok() {
            damage.push("a datagram arrived".to_owned());
        }
        let sockets = [
            Some(&self.unix),
            Some(&self.abstracted),
            Some(&self.agent),
            self.inside.as_ref(),
        ];
        if sockets
            .into_iter()
            .flatten()
            .any(|socket| socket.accept().is_ok())
        {
            damage.push("a connection to a socket arrived".to_owned());
        }
        damage
    }

    /// Processes that a command left, after `grace`. They are ended.
    pub(crate) fn left(&self, grace: Duration) -> usize {
        let until = Instant::now() + grace;
        loop {
            let left = marked(&self.mark);
            if left.is_empty() || Instant::now() >= until {
                for pid in &left {
                    let pid = rustix::process::Pid::from_raw(*pid).unwrap();
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
                return left.len();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }
}

/// The address that a variable of this program names, free to be taken; or one of the fixture's own.
fn addressed(folder: &tempfile::TempDir, variable: &str) -> PathBuf {
    let path = std::env::var_os(variable)
        .filter(|_| surroundings::are_here())
        .map_or_else(|| folder.path().join("run").join(variable), PathBuf::from);
    let _ = fs::remove_file(&path);
    path
}

/// Processes whose environment says that they belong to a fixture.
pub(crate) fn marked(mark: &str) -> Vec<i32> {
    let wanted = format!("FIXTURE={mark}\0");
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let mut environment = Vec::new();
            fs::File::open(entry.path().join("environ"))
                .ok()?
                .read_to_end(&mut environment)
                .ok()?;
            let found = environment
                .windows(wanted.len())
                .any(|window| window == wanted.as_bytes());
            found.then_some(pid)
        })
        .collect()
}

fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            open_up(&path);
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
    }
}

/// Folders that a command has closed.
fn open_up(folder: &Path) {
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

/// A repository with one commit.
fn git(root: &Path) {
    static MADE: std::sync::OnceLock<Option<tempfile::TempDir>> = std::sync::OnceLock::new();
    let made = MADE.get_or_init(|| {
        let folder = tempfile::tempdir().ok()?;
        let script = "git init -q --template= . && echo x > x && git add x && git -c user.name=a -c user.email=a@b commit -qm x && git branch other && git remote add origin ssh://good.example/x";
        let status = std::process::Command::new("sh")
            .args(["-c", script])
            .current_dir(folder.path())
            .status()
            .ok()?;
        status.success().then_some(folder)
    });
    match made {
        Some(made) => copy(&made.path().join(".git"), &root.join(".git")),
        None => fs::create_dir_all(root.join(".git/hooks")).unwrap(),
    }
    fs::create_dir_all(root.join(".git/hooks")).unwrap();
    if !root.join(".git/config").exists() {
        fs::write(root.join(".git/config"), "[core]\n").unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Everything below a folder that `wanted` names: its kind, mode, time, links and content.
fn look(folder: &Path, wanted: &mut dyn FnMut(&Path) -> bool, picture: &mut Picture) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        if wanted(&path) {
            let content = if found.is_file() {
                fs::read(&path).unwrap_or_default()
            } else {
                Vec::new()
            };
            // The time of a folder changes with what is made in it, which is looked at by itself.
            let time = if found.is_dir() {
                (0, 0)
            } else {
                (found.mtime(), found.mtime_nsec())
            };
            picture.insert(
                path.clone(),
                format!(
                    "{:o} {:?} {} {:?}",
                    found.mode(),
                    time,
                    found.nlink(),
                    content
                ),
            );
        }
        if found.is_dir() {
            look(&path, wanted, picture);
        }
    }
}
