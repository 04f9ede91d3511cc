//! How installations end, and what their tokens are worth.

use super::*;

#[test]
fn an_installation_ends_with_the_next_boot_after_all_of_it_was_sent() {
    let place = Place::new();
    place.asks("");
    place.assign("by-boot");
    assert!(place.asks("").contains(INITRD));
    assert_eq!(place.word(), Word::Installing);
    place.loaded(KERNEL);
    place.asks("");
    assert_eq!(place.word(), Word::Installing, "only the kernel was sent");
    place.loaded(KERNEL);
    place.loaded(INITRD);
    place.asks("attempt=1");
    assert_eq!(place.word(), Word::Installing, "asking again is no boot");
    place.loaded(INITRD);
    for _ in 0..4 {
        place.asks("");
        assert_eq!(place.decided().0, "local");
    }
    assert_eq!(place.word(), Word::Installed);
    assert_eq!(place.gets(Via::Http, KERNEL, ODEN), "denied");
    place.act(Action::Reinstall);
    place.asks("");
    assert_eq!(place.decided().0, "install by-boot");
}

#[test]
fn an_installation_that_never_loads_fails_after_its_tries_and_says_so() {
    let place = Place::new();
    place.asks("");
    place.assign("by-boot");
    for _ in 0..2 {
        assert!(place.asks("").contains(INITRD));
        place.asks("attempt=1");
        place.asks("attempt=2");
    }
    let script = place.asks("");
    assert_eq!(place.word(), Word::Failed);
    assert!(script.contains("sent its installation 2 times"), "{script}");
    assert_eq!(place.decided().0, "hold");
    place.act(Action::Reinstall);
    assert!(place.asks("").contains(INITRD));
}

#[test]
fn an_installation_ends_with_the_call_and_so_does_its_token() {
    let place = Place::new();
    place.asks("");
    place.assign("by-call");
    let first = token(&place.asks(""));
    let token = token(&place.asks("attempt=1"));
    place.loaded(INITRD);
    assert_eq!(place.reports(&first, Report::Done, ODEN), Told::Unknown);
    assert_eq!(place.reports(&token, Report::Log, ODEN), Told::Taken);
    assert_eq!(place.word(), Word::Installing);
    assert_eq!(place.reports(&token, Report::Done, ODEN), Told::Taken);
    assert_eq!(place.word(), Word::Installed);
    for report in [Report::Done, Report::Failed, Report::Log] {
        assert_eq!(place.reports(&token, report, ODEN), Told::Unknown);
    }
    place.asks("");
    assert_eq!(place.decided().0, "local");
}

#[test]
fn an_installation_that_takes_too_long_fails_and_its_token_dies() {
    let place = Place::new();
    place.asks("");
    place.assign("by-call");
    let token = token(&place.asks(""));
    place.keeper.look_at_the_clock();
    assert_eq!(place.word(), Word::Installing);
    place.change(|record| {
        if let Phase::Installing(installing) = &mut record.phase {
            installing.began -= 3 * 3_600_000;
        }
    });
    place.keeper.look_at_the_clock();
    assert_eq!(place.word(), Word::Failed);
    assert_eq!(place.reports(&token, Report::Done, ODEN), Told::Unknown);
    assert!(place.asks("").contains("began 180 minutes ago"));
}

#[test]
fn an_installer_that_gives_up_leaves_its_reason() {
    let place = Place::new();
    place.asks("");
    place.assign("by-call");
    let token = token(&place.asks(""));
    assert_eq!(place.reports(&token, Report::Failed, ODEN), Told::Taken);
    assert!(place.asks("").contains("the installer says: it says so"));
    assert_eq!(place.decided().0, "hold");
}

#[test]
fn a_token_is_worth_nothing_to_another_machine_or_after_the_installation() {
    let place = Place::new();
    place.asks("");
    place.assign("by-call");
    let token = token(&place.asks(""));
    let refused = |from| matches!(place.reports(&token, Report::Done, from), Told::Refused(_));
    assert!(refused(TOR) && refused(FAR));
    assert!(place.saw(|event| matches!(event, Event::Impostor { .. })));
    assert_eq!(place.word(), Word::Installing);
    place.act(Action::Reinstall);
    assert_eq!(place.reports(&token, Report::Done, ODEN), Told::Unknown);
    assert!(!format!("{:?}", place.record()).contains(&token));
    assert!(!format!("{:?}", held(&place.seen.0)).contains(&token));
}

#[test]
fn an_installation_does_not_talk_without_end() {
    let place = Place::new();
    place.asks("");
    place.assign("by-call");
    let token = token(&place.asks(""));
    let lines = limits::REPORT_LINES.0 + 1;
    let mut told = (0..lines).map(|_| place.reports(&token, Report::Log, ODEN));
    assert!(told.any(|told| told == Told::TooMuch));
    drop(told);
    assert_eq!(place.reports(&token, Report::Done, ODEN), Told::Taken);
}

#[test]
fn an_impostor_gets_no_installation_and_changes_nothing() {
    let place = Place::new();
    place.asks("");
    place.assign("by-call");
    let (before, machines) = (place.record(), place.keeper.census.look().len());
    let script = place.asks_from(TOR, "");
    assert_eq!(place.record(), before);
    let made_up = "platform=efi&mac=02:00:00:00:00:99";
    place.keeper.script(made_up, &request(Via::Http, TOR));
    assert_eq!(place.keeper.census.look().len(), machines);
    assert!(
        !script.contains(KERNEL) && !script.contains("/event/"),
        "{script}"
    );
    assert_eq!(place.word(), Word::Ready);
    assert!(place.saw(|event| matches!(event, Event::Impostor { .. })));
    token(&place.asks(""));
}
