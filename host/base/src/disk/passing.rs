//! A temporary file, under a random name until it is complete.

use std::{
    fs::File,
    io::{self, Write},
    ops::Deref,
    path::{Path, PathBuf},
};

use rustix::{fs::linkat, io::Errno};

use super::Folder;

/// A temporary file. It gets its final name when it is complete; if dropped before, it is removed.
#[derive(Debug)]
pub struct Passing<'a> {
    folder: &'a Folder,
    /// None once it has its final name.
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

    /// Gives it its final name and replaces the file or link that has it.
    ///
    /// # Errors
    ///
    /// A folder has the name, or the system fails. Then nothing was changed.
    pub fn persist(mut self, name: impl AsRef<Path>) -> io::Result<()> {
        self.folder.rename(self.passing(), name)?;
        self.name = None;
        Ok(())
    }

    /// Gives it its final name.
    ///
    /// # Errors
    ///
    /// The name is taken, or the system fails. Then nothing was changed.
    pub fn persist_new(mut self, name: impl AsRef<Path>) -> io::Result<()> {
        match self.folder.rename_new(self.passing(), name.as_ref()) {
            Ok(()) => {
                self.name = None;
                Ok(())
            }
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                let (folder, flags) = (self.folder, rustix::fs::AtFlags::empty());
                // Dropping this removes the temporary name.
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

    /// Gives it its final name. Returns the file that had the name; dropping that removes it.
    ///
    /// # Errors
    ///
    /// The system fails. Nothing was changed then.
    pub fn swap(self, name: impl AsRef<Path>) -> io::Result<Option<Self>> {
        let name = name.as_ref();
        match self.folder.exchange(self.passing(), name) {
            Ok(()) => return Ok(Some(self)),
            Err(Errno::NOENT) => return self.persist(name).map(|()| None),
            // This file system cannot exchange: rename in two steps.
            Err(_) => {}
        }
        // Reserves a temporary name for the old file.
        let old = Self::new(self.folder, 0o600)?;
        old.folder.rename(name, old.passing())?;
        match self.persist(name) {
            Ok(()) => Ok(Some(old)),
            Err(error) => {
                // Put the old file back.
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

/// A number for a temporary name: two writers do not collide, and an attacker cannot guess it.
pub fn random() -> io::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(bytes))
}
