//! What goes wrong before a loader is asked for.

use super::{all, dhcp, found, is_over, transfer};
use crate::arch::{CLIENTS, Cpu};
use crate::boot::loader;
use crate::event::{Dhcp, DhcpMessage, Event, Stamped};
use crate::timeline::boots::{Boot, Stage};
use crate::timeline::finding::{Context, Finding, Severity};

/// Answers that a client of the firmware got, not iPXE: those between its question and iPXE's.
fn answers<'a>(boot: &'a Boot) -> Vec<(&'a Stamped, &'a Dhcp)> {
    let is_answer = |dhcp: &&Dhcp| {
        dhcp.server.is_some() && matches!(dhcp.message, DhcpMessage::Offer | DhcpMessage::Ack)
    };
    let ipxe = boot
        .events
        .iter()
        .position(|event| dhcp(event).is_some_and(|dhcp| dhcp.is_ipxe));
    let until = ipxe.unwrap_or(boot.events.len());
    let events = boot.events[..until].iter().copied();
    events
        .filter_map(|event| dhcp(event).filter(is_answer).map(|dhcp| (event, dhcp)))
        .collect()
}

fn questions<'a>(boot: &'a Boot) -> Vec<&'a Stamped> {
    all(
        boot,
        |event| matches!(event, Event::Dhcp(dhcp) if dhcp.server.is_none() && !dhcp.is_ipxe && !dhcp.architectures.is_empty()),
    )
}

pub fn no_offer(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let asked = questions(boot);
    let last = asked.last()?;
    if !answers(boot).is_empty() || boot.stage > Stage::Firmware || !is_over(last, context) {
        return None;
    }
    found(
        "no-dhcp-offer",
        Severity::Error,
        &asked,
        "the machine asked for an address and no DHCP server answered",
        "start the DHCP server of this network, give it a free address, or look whether a filter \
         drops UDP 67 and 68 between them",
    )
}

pub fn no_boot_file(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let answers = answers(boot);
    let (last, _) = answers.last()?;
    let has_file = answers.iter().any(|(_, dhcp)| dhcp.file.is_some());
    if has_file || boot.stage > Stage::Firmware || !is_over(last, context) {
        return None;
    }
    found(
        "no-boot-file",
        Severity::Error,
        &answers.iter().map(|(event, _)| *event).collect::<Vec<_>>(),
        "the DHCP server gave an address and no boot file",
        "give it the fields that `hearth dhcp snippet` prints",
    )
}

/// The answer by which the machine took an address from a server that names no boot file, although this
/// other one offered an address too, with a file. A proxy offers a file and no address: it is meant.
fn taken_elsewhere<'a>(
    answers: &[(&'a Stamped, &'a Dhcp)],
    offer: &Dhcp,
) -> Option<(&'a Stamped, &'a Dhcp)> {
    let gives = offer
        .address
        .is_some_and(|address| !address.is_unspecified());
    let mut acks = answers.iter().rev();
    let (event, ack) = acks.find(|(_, dhcp)| dhcp.message == DhcpMessage::Ack)?;
    let is_other = ack.server != offer.server && ack.file.is_none();
    (gives && is_other).then_some((event, ack))
}

/// The last answer that names a boot file, if the machine then asked for none.
fn unused_offer<'a>(boot: &'a Boot, context: &Context) -> Option<(&'a Stamped, &'a Dhcp)> {
    let answers = answers(boot);
    let (event, offer) = *answers.iter().rev().find(|(_, dhcp)| dhcp.file.is_some())?;
    if taken_elsewhere(&answers, offer).is_some() {
        return None;
    }
    let asked = boot
        .events
        .iter()
        .any(|event| transfer(&event.event).is_some());
    let is_unused = boot.stage == Stage::Firmware && !asked && is_over(event, context);
    is_unused.then_some((event, offer))
}

fn is_ours(offer: &Dhcp, context: &Context) -> bool {
    let named = offer.next_server.as_deref().unwrap_or_default();
    let file = offer.file.as_deref().unwrap_or_default();
    let is_it = |text: &str| {
        text.parse()
            .is_ok_and(|address| context.ours.contains(&address))
    };
    // A URL names its server itself (UEFI HTTP boot).
    let in_url = || {
        let host = file
            .strip_prefix("http://")
            .and_then(|rest| rest.split(['/', ':']).next());
        host.is_some_and(is_it)
    };
    is_it(named) || in_url()
}

