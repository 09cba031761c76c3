//! An open folder.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{ffi::OsStringExt, fs::DirBuilderExt},
    },
    path::Path,
};

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fchmod, fstat, mkdirat, openat,
        readlinkat, renameat, stat, statat, unlinkat,
    },
    io::Errno,
};

use super::{Access, FileError, Passing, beneath::open_folder, read::open_regular};

/// An open folder. Methods take single names in it and never follow a link.
#[derive(Debug)]
pub struct Folder(File);

impl Folder {
    /// Opens the folder at a path that the user named; links are followed, as everywhere else.
    ///
    /// # Errors
    ///
    /// It is missing, or the system fails.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::at(CWD, path, OFlags::empty())
    }

    /// Opens the folder at a path that does not end in a link.
    ///
    /// # Errors
    ///
    /// It is missing, or the system fails.
    pub fn open_itself(path: &Path) -> io::Result<Self> {
        Self::at(CWD, path, OFlags::NOFOLLOW)
    }

    /// Opens a folder that is open already once more.
    ///
    /// # Errors
    ///
    /// It is not a folder, or the system fails.
    pub fn again(open: impl AsFd) -> io::Result<Self> {
        Ok(Self(open_folder(open, Path::new(""))?.into()))
    }

    /// Makes the folder if it is missing, with these permission bits less the umask, and its missing parents with the bits of the umask.
    /// The caller opens it afterwards.
    ///
    /// # Errors
    ///
    /// It is missing and cannot be made.
    pub fn provide(path: &Path, mode: u32) -> io::Result<()> {
        // Look before making: an existing folder may lie on a read-only disk.
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            })?;
        }
        match DirBuilder::new().mode(mode).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// The folder in which a file at `path` is, or is to be, and the file's name there.
    ///
    /// # Errors
    ///
    /// The path does not end in a name, the folder is missing, or the system fails.
    pub fn of(path: &Path) -> io::Result<(Self, &OsStr)> {
        let name = path.file_name().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "it does not end in a name")
        })?;
        Ok((Self::open(parent(path))?, name))
    }

    /// As [`Folder::of`]; a folder that is missing is made as by [`Folder::provide`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn provided_for(path: &Path, mode: u32) -> io::Result<(Self, &OsStr)> {
        Self::provide(parent(path), mode)?;
        Self::of(path)
    }

    /// Opens a folder in this one.
    ///
    /// # Errors
    ///
    /// It is missing, is not a folder, or the system fails.
    pub fn folder(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        Self::at(&self.0, name.as_ref(), OFlags::NOFOLLOW)
    }

    /// Opens the folder at a path below this one; the empty path is this one. No part of the path may be a link, whatever it leads to, and
    /// none is `..`. It does not matter what is renamed or replaced meanwhile.
    ///
    /// # Errors
    ///
    /// A part of the path is a link ([`is_link`](super::is_link) says so), is missing or is not a folder, or the system fails.
    pub fn beneath(&self, path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self(open_folder(&self.0, path.as_ref())?.into()))
    }

    /// Makes a folder in this one.
    ///
    /// # Errors
    ///
    /// The name is taken, or the system fails.
    pub fn make_folder(&self, name: impl AsRef<Path>, mode: u32) -> io::Result<()> {
        Ok(mkdirat(&self.0, name.as_ref(), bits(mode))?)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    ///
    /// It is not a regular file, or the system fails.
    pub fn read(&self, name: impl AsRef<Path>) -> Result<File, FileError> {
        self.file(name, OFlags::RDONLY, 0)
    }

    /// Makes a file for reading and writing.
    ///
    /// # Errors
    ///
    /// The name is taken, or the system fails.
    pub fn create(&self, name: impl AsRef<Path>, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        Ok(self.file(name, flags, mode)?)
    }

    /// Opens a regular file for reading and writing, and makes it if it is not there.
    ///
    /// # Errors
    ///
    /// It is not a regular file, or the system fails.
    pub fn open_or_create(&self, name: impl AsRef<Path>, mode: u32) -> Result<File, FileError> {
        self.file(name, OFlags::RDWR | OFlags::CREATE, mode)
    }

    /// Opens a regular file for reading, and for writing at its end.
    ///
    /// # Errors
    ///
    /// It is missing, is not a regular file, or the system fails.
    pub fn append_to(&self, name: impl AsRef<Path>) -> Result<File, FileError> {
        self.file(name, OFlags::RDWR | OFlags::APPEND, 0)
    }

    /// Makes a file for writing at its end.
    ///
    /// # Errors
    ///
    /// The name is taken, or the system fails.
    pub fn create_to_append(&self, name: impl AsRef<Path>, mode: u32) -> Result<File, FileError> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        self.file(name, flags, mode)
    }

    /// Begins a file that gets its name when it is complete.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn passing(&self, mode: u32) -> io::Result<Passing<'_>> {
        Passing::new(self, mode)
    }

    /// Replaces the file or link of that name. A reader sees the old file or the new one, whole, also after a power failure.
    ///
    /// # Errors
    ///
    /// The system fails. Then the old file is still there.
    pub fn replace(&self, name: impl AsRef<Path>, mode: u32, content: &[u8]) -> io::Result<()> {
        let mut file = self.passing(mode)?;
        file.write_all(content)?;
        file.sync_all()?;
        // The content is on the disk before the name is: no crash leaves an empty file.
        file.persist(name)?;
        self.sync()
    }

    /// The names in it, and whether each is a regular file.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn entries(&self) -> io::Result<Vec<(OsString, bool)>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not report the type.
                FileType::Unknown => match self.stat(&name) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(error),
                },
                kind => kind,
            };
            entries.push((name, kind == FileType::RegularFile));
        }
        Ok(entries)
    }

    /// The type, owner and mode of an entry.
    ///
    /// # Errors
    ///
    /// The name does not exist, or the system fails.
    pub fn stat(&self, name: impl AsRef<Path>) -> io::Result<Stat> {
        Ok(statat(&self.0, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Where a link leads, as it is written there.
    ///
    /// # Errors
    ///
    /// It is missing, is not a link (`EINVAL`), or the system fails.
    pub fn read_link(&self, name: impl AsRef<Path>) -> io::Result<OsString> {
        let target = readlinkat(&self.0, name.as_ref(), Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    /// Renames an entry; replaces what has the new name.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), Errno> {
        renameat(&self.0, from.as_ref(), &self.0, to.as_ref())
    }

    /// Exchanges two entries atomically.
    ///
    /// # Errors
    ///
    /// The system fails, or cannot do that: `NOSYS`, `INVAL` or `NOTSUP`.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub fn exchange(&self, a: impl AsRef<Path>, b: impl AsRef<Path>) -> Result<(), Errno> {
        self.rename_with(a, b, rustix::fs::RenameFlags::EXCHANGE)
    }

    /// This system cannot exchange entries.
    ///
    /// # Errors
    ///
    /// Always `NOSYS`.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub fn exchange(&self, _: impl AsRef<Path>, _: impl AsRef<Path>) -> Result<(), Errno> {
        Err(Errno::NOSYS)
    }

    /// Renames an entry; fails if the new name is taken.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub(super) fn rename_new(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        self.rename_with(from, to, rustix::fs::RenameFlags::NOREPLACE)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub(super) fn rename_new(&self, _: &Path, _: &Path) -> Result<(), Errno> {
        Err(Errno::NOSYS)
    }

    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    fn rename_with(
        &self,
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        flags: rustix::fs::RenameFlags,
    ) -> Result<(), Errno> {
        rustix::fs::renameat_with(&self.0, from.as_ref(), &self.0, to.as_ref(), flags)
    }

    /// Removes a file or a link.
    ///
    /// # Errors
    ///
    /// It is missing, or the system fails.
    pub fn remove(&self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(unlinkat(&self.0, name.as_ref(), AtFlags::empty())?)
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    ///
    /// It is missing, is not empty, or the system fails.
    pub fn remove_folder(&self, name: impl AsRef<Path>) -> io::Result<()> {
        Ok(unlinkat(&self.0, name.as_ref(), AtFlags::REMOVEDIR)?)
    }

    /// Its owner and mode.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn access(&self) -> io::Result<Access> {
        Access::of(&self.0)
    }

    /// Sets its permission bits.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        Ok(fchmod(&self.0, bits(mode))?)
    }

    /// Whether `path` names this folder now, links followed. The inode number is not reused while the folder is open.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        stat(path).is_ok_and(|named| self.is(&named))
    }

    /// Whether `named` describes this folder.
    #[must_use]
    pub fn is(&self, named: &Stat) -> bool {
        fstat(&self.0).is_ok_and(|open| (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino))
    }

    /// Syncs the folder, so that renamed, made and removed entries survive a power failure.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn at(dir: impl AsFd, path: &Path, flags: OFlags) -> io::Result<Self> {
        let flags = flags | OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(dir, path, flags, Mode::empty())?.into()))
    }

    fn file(&self, name: impl AsRef<Path>, flags: OFlags, mode: u32) -> Result<File, FileError> {
        open_regular(&self.0, name.as_ref(), flags | OFlags::NOFOLLOW, bits(mode))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The folder of a path, as a path that can be opened.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The type is `u16` on some systems.
fn bits(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as _)
}
