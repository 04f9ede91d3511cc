//! Boots as they happen, looked at on their way.

use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::event::{Dhcp, DhcpMessage, Outcome, Report, Via, Word};
use crate::recipe::Part;

const MACHINE: MachineId = MachineId(7);
const BEGIN: u64 = 1_000_000;

/// Events that reach a table one after the other.
struct Boots {
    live: Live,
    seq: u64,
    at: u64,
}

fn mac() -> Mac {
    "52:54:00:77:00:01".parse().unwrap()
}

fn peer() -> SocketAddr {
    "192.168.1.171:2070".parse().unwrap()
}

fn transfer(name: &str, outcome: Outcome) -> Event {
    Event::Transfer {
        via: Via::Http,
        peer: peer(),
        name: name.to_owned(),
        bytes: 1_000_000,
        size: Some(1_000_000),
        took: Duration::from_millis(400),
        repeats: 0,
        outcome,
    }
}

fn script(decision: &str) -> Event {
    Event::Script {
        peer: peer(),
        machine: "oden".to_owned(),
        decision: decision.to_owned(),
        reason: "as a test wants it".to_owned(),
    }
}

fn phase(from: Word, to: Word) -> Event {
    Event::Phase {
        from,
        to,
        reason: String::new(),
    }
}

fn report(report: Report) -> Event {
    Event::Report {
        report,
        text: "x".to_owned(),
    }
}

fn dhcp(architectures: &[u16], is_ipxe: bool) -> Event {
    Event::Dhcp(Dhcp {
        message: DhcpMessage::Discover,
        mac: mac(),
        xid: 7,
        architectures: architectures.to_vec(),
        vendor_class: String::new(),
        is_ipxe,
        uuid: None,
        server: None,
        address: None,
        next_server: None,
        file: None,
        has_options_66_67: false,
    })
}

/// What a look knows beside events.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    phase: Option<Word>,
    loaded: bool,
    under_way: Option<&'a str>,
}

impl Boots {
    fn new() -> Boots {
        Boots {
            live: Live::default(),
            seq: 0,
            at: BEGIN,
        }
    }

    fn put_of(&mut self, machine: Option<MachineId>, event: Event) -> &mut Boots {
        self.at += 100;
        self.seq += 1;
        self.live.take(&Arc::new(Stamped {
            seq: self.seq,
            at: self.at,
            machine,
            event,
        }));
        self
    }

    fn put(&mut self, event: Event) -> &mut Boots {
        self.put_of(Some(MACHINE), event)
    }

    fn after(&mut self, seconds: u64) -> &mut Boots {
        self.at += seconds * 1000;
        self
    }

    /// The words of the only boot's place and end; nothing: it is not shown.
    fn told(&self, known: Known) -> String {
        let boots = self.live.boots();
        let [(_, boot)] = &boots[..] else {
            panic!("{} boots", boots.len());
        };
        let part = |name: &str| match name {
            "linux" => Some(Part::Kernel),
            "initrd" => Some(Part::Initrd),
            _ => None,
        };
        let beside = Beside {
            now: self.at,
            phase: known.phase,
            loaded: known.loaded,
            under_way: known.under_way.map(|name| (name, self.at)),
            part: &part,
        };
        let now = boot.now(&beside);
        let end = now
            .end
            .map_or(String::new(), |(how, _)| format!(", {}", how.word()));
        match boot.is_shown(&now, &beside) {
            true => format!("{}{end}", now.place.word()),
            false => String::new(),
        }
    }

    fn place(&self) -> String {
        self.told(Known::default())
    }
}

