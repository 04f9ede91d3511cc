//! The Debian installer's netboot kernel and initrd, checked against the mirror's SHA256SUMS.

use crate::arch::Cpu;
use crate::config::{Debian, Image};
use crate::digest::Sha256;
use crate::image::lock::Owner;

use super::wanted::{Expect, Keep, Source, Tie, Wanted};
use super::{Bootable, NotBootable};

/// Debian's own name of a processor's port.
pub fn port(cpu: Cpu) -> Option<&'static str> {
    match cpu {
        Cpu::I386 => Some("i386"),
        Cpu::Amd64 => Some("amd64"),
        Cpu::Arm32 => Some("armhf"),
        Cpu::Arm64 => Some("arm64"),
        Cpu::Riscv64 => Some("riscv64"),
        Cpu::Loong64 => Some("loong64"),
        Cpu::Riscv32 => None,
    }
}

const FILES: [&str; 2] = ["linux", "initrd.gz"];

fn name(debian: &Debian, cpu: Cpu, file: &str) -> String {
    format!("debian/{}/{cpu}/{file}", debian.version)
}

/// What an image wants.
pub fn wanted(image: &Image, debian: &Debian) -> Vec<Wanted> {
    image
        .architectures
        .iter()
        .filter_map(|&cpu| Some((cpu, port(cpu)?)))
        .flat_map(|(cpu, port)| FILES.map(|file| (cpu, port, file)))
        .map(|(cpu, port, file)| {
            let images = debian.mirror.join(&format!(
                "dists/{}/main/installer-{port}/current/images",
                debian.version
            ));
            let entry = format!("netboot/debian-installer/{port}/{file}");
            Wanted {
                name: name(debian, cpu, file),
                owner: Owner::Image(image.name.clone()),
                source: Source::Urls(vec![format!("{images}/{entry}")]),
                expect: Expect::Sums {
                    url: format!("{images}/SHA256SUMS"),
                    entry,
                },
                tie: Tie::Name,
                keep: Keep::File,
                optional: false,
                registration: None,
            }
        })
        .collect()
}

/// How it is started on a processor that it is kept for. The installer asks its questions itself,
/// so it needs no argument.
pub fn bootable(
    debian: &Debian,
    have: &dyn Fn(&str) -> bool,
    cpu: Cpu,
) -> Result<Bootable, NotBootable> {
    let [kernel, initrd] = FILES.map(|file| name(debian, cpu, file));
    super::kernel(kernel, vec![initrd], Vec::new(), have)
}

/// The digest of an entry in the text of a SHA256SUMS file: lines of 64 digits, two blanks (or a
/// blank and `*`), and a name that Debian begins with `./`.
pub fn digest_of(sums: &str, entry: &str) -> Option<Sha256> {
    sums.lines().find_map(|line| {
        let (digest, name) = line.split_once([' ', '\t'])?;
        let name = name.trim_start_matches([' ', '\t', '*']);
        let name = name.strip_prefix("./").unwrap_or(name);
        (name.trim_end() == entry).then(|| digest.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Name, Recipe, Url};

    #[test]
    fn files_and_digests_come_from_the_folder_of_the_current_installer() {
        let debian = Debian {
            version: "bookworm".to_owned(),
            mirror: Url::new("https://deb.debian.org/debian/").unwrap(),
        };
        let image = Image {
            name: Name::new("debian").unwrap(),
            recipe: Recipe::Debian(debian.clone()),
            architectures: vec![Cpu::Arm32],
        };
        let wanted = wanted(&image, &debian);
        let images =
            "https://deb.debian.org/debian/dists/bookworm/main/installer-armhf/current/images";
        assert_eq!(wanted.len(), 2);
        assert_eq!(wanted[1].name, "debian/bookworm/arm32/initrd.gz");
        assert_eq!(
            wanted[1].source,
            Source::Urls(vec![format!(
                "{images}/netboot/debian-installer/armhf/initrd.gz"
            )])
        );
        assert_eq!(
            wanted[1].expect,
            Expect::Sums {
                url: format!("{images}/SHA256SUMS"),
                entry: "netboot/debian-installer/armhf/initrd.gz".to_owned()
            }
        );
        assert_eq!(
            bootable(&debian, &|_| true, Cpu::Arm32),
            Ok(Bootable::Kernel {
                kernel: "debian/bookworm/arm32/linux".to_owned(),
                initrds: vec!["debian/bookworm/arm32/initrd.gz".to_owned()],
                arguments: vec![],
            })
        );
    }

    #[test]
    fn a_digest_is_found_by_the_whole_name() {
        let sums = "\
d8808aa4ca188560da1e6d749dcb930c87a5fd8b11ebff1f3fa6d728af35203d  ./netboot/gtk/debian-installer/amd64/linux
e8808aa4ca188560da1e6d749dcb930c87a5fd8b11ebff1f3fa6d728af35203d  ./netboot/debian-installer/amd64/linux
f8808aa4ca188560da1e6d749dcb930c87a5fd8b11ebff1f3fa6d728af35203d *netboot/other
nonsense  ./netboot/broken
";
        let found = |entry| digest_of(sums, entry).map(|digest| digest.to_string()[..2].to_owned());
        assert_eq!(
            found("netboot/debian-installer/amd64/linux").as_deref(),
            Some("e8")
        );
        assert_eq!(found("netboot/other").as_deref(), Some("f8"));
        assert_eq!(found("netboot/broken"), None);
        assert_eq!(found("linux"), None);
    }
}
