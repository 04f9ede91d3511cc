//! What Hearth knows of each operating system: which files it needs and from where, and how a
//! machine is told to start it. Pure: nothing here opens a file or a socket.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::arch::{Cpu, Platform};
use crate::config::{Config, Image, Recipe};
use crate::image::lock::Lock;

pub use wanted::{Archive, Expect, Keep, Registration, Source, Tie, Wanted};

mod custom;
pub mod debian;
pub mod loaders;
mod memtest;
pub mod schematic;
pub mod talos;
pub mod wanted;
pub mod yaml;

/// How an image is started on one kind of machine, in catalogue names.
#[derive(Clone, Debug, PartialEq)]
pub enum Bootable {
    /// A kernel (or EFI binary) with initrds and arguments.
    Kernel {
        /// Catalogue name.
        kernel: String,
        /// Catalogue names in order. `initrd=` names are made by the script, from the last path part.
        initrds: Vec<String>,
        /// The image's own arguments, in order (for Talos the factory's).
        arguments: Vec<String>,
    },
    /// Another boot program or menu at a URL.
    Chain {
        /// The URL.
        url: String,
    },
}

/// Why an image cannot be started on a machine.
#[derive(Clone, Debug, PartialEq)]
pub enum NotBootable {
    /// It is not kept for this processor.
    Architecture {
        /// What the machine is.
        wanted: Cpu,
        /// What the image is kept for.
        have: Vec<Cpu>,
    },
    /// These files were not fetched yet (remedy: `hearth fetch NAME`).
    Missing(Vec<String>),
    /// The publisher's kernel arguments hold a word that cannot go into a script.
    Arguments {
        /// The word, escaped.
        word: String,
        /// Why not.
        reason: String,
    },
}

impl fmt::Display for NotBootable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotBootable::Architecture { wanted, have } => {
                let have: Vec<_> = have.iter().map(|cpu| cpu.name()).collect();
                let have = if have.is_empty() {
                    "no processor".to_owned()
                } else {
                    have.join(", ")
                };
                write!(f, "it is kept for {have}, not for {wanted}")
            }
            NotBootable::Missing(names) => {
                write!(
                    f,
                    "not fetched yet: {} (run `hearth fetch`)",
                    names.join(", ")
                )
            }
            NotBootable::Arguments { word, reason } => {
                write!(
                    f,
                    "its publisher's kernel argument `{word}` is refused: {reason}"
                )
            }
        }
    }
}

/// How an image is started on a machine.
///
/// `have` tells whether a catalogue name can be asked for; `cpu` is what the processor can run, not
/// what iPXE was built for (a BIOS iPXE says i386 on 64-bit machines).
pub fn bootable(
    image: &Image,
    lock: &Lock,
    have: &dyn Fn(&str) -> bool,
    cpu: Cpu,
    platform: Platform,
) -> Result<Bootable, NotBootable> {
    let kept = architectures(image);
    // A 64-bit PC runs 32-bit systems too, but UEFI only starts what is as wide as itself.
    let cpu = match (cpu, platform) {
        (cpu, _) if kept.contains(&cpu) => cpu,
        (Cpu::Amd64, Platform::Bios) if kept.contains(&Cpu::I386) => Cpu::I386,
        _ => {
            return Err(NotBootable::Architecture {
                wanted: cpu,
                have: kept,
            });
        }
    };
    match &image.recipe {
        Recipe::Talos(talos) => talos::bootable(talos, lock, have, cpu),
        Recipe::Debian(debian) => debian::bootable(debian, have, cpu),
        Recipe::Memtest { url, .. } => memtest::bootable(url, have, cpu, platform),
        Recipe::Custom(custom) => custom::bootable(image, custom, have),
        Recipe::NetbootXyz { url } => Ok(Bootable::Chain {
            url: url.as_str().to_owned(),
        }),
    }
}

/// What a file is to the image that it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What is started.
    Kernel,
    /// What is loaded beside it.
    Initrd,
}

/// What the files of all images are, by their catalogue names, on any machine.
pub fn parts(config: &Config, lock: &Lock) -> BTreeMap<String, Part> {
    let mut parts = BTreeMap::new();
    for image in config.images.values() {
        let kinds = architectures(image)
            .into_iter()
            .flat_map(|cpu| [(cpu, Platform::Bios), (cpu, Platform::Efi)]);
        for (cpu, platform) in kinds {
            let bootable = bootable(image, lock, &|_| true, cpu, platform);
            if let Ok(Bootable::Kernel {
                kernel, initrds, ..
            }) = bootable
            {
                parts.insert(kernel, Part::Kernel);
                parts.extend(initrds.into_iter().map(|name| (name, Part::Initrd)));
            }
        }
    }
    parts
}

/// The processors that an image is really kept for: those that it is declared for and that its
/// publisher has.
pub fn architectures(image: &Image) -> Vec<Cpu> {
    let published = |cpu: &Cpu| match &image.recipe {
        Recipe::Talos(_) => talos::CPUS.contains(cpu),
        Recipe::Debian(_) => debian::port(*cpu).is_some(),
        Recipe::Memtest { .. } => memtest::CPUS.contains(cpu),
        Recipe::NetbootXyz { .. } | Recipe::Custom(_) => true,
    };
    image
        .architectures
        .iter()
        .copied()
        .filter(published)
        .collect()
}

