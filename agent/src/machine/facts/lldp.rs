//! What the switch says of itself by LLDP (IEEE 802.1AB-2016), as iPXE for UEFI hands it on: the value
//! of a whole TLV, that is a subtype and what it means.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::mac::Mac;
use crate::machine::query;

/// An identity of a switch or port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// A name, as people gave it or the switch has it.
    Name(String),
    /// A MAC: better than nothing, worse than a description.
    Mac(Mac),
}

impl Id {
    /// As people read it.
    pub fn text(&self) -> String {
        match self {
            Id::Name(name) => name.clone(),
            Id::Mac(mac) => mac.to_string(),
        }
    }
}

/// The value of a Chassis ID TLV (section 8.5.2).
pub fn chassis(value: &[u8]) -> Option<Id> {
    const MAC: u8 = 4;
    const ADDRESS: u8 = 5;
    id(value, MAC, ADDRESS)
}

/// The value of a Port ID TLV (section 8.5.3).
pub fn port(value: &[u8]) -> Option<Id> {
    const MAC: u8 = 3;
    const ADDRESS: u8 = 4;
    id(value, MAC, ADDRESS)
}

fn id(value: &[u8], mac: u8, address: u8) -> Option<Id> {
    let (&subtype, value) = value.split_first()?;
    if subtype == mac {
        let bytes = value.try_into().ok()?;
        return Mac::new(bytes).ok().map(Id::Mac);
    }
    let name = if subtype == address {
        self::address(value)?
    } else {
        query::text(value)
    };
    (!name.is_empty()).then_some(Id::Name(name))
}

/// A network address: its IANA family, then its bytes.
fn address(value: &[u8]) -> Option<String> {
    match value {
        [1, bytes @ ..] => {
            let bytes: [u8; 4] = bytes.try_into().ok()?;
            Some(Ipv4Addr::from(bytes).to_string())
        }
        [2, bytes @ ..] => {
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            Some(Ipv6Addr::from(bytes).to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(id: Option<Id>) -> Option<String> {
        id.map(|id| id.text())
    }

    #[test]
    fn a_port_is_named_as_the_switch_names_it() {
        assert_eq!(text(port(b"\x05ge-0/0/7")).as_deref(), Some("ge-0/0/7"));
        assert_eq!(text(port(b"\x0724")).as_deref(), Some("24"));
        let mac = b"\x03\x00\x11\x22\x33\x44\x55";
        assert_eq!(
            port(mac),
            Some(Id::Mac("00:11:22:33:44:55".parse().unwrap()))
        );
    }

    #[test]
    fn a_chassis_counts_its_subtypes_in_another_way() {
        let mac = b"\x04\x00\x11\x22\x33\x44\x55";
        assert_eq!(text(chassis(mac)).as_deref(), Some("00:11:22:33:44:55"));
        let address = b"\x05\x01\xc0\xa8\x01\x02";
        assert_eq!(text(chassis(address)).as_deref(), Some("192.168.1.2"));
        assert_eq!(text(chassis(b"\x07rack 3")).as_deref(), Some("rack 3"));
    }

    #[test]
    fn what_is_cut_or_empty_is_nothing() {
        for bad in [
            &b""[..],
            b"\x05",
            b"\x03\x00\x11",
            b"\x04\x01\x02",
            b"\x04\x63abcd",
        ] {
            assert_eq!(port(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_bounded_line(bytes: Vec<u8>) {
            for id in [port(&bytes), chassis(&bytes)].into_iter().flatten() {
                prop_assert!(id.text().len() <= crate::limits::FACT_BYTES);
                prop_assert!(!id.text().chars().any(char::is_control));
            }
        }
    }
}
