//! The rules. Each looks for one thing that goes wrong, in the order of a boot's way; docs/findings.md
//! has a row for each.

use super::boots::{Boot, Stage};
use super::finding::{Context, Finding, Rule, Severity};
use crate::boot::loader;
use crate::boot::site::DEFAULT;
use crate::event::{Dhcp, DhcpMessage, Event, Outcome, Report, Stamped, Word};
use crate::limits;

/// All of them.
pub const ALL: [Rule; 21] = [
    no_offer,
    no_boot_file,
    wrong_next_server,
    options_66_67,
    loader_never_asked,
    other_dhcp_server,
    wrong_architecture,
    loader_missing,
    loader_stalls,
    ipxe_loops,
    script_never_asked,
    not_fetched,
    image_missing,
    image_cut_off,
    image_never_asked,
    no_address,
    back_after_local,
    installer_failed,
    waits,
    impostor,
    shared_identity,
];

fn found(
    code: &'static str,
    severity: Severity,
    evidence: &[&Stamped],
    sentence: impl Into<String>,
    remedy: impl Into<String>,
) -> Option<Finding> {
    Some(Finding {
        code,
        severity,
        sentence: sentence.into(),
        remedy: remedy.into(),
        evidence: evidence.iter().map(|event| event.seq).collect(),
    })
}

fn all<'a>(boot: &'a Boot, is_it: impl Fn(&Event) -> bool) -> Vec<&'a Stamped> {
    let events = boot.events.iter().copied();
    events.filter(|event| is_it(&event.event)).collect()
}

fn dhcp(event: &Stamped) -> Option<&Dhcp> {
    match &event.event {
        Event::Dhcp(dhcp) => Some(dhcp),
        _ => None,
    }
}

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

/// Time enough passed since an event that the next one should have come.
fn is_over(event: &Stamped, context: &Context) -> bool {
    context.now.saturating_sub(event.at) >= limits::STEP_PATIENCE.as_millis() as u64
}

fn transfer(event: &Event) -> Option<(&str, &Outcome, u64)> {
    match event {
        Event::Transfer {
            name,
            outcome,
            bytes,
            ..
        } => Some((name, outcome, *bytes)),
        _ => None,
    }
}

fn went(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done | Outcome::Sent)
}

