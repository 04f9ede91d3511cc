//! What a machine says of itself in the query of `/script`. All of it is untrusted: what can get
//! into a script later is only what was parsed into a type of its own here; texts are bounded, and
//! compared and logged but never put into a script.

mod lldp;
mod memory;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use self::lldp::Id;
use self::memory::Memory;
use super::query;
use super::record::cut;
use crate::arch::{Cpu, Platform};
use crate::config::Name;
use crate::limits;
use crate::mac::Mac;
use crate::pci::PciId;
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
    /// Version of its firmware, as SMBIOS has it.
    pub firmware: String,
    /// UEFI Secure Boot is in force; `None` for BIOS, and for iPXE that cannot tell.
    pub secure_boot: Option<bool>,
    /// Megabytes of memory.
    pub memory_mb: Option<u32>,
    /// Its processor's maker, as `cpuid` has it: `GenuineIntel`.
    pub cpu_vendor: String,
    /// Its processor's model.
    pub cpu_model: String,
    /// The host name that DHCP gave it.
    pub hostname: String,
    /// The switch that the boot card is plugged in to, by LLDP.
    pub switch: String,
    /// The switch's port.
    pub port: String,
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
        let (mut facts, mut tables) = (Facts::default(), Tables::default());
        for (key, value) in query::pairs(query) {
            if !tables.take(key, &value) {
                facts.take(key, &value);
            }
        }
        facts.settle(tables);
        facts
    }

    /// Puts in what is only known once all was read.
    fn settle(&mut self, tables: Tables) {
        self.memory_mb = tables.memory.megabytes().or(self.memory_mb);
        if let (true, Some(chassis)) = (self.switch.is_empty(), tables.chassis) {
            self.switch = chassis.text();
        }
        match tables.port {
            // A port that is a MAC says less than its description.
            Some(Id::Mac(mac)) if self.port.is_empty() => self.port = mac.to_string(),
            Some(Id::Name(name)) => self.port = name,
            _ => {}
        }
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
            "secureboot" => set(&mut self.secure_boot, is_one(&text)),
            "memsize" => {
                let megabytes = text.parse().ok().filter(|some: &u32| *some > 0);
                set(&mut self.memory_mb, megabytes);
            }
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
            "firmware" => &mut self.firmware,
            "cpuvendor" => &mut self.cpu_vendor,
            "cpumodel" => &mut self.cpu_model,
            "hostname" => &mut self.hostname,
            "switch" => &mut self.switch,
            "port" => &mut self.port,
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

    /// The card it boots from, if it is on a PCI bus.
    pub fn nic(&self) -> Option<PciId> {
        PciId::from_busid(&self.busid)
    }

    /// With what older facts say and these do not. Facts of a handshake, which always says what iPXE
    /// runs on, stand for themselves: what they leave out is not so any more.
    pub fn over(mut self, older: Facts) -> Facts {
        if self.platform.is_some() {
            return self;
        }
        let mut whole = older;
        let said = self.texts_mut();
        for (place, said) in whole.texts_mut().into_iter().zip(said) {
            if !said.is_empty() {
                *place = std::mem::take(said);
            }
        }
        if !self.macs.is_empty() {
            whole.macs = self.macs;
        }
        Facts {
            uuid: self.uuid.or(whole.uuid),
            buildarch: self.buildarch.or(whole.buildarch),
            cpu64: self.cpu64 || whole.cpu64,
            ip: self.ip.or(whole.ip),
            secure_boot: self.secure_boot.or(whole.secure_boot),
            memory_mb: self.memory_mb.or(whole.memory_mb),
            item: self.item,
            menu: self.menu,
            attempt: self.attempt,
            ..whole
        }
    }

    /// Cuts every text to [`limits::FACT_BYTES`], and takes no more room than that needs.
    pub(super) fn bound(&mut self) {
        for text in self.texts_mut() {
            cut(text, limits::FACT_BYTES);
        }
        self.macs.truncate(limits::MACHINE_MACS);
        self.macs.shrink_to_fit();
    }

    fn texts_mut(&mut self) -> [&mut String; 13] {
        [
            &mut self.manufacturer,
            &mut self.product,
            &mut self.serial,
            &mut self.asset,
            &mut self.busid,
            &mut self.chip,
            &mut self.version,
            &mut self.firmware,
            &mut self.cpu_vendor,
            &mut self.cpu_model,
            &mut self.hostname,
            &mut self.switch,
            &mut self.port,
        ]
    }

    /// Without what is said of one request only, as a record keeps it.
    pub fn lasting(&self) -> Facts {
        Facts {
            item: None,
            menu: false,
            attempt: 0,
            ..self.clone()
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
            Some(uuid) => uuid.canonical().to_string(),
            None => self.label(),
        }
    }
}

/// What comes as the bytes of a table, and means something only together.
#[derive(Default)]
struct Tables {
    memory: Memory,
    chassis: Option<Id>,
    port: Option<Id>,
}

impl Tables {
    /// Whether it was for here.
    fn take(&mut self, key: &str, value: &[u8]) -> bool {
        if !matches!(
            key,
            "ram0" | "ram1" | "ram2" | "ram3" | "chassis" | "portid"
        ) {
            return false;
        }
        let bytes = query::from_hex(value).unwrap_or_default();
        match key {
            "chassis" => set(&mut self.chassis, lldp::chassis(&bytes)),
            "portid" => set(&mut self.port, lldp::port(&bytes)),
            _ => self.memory.add(&bytes),
        }
        true
    }
}

/// A byte as iPXE writes it, or a person.
fn is_one(text: &str) -> Option<bool> {
    match text {
        "0" | "00" => Some(false),
        "1" | "01" => Some(true),
        _ => None,
    }
}

/// The first value counts.
fn set<T>(place: &mut Option<T>, value: Option<T>) {
    if place.is_none() {
        *place = value;
    }
}

#[cfg(test)]
mod tests;
