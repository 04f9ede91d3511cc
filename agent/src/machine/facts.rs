//! What a machine says of itself in the query of `/script`. All of it is untrusted: what goes into
//! a script later is only what was parsed into a type here; texts are bounded and only compared.

use std::net::IpAddr;

use crate::arch::{Cpu, Platform};
use crate::config::{FactName, Name};
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// What a machine says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// SMBIOS UUID, if it names a machine at all ([`Uuid::is_worthless`]).
    pub uuid: Option<Uuid>,
    /// MACs, that of the boot NIC first.
    pub macs: Vec<Mac>,
    /// What iPXE runs on.
    pub platform: Option<Platform>,
    /// What iPXE was built for.
    pub buildarch: Option<Cpu>,
    /// A BIOS machine's processor has long mode, although its iPXE says i386.
    pub cpu64: bool,
    /// Its address, as the connection shows it.
    pub ip: Option<IpAddr>,
    /// SMBIOS manufacturer.
    pub manufacturer: String,
    /// SMBIOS product.
    pub product: String,
    /// SMBIOS serial number.
    pub serial: String,
    /// SMBIOS asset tag.
    pub asset: String,
    /// Bus type and PCI ids of the boot NIC, as iPXE's `${busid}` has them.
    pub busid: String,
    /// iPXE's driver or chip name.
    pub chip: String,
    /// iPXE's version.
    pub version: String,
    /// The menu item that was chosen there.
    pub item: Option<Name>,
}

impl Facts {
    /// Reads a query as iPXE sends it, still percent-encoded. What cannot be read is left out:
    /// a machine with odd facts still boots.
    pub fn parse(query: &str) -> Facts {
        let mut facts = Facts::default();
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let value = decode(value);
            match key {
                "uuid" => {
                    facts.uuid = value
                        .parse()
                        .ok()
                        .filter(|uuid: &Uuid| !uuid.is_worthless())
                }
                "mac" | "mac1" | "mac2" | "mac3" => {
                    if let Ok(mac) = value.parse::<Mac>()
                        && !facts.macs.contains(&mac)
                        && facts.macs.len() < limits::MACHINE_MACS
                    {
                        facts.macs.push(mac);
                    }
                }
                "platform" => facts.platform = value.parse().ok(),
                "buildarch" => facts.buildarch = value.parse().ok(),
                "cpu64" => facts.cpu64 = value == "1",
                "manufacturer" => facts.manufacturer = value,
                "product" => facts.product = value,
                "serial" => facts.serial = value,
                "asset" => facts.asset = value,
                "busid" => facts.busid = value,
                "chip" => facts.chip = value,
                "version" => facts.version = value,
                "item" => facts.item = Name::new(&value).ok(),
                _ => {}
            }
        }
        facts
    }

    /// What the machine runs on; a machine that does not say is taken for a BIOS one, whose way to
    /// the disk works without the firmware's help.
    pub fn platform(&self) -> Platform {
        self.platform.unwrap_or(Platform::Bios)
    }

    /// What its processor can run: iPXE for BIOS is a 32-bit program on 64-bit machines too.
    pub fn cpu(&self) -> Cpu {
        match self.buildarch.unwrap_or(Cpu::I386) {
            Cpu::I386 if self.cpu64 => Cpu::Amd64,
            cpu => cpu,
        }
    }

    /// The values that a policy's condition is compared with.
    pub fn values(&self, fact: FactName) -> Vec<String> {
        let text = |text: &String| vec![text.clone()];
        match fact {
            FactName::Manufacturer => text(&self.manufacturer),
            FactName::Product => text(&self.product),
            FactName::Serial => text(&self.serial),
            FactName::Asset => text(&self.asset),
            FactName::Busid => text(&self.busid),
            FactName::Mac => self.macs.iter().map(Mac::to_string).collect(),
            FactName::Uuid => {
                let both = self.uuid.map(|uuid| [uuid, uuid.swapped()]);
                both.iter().flatten().map(Uuid::to_string).collect()
            }
            FactName::Platform => vec![self.platform().ipxe_name().to_owned()],
            FactName::Architecture => vec![self.cpu().name().to_owned()],
            FactName::Ip => self.ip.iter().map(IpAddr::to_string).collect(),
        }
    }

    /// How a log line names it: its MAC, else its UUID, else its address.
    pub fn label(&self) -> String {
        let mac = self.macs.first().map(Mac::to_string);
        mac.or_else(|| self.uuid.map(|uuid| uuid.to_string()))
            .or_else(|| self.ip.map(|ip| ip.to_string()))
            .unwrap_or_else(|| "a machine that says nothing of itself".to_owned())
    }
}

/// Percent-decodes one value, keeps printable characters, and cuts at [`limits::FACT_BYTES`].
fn decode(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (
            first,
            hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut kept = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if kept.len() + character.len_utf8() > limits::FACT_BYTES {
            break;
        }
        kept.push(character);
    }
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_ipxe_is_read() {
        let facts = Facts::parse(
            "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=5c-f3-fc-01-02-03&mac1=&platform=efi\
             &buildarch=x86_64&manufacturer=IBM%20Corp.&product=x3550+M3&unknown=1",
        );
        assert_eq!(facts.macs, ["5c:f3:fc:01:02:03".parse().unwrap()]);
        assert_eq!(facts.manufacturer, "IBM Corp.");
        assert_eq!(facts.product, "x3550 M3");
        assert_eq!((facts.platform(), facts.cpu()), (Platform::Efi, Cpu::Amd64));
        assert!(facts.uuid.is_some());
    }

    #[test]
    fn a_bios_machine_with_long_mode_is_a_64_bit_machine() {
        assert_eq!(
            Facts::parse("platform=pcbios&buildarch=i386&cpu64=1").cpu(),
            Cpu::Amd64
        );
        assert_eq!(
            Facts::parse("platform=pcbios&buildarch=i386").cpu(),
            Cpu::I386
        );
    }

    #[test]
    fn a_worthless_uuid_is_none() {
        assert_eq!(
            Facts::parse("uuid=00000000-0000-0000-0000-000000000000").uuid,
            None
        );
    }

    #[test]
    fn a_fact_is_bounded_and_printable() {
        let facts = Facts::parse(&format!("serial=a%0Ab%00{}&asset=%zz%", "é".repeat(500)));
        assert!(facts.serial.starts_with("abé"));
        assert!(facts.serial.len() <= limits::FACT_BYTES);
        assert_eq!(facts.asset, "%zz%");
    }
}
