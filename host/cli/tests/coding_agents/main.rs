//! Real coding agents with the hook that `hexgate hook install` gives them, and a model that wants what the policy denies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

mod model;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use model::Model;

const POLICY: &str = r#"tools:
  bash: { mode: allow, constraints: ['args.command == "touch allowed.txt"'] }
"#;

const WANTED: [&str; 2] = ["touch denied.txt", "touch allowed.txt"];

/// How long an agent may take for all of it.
const LIMIT: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    ClaudeCode,
    Codex,
    Gemini,
    Copilot,
}

impl Agent {
    /// As `hexgate hook install` calls it.
    fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Copilot => "copilot",
        }
    }

    /// The program, in the packages.
    fn program(self) -> &'static str {
        match self {
            Self::ClaudeCode => "@anthropic-ai/claude-code/cli-wrapper.cjs",
            Self::Codex => "@openai/codex/bin/codex.js",
            Self::Gemini => "@google/gemini-cli/bundle/gemini.js",
            Self::Copilot => "@github/copilot/npm-loader.js",
        }
    }

    /// How it reaches its model, and is told to do whatever that wants: nothing but the hook stands before a command.
    fn configure(self, place: &Place, url: &str, trust: Trust) {
        match self {
            Self::ClaudeCode | Self::Copilot => {}
            Self::Codex => {
                let trusted = match trust {
                    Trust::Yes => "trusted",
                    Trust::No => "untrusted",
                };
                let config = format!(
                    "model = \"m\"\nmodel_provider = \"here\"\ncheck_for_update_on_startup = false\n\n[analytics]\nenabled = false\n\n[model_providers.here]\nname = \"here\"\nbase_url = \"{url}/v1\"\nwire_api = \"responses\"\nenv_key = \"HERE_KEY\"\n\n[projects.\"{}\"]\ntrust_level = \"{trusted}\"\n",
                    place.work().display()
                );
                place.write("home/.codex/config.toml", &config);
            }
            Self::Gemini => {
                let settings = r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"general":{"enableAutoUpdate":false},"privacy":{"usageStatisticsEnabled":false}}"#;
                place.write("home/.gemini/settings.json", settings);
            }
        }
    }

    fn arguments(self, command: &mut Command, url: &str, trust: Trust) {
        match self {
            Self::ClaudeCode => {
                command
                    .env("ANTHROPIC_BASE_URL", url)
                    .env("ANTHROPIC_API_KEY", "none")
                    .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
                    .args(["--print", "go", "--allowedTools", "Bash"]);
            }
            Self::Codex => {
                command.env("HERE_KEY", "none").args([
                    "exec",
                    "--skip-git-repo-check",
                    "--dangerously-bypass-hook-trust",
                    "--dangerously-bypass-approvals-and-sandbox",
                    "go",
                ]);
            }
            Self::Gemini => {
                if trust == Trust::Yes {
                    command.env("GEMINI_CLI_TRUST_WORKSPACE", "true");
                }
                command
                    .env("GEMINI_API_KEY", "none")
                    .env("GOOGLE_GEMINI_BASE_URL", url)
                    .args(["--skip-trust", "--yolo", "--model", "gemini-2.5-pro"])
                    .args(["--prompt", "go"]);
            }
            Self::Copilot => {
                if trust == Trust::Yes {
                    command.arg("--trust-folder");
                }
                command
                    .env("COPILOT_OFFLINE", "true")
                    .env("COPILOT_PROVIDER_BASE_URL", format!("{url}/v1"))
                    .env("COPILOT_PROVIDER_API_KEY", "none")
                    .env("COPILOT_MODEL", "gpt-4.1")
                    .args(["--prompt", "go", "--allow-all-tools"]);
            }
        }
    }
}

/// Whether the agent trusts the folder of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Yes,
    No,
}

/// A user's home, a project, and a policy outside of both.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("home")).unwrap();
        fs::create_dir(place.work()).unwrap();
        place.write("policy.yaml", POLICY);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn work(&self) -> PathBuf {
        self.path("work")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `hexgate hook install` in the project.
    fn install(&self, agent: Agent, more: &[&str]) {
        let output = Command::new(env!("CARGO_BIN_EXE_hexgate"))
            .args(["hook", "install", agent.name(), "--policy"])
            .arg(self.path("policy.yaml"))
            .args(more)
            .current_dir(self.work())
            .env("HOME", self.path("home"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{agent:?}: {said}");
    }

    /// Runs the agent until it ends by itself. What it said.
    fn run(&self, agent: Agent, packages: &Path, url: &str, trust: Trust) -> String {
        let said = self.path("said");
        let out = fs::File::create(&said).unwrap();
        let mut command = Command::new("node");
        command
            .arg(packages.join(agent.program()))
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("home"))
            .env("TERM", "dumb")
            // Nothing leaves this machine.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stderr(out.try_clone().unwrap())
            .stdout(out);
        agent.arguments(&mut command, url, trust);
        let mut child = command.spawn().unwrap();
        let began = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if began.elapsed() > LIMIT {
                let _ = child.kill();
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let said = fs::read_to_string(said).unwrap();
        assert!(status.success(), "{agent:?} {status}: {said}");
        said
    }

    fn made(&self, name: &str) -> bool {
        self.work().join(name).exists()
    }
}

/// What an agent does with the hook, with a hook that has lost its policy, and without one.
async fn try_out(agent: Agent) {
    let Some(packages) = std::env::var_os("HEXGATE_CODING_AGENTS").map(PathBuf::from) else {
        hexgate_test_support::skipped("HEXGATE_CODING_AGENTS names no folder with coding agents");
        return;
    };
    // Agents run what a project brings along only where they trust it, and what the user has everywhere.
    for (scope, trust) in [("project", Trust::Yes), ("user", Trust::No)] {
        let which = format!("{agent:?} {scope}");
        let place = Place::new();
        let (model, url) = Model::start(&WANTED).await;
        agent.configure(&place, &url, trust);
        let scope = ["--scope", scope];
        place.install(agent, &scope);
        let said = place.run(agent, &packages, &url, trust);
        assert!(!place.made("denied.txt"), "{which}: {said}");
        assert!(place.made("allowed.txt"), "{which}: {said}");
        // The model was told.
        let denial = "[policy_denied] Tool 'bash' is denied by the agent policy";
        assert!(model.heard().contains(denial), "{which}: {said}");

        fs::remove_file(place.work().join("allowed.txt")).unwrap();
        fs::remove_file(place.path("policy.yaml")).unwrap();
        let said = place.run(agent, &packages, &url, trust);
        assert!(!place.made("denied.txt"), "{which}: {said}");
        assert!(!place.made("allowed.txt"), "{which}: {said}");

        // It is the hook that keeps it from that, and nothing else.
        place.write("policy.yaml", POLICY);
        place.install(agent, &[scope[0], scope[1], "--uninstall"]);
        let said = place.run(agent, &packages, &url, trust);
        assert!(place.made("denied.txt"), "{which}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claude_code_does_what_the_hook_says() {
    try_out(Agent::ClaudeCode).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_does_what_the_hook_says() {
    try_out(Agent::Codex).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_does_what_the_hook_says() {
    try_out(Agent::Gemini).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copilot_does_what_the_hook_says() {
    try_out(Agent::Copilot).await;
}
