//! The program `hexgate`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    hexgate_cli::hexgate()
}
