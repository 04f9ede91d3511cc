//! What is learnt of a machine from what happened to it.

use crate::arch::Platform;
use crate::boot::decide::usual_local_boot;
use crate::boot::loader;
use crate::config::LocalBoot;
use crate::event::{Event, Outcome};
use crate::limits;
use crate::machine::Record;
use crate::machine::record::Learnt;

/// A machine boots from the network. If it was sent to its disk a moment ago it did not boot from
/// there, and the other way is tried from now on; what a person said or declared stays.
pub fn came_back(
    record: &mut Record,
    declared: Option<LocalBoot>,
    platform: Platform,
    now: u64,
) -> Option<Event> {
    let sent = record.learnt.sent_local.take()?;
    let since = now.saturating_sub(sent);
    let is_given = declared.is_some() || record.wishes.local_boot.is_some();
    if is_given || since > limits::LOCAL_BOOT_BACK.as_millis() as u64 {
        return None;
    }
    let learnt = record.learnt.local_boot.as_ref().map(|(method, _)| *method);
    let other = match learnt.unwrap_or(usual_local_boot(platform)) {
        LocalBoot::Exit => LocalBoot::Sanboot,
        LocalBoot::Sanboot => LocalBoot::Exit,
    };
    let reason = format!(
        "it was back {} s after it was sent to its disk",
        since / 1000
    );
    record.learnt.local_boot = Some((other, reason.clone()));
    let method = match other {
        LocalBoot::Exit => "exit",
        LocalBoot::Sanboot => "sanboot",
    };
    Some(Event::LocalBoot {
        method: method.to_owned(),
        reason,
    })
}

/// A loader went to a machine by TFTP, or did not: after some stalls in a row another one is tried.
/// Returns what is given from now on, and why.
pub fn loader_sent(
    learnt: &mut Learnt,
    name: &str,
    bytes: u64,
    outcome: &Outcome,
) -> Option<(String, String)> {
    match outcome {
        Outcome::Done | Outcome::Sent => {
            learnt.stalls = None;
            return None;
        }
        // One that never took a byte says nothing of the loader.
        Outcome::Failed(_) if bytes > 0 => {}
        _ => return None,
    }
    let other = loader::other(name)?;
    let stalls = match &learnt.stalls {
        Some((stalled, count)) if stalled == name => count + 1,
        _ => 1,
    };
    learnt.stalls = Some((name.to_owned(), stalls));
    if stalls < limits::LOADER_STALLS {
        return None;
    }
    let reason = format!("{name} broke off {stalls} times in a row");
    learnt.loader = Some((other.clone(), reason.clone()));
    learnt.stalls = None;
    Some((other, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MachineId;

    fn record() -> Record {
        Record::new(MachineId(1), 0)
    }

    #[test]
    fn a_machine_that_is_back_at_once_gets_the_other_way_to_its_disk() {
        let mut record = record();
        record.learnt.sent_local = Some(1_000);
        let event = came_back(&mut record, None, Platform::Efi, 61_000);
        let Some(Event::LocalBoot { method, reason }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(method, "sanboot");
        assert!(reason.contains("60 s"), "{reason}");
        record.learnt.sent_local = Some(100_000);
        came_back(&mut record, None, Platform::Efi, 110_000);
        let learnt = record.learnt.local_boot.as_ref().map(|(method, _)| *method);
        assert_eq!(learnt, Some(LocalBoot::Exit));
    }

    #[test]
    fn what_a_person_said_and_an_evening_teach_nothing() {
        let mut record = record();
        record.learnt.sent_local = Some(0);
        assert_eq!(came_back(&mut record, None, Platform::Bios, 121_000), None);
        record.learnt.sent_local = Some(0);
        assert_eq!(
            came_back(&mut record, Some(LocalBoot::Exit), Platform::Bios, 5_000),
            None
        );
        record.wishes.local_boot = Some(LocalBoot::Exit);
        record.learnt.sent_local = Some(0);
        assert_eq!(came_back(&mut record, None, Platform::Bios, 5_000), None);
        assert_eq!(
            came_back(&mut record, None, Platform::Bios, 5_000),
            None,
            "never sent"
        );
    }

    #[test]
    fn two_stalls_in_a_row_bring_another_loader() {
        let mut learnt = Learnt::default();
        let cut = Outcome::Failed("the client does not answer".to_owned());
        assert_eq!(loader_sent(&mut learnt, "ipxe.efi", 5_000, &cut), None);
        assert_eq!(
            loader_sent(&mut learnt, "ipxe.efi", 9_000, &Outcome::Done),
            None
        );
        assert_eq!(loader_sent(&mut learnt, "ipxe.efi", 5_000, &cut), None);
        assert_eq!(
            loader_sent(&mut learnt, "ipxe.efi", 0, &cut),
            None,
            "never began"
        );
        let (given, reason) = loader_sent(&mut learnt, "ipxe.efi", 5_000, &cut).unwrap();
        assert_eq!(given, "snponly.efi");
        assert!(
            reason.contains("twice") || reason.contains("2 times"),
            "{reason}"
        );
        assert_eq!(learnt.loader, Some((given, reason)));
        assert_eq!(loader_sent(&mut learnt, "talos/kernel", 5, &cut), None);
    }
}
