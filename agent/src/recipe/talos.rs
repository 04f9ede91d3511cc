//! Talos from an image factory: kernel, initramfs and the factory's own kernel arguments.

use crate::arch::Cpu;
use crate::config::{Argument, Image, Talos};
use crate::form::acts;
use crate::image::lock::{Lock, Owner};
use crate::limits;

use super::schematic::Schematic;
use super::wanted::{Expect, Keep, Registration, Source, Tie, Wanted};
use super::{Bootable, NotBootable};

/// The processors that the factory makes images for.
pub const CPUS: [Cpu; 2] = [Cpu::Amd64, Cpu::Arm64];

/// The folder of an image's files: version and the start of the schematic's id, so that each
/// combination lies apart from every other.
fn folder(talos: &Talos, id: &str) -> String {
    format!("talos/{}/{}", talos.version, &id[..12])
}

/// Kernel, initramfs and command line of a processor, as the factory names them.
fn names(cpu: Cpu) -> [(String, Keep); 3] {
    [
        (format!("kernel-{cpu}"), Keep::File),
        (format!("initramfs-{cpu}.xz"), Keep::File),
        (format!("cmdline-metal-{cpu}"), Keep::Text),
    ]
}

/// What an image wants.
pub fn wanted(image: &Image, talos: &Talos) -> Vec<Wanted> {
    let schematic = Schematic::of(talos);
    let id = schematic.id().to_string();
    let registration = Registration {
        factory: talos.factory.as_str().to_owned(),
        json: schematic.json(),
        id: id.clone(),
    };
    image
        .architectures
        .iter()
        .filter(|cpu| CPUS.contains(cpu))
        .flat_map(|&cpu| names(cpu))
        .map(|(file, keep)| Wanted {
            name: format!("{}/{file}", folder(talos, &id)),
            owner: Owner::Image(image.name.clone()),
            source: Source::Urls(vec![
                talos
                    .factory
                    .join(&format!("image/{id}/{}/{file}", talos.version)),
            ]),
            // The factory's `.sha256` files cost money (402), so the first fetch is believed.
            expect: Expect::FirstUse,
            tie: Tie::Name,
            keep,
            optional: false,
            registration: Some(registration.clone()),
        })
        .collect()
}

/// How it is started on a processor that it is kept for.
pub fn bootable(
    talos: &Talos,
    lock: &Lock,
    have: &dyn Fn(&str) -> bool,
    cpu: Cpu,
) -> Result<Bootable, NotBootable> {
    let folder = folder(talos, &Schematic::of(talos).id().to_string());
    let [kernel, initramfs, cmdline] = names(cpu).map(|(file, _)| format!("{folder}/{file}"));
    let text = lock.text(&cmdline);
    let mut missing: Vec<_> = [&kernel, &initramfs]
        .into_iter()
        .filter(|name| !have(name))
        .cloned()
        .collect();
    if text.is_none() {
        missing.push(cmdline);
    }
    if !missing.is_empty() {
        return Err(NotBootable::Missing(missing));
    }
    Ok(Bootable::Kernel {
        kernel,
        initrds: vec![initramfs],
        arguments: arguments(text.unwrap_or_default())?,
    })
}

/// The words of a command line, each fit for a script. The factory's text may hold anything: a
/// word that iPXE would act on is refused, and so is a line longer than a kernel takes.
pub fn arguments(text: &str) -> Result<Vec<String>, NotBootable> {
    let refuse = |word: &str, reason: String| NotBootable::Arguments {
        word: word
            .chars()
            .take(80)
            .flat_map(char::escape_default)
            .collect(),
        reason,
    };
    if text.len() > limits::COMMAND_LINE_BYTES {
        return Err(refuse(
            text,
            format!(
                "a command line has at most {} bytes",
                limits::COMMAND_LINE_BYTES
            ),
        ));
    }
    let line = text.trim_ascii();
    if let Some(bad) = line.chars().find(|c| acts(*c)) {
        let reason = "a command line is one line without control characters".to_owned();
        return Err(refuse(&bad.to_string(), reason));
    }
    line.split_ascii_whitespace()
        .map(|word| match Argument::new(word) {
            Ok(_) if word.contains("${") => Err(refuse(
                word,
                "only arguments of the configuration may ask iPXE for a setting".to_owned(),
            )),
            Ok(argument) => Ok(argument.as_str().to_owned()),
            Err(reason) => Err(refuse(word, reason)),
        })
        .collect()
}

