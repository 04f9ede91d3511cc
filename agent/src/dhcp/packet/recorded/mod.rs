//! What real firmware, iPXE and DHCP servers said to each other in the lab, as it was on the wire:
//! UEFI (OVMF of 2022) and iPXE (of QEMU) with dnsmasq, Kea, ISC dhcpd, and dnsmasq as proxy DHCP.
//!
//! In `*.hex` each frame has a line, and above it what is to be read in it.

use super::*;
use crate::event::line;

/// Everything that is read, in one line.
fn told(frame: &[u8]) -> String {
    let Some(Heard {
        dhcp,
        boots,
        renews,
    }) = read(frame)
    else {
        return "no message".to_owned();
    };
    let mut text = format!(
        "{} {:08x} {}",
        dhcp.mac,
        dhcp.xid,
        line::line(&crate::event::Event::Dhcp(dhcp.clone()))
    );
    if !dhcp.vendor_class.is_empty() {
        text.push_str(&format!(", class {}", dhcp.vendor_class));
    }
    if let Some(uuid) = dhcp.uuid {
        text.push_str(&format!(", uuid {uuid}"));
    }
    for (word, holds) in [
        ("boots", boots),
        ("renews", renews),
        ("is iPXE", dhcp.is_ipxe),
        ("options differ from fields", dhcp.has_options_66_67),
        ("proxy", dhcp.is_proxy_offer()),
    ] {
        if holds {
            text.push_str(&format!(", {word}"));
        }
    }
    text
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks_exact(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

#[track_caller]
fn holds(recorded: &str) {
    let mut expected = "";
    let (mut frames, mut wrong) = (0, String::new());
    for line in recorded.lines() {
        if let Some(text) = line.strip_prefix("> ") {
            expected = text;
            continue;
        }
        frames += 1;
        let frame = bytes(line);
        let found = told(&frame);
        if found != expected {
            wrong.push_str(&format!("> {found}\n{line}\n"));
        }
        for cut in 0..frame.len() {
            read(&frame[..cut]);
        }
    }
    assert!(
        frames >= 4 && wrong.is_empty(),
        "other than expected:\n{wrong}"
    );
}

#[test]
fn firmware_and_dnsmasq_are_understood() {
    holds(include_str!("ovmf-dnsmasq.hex"));
}

#[test]
fn ipxe_and_kea_are_understood() {
    holds(include_str!("ipxe-kea.hex"));
}

#[test]
fn ipxe_and_isc_dhcpd_are_understood() {
    holds(include_str!("ipxe-isc.hex"));
}

#[test]
fn a_proxy_beside_isc_dhcpd_is_understood() {
    holds(include_str!("ovmf-isc-proxy.hex"));
}
