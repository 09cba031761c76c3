//! A workspace, a policy, and calls of tools that it permits.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use hexgate_agent::tool::{Progress, Tool, ToolError};
use hexgate_enforce::host::Engine;
use hexgate_enforce::source::PolicyFile;
use hexgate_enforce::{Call, Caller, Enforcer, LivePolicy, Permit};
use hexgate_sandbox::{Workspace, WorkspaceBuilder};
use hexgate_tools::files::{Reach, edit_file, read_file, write_file};
use hexgate_tools::search::{glob, grep};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Everything is allowed.
pub(crate) const OPEN: &str = "
tools:
  read_file: { mode: allow }
  write_file: { mode: allow }
  edit_file: { mode: allow }
  glob: { mode: allow }
  grep: { mode: allow }
";

fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap()).clone()
}

pub(crate) fn enforcer(policy: &str) -> Enforcer {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, policy).unwrap();
    let live = LivePolicy::open(&engine(), PolicyFile::dangerous_unsigned(&path)).unwrap();
    Enforcer::builder("explorer", &live).build().unwrap()
}

/// Asks for a permit. None: the policy denies the call.
pub(crate) fn permit(enforcer: &Enforcer, tool: &str, arguments: &Value) -> Option<Permit> {
    let alice = Caller::builder("alice").build().unwrap();
    let arguments = arguments.to_string();
    enforcer
        .authorize(Call::of(&alice, tool, arguments.as_str()))
        .ok()
}

/// Runs a test's body as somebody to whom permissions mean something: the superuser reads and writes everything. For the superuser `test`, its
/// name, is run again in a process of another user.
pub(crate) fn as_no_superuser(test: &str, body: impl FnOnce()) {
    if !rustix::process::geteuid().is_root() {
        return body();
    }
    // By its descriptor: the folders above may be closed to that user.
    let program = fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let child = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()))
        .args(["--exact", test])
        .env_remove("TMPDIR")
        .current_dir("/")
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{child:?}"
    );
}

/// The user that owns nothing.
const NOBODY: u32 = 65534;

/// A workspace `work` with something outside of it.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) reach: Arc<Reach>,
    enforcer: Enforcer,
}

impl Place {
    pub(crate) fn new(policy: &str) -> Self {
        Self::with(policy, |workspace| workspace)
    }

    pub(crate) fn open() -> Self {
        Self::new(OPEN)
    }

    pub(crate) fn with(
        policy: &str,
        options: impl FnOnce(WorkspaceBuilder) -> WorkspaceBuilder,
    ) -> Self {
        Self::reaching(policy, tempfile::tempdir().unwrap(), options, |reach| reach)
    }

    pub(crate) fn reaching(
        policy: &str,
        folder: TempDir,
        options: impl FnOnce(WorkspaceBuilder) -> WorkspaceBuilder,
        reach: impl FnOnce(Reach) -> Reach,
    ) -> Self {
        let _ = fs::create_dir(folder.path().join("work"));
        let _ = fs::create_dir(folder.path().join("outside"));
        fs::write(folder.path().join("outside/secret.txt"), "the secret\n").unwrap();
        // Not the one of who runs the tests, which may be anywhere.
        let workspace = Workspace::builder(folder.path().join("work")).home("/nonexistent");
        let workspace = options(workspace).build().unwrap();
        let of = Reach::of(&workspace).unwrap();
        Self {
            reach: Arc::new(reach(of)),
            enforcer: enforcer(policy),
            folder,
        }
    }

    /// The folder that the workspace is in, without links.
    pub(crate) fn above(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.above().join("work").join(name)
    }

    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.above().join("outside").join(name)
    }

    pub(crate) fn put(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn link(&self, target: impl AsRef<Path>, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn tool(&self, name: &str) -> Arc<dyn Tool> {
        match name {
            "read_file" => read_file(&self.reach),
            "write_file" => write_file(&self.reach),
            "edit_file" => edit_file(&self.reach),
            "glob" => glob(&self.reach),
            "grep" => grep(&self.reach),
            other => panic!("there is no tool `{other}`"),
        }
    }

    pub(crate) fn permit(&self, tool: &str, arguments: &Value) -> Option<Permit> {
        permit(&self.enforcer, tool, arguments)
    }

    /// Whether the policy itself lets a call through.
    pub(crate) fn permits(&self, tool: &str, arguments: &Value) -> bool {
        self.permit(tool, arguments).is_some()
    }

    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        let permit = self.permit(tool, &arguments);
        let permit = permit.unwrap_or_else(|| panic!("the policy denies {tool} {arguments}"));
        runtime()
            .block_on(self.tool(tool).call(permit, &Progress::default()))
            .map(|output| output.value)
    }

    pub(crate) fn answer(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments).unwrap();
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    /// The kind of a failure.
    pub(crate) fn fails(&self, tool: &str, arguments: Value) -> &'static str {
        match self.call(tool, arguments.clone()) {
            Err(error) => error.kind,
            Ok(answer) => panic!("{tool} {arguments} answered {answer}"),
        }
    }

    pub(crate) fn read(&self, path: &str) -> Result<Value, ToolError> {
        self.call("read_file", json!({ "file_path": path }))
    }

    pub(crate) fn write(&self, path: &str, content: &str) -> Result<Value, ToolError> {
        self.call(
            "write_file",
            json!({ "file_path": path, "content": content }),
        )
    }

    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) -> Result<Value, ToolError> {
        let arguments = json!({ "file_path": path, "old_string": old, "new_string": new });
        self.call("edit_file", arguments)
    }

    pub(crate) fn glob(&self, pattern: &str) -> Vec<String> {
        names(&self.answer("glob", json!({ "pattern": pattern })))
    }

    pub(crate) fn grep(&self, pattern: &str) -> Vec<String> {
        names(&self.answer("grep", json!({ "pattern": pattern })))
    }

    /// Everything below the workspace, hidden or not.
    pub(crate) fn everything(&self) -> Vec<String> {
        fn list(folder: &Path, below: &str, found: &mut Vec<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let name = format!("{below}{}", entry.file_name().to_string_lossy());
                if entry.file_type().unwrap().is_dir() {
                    list(&entry.path(), &format!("{name}/"), found);
                }
                found.push(name);
            }
        }
        let mut found = Vec::new();
        list(&self.path(""), "", &mut found);
        found.sort();
        found
    }
}

pub(crate) fn names(answer: &Value) -> Vec<String> {
    serde_json::from_value(answer["filenames"].clone()).unwrap()
}

pub(crate) fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap())
}
