use super::*;

const TERMS: Terms = Terms {
    installed: Installed::NextBoot,
    tries: 3,
    timeout: 7_200_000,
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn installing(tries: u32, loaded: bool) -> Phase {
    Phase::Installing(Installing {
        profile: name("p"),
        began: 1_000,
        counted: None,
        tries,
        token: None,
        chosen: false,
        address: [10, 0, 0, 1].into(),
        last_file: Some("initrd".to_owned()),
        loaded,
    })
}

fn asked(profile: Option<&str>, installed: Installed) -> Asked {
    Asked {
        profile: profile.map(|profile| (name(profile), Terms { installed, ..TERMS })),
        held: false,
        is_boot: true,
        now: 2_000,
    }
}

fn word(phase: &Phase, input: Input) -> Word {
    step(phase, &input).phase.word()
}

/// One phase of each kind, and what each input makes of it.
#[test]
fn every_phase_knows_every_input() {
    use crate::config::Installed as Ends;
    use Word::*;
    let phases = [
        Phase::Discovered,
        Phase::Held,
        Phase::Ready,
        installing(1, false),
        Phase::Installed { profile: name("p") },
        Phase::Failed {
            reason: "x".to_owned(),
        },
        Phase::Ignored,
    ];
    assert_eq!(phases.each_ref().map(Phase::word), Word::ALL);
    let Phase::Installing(sent) = installing(1, false) else {
        unreachable!()
    };
    let held = |profile| {
        Input::Asked(Asked {
            held: true,
            ..asked(profile, Ends::NextBoot)
        })
    };
    let plain = |profile| Input::Asked(asked(profile, Ends::NextBoot));
    let table = [
        (
            plain(None),
            [
                Discovered, Discovered, Discovered, Discovered, Installed, Failed, Ignored,
            ],
        ),
        (
            plain(Some("p")),
            [Ready, Ready, Ready, Installing, Installed, Failed, Ignored],
        ),
        (
            plain(Some("q")),
            [Ready, Ready, Ready, Ready, Installed, Failed, Ignored],
        ),
        (
            held(None),
            [
                Held, Held, Discovered, Discovered, Installed, Failed, Ignored,
            ],
        ),
        (
            held(Some("p")),
            [Held, Held, Held, Installing, Installed, Failed, Ignored],
        ),
        (
            Input::Sent(sent),
            [
                Installing, Held, Installing, Installing, Installed, Failed, Ignored,
            ],
        ),
        (
            Input::Loaded,
            [
                Discovered, Held, Ready, Installing, Installed, Failed, Ignored,
            ],
        ),
        (
            Input::Done,
            [
                Discovered, Held, Ready, Installed, Installed, Failed, Ignored,
            ],
        ),
        (
            Input::Failed("x".to_owned()),
            [Discovered, Held, Ready, Failed, Installed, Failed, Ignored],
        ),
        (
            Input::Time(3_000, Some(TERMS)),
            [
                Discovered, Held, Ready, Installing, Installed, Failed, Ignored,
            ],
        ),
        (
            Input::Time(7_201_000, Some(TERMS)),
            [Discovered, Held, Ready, Failed, Installed, Failed, Ignored],
        ),
        (
            Input::Time(7_201_000, None),
            [
                Discovered, Held, Ready, Installing, Installed, Failed, Ignored,
            ],
        ),
        (
            Input::Assign,
            [Ready, Ready, Ready, Installing, Installed, Ready, Ignored],
        ),
        (
            Input::Unassign,
            [
                Discovered, Held, Discovered, Discovered, Installed, Discovered, Ignored,
            ],
        ),
        (
            Input::Release,
            [
                Discovered, Discovered, Ready, Installing, Installed, Discovered, Discovered,
            ],
        ),
        (Input::Reinstall, [Ready; 7]),
        (Input::Local(name("p")), [Installed; 7]),
        (Input::Hold, [Held; 7]),
        (Input::Ignore, [Ignored; 7]),
    ];
    for (input, after) in table {
        for (phase, after) in phases.iter().zip(after) {
            let step = step(phase, &input);
            assert_eq!(step.phase.word(), after, "{phase:?} {input:?}");
            let moved = phase.word() != after;
            assert!(
                !moved || !step.reason.is_empty(),
                "no reason: {phase:?} {input:?}"
            );
        }
    }
}

#[test]
fn the_next_boot_after_the_installer_was_sent_means_installed() {
    let input = |installed| Input::Asked(asked(Some("p"), installed));
    assert_eq!(
        word(&installing(1, true), input(Installed::NextBoot)),
        Word::Installed
    );
    assert_eq!(
        word(&installing(1, false), input(Installed::NextBoot)),
        Word::Installing
    );
    assert_eq!(
        word(&installing(1, true), input(Installed::Callback)),
        Word::Installing
    );
    let again = Asked {
        is_boot: false,
        ..asked(Some("p"), Installed::NextBoot)
    };
    assert_eq!(
        word(&installing(1, true), Input::Asked(again)),
        Word::Installing
    );
}

#[test]
fn tries_come_to_an_end() {
    let input = || Input::Asked(asked(Some("p"), Installed::Callback));
    assert_eq!(word(&installing(2, true), input()), Word::Installing);
    let step = step(&installing(3, true), &input());
    let Phase::Failed { reason } = &step.phase else {
        panic!("{step:?}")
    };
    assert!(reason.contains("3 times"), "{reason}");
    assert_eq!(
        step.phase.gets(),
        Gets::Wait(format!("its installation failed: {reason}"))
    );
}

#[test]
fn what_is_offered_at_each_boot_is_never_installed() {
    let input = Input::Asked(asked(Some("p"), Installed::Never));
    let after = step(&installing(3, true), &input).phase;
    assert_eq!(after.gets(), Gets::Install);
    assert_eq!(after.word(), Word::Ready);
}

#[test]
fn a_repeated_script_counts_and_keeps_the_beginning() {
    let Phase::Installing(sent) = installing(1, false) else {
        unreachable!()
    };
    let later = Installing {
        began: 9_000,
        token: Some("new".to_owned()),
        ..sent
    };
    let Phase::Installing(after) = step(&installing(1, true), &Input::Sent(later)).phase else {
        panic!()
    };
    assert_eq!((after.began, after.tries, after.loaded), (1_000, 2, false));
    let Phase::Installing(sent) = installing(0, false) else {
        unreachable!()
    };
    let tries = |before: &Phase| match step(before, &Input::Sent(sent.clone())).phase {
        Phase::Installing(after) => after.tries,
        other => panic!("{other:?}"),
    };
    assert_eq!(tries(&installing(2, false)), 2, "asking again is no boot");
    assert_eq!(tries(&Phase::Ready), 1);
    assert_eq!(after.token.as_deref(), Some("new"));
}
