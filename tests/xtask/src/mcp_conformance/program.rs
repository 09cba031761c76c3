//! A program that says where it listens, and is ended when it is no longer needed.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// What comes before the address in what it says.
const SAYS: &str = "listening at ";

pub(super) struct Program {
    child: Child,
    /// Its address.
    pub(super) url: String,
}

impl Program {
    /// Starts it, and waits until its standard error says `listening at URL`.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {shown}"))?;
        let said = child.stderr.take().context("there is no standard error")?;
        let mut said = BufReader::new(said);
        let mut program = Self {
            child,
            url: String::new(),
        };
        let mut all = String::new();
        loop {
            let mut line = String::new();
            if said.read_line(&mut line)? == 0 {
                bail!("{shown} ended before it listened: {all}");
            }
            if let Some((_, url)) = line.split_once(SAYS) {
                program.url = url.trim().to_owned();
                break;
            }
            all.push_str(&line);
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.lines().map_while(Result::ok).for_each(drop));
        Ok(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
