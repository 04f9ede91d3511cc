//! The table of loaders: which iPXE binaries are wanted, and where an origin or an archive has them.
//!
//! boot.ipxe.org has the BIOS binaries at its top and the others in `<cpu>-efi/`; it had
//! those of x86-64 at the top as well, and mirrors still do. The release archive
//! `ipxeboot.tar.gz` has the same in `<cpu>/` (iPXE `src/util/gensrvimg`).

use crate::arch::{Cpu, Platform, loader_name};
use crate::config::{LoaderSource, Loaders};
use crate::image::lock::Owner;

use super::wanted::{Archive, Expect, Keep, Source, Tie, Wanted};

/// iPXE with the firmware's own driver, and iPXE with drivers of its own.
const EFI: [&str; 2] = ["snponly.efi", "ipxe.efi"];
const BIOS: [&str; 2] = ["undionly.kpxe", "ipxe.pxe"];

/// What the table of loaders wants. The user's own files come first and stand in for others of
/// their name.
pub fn wanted(loaders: &Loaders) -> Vec<Wanted> {
    let own = loaders.files.iter().map(|(name, path)| {
        let source = Source::Copy(path.clone());
        one(name.clone(), source, false)
    });
    let x86 = [Cpu::I386, Cpu::Amd64];
    let bios = loaders.architectures.iter().any(|cpu| x86.contains(cpu));
    let bios = BIOS.into_iter().filter(|_| bios).filter_map(|file| {
        Some(one(
            file.to_owned(),
            bios_source(&loaders.source, file)?,
            false,
        ))
    });
    let efi = loaders.architectures.iter().flat_map(|&cpu| {
        EFI.into_iter().filter_map(move |file| {
            let source = efi_source(&loaders.source, cpu, file)?;
            let name = loader_name(Platform::Efi, cpu, file);
            Some(one(name, source, cpu != Cpu::Amd64))
        })
    });
    let fetched = bios
        .chain(efi)
        .filter(|wanted| !loaders.files.contains_key(&wanted.name));
    own.chain(fetched).collect()
}

fn one(name: String, source: Source, optional: bool) -> Wanted {
    Wanted {
        name,
        owner: Owner::Loaders,
        source,
        expect: Expect::FirstUse,
        tie: Tie::Source,
        keep: Keep::File,
        optional,
        registration: None,
    }
}

fn bios_source(source: &LoaderSource, file: &str) -> Option<Source> {
    Some(match source {
        LoaderSource::Origin(url) => Source::Urls(vec![url.join(file)]),
        LoaderSource::ArchiveUrl(_) | LoaderSource::ArchiveFile(_) => Source::Member {
            archive: archive(source)?,
            patterns: vec![file.to_owned()],
        },
        LoaderSource::None => return None,
    })
}

fn efi_source(source: &LoaderSource, cpu: Cpu, file: &str) -> Option<Source> {
    let cpu_name = cpu.ipxe_name();
    Some(match source {
        LoaderSource::Origin(url) => {
            let mut urls = vec![url.join(&format!("{cpu_name}-efi/{file}"))];
            if cpu == Cpu::Amd64 {
                urls.push(url.join(file));
            }
            urls.push(url.join(&format!("{cpu_name}/{file}")));
            Source::Urls(urls)
        }
        LoaderSource::ArchiveUrl(_) | LoaderSource::ArchiveFile(_) => Source::Member {
            archive: archive(source)?,
            patterns: vec![
                format!("{cpu_name}/{file}"),
                format!("{cpu_name}-efi/{file}"),
                format!("bin-{cpu_name}-efi/{file}"),
            ],
        },
        LoaderSource::None => return None,
    })
}

fn archive(source: &LoaderSource) -> Option<Archive> {
    match source {
        LoaderSource::ArchiveUrl(url) => Some(Archive::Url(url.as_str().to_owned())),
        LoaderSource::ArchiveFile(path) => Some(Archive::File(path.clone())),
        LoaderSource::Origin(_) | LoaderSource::None => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;
    use crate::arch::CLIENTS;
    use crate::config::Url;

    fn loaders(source: LoaderSource, architectures: &[Cpu]) -> Loaders {
        Loaders {
            source,
            architectures: architectures.to_vec(),
            files: BTreeMap::new(),
        }
    }

    fn origin() -> LoaderSource {
        LoaderSource::Origin(Url::new("https://boot.ipxe.org/").unwrap())
    }

    #[test]
    fn every_architecture_that_dhcp_tells_of_has_its_loader() {
        let names: Vec<_> = wanted(&loaders(origin(), &Cpu::ALL))
            .into_iter()
            .map(|wanted| wanted.name)
            .collect();
        for client in CLIENTS {
            assert!(names.contains(&client.loader()), "{}", client.label);
        }
        assert!(names.contains(&"ipxe.pxe".to_owned()));
    }

    #[test]
    fn the_places_of_an_origin_are_asked_in_order() {
        let wanted = wanted(&loaders(origin(), &[Cpu::Amd64, Cpu::Arm64]));
        let urls = |name: &str| {
            wanted
                .iter()
                .find(|w| w.name == name)
                .map(|w| match &w.source {
                    Source::Urls(urls) => urls.join(" "),
                    other => panic!("{other:?}"),
                })
        };
        assert_eq!(
            urls("snponly.efi").as_deref(),
            Some(
                "https://boot.ipxe.org/x86_64-efi/snponly.efi \
                 https://boot.ipxe.org/snponly.efi https://boot.ipxe.org/x86_64/snponly.efi"
            )
        );
        assert_eq!(
            urls("arm64/snponly.efi").as_deref(),
            Some(
                "https://boot.ipxe.org/arm64-efi/snponly.efi https://boot.ipxe.org/arm64/snponly.efi"
            )
        );
        assert_eq!(
            urls("undionly.kpxe").as_deref(),
            Some("https://boot.ipxe.org/undionly.kpxe")
        );
    }

    #[test]
    fn only_loaders_of_common_machines_must_exist() {
        let optional: Vec<_> = wanted(&loaders(origin(), &[Cpu::I386, Cpu::Amd64, Cpu::Riscv64]))
            .into_iter()
            .filter(|wanted| wanted.optional)
            .map(|wanted| wanted.name)
            .collect();
        let expected = [
            "i386/snponly.efi",
            "i386/ipxe.efi",
            "riscv64/snponly.efi",
            "riscv64/ipxe.efi",
        ];
        assert_eq!(optional, expected);
    }

    #[test]
    fn files_of_the_users_own_stand_in_for_fetched_ones() {
        let mut loaders = loaders(origin(), &[Cpu::Amd64]);
        let path = PathBuf::from("/home/x/snponly.efi");
        loaders.files.insert("snponly.efi".to_owned(), path.clone());
        let wanted = wanted(&loaders);
        let same: Vec<_> = wanted.iter().filter(|w| w.name == "snponly.efi").collect();
        assert_eq!(same.len(), 1);
        assert_eq!(same[0].source, Source::Copy(path));
    }

    #[test]
    fn without_a_source_only_own_files_are_wanted_and_arm_needs_no_bios() {
        assert!(wanted(&loaders(LoaderSource::None, &Cpu::ALL)).is_empty());
        let arm = wanted(&loaders(origin(), &[Cpu::Arm64]));
        assert!(arm.iter().all(|wanted| wanted.name.starts_with("arm64/")));
    }
}
