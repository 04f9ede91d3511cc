use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::*;
use crate::boot::testing::{self, Seen};
use crate::event::Via;
use crate::image::catalogue::Content;
use crate::machine::{Action, Record};

const DECLARED: &str = r#"
    [menu]
    items = ["install", "local"]
    default = "local"
    [[profile]]
    name = "install"
    image = "debian"
    [[policy]]
    name = "one server"
    match = { manufacturer = "IBM*" }
    profile = "install"
    limit = 1
    [[machine]]
    name = "oden"
    mac = "5c:f3:fc:01:02:03"
    loader = "ipxe.efi"
"#;

impl Place {
    /// `machine: decision (reason)` of the last event.
    fn last(&self) -> String {
        match held(&self.seen.0).last() {
            Some(Event::Script {
                machine,
                decision,
                reason,
                ..
            }) => format!("{machine}: {decision} ({reason})"),
            other => format!("{other:?}"),
        }
    }
}

struct Place {
    folder: tempfile::TempDir,
    seen: Arc<Seen>,
    keeper: Keeper,
}

/// 192.168.1.50 is oden.
fn neighbour(address: IpAddr) -> Option<Mac> {
    let oden = IpAddr::from([192, 168, 1, 50]);
    (address == oden).then(|| "5c:f3:fc:01:02:03".parse().unwrap())
}

