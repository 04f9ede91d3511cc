//! The neighbour (ARP) table: which hardware address has an IPv4 address.
//!
//! IPv6 is left out: Linux gives its table only over netlink, and a client that is told from another
//! by its address alone has asked over TFTP, which firmware does over IPv4.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::time::Instant;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use nix::sys::socket::SockaddrStorage;

use crate::limits;
use crate::mac::Mac;
use crate::sync::held;

/// The MAC that the kernel knows for an address of a directly attached network; `None` if it knows
/// none, for IPv6, and where the table cannot be read. Who is found may be as old as
/// [`limits::NEIGHBOURS_LAST`]: the table is read whole, and a machine that boots asks for one file
/// after the other.
pub fn mac_of(address: IpAddr) -> Option<Mac> {
    static KEPT: Mutex<Kept> = Mutex::new(Kept(None));
    match address {
        IpAddr::V4(address) => {
            let mut kept = held(&KEPT);
            kept.mac_of(address, Instant::now(), table::read)
        }
        IpAddr::V6(_) => None,
    }
}

/// The same as it is at this moment, for what must not go to whoever takes an address over: reading
/// the whole table takes a millisecond where there are ten thousand machines.
pub fn mac_now(address: IpAddr) -> Option<Mac> {
    match address {
        IpAddr::V4(address) => table::read()?.get(&address).copied(),
        IpAddr::V6(_) => None,
    }
}

/// Who has which address.
type Table = HashMap<Ipv4Addr, Mac>;

/// The table as it was read last, and when.
struct Kept(Option<(Instant, Table)>);

impl Kept {
    /// Who is not in it is looked for anew: that somebody was not there a moment ago must not help
    /// whoever takes his address.
    fn mac_of(
        &mut self,
        address: Ipv4Addr,
        now: Instant,
        read: impl FnOnce() -> Option<Table>,
    ) -> Option<Mac> {
        let found = self.0.as_ref().and_then(|(at, table)| {
            let is_fresh = now.saturating_duration_since(*at) < limits::NEIGHBOURS_LAST;
            table.get(&address).filter(|_| is_fresh).copied()
        });
        found.or_else(|| {
            let table = read().unwrap_or_default();
            let found = table.get(&address).copied();
            self.0 = Some((now, table));
            found
        })
    }
}

/// Whether an address is on a network that an interface of this host is on, so that its owner answers
/// for it itself: behind a router every address has the router's card. `false` where the interfaces
/// cannot be read.
pub fn is_on_link(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let Ok(interfaces) = getifaddrs() else {
        return false;
    };
    let networks = interfaces.filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP));
    let mut networks = networks
        .filter_map(|interface| Some((ip_of(&interface.address?)?, ip_of(&interface.netmask?)?)));
    networks.any(|(own, mask)| is_in(address, own, mask))
}

