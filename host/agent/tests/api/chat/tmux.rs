//! A terminal that the tests type into and read from.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::desk::Desk;

/// How long something may take to appear: two cores may be busy with everything else.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// Starts a command line of the desk's program. None: tmux is not there, which was said.
    pub(crate) fn open(desk: &Desk, arguments: &str, columns: u32, extra: &str) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            hexgate_test_support::skipped(
                "the chat in a terminal needs tmux: `cargo xtask setup tmux`",
            );
            return None;
        }
        let socket = desk.path().join("tmux").display().to_string();
        let terminal = Self { socket };
        let mut line = "env -i TERM=tmux-256color ".to_owned();
        for (name, value) in desk.environment() {
            line.push_str(&format!("{name}='{value}' "));
        }
        let program = super::desk::program();
        line.push_str(&format!("{extra} '{}' {arguments}", program.display()));
        // The shell stays, so that what the program leaves behind can be seen.
        line.push_str(
            "; left=$?; stty -a | grep -o -- '-\\?echo\\b'; printf 'left:%s\\n' $left; cat",
        );
        let (columns, folder) = (columns.to_string(), desk.path().display().to_string());
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            "60",
            "-c",
            &folder,
            &line,
        ]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-S", &self.socket])
            .args(arguments)
            .env_remove("TMUX")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "tmux {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a text, letter by letter as it stands.
    pub(crate) fn typed(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Presses a key: `Enter`, `C-c`, `C-d`.
    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Types a line.
    pub(crate) fn line(&self, text: &str) {
        self.typed(text);
        self.press("Enter");
    }

    /// The number of the program's process.
    pub(crate) fn program(&self) -> String {
        let shell = self.tmux(&["list-panes", "-F", "#{pane_pid}"]);
        let found = Command::new("pgrep")
            .args(["-P", shell.trim()])
            .output()
            .unwrap();
        String::from_utf8(found.stdout).unwrap().trim().to_owned()
    }

    /// Sends a signal to the program.
    pub(crate) fn signals(&self, signal: &str) {
        let program = self.program();
        let sent = Command::new("kill")
            .args([signal, &program])
            .status()
            .unwrap();
        assert!(sent.success(), "{program}");
    }

    pub(crate) fn resize(&self, columns: u32) {
        self.tmux(&["resize-window", "-x", &columns.to_string(), "-y", "60"]);
    }

    /// What the terminal shows, and has shown above.
    pub(crate) fn shows(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-"])
    }

    /// The same with the codes of colours.
    pub(crate) fn shows_colours(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e", "-S", "-"])
    }

    /// Waits until the terminal shows a text so many times.
    #[track_caller]
    pub(crate) fn waits_for_times(&self, text: &str, times: usize) -> String {
        let begin = Instant::now();
        loop {
            let shown = self.shows();
            if shown.matches(text).count() >= times {
                return shown;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "`{text}` ({times}) did not appear:\n{shown}"
            );
            sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    pub(crate) fn waits_for(&self, text: &str) -> String {
        self.waits_for_times(text, 1)
    }

    /// Waits for a prompt that nothing is typed at, below everything else.
    #[track_caller]
    pub(crate) fn waits_for_prompt(&self) -> String {
        let begin = Instant::now();
        loop {
            let shown = self.shows();
            if shown
                .trim_end()
                .lines()
                .last()
                .is_some_and(|last| last.trim_end() == ">")
            {
                return shown;
            }
            assert!(begin.elapsed() < PATIENCE, "no prompt:\n{shown}");
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if Path::new(&self.socket).exists() {
            let _ = Command::new("tmux")
                .args(["-S", &self.socket, "kill-server"])
                .env_remove("TMUX")
                .output();
        }
    }
}