#[test]
fn a_boot_is_followed_through_every_stage() {
    let mut boots = Boots::new();
    let installing = Known {
        phase: Some(Word::Installing),
        ..Known::default()
    };
    boots.put(dhcp(&[7], false));
    assert_eq!(boots.place(), "dhcp");
    let loads = |name| Known {
        under_way: Some(name),
        ..installing
    };
    assert_eq!(boots.told(loads("snponly.efi")), "loader");
    boots.put(transfer("snponly.efi", Outcome::Done));
    assert_eq!(boots.place(), "loader");
    boots.put(dhcp(&[7], true));
    assert_eq!(boots.place(), "ipxe");
    boots.put(transfer("default.ipxe", Outcome::Done));
    assert_eq!(boots.place(), "ipxe");
    boots.put(phase(Word::Ready, Word::Installing));
    boots.put(script("install talos"));
    assert_eq!(boots.told(installing), "script");
    assert_eq!(boots.told(loads("linux")), "kernel");
    boots.put(transfer("linux", Outcome::Done));
    assert_eq!(boots.told(installing), "kernel");
    assert_eq!(boots.told(loads("initrd")), "initrd");
    boots.put(transfer("initrd", Outcome::Done));
    let loaded = Known {
        loaded: true,
        ..installing
    };
    assert_eq!(boots.told(loaded), "installing");
    boots.put(dhcp(&[], false));
    assert_eq!(boots.told(loaded), "installing");
    boots.put(report(Report::Log));
    assert_eq!(boots.told(loaded), "installing");
    boots.after(3600);
    assert_eq!(boots.told(loaded), "installing", "an installer is silent");
    boots.put(report(Report::Done));
    boots.put(phase(Word::Installing, Word::Installed));
    let installed = Known {
        phase: Some(Word::Installed),
        ..Known::default()
    };
    assert_eq!(boots.told(installed), "installing, installed");
    let (_, boot) = boots.live.boots().remove(0);
    assert_eq!(boot.began, BEGIN + 100);
    let names: Vec<_> = boot.sent.iter().map(|sent| sent.name.as_str()).collect();
    assert_eq!(names, ["default.ipxe", "linux", "initrd"]);
    boots.after(61);
    assert_eq!(boots.told(installed), "", "its end was to be seen");
}

#[test]
fn how_a_boot_ends_follows_from_what_it_gets() {
    for (decision, told) in [
        ("menu", "menu"),
        ("hold", "waiting"),
        ("local", "script, local"),
        ("deny", "script, denied"),
        ("install talos", "script"),
    ] {
        let mut boots = Boots::new();
        boots.put(script(decision));
        assert_eq!(boots.place(), told, "{decision}");
    }
    let mut boots = Boots::new();
    boots.put(phase(Word::Installing, Word::Installed));
    assert!(boots.live.boots().is_empty(), "a phase is no boot");
    boots.put(transfer("default.ipxe", Outcome::Done));
    boots.put(phase(Word::Installing, Word::Installed));
    boots.put(script("local"));
    assert_eq!(boots.place(), "script, installed", "by its next boot");
    let mut boots = Boots::new();
    boots.put(script("install talos"));
    boots.put(phase(Word::Installing, Word::Failed));
    boots.put(script("hold"));
    assert_eq!(boots.place(), "waiting, failed");
    boots.put(phase(Word::Failed, Word::Ready));
    boots.put(script("install talos"));
    assert_eq!(boots.place(), "script", "a person let it go on");
}

#[test]
fn what_is_not_installed_has_started_once_it_is_quiet() {
    let mut boots = Boots::new();
    boots.put(script("install rescue"));
    boots.put(transfer("linux", Outcome::Done));
    assert_eq!(boots.place(), "kernel");
    boots.after(30);
    assert_eq!(boots.place(), "system, started");
    boots.after(60);
    assert_eq!(boots.place(), "");
    let mut boots = Boots::new();
    boots.put(script("install rescue"));
    boots.put(transfer("linux", Outcome::Failed("cut".to_owned())));
    boots.after(30);
    assert_eq!(boots.place(), "kernel", "it did not get it");
    let mut boots = Boots::new();
    boots.put(script("install rescue"));
    boots.put(transfer("linux", Outcome::Done));
    boots.put(dhcp(&[], false));
    assert_eq!(boots.place(), "system, started", "it asks for an address");
    boots.after(120);
    boots.put(dhcp(&[], false));
    assert_eq!(boots.place(), "", "a lease is renewed, and that is no boot");
}

#[test]
fn a_boot_that_fell_silent_is_left_out_and_one_under_way_is_not() {
    let mut boots = Boots::new();
    boots.put(transfer("snponly.efi", Outcome::Failed("cut".to_owned())));
    boots.after(359);
    assert_eq!(boots.place(), "loader");
    boots.after(1);
    assert_eq!(boots.place(), "");
    let sends = Known {
        under_way: Some("linux"),
        ..Known::default()
    };
    assert_eq!(boots.told(sends), "kernel");
}

