//! What is seen over several boots, or of the machine itself.

use super::{all, found, script};
use crate::event::{Event, Report, Word};
use crate::limits;
use crate::timeline::boots::Boot;
use crate::timeline::finding::{Context, Finding, Severity};

pub fn back_after_local(boot: &Boot, before: &[Boot], context: &Context) -> Option<Finding> {
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

pub fn answer_broken(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
    let answers = all(boot, |event| matches!(event, Event::Answer { .. }));
    let mut last = std::collections::BTreeMap::new();
    for event in &answers {
        if let Event::Answer { name, error, .. } = &event.event {
            last.insert(name, (*event, error));
        }
    }
    let broken = |(name, (event, error)): (&String, (_, &Option<String>))| {
        let error = error.clone()?;
        Some((name.clone(), event, error))
    };
    let (name, event, error) = last.into_iter().find_map(broken)?;
    found(
        "answer-broken",
        Severity::Error,
        &[event],
        format!("the installer asked for {name} and did not get it: {error}"),
        "correct the template or what it asks for, `hearth check`, reload hearth, and let the \
         machine boot again",
    )
}

pub fn installer_failed(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
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

pub fn waits(boot: &Boot, _: &[Boot], context: &Context) -> Option<Finding> {
    let (seq, decision, reason) = script(boot)?;
    let waits = matches!(context.phase, Word::Held | Word::Ready) && decision == "hold";
    waits.then(|| Finding {
        code: "waits-for-approval",
        severity: Severity::Notice,
        sentence: format!("the machine waits for a person: {reason}"),
        remedy: "`hearth machine approve MACHINE`, or `hearth machine assign MACHINE PROFILE`"
            .to_owned(),
        evidence: vec![seq],
    })
}

pub fn impostor(boot: &Boot, _: &[Boot], _: &Context) -> Option<Finding> {
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
        "find out which machine that is; it got no secret. A new card of this machine is declared as a \
         further `mac` of it",
    )
}

pub fn shared_identity(boot: &Boot, before: &[Boot], _: &Context) -> Option<Finding> {
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