fn ip_of(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

fn is_in(address: IpAddr, own: IpAddr, mask: IpAddr) -> bool {
    match (address, own, mask) {
        (IpAddr::V4(address), IpAddr::V4(own), IpAddr::V4(mask)) => {
            address.to_bits() & mask.to_bits() == own.to_bits() & mask.to_bits()
        }
        (IpAddr::V6(address), IpAddr::V6(own), IpAddr::V6(mask)) => {
            address.to_bits() & mask.to_bits() == own.to_bits() & mask.to_bits()
        }
        _ => false,
    }
}

#[cfg(target_os = "linux")]
mod table {
    use super::Table;

    pub fn read() -> Option<Table> {
        Some(parse(&std::fs::read_to_string("/proc/net/arp").ok()?))
    }

    /// The kernel's text: address, type, flags, hardware address, mask, device (proc(5)). An entry
    /// without the flag 2 (`ATF_COM`) is not complete: nobody has answered. One with the flag 8
    /// (`ATF_PUBL`) is what this host answers for somebody else.
    fn parse(text: &str) -> Table {
        let entry = |line: &str| {
            let mut columns = line.split_ascii_whitespace();
            let address = columns.next()?.parse().ok()?;
            let flags = columns.nth(1)?.strip_prefix("0x")?;
            let flags = u32::from_str_radix(flags, 16).ok()?;
            let mac = columns.next()?.parse().ok()?;
            (flags & 10 == 2).then_some((address, mac))
        };
        text.lines().skip(1).filter_map(entry).collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
192.168.1.71     0x1         0x2         5c:f3:fc:01:02:03     *        em0
192.168.1.72     0x1         0x0         00:00:00:00:00:00     *        em0
192.168.1.73     0x1         0x6         5c:f3:fc:01:02:04     *        em0
192.168.1.74     0x1         0xc         5c:f3:fc:01:02:05     *        em0
192.168.1.75     0x1         0xa         5c:f3:fc:01:02:05     *        em0
";

        fn of(address: &str) -> Option<String> {
            let table = parse(TABLE);
            let found = table.get(&address.parse().unwrap());
            found.map(|mac| mac.to_string())
        }

        #[test]
        fn a_complete_entry_is_found() {
            assert_eq!(of("192.168.1.71").as_deref(), Some("5c:f3:fc:01:02:03"));
            assert_eq!(of("192.168.1.73").as_deref(), Some("5c:f3:fc:01:02:04"));
        }

        #[test]
        fn what_nobody_answered_for_is_not() {
            assert_eq!(of("192.168.1.72"), None);
            assert_eq!(of("192.168.1.7"), None);
            assert_eq!(of("192.168.1.74"), None, "this host answers for it");
            assert_eq!(of("192.168.1.75"), None, "this host answers for it");
            assert!(parse("").is_empty());
        }
    }
}

#[cfg(target_os = "freebsd")]
mod table {
    use super::Table;
    use super::routing::{self, Layout};
    use crate::sys::sysctl;

    pub fn read() -> Option<Table> {
        Some(routing::parse(&dump()?, Layout::NATIVE))
    }

    /// The kernel's link layer entries of IPv4, as arp(8) reads them: `net.route.0.inet.flags.llinfo`
    /// (sysctl(3), `NET_RT_FLAGS`).
    fn dump() -> Option<Vec<u8>> {
        let name = [
            libc::CTL_NET,
            libc::PF_ROUTE,
            0,
            libc::AF_INET,
            libc::NET_RT_FLAGS,
            libc::RTF_LLDATA,
        ];
        sysctl::by_number(&name)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
mod table {
    pub fn read() -> Option<super::Table> {
        None
    }
}

/// FreeBSD's routing messages; apart from the system call, so that tests run everywhere.
#[cfg(any(target_os = "freebsd", test))]
mod routing {
    use std::net::Ipv4Addr;

    use super::Table;
    use crate::mac::Mac;

    /// How a kernel lays out its messages.
    #[derive(Clone, Copy)]
    pub struct Layout {
        /// Bytes of `struct rt_msghdr` (`net/route.h`).
        header: usize,
        /// Socket addresses begin at multiples of this (`SA_SIZE`).
        align: usize,
    }

    impl Layout {
        /// Of a 64-bit kernel: 16 + 12 + 4 bytes, `rtm_inits`, and the 14 numbers of `rt_metrics`.
        #[cfg(any(target_pointer_width = "64", test))]
        pub const NATIVE: Layout = Layout {
            header: 32 + 8 + 14 * 8,
            align: 8,
        };
        /// Of a 32-bit kernel.
        #[cfg(all(target_pointer_width = "32", not(test)))]
        pub const NATIVE: Layout = Layout {
            header: 32 + 4 + 14 * 4,
            align: 4,
        };
    }

    /// `RTM_VERSION`: another one has another layout.
    const VERSION: u8 = 5;
    /// `RTF_ANNOUNCE`: what this host answers for somebody else.
    const PUBLISHED: u32 = 0x4000;
    /// `AF_INET`.
    const INET: u8 = 2;
    /// `AF_LINK`.
    const LINK: u8 = 18;

    /// Each message has a header, a `sockaddr_in` and a `sockaddr_dl` (`in_lltable_dump_entry` of
    /// FreeBSD's `netinet/in.c`).
    pub fn parse(mut bytes: &[u8], layout: Layout) -> Table {
        let mut table = Table::new();
        while let [low, high, ..] = *bytes {
            let length = usize::from(u16::from_ne_bytes([low, high]));
            let Some((message, rest)) = bytes.split_at_checked(length) else {
                break;
            };
            if length == 0 {
                break;
            }
            bytes = rest;
            table.extend(entry(message, layout));
        }
        table
    }

    fn entry(message: &[u8], layout: Layout) -> Option<(Ipv4Addr, Mac)> {
        // rt_msghdr: length (2 bytes), version, type, index (2), padding (2), flags (4), ...
        let flags = u32::from_ne_bytes(message.get(8..12)?.try_into().ok()?);
        if *message.get(2)? != VERSION || flags & PUBLISHED != 0 {
            return None;
        }
        let network = message.get(layout.header..)?;
        // sockaddr_in: length, family, port (2 bytes), address.
        if *network.get(1)? != INET {
            return None;
        }
        let address: [u8; 4] = network.get(4..8)?.try_into().ok()?;
        let length = usize::from(*network.first()?).next_multiple_of(layout.align);
        let link = network.get(length.max(layout.align)..)?;
        // sockaddr_dl: length, family, index (2), type, name's length, address's length, selector's
        // length, then name and address.
        let (family, name, bytes) = (*link.get(1)?, *link.get(5)?, *link.get(6)?);
        if family != LINK || bytes != 6 {
            return None;
        }
        let start = 8 + usize::from(name);
        let mac = link.get(start..start + 6)?;
        Some((address.into(), Mac::new(mac.try_into().ok()?).ok()?))
    }

    #[cfg(test)]
    mod tests {
        use proptest::prelude::*;

        use super::*;

        fn message(address: [u8; 4], mac: &[u8]) -> Vec<u8> {
            let mut bytes = vec![0; Layout::NATIVE.header];
            bytes[2] = VERSION;
            bytes.extend([16, INET, 0, 0]);
            bytes.extend(address);
            bytes.extend([0; 8]);
            let length = u8::try_from(mac.len()).unwrap();
            bytes.extend([54, LINK, 1, 0, 6, 3, length, 0]);
            bytes.extend(b"em0");
            bytes.extend(mac);
            bytes.resize(bytes.len() + 46 - 3 - mac.len() + 2, 0);
            let length = u16::try_from(bytes.len()).unwrap().to_ne_bytes();
            bytes[..2].copy_from_slice(&length);
            bytes
        }

        #[test]
        fn an_entry_among_others_is_found() {
            let mut bytes = message([192, 168, 1, 70], &[]);
            bytes.extend(message([192, 168, 1, 71], &[0x5c, 0xf3, 0xfc, 1, 2, 3]));
            bytes.extend(message([192, 168, 1, 72], &[0x5c, 0xf3, 0xfc, 1, 2, 4]));
            let of = |last| {
                let address = Ipv4Addr::new(192, 168, 1, last);
                let table = parse(&bytes, Layout::NATIVE);
                table.get(&address).map(|mac| mac.to_string())
            };
            assert_eq!(of(71).as_deref(), Some("5c:f3:fc:01:02:03"));
            assert_eq!(of(72).as_deref(), Some("5c:f3:fc:01:02:04"));
            assert_eq!(of(70), None, "nobody answered for it");
            assert_eq!(of(73), None);
        }

        #[test]
        fn what_this_host_answers_for_others_and_other_layouts_are_not_read() {
            let mac = [0x5c, 0xf3, 0xfc, 1, 2, 3];
            let of = |change: fn(&mut Vec<u8>)| {
                let mut bytes = message([192, 168, 1, 71], &mac);
                change(&mut bytes);
                let table = parse(&bytes, Layout::NATIVE);
                table.get(&Ipv4Addr::new(192, 168, 1, 71)).copied()
            };
            assert!(of(|_| {}).is_some());
            assert_eq!(
                of(|bytes| bytes[8..12].copy_from_slice(&PUBLISHED.to_ne_bytes())),
                None
            );
            assert_eq!(of(|bytes| bytes[2] = VERSION + 1), None);
        }

        proptest! {
            #[test]
            fn any_bytes_end(bytes: Vec<u8>) {
                parse(&bytes, Layout::NATIVE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_found_is_kept_for_a_moment_and_who_was_not_is_not() {
        let address = |last| Ipv4Addr::new(192, 168, 1, last);
        let table = |last| {
            let mac = Mac::new([0x52, 0x54, 0, 0, 0, last]).unwrap();
            move || Some(Table::from([(address(71), mac)]))
        };
        let last = |mac: Option<Mac>| mac.map(|mac| mac.bytes()[5]);
        let (mut kept, began) = (Kept(None), Instant::now());
        assert_eq!(last(kept.mac_of(address(71), began, table(1))), Some(1));
        let soon = began + limits::NEIGHBOURS_LAST / 2;
        let again = kept.mac_of(address(71), soon, || panic!("read again"));
        assert_eq!(last(again), Some(1));
        let mut reads = 0;
        for _ in 0..2 {
            let stranger = kept.mac_of(address(72), soon, || {
                reads += 1;
                table(2)()
            });
            assert_eq!(stranger, None);
        }
        assert_eq!(reads, 2);
        let later = soon + limits::NEIGHBOURS_LAST;
        assert_eq!(last(kept.mac_of(address(71), later, table(3))), Some(3));
        assert_eq!(
            kept.mac_of(address(71), later + limits::NEIGHBOURS_LAST, || None),
            None
        );
    }

    #[test]
    fn an_address_is_on_a_link_if_its_network_is() {
        let of = |address: &str, own: &str, mask: &str| {
            is_in(
                address.parse().unwrap(),
                own.parse().unwrap(),
                mask.parse().unwrap(),
            )
        };
        assert!(of("192.168.1.71", "192.168.1.1", "255.255.255.0"));
        assert!(!of("192.168.2.71", "192.168.1.1", "255.255.255.0"));
        assert!(of("fd00::71", "fd00::1", "ffff:ffff:ffff:ffff::"));
        assert!(!of("fd00:0:0:1::71", "fd00::1", "ffff:ffff:ffff:ffff::"));
        assert!(!of("fd00::71", "192.168.1.1", "0.0.0.0"));
    }

    #[test]
    fn this_host_is_on_its_own_link_and_the_documentation_network_is_not() {
        assert!(is_on_link(IpAddr::from([127, 0, 0, 1])));
        assert!(is_on_link("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!is_on_link(IpAddr::from([203, 0, 113, 7])));
    }
}
