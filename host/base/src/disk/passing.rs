//! A file that is not complete yet, under a name that tells nobody anything.

use std::{
    fs::File,
    io::{self, Write},
    ops::Deref,
    path::{Path, PathBuf},
};

use rustix::{fs::linkat, io::Errno};

use super::Folder;

/// A file under a passing name. It gets its own when it is complete; dropped before, it is removed.
#[derive(Debug)]
pub struct Passing<'a> {
    folder: &'a Folder,
    /// None: it has its own name.
    name: Option<PathBuf>,
    file: File,
}

impl<'a> Passing<'a> {
    pub(super) fn new(folder: &'a Folder, mode: u32) -> io::Result<Self> {
        loop {
            let name = PathBuf::from(format!(".hexgate-{:016x}", random()?));
            match folder.create(&name, mode) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    return Ok(Self {
                        folder,
                        name: Some(name),
                        file,
                    });
                }
            }
        }
    }

    /// Gives it its name, and takes the place of whatever file or link has that.
    ///
    /// # Errors
    /// A folder has it, or the system fails. Nothing was changed then.
    pub fn persist(mut self, name: impl AsRef<Path>) -> io::Result<()> {
        self.folder.rename(self.passing(), name)?;
        self.name = None;
        Ok(())
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// The name is taken, or the system fails. Nothing was changed then.
    pub fn persist_new(mut self, name: impl AsRef<Path>) -> io::Result<()> {
        match self.folder.rename_new(self.passing(), name.as_ref()) {
            Ok(()) => {
                self.name = None;
                Ok(())
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                let (folder, flags) = (self.folder, rustix::fs::AtFlags::empty());
                // The passing name goes when this is dropped.
                Ok(linkat(
                    folder,
                    self.passing(),
                    folder,
                    name.as_ref(),
                    flags,
                )?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives it its name. What had that before is under a passing name then, and goes when that is dropped.
    ///
    /// # Errors
    /// The system fails. Nothing was changed then.
    pub fn swap(self, name: impl AsRef<Path>) -> io::Result<Option<Self>> {
        let name = name.as_ref();
        match self.folder.exchange(self.passing(), name) {
            Ok(()) => return Ok(Some(self)),
            Err(Errno::NOENT) => return self.persist(name).map(|()| None),
            // This file system cannot exchange: two steps.
            Err(_) => {}
        }
        let old = Self::new(self.folder, 0o600)?;
        old.folder.rename(name, old.passing())?;
        match self.persist(name) {
            Ok(()) => Ok(Some(old)),
            Err(error) => {
                old.persist(name)?;
                Err(error)
            }
        }
    }

    fn passing(&self) -> &Path {
        self.name.as_deref().unwrap_or(Path::new(""))
    }
}

impl Deref for Passing<'_> {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}

impl Write for Passing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = self.folder.remove(name);
        }
    }
}

/// So that two writers do not meet, and nobody knows the name before.
pub fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(bytes))
}
