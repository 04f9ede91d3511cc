//! Any kernel (or EFI binary) with any initrds.

use std::collections::BTreeSet;

use crate::config::{Custom, Image};
use crate::image::lock::Owner;

use super::wanted::{Expect, Keep, Source, Tie, Wanted};
use super::{Bootable, NotBootable, file_name};

/// Catalogue names of the kernel and the initrds: the last part of each URL, made different where
/// two are the same.
fn names(image: &Image, custom: &Custom) -> Vec<String> {
    let mut taken = BTreeSet::new();
    std::iter::once((&custom.kernel, "kernel"))
        .chain(custom.initrds.iter().map(|initrd| (initrd, "initrd")))
        .enumerate()
        .map(|(place, (source, other))| {
            let mut file = file_name(source.url.as_str(), other);
            if !taken.insert(file.clone()) {
                file = format!("{place}-{file}");
                taken.insert(file.clone());
            }
            format!("custom/{}/{file}", image.name)
        })
        .collect()
}

/// What an image wants.
pub fn wanted(image: &Image, custom: &Custom) -> Vec<Wanted> {
    let sources = std::iter::once(&custom.kernel).chain(&custom.initrds);
    names(image, custom)
        .into_iter()
        .zip(sources)
        .map(|(name, source)| Wanted {
            name,
            owner: Owner::Image(image.name.clone()),
            source: Source::Urls(vec![source.url.as_str().to_owned()]),
            expect: source.sha256.map_or(Expect::FirstUse, Expect::Digest),
            tie: Tie::Source,
            keep: Keep::File,
            optional: false,
            registration: None,
        })
        .collect()
}

/// How it is started.
pub fn bootable(
    image: &Image,
    custom: &Custom,
    have: &dyn Fn(&str) -> bool,
) -> Result<Bootable, NotBootable> {
    let mut names = names(image, custom);
    let initrds = names.split_off(1);
    let arguments = custom.arguments.iter().map(|a| a.as_str().to_owned());
    super::kernel(names.remove(0), initrds, arguments.collect(), have)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::Cpu;
    use crate::config::{Argument, Name, Recipe, Url};

    #[test]
    fn files_are_named_by_their_urls_and_never_twice_the_same() {
        let source = |url: &str| crate::config::Source {
            url: Url::new(url).unwrap(),
            sha256: None,
        };
        let custom = Custom {
            kernel: source("https://a.example/v1/vmlinuz?x=1"),
            initrds: vec![
                source("https://a.example/"),
                source("https://a.example/one/..%2f.img"),
                source("https://b.example/vmlinuz"),
            ],
            arguments: vec![Argument::new("quiet").unwrap()],
        };
        let image = Image {
            name: Name::new("mine").unwrap(),
            recipe: Recipe::Custom(custom.clone()),
            architectures: vec![Cpu::Amd64],
        };
        let expected = [
            "custom/mine/vmlinuz",
            "custom/mine/initrd",
            "custom/mine/_.%2f.img".replace('%', "_").as_str(),
            "custom/mine/3-vmlinuz",
        ]
        .map(str::to_owned);
        let names: Vec<_> = wanted(&image, &custom)
            .into_iter()
            .map(|w| w.name)
            .collect();
        assert_eq!(names, expected);
        assert_eq!(
            bootable(&image, &custom, &|_| true),
            Ok(Bootable::Kernel {
                kernel: expected[0].clone(),
                initrds: expected[1..].to_vec(),
                arguments: vec!["quiet".to_owned()]
            })
        );
    }
}
