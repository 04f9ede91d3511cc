//! What a machine can be asked.

use std::fmt;

/// What a condition asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactName {
    /// SMBIOS manufacturer.
    Manufacturer,
    /// SMBIOS product.
    Product,
    /// SMBIOS serial number.
    Serial,
    /// SMBIOS asset tag.
    Asset,
    /// SMBIOS UUID.
    Uuid,
    /// Version of its firmware.
    Firmware,
    /// `pcbios` or `efi`.
    Platform,
    /// What its processor can run: `amd64`, `arm64`, ...
    Architecture,
    /// What its iPXE was built for.
    Buildarch,
    /// The processor's maker.
    CpuVendor,
    /// The processor's model.
    CpuModel,
    /// How much memory it has.
    Memory,
    /// UEFI Secure Boot is in force.
    SecureBoot,
    /// Any of its cards.
    Mac,
    /// PCI id of the boot card.
    Nic,
    /// The same as iPXE says it, with the bus.
    Busid,
    /// iPXE's driver or chip name of the boot card.
    Chip,
    /// The address it asks from.
    Ip,
    /// The network that this address is in.
    Subnet,
    /// The host name that DHCP gave it.
    Hostname,
    /// The switch it is plugged in to.
    Switch,
    /// The switch's port.
    Port,
    /// iPXE's version.
    Version,
    /// What people call it: its declared name, else the one given to it.
    Name,
    /// One of its tags.
    Tag,
}

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that the machine says.
    Text,
    /// A name in Hearth: of the machine, or a tag.
    Name,
    /// A MAC.
    Mac,
    /// A UUID.
    Uuid,
    /// A PCI id.
    Card,
    /// A card's bus with its ids.
    Busid,
    /// An address, a range, a network.
    Address,
    /// A network only.
    Network,
    /// A number of bytes.
    Size,
    /// A processor.
    Cpu,
    /// BIOS or UEFI.
    Platform,
    /// Yes or no.
    Flag,
}

impl FactName {
    /// Every fact, in the order in which tables show them.
    pub const ALL: [FactName; 25] = [
        FactName::Manufacturer,
        FactName::Product,
        FactName::Serial,
        FactName::Asset,
        FactName::Uuid,
        FactName::Firmware,
        FactName::Platform,
        FactName::Architecture,
        FactName::Buildarch,
        FactName::CpuVendor,
        FactName::CpuModel,
        FactName::Memory,
        FactName::SecureBoot,
        FactName::Mac,
        FactName::Nic,
        FactName::Busid,
        FactName::Chip,
        FactName::Ip,
        FactName::Subnet,
        FactName::Hostname,
        FactName::Switch,
        FactName::Port,
        FactName::Version,
        FactName::Name,
        FactName::Tag,
    ];

    /// Its key in `policy.match`.
    pub const fn key(self) -> &'static str {
        match self {
            FactName::Manufacturer => "manufacturer",
            FactName::Product => "product",
            FactName::Serial => "serial",
            FactName::Asset => "asset",
            FactName::Uuid => "uuid",
            FactName::Firmware => "firmware",
            FactName::Platform => "platform",
            FactName::Architecture => "architecture",
            FactName::Buildarch => "buildarch",
            FactName::CpuVendor => "cpu_vendor",
            FactName::CpuModel => "cpu_model",
            FactName::Memory => "memory",
            FactName::SecureBoot => "secure_boot",
            FactName::Mac => "mac",
            FactName::Nic => "nic",
            FactName::Busid => "busid",
            FactName::Chip => "chip",
            FactName::Ip => "ip",
            FactName::Subnet => "subnet",
            FactName::Hostname => "hostname",
            FactName::Switch => "switch",
            FactName::Port => "port",
            FactName::Version => "version",
            FactName::Name => "name",
            FactName::Tag => "tag",
        }
    }

    /// The fact of a key.
    pub fn of_key(key: &str) -> Option<FactName> {
        FactName::ALL.into_iter().find(|fact| fact.key() == key)
    }

    /// What it is compared as.
    pub fn kind(self) -> Kind {
        match self {
            FactName::Uuid => Kind::Uuid,
            FactName::Platform => Kind::Platform,
            FactName::Architecture | FactName::Buildarch => Kind::Cpu,
            FactName::Memory => Kind::Size,
            FactName::SecureBoot => Kind::Flag,
            FactName::Mac => Kind::Mac,
            FactName::Nic => Kind::Card,
            FactName::Busid => Kind::Busid,
            FactName::Ip => Kind::Address,
            FactName::Subnet => Kind::Network,
            FactName::Name | FactName::Tag => Kind::Name,
            _ => Kind::Text,
        }
    }

    /// Hearth itself knows it of every machine, so that having none is known too.
    pub fn is_always_known(self) -> bool {
        self.kind() == Kind::Name
    }
}

impl fmt::Display for FactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
