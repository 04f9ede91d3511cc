//! A machine's whole way through the gate, and every way in for every phase.

use std::net::SocketAddr;
use std::path::Path;

use super::*;
use crate::boot::testing::{self, Seen};
use crate::config::Name;
use crate::event::{Outcome, Via, Word};
use crate::image::lock::{Locked, Owner, Pinned};
use crate::machine::Action;
use crate::machine::phase::Installing;
use crate::sync::held;

mod answers;
mod installations;

const DECLARED: &str = r#"
    [[profile]]
    name = "by-boot"
    image = "debian"
    installed = "next-boot"
    tries = 2
    [[profile]]
    name = "by-call"
    image = "debian"
    installed = "callback"
    tries = 2
    [[profile]]
    name = "answered"
    image = "debian"
    installed = "next-boot"
    arguments = ["auto=true", "preseed/url=${answer:preseed.cfg}", "s=${answers}/", "---", "quiet"]
    variables = { root_password = "hunter2" }
    [profile.answers]
    "preseed.cfg" = { text = "{{ machine.mac }} {{ variables.root_password }} {{ token }}\n" }
    broken = { text = "1\n{{ machine.name }}\n" }
    [[profile]]
    name = "always"
    image = "debian"
"#;
const KERNEL: &str = "debian/bookworm/amd64/linux";
const INITRD: &str = "debian/bookworm/amd64/initrd.gz";
const QUERY: &str = "mac=5c:f3:fc:01:02:03&platform=efi&buildarch=x86_64";
const ODEN: [u8; 4] = [192, 168, 1, 50];
/// Another machine on the same network.
const TOR: [u8; 4] = [192, 168, 1, 51];
/// Behind a router: no neighbour.
const FAR: [u8; 4] = [10, 9, 9, 9];

struct Place {
    _folder: tempfile::TempDir,
    seen: Arc<Seen>,
    keeper: Keeper,
}

fn neighbour(address: IpAddr) -> Option<Mac> {
    match address {
        IpAddr::V4(v4) if v4.octets() == ODEN => "5c:f3:fc:01:02:03".parse().ok(),
        IpAddr::V4(v4) if v4.octets() == TOR => "52:54:00:00:00:09".parse().ok(),
        _ => None,
    }
}

fn lock() -> Lock {
    let mut lock = Lock::default();
    for name in [KERNEL, INITRD] {
        let locked = Locked {
            size: 1,
            sha256: "0".repeat(64).parse().unwrap(),
            url: "https://origin.example/x".to_owned(),
            owner: Owner::Image("debian".parse().unwrap()),
            pinned: Pinned::FirstUse,
            when: 0,
            text: None,
            member: None,
            replaces: None,
        };
        lock.insert(name.to_owned(), locked);
    }
    lock
}

