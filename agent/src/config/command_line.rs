//! How long a kernel's command line becomes: too long a one is cut by the kernel without a word.

use std::collections::{BTreeMap, HashMap};

use super::open::LONGEST_FOLDER;
use super::raw;
use super::report::Report;
use super::source::Place;
use super::{Argument, Image, Name, Omni, OpenArgument, Recipe};
use crate::limits;

/// What x86 Linux takes: COMMAND_LINE_SIZE is 2048 with the NUL.
const X86_BYTES: usize = 2_047;
/// Longest `ip=` with its blank: three addresses, a netmask, two name servers, a host name of 64
/// and an interface of 15 characters.
const IP_BYTES: usize = 1 + 3 + 6 * 16 + 64 + 16;

/// Reports profiles, and machines with their profile, whose line is too long. The image factory's
/// own arguments are not known here; they come on top.
pub(super) fn check(
    profiles: &[raw::Profile],
    machines: &[raw::Machine],
    images: &BTreeMap<Name, Image>,
    report: &mut Report,
) {
    let mut lengths = HashMap::new();
    for profile in profiles {
        let Some(name) = &profile.name else {
            continue;
        };
        let image = profile
            .image
            .as_ref()
            .and_then(|image| images.get(&image.value));
        let of_image = image.map_or(0, |image| match &image.recipe {
            Recipe::Talos(talos) => bytes(&talos.extra_kernel_arguments),
            Recipe::Custom(custom) => bytes(&custom.arguments),
            _ => 0,
        });
        let omni = profile
            .omni
            .as_ref()
            .map_or(0, |omni| omni_bytes(&omni.value));
        if let Some(omni) = profile.omni.as_ref()
            && api_bytes(&omni.value) > limits::ARGUMENT_BYTES
        {
            let most = limits::ARGUMENT_BYTES;
            report
                .error(
                    omni.place,
                    format!("Omni's address and token make an argument of more than {most} bytes"),
                )
                .note("machines with this profile would not be started");
        }
        let length = of_image + open_bytes(&profile.arguments) + omni;
        lengths.insert(&name.value, length);
        judge(length, "this profile's", name.place, report);
    }
    for machine in machines {
        let own = bytes(&machine.arguments) + machine.address.as_ref().map_or(0, |_| IP_BYTES);
        let profile = machine
            .profile
            .as_ref()
            .and_then(|name| lengths.get(&name.value));
        let Some(of_profile) = profile.filter(|_| own > 0) else {
            continue;
        };
        // What the profile's line is too long for was said there.
        if *of_profile > X86_BYTES && of_profile + own <= limits::COMMAND_LINE_BYTES
            || *of_profile > limits::COMMAND_LINE_BYTES
        {
            continue;
        }
        let place = machine
            .name
            .as_ref()
            .map_or(machine.place, |name| name.place);
        judge(of_profile + own, "this machine's", place, report);
    }
}

fn judge(length: usize, whose: &str, place: Place, report: &mut Report) {
    let limit = limits::COMMAND_LINE_BYTES;
    if length > limit {
        report
            .error(
                place,
                format!("{whose} kernel command line has {length} bytes, more than {limit}"),
            )
            .note("no kernel takes that: it would start without the last arguments");
    } else if length > X86_BYTES {
        report
            .warning(
                place,
                format!("{whose} kernel command line has {length} bytes, more than {X86_BYTES}"),
            )
            .note("x86 kernels cut the rest off without a word");
    }
}

/// The arguments with the blank before each.
fn bytes(arguments: &[Argument]) -> usize {
    arguments.iter().map(|one| one.as_str().len() + 1).sum()
}

/// The same of open ones, with the longest URL that there can be.
fn open_bytes(arguments: &[OpenArgument]) -> usize {
    let filled = arguments.iter().map(|one| one.filled(LONGEST_FOLDER));
    filled
        .map(|one| one.map_or(0, |one| one.as_str().len() + 1))
        .sum()
}

/// The argument that holds Omni's address and the token.
fn api_bytes(omni: &Omni) -> usize {
    let token = omni.token.as_ref();
    let token = token.map_or(0, |token| "?jointoken=".len() + token.reveal().len());
    "siderolink.api=".len() + omni.api.len() + token
}

fn omni_bytes(omni: &Omni) -> usize {
    let other = |key: &str, value: &Option<String>| {
        value
            .as_ref()
            .map_or(0, |value| key.len() + value.len() + 1)
    };
    1 + api_bytes(omni)
        + other("talos.events.sink=", &omni.events)
        + other("talos.logging.kernel=", &omni.logs)
}
