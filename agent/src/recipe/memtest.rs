//! memtest86+: one binary that is started like a kernel.
//!
//! Upstream publishes `mt86plus_<version>.binaries.zip`: since 8.00 with one `mt86p_<v>_x86_64` for
//! BIOS and UEFI, before with `memtest64.bin` for BIOS and `memtest64.efi` for UEFI. Any other URL
//! is one binary for both.

use crate::arch::{Cpu, Platform};
use crate::config::{Image, Url};
use crate::digest::Sha256;
use crate::image::lock::Owner;

use super::wanted::{Archive, Expect, Keep, Source, Tie, Wanted};
use super::{Bootable, NotBootable, file_name};

/// The processors that upstream has binaries for.
pub const CPUS: [Cpu; 3] = [Cpu::I386, Cpu::Amd64, Cpu::Loong64];

fn zipped(url: &Url) -> bool {
    file_name(url.as_str(), "")
        .to_ascii_lowercase()
        .ends_with(".zip")
}

/// Where the binary of a kind of machine lies.
fn name(url: &Url, cpu: Cpu, platform: Platform) -> String {
    let file = file_name(url.as_str(), "memtest");
    if zipped(url) {
        let end = match platform {
            Platform::Bios => "bin",
            Platform::Efi => "efi",
        };
        format!("memtest/{}/{cpu}.{end}", &file[..file.len() - 4])
    } else {
        format!("memtest/{file}")
    }
}

/// The members of upstream's archives that fit a kind of machine, the newest naming first.
fn members(cpu: Cpu, platform: Platform) -> Vec<String> {
    let (new, old) = match cpu {
        Cpu::Amd64 => ("x86_64", "64"),
        Cpu::Loong64 => ("la64", "la64"),
        _ => ("i586", "32"),
    };
    let end = match platform {
        Platform::Bios => "bin",
        Platform::Efi => "efi",
    };
    vec![
        format!("mt86p_*_{new}"),
        format!("mt86p_{new}"),
        format!("memtest{old}.{end}"),
        format!("memtest_{new}.{end}"),
    ]
}

/// What an image wants.
pub fn wanted(image: &Image, url: &Url, sha256: Option<Sha256>) -> Vec<Wanted> {
    let one = |name, source| Wanted {
        name,
        owner: Owner::Image(image.name.clone()),
        source,
        expect: sha256.map_or(Expect::FirstUse, Expect::Digest),
        tie: Tie::Source,
        keep: Keep::File,
        optional: false,
        registration: None,
    };
    if !zipped(url) {
        let name = name(url, Cpu::Amd64, Platform::Efi);
        return vec![one(name, Source::Urls(vec![url.as_str().to_owned()]))];
    }
    let kinds = image.architectures.iter().filter(|cpu| CPUS.contains(cpu));
    kinds
        .flat_map(|&cpu| match cpu {
            Cpu::Loong64 => vec![(cpu, Platform::Efi)],
            _ => vec![(cpu, Platform::Bios), (cpu, Platform::Efi)],
        })
        .map(|(cpu, platform)| {
            one(
                name(url, cpu, platform),
                Source::Member {
                    archive: Archive::Url(url.as_str().to_owned()),
                    patterns: members(cpu, platform),
                },
            )
        })
        .collect()
}

/// How it is started on a processor that it is kept for.
pub fn bootable(
    url: &Url,
    have: &dyn Fn(&str) -> bool,
    cpu: Cpu,
    platform: Platform,
) -> Result<Bootable, NotBootable> {
    super::kernel(name(url, cpu, platform), Vec::new(), Vec::new(), have)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Name, Recipe};

    fn image(url: &str) -> (Image, Url) {
        let url = Url::new(url).unwrap();
        let image = Image {
            name: Name::new("memtest").unwrap(),
            recipe: Recipe::Memtest {
                url: url.clone(),
                sha256: None,
            },
            architectures: vec![Cpu::Amd64, Cpu::Arm64],
        };
        (image, url)
    }

    #[test]
    fn an_archive_gives_a_binary_for_each_firmware() {
        let (image, url) = image("https://memtest.org/download/v8.00/mt86plus_8.00.binaries.zip");
        let wanted = wanted(&image, &url, None);
        let names: Vec<_> = wanted.iter().map(|w| w.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "memtest/mt86plus_8.00.binaries/amd64.bin",
                "memtest/mt86plus_8.00.binaries/amd64.efi"
            ]
        );
        let Source::Member { patterns, .. } = &wanted[1].source else {
            panic!("{wanted:?}");
        };
        assert_eq!(patterns[0], "mt86p_*_x86_64");
        assert_eq!(patterns[2], "memtest64.efi");
        assert_eq!(
            bootable(&url, &|_| true, Cpu::Amd64, Platform::Bios),
            Ok(Bootable::Kernel {
                kernel: names[0].to_owned(),
                initrds: vec![],
                arguments: vec![]
            })
        );
    }

    #[test]
    fn a_plain_binary_serves_both_firmwares() {
        let (image, url) = image("http://192.0.2.1/memtest/memtest64.efi?x=y");
        let wanted = wanted(&image, &url, None);
        assert_eq!(wanted.len(), 1);
        assert_eq!(wanted[0].name, "memtest/memtest64.efi");
        assert!(bootable(&url, &|_| false, Cpu::Amd64, Platform::Efi).is_err());
    }
}
