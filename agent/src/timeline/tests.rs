//! Timelines as they are heard and seen, written down as what differs from a good boot.

use std::time::Duration;

use super::boots::Stage;
use super::*;
use crate::event::{Dhcp, DhcpMessage, Event, Outcome, Stamped, Via, Word};

/// A timeline under construction.
struct Story {
    events: Vec<Stamped>,
    at: u64,
}

const SERVER: &str = "192.168.1.1";

impl Story {
    fn after(mut self, milliseconds: u64) -> Story {
        self.at += milliseconds;
        self
    }

    fn put(mut self, event: Event) -> Story {
        self.at += 100;
        self.events.push(Stamped {
            seq: self.events.len() as u64 + 1,
            at: 1_000_000 + self.at,
            machine: None,
            event,
        });
        self
    }

    fn dhcp(self, change: impl FnOnce(&mut Dhcp)) -> Story {
        let mut dhcp = Dhcp {
            message: DhcpMessage::Discover,
            mac: "52:54:00:77:00:01".parse().unwrap(),
            xid: 7,
            architectures: vec![7],
            vendor_class: "PXEClient:Arch:00007:UNDI:003001".to_owned(),
            is_ipxe: false,
            uuid: None,
            server: None,
            address: None,
            next_server: None,
            file: None,
            has_options_66_67: false,
        };
        change(&mut dhcp);
        self.put(Event::Dhcp(dhcp))
    }

    fn discover(self) -> Story {
        self.dhcp(|_| ())
    }

    fn offer(self, change: impl FnOnce(&mut Dhcp)) -> Story {
        self.dhcp(|dhcp| {
            dhcp.message = DhcpMessage::Offer;
            dhcp.architectures.clear();
            dhcp.server = Some(SERVER.parse().unwrap());
            dhcp.address = Some("192.168.1.171".parse().unwrap());
            dhcp.next_server = Some(SERVER.to_owned());
            dhcp.file = Some("snponly.efi".to_owned());
            change(dhcp);
        })
    }

    fn ipxe(self) -> Story {
        self.dhcp(|dhcp| dhcp.is_ipxe = true)
            .offer(|dhcp| dhcp.file = Some("default.ipxe".to_owned()))
    }

    fn file(self, via: Via, name: &str, bytes: u64, outcome: Outcome) -> Story {
        self.put(Event::Transfer {
            via,
            peer: "192.168.1.171:2070".parse().unwrap(),
            name: name.to_owned(),
            bytes,
            size: Some(1_000_000),
            took: Duration::from_millis(400),
            repeats: 0,
            outcome,
        })
    }

    fn loader(self) -> Story {
        self.file(Via::Tftp, "snponly.efi", 0, Outcome::Probe).file(
            Via::Tftp,
            "snponly.efi",
            1_000_000,
            Outcome::Done,
        )
    }

    fn default(self) -> Story {
        self.file(Via::Tftp, "default.ipxe", 2_000, Outcome::Done)
    }

    fn script(self, decision: &str, reason: &str) -> Story {
        self.put(Event::Script {
            peer: "192.168.1.171:1".parse().unwrap(),
            machine: "oden".to_owned(),
            decision: decision.to_owned(),
            reason: reason.to_owned(),
        })
    }

    fn http(self, name: &str, outcome: Outcome) -> Story {
        let bytes = if outcome == Outcome::Done {
            1_000_000
        } else {
            4_000
        };
        self.file(Via::Http, name, bytes, outcome)
    }

    fn until_script(self, decision: &str) -> Story {
        self.discover()
            .offer(|_| ())
            .loader()
            .ipxe()
            .default()
            .script(decision, "as declared")
    }

    fn installing(self) -> Story {
        self.until_script("install talos")
            .http("talos/kernel", Outcome::Done)
            .http("talos/initramfs.xz", Outcome::Sent)
    }

    fn system(self) -> Story {
        self.dhcp(|dhcp| dhcp.architectures.clear())
    }

