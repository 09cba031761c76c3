//! Programs by name: where they lie, what they are, and what they need to start.

use std::path::{Path, PathBuf};

/// The search path of commands. Fixed: that of this program may lead anywhere.
pub(crate) const SEARCH_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin";

/// The program that a name stands for, without links.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    SEARCH_PATH
        .split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|path| runnable(path))
        .and_then(|path| path.canonicalize().ok())
}

fn runnable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What runs a script, from its first line: the program and, if that is `env`, the name that it looks for.
pub(crate) fn interpreter_of(path: &Path) -> Option<(PathBuf, Option<String>)> {
    use std::io::Read;
    let mut start = [0; 256];
    let read = std::fs::File::open(path).ok()?.read(&mut start).ok()?;
    let line = start.get(..read)?.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    let program = PathBuf::from(words.next()?);
    let name = program
        .file_name()
        .is_some_and(|name| name == "env")
        .then(|| words.find(|word| !word.starts_with('-') && !word.contains('=')))
        .flatten()
        .map(str::to_owned);
    Some((program, name))
}

/// What a program needs to start, beside itself.
#[cfg(target_os = "linux")]
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Needs {
    /// What loads it. It is run too.
    pub(crate) loader: Option<PathBuf>,
    /// Libraries.
    pub(crate) libraries: Vec<PathBuf>,
}

/// What a program needs, as its own loader says. The program does not run.
///
/// # Errors
///
/// It is no program of this machine, or its loader does not know a library.
#[cfg(target_os = "linux")]
pub(crate) fn needs(path: &Path) -> std::io::Result<Needs> {
    use std::io::{Error, ErrorKind};
    let Some(loader) = loader_of(path)? else {
        return Ok(Needs::default());
    };
    let said = std::process::Command::new(&loader)
        .arg("--list")
        .arg(path)
        .env_clear()
        .stdin(std::process::Stdio::null())
        .output()?;
    if !said.status.success() {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!(
                "`{}` cannot list the libraries of `{}`",
                loader.display(),
                path.display()
            ),
        ));
    }
    let libraries = String::from_utf8_lossy(&said.stdout)
        .lines()
        .filter_map(|line| {
            let line = line.split(" (0x").next()?;
            let file = line.rsplit("=> ").next()?.trim();
            file.starts_with('/')
                .then(|| Path::new(file).canonicalize().ok())
                .flatten()
        })
        .collect();
    Ok(Needs {
        loader: Some(loader),
        libraries,
    })
}

/// The loader that a program asks for. None: it is whole by itself.
#[cfg(target_os = "linux")]
fn loader_of(path: &Path) -> std::io::Result<Option<PathBuf>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use object::Endianness;
    use object::elf::FileHeader64;
    use object::read::ReadCache;
    use object::read::elf::{FileHeader, ProgramHeader};

    let wrong = |error: object::Error| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            format!(
                "`{}` is no program of this machine: {error}",
                path.display()
            ),
        )
    };
    let data = ReadCache::new(std::fs::File::open(path)?);
    let header = FileHeader64::<Endianness>::parse(&data).map_err(wrong)?;
    let endian = header.endian().map_err(wrong)?;
    for part in header.program_headers(endian, &data).map_err(wrong)? {
        if let Some(loader) = part.interpreter(endian, &data).map_err(wrong)? {
            return Path::new(OsStr::from_bytes(loader))
                .canonicalize()
                .map(Some);
        }
    }
    Ok(None)
}
