//! What is learnt of a machine from what happened to it.

use crate::arch::Platform;
use crate::boot::decide::usual_local_boot;
use crate::boot::loader;
use crate::config::LocalBoot;
use crate::event::{Event, Outcome};
use crate::limits;
use crate::mac::Mac;
use crate::machine::Record;
use crate::machine::record::Learnt;

/// A machine boots from the network. If it was sent to its disk a moment ago it did not boot from
/// there, and the other way is tried from now on; what a person said or declared stays.
pub fn came_back(
    record: &mut Record,
    declared: Option<LocalBoot>,
    card: Option<Mac>,
    platform: Platform,
    now: u64,
) -> Option<Event> {
    let sent = record.learnt.sent_local.take()?;
    // A clock that was set back says nothing of how long ago that was.
    let since = now.checked_sub(sent)?;
    let is_given = declared.is_some() || record.wishes.local_boot.is_some();
    let is_back = is_soon(since) && record.learnt.sent_local_card == card;
    if is_given || !is_back {
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
    Some(learnt_way(record, other, reason))
}

fn is_soon(since: u64) -> bool {
    u128::from(since) <= limits::LOCAL_BOOT_BACK.as_millis()
}

fn learnt_way(record: &mut Record, way: LocalBoot, reason: String) -> Event {
    record.learnt.local_boot = Some((way, reason.clone()));
    Event::LocalBoot {
        method: way.to_string(),
        reason,
    }
}

/// What an installed machine gets that asks for a loader.
#[derive(Clone, Debug, PartialEq)]
pub enum ForLoader {
    /// The loader: its disk is started by iPXE.
    Given(Option<Event>),
    /// Nothing: its firmware goes on with its boot order, and so to the disk.
    Denied,
}

/// An installed machine asks for a loader, by its card if that is known. Without one its firmware goes
/// on to the disk, as it does when no server is there. Where that brought it back at once, and where a
/// person says so, it gets the loader, and iPXE starts the disk.
pub fn loader_of_installed(
    record: &mut Record,
    declared: Option<LocalBoot>,
    card: Option<Mac>,
    now: u64,
) -> ForLoader {
    let given = record.wishes.local_boot.or(declared);
    let learnt = record.learnt.local_boot.as_ref().map(|(way, _)| *way);
    if given.or(learnt) == Some(LocalBoot::Sanboot) {
        return ForLoader::Given(None);
    }
    let sent = record.learnt.sent_local;
    let since = sent.and_then(|at| now.checked_sub(at));
    let is_same = card.is_some() && record.learnt.sent_local_card == card;
    match since {
        // A firmware repeats what is refused.
        Some(since) if is_same && u128::from(since) < limits::LOCAL_BOOT_REPEAT.as_millis() => {
            ForLoader::Denied
        }
        Some(since) if is_same && is_soon(since) && given.is_none() => {
            record.learnt.sent_local = None;
            let reason = format!(
                "it asked for a loader again {} s after it was refused one",
                since / 1000
            );
            ForLoader::Given(Some(learnt_way(record, LocalBoot::Sanboot, reason)))
        }
        _ => {
            record.learnt.sent_local = Some(now);
            record.learnt.sent_local_card = card;
            ForLoader::Denied
        }
    }
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
        let event = came_back(&mut record, None, None, Platform::Efi, 61_000);
        let Some(Event::LocalBoot { method, reason }) = event else {
            panic!("{event:?}")
        };
        assert_eq!(method, "sanboot");
        assert!(reason.contains("60 s"), "{reason}");
        record.learnt.sent_local = Some(100_000);
        came_back(&mut record, None, None, Platform::Efi, 110_000);
        let learnt = record.learnt.local_boot.as_ref().map(|(method, _)| *method);
        assert_eq!(learnt, Some(LocalBoot::Exit));
    }

    #[test]
    fn a_clock_that_was_set_back_teaches_nothing() {
        let mut record = record();
        record.learnt.sent_local = Some(1_700_000_000_000);
        record.learnt.sent_local_card = card(1);
        let back = came_back(&mut record, None, card(1), Platform::Efi, 5_000);
        assert_eq!(back, None);
        record.learnt.sent_local = Some(1_700_000_000_000);
        let mut ask = |now| loader_of_installed(&mut record, None, card(1), now);
        assert_eq!(ask(5_000), ForLoader::Denied);
        assert!(
            matches!(ask(45_000), ForLoader::Given(Some(_))),
            "it is learnt by the clock as it is now"
        );
    }

    #[test]
    fn what_a_person_said_and_an_evening_teach_nothing() {
        let mut record = record();
        record.learnt.sent_local = Some(0);
        assert_eq!(
            came_back(&mut record, None, None, Platform::Bios, 121_000),
            None
        );
        record.learnt.sent_local = Some(0);
        assert_eq!(
            came_back(
                &mut record,
                Some(LocalBoot::Exit),
                None,
                Platform::Bios,
                5_000
            ),
            None
        );
        record.wishes.local_boot = Some(LocalBoot::Exit);
        record.learnt.sent_local = Some(0);
        assert_eq!(
            came_back(&mut record, None, None, Platform::Bios, 5_000),
            None
        );
        assert_eq!(
            came_back(&mut record, None, None, Platform::Bios, 5_000),
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

    fn card(last: u8) -> Option<Mac> {
        Mac::new([0x52, 0x54, 0, 0, 0, last]).ok()
    }

    #[test]
    fn a_firmware_that_goes_on_to_its_next_card_is_not_back() {
        let mut record = record();
        let sent = |record: &mut Record| {
            record.learnt.sent_local = Some(1_000);
            record.learnt.sent_local_card = card(1);
        };
        sent(&mut record);
        assert_eq!(
            came_back(&mut record, None, card(2), Platform::Efi, 5_000),
            None
        );
        sent(&mut record);
        assert!(came_back(&mut record, None, card(1), Platform::Efi, 5_000).is_some());
    }

    #[test]
    fn an_installed_machine_gets_no_loader_until_that_does_not_help() {
        let mut record = record();
        let mut ask = |card, now| loader_of_installed(&mut record, None, card, now);
        assert_eq!(ask(card(1), 1_000_000), ForLoader::Denied);
        assert_eq!(ask(card(1), 1_001_000), ForLoader::Denied, "repeated");
        assert_eq!(ask(card(2), 1_020_000), ForLoader::Denied, "its next card");
        assert_eq!(ask(card(1), 2_000_000), ForLoader::Denied, "another day");
        let back = ask(card(1), 2_040_000);
        assert!(
            matches!(&back, ForLoader::Given(Some(Event::LocalBoot { method, .. })) if method == "sanboot"),
            "{back:?}"
        );
        assert_eq!(ask(card(1), 3_000_000), ForLoader::Given(None));
    }

    #[test]
    fn what_a_person_said_of_the_disk_decides_about_the_loader() {
        let mut record = record();
        record.wishes.local_boot = Some(LocalBoot::Sanboot);
        let given = loader_of_installed(&mut record, None, card(1), 1_000);
        assert_eq!(given, ForLoader::Given(None));
        record.wishes.local_boot = Some(LocalBoot::Exit);
        for now in [1_000_000, 1_030_000, 1_060_000] {
            let denied = loader_of_installed(&mut record, None, card(1), now);
            assert_eq!(denied, ForLoader::Denied);
        }
        let behind_a_router = loader_of_installed(&mut record, None, None, 1_090_000);
        assert_eq!(behind_a_router, ForLoader::Denied);
    }
}