    fn found_after(&self, seconds: u64, change: impl FnOnce(&mut Context)) -> Vec<Finding> {
        let mut context = Context {
            now: 1_000_000 + self.at + seconds * 1000,
            is_sent: false,
            ours: vec![SERVER.parse().unwrap()],
            hears_dhcp: true,
            phase: Word::Installing,
            phase_reason: String::new(),
            last_file: Some("talos/initramfs.xz".to_owned()),
            nic: None,
            nic_lacks: None,
        };
        change(&mut context);
        findings(&self.events, &context)
    }

    fn codes(&self) -> Vec<&'static str> {
        self.found_after(600, |_| ())
            .iter()
            .map(|finding| finding.code)
            .collect()
    }
}

fn story() -> Story {
    Story {
        events: Vec::new(),
        at: 0,
    }
}

fn cut() -> Outcome {
    Outcome::Failed("the client does not answer".to_owned())
}

#[test]
fn a_boot_that_worked_has_no_finding() {
    let good = story().installing().after(9_000).system();
    assert_eq!(good.codes(), [""; 0]);
    // Twice: the second boot is one of its own.
    let twice = good.after(60_000).until_script("local");
    assert_eq!(boots(&twice.events).len(), 2);
    assert_eq!(twice.codes(), [""; 0]);
    // A BIOS machine whose ROM is iPXE, without DHCP being heard.
    let plain = story().default().script("menu", "not declared");
    assert_eq!(plain.codes(), [""; 0]);
    // What is under way is no failure yet.
    for story in [
        story().discover(),
        story().discover().offer(|_| ()),
        story().installing(),
    ] {
        assert_eq!(story.found_after(5, |_| ()), []);
    }
}

#[test]
fn boots_are_told_apart() {
    let two = story()
        .until_script("install talos")
        .after(60_000)
        .installing();
    let boots = boots(&two.events);
    assert_eq!(boots.len(), 2);
    assert_eq!(
        boots.iter().map(|boot| boot.stage).collect::<Vec<_>>(),
        [Stage::Script, Stage::Images]
    );
    // A firmware that asks on two cards, and again, is one boot.
    let one = story()
        .discover()
        .after(4_000)
        .discover()
        .after(8_000)
        .discover()
        .offer(|_| ())
        .loader();
    assert_eq!(super::boots(&one.events).len(), 1);
    // One that asks again while it is held, and is sent something in the end, is one boot.
    let held = story()
        .until_script("hold")
        .after(60_000)
        .script("hold", "")
        .after(60_000)
        .script("install x", "");
    assert_eq!(super::boots(&held.events).len(), 1);
    // A transfer that is known to have ended after iPXE asked for more is of that boot; one that began then is not.
    let late = story().until_script("install x").default();
    assert_eq!(super::boots(&late.events).len(), 1);
    let another = late.after(60_000).default();
    assert_eq!(super::boots(&another.events).len(), 2);
    assert!(super::boots(&[]).is_empty());
}

#[test]
fn files_of_an_image_that_is_another_now_say_nothing_of_what_was_missing() {
    let half = story()
        .until_script("install t")
        .http("talos/kernel", Outcome::Done);
    let found = half.found_after(600, |context| {
        context.last_file = Some("talos/v2/initramfs.xz".to_owned());
    });
    assert_eq!(found, []);
}

