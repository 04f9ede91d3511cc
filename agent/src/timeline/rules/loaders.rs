//! What goes wrong with loaders and the first script.

use super::{all, dhcp, found, is_over, transfer, went};
use crate::boot::loader;
use crate::boot::site::DEFAULT;
use crate::event::{Outcome, Stamped};
use crate::limits;
use crate::timeline::boots::{Boot, Stage};
use crate::timeline::finding::{Context, Finding, Severity};

pub fn loader_missing(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
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

pub fn loader_stalls(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
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

pub fn ipxe_loops(boot: &Boot, before: &[Boot], _: &Context) -> Option<Finding> {
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

pub fn script_never_asked(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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