fn put(root: &Path, name: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "x").unwrap();
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config_in(folder.path(), "", &testing::with_debian(DECLARED));
        for name in [KERNEL, INITRD, "snponly.efi", "ipxe.efi", "own.txt"] {
            put(&folder.path().join("root"), name);
        }
        let seen = Arc::new(Seen::default());
        let keeper = Keeper::new(
            Site::build(Arc::new(config), lock()).unwrap(),
            Census::empty(),
            seen.clone(),
            Box::new(|_: &Config| Ok(lock())),
        );
        Place {
            _folder: folder,
            seen,
            keeper: keeper.with_neighbours(neighbour),
        }
    }

    /// One that oden is known to, in a phase.
    fn with(phase: Phase) -> Place {
        let place = Place::new();
        place.asks("");
        place.change(|record| record.phase = phase);
        place
    }

    fn id(&self) -> MachineId {
        let mac = "5c:f3:fc:01:02:03".parse().unwrap();
        self.keeper.census.with_mac(mac).unwrap().id
    }

    fn record(&self) -> Record {
        self.keeper.census.get(self.id()).unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut Record)) {
        let census = &self.keeper.census;
        census
            .transact(self.id(), |_, record| change(record))
            .unwrap();
    }

    fn act(&self, action: Action) {
        self.keeper.act(self.id(), &action, "a person").unwrap();
    }

    fn assign(&self, profile: &str) {
        let profile = name(profile);
        self.act(Action::Assign { profile });
    }

    /// Oden asks what to do.
    fn asks(&self, more: &str) -> String {
        self.asks_from(ODEN, more)
    }

    fn asks_from(&self, from: [u8; 4], more: &str) -> String {
        let query = format!("{QUERY}&{more}");
        self.keeper.script(&query, &request(Via::Http, from))
    }

    /// The decision of the last script, in a word, and why.
    fn decided(&self) -> (String, String) {
        let events = held(&self.seen.0);
        let last = events.iter().rev().find_map(|event| match event {
            Event::Script {
                decision, reason, ..
            } => Some((decision.clone(), reason.clone())),
            _ => None,
        });
        last.unwrap()
    }

    fn gets(&self, via: Via, name: &str, from: [u8; 4]) -> &'static str {
        match self.keeper.file(name, &request(via, from)) {
            Answer::File(_) => "file",
            Answer::Denied(_) => "denied",
            Answer::NotFound => "nothing",
        }
    }

    fn loaded(&self, name: &str) {
        let transfer = Event::Transfer {
            via: Via::Http,
            peer: SocketAddr::from((ODEN, 1)),
            name: name.to_owned(),
            bytes: 1,
            size: Some(1),
            took: std::time::Duration::ZERO,
            repeats: 0,
            outcome: Outcome::Done,
        };
        self.keeper.transferred(self.id(), &transfer);
    }

    fn word(&self) -> Word {
        self.record().phase.word()
    }

    fn reports(&self, token: &str, report: Report, from: [u8; 4]) -> Told {
        let request = request(Via::Http, from);
        self.keeper.report(token, report, "it says so", &request)
    }

    fn saw(&self, is_it: impl Fn(&Event) -> bool) -> bool {
        held(&self.seen.0).iter().any(is_it)
    }
}

