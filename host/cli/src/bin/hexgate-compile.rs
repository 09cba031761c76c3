//! The program `hexgate-compile`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    hexgate_cli::hexgate_compile()
}
