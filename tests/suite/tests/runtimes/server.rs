//! Servers of decision points, and how they are asked: over a socket, with heads and bodies as they are.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{fresh, programs, tool};

/// How long a server may take to listen, and to answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server, ended with its test.
pub(crate) struct Server {
    child: Child,
    address: String,
    /// What it is told, and what it says, if it listens to that.
    told: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // `jco serve` is two processes, and the second can be too busy to notice the end of the first.
        let _ = Command::new("kill")
            .args(["-9", "--", &format!("-{}", self.child.id())])
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}

impl Server {
    /// The runtimes that are set up, serving a component.
    pub(crate) fn all(component: &Path) -> Vec<(&'static str, Self)> {
        let mut servers = Vec::new();
        if let Some(server) = Self::wasmtime(component, &[]) {
            servers.push(("wasmtime", server));
        }
        if let Some(server) = Self::jco(component, &[]) {
            servers.push(("jco serve", server));
        }
        servers
    }

    /// The server of `examples/edge`.
    pub(crate) fn wasmtime(component: &Path, options: &[&str]) -> Option<Self> {
        let edge = tool("HEXGATE_EDGE", "the server of examples/edge")?;
        let mut command = Command::new(edge);
        command
            .arg(component)
            .args(["--address", "127.0.0.1:0"])
            .args(options);
        Some(Self::start(command, None))
    }

    /// `jco serve`.
    pub(crate) fn jco(component: &Path, options: &[&str]) -> Option<Self> {
        let programs = programs()?;
        let port = free_port();
        let mut command = Command::new("node");
        command
            .arg(programs.join("node_modules/@bytecodealliance/jco/dist/jco.js"))
            .arg("serve")
            .arg(component)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(options)
            .env("TMPDIR", left_behind());
        Some(Self::start(command, Some(port)))
    }

    /// `serve.mjs`, for the policies of a folder.
    pub(crate) fn many(folder: &Path) -> Option<Self> {
        let mut command = Command::new("node");
        command
            .arg(programs()?.join("serve.mjs"))
            .arg(folder)
            .stdin(Stdio::piped());
        Some(Self::start(command, None))
    }

    /// Has [`Server::many`] make a policy ready.
    pub(crate) fn ready(&mut self, policy: usize) {
        let (stdin, stdout) = self.told.as_mut().unwrap();
        writeln!(stdin, "{policy}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("ready {policy}\n"));
    }

    /// Starts a server that says where it listens, or listens where it was told to.
    fn start(mut command: Command, port: Option<u16>) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let stdin = child.stdin.take();
        let mut server = Self {
            child,
            address: String::new(),
            told: None,
        };
        match port {
            None => {
                let mut line = String::new();
                said.read_line(&mut line).unwrap();
                let address = line.trim().strip_prefix("listening on http://");
                server.address = address
                    .unwrap_or_else(|| panic!("{command:?} says {line:?}"))
                    .to_owned();
            }
            Some(port) => {
                server.address = format!("127.0.0.1:{port}");
                let start = Instant::now();
                while TcpStream::connect(&server.address).is_err() {
                    let ended = server.child.try_wait().unwrap();
                    assert!(ended.is_none(), "{command:?} ended with {ended:?}");
                    assert!(start.elapsed() < PATIENCE, "{command:?} does not listen");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        match stdin {
            Some(stdin) => server.told = Some((stdin, said)),
            // Whatever else it says must not fill the pipe.
            None => {
                std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
            }
        }
        server
    }

    /// Sends a request on a connection of its own: head and body as they are.
    pub(crate) fn send(&self, head: &str, body: &[u8]) -> Answer {
        let answer = self.exchange(head, body, PATIENCE);
        Answer::parse(&answer)
    }

    /// Whatever comes back within a time: nothing, if the server ends or does not answer.
    pub(crate) fn exchange(&self, head: &str, body: &[u8], patience: Duration) -> Vec<u8> {
        let head = format!(
            "{head}\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat(), patience)
    }

    /// Sends bytes, and no more. Whatever comes back within a time.
    pub(crate) fn raw(&self, bytes: &[u8], patience: Duration) -> Vec<u8> {
        let Ok(mut stream) = TcpStream::connect(&self.address) else {
            return Vec::new();
        };
        stream.set_read_timeout(Some(patience)).unwrap();
        // A server may refuse before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/json");
        self.send(&head, body.as_bytes())
    }
}

/// Where `jco serve` leaves what it made of a component, if it is not ended kindly. Emptied by the next run.
fn left_behind() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| fresh("jco-serve"))
}

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = &bytes[end + 4..];
        let body = if head.contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        };
        let body = String::from_utf8(body).unwrap();
        Self { status, head, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A body in chunks: each behind its length.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let length = std::str::from_utf8(&rest[..end]).unwrap().trim();
        let length = usize::from_str_radix(length, 16).unwrap();
        let chunk = &rest[end + 2..];
        body.extend_from_slice(&chunk[..length]);
        rest = chunk.get(length + 2..).unwrap_or_default();
    }
    body
}
