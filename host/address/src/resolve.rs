//! The addresses of a name, found and checked once.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;

use super::{Host, Kind, Reach, canonical};

/// The most addresses of one name that are looked at.
const MOST_ADDRESSES: usize = 64;

/// Addresses to wait for.
pub type ResolveFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync {
    /// The addresses of a name, which is in [normal form](Host). They are not trusted.
    fn resolve<'a>(&'a self, name: &'a str) -> ResolveFuture<'a>;
}

/// The system's resolver. Names are absolute: the domains that `/etc/resolv.conf` lists for searching are not appended, so that the name
/// that was decided is the name that is found.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> ResolveFuture<'a> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((format!("{name}."), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The addresses of a host that may be reached, in the resolver's order. Only [`pinned`] makes it; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pinned(Vec<IpAddr>);

impl Pinned {
    /// The addresses. Connect to these and to no others.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.0
    }
}

/// Why a host is not reached.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreachable {
    /// An address of it is not public, and nobody asked for it.
    #[error("`{host}` has a {kind} address, and only public ones are reached")]
    NotPublic {
        /// The host.
        host: Host,
        /// What the address is for.
        kind: Kind,
    },
    /// The name has no address.
    #[error("`{0}` has no address")]
    NoAddress(Host),
    /// The resolver failed.
    #[error("the addresses of `{host}` cannot be found: {source}")]
    Resolver {
        /// The host.
        host: Host,
        /// What the resolver said.
        source: io::Error,
    },
}

/// Finds the addresses of a host once, and checks all of them.
///
/// A name for this machine is not looked up. One address that may not be reached refuses the host, even if it has others: a host on the
/// internet has none of these, so somebody is trying something.
///
/// # Errors
///
/// The host is not reached.
pub async fn pinned(
    resolver: &dyn Resolve,
    reach: &Reach,
    host: &Host,
) -> Result<Pinned, Unreachable> {
    let found = match host {
        Host::Address(address) => vec![*address],
        Host::Name(_) if host.is_localhost() => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        Host::Name(name) => {
            let found = resolver.resolve(name).await;
            found.map_err(|source| Unreachable::Resolver {
                host: host.clone(),
                source,
            })?
        }
    };
    let mut addresses: Vec<IpAddr> = Vec::new();
    let mut refused = None;
    for address in found.into_iter().take(MOST_ADDRESSES).map(canonical) {
        match reach.admits(host, address) {
            Err(kind) => refused = refused.or(Some(kind)),
            Ok(()) if !addresses.contains(&address) => addresses.push(address),
            Ok(()) => {}
        }
    }
    // Both addresses of this machine need not be asked for: nobody else chose them.
    let is_refused = refused.filter(|_| !host.is_localhost() || addresses.is_empty());
    match is_refused {
        Some(kind) => Err(Unreachable::NotPublic {
            host: host.clone(),
            kind,
        }),
        None if addresses.is_empty() => Err(Unreachable::NoAddress(host.clone())),
        None => Ok(Pinned(addresses)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(Vec<IpAddr>);

    impl Resolve for Table {
        fn resolve<'a>(&'a self, _name: &'a str) -> ResolveFuture<'a> {
            Box::pin(std::future::ready(Ok(self.0.clone())))
        }
    }

    fn pin(host: &str, found: &[&str], entries: &[&str]) -> Result<Vec<String>, Unreachable> {
        let table = Table(found.iter().map(|text| text.parse().unwrap()).collect());
        let reach = Reach::parse(entries).unwrap();
        let host = Host::parse(host).unwrap();
        // Nothing here waits for anything.
        let mut future = Box::pin(pinned(&table, &reach, &host));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(found) => {
                found.map(|found| found.0.iter().map(ToString::to_string).collect())
            }
            std::task::Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn one_address_that_is_not_public_refuses_the_host() {
        assert_eq!(
            pin("a.example", &["1.1.1.1", "::ffff:1.1.1.1"], &[]).unwrap(),
            ["1.1.1.1"]
        );
        for found in [
            &["10.0.0.1"][..],
            &["1.1.1.1", "10.0.0.1"],
            &["169.254.169.254", "1.1.1.1"],
            &["::"],
        ] {
            let error = pin("a.example", found, &[]).unwrap_err();
            assert!(
                matches!(error, Unreachable::NotPublic { .. }),
                "{found:?}: {error}"
            );
        }
        assert!(matches!(
            pin("a.example", &[], &[]),
            Err(Unreachable::NoAddress(_))
        ));
    }

    #[test]
    fn addresses_and_names_of_this_machine_are_not_looked_up() {
        assert!(pin("127.0.0.1", &["1.1.1.1"], &[]).is_err());
        assert!(pin("localhost", &["1.1.1.1"], &[]).is_err());
        assert!(pin("x.localhost", &["1.1.1.1"], &[]).is_err());
        assert_eq!(
            pin("localhost", &["1.1.1.1"], &["127.0.0.1"]).unwrap(),
            ["127.0.0.1"]
        );
        assert_eq!(
            pin("localhost", &[], &["localhost"]).unwrap(),
            ["127.0.0.1", "::1"]
        );
    }
}