/// Whether a text may be pinned as a factory's command line: its words are fit for a script, and
/// it tells Talos its platform, without which nothing of Talos starts.
pub fn check(text: &str) -> Result<(), String> {
    let words = arguments(text).map_err(|refused| refused.to_string())?;
    if words.iter().any(|word| word.starts_with("talos.platform=")) {
        Ok(())
    } else {
        Err("it is no command line of Talos: it has no `talos.platform=`".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Name, Recipe, Url};

    fn talos() -> Talos {
        Talos {
            version: "v1.11.2".to_owned(),
            factory: Url::new("https://factory.talos.dev").unwrap(),
            extensions: vec!["siderolabs/bnx2-bnx2x".to_owned()],
            extra_kernel_arguments: Vec::new(),
            overlay: None,
            meta: Vec::new(),
        }
    }

    fn image() -> Image {
        Image {
            name: Name::new("talos").unwrap(),
            recipe: Recipe::Talos(talos()),
            architectures: vec![Cpu::Amd64, Cpu::Arm64, Cpu::Riscv64],
        }
    }

    #[test]
    fn three_things_are_wanted_for_each_processor_that_the_factory_knows() {
        let wanted = wanted(&image(), &talos());
        let id = Schematic::of(&talos()).id().to_string();
        assert_eq!(wanted.len(), 6);
        assert_eq!(
            wanted[0].name,
            format!("talos/v1.11.2/{}/kernel-amd64", &id[..12])
        );
        assert_eq!(
            wanted[1].source,
            Source::Urls(vec![format!(
                "https://factory.talos.dev/image/{id}/v1.11.2/initramfs-amd64.xz"
            )])
        );
        assert_eq!(wanted[5].keep, Keep::Text);
        assert!(wanted[5].name.ends_with("/cmdline-metal-arm64"));
    }

    #[test]
    fn it_does_not_boot_before_everything_is_there() {
        let lock = Lock::default();
        let missing = bootable(&talos(), &lock, &|name| name.contains("kernel"), Cpu::Amd64);
        let Err(NotBootable::Missing(names)) = missing else {
            panic!("{missing:?}");
        };
        assert_eq!(names.len(), 2);
        assert!(names[0].ends_with("initramfs-amd64.xz") && names[1].contains("cmdline"));
    }

    #[test]
    fn the_factorys_arguments_are_taken_in_order() {
        assert_eq!(
            arguments("talos.platform=metal  slab_nomerge\tpti=on\n"),
            Err(NotBootable::Arguments {
                word: "\\t".to_owned(),
                reason: "a command line is one line without control characters".to_owned()
            })
        );
        assert_eq!(
            arguments("talos.platform=metal  slab_nomerge pti=on\n").unwrap(),
            ["talos.platform=metal", "slab_nomerge", "pti=on"]
        );
    }

    #[test]
    fn a_text_without_a_platform_is_no_command_line_of_talos() {
        assert!(check("console=tty0 talos.platform=metal").is_ok());
        assert!(check("<html>log in</html>").is_err());
        assert!(check("talos.platform=metal ; shell").is_err());
    }

    #[test]
    fn words_that_ipxe_would_act_on_are_refused() {
        for text in [
            "a && shell",
            "a ; shell",
            "a || shell",
            "a #b",
            "a=${net0/ip}",
            "a=${uuid}",
            "a\nshell",
            "a=\u{e4}",
            &"a ".repeat(5_000),
        ] {
            assert!(arguments(text).is_err(), "{text:?} was taken");
        }
    }
}