/// What one image wants.
pub fn wanted_by(image: &Image) -> Vec<Wanted> {
    match &image.recipe {
        Recipe::Talos(talos) => talos::wanted(image, talos),
        Recipe::Debian(debian) => debian::wanted(image, debian),
        Recipe::NetbootXyz { .. } => Vec::new(),
        Recipe::Memtest { url, sha256 } => memtest::wanted(image, url, *sha256),
        Recipe::Custom(custom) => custom::wanted(image, custom),
    }
}

/// Everything that a configuration wants: loaders, then images by name. A name that two images
/// share (two Talos profiles on one schematic) is wanted once.
pub fn wanted(config: &Config) -> Vec<Wanted> {
    let mut seen = BTreeSet::new();
    let mut all = loaders::wanted(&config.loaders);
    all.extend(config.images.values().flat_map(wanted_by));
    all.retain(|wanted| seen.insert(wanted.name.clone()));
    all
}

/// A kernel whose files must all be there.
fn kernel(
    kernel: String,
    initrds: Vec<String>,
    arguments: Vec<String>,
    have: &dyn Fn(&str) -> bool,
) -> Result<Bootable, NotBootable> {
    let missing: Vec<_> = std::iter::once(&kernel)
        .chain(&initrds)
        .filter(|name| !have(name))
        .cloned()
        .collect();
    if missing.is_empty() {
        Ok(Bootable::Kernel {
            kernel,
            initrds,
            arguments,
        })
    } else {
        Err(NotBootable::Missing(missing))
    }
}

/// The last part of a URL's path as a file name that is safe in a path, a script and a URL: what
/// else it holds becomes `_`, and so does a dot in front, which would hide it. `other` if there is
/// no such part.
fn file_name(url: &str, other: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let last = match path.rsplit_once('/') {
        Some((_, last)) if !last.is_empty() => last,
        _ => return other.to_owned(),
    };
    last.chars()
        .take(100)
        .enumerate()
        .map(|(place, c)| match c {
            '.' if place == 0 => '_',
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+') => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Debian, Name, Url};

    fn debian(architectures: &[Cpu]) -> Image {
        Image {
            name: Name::new("debian").unwrap(),
            recipe: Recipe::Debian(Debian {
                version: "trixie".to_owned(),
                mirror: Url::new("http://mirror.example/debian").unwrap(),
            }),
            architectures: architectures.to_vec(),
        }
    }

    fn boots(image: &Image, cpu: Cpu, platform: Platform) -> Result<String, NotBootable> {
        match bootable(image, &Lock::default(), &|_| true, cpu, platform)? {
            Bootable::Kernel { kernel, .. } => Ok(kernel),
            Bootable::Chain { url } => Ok(url),
        }
    }

    #[test]
    fn a_64_bit_pc_runs_a_32_bit_system_under_bios_only() {
        let image = debian(&[Cpu::I386]);
        assert_eq!(
            boots(&image, Cpu::Amd64, Platform::Bios).as_deref(),
            Ok("debian/trixie/i386/linux")
        );
        assert_eq!(
            boots(&image, Cpu::Amd64, Platform::Efi),
            Err(NotBootable::Architecture {
                wanted: Cpu::Amd64,
                have: vec![Cpu::I386]
            })
        );
    }

    #[test]
    fn what_an_image_is_kept_for_is_said_in_words() {
        let error = boots(
            &debian(&[Cpu::Arm64, Cpu::Riscv32]),
            Cpu::Amd64,
            Platform::Efi,
        );
        assert_eq!(
            error.unwrap_err().to_string(),
            "it is kept for arm64, not for amd64"
        );
    }

    #[test]
    fn netboot_xyz_is_chained_and_wants_no_file() {
        let image = Image {
            name: Name::new("netboot.xyz").unwrap(),
            recipe: Recipe::NetbootXyz {
                url: Url::new("http://boot.netboot.xyz").unwrap(),
            },
            architectures: vec![Cpu::Arm64],
        };
        assert_eq!(
            boots(&image, Cpu::Arm64, Platform::Efi).as_deref(),
            Ok("http://boot.netboot.xyz")
        );
        assert!(boots(&image, Cpu::Amd64, Platform::Efi).is_err());
        assert!(wanted_by(&image).is_empty());
    }

    #[test]
    fn file_names_of_urls_are_safe() {
        assert_eq!(file_name("https://a.example/b/c.img?d=e/f", "x"), "c.img");
        assert_eq!(file_name("https://a.example", "x"), "x");
        assert_eq!(file_name("https://a.example/b/", "x"), "x");
        assert_eq!(file_name("https://a.example/..", "x"), "_.");
        assert_eq!(file_name("https://a.example/a%20b;c", "x"), "a_20b_c");
    }
}