#[test]
fn the_next_boot_begins_anew() {
    let mut boots = Boots::new();
    boots.put(dhcp(&[7], false)).put(script("local"));
    boots.after(600);
    boots.put(dhcp(&[7], false));
    let (_, boot) = boots.live.boots().remove(0);
    assert_eq!((boot.began, boot.decision.as_deref()), (boots.at, None));
    assert_eq!(boots.place(), "dhcp");
    // A loader that is on its way tells the same where DHCP is not heard.
    boots.put(script("local"));
    let (_, boot) = boots.live.boots().remove(0);
    assert!(is_of_another(&boot, "snponly.efi", boots.at + 5));
    assert!(
        !is_of_another(&boot, "snponly.efi", boots.at),
        "it was before"
    );
    assert!(!is_of_another(&boot, "linux", boots.at + 5));
    // It was under way when the machine asked.
    boots.put(transfer(DEFAULT, Outcome::Done));
    let (_, boot) = boots.live.boots().remove(0);
    assert_eq!(boot.decision.as_deref(), Some("local"));
    boots.after(60).put(transfer(DEFAULT, Outcome::Done));
    let (_, boot) = boots.live.boots().remove(0);
    assert_eq!(boot.decision, None);
}

#[test]
fn a_stranger_that_turns_out_to_be_a_machine_is_one_boot() {
    let mut boots = Boots::new();
    boots.put_of(None, dhcp(&[7], false));
    let whose = |boots: &Boots| boots.live.boots()[0].0;
    assert_eq!(whose(&boots), Who::Card(mac()));
    let began = boots.at;
    boots.put(dhcp(&[7], true));
    assert_eq!(whose(&boots), Who::Machine(MACHINE));
    assert_eq!(boots.live.boots()[0].1.began, began);
    let mut boots = Boots::new();
    boots.put_of(None, transfer("snponly.efi", Outcome::Done));
    assert_eq!(whose(&boots), Who::Address(peer().ip()));
    let began = boots.at - 400; // A transfer is told at its end.
    boots.put(script("menu"));
    let all = boots.live.boots();
    assert_eq!((all.len(), all[0].0), (1, Who::Machine(MACHINE)));
    assert_eq!((all[0].1.began, all[0].1.sent.len()), (began, 1));
}

#[test]
fn who_only_looks_at_files_does_not_boot() {
    let mut boots = Boots::new();
    boots.put_of(None, transfer("linux", Outcome::Done));
    boots.put_of(None, transfer("nothing", Outcome::NotFound));
    boots.put_of(None, report(Report::Log));
    assert!(boots.live.boots().is_empty());
    boots.put(transfer("linux", Outcome::Done));
    assert_eq!(boots.live.boots().len(), 1, "a machine that is known");
}

#[test]
fn merged_machines_are_one_boot() {
    let mut boots = Boots::new();
    boots.put_of(Some(MachineId(2)), script("menu"));
    boots.put(script("menu"));
    assert_eq!(boots.live.boots().len(), 2);
    boots.put(Event::Merged {
        other: MachineId(2),
        reason: String::new(),
    });
    assert_eq!(boots.live.boots().len(), 1);
}

#[test]
fn the_boot_that_was_silent_longest_makes_room() {
    let mut boots = Boots::new();
    for id in 0..limits::LIVE_BOOTS as u64 {
        boots.put_of(Some(MachineId(id)), script("menu"));
    }
    boots.put_of(Some(MachineId(0)), script("menu"));
    boots.put_of(Some(MachineId(1_000_000)), script("menu"));
    let has = |id| boots.live.boots.contains_key(&Who::Machine(MachineId(id)));
    assert_eq!(boots.live.boots.len(), limits::LIVE_BOOTS);
    assert_eq!(boots.live.order.len(), limits::LIVE_BOOTS);
    assert!(has(0) && !has(1) && has(2) && has(1_000_000));
}

#[test]
fn what_was_before_a_start_is_taken_up_where_nothing_is_known() {
    let mut boots = Boots::new();
    let old = |seq, id| Stamped {
        seq,
        at: 5,
        machine: Some(MachineId(id)),
        event: script("install talos"),
    };
    boots.seq = 100;
    boots.put(script("menu"));
    boots.live.before([old(1, MACHINE.0), old(2, 9)]);
    let mut all = boots.live.boots();
    all.sort_by_key(|(who, _)| *who);
    let all: Vec<_> = all
        .iter()
        .map(|(who, boot)| (*who, boot.decision.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        all,
        [
            (Who::Machine(MACHINE), "menu"),
            (Who::Machine(MachineId(9)), "install talos")
        ]
    );
}

#[test]
fn a_failed_transfer_is_told_with_why() {
    let mut boots = Boots::new();
    boots.put(transfer("snponly.efi", Outcome::Probe));
    boots.put(transfer("snponly.efi", Outcome::Failed("cut".to_owned())));
    let (_, boot) = boots.live.boots().remove(0);
    assert_eq!(boot.sent.len(), 1, "asking for the size is no transfer");
    assert_eq!(boot.sent[0].failed.as_deref(), Some("cut"));
}
