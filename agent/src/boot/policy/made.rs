//! Machines that are made up, to see what they would get.

use crate::arch::{Cpu, Platform};
use crate::config::{Config, FactName, Kind, Machine, Name, Value, size};
use crate::form::acts;
use crate::id::MachineId;
use crate::limits;
use crate::machine::{Facts, Record};

/// A machine of which a person says what it has: one that does not exist, or a known one with other
/// facts.
#[derive(Clone, Debug)]
pub struct Made {
    /// What is known of it. What it says of itself is in its `facts`.
    pub record: Record,
    /// The processor as people say it; what iPXE says of it depends on the platform.
    architecture: Option<Cpu>,
}

impl Made {
    /// One of which nothing is known. `now` is in milliseconds since 1970.
    pub fn new(now: u64) -> Made {
        Made::of(Record::new(MachineId(0), now))
    }

    /// A known one.
    pub fn of(record: Record) -> Made {
        Made {
            record,
            architecture: None,
        }
    }

    /// Takes up by what a declared machine is known.
    pub fn declared(&mut self, machine: &Machine) {
        let facts = &mut self.record.facts;
        if facts.macs.is_empty() {
            facts.macs.clone_from(&machine.macs);
            self.record.macs.clone_from(&machine.macs);
        }
        facts.uuid = facts.uuid.or(machine.uuid);
        self.record.uuid = facts.uuid;
        self.record.declared = Some(machine.name.clone());
    }

    /// Sets a fact by its key of `policy.match`, in place of what was there.
    ///
    /// # Errors
    /// A sentence for people: there is no such fact, or it cannot be this.
    pub fn set(&mut self, key: &str, values: &[String]) -> Result<(), String> {
        let Some(fact) = FactName::of_key(key) else {
            let known: Vec<_> = FactName::ALL.iter().map(|fact| fact.key()).collect();
            return Err(format!(
                "there is no fact `{}`; there are {}",
                key.escape_debug(),
                known.join(", ")
            ));
        };
        if matches!(fact, FactName::Tag | FactName::Mac) {
            return self
                .set_all(fact, values)
                .map_err(|why| format!("{fact}: {why}"));
        }
        match values {
            [value] => self.set_one(fact, value.trim()),
            _ => Err(format!("a machine has one, and there are {}", values.len())),
        }
        .map_err(|why| format!("{fact}: {why}"))
    }

    fn set_all(&mut self, fact: FactName, values: &[String]) -> Result<(), String> {
        let (most, values) = match fact {
            FactName::Tag => (limits::TAGS, values),
            _ => (limits::MACHINE_MACS, values),
        };
        if values.len() > most {
            return Err(format!("a machine has at most {most}"));
        }
        if fact == FactName::Tag {
            let tags = values.iter().map(|value| Name::new(value.trim()));
            self.record.wishes.tags = tags.collect::<Result<_, _>>()?;
            return Ok(());
        }
        let macs = values.iter().map(|value| value.trim().parse());
        let macs: Result<Vec<_>, crate::mac::MacError> = macs.collect();
        self.record.facts.macs = macs.map_err(|why| why.to_string())?;
        self.record.macs.clone_from(&self.record.facts.macs);
        Ok(())
    }

    fn set_one(&mut self, fact: FactName, value: &str) -> Result<(), String> {
        if fact.kind() == Kind::Text {
            return self.set_text(fact, value);
        }
        let facts = &mut self.record.facts;
        match fact {
            FactName::Uuid => {
                let uuid: crate::uuid::Uuid = value.parse()?;
                if uuid.is_worthless() {
                    return Err(
                        "board makers left this UUID in many machines, so it counts as \
                                none: leave it out"
                            .to_owned(),
                    );
                }
                facts.uuid = Some(uuid);
                self.record.uuid = Some(uuid);
            }
            FactName::Platform => facts.platform = Some(value.parse::<Platform>()?),
            FactName::Architecture => self.architecture = Some(value.parse()?),
            FactName::Buildarch => facts.buildarch = Some(value.parse()?),
            FactName::Memory => {
                let megabytes = size(value)? >> 20;
                let megabytes = u32::try_from(megabytes).ok().filter(|some| *some > 0);
                let why = "a machine has between 1 MiB and 4 PiB";
                facts.memory_mb = Some(megabytes.ok_or(why)?);
            }
            FactName::SecureBoot => {
                facts.secure_boot = Some(value.parse().map_err(|_| "must be true or false")?);
            }
            FactName::Nic => {
                let card: crate::pci::PciId = value.parse()?;
                let [[a, b], [c, d]] = [card.vendor, card.device].map(u16::to_be_bytes);
                // Bus type 1 is PCI (iPXE's `struct dhcp_netdev_desc`).
                facts.busid = format!("01:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
            }
            FactName::Busid => {
                Value::busid(value).ok_or("not a bus id such as `01:14:e4:16:39`")?;
                value.clone_into(&mut facts.busid);
            }
            FactName::Ip => {
                let address: std::net::IpAddr = value
                    .parse()
                    .map_err(|_| "not an address such as `192.168.1.7`")?;
                facts.ip = Some(address.to_canonical());
                self.record.address = facts.ip;
            }
            FactName::Subnet => {
                return Err("a machine is in it by its address: say `ip`".to_owned());
            }
            FactName::Name => self.record.given_name = Some(Name::new(value)?),
            _ => {}
        }
        Ok(())
    }

    fn set_text(&mut self, fact: FactName, value: &str) -> Result<(), String> {
        if value.len() > limits::FACT_BYTES || value.chars().any(acts) {
            return Err(format!(
                "a fact has at most {} bytes and no control characters",
                limits::FACT_BYTES
            ));
        }
        let facts = &mut self.record.facts;
        let place = match fact {
            FactName::Manufacturer => &mut facts.manufacturer,
            FactName::Product => &mut facts.product,
            FactName::Serial => &mut facts.serial,
            FactName::Asset => &mut facts.asset,
            FactName::Firmware => &mut facts.firmware,
            FactName::CpuVendor => &mut facts.cpu_vendor,
            FactName::CpuModel => &mut facts.cpu_model,
            FactName::Chip => &mut facts.chip,
            FactName::Hostname => &mut facts.hostname,
            FactName::Switch => &mut facts.switch,
            FactName::Port => &mut facts.port,
            FactName::Version => &mut facts.version,
            _ => return Ok(()),
        };
        value.clone_into(place);
        Ok(())
    }

    /// The machine, once all is said. One with the name of a declared machine is that one.
    pub fn finish(mut self, config: &Config) -> Record {
        let named = self.record.given_name.as_ref();
        if let Some(machine) = named.and_then(|name| config.machines.get(name)) {
            self.declared(machine);
        }
        let facts: &mut Facts = &mut self.record.facts;
        if let Some(cpu) = self.architecture {
            // iPXE for BIOS is a 32-bit program, and says apart what the processor can.
            facts.cpu64 = cpu == Cpu::Amd64;
            facts.buildarch = match (facts.platform, cpu) {
                (Some(Platform::Bios), Cpu::Amd64) => Some(Cpu::I386),
                (_, cpu) => Some(cpu),
            };
        }
        self.record
    }
}

#[cfg(test)]
mod tests;
