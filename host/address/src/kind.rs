//! What an address is for.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for, by the registries of special addresses that IANA keeps, and by what clouds made of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A host on the internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network, IPv6's site-local addresses, and networks' own translation prefixes.
    Private,
    /// The network of a provider's customers (carrier-grade NAT).
    Shared,
    /// The neighbours on one link.
    LinkLocal,
    /// A service of a cloud that tells secrets of the machine to whoever asks.
    Metadata,
    /// Many hosts.
    Multicast,
    /// No host. Systems take it for this machine.
    Unspecified,
    /// Written in examples.
    Documentation,
    /// Used by benchmarks of networks.
    Benchmarking,
    /// Anything else that is not a host on the internet: reserved, discarded, tunnels and translations that hide another address.
    Reserved,
}

impl Kind {
    /// The kind in words, to be put before "address".
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private => "private",
            Self::Shared => "shared",
            Self::LinkLocal => "link-local",
            Self::Metadata => "cloud metadata",
            Self::Multicast => "multicast",
            Self::Unspecified => "unspecified",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Reserved => "reserved",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The address that is meant: an IPv4 address within IPv6 (`::ffff:0:0/96`) is that IPv4 address.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// What an address is for. An address that a network translates into an IPv4 address (NAT64, ISATAP) is judged by that one.
///
/// ```
/// use hexgate_address::{Kind, kind};
///
/// assert_eq!(kind([169, 254, 169, 254].into()), Kind::Metadata);
/// assert_eq!(kind("64:ff9b::a00:1".parse().unwrap()), Kind::Private);
/// assert_eq!(kind([1, 1, 1, 1].into()), Kind::Public);
/// ```
#[must_use]
pub fn kind(address: IpAddr) -> Kind {
    match canonical(address) {
        IpAddr::V4(address) => ipv4(address),
        IpAddr::V6(address) => ipv6(address),
    }
}

/// The services of clouds. Those of Azure and Oracle have addresses that look public or reserved.
const METADATA_V4: [[u8; 4]; 6] = [
    [169, 254, 169, 254],
    // Credentials of containers.
    [169, 254, 170, 2],
    [169, 254, 170, 23],
    [100, 100, 100, 200],
    [168, 63, 129, 16],
    [192, 0, 0, 192],
];
const METADATA_V6: [[u16; 8]; 3] = [
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254],
    [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23],
    [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254],
];

fn ipv4(address: Ipv4Addr) -> Kind {
    let octets = address.octets();
    if METADATA_V4.contains(&octets) {
        return Kind::Metadata;
    }
    match octets {
        [0, ..] => Kind::Unspecified,
        [10, ..] | [192, 168, ..] => Kind::Private,
        [172, second, ..] if second & 0xf0 == 16 => Kind::Private,
        [100, second, ..] if second & 0xc0 == 64 => Kind::Shared,
        [127, ..] => Kind::Loopback,
        [169, 254, ..] => Kind::LinkLocal,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Documentation,
        [198, 18 | 19, ..] => Kind::Benchmarking,
        // Protocol assignments; the relays of 6to4.
        [192, 0, 0, _] | [192, 88, 99, _] => Kind::Reserved,
        [224..=239, ..] => Kind::Multicast,
        [240..=255, ..] => Kind::Reserved,
        _ => Kind::Public,
    }
}

fn ipv6(address: Ipv6Addr) -> Kind {
    let segments = address.segments();
    if METADATA_V6.contains(&segments) {
        return Kind::Metadata;
    }
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Kind::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Loopback,
        // NAT64: what a network reaches instead.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => ipv4(embedded(high, low)),
        [0x64, 0xff9b, 1, ..] => Kind::Private,
        [0x2001, 0xdb8, ..] => Kind::Documentation,
        [0x3fff, second, ..] if second & 0xf000 == 0 => Kind::Documentation,
        [0x2001, 2, 0, ..] => Kind::Benchmarking,
        // Protocol assignments, with Teredo and ORCHID; 6to4.
        [0x2001, second, ..] if second & 0xfe00 == 0 => Kind::Reserved,
        [0x2002, ..] => Kind::Reserved,
        // ISATAP: a tunnel to an IPv4 address.
        [first, _, _, _, 0 | 0x200, 0x5efe, high, low] if first & 0xe000 == 0x2000 => {
            ipv4(embedded(high, low))
        }
        [first, ..] => match first {
            0x2000..=0x3fff => Kind::Public,
            0xfc00..=0xfdff => Kind::Private,
            0xfe80..=0xfebf => Kind::LinkLocal,
            0xfec0..=0xfeff => Kind::Private,
            0xff00.. => Kind::Multicast,
            // Nobody is there: among them the IPv4 addresses of `::/96` and of stateless translation, and what is discarded.
            _ => Kind::Reserved,
        },
    }
}

