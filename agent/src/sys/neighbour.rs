//! The neighbour (ARP) table: which hardware address has an IPv4 address.
//!
//! IPv6 is left out: Linux gives its table only over netlink, and a client that is told from another
//! by its address alone has asked over TFTP, which firmware does over IPv4.

use std::net::IpAddr;

use crate::mac::Mac;

/// The MAC that the kernel knows for an address of a directly attached network; `None` if it knows
/// none, for IPv6, and where the table cannot be read.
pub fn mac_of(address: IpAddr) -> Option<Mac> {
    match address {
        IpAddr::V4(address) => table::mac_of(address),
        IpAddr::V6(_) => None,
    }
}

#[cfg(target_os = "linux")]
mod table {
    use std::net::Ipv4Addr;

    use crate::mac::Mac;

    pub fn mac_of(address: Ipv4Addr) -> Option<Mac> {
        find(&std::fs::read_to_string("/proc/net/arp").ok()?, address)
    }

    /// The kernel's text: address, type, flags, hardware address, mask, device (proc(5)). An entry
    /// without the flag 2 (`ATF_COM`) is not complete: nobody has answered.
    fn find(text: &str, address: Ipv4Addr) -> Option<Mac> {
        text.lines().skip(1).find_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let is_it = columns.next()?.parse() == Ok(address);
            let flags = columns.nth(1)?.strip_prefix("0x")?;
            let flags = u32::from_str_radix(flags, 16).ok()?;
            let mac = columns.next()?.parse().ok()?;
            (is_it && flags & 2 != 0).then_some(mac)
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
192.168.1.71     0x1         0x2         5c:f3:fc:01:02:03     *        em0
192.168.1.72     0x1         0x0         00:00:00:00:00:00     *        em0
192.168.1.73     0x1         0x6         5c:f3:fc:01:02:04     *        em0
";

        fn of(address: &str) -> Option<String> {
            find(TABLE, address.parse().unwrap()).map(|mac| mac.to_string())
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
            assert_eq!(find("", "192.168.1.71".parse().unwrap()), None);
        }
    }
}

#[cfg(target_os = "freebsd")]
mod table {
    use std::net::Ipv4Addr;

    use super::routing::{self, Layout};
    use crate::mac::Mac;

    pub fn mac_of(address: Ipv4Addr) -> Option<Mac> {
        routing::find(&read()?, address, Layout::NATIVE)
    }

    /// The kernel's link layer entries of IPv4, as arp(8) reads them: `net.route.0.inet.flags.llinfo`
    /// (sysctl(3), `NET_RT_FLAGS`).
    fn read() -> Option<Vec<u8>> {
        let name = [
            libc::CTL_NET,
            libc::PF_ROUTE,
            0,
            libc::AF_INET,
            libc::NET_RT_FLAGS,
            libc::RTF_LLDATA,
        ];
        let length = libc::c_uint::try_from(name.len()).ok()?;
        let mut size = 0;
        // SAFETY: `name` has `length` numbers; without a buffer the kernel only writes the size.
        let asked = unsafe {
            libc::sysctl(
                name.as_ptr(),
                length,
                std::ptr::null_mut(),
                &mut size,
                std::ptr::null(),
                0,
            )
        };
        if asked != 0 {
            return None;
        }
        // The table may grow in between; what does not fit is an error, and one look is enough.
        let mut bytes = vec![0; size + size / 8 + 512];
        let mut size = bytes.len();
        // SAFETY: `name` has `length` numbers, and `bytes` has room for `size` bytes, which the kernel
        // lowers to what it wrote.
        let read = unsafe {
            libc::sysctl(
                name.as_ptr(),
                length,
                bytes.as_mut_ptr().cast(),
                &mut size,
                std::ptr::null(),
                0,
            )
        };
        if read != 0 {
            return None;
        }
        bytes.truncate(size);
        Some(bytes)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
mod table {
    use std::net::Ipv4Addr;

    use crate::mac::Mac;

    pub fn mac_of(_address: Ipv4Addr) -> Option<Mac> {
        None
    }
}

/// FreeBSD's routing messages; apart from the system call, so that tests run everywhere.
#[cfg(any(target_os = "freebsd", test))]
mod routing {
    use std::net::Ipv4Addr;

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

    /// `AF_LINK`.
    const LINK: u8 = 18;

    /// Each message has a header that begins with its length, a `sockaddr_in` and a `sockaddr_dl`.
    pub fn find(mut bytes: &[u8], address: Ipv4Addr, layout: Layout) -> Option<Mac> {
        while let [low, high, ..] = *bytes {
            let length = usize::from(u16::from_ne_bytes([low, high]));
            let (message, rest) = bytes.split_at_checked(length)?;
            if length == 0 {
                return None;
            }
            bytes = rest;
            if let Some(mac) = entry(message, address, layout) {
                return Some(mac);
            }
        }
        None
    }

    fn entry(message: &[u8], address: Ipv4Addr, layout: Layout) -> Option<Mac> {
        let network = message.get(layout.header..)?;
        // sockaddr_in: length, family, port (2 bytes), address.
        if network.get(4..8)? != address.octets() {
            return None;
        }
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
        Mac::new(mac.try_into().ok()?).ok()
    }

    #[cfg(test)]
    mod tests {
        use proptest::prelude::*;

        use super::*;

        fn message(address: [u8; 4], mac: &[u8]) -> Vec<u8> {
            let mut bytes = vec![0; Layout::NATIVE.header];
            bytes.extend([16, 2, 0, 0]);
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
                find(&bytes, address, Layout::NATIVE).map(|mac| mac.to_string())
            };
            assert_eq!(of(71).as_deref(), Some("5c:f3:fc:01:02:03"));
            assert_eq!(of(72).as_deref(), Some("5c:f3:fc:01:02:04"));
            assert_eq!(of(70), None, "nobody answered for it");
            assert_eq!(of(73), None);
        }

        proptest! {
            #[test]
            fn any_bytes_end(bytes: Vec<u8>) {
                find(&bytes, Ipv4Addr::new(192, 168, 1, 71), Layout::NATIVE);
            }
        }
    }
}
