//! Which loader a declared machine gets whatever its firmware asks for.

use crate::arch::{Cpu, Platform};

/// The machines that a loader can start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    platform: Platform,
    /// `None`: not to be told from the name.
    cpu: Option<Cpu>,
}

/// Names under which loaders are asked for, without their folder. Shims are not among them: a shim
/// asks for its own loader, which must be the one signed for it.
const BIOS: [&str; 5] = [
    "undionly.kpxe",
    "undionly.kkpxe",
    "ipxe.pxe",
    "ipxe.kpxe",
    "ipxe-legacy.pxe",
];
const EFI: [&str; 4] = [
    "snponly.efi",
    "ipxe.efi",
    "ipxe-legacy.efi",
    "snponly-legacy.efi",
];

/// Whether a name that was asked for is a loader's, and a declared loader can stand in for it.
pub fn can_stand_in(asked: &str, declared: &str) -> bool {
    match kind_of_loader(asked) {
        Some(asked) => {
            let declared = kind_of_own(declared);
            let same_cpu = match (asked.cpu, declared.cpu) {
                (Some(asked), Some(declared)) => asked == declared,
                _ => true,
            };
            asked.platform == declared.platform && same_cpu
        }
        None => false,
    }
}

/// The loader to try when one does not get through to a machine: the smaller of the two for UEFI, which
/// leaves the card to the firmware, or the larger, which does not; the same for BIOS.
pub fn other(name: &str) -> Option<String> {
    let (folder, file) = match name.rsplit_once('/') {
        Some((folder, file)) => (Some(folder), file),
        None => (None, name),
    };
    let other = match file {
        "ipxe.efi" => "snponly.efi",
        "snponly.efi" => "ipxe.efi",
        "undionly.kpxe" => "ipxe.pxe",
        "ipxe.pxe" => "undionly.kpxe",
        _ => return None,
    };
    Some(match folder {
        Some(folder) => format!("{folder}/{other}"),
        None => other.to_owned(),
    })
}

/// Whether a name is one under which a loader is asked for.
pub fn is_loader(name: &str) -> bool {
    kind_of_loader(name).is_some()
}

fn kind_of_loader(name: &str) -> Option<Kind> {
    let file = name.rsplit('/').next().unwrap_or(name);
    (BIOS.contains(&file) || EFI.contains(&file)).then(|| kind_of_own(name))
}

/// A declared loader may have any name; UEFI starts only what is an EFI binary, and every one of
/// those has this ending.
fn kind_of_own(name: &str) -> Kind {
    let platform = match name.to_ascii_lowercase().ends_with(".efi") {
        true => Platform::Efi,
        false => Platform::Bios,
    };
    let cpu = match (platform, name.split_once('/')) {
        (Platform::Bios, _) => None,
        (Platform::Efi, None) => Some(Cpu::Amd64),
        (Platform::Efi, Some((folder, _))) => folder.parse().ok(),
    };
    Kind { platform, cpu }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loader_stands_in_for_those_of_its_platform_and_processor() {
        for (asked, declared) in [
            ("snponly.efi", "ipxe.efi"),
            ("ipxe.efi", "x86_64/snponly.efi"),
            ("arm64/snponly.efi", "arm64/ipxe.efi"),
            ("snponly.efi", "mine/special.EFI"),
            ("undionly.kpxe", "ipxe.pxe"),
            ("ipxe.pxe", "mine/loader.0"),
        ] {
            assert!(can_stand_in(asked, declared), "{asked} {declared}");
        }
    }

    #[test]
    fn it_stands_in_for_nothing_else() {
        for (asked, declared) in [
            ("undionly.kpxe", "ipxe.efi"),
            ("snponly.efi", "undionly.kpxe"),
            ("arm64/snponly.efi", "ipxe.efi"),
            ("snponly-shim.efi", "ipxe.efi"),
            ("default.ipxe", "ipxe.efi"),
            ("talos/kernel-amd64", "ipxe.pxe"),
        ] {
            assert!(!can_stand_in(asked, declared), "{asked} {declared}");
        }
    }
}
