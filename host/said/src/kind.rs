//! The kinds of names.

use std::fmt;

use crate::{date, email, handle, host, iban, number, path, quoted, url};

/// A kind of name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Addresses of mail: `bob@example.com`, in lower case, the domain as in [`Kind::Hosts`].
    Emails,
    /// Addresses of `http`, `https`, `ws`, `wss` and `ftp`, as a browser writes them: `https://example.com/`.
    Urls,
    /// Names and addresses of hosts: lower case, Punycode, no final dot, IPv6 without brackets.
    Hosts,
    /// International bank account numbers: upper case, no blanks.
    Ibans,
    /// Decimal numbers: `-12.5`. No exponent, no leading `+` or zeros, no final zeros behind the point.
    Numbers,
    /// Days: `2026-03-04`.
    Dates,
    /// Paths of files: `src/main.rs`, without `.` and empty segments and without a final `/`.
    Paths,
    /// Names of accounts: `@bob`, in lower case.
    Handles,
    /// Texts within quotes, without the quotes and the blanks around.
    Quoted,
}

impl Kind {
    /// All kinds, in the order in which [`Said::to_json`](crate::Said::to_json) writes them.
    pub const ALL: [Self; 9] = [
        Self::Emails,
        Self::Urls,
        Self::Hosts,
        Self::Ibans,
        Self::Numbers,
        Self::Dates,
        Self::Paths,
        Self::Handles,
        Self::Quoted,
    ];

    /// Its name below `said`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Emails => "emails",
            Self::Urls => "urls",
            Self::Hosts => "hosts",
            Self::Ibans => "ibans",
            Self::Numbers => "numbers",
            Self::Dates => "dates",
            Self::Paths => "paths",
            Self::Handles => "handles",
            Self::Quoted => "quoted",
        }
    }

    /// The normal form of one name of this kind. None if the text is none, or is one that is never taken.
    ///
    /// It is stricter or more lenient than what [`Said`](crate::Said) finds in a sentence: there a name must also be told apart from the
    /// words around it.
    #[must_use]
    pub fn normal_form(self, name: &str) -> Option<String> {
        match self {
            Self::Emails => email::normal(name),
            Self::Urls => url::normal(name).map(|(url, _)| url),
            Self::Hosts => host::normal(name),
            Self::Ibans => iban::normal(name),
            Self::Numbers => number::normal(name),
            Self::Dates => date::normal(name),
            Self::Paths => path::normal(name),
            Self::Handles => handle::normal(name),
            Self::Quoted => quoted::normal(name),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
