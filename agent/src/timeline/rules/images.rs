//! What goes wrong with kernels and initrds, and with the system they are.

use super::{all, found, is_over, is_over_for, script, transfer, went};
use crate::boot::loader;
use crate::boot::site::DEFAULT;
use crate::event::{Event, Outcome, Stamped};
use crate::limits;
use crate::timeline::boots::{Boot, Stage};
use crate::timeline::finding::{Context, Finding, Severity};

pub fn not_fetched(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
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

pub fn image_missing(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
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

pub fn image_cut_off(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
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

pub fn image_never_asked(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (_, decision, _) = script(boot)?;
    let last_file = context.last_file.as_deref()?;
    let whole: Vec<_> = images(boot)
        .filter(|event| transfer(&event.event).is_some_and(|(_, outcome, _)| went(outcome)))
        .collect();
    let last = whole.last()?;
    // One that broke off or is not there was asked for, and is a finding of its own.
    let was_asked = images(boot)
        .any(|event| transfer(&event.event).is_some_and(|(name, ..)| name == last_file));
    if was_asked
        || !is_over(last, context)
        || boot.stage == Stage::System
        || !decision.starts_with("install")
    {
        return None;
    }
    let (name, ..) = transfer(&last.event)?;
    // What it was sent is not what it would be sent now: nothing says what was missing.
    if folder(name) != folder(last_file) {
        return None;
    }
    found(
        "kernel-without-initrd",
        Severity::Error,
        &[last],
        format!("the machine got {name} and never asked for {last_file}"),
        "the machine's screen has iPXE's error number; often it is too little memory",
    )
}

pub fn no_address(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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
    if !is_over_for(limits::SYSTEM_PATIENCE, last, context) {
        return None;
    }
    let waited = context.now.saturating_sub(last.at);
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

/// Said before the first failure: the machine is to get an image that its card does not work with.
pub fn nic_needs_extension(boot: &Boot, before: &[Boot], context: &Context) -> Option<Finding> {
    let extension = context.nic_lacks?;
    let is_told = no_address(boot, before, context).is_some();
    if is_told || !(Stage::Script..=Stage::Images).contains(&boot.stage) {
        return None;
    }
    let script = all(boot, |event| matches!(event, Event::Script { .. }));
    found(
        "nic-needs-extension",
        Severity::Warning,
        &script,
        format!(
            "its network card does not work without the system extension {extension}, which its \
             image lacks"
        ),
        context.nic.clone().unwrap_or_default(),
    )
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}
