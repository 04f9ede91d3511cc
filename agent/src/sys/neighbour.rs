//! The neighbour (ARP) table: which hardware address has an IP address.

use std::net::IpAddr;

use crate::mac::Mac;

/// The MAC that the kernel knows for an address on a directly attached network; `None` if it knows
/// none, for IPv6, and where the table cannot be read.
#[cfg(target_os = "linux")]
pub fn mac_of(address: IpAddr) -> Option<Mac> {
    parse(&std::fs::read_to_string("/proc/net/arp").ok()?, address)
}

/// Not known on this system: a machine's declared loader then does not count.
#[cfg(not(target_os = "linux"))]
pub fn mac_of(_address: IpAddr) -> Option<Mac> {
    None
}

/// Reads the kernel's text: address, type, flags, hardware address, mask, device (proc(5)).
#[cfg(target_os = "linux")]
fn parse(table: &str, address: IpAddr) -> Option<Mac> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace();
        (fields.next()?.parse() == Ok(address))
            .then(|| fields.nth(2)?.parse().ok())
            .flatten()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_is_read() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
             10.0.0.7         0x1         0x2         52:54:00:12:34:56     *        br0\n\
             10.0.0.8         0x1         0x0         00:00:00:00:00:00     *        br0\n";
        let mac = |ip: &str| parse(table, ip.parse().unwrap());
        assert_eq!(mac("10.0.0.7"), "52:54:00:12:34:56".parse().ok());
        assert_eq!(mac("10.0.0.8"), None);
        assert_eq!(mac("10.0.0.9"), None);
    }
}
