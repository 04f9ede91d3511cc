//! Addresses and networks, as ranges of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

/// One address, a range of them (`192.168.1.10..192.168.1.50`, both ends counted), a network
/// (`192.168.1.0/24`, `fd00:1::/64`), or what people write for one (`192.168.1.*`). The error is a
/// sentence for people.
pub fn addresses(text: &str) -> Result<RangeInclusive<IpAddr>, String> {
    if let Some((first, last)) = text.split_once("..") {
        return range(first.trim(), last.trim());
    }
    if text.contains('/') {
        return network(text);
    }
    if text.contains(['*', '?']) {
        return starred(text);
    }
    let address = address(text).ok_or(
        "not an address, a network or a range: `192.168.1.7`, `192.168.1.0/24`, \
         `192.168.1.10..192.168.1.50`, `fd00:1::/64`",
    )?;
    Ok(address..=address)
}

/// A network, with its bits; the error is a sentence for people.
pub fn network(text: &str) -> Result<RangeInclusive<IpAddr>, String> {
    let wrong = || "not a network: `192.168.1.0/24` or `fd00:1::/64`".to_owned();
    let Some((base, bits)) = text.split_once('/') else {
        return Err(match address(text) {
            Some(address) => format!(
                "a network has the number of its bits: `{address}/{}` is this address alone, and \
                 `ip` takes addresses and ranges too",
                if address.is_ipv4() { 32 } else { 128 }
            ),
            None => wrong(),
        });
    };
    let base: IpAddr = base.parse().map_err(|_| wrong())?;
    let most = if base.is_ipv4() { 32 } else { 128 };
    let is_number = bits.bytes().all(|byte| byte.is_ascii_digit());
    let bits: u32 = bits
        .parse()
        .ok()
        .filter(|bits| is_number && *bits <= most)
        .ok_or_else(|| format!("the bits of this network are a number from 0 to {most}"))?;
    let (first, last) = ends(base, bits);
    if first != base {
        return Err(format!(
            "{base} is an address inside the network: write `{first}/{bits}` for the network"
        ));
    }
    Ok(first..=last)
}

/// First and last address of the network of so many bits that `base` is in.
fn ends(base: IpAddr, bits: u32) -> (IpAddr, IpAddr) {
    match base {
        IpAddr::V4(base) => {
            let open = u32::MAX.checked_shr(bits).unwrap_or(0);
            let number = base.to_bits();
            let (first, last) = (number & !open, number | open);
            (
                Ipv4Addr::from_bits(first).into(),
                Ipv4Addr::from_bits(last).into(),
            )
        }
        IpAddr::V6(base) => {
            let open = u128::MAX.checked_shr(bits).unwrap_or(0);
            let number = base.to_bits();
            let (first, last) = (number & !open, number | open);
            (
                Ipv6Addr::from_bits(first).into(),
                Ipv6Addr::from_bits(last).into(),
            )
        }
    }
}

fn range(first: &str, last: &str) -> Result<RangeInclusive<IpAddr>, String> {
    let (Some(first), Some(last)) = (address(first), address(last)) else {
        return Err("a range has an address at both ends: `192.168.1.10..192.168.1.50`".to_owned());
    };
    if first.is_ipv4() != last.is_ipv4() {
        return Err("a range is of one family: both ends IPv4, or both IPv6".to_owned());
    }
    if first > last {
        return Err(format!(
            "the range ends before it begins: write `{last}..{first}`"
        ));
    }
    Ok(first..=last)
}

/// `192.168.1.*`.
fn starred(text: &str) -> Result<RangeInclusive<IpAddr>, String> {
    let wrong = || {
        "`*` may stand for whole numbers at the end of an IPv4 address only: write networks as \
         `192.168.1.0/24` or `fd00:1::/64`, ranges as `192.168.1.10..192.168.1.50`"
            .to_owned()
    };
    let parts: Vec<&str> = text.split('.').collect();
    let open = parts.iter().rev().take_while(|part| **part == "*").count();
    let written = &parts[..parts.len() - open];
    if open == 0 || parts.len() > 4 || written.is_empty() {
        return Err(wrong());
    }
    let mut octets = [0; 4];
    for (octet, part) in octets.iter_mut().zip(written) {
        *octet = part.parse().map_err(|_| wrong())?;
    }
    let bits = u32::try_from(written.len() * 8).map_err(|_| wrong())?;
    let (first, last) = ends(IpAddr::from(octets), bits);
    Ok(first..=last)
}

/// As machines are known by it: an IPv4 address in IPv6's clothes is IPv4.
fn address(text: &str) -> Option<IpAddr> {
    text.parse()
        .ok()
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn has(pattern: &str, address: &str) -> bool {
        let range = addresses(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        range.contains(&address.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn addresses_networks_and_ranges_have_their_ends() {
        for (pattern, inside, outside) in [
            ("192.168.1.7", "192.168.1.7", "192.168.1.8"),
            ("192.168.1.0/24", "192.168.1.0", "192.168.2.0"),
            ("192.168.1.0/24", "192.168.1.255", "192.168.0.255"),
            ("192.168.1.*", "192.168.1.255", "192.168.2.0"),
            ("192.168.*", "192.168.254.3", "192.169.0.0"),
            ("192.168.*.*", "192.168.254.3", "192.167.255.255"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("10.0.0.9/32", "10.0.0.9", "10.0.0.8"),
            ("fd00:1::/64", "fd00:1::ffff", "fd00:1:0:1::"),
            ("::/0", "ffff::1", "1.2.3.4"),
            ("fd00::1", "fd00::1", "fd00::2"),
            ("::ffff:10.0.0.9", "10.0.0.9", "10.0.0.8"),
            (
                "192.168.1.10 .. 192.168.1.50",
                "192.168.1.50",
                "192.168.1.51",
            ),
            ("192.168.1.10..192.168.1.50", "192.168.1.10", "192.168.1.9"),
        ] {
            assert!(has(pattern, inside), "{pattern} {inside}");
            assert!(!has(pattern, outside), "{pattern} {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_the_remedy() {
        for (bad, remedy) in [
            ("192.168.1.5/24", "192.168.1.0/24"),
            ("fd00:1::1/64", "fd00:1::/64"),
            ("192.168.1.0/33", "0 to 32"),
            ("192.168.1.0/+24", "0 to 32"),
            ("fd00::/129", "0 to 128"),
            ("192.168.1.50..192.168.1.10", "192.168.1.10..192.168.1.50"),
            ("192.168.1.50..fd00::1", "one family"),
            ("192.168.1.1..50", "both ends"),
            ("192.168.*.7", "192.168.1.0/24"),
            ("192.168.1?.*", "192.168.1.0/24"),
            ("fd00:*", "fd00:1::/64"),
            ("*.*", "192.168.1.0/24"),
            ("1.2.3.4.*", "192.168.1.0/24"),
            ("oden", "192.168.1.7"),
        ] {
            let why = addresses(bad).unwrap_err();
            assert!(why.contains(remedy), "{bad}: {why}");
        }
        assert!(
            network("192.168.1.7")
                .unwrap_err()
                .contains("192.168.1.7/32")
        );
        assert!(network("192.168.1").is_err());
    }
}