#[test]
fn each_failure_has_its_name() {
    let other = |dhcp: &mut Dhcp| dhcp.next_server = Some("192.168.1.99".to_owned());
    let bios = |dhcp: &mut Dhcp| dhcp.architectures = vec![0];
    let cases = [
        ("no-dhcp-offer", story().discover().after(4_000).discover()),
        (
            "no-boot-file",
            story().discover().offer(|dhcp| dhcp.file = None),
        ),
        ("wrong-next-server", story().discover().offer(other)),
        (
            "options-66-67",
            story()
                .discover()
                .offer(|dhcp| dhcp.has_options_66_67 = true),
        ),
        ("loader-never-asked", story().discover().offer(|_| ())),
        (
            "wrong-architecture",
            story()
                .dhcp(bios)
                .offer(|_| ())
                .loader()
                .default()
                .script("menu", ""),
        ),
        (
            "loader-missing",
            story()
                .discover()
                .offer(|_| ())
                .file(Via::Tftp, "snponly.efi", 0, Outcome::NotFound),
        ),
        (
            "loader-stalls",
            story()
                .discover()
                .offer(|_| ())
                .file(Via::Tftp, "snponly.efi", 5_000, cut()),
        ),
        (
            "ipxe-loops",
            story()
                .discover()
                .offer(|_| ())
                .loader()
                .ipxe()
                .loader()
                .ipxe(),
        ),
        (
            "script-never-asked",
            story().discover().offer(|_| ()).loader().ipxe().default(),
        ),
        (
            "image-not-fetched",
            story()
                .default()
                .script("install t", "image t is not fetched yet: run it"),
        ),
        (
            "image-missing",
            story()
                .until_script("install t")
                .http("talos/kernel", Outcome::NotFound),
        ),
        (
            "image-cut-off",
            story()
                .until_script("install t")
                .http("talos/kernel", cut()),
        ),
        (
            "kernel-without-initrd",
            story()
                .until_script("install t")
                .http("talos/kernel", Outcome::Done),
        ),
        ("booted-without-address", story().installing()),
    ];
    for (code, story) in cases {
        let found = story.found_after(600, |_| ());
        let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert!(codes.contains(&code), "{code}: {codes:?}");
        let errors = found
            .iter()
            .filter(|finding| finding.severity == finding::Severity::Error);
        assert_eq!(errors.count(), 1, "{code}: {codes:?}");
        for finding in &found {
            assert!(
                !finding.evidence.is_empty() && !finding.remedy.is_empty(),
                "{finding:?}"
            );
        }
    }
}

#[test]
fn nothing_is_late_while_a_file_is_on_its_way() {
    for (code, story) in [
        ("loader-never-asked", story().discover().offer(|_| ())),
        (
            "script-never-asked",
            story().discover().offer(|_| ()).loader().ipxe().default(),
        ),
        (
            "kernel-without-initrd",
            story()
                .until_script("install t")
                .http("talos/kernel", Outcome::Done),
        ),
        ("booted-without-address", story().installing()),
    ] {
        assert_eq!(story.codes(), [code]);
        let meanwhile = story.found_after(600, |context| context.is_sent = true);
        assert_eq!(meanwhile, [], "{code}");
        assert_eq!(story.found_after(29, |_| ()), [], "{code}: it is too soon");
    }
}

#[test]
fn a_file_that_broke_off_or_is_not_there_was_asked_for() {
    let kernel = || {
        story()
            .until_script("install t")
            .http("talos/kernel", Outcome::Done)
    };
    let cut = kernel().http("talos/initramfs.xz", cut());
    assert_eq!(cut.codes(), ["image-cut-off"]);
    let missing = kernel().http("talos/initramfs.xz", Outcome::NotFound);
    assert_eq!(missing.codes(), ["image-missing"]);
}

#[test]
fn another_server_is_a_warning_where_it_says_something_else() {
    let other = |dhcp: &mut Dhcp| {
        dhcp.server = Some("192.168.1.50".parse().unwrap());
        dhcp.next_server = Some("192.168.1.50".to_owned());
    };
    let two = story()
        .discover()
        .offer(|_| ())
        .offer(other)
        .loader()
        .default()
        .script("menu", "");
    assert_eq!(two.codes(), ["other-dhcp-server"]);
    let same = |dhcp: &mut Dhcp| dhcp.server = Some("192.168.1.50".parse().unwrap());
    let pair = story()
        .discover()
        .offer(|_| ())
        .offer(same)
        .loader()
        .default()
        .script("menu", "");
    assert_eq!(pair.codes(), [""; 0], "a pair of servers that agree");
}