fn request(via: Via, from: [u8; 4]) -> Request {
    Request {
        via,
        peer: SocketAddr::from((from, 2070)),
        local: IpAddr::from([192, 168, 1, 1]),
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The token in a script.
fn token(script: &str) -> String {
    let before = "hearth.event=http://192.168.1.1:8069/event/";
    let (_, after) = script.split_once(before).expect(script);
    after.split_ascii_whitespace().next().unwrap().to_owned()
}

fn every_phase() -> [Phase; 7] {
    [
        Phase::Discovered,
        Phase::Held,
        Phase::Ready,
        Phase::Installing(Installing {
            profile: name("by-boot"),
            began: now_ms(),
            counted: None,
            tries: 1,
            chosen: false,
            token: None,
            address: ODEN.into(),
            last_file: None,
            loaded: false,
        }),
        Phase::Installed {
            profile: name("by-boot"),
        },
        Phase::Failed {
            reason: "no disk was found".to_owned(),
        },
        Phase::Ignored,
    ]
}

#[test]
fn every_way_in_agrees_in_every_phase() {
    let table = [
        (["file", "file", "file"], "menu"),
        (["file", "file", "file"], "hold"),
        (["file", "file", "file"], "install by-boot"),
        (["file", "file", "file"], "install by-boot"),
        (["denied", "file", "denied"], "local"),
        (["file", "file", "file"], "hold"),
        (["denied", "denied", "denied"], "deny"),
    ];
    for (phase, (files, word)) in every_phase().into_iter().zip(table) {
        for from in [ODEN, FAR] {
            let place = Place::new();
            place.asks_from(from, "");
            place.change(|record| {
                record.wishes.held = phase == Phase::Held;
                let has_profile = matches!(phase, Phase::Ready | Phase::Installing(_));
                record.wishes.profile = has_profile.then(|| name("by-boot"));
                record.phase = phase.clone();
            });
            for via in [Via::Tftp, Via::Http] {
                let got = ["snponly.efi", DEFAULT, KERNEL].map(|file| place.gets(via, file, from));
                assert_eq!(got, files, "{phase:?} {via:?} {from:?}");
            }
            let script = place.asks_from(from, "");
            let (decision, reason) = place.decided();
            assert_eq!(decision, word, "{phase:?}: {reason}");
            if let Phase::Failed { reason } = &phase {
                assert!(script.contains(&format!("its installation failed: {reason}")));
            }
        }
    }
}

#[test]
fn what_a_machine_is_denied_others_still_get() {
    let installed = Phase::Installed {
        profile: name("by-boot"),
    };
    let place = Place::with(installed);
    assert_eq!(place.gets(Via::Tftp, "snponly.efi", TOR), "file");
    assert_eq!(place.gets(Via::Http, KERNEL, TOR), "file");
    assert_eq!(place.gets(Via::Http, "own.txt", ODEN), "file");
}

#[test]
fn an_action_is_told_and_a_refusal_changes_nothing() {
    let place = Place::new();
    place.asks("");
    place.act(Action::Hold);
    let told = |event: &Event| matches!(event, Event::Action { who, what } if who == "a person" && what == "hold");
    assert!(place.saw(told));
    let held = |event: &Event| matches!(event, Event::Phase { to: Word::Held, .. });
    assert!(place.saw(held));
    let before = place.record();
    let refused = place.keeper.act(before.id, &Action::Unignore, "a person");
    assert!(matches!(refused, Err(crate::machine::Refusal::Conflict(_))));
    assert_eq!(place.record(), before);
    let nobody = place.keeper.act(MachineId(99), &Action::Hold, "a person");
    assert!(matches!(nobody, Err(crate::machine::Refusal::NoMachine(_))));
    place.act(Action::Forget);
    assert!(place.keeper.census.get(before.id).is_none());
}

#[test]
fn a_name_has_one_machine() {
    let place = Place::new();
    place.asks("");
    let other = "mac=52:54:00:00:00:09&platform=efi&buildarch=x86_64";
    place.keeper.script(other, &request(Via::Http, TOR));
    let mac = "52:54:00:00:00:09".parse().unwrap();
    let other = place.keeper.census.with_mac(mac).unwrap().id;
    let named = Action::Name {
        name: Some(name("db1")),
    };
    place.act(named.clone());
    assert!(place.keeper.act(other, &named, "a person").is_err());
    place.act(named);
}

#[test]
fn a_boot_that_a_person_wants_once_happens_once_in_any_phase() {
    let installed = Phase::Installed {
        profile: name("by-boot"),
    };
    let place = Place::with(installed);
    let profile = name("always");
    place.act(Action::Rescue { profile });
    assert_eq!(place.gets(Via::Tftp, "snponly.efi", ODEN), "file");
    assert!(place.asks("").contains(INITRD));
    assert_eq!(place.gets(Via::Http, KERNEL, ODEN), "file");
    assert!(
        place.asks("attempt=1").contains(INITRD),
        "it failed to load"
    );
    assert_eq!(place.word(), Word::Installed);
    place.asks("");
    assert_eq!(place.decided().0, "local");
    assert_eq!(place.gets(Via::Tftp, "snponly.efi", ODEN), "denied");
}

#[test]
fn a_machine_that_waits_goes_on_by_itself_once_it_may() {
    let place = Place::new();
    place.asks("");
    place.act(Action::Hold);
    assert!(place.asks("").contains("chain --replace"));
    assert_eq!(place.decided().0, "hold");
    place.assign("always");
    assert!(place.asks("attempt=5").contains(INITRD));
    assert_eq!(place.word(), Word::Ready, "it is offered at each boot");
}

#[test]
fn loaders_that_break_off_bring_another_one() {
    let place = Place::new();
    place.asks("");
    let broke = |name: &str| Event::Transfer {
        via: Via::Tftp,
        peer: SocketAddr::from((ODEN, 1)),
        name: name.to_owned(),
        bytes: 512,
        size: Some(1_000_000),
        took: std::time::Duration::ZERO,
        repeats: 5,
        outcome: Outcome::Failed("the client does not answer".to_owned()),
    };
    for _ in 0..2 {
        place.keeper.transferred(place.id(), &broke("ipxe.efi"));
    }
    let learnt = place.record().learnt.loader.unwrap().0;
    assert_eq!(learnt, "snponly.efi");
    place.gets(Via::Tftp, "ipxe.efi", ODEN);
    let given =
        |event: &Event| matches!(event, Event::Loader { given, .. } if given == "snponly.efi");
    assert!(place.saw(given));
}
