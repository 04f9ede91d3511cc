//! What a machine says of itself in the query of `/script`. All of it is untrusted: what can get
//! into a script later is only what was parsed into a type of its own here; texts are bounded, and
//! compared and logged but never put into a script.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::query;
use crate::arch::{Cpu, Platform};
use crate::config::{FactName, Name};
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// What a machine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// SMBIOS UUID, if it names a machine at all ([`Uuid::is_worthless`]).
    pub uuid: Option<Uuid>,
    /// MACs, that of the card it boots from first.
    pub macs: Vec<Mac>,
    /// What iPXE runs on.
    pub platform: Option<Platform>,
    /// What iPXE was built for.
    pub buildarch: Option<Cpu>,
    /// A BIOS machine's processor has long mode, although its iPXE says i386.
    pub cpu64: bool,
    /// Its address: what it says, until the gate puts in what the connection shows.
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
    /// The menu item that was chosen at the machine.
    #[serde(skip)]
    pub item: Option<Name>,
    /// Somebody at the machine asks for the menu instead of what was decided.
    #[serde(skip)]
    pub menu: bool,
    /// How often it asked before, while it waited; 0 the first time.
    #[serde(skip)]
    pub attempt: u8,
}

impl Facts {
    /// Reads a query as iPXE sends it, still percent-encoded. What cannot be read is left out: a
    /// machine with odd facts still boots. Of a key that comes twice the first counts, so that what
    /// iPXE of 2019 decodes too early in a later value changes nothing before it.
    pub fn parse(query: &str) -> Facts {
        let mut facts = Facts::default();
        for (key, value) in query::pairs(query) {
            facts.take(key, &value);
        }
        facts
    }

    fn take(&mut self, key: &str, value: &[u8]) {
        let text = query::text(value);
        match key {
            "uuid" => set(
                &mut self.uuid,
                text.parse().ok().filter(|uuid: &Uuid| !uuid.is_worthless()),
            ),
            "mac" | "mac0" | "mac1" | "mac2" | "mac3" => {
                if let Ok(mac) = text.parse()
                    && !self.macs.contains(&mac)
                    && self.macs.len() < limits::MACHINE_MACS
                {
                    self.macs.push(mac);
                }
            }
            "platform" => set(&mut self.platform, text.parse().ok()),
            "buildarch" => set(&mut self.buildarch, text.parse().ok()),
            "cpu64" => self.cpu64 |= text == "1",
            "ip" => set(&mut self.ip, text.parse().ok()),
            "item" | "profile" => set(&mut self.item, Name::new(&text).ok()),
            "menu" => self.menu |= text == "1",
            "attempt" => self.attempt = text.parse().unwrap_or(self.attempt),
            _ => self.take_text(key, value, text),
        }
    }

    /// Texts of the machine's maker come as hexadecimal digits (`product-hex`), or as they are where
    /// a person writes the query.
    fn take_text(&mut self, key: &str, value: &[u8], plain: String) {
        let (key, text) = match key.strip_suffix("-hex") {
            Some(key) => match query::from_hex(value) {
                Some(bytes) => (key, query::text(&bytes)),
                None => return,
            },
            None => (key, plain),
        };
        let place = match key {
            "manufacturer" => &mut self.manufacturer,
            "product" => &mut self.product,
            "serial" => &mut self.serial,
            "asset" => &mut self.asset,
            "busid" => &mut self.busid,
            "chip" => &mut self.chip,
            "version" => &mut self.version,
            _ => return,
        };
        if place.is_empty() {
            *place = text;
        }
    }

    /// What the machine runs on. One that does not say is judged by its iPXE: those for BIOS say
    /// i386, and those for anything else are for UEFI.
    pub fn platform(&self) -> Platform {
        self.platform.unwrap_or(match self.buildarch {
            None | Some(Cpu::I386) => Platform::Bios,
            Some(_) => Platform::Efi,
        })
    }

    /// What its processor can run: iPXE for BIOS is a 32-bit program on 64-bit machines too.
    pub fn cpu(&self) -> Cpu {
        match (self.platform(), self.buildarch) {
            (Platform::Bios, None | Some(Cpu::I386)) if self.cpu64 => Cpu::Amd64,
            (Platform::Bios, None) => Cpu::I386,
            (Platform::Efi, None) => Cpu::Amd64,
            (_, Some(cpu)) => cpu,
        }
    }

    /// The values that a policy's condition is compared with; one of them must match.
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

