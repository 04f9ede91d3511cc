//! Client architectures: what a machine says it is, and which loader fits it.
//!
//! Numbers and practice: `reference/boot-facts.md` section 4.1; RFC 4578 section 2.1 and the IANA
//! registry "Processor Architecture Types".

use std::fmt;
use std::str::FromStr;

/// The processor an operating system image is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cpu {
    /// x86, 32 bits.
    I386,
    /// x86, 64 bits.
    Amd64,
    /// ARM, 32 bits.
    Arm32,
    /// ARM, 64 bits.
    Arm64,
    /// RISC-V, 32 bits.
    Riscv32,
    /// RISC-V, 64 bits.
    Riscv64,
    /// LoongArch, 64 bits.
    Loong64,
}

impl Cpu {
    /// Every processor, in the order in which tables show them.
    pub const ALL: [Cpu; 7] = [
        Cpu::I386,
        Cpu::Amd64,
        Cpu::Arm32,
        Cpu::Arm64,
        Cpu::Riscv32,
        Cpu::Riscv64,
        Cpu::Loong64,
    ];

    /// The name that Debian, Go and Talos use: `amd64`, `arm64`, ...
    pub fn name(self) -> &'static str {
        match self {
            Cpu::I386 => "i386",
            Cpu::Amd64 => "amd64",
            Cpu::Arm32 => "arm32",
            Cpu::Arm64 => "arm64",
            Cpu::Riscv32 => "riscv32",
            Cpu::Riscv64 => "riscv64",
            Cpu::Loong64 => "loong64",
        }
    }

    /// The name that iPXE uses, in `${buildarch}` and for the folders of its binaries.
    pub fn ipxe_name(self) -> &'static str {
        match self {
            Cpu::Amd64 => "x86_64",
            other => other.name(),
        }
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cpu {
    type Err = String;

    /// Takes both the system's and iPXE's name.
    fn from_str(text: &str) -> Result<Cpu, String> {
        Cpu::ALL
            .into_iter()
            .find(|cpu| cpu.name() == text || cpu.ipxe_name() == text)
            .ok_or_else(|| {
                let names: Vec<_> = Cpu::ALL.iter().map(|cpu| cpu.name()).collect();
                format!(
                    "unknown architecture `{text}`, expected one of {}",
                    names.join(", ")
                )
            })
    }
}

/// What started the loader: iPXE's `${platform}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Platform {
    /// PC BIOS (`pcbios`).
    Bios,
    /// UEFI (`efi`).
    Efi,
}

impl Platform {
    /// Both.
    pub const ALL: [Platform; 2] = [Platform::Bios, Platform::Efi];

    /// iPXE's word for it.
    pub fn ipxe_name(self) -> &'static str {
        match self {
            Platform::Bios => "pcbios",
            Platform::Efi => "efi",
        }
    }

    /// What people call it beside that; read wherever it is.
    pub fn other_name(self) -> &'static str {
        match self {
            Platform::Bios => "bios",
            Platform::Efi => "uefi",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ipxe_name())
    }
}

crate::form::as_text!(Cpu);
crate::form::as_text!(Platform);

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Platform, String> {
        match text {
            "pcbios" | "bios" => Ok(Platform::Bios),
            "efi" | "uefi" => Ok(Platform::Efi),
            _ => Err(format!("unknown platform `{text}`, expected pcbios or efi")),
        }
    }
}

/// One row of the table of DHCP option 93 values that Hearth has a loader for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The value of DHCP option 93 (RFC 4578 section 2.1).
    pub option_93: u16,
    /// What it means, for people.
    pub label: &'static str,
    /// The firmware's kind.
    pub platform: Platform,
    /// The processor the loader is built for.
    pub cpu: Cpu,
    /// The client wants a URL in option 67 (UEFI HTTP boot) instead of a TFTP file name.
    pub http: bool,
}

