//! Who can read and change a file or folder.

use std::{fmt, io, os::fd::AsFd};

use rustix::{
    fs::{Stat, fstat},
    process::{getegid, geteuid},
};

/// The owner, group and mode of an open file or folder.
///
/// Root's files count as this user's own, since root can change any file. A group counts as other users, since its members can change. Two
/// groups are excepted: root's, and a user's private group, which has the user's number. Where users have private groups, files are made
/// with mode 0664.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The owner's number.
    pub owner: u32,
    /// The group's number.
    pub group: u32,
    /// The permission bits, with the sticky bit and its like.
    pub mode: u32,
}

impl Access {
    /// Reads it from an open file or folder.
    ///
    /// # Errors
    ///
    /// The system fails.
    pub fn of(open: impl AsFd) -> io::Result<Self> {
        Ok(Self::from(&fstat(open)?))
    }

    /// Whether this user owns it.
    #[must_use]
    pub fn is_own(self) -> bool {
        self.owner == geteuid().as_raw()
    }

    /// Whether this user or root owns it.
    #[must_use]
    pub fn is_own_or_roots(self) -> bool {
        self.is_own() || self.owner == 0
    }

    /// Whether only this user and root can change it.
    #[must_use]
    pub fn is_guarded(self) -> bool {
        let others = if self.is_of_a_group_of_one() {
            0o002
        } else {
            0o022
        };
        self.is_own_or_roots() && self.mode & others == 0
    }

    /// Whether only this user and root can read it. A file of root's that its group can read counts, too: secrets are mounted so.
    #[must_use]
    pub fn is_private(self) -> bool {
        let others = if self.is_own() { 0o077 } else { 0o037 };
        self.is_own_or_roots() && self.mode & others == 0
    }

    /// Whether only this user, root and the folder's group can replace this user's files in this folder. Volumes are mounted with a group
    /// that may write.
    #[must_use]
    pub fn keeps_names(self) -> bool {
        self.is_own_or_roots() && (self.mode & 0o002 == 0 || self.is_sticky())
    }

    /// As [`keeps_names`](Self::keeps_names), without the group.
    #[must_use]
    pub fn keeps_names_from_group(self) -> bool {
        self.is_own_or_roots() && (self.mode & 0o022 == 0 || self.is_sticky())
    }

    fn is_of_a_group_of_one(self) -> bool {
        let is_mine = self.group == getegid().as_raw() && self.group == geteuid().as_raw();
        self.group == 0 || is_mine
    }

    fn is_sticky(self) -> bool {
        self.mode & 0o1000 != 0
    }

    /// Why it is not [guarded](Self::is_guarded), and the remedy. A message puts it after the path.
    #[must_use]
    pub fn remedy(self) -> String {
        if self.is_own_or_roots() {
            format!(
                "can be written by others (mode {:04o}); check it, and run `chmod go-w` on it",
                self.mode
            )
        } else {
            format!(
                "belongs to user {}, who can change it; check it, and make it root's or your own with `chown`",
                self.owner
            )
        }
    }
}

/// The mode, and the owner if that is another user. A message puts it after the path.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_own_or_roots() {
            write!(f, "belongs to user {} and ", self.owner)?;
        }
        write!(f, "has mode {:04o}", self.mode)
    }
}

impl From<&Stat> for Access {
    fn from(stat: &Stat) -> Self {
        #[allow(clippy::useless_conversion, reason = "on some systems it has 16 bits")]
        let mode = u32::from(stat.st_mode) & 0o7777;
        Self {
            owner: stat.st_uid,
            group: stat.st_gid,
            mode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_and_oneself_are_nobody_else() {
        let me = geteuid().as_raw();
        let group = geteuid().as_raw() + 1;
        let of = |owner, mode| Access { owner, group, mode };
        for owner in [me, 0] {
            for mode in [0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o755] {
                assert!(of(owner, mode).is_guarded(), "{owner} {mode:o}");
            }
            for mode in [0o620, 0o602, 0o664, 0o666] {
                assert!(!of(owner, mode).is_guarded(), "{owner} {mode:o}");
                assert!(of(owner, mode).remedy().contains("chmod go-w"));
            }
            assert!(of(owner, 0o1777).keeps_names() && of(owner, 0o2775).keeps_names());
            assert!(!of(owner, 0o777).keeps_names());
            assert!(of(owner, 0o1777).keeps_names_from_group());
            assert!(!of(owner, 0o2775).keeps_names_from_group());
        }
        // A group of one's own is nobody else either, for what decides.
        let of_group = |group, mode| Access {
            owner: me,
            group,
            mode,
        };
        assert!(of_group(0, 0o664).is_guarded() && !of_group(0, 0o666).is_guarded());
        assert_eq!(
            of_group(me, 0o664).is_guarded(),
            me == getegid().as_raw() || me == 0
        );
        assert!(!of_group(0, 0o640).is_private());
        let foreign = of(me + 1, 0o400);
        assert!(!foreign.is_guarded() && !foreign.is_private() && !foreign.keeps_names());
        assert!(foreign.remedy().contains("chown"));
        assert!(of(me, 0o600).is_private() && !of(me, 0o640).is_private());
        assert_eq!(of(0, 0o440).is_private(), me != 0);
        assert!(!of(0, 0o444).is_private() && !of(0, 0o660).is_private());
    }
}