    /// How a line of the log names it: its MAC, else its UUID, else its address. Never its own words.
    pub fn label(&self) -> String {
        let mac = self.macs.first().map(Mac::to_string);
        mac.or_else(|| self.uuid.map(|uuid| uuid.to_string()))
            .or_else(|| self.ip.map(|ip| ip.to_string()))
            .unwrap_or_else(|| "a machine that says nothing of itself".to_owned())
    }

    /// What it is counted by, the same at each of its boots: its UUID in the smaller byte order, else
    /// the MAC it boots from, else its address.
    pub fn key(&self) -> String {
        match self.uuid {
            Some(uuid) => uuid.min(uuid.swapped()).to_string(),
            None => self.label(),
        }
    }
}

/// The first value counts.
fn set<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_of_ipxe_is_read() {
        let facts = Facts::parse(
            "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=5c-f3-fc-01-02-03&mac1=\
             &mac2=5c-f3-fc-01-02-04&platform=efi&buildarch=x86_64&busid=01:14:e4:16:39\
             &manufacturer-hex=49424d20436f72702e&product=x3550+M3&unknown=1&attempt=3",
        );
        let macs = ["5c:f3:fc:01:02:03", "5c:f3:fc:01:02:04"];
        assert_eq!(facts.macs, macs.map(|mac| mac.parse().unwrap()));
        assert_eq!(facts.manufacturer, "IBM Corp.");
        assert_eq!(facts.product, "x3550 M3");
        assert_eq!(facts.busid, "01:14:e4:16:39");
        assert_eq!((facts.platform(), facts.cpu()), (Platform::Efi, Cpu::Amd64));
        assert_eq!(facts.attempt, 3);
        assert!(facts.uuid.is_some() && facts.item.is_none() && !facts.menu);
    }

    #[test]
    fn processor_and_platform_are_known_from_whatever_is_said() {
        let of = |query: &str| {
            let facts = Facts::parse(query);
            (facts.platform(), facts.cpu())
        };
        use Platform::{Bios, Efi};
        assert_eq!(of(""), (Bios, Cpu::I386));
        assert_eq!(of("platform=pcbios&buildarch=i386"), (Bios, Cpu::I386));
        assert_eq!(
            of("platform=pcbios&buildarch=i386&cpu64=1"),
            (Bios, Cpu::Amd64)
        );
        assert_eq!(of("platform=efi&buildarch=i386&cpu64=1"), (Efi, Cpu::I386));
        assert_eq!(of("platform=efi"), (Efi, Cpu::Amd64));
        assert_eq!(of("buildarch=arm64"), (Efi, Cpu::Arm64));
        assert_eq!(of("buildarch=vax&platform=toaster"), (Bios, Cpu::I386));
    }

    #[test]
    fn a_worthless_uuid_is_none() {
        for uuid in [
            "00000000-0000-0000-0000-000000000000",
            "03000200-0400-0500-0006-000700080009",
            "nonsense",
        ] {
            assert_eq!(Facts::parse(&format!("uuid={uuid}")).uuid, None, "{uuid}");
        }
    }

    #[test]
    fn what_ipxe_decodes_too_early_changes_nothing_before_it() {
        // A product named `x&mac=...&platform=efi`, sent as text by a script of another's.
        let facts = Facts::parse(
            "mac=52:54:00:00:00:01&platform=pcbios&manufacturer=A&product=x&platform=efi\
             &manufacturer=B&product=y",
        );
        assert_eq!(facts.platform(), Platform::Bios);
        assert_eq!((&*facts.manufacturer, &*facts.product), ("A", "x"));
    }

    #[test]
    fn more_macs_than_a_machine_has_are_left_out() {
        let query: Vec<_> = (0..20)
            .map(|n| format!("mac=52:54:00:00:00:{n:02x}"))
            .collect();
        assert_eq!(
            Facts::parse(&query.join("&")).macs.len(),
            limits::MACHINE_MACS
        );
    }

    #[test]
    fn a_machine_is_counted_as_one_in_both_byte_orders_of_its_uuid() {
        let key = |uuid: &str| Facts::parse(&format!("uuid={uuid}")).key();
        assert_eq!(
            key("4c4c4544-0042-3510-8052-b4c04f4d3132"),
            key("44454c4c-4200-1035-8052-b4c04f4d3132")
        );
    }

    proptest! {
        #[test]
        fn any_query_can_be_read(query in "\\PC*") {
            let facts = Facts::parse(&query);
            prop_assert!(facts.serial.len() <= limits::FACT_BYTES);
            facts.label();
        }
    }
}