/// Every architecture that gets a loader. Value 7 is what real x86-64 firmware sends and 9 what
/// RFC 4578 says it should: both are the same machine.
pub const CLIENTS: [Client; 15] = [
    client(0, "x86 BIOS", Platform::Bios, Cpu::I386, false),
    client(6, "UEFI x86, 32 bits", Platform::Efi, Cpu::I386, false),
    client(7, "UEFI x86-64", Platform::Efi, Cpu::Amd64, false),
    client(9, "UEFI x86-64 (EBC)", Platform::Efi, Cpu::Amd64, false),
    client(10, "UEFI ARM, 32 bits", Platform::Efi, Cpu::Arm32, false),
    client(11, "UEFI ARM, 64 bits", Platform::Efi, Cpu::Arm64, false),
    client(
        15,
        "UEFI x86, 32 bits, HTTP boot",
        Platform::Efi,
        Cpu::I386,
        true,
    ),
    client(
        16,
        "UEFI x86-64, HTTP boot",
        Platform::Efi,
        Cpu::Amd64,
        true,
    ),
    client(
        17,
        "UEFI x86-64 (EBC), HTTP boot",
        Platform::Efi,
        Cpu::Amd64,
        true,
    ),
    client(
        18,
        "UEFI ARM, 32 bits, HTTP boot",
        Platform::Efi,
        Cpu::Arm32,
        true,
    ),
    client(
        19,
        "UEFI ARM, 64 bits, HTTP boot",
        Platform::Efi,
        Cpu::Arm64,
        true,
    ),
    client(
        25,
        "UEFI RISC-V, 32 bits",
        Platform::Efi,
        Cpu::Riscv32,
        false,
    ),
    client(
        27,
        "UEFI RISC-V, 64 bits",
        Platform::Efi,
        Cpu::Riscv64,
        false,
    ),
    client(
        28,
        "UEFI RISC-V, 64 bits, HTTP boot",
        Platform::Efi,
        Cpu::Riscv64,
        true,
    ),
    client(
        39,
        "UEFI LoongArch, 64 bits",
        Platform::Efi,
        Cpu::Loong64,
        false,
    ),
];

const fn client(
    option_93: u16,
    label: &'static str,
    platform: Platform,
    cpu: Cpu,
    http: bool,
) -> Client {
    Client {
        option_93,
        label,
        platform,
        cpu,
        http,
    }
}

impl Client {
    /// The default loader's catalogue name: the one that uses the firmware's own network driver,
    /// because that driver just proved that it works.
    pub fn loader(&self) -> String {
        loader_name(self.platform, self.cpu, "snponly.efi")
    }
}

/// Where a loader lies below the root: x86-64 and BIOS at the top, as a person expects of
/// /usr/local/tftp, every other processor in the folder that iPXE names it by.
pub fn loader_name(platform: Platform, cpu: Cpu, efi_file: &str) -> String {
    match (platform, cpu) {
        (Platform::Bios, _) => "undionly.kpxe".to_owned(),
        (Platform::Efi, Cpu::Amd64) => efi_file.to_owned(),
        (Platform::Efi, cpu) => format!("{}/{efi_file}", cpu.ipxe_name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_numbers_of_x86_64_get_one_loader() {
        let loaders: Vec<_> = CLIENTS
            .iter()
            .filter(|client| matches!(client.option_93, 7 | 9))
            .map(Client::loader)
            .collect();
        assert_eq!(loaders, ["snponly.efi", "snponly.efi"]);
    }

    #[test]
    fn other_processors_have_their_folder() {
        assert_eq!(
            loader_name(Platform::Efi, Cpu::Arm64, "snponly.efi"),
            "arm64/snponly.efi"
        );
        assert_eq!(
            loader_name(Platform::Efi, Cpu::I386, "ipxe.efi"),
            "i386/ipxe.efi"
        );
        assert_eq!(
            loader_name(Platform::Bios, Cpu::I386, "ipxe.efi"),
            "undionly.kpxe"
        );
    }

    #[test]
    fn both_names_of_a_processor_are_understood() {
        assert_eq!("x86_64".parse(), Ok(Cpu::Amd64));
        assert_eq!("amd64".parse(), Ok(Cpu::Amd64));
        assert!("vax".parse::<Cpu>().is_err());
    }
}
