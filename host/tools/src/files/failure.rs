//! What the system's errors mean to a model.

use std::io;

use hexgate_agent::tool::ToolError;
use hexgate_base::disk::{FileError, is_link};
use rustix::io::Errno;

/// What a system's error about a file means. `shown`: the path as the call may know it.
pub(crate) fn of_system(error: &io::Error, shown: &str) -> ToolError {
    let says = |kind, message: String| ToolError::new(kind, message);
    if is_link(error) {
        return says(
            "link",
            format!("`{shown}` is a link, or is below one; name the file itself"),
        );
    }
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => says("not_found", format!("`{shown}` does not exist")),
        Some(Errno::NOTDIR) => says(
            "not_a_directory",
            format!("`{shown}`: a part of the path is not a directory"),
        ),
        Some(Errno::ISDIR) => says("is_directory", format!("`{shown}` is a directory")),
        Some(Errno::ACCESS | Errno::PERM) => says(
            "permission_denied",
            format!("the system does not permit it for `{shown}`"),
        ),
        Some(Errno::ROFS) => says(
            "permission_denied",
            format!("`{shown}` is on a disk that cannot be written"),
        ),
        Some(Errno::NAMETOOLONG) => says("invalid_path", "a name in the path is too long".into()),
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => says(
            "disk_full",
            format!("there is no room for `{shown}`; nothing was changed"),
        ),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => says(
            "busy",
            "the system has no more files or memory to give".into(),
        )
        .retryable(),
        // A folder of the path left the workspace while the system walked it.
        Some(Errno::XDEV) => changed(shown),
        Some(Errno::EXIST | Errno::AGAIN | Errno::STALE) => changed(shown),
        _ => says("io", format!("`{shown}`: {error}")),
    }
}

/// Why a file was not opened or read.
pub(crate) fn of_file(error: &FileError, shown: &str) -> ToolError {
    match error {
        FileError::Io(error) => of_system(error, shown),
        FileError::Symlink => {
            ToolError::new("link", format!("`{shown}` is a link; name the file itself"))
        }
        FileError::Directory => ToolError::new("is_directory", format!("`{shown}` is a directory")),
        FileError::Special => ToolError::new(
            "not_a_file",
            format!("`{shown}` is a pipe, a socket or a device"),
        ),
        FileError::TooLarge(most) => {
            ToolError::new("too_large", format!("`{shown}` has more than {most} bytes"))
        }
    }
}

/// Somebody else was there at the same time.
pub(crate) fn changed(shown: &str) -> ToolError {
    ToolError::new(
        "changed",
        format!("`{shown}` was changed by something else meanwhile; read it again"),
    )
    .retryable()
}
