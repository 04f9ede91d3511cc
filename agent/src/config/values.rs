//! Durations, sizes and addresses as people write them. The errors are sentences for people.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// `500ms`, `5s`, `2m`, `1h`, `90d`: a whole number and a unit.
///
/// # Errors
/// A sentence for people.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || "a duration is a whole number and a unit: `500ms`, `5s`, `2m`, `1h` or `90d`".to_owned();
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let total = number.checked_mul(milliseconds).ok_or_else(wrong)?;
    Ok(Duration::from_millis(total))
}

/// `2 GiB`, `512 MiB`, `10 GB`: a whole number and a unit; returns bytes.
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "a size is a whole number and a unit: `512 MiB`, `2 GiB` or `10 GB`".to_owned();
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(bytes).ok_or_else(wrong)
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.strip_prefix(' ').unwrap_or(unit)))
}

/// A duration as it would be written.
pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    for (unit, size) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1_000),
    ] {
        if milliseconds >= size && milliseconds.is_multiple_of(size) {
            return format!("{}{unit}", milliseconds / size);
        }
    }
    format!("{milliseconds}ms")
}

/// A size as it would be written.
pub(super) fn show_size(bytes: u64) -> String {
    for (unit, size) in [
        ("TiB", 1_u64 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{} {unit}", bytes / size);
        }
    }
    format!("{bytes} B")
}

/// An address that a server can listen on: no prefix, no port, no multicast group.
pub(super) fn listen_address(text: &str) -> Result<IpAddr, String> {
    let address: IpAddr = text.parse().map_err(|_| {
        if text.contains('/') {
            "an address to listen on has no prefix: `192.168.1.1`, not `192.168.1.1/24`".to_owned()
        } else {
            "not an IP address such as `192.168.1.1` or `fd00::1`".to_owned()
        }
    })?;
    if address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err("a multicast or broadcast address, on which nothing can listen".to_owned());
    }
    Ok(address)
}

/// One machine's IPv4 address.
pub(super) fn host_address(text: &str) -> Result<Ipv4Addr, String> {
    let address: Ipv4Addr = text
        .parse()
        .map_err(|_| "not an IPv4 address such as `192.168.1.1`".to_owned())?;
    if address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0 {
        return Err("no machine can have this address".to_owned());
    }
    if address.is_loopback() {
        return Err("a loopback address, which is each machine itself".to_owned());
    }
    Ok(address)
}

/// `192.168.1.171/24`: a machine's address with the bits of its network.
pub(super) fn prefix_address(text: &str) -> Result<(Ipv4Addr, u8), String> {
    let Some((address, bits)) = text.split_once('/') else {
        host_address(text)?;
        return Err(format!(
            "the bits of the network are missing, for example `{text}/24`"
        ));
    };
    let address = host_address(address)?;
    let bits: u8 = bits
        .parse()
        .ok()
        .filter(|bits| (1..=32).contains(bits) && !text.contains('+'))
        .ok_or("the bits of the network are a number from 1 to 32")?;
    let (first, last) = network(address, bits);
    // Networks of 31 and 32 bits have neither (RFC 3021).
    if bits < 31 && address == first {
        return Err("this is the address of the network itself".to_owned());
    }
    if bits < 31 && address == last {
        return Err("this is the broadcast address of its network".to_owned());
    }
    Ok((address, bits))
}

/// First and last address of the network that `address` lies in.
pub(super) fn network(address: Ipv4Addr, bits: u8) -> (Ipv4Addr, Ipv4Addr) {
    let mask = u32::MAX
        .checked_shl(32 - u32::from(bits.min(32)))
        .unwrap_or(0);
    let first = address.to_bits() & mask;
    (first.into(), (first | !mask).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_print_as_they_are_written() {
        for text in ["500ms", "5s", "2m", "1h", "0ms", "90s", "90d", "36h"] {
            let parsed = duration(text).unwrap();
            assert_eq!(show_duration(parsed), text);
        }
        assert_eq!(duration("5 s"), Ok(Duration::from_secs(5)));
        for bad in [
            "",
            "5",
            "s",
            "5 w",
            "-5s",
            "1.5s",
            "5  s",
            "99999999999999999999s",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert!(duration(&format!("{}h", u64::MAX)).is_err());
    }

    #[test]
    fn sizes_need_a_unit_and_know_both_kinds() {
        assert_eq!(size("2 GiB"), Ok(2 << 30));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("10 GB"), Ok(10_000_000_000));
        for bad in ["", "2", "GiB", "2 gib", "2 G", "-1 B", "99999999999 TiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        for text in ["1 TiB", "512 MiB", "1000 B", "3 KiB"] {
            assert_eq!(show_size(size(text).unwrap()), text);
        }
    }

    #[test]
    fn a_machine_has_neither_the_first_nor_the_last_address_of_its_network() {
        assert_eq!(
            prefix_address("192.168.1.171/24"),
            Ok((Ipv4Addr::new(192, 168, 1, 171), 24))
        );
        assert!(prefix_address("10.0.0.0/31").is_ok());
        assert!(prefix_address("10.0.0.1/32").is_ok());
        for bad in [
            "192.168.1.0/24",
            "192.168.1.255/24",
            "192.168.1.1",
            "192.168.1.1/0",
            "192.168.1.1/33",
            "192.168.1.1/+24",
            "192.168.1.1/",
            "/24",
            "fd00::1/64",
            "127.0.0.1/8",
            "0.0.0.0/0",
            "224.0.0.1/4",
        ] {
            assert!(prefix_address(bad).is_err(), "{bad}");
        }
    }
}