impl Place {
    fn new(files: &[&str]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let config = testing::config_in(folder.path(), "", &testing::with_debian(DECLARED));
        for file in files {
            put(&folder.path().join("root"), file, file);
        }
        let seen = Arc::new(Seen::default());
        let read_lock = Box::new(|_: &Config| Ok(Lock::default()));
        let keeper = Keeper::new(
            testing::site(config),
            Census::empty(),
            seen.clone(),
            read_lock,
        );
        Place {
            folder,
            seen,
            keeper: keeper.with_neighbours(neighbour),
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn file(&self, name: &str, from: [u8; 4]) -> Answer {
        self.keeper.file(name, &request(from))
    }

    /// What is in the file that a client gets.
    fn text(&self, name: &str, from: [u8; 4]) -> Option<String> {
        match self.file(name, from) {
            Answer::File(entry) => match &entry.content {
                Content::File(path) => Some(std::fs::read_to_string(path).unwrap()),
                Content::Memory(bytes) => Some(String::from_utf8(bytes.to_vec()).unwrap()),
            },
            _ => None,
        }
    }

    fn script(&self, query: &str) -> String {
        self.keeper.script(query, &request(OTHER))
    }

    /// As if the last rescan were long ago.
    fn later(&self) {
        *held(&self.keeper.scanned) = None;
    }
}

const ODEN: [u8; 4] = [192, 168, 1, 50];
const OTHER: [u8; 4] = [192, 168, 1, 51];

fn request(from: [u8; 4]) -> Request {
    Request {
        via: Via::Tftp,
        peer: SocketAddr::from((from, 2070)),
        local: IpAddr::from([192, 168, 1, 1]),
    }
}

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_file_that_came_after_the_scan_is_found_but_not_at_every_request() {
    let place = Place::new(&[]);
    assert!(place.text("a", OTHER).is_none());
    put(&place.root(), "a", "now");
    assert!(
        place.text("a", OTHER).is_none(),
        "the root was read a moment ago"
    );
    place.later();
    assert_eq!(place.text("a", OTHER).as_deref(), Some("now"));
}

#[test]
fn a_file_that_changed_is_the_new_one_or_none() {
    let place = Place::new(&["a"]);
    put(&place.root(), "a", "another size");
    let Answer::File(entry) = place.file("a", OTHER) else {
        panic!("no file");
    };
    assert_eq!(entry.size, 12);
    std::fs::remove_file(place.root().join("a")).unwrap();
    assert!(place.text("a", OTHER).is_none());
}

#[test]
fn a_file_that_became_a_link_is_none() {
    let place = Place::new(&["a", "secret"]);
    std::fs::remove_file(place.root().join("a")).unwrap();
    std::os::unix::fs::symlink("secret", place.root().join("a")).unwrap();
    assert!(place.text("a", OTHER).is_none());
    place.later();
    assert!(place.text("a", OTHER).is_none());
}

#[test]
fn what_is_fetched_meanwhile_is_offered_and_written_into_default_ipxe() {
    let place = Place::new(&[]);
    let debian = |file: &str| format!("debian/bookworm/amd64/{file}");
    let query = "platform=efi&buildarch=x86_64&item=install";
    assert!(place.script(query).contains("hearth fetch debian"));
    assert!(place.last().contains("is not fetched yet"));
    put(&place.root(), &debian("linux"), "x");
    put(&place.root(), &debian("initrd.gz"), "x");
    place.later();
    assert!(
        place
            .script(query)
            .contains("/files/debian/bookworm/amd64/linux")
    );
    let written = std::fs::read_to_string(place.root().join(DEFAULT)).unwrap();
    assert!(written.contains("tftp://${next-server}/debian/bookworm/amd64/linux"));
    assert!(!place.keeper.site().incomplete);
}

#[test]
fn a_declared_machine_gets_its_loader_for_whatever_its_firmware_asks() {
    let place = Place::new(&["snponly.efi", "ipxe.efi", "undionly.kpxe"]);
    let of = |name, from| place.text(name, from).unwrap();
    assert_eq!(of("snponly.efi", ODEN), "ipxe.efi");
    assert_eq!(of("snponly.efi", OTHER), "snponly.efi");
    assert_eq!(of("undionly.kpxe", ODEN), "undionly.kpxe");
}

#[test]
fn a_declared_loader_that_is_not_there_is_not_missed() {
    let place = Place::new(&["snponly.efi"]);
    assert_eq!(
        place.text("snponly.efi", ODEN).as_deref(),
        Some("snponly.efi")
    );
}

#[test]
fn each_decision_is_an_event_with_the_reason() {
    let place = Place::new(&[]);
    place.script("mac=5c:f3:fc:01:02:03");
    assert_eq!(
        place.last(),
        "oden: menu (machine oden is declared without a profile and no policy is for it)"
    );
    place.script("product=%1b%5b2J");
    assert_eq!(
        place.last(),
        "192.168.1.51: menu (the machine is not declared and no policy is for it)"
    );
}

#[test]
fn a_limit_holds_over_requests_and_reloads() {
    let place = Place::new(&[]);
    let ask = |mac: &str| {
        place.script(&format!("manufacturer=IBM&mac={mac}"));
        place.last().split(" (").next().unwrap().to_owned()
    };
    assert_eq!(
        ask("52:54:00:00:00:01"),
        "52:54:00:00:00:01: install install"
    );
    assert_eq!(ask("52:54:00:00:00:02"), "52:54:00:00:00:02: menu");
    let config = testing::config_in(place.folder.path(), "", &testing::with_debian(DECLARED));
    place.keeper.replace(testing::site(config));
    assert_eq!(ask("52:54:00:00:00:02"), "52:54:00:00:00:02: menu");
    assert_eq!(
        ask("52:54:00:00:00:01"),
        "52:54:00:00:00:01: install install"
    );
}

#[test]
fn a_place_is_free_once_its_machine_gets_something_else() {
    let place = Place::new(&[]);
    let ask = |mac: &str, more: &str| {
        place.script(&format!("manufacturer=IBM&mac={mac}{more}"));
        place.last().split(" (").next().unwrap().to_owned()
    };
    let (first, second) = ("52:54:00:00:00:01", "52:54:00:00:00:02");
    assert_eq!(ask(first, ""), format!("{first}: install install"));
    assert_eq!(ask(second, ""), format!("{second}: menu"));
    let act = |action: Action| {
        let id = place.keeper.census.named(first).unwrap().id;
        let choose = |_: &Record| vec![action];
        place
            .keeper
            .act_all(id, "a test", |_| true, choose)
            .unwrap();
    };
    act(Action::Ignore);
    assert_eq!(ask(second, ""), format!("{second}: install install"));
    // Whoever gave it up does not get it back while another has it.
    act(Action::Release);
    assert_eq!(ask(first, ""), format!("{first}: menu"));
}

#[test]
fn a_lock_that_cannot_be_read_leaves_in_force_what_was() {
    let folder = tempfile::tempdir().unwrap();
    let config = testing::config_in(folder.path(), "", &testing::with_debian(DECLARED));
    put(&folder.path().join("root"), "a", "x");
    let broken = Box::new(|_: &Config| Err("hearth.lock is cut off".to_owned()));
    let keeper = Keeper::new(
        testing::site(config),
        Census::empty(),
        Arc::new(Seen::default()),
        broken,
    );
    assert!(matches!(
        keeper.file("b", &request(OTHER)),
        Answer::NotFound
    ));
    assert!(matches!(keeper.file("a", &request(OTHER)), Answer::File(_)));
}