pub fn wrong_next_server(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (event, offer) = unused_offer(boot, context)?;
    if is_ours(offer, context) {
        return None;
    }
    let sent = match offer.next_server.as_deref() {
        Some(server) => format!("sent it to {server}"),
        None => "named no boot server".to_owned(),
    };
    let ours: Vec<_> = context
        .ours
        .iter()
        .map(|address| address.to_string())
        .collect();
    found(
        "wrong-next-server",
        Severity::Error,
        &[event],
        format!(
            "the DHCP server {sent}, and Hearth is at {}",
            ours.join(", ")
        ),
        "set next-server (siaddr) to Hearth's address, as `hearth dhcp snippet` prints it",
    )
}

pub fn options_66_67(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (event, offer) = unused_offer(boot, context)?;
    if !offer.has_options_66_67 || !is_ours(offer, context) {
        return None;
    }
    found(
        "options-66-67",
        Severity::Error,
        &[event],
        "the DHCP server sends options 66 or 67 beside the boot fields, and the machine asked for \
         nothing after that",
        "remove options 66 and 67 from the DHCP server: some firmware takes them in place of \
         next-server and the boot file",
    )
}

pub fn loader_never_asked(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (event, offer) = unused_offer(boot, context)?;
    if offer.has_options_66_67 || !is_ours(offer, context) {
        return None;
    }
    found(
        "loader-never-asked",
        Severity::Error,
        &[event],
        format!(
            "the machine was told to get {} from Hearth and never asked for it",
            offer.file.as_deref().unwrap_or_default()
        ),
        "allow UDP port 69 and the answers' ports (or set tftp.single_port), and for HTTP boot the \
         HTTP port, between the machine and Hearth",
    )
}

pub fn other_dhcp_server(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let answers = answers(boot);
    let with_file: Vec<_> = answers
        .iter()
        .filter(|(_, dhcp)| dhcp.file.is_some())
        .collect();
    let (one, first) = with_file.first()?;
    let name = |dhcp: &Dhcp| {
        dhcp.server
            .map(|server| server.to_string())
            .unwrap_or_default()
    };
    let taken = taken_elsewhere(&answers, first).filter(|_| boot.stage == Stage::Firmware);
    let (severity, other, sentence, remedy) = match taken {
        Some((event, other)) => (
            Severity::Error,
            event,
            format!(
                "the machine took its address from {}, which names no boot file, and not from {}, \
                 which does",
                name(other),
                name(first)
            ),
            "switch the DHCP server off that is not meant (a router or an access point often has \
             one), or give it the same boot fields",
        ),
        None => {
            let (event, second) = with_file
                .iter()
                .find(|(_, dhcp)| dhcp.server != first.server)?;
            if first.next_server == second.next_server && first.file == second.file {
                return None;
            }
            let sentence = format!(
                "two DHCP servers answer with boot fields of their own: {} and {}",
                name(first),
                name(second)
            );
            let remedy = "take the boot fields out of the one that is not meant, or switch it off";
            (Severity::Warning, *event, sentence, remedy)
        }
    };
    found(
        "other-dhcp-server",
        severity,
        &[one, other],
        sentence,
        remedy,
    )
}

pub fn wrong_architecture(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let asked = questions(boot);
    let architecture = asked
        .iter()
        .find_map(|event| dhcp(event)?.architectures.first().copied())?;
    let is_efi = architecture != 0 && architecture != 20;
    let mut clients = CLIENTS.iter();
    let client = clients.find(|client| client.option_93 == architecture);
    let cpu = client.filter(|_| is_efi).map(|client| client.cpu);
    let cannot_start = |name: &str| {
        let is_other = || cpu.is_some_and(|cpu| cpu != cpu_of(name)) && boot.stage <= Stage::Loader;
        name.ends_with(".efi") != is_efi || is_other()
    };
    let wrong = boot.events.iter().find(|event| {
        transfer(&event.event)
            .is_some_and(|(name, ..)| loader::is_loader(name) && cannot_start(name))
    })?;
    let (name, ..) = transfer(&wrong.event)?;
    found(
        "wrong-architecture",
        Severity::Error,
        &[wrong],
        format!(
            "the machine says architecture {architecture} and asked for {name}, which it cannot start"
        ),
        "give each architecture its own file, as `hearth dhcp snippet` prints it",
    )
}

/// What a loader is built for, by its folder ([`crate::arch::loader_name`]).
fn cpu_of(name: &str) -> Cpu {
    let folder = name.split_once('/').map(|(folder, _)| folder.parse());
    folder.and_then(Result::ok).unwrap_or(Cpu::Amd64)
}
