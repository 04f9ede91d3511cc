//! PCI ids: which card it is, as drivers know it.

use std::fmt;
use std::str::FromStr;

/// Vendor and device of a PCI card. Reads and prints `14e4:1639`, as lspci(8) and the lists of
/// drivers write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PciId {
    /// Who made it (PCI-SIG).
    pub vendor: u16,
    /// Which of the vendor's it is.
    pub device: u16,
}

/// iPXE's number for PCI among bus types (`BUS_TYPE_PCI` of its `ipxe/device.h`).
const PCI: u8 = 1;

impl PciId {
    /// Of iPXE's `${busid}`: bus type, vendor and device in five bytes, `01:14:e4:16:39` (iPXE's
    /// `struct dhcp_netdev_desc`), with or without colons. `None` for a card on another bus, such as
    /// USB, and for what is no such text.
    pub fn from_busid(busid: &str) -> Option<PciId> {
        let mut digits = busid.chars().filter(|character| *character != ':');
        let mut bytes = [0; 5];
        for byte in &mut bytes {
            let (high, low) = (digits.next()?.to_digit(16)?, digits.next()?.to_digit(16)?);
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        let [bus, vendor @ .., device_high, device_low] = bytes;
        let id = PciId {
            vendor: u16::from_be_bytes(vendor),
            device: u16::from_be_bytes([device_high, device_low]),
        };
        // Where nothing answers, a PCI bus reads as all ones; a zero is a card that iPXE knows
        // nothing of.
        let is_there = !matches!(id.vendor, 0 | 0xffff);
        (digits.next().is_none() && bus == PCI && is_there).then_some(id)
    }
}

impl fmt::Display for PciId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.device)
    }
}

impl FromStr for PciId {
    type Err = String;

    fn from_str(text: &str) -> Result<PciId, String> {
        let number = |text: &str| {
            let is_one = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_one.then(|| u16::from_str_radix(text, 16).ok()).flatten()
        };
        let ids = text.split_once(':');
        let ids = ids.and_then(|(vendor, device)| Some((number(vendor)?, number(device)?)));
        let (vendor, device) =
            ids.ok_or("no PCI id: four hexadecimal digits, a colon, four more, as 14e4:1639")?;
        Ok(PciId { vendor, device })
    }
}

crate::form::as_text!(PciId);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BCM5709: PciId = PciId {
        vendor: 0x14e4,
        device: 0x1639,
    };

    #[test]
    fn a_card_is_known_from_what_ipxe_calls_it() {
        for busid in ["01:14:e4:16:39", "0114e41639", "01:14:E4:16:39"] {
            assert_eq!(PciId::from_busid(busid), Some(BCM5709), "{busid}");
        }
    }

    #[test]
    fn what_is_on_no_pci_bus_has_no_pci_id() {
        for busid in [
            "",
            "0a:0b:da:81:53",
            "01:ff:ff:ff:ff",
            "01:00:00:00:00",
            "01:14:e4:16",
            "01:14:e4:16:39:00",
            "01:14:e4:16:3",
            "01:14:e4:16:3g",
        ] {
            assert_eq!(PciId::from_busid(busid), None, "{busid}");
        }
    }

    #[test]
    fn it_is_read_as_it_is_written() {
        assert_eq!(BCM5709.to_string(), "14e4:1639");
        assert_eq!("14E4:1639".parse(), Ok(BCM5709));
        for bad in ["14e4", "14e41639", "14e4:163", "+4e4:1639", "14e4:1639:0"] {
            assert!(bad.parse::<PciId>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_looked_at(text: String) {
            PciId::from_busid(&text);
            let _ = text.parse::<PciId>();
        }
    }
}