#[test]
fn an_address_from_a_server_without_a_boot_file_is_told_as_such() {
    let plain = |message: DhcpMessage| {
        move |dhcp: &mut Dhcp| {
            dhcp.message = message;
            dhcp.server = Some("192.168.1.50".parse().unwrap());
            (dhcp.next_server, dhcp.file) = (None, None);
        }
    };
    let taken = story()
        .discover()
        .offer(|_| ())
        .offer(plain(DhcpMessage::Offer))
        .offer(plain(DhcpMessage::Ack));
    assert_eq!(taken.codes(), ["other-dhcp-server"]);
    let found = taken.found_after(600, |_| ());
    assert_eq!(found[0].severity, finding::Severity::Error);
    assert!(
        found[0]
            .sentence
            .contains("from 192.168.1.50, which names no")
    );
    // A proxy only names files, and the address is another's by right.
    let proxy = story()
        .discover()
        .offer(|dhcp| dhcp.address = None)
        .offer(plain(DhcpMessage::Offer))
        .offer(plain(DhcpMessage::Ack));
    assert_eq!(proxy.codes(), ["loader-never-asked"]);
}

#[test]
fn a_loader_for_another_processor_is_one_of_the_wrong_architecture() {
    let boot = |architecture: u16, name: &str| {
        let story = story().dhcp(|dhcp| dhcp.architectures = vec![architecture]);
        story
            .offer(|_| ())
            .file(Via::Tftp, name, 1_000_000, Outcome::Done)
            .codes()
    };
    for (architecture, right, wrong) in [
        (7, "snponly.efi", "arm64/snponly.efi"),
        (6, "i386/ipxe.efi", "ipxe.efi"),
        (11, "arm64/snponly.efi", "snponly.efi"),
    ] {
        assert_eq!(boot(architecture, right), [""; 0], "{right}");
        assert_eq!(boot(architecture, wrong), ["wrong-architecture"], "{wrong}");
    }
}

#[test]
fn a_machine_that_comes_back_from_its_disk_is_told_once_it_is_installed() {
    let back = story()
        .until_script("local")
        .after(30_000)
        .until_script("local")
        .after(30_000)
        .until_script("local");
    let found = back.found_after(10, |context| context.phase = Word::Installed);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "back-after-local");
    assert!(
        found[0].sentence.contains("3 times"),
        "{}",
        found[0].sentence
    );
    let evening = story()
        .until_script("local")
        .after(40_000_000)
        .until_script("local");
    assert_eq!(
        evening.found_after(10, |context| context.phase = Word::Installed),
        []
    );
}

#[test]
fn a_system_without_an_address_names_what_its_card_needs() {
    let advice = "add siderolabs/bnx2-bnx2x to the image's extensions";
    let found = story()
        .installing()
        .found_after(600, |context| context.nic = Some(advice.to_owned()));
    assert_eq!(found[0].remedy, advice);
    assert_eq!(
        story().installing().found_after(60, |_| ()),
        [],
        "it may still come"
    );
    assert_eq!(
        story()
            .installing()
            .found_after(600, |context| context.hears_dhcp = false),
        []
    );
}

#[test]
fn what_a_card_needs_is_said_before_the_first_failure() {
    let lacks = |context: &mut Context| {
        context.nic_lacks = Some("siderolabs/bnx2-bnx2x");
        context.nic = Some("add it".to_owned());
    };
    let found = story().until_script("hold").found_after(10, lacks);
    assert_eq!(found[0].code, "nic-needs-extension");
    assert!(found[0].sentence.contains("siderolabs/bnx2-bnx2x"));
    assert_eq!(found[0].remedy, "add it");
    let codes = |story: &Story| {
        let found = story.found_after(600, lacks);
        found.iter().map(|one| one.code).collect::<Vec<_>>()
    };
    assert_eq!(
        codes(&story().installing()),
        ["booted-without-address"],
        "it says it itself"
    );
    assert!(
        codes(&story().installing().after(9_000).system()).is_empty(),
        "it works"
    );
}

#[test]
fn phases_that_wait_say_so() {
    let held = story().until_script("hold");
    let found = held.found_after(10, |context| context.phase = Word::Held);
    assert_eq!(found[0].code, "waits-for-approval");
    let failed = held.found_after(10, |context| {
        context.phase = Word::Failed;
        context.phase_reason = "no disk".to_owned();
    });
    assert_eq!(failed[0].code, "installation-failed");
    assert!(failed[0].sentence.ends_with("no disk"));
}

