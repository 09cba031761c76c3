//! Who may be reached beside public addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::kind::translated;
use super::{Host, HostError, Kind, canonical, kind};

/// Who may be reached beside public addresses. Default: nobody.
///
/// An entry is an address, a network in CIDR notation, or a name.
///
/// | entry | admits |
/// |---|---|
/// | a network, `10.1.0.0/16` | its addresses, except cloud metadata and those that name no single host |
/// | an address, `10.1.2.3` | that address. This is how cloud metadata is asked for |
/// | a name, `wiki.corp.example` | loopback, private and shared addresses that this name resolves to; no others, so that whoever answers for the name cannot send the agent to the cloud's metadata |
///
/// Unspecified and multicast addresses are never reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    networks: Vec<IpNet>,
    names: BTreeSet<Host>,
}

/// Why an entry is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReachError {
    /// Neither an address, a network nor a name.
    #[error(
        "`{entry}` is neither an address, a network such as `10.1.0.0/16`, nor a name: {source}"
    )]
    Malformed {
        /// The entry.
        entry: String,
        /// What is wrong with it.
        source: HostError,
    },
    /// A network that is written with an address inside of it, which may be a mistake for that address.
    #[error(
        "`{entry}` is an address within a network: write `{network}` for the network or `{address}` for the address"
    )]
    Ambiguous {
        /// The entry.
        entry: String,
        /// The network.
        network: IpNet,
        /// The address.
        address: IpAddr,
    },
}

impl Reach {
    /// Nobody beside public addresses.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// Reads entries.
    ///
    /// # Errors
    ///
    /// The first entry that is none.
    pub fn parse<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> Result<Self, ReachError> {
        let mut reach = Self::default();
        for entry in entries {
            let entry = entry.as_ref();
            if let Ok(network) = entry.parse::<IpNet>() {
                if network != network.trunc() {
                    return Err(ReachError::Ambiguous {
                        entry: entry.to_owned(),
                        network: network.trunc(),
                        address: network.addr(),
                    });
                }
                reach.networks.push(network);
                continue;
            }
            match Host::parse(entry) {
                Ok(Host::Address(address)) => reach.networks.push(address.into()),
                Ok(name) => {
                    reach.names.insert(name);
                }
                Err(source) => {
                    return Err(ReachError::Malformed {
                        entry: entry.to_owned(),
                        source,
                    });
                }
            }
        }
        Ok(reach)
    }

    /// Whether an address of a host may be reached.
    ///
    /// # Errors
    ///
    /// It may not: this is what the address is for.
    pub fn admits(&self, host: &Host, address: IpAddr) -> Result<(), Kind> {
        let address = canonical(address);
        let kind = kind(address);
        let is_admitted = match kind {
            Kind::Public => true,
            Kind::Unspecified | Kind::Multicast => false,
            Kind::Metadata => self.networks.iter().any(|network| {
                network.prefix_len() == network.max_prefix_len() && network.addr() == address
            }),
            Kind::Loopback | Kind::Private | Kind::Shared if self.names.contains(host) => true,
            _ => self.has(address),
        };
        if is_admitted { Ok(()) } else { Err(kind) }
    }

    fn has(&self, address: IpAddr) -> bool {
        let within = |address: IpAddr| {
            self.networks
                .iter()
                .any(|network| network.contains(&address))
        };
        within(address) || translated(address).is_some_and(|inner| within(inner.into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn admits(entries: &[&str], host: &str, address: &str) -> bool {
        let reach = Reach::parse(entries).unwrap();
        reach
            .admits(&Host::parse(host).unwrap(), address.parse().unwrap())
            .is_ok()
    }

    #[test]
    fn only_what_is_named_is_reached() {
        for (entries, host, address, expected) in [
            (&[][..], "a.example", "93.184.215.14", true),
            (&[], "a.example", "10.1.2.3", false),
            (&["10.1.0.0/16"], "a.example", "10.1.2.3", true),
            (&["10.1.0.0/16"], "a.example", "::ffff:10.1.2.3", true),
            (&["10.1.0.0/16"], "a.example", "64:ff9b::10.1.2.3", true),
            (&["10.1.0.0/16"], "a.example", "10.2.2.3", false),
            (&["10.1.2.3"], "a.example", "10.1.2.3", true),
            (&["10.1.2.3"], "a.example", "10.1.2.4", false),
            (&["127.0.0.1"], "localhost", "127.0.0.1", true),
            (&["127.0.0.1"], "localhost", "::1", false),
            (
                &["WIKI.corp.example."],
                "wiki.corp.example",
                "10.1.2.3",
                true,
            ),
            (&["wiki.corp.example"], "wiki.corp.example", "fd12::1", true),
            (
                &["wiki.corp.example"],
                "wiki.corp.example",
                "169.254.169.254",
                false,
            ),
            (
                &["wiki.corp.example"],
                "wiki.corp.example",
                "169.254.1.1",
                false,
            ),
            (
                &["wiki.corp.example"],
                "x.wiki.corp.example",
                "10.1.2.3",
                false,
            ),
            (&["169.254.0.0/16"], "a.example", "169.254.1.1", true),
            (&["169.254.0.0/16"], "a.example", "169.254.169.254", false),
            (&["0.0.0.0/0"], "a.example", "169.254.169.254", false),
            (&["169.254.169.254"], "a.example", "169.254.169.254", true),
            (
                &["169.254.169.254/32"],
                "a.example",
                "169.254.169.254",
                true,
            ),
            (&["0.0.0.0/0", "::/0"], "a.example", "0.0.0.0", false),
            (&["0.0.0.0/0", "::/0"], "a.example", "::", false),
            (&["0.0.0.0/0", "::/0"], "a.example", "224.0.0.1", false),
            (&["fd00::/8"], "a.example", "fd00:ec2::254", false),
        ] {
            assert_eq!(
                admits(entries, host, address),
                expected,
                "{entries:?} {host} {address}"
            );
        }
    }

    #[test]
    fn entries_that_are_none_are_refused() {
        for entry in [
            "",
            "10.1.2.3/16",
            "10.0.0.0/33",
            "*.corp.example",
            "a b",
            "http://a.example",
            "[::1",
        ] {
            assert!(Reach::parse([entry]).is_err(), "{entry}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_public_is_reached_without_entries(bits: u128, v4: bool) {
            let address = if v4 { IpAddr::from((bits as u32).to_be_bytes()) } else { IpAddr::from(bits.to_be_bytes()) };
            let admitted = Reach::public().admits(&Host::Name("a.example".into()), address);
            prop_assert_eq!(admitted.is_ok(), kind(address) == Kind::Public);
        }
    }
}