/// The IPv4 address in the last two parts of an IPv6 address, if the address is of a prefix for translation.
pub(super) fn translated(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else {
        return None;
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            Some(embedded(high, low))
        }
        _ => None,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::*;

    /// The registries again, as they print them, in the order in which the more special comes first.
    const RANGES: &[(&str, Kind)] = &[
        ("169.254.169.254/32", Kind::Metadata),
        ("169.254.170.2/32", Kind::Metadata),
        ("169.254.170.23/32", Kind::Metadata),
        ("100.100.100.200/32", Kind::Metadata),
        ("168.63.129.16/32", Kind::Metadata),
        ("192.0.0.192/32", Kind::Metadata),
        ("fd00:ec2::254/128", Kind::Metadata),
        ("fd00:ec2::23/128", Kind::Metadata),
        ("fd20:ce::254/128", Kind::Metadata),
        ("0.0.0.0/8", Kind::Unspecified),
        ("10.0.0.0/8", Kind::Private),
        ("100.64.0.0/10", Kind::Shared),
        ("127.0.0.0/8", Kind::Loopback),
        ("169.254.0.0/16", Kind::LinkLocal),
        ("172.16.0.0/12", Kind::Private),
        ("192.0.0.0/24", Kind::Reserved),
        ("192.0.2.0/24", Kind::Documentation),
        ("192.88.99.0/24", Kind::Reserved),
        ("192.168.0.0/16", Kind::Private),
        ("198.18.0.0/15", Kind::Benchmarking),
        ("198.51.100.0/24", Kind::Documentation),
        ("203.0.113.0/24", Kind::Documentation),
        ("224.0.0.0/4", Kind::Multicast),
        ("240.0.0.0/4", Kind::Reserved),
        ("::/128", Kind::Unspecified),
        ("::1/128", Kind::Loopback),
        ("::ffff:0:0:0/96", Kind::Reserved),
        ("64:ff9b:1::/48", Kind::Private),
        ("100::/64", Kind::Reserved),
        ("100:0:0:1::/64", Kind::Reserved),
        ("2001::/32", Kind::Reserved),
        ("2001:2::/48", Kind::Benchmarking),
        ("2001:10::/28", Kind::Reserved),
        ("2001:20::/28", Kind::Reserved),
        ("2001:db8::/32", Kind::Documentation),
        ("2001::/23", Kind::Reserved),
        ("2002::/16", Kind::Reserved),
        ("3fff::/20", Kind::Documentation),
        ("5f00::/16", Kind::Reserved),
        ("fc00::/7", Kind::Private),
        ("fe80::/10", Kind::LinkLocal),
        ("fec0::/10", Kind::Private),
        ("ff00::/8", Kind::Multicast),
        ("::/3", Kind::Reserved),
        ("4000::/2", Kind::Reserved),
        ("8000::/1", Kind::Reserved),
    ];

    fn expected(address: IpAddr) -> Kind {
        let found = RANGES
            .iter()
            .find(|(range, _)| range.parse::<IpNet>().unwrap().contains(&address));
        found.map_or(Kind::Public, |(_, kind)| *kind)
    }

    #[test]
    fn the_edges_of_every_range_are_of_its_kind() {
        for (range, _) in RANGES {
            let net: IpNet = range.parse().unwrap();
            for address in [net.network(), net.broadcast()] {
                // What is embedded has tests of its own.
                if address == canonical(address) && translated(address).is_none() {
                    assert_eq!(kind(address), expected(address), "{address} of {range}");
                }
            }
        }
    }

    #[test]
    fn hosts_on_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "93.184.215.14",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "169.253.255.255",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450:4001::1",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
            "2001:200::1",
            "2606:4700::5efe:808:808",
        ] {
            assert_eq!(kind(address.parse().unwrap()), Kind::Public, "{address}");
        }
    }

    #[test]
    fn what_is_embedded_is_what_is_reached() {
        for (address, expected) in [
            ("::ffff:169.254.169.254", Kind::Metadata),
            ("64:ff9b::169.254.169.254", Kind::Metadata),
            ("64:ff9b::127.0.0.1", Kind::Loopback),
            ("2606:4700::5efe:10.0.0.1", Kind::Private),
            ("2606:4700::200:5efe:10.0.0.1", Kind::Private),
            ("::127.0.0.1", Kind::Reserved),
            ("::8.8.8.8", Kind::Reserved),
            ("2002:7f00:1::", Kind::Reserved),
            ("2002:808:808::", Kind::Reserved),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Kind::Reserved),
        ] {
            assert_eq!(kind(address.parse().unwrap()), expected, "{address}");
        }
    }

    proptest! {
        #[test]
        fn addresses_are_of_the_kind_that_the_registries_say(bits: u32) {
            let address = Ipv4Addr::from(bits);
            prop_assert_eq!(kind(address.into()), expected(address.into()));
            prop_assert_eq!(kind(address.to_ipv6_mapped().into()), kind(address.into()));
            prop_assert_eq!(kind(format!("64:ff9b::{address}").parse().unwrap()), kind(address.into()));
        }

        #[test]
        fn ipv6_addresses_are_of_the_kind_that_the_registries_say(bits: u128, short in 0u32..128) {
            let address = IpAddr::V6(Ipv6Addr::from(bits >> short));
            if address == canonical(address) && translated(address).is_none() {
                prop_assert_eq!(kind(address), expected(address));
            }
        }
    }
}