fn no_offer(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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

fn no_boot_file(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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

/// The last answer that names a boot file, if the machine then asked for none.
fn unused_offer<'a>(boot: &'a Boot, context: &Context) -> Option<(&'a Stamped, &'a Dhcp)> {
    let answers = answers(boot);
    let (event, offer) = answers
        .into_iter()
        .rev()
        .find(|(_, dhcp)| dhcp.file.is_some())?;
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

fn wrong_next_server(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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

fn options_66_67(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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

fn loader_never_asked(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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

fn other_dhcp_server(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let answers = answers(boot);
    let with_file: Vec<_> = answers
        .iter()
        .filter(|(_, dhcp)| dhcp.file.is_some())
        .collect();
    let (one, first) = with_file.first()?;
    let (other, second) = with_file
        .iter()
        .find(|(_, dhcp)| dhcp.server != first.server)?;
    if first.next_server == second.next_server && first.file == second.file {
        return None;
    }
    let name = |dhcp: &Dhcp| {
        dhcp.server
            .map(|server| server.to_string())
            .unwrap_or_default()
    };
    found(
        "other-dhcp-server",
        Severity::Warning,
        &[one, other],
        format!(
            "two DHCP servers answer with boot fields of their own: {} and {}",
            name(first),
            name(second)
        ),
        "take the boot fields out of the one that is not meant, or switch it off",
    )
}

fn wrong_architecture(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let asked = questions(boot);
    let architecture = asked
        .iter()
        .find_map(|event| dhcp(event)?.architectures.first().copied())?;
    let is_efi = architecture != 0 && architecture != 20;
    let wrong = boot.events.iter().find(|event| {
        transfer(&event.event)
            .is_some_and(|(name, ..)| loader::is_loader(name) && name.ends_with(".efi") != is_efi)
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

fn loader_missing(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let missing = all(boot, |event| {
        transfer(event).is_some_and(|(name, outcome, _)| {
            *outcome == Outcome::NotFound && (loader::is_loader(name) || name == DEFAULT)
        })
    });
    let (name, ..) = transfer(&missing.last()?.event)?;
    if boot.stage > Stage::Loader {
        return None;
    }
    found(
        "loader-missing",
        Severity::Error,
        &missing,
        format!("the machine asked for {name}, and there is no such file"),
        "run `hearth fetch loaders`, or correct the name in the DHCP server",
    )
}

fn loader_stalls(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let stalled = all(boot, |event| {
        transfer(event).is_some_and(|(name, outcome, bytes)| {
            loader::is_loader(name) && matches!(outcome, Outcome::Failed(_)) && bytes > 0
        })
    });
    let last = stalled.last()?;
    let (name, outcome, bytes) = transfer(&last.event)?;
    let came_after = boot.events.iter().any(|event| {
        event.seq > last.seq
            && transfer(&event.event)
                .is_some_and(|(name, outcome, _)| loader::is_loader(name) && went(outcome))
    });
    if came_after || boot.stage > Stage::Loader {
        return None;
    }
    let why = match outcome {
        Outcome::Failed(why) => why.as_str(),
        _ => "",
    };
    let other = loader::other(name);
    found(
        "loader-stalls",
        Severity::Error,
        &stalled,
        format!("{name} broke off after {bytes} bytes: {why}"),
        match other {
            Some(other) => format!(
                "Hearth gives this machine {other} after {} times; to have it now: `hearth machine \
                 set MACHINE --loader {other}`",
                limits::LOADER_STALLS
            ),
            None => "give this machine another loader".to_owned(),
        },
    )
}

fn ipxe_loops(boot: &Boot, before: &[Boot], _: &Context) -> Option<Finding> {
    let loaders = |boot: &Boot| {
        let is_whole = |event: &&&Stamped| {
            transfer(&event.event)
                .is_some_and(|(name, outcome, _)| loader::is_loader(name) && went(outcome))
        };
        boot.events
            .iter()
            .filter(is_whole)
            .map(|event| event.seq)
            .collect::<Vec<_>>()
    };
    let mut seen = loaders(boot);
    if boot.stage > Stage::Ipxe || seen.is_empty() {
        return None;
    }
    let loops = before
        .iter()
        .rev()
        .take_while(|boot| boot.stage <= Stage::Ipxe && !loaders(boot).is_empty());
    loops.for_each(|boot| seen.extend(loaders(boot)));
    let asks_as_ipxe = boot
        .events
        .iter()
        .any(|event| dhcp(event).is_some_and(|dhcp| dhcp.is_ipxe));
    if seen.len() < 2 || !asks_as_ipxe {
        return None;
    }
    seen.sort_unstable();
    Some(Finding {
        code: "ipxe-loops",
        severity: Severity::Error,
        sentence: format!(
            "iPXE was given a loader again in place of {DEFAULT}, {} times",
            seen.len()
        ),
        remedy:
            "the DHCP server must tell clients with user class iPXE to get default.ipxe: take the \
                 fields that `hearth dhcp snippet` prints"
                .to_owned(),
        evidence: seen,
    })
}

fn script_never_asked(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    if boot.stage != Stage::Default {
        return None;
    }
    let sent = all(boot, |event| {
        transfer(event).is_some_and(|(name, outcome, _)| name == DEFAULT && went(outcome))
    });
    let last = sent.last().filter(|last| is_over(last, context))?;
    found(
        "script-never-asked",
        Severity::Error,
        &[last],
        "the machine got default.ipxe and never asked over HTTP what to do",
        "allow TCP from the machine to server.http_port; the machine shows the menu of default.ipxe \
         meanwhile",
    )
}

fn script(boot: &Boot) -> Option<(u64, String, String)> {
    boot.events
        .iter()
        .rev()
        .find_map(|event| match &event.event {
            Event::Script {
                decision, reason, ..
            } => Some((event.seq, decision.clone(), reason.clone())),
            _ => None,
        })
}

fn not_fetched(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let (seq, decision, reason) = script(boot)?;
    if !reason.contains("is not fetched yet") || boot.stage > Stage::Script {
        return None;
    }
    Some(Finding {
        code: "image-not-fetched",
        severity: Severity::Error,
        sentence: format!("the machine is to get {decision}, and its files are not here yet"),
        remedy: "run `hearth fetch`; the machine asks again by itself".to_owned(),
        evidence: vec![seq],
    })
}

/// Transfers after the decision.
fn images<'a>(boot: &'a Boot) -> impl Iterator<Item = &'a Stamped> {
    let decided = script(boot).map_or(u64::MAX, |(seq, ..)| seq);
    boot.events.iter().copied().filter(move |event| {
        event.seq > decided
            && transfer(&event.event)
                .is_some_and(|(name, ..)| !loader::is_loader(name) && name != DEFAULT)
    })
}

fn image_missing(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let missing = images(boot)
        .find(|event| matches!(transfer(&event.event), Some((_, Outcome::NotFound, _))))?;
    let (name, ..) = transfer(&missing.event)?;
    found(
        "image-missing",
        Severity::Error,
        &[missing],
        format!("the machine asked for {name}, and there is no such file"),
        "run `hearth fetch`, and `hearth lock check` to see what else is missing",
    )
}

fn image_cut_off(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let cut = images(boot)
        .filter(|event| matches!(transfer(&event.event), Some((_, Outcome::Failed(_), _))));
    let last = cut.last()?;
    let (name, outcome, bytes) = transfer(&last.event)?;
    let again = images(boot).any(|event| {
        event.seq > last.seq
            && transfer(&event.event)
                .is_some_and(|(other, outcome, _)| other == name && went(outcome))
    });
    if again || boot.stage == Stage::System {
        return None;
    }
    let why = match outcome {
        Outcome::Failed(why) => why.as_str(),
        _ => "",
    };
    found(
        "image-cut-off",
        Severity::Error,
        &[last],
        format!("{name} broke off after {bytes} bytes: {why}"),
        "look at the cable, the switch and the machine's memory: what was sent was the whole file's \
         beginning",
    )
}

fn image_never_asked(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (_, decision, _) = script(boot)?;
    let last_file = context.last_file.as_deref()?;
    let whole: Vec<_> = images(boot)
        .filter(|event| transfer(&event.event).is_some_and(|(_, outcome, _)| went(outcome)))
        .collect();
    let last = whole.last()?;
    let has_all = whole
        .iter()
        .any(|event| transfer(&event.event).is_some_and(|(name, ..)| name == last_file));
    if has_all
        || !is_over(last, context)
        || boot.stage == Stage::System
        || !decision.starts_with("install")
    {
        return None;
    }
    let (name, ..) = transfer(&last.event)?;
    found(
        "kernel-without-initrd",
        Severity::Error,
        &[last],
        format!("the machine got {name} and never asked for {last_file}"),
        "the machine's screen has iPXE's error number; often it is too little memory",
    )
}

fn no_address(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (_, decision, _) = script(boot)?;
    if !context.hears_dhcp || boot.stage != Stage::Images || !decision.starts_with("install") {
        return None;
    }
    let sent = images(boot)
        .filter(|event| transfer(&event.event).is_some_and(|(_, outcome, _)| went(outcome)));
    let last = sent.last()?;
    let (name, ..) = transfer(&last.event)?;
    if context
        .last_file
        .as_deref()
        .is_some_and(|file| file != name)
    {
        return None;
    }
    let waited = context.now.saturating_sub(last.at);
    if waited < limits::SYSTEM_PATIENCE.as_millis() as u64 {
        return None;
    }
    found(
        "booted-without-address",
        Severity::Error,
        &[last],
        format!(
            "the system was sent whole {} minutes ago and never asked for an address",
            waited / 60_000
        ),
        match &context.nic {
            Some(advice) => advice.clone(),
            None => {
                "its kernel may lack the driver or firmware of the network card (`hearth machine \
                     show` has its PCI id), or the system has a static address: look at its screen"
                    .to_owned()
            }
        },
    )
}

fn back_after_local(boot: &Boot, before: &[Boot], context: &Context) -> Option<Finding> {
    let local = |boot: &Boot| script(boot).filter(|(_, decision, _)| decision == "local");
    let (last, ..) = local(boot)?;
    let earlier: Vec<u64> = before
        .iter()
        .rev()
        .map_while(|boot| local(boot).map(|(seq, ..)| (boot, seq)))
        .zip(std::iter::once(boot).chain(before.iter().rev()))
        .take_while(|((earlier, _), later)| {
            later.began().saturating_sub(earlier.ended())
                <= limits::LOCAL_BOOT_BACK.as_millis() as u64
        })
        .map(|((_, seq), _)| seq)
        .collect();
    if earlier.is_empty() || context.phase != Word::Installed {
        return None;
    }
    Some(Finding {
        code: "back-after-local",
        severity: Severity::Error,
        sentence: format!(
            "the machine is installed, was sent to its disk {} times and came back to the network at once",
            earlier.len() + 1
        ),
        remedy:
            "put the disk before the network in its boot order, or give it the other way to its \
                 disk: `hearth machine set MACHINE --local-boot exit|sanboot`"
                .to_owned(),
        evidence: earlier.into_iter().rev().chain([last]).collect(),
    })
}

fn installer_failed(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    if context.phase != Word::Failed {
        return None;
    }
    let shown = all(boot, |event| {
        matches!(
            event,
            Event::Report {
                report: Report::Failed,
                ..
            } | Event::Phase {
                to: Word::Failed,
                ..
            }
        )
    });
    found(
        "installation-failed",
        Severity::Error,
        &shown,
        match context.phase_reason.as_str() {
            "" => "its installation failed".to_owned(),
            reason => format!("its installation failed: {reason}"),
        },
        "look at the installer's lines above and at the machine's screen, then `hearth machine \
         reinstall MACHINE`",
    )
}

fn waits(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (seq, decision, _) = script(boot)?;
    (context.phase == Word::Held && decision == "hold").then(|| Finding {
        code: "waits-for-approval",
        severity: Severity::Notice,
        sentence: "the machine waits for a person".to_owned(),
        remedy: "`hearth machine approve MACHINE`, or `hearth machine assign MACHINE PROFILE`"
            .to_owned(),
        evidence: vec![seq],
    })
}

fn impostor(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let events = all(boot, |event| matches!(event, Event::Impostor { .. }));
    let Event::Impostor {
        claimed,
        found: card,
        peer,
    } = &events.last()?.event
    else {
        return None;
    };
    let card = match card {
        Some(card) => format!("which {card} has"),
        None => "whose card is not known".to_owned(),
    };
    found(
        "impostor",
        Severity::Warning,
        &events,
        format!("a request from {peer}, {card}, said that it was {claimed}"),
        "find out which machine that is; it got no secret",
    )
}

fn shared_identity(boot: &Boot, before: &[Boot], _: &Context) -> Option<Finding> {
    let boots = before.iter().chain(std::iter::once(boot));
    let mut events =
        boots.flat_map(|boot| all(boot, |event| matches!(event, Event::Shared { .. })));
    let event = events.next_back()?;
    let Event::Shared {
        what,
        other,
        reason,
    } = &event.event
    else {
        return None;
    };
    found(
        "two-machines-one-uuid",
        Severity::Warning,
        &[event],
        format!("{what} is this machine's and machine {other}'s: {reason}"),
        "nothing, if they have cards of their own: they are told apart by those; a firmware tool of \
         the maker can give the board a UUID",
    )
}