#[test]
fn an_answer_that_could_not_be_filled_in_is_found_until_it_is_given() {
    let answer = |error: Option<&str>| Event::Answer {
        peer: "192.168.1.171:1".parse().unwrap(),
        name: "preseed.cfg".to_owned(),
        bytes: error.map_or(900, |_| 0),
        error: error.map(str::to_owned),
    };
    let why = "answers/preseed.cfg, line 7: this value is not there";
    let broken = story().installing().put(answer(Some(why)));
    let found = broken.found_after(1, |_| ());
    assert_eq!(found[0].code, "answer-broken");
    assert!(found[0].sentence.ends_with(why), "{}", found[0].sentence);
    let text = render::people("oden", &broken.events, &found, 1);
    assert!(
        text.contains("answer preseed.cfg could not be given:"),
        "{text}"
    );
    let mended = broken.put(answer(None));
    assert!(
        mended
            .found_after(1, |_| ())
            .iter()
            .all(|one| one.code != "answer-broken")
    );
    let text = render::people("oden", &mended.events, &[], 1);
    assert!(
        text.contains("answer preseed.cfg given, 900 bytes"),
        "{text}"
    );
}

#[test]
fn a_later_boot_ends_a_finding() {
    let mended = story()
        .discover()
        .offer(|_| ())
        .after(700_000)
        .installing()
        .system();
    assert_eq!(mended.codes(), [""; 0]);
}

#[test]
fn people_read_it_in_eighty_columns() {
    let story = story()
        .until_script("install talos")
        .http("talos/v1.11.2/c08410903f8d/kernel-amd64", cut());
    let found = story.found_after(600, |_| ());
    let text = render::people("oden", &story.events, &found, 1);
    let expected = "\
oden, boot of 1970-01-01 00:16:40 UTC

     0.0 s  firmware (architecture 7) looks for a DHCP server
     0.1 s  192.168.1.1 offers 192.168.1.171, file snponly.efi from 192.168.1.1
     0.2 s  asks how large snponly.efi is
     0.3 s  snponly.efi by TFTP             1,000,000 bytes    0.4 s    2.5 MB/s
     0.4 s  iPXE looks for a DHCP server
     0.5 s  192.168.1.1 offers 192.168.1.171, file default.ipxe from 192.168.1.1
     0.6 s  default.ipxe by TFTP                2,000 bytes    0.4 s    0.0 MB/s
     0.7 s  decided: install talos (as declared)
!    0.8 s  talos/v1.11.2/c08410903f8d/kernel-amd64 by HTTP broke off: the
            client does not answer                            4,000 of 1,000,000

       why  talos/v1.11.2/c08410903f8d/kernel-amd64 broke off after 4000 bytes:
            the client does not answer [image-cut-off]
        do  look at the cable, the switch and the machine's memory: what was
            sent was the whole file's beginning

";
    assert_eq!(text, expected);
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    let value = render::programs(&story.events, &found);
    assert_eq!(value["boots"][0]["events"][8]["stage"], "images");
    assert_eq!(value["findings"][0]["code"], "image-cut-off");
}

#[test]
fn the_page_about_findings_has_every_code() {
    let page = include_str!("../../../docs/findings.md");
    let source = [
        include_str!("rules/dhcp.rs"),
        include_str!("rules/loaders.rs"),
        include_str!("rules/images.rs"),
        include_str!("rules/after.rs"),
    ]
    .concat();
    let codes = source.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("code: ");
        let line = line.trim_start_matches("found(");
        let (code, _) = line.strip_prefix('"')?.split_once("\",")?;
        let is_one = code.contains('-')
            && code
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        (is_one || code == "impostor").then_some(code)
    });
    let codes: Vec<_> = codes.collect();
    assert_eq!(codes.len(), rules::ALL.len(), "{codes:?}");
    for code in codes {
        assert!(
            page.contains(&format!("| `{code}` |")),
            "{code} is not in docs/findings.md"
        );
    }
}
