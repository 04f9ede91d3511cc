//! Whole scripts, as machines get them, held against `tests/golden/*.ipxe`.
//!
//! `HEARTH_BLESS=1 cargo test --test golden` writes them anew; read the difference before it is
//! committed, and boot what changed in iPXE.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hearth::boot::policy::Count;
use hearth::boot::preview;
use hearth::boot::site::Site;
use hearth::boot::token::Token;
use hearth::config::{self, Config, Environment, Name};
use hearth::event::Via;
use hearth::id::MachineId;
use hearth::image::lock::{Lock, Locked, Owner, Pinned};
use hearth::machine::phase::Installing;
use hearth::machine::{Facts, Phase, Record};
use hearth::recipe::{Keep, wanted_by};

const CONFIG: &str = include_str!("golden/hearth.toml");
const CMDLINE: &str = "talos.platform=metal console=tty0 init_on_alloc=1 slab_nomerge pti=on \
                       consoleblank=0 nvme_core.io_timeout=4294967295 printk.devkmsg=on";

const BIOS: &str = "platform=pcbios&buildarch=i386&cpu64=1";
const OLD_BIOS: &str = "platform=pcbios&buildarch=i386&cpu64=0";
const UEFI: &str = "platform=efi&buildarch=x86_64";
const ARM: &str = "platform=efi&buildarch=arm64";

/// A folder with everything fetched, or nothing, and the site of it.
struct Place {
    _folder: tempfile::TempDir,
    site: Site,
}

impl Place {
    fn new(server: &str, fetched: bool) -> Place {
        Place::with(CONFIG, server, fetched)
    }

    fn with(declared: &str, server: &str, fetched: bool) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        let file = folder.path().join("hearth.toml");
        let text = format!("[server]\nroot = {root:?}\n{server}\n{declared}");
        fs::write(&file, text).unwrap();
        let config = match config::load(&file, &Environment::default()) {
            Ok(loaded) => loaded.config,
            Err(diagnostics) => panic!("{diagnostics}"),
        };
        let mut lock = Lock::default();
        if fetched {
            fetch(&config, &root, &mut lock);
        }
        Place {
            _folder: folder,
            site: Site::build(Arc::new(config), lock).unwrap(),
        }
    }
}

/// Puts every file there that the recipes want, and the factory's command lines into the lock.
fn fetch(config: &Config, root: &Path, lock: &mut Lock) {
    for wanted in config.images.values().flat_map(wanted_by) {
        let is_text = wanted.keep == Keep::Text;
        if !is_text {
            let path = root.join(&wanted.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let locked = Locked {
            size: 1,
            sha256: "0".repeat(64).parse().unwrap(),
            url: "https://origin.example/x".to_owned(),
            owner: Owner::Loaders,
            pinned: Pinned::FirstUse,
            when: 0,
            text: is_text.then(|| CMDLINE.to_owned()),
            member: None,
            replaces: None,
        };
        lock.insert(wanted.name.clone(), locked);
    }
}

/// Holds a script against its file, and against what must hold for every script.
fn compare(name: &str, script: &str, wrong: &mut Vec<String>) {
    for (number, line) in script.lines().enumerate() {
        let place = format!("{name}.ipxe line {}", number + 1);
        // iPXE would take the next line as its continuation.
        assert!(!line.ends_with('\\'), "{place}");
        assert!(!line.contains('\r'), "{place}");
        let mut between = line.split('%').skip(1).step_by(2);
        let is_hole = |word: &str| word.len() > 2 && word.bytes().all(|b| b.is_ascii_uppercase());
        assert!(!between.any(is_hole), "{place} has an empty hole");
        // Stock BIOS builds and iPXE of 2019 lack these (boot-facts 4.2, 4.10).
        let command = line.split_ascii_whitespace().next().unwrap_or_default();
        let lacking = [
            "params",
            "param",
            "poweroff",
            "imgextract",
            "ntp",
            "nslookup",
            "shim",
            "imgverify",
        ];
        assert!(!lacking.contains(&command), "{place}: {command}");
    }
    assert!(script.starts_with("#!ipxe\n"), "{name}");
    labels_exist(name, script);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.ipxe"));
    if std::env::var_os("HEARTH_BLESS").is_some() {
        fs::write(&path, script).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    if known != script {
        wrong.push(format!("{}:\n{script}", path.display()));
    }
}

/// Every `goto` has its label, but those whose label iPXE itself fills in; no label is there twice.
fn labels_exist(name: &str, script: &str) {
    let mut labels = BTreeSet::new();
    for label in script.lines().filter_map(|line| line.strip_prefix(':')) {
        assert!(labels.insert(label), "{name}: {label} is there twice");
    }
    let words: Vec<_> = script.split_ascii_whitespace().collect();
    for pair in words.windows(2).filter(|pair| pair[0] == "goto") {
        let known = pair[1].contains("${") || labels.contains(pair[1]);
        assert!(known, "{name}: goto {}", pair[1]);
    }
}

/// What a machine gets in phases that its first boot does not lead to.
fn phases() -> [(&'static str, &'static str, Phase); 6] {
    let profile = Name::new("talos-omni").unwrap();
    let installing = Installing {
        profile: profile.clone(),
        began: 0,
        counted: None,
        tries: 1,
        chosen: false,
        token: None,
        address: [192, 168, 1, 171].into(),
        last_file: None,
        loaded: false,
    };
    let reason = "the installer says: no disk; `rm -rf` ${evil}".to_owned();
    let installed = Phase::Installed { profile };
    [
        ("phase-held", UEFI, Phase::Held),
        ("phase-installing", UEFI, Phase::Installing(installing)),
        ("phase-installed-bios", BIOS, installed.clone()),
        ("phase-installed-uefi", UEFI, installed),
        ("phase-failed", BIOS, Phase::Failed { reason }),
        ("phase-ignored", UEFI, Phase::Ignored),
    ]
}

fn in_phase(site: &Site, facts: &Facts, phase: Phase) -> String {
    let mut record = Record::new(MachineId(1), 0);
    record.wishes.held = phase == Phase::Held;
    let token = matches!(phase, Phase::Installing(_)).then(|| "0123456789abcdef".repeat(2));
    let token = token.and_then(|token| Token::shown(&token));
    record.phase = phase;
    let decided = site.decide(&record, facts, &|_| Count::Others(0), 1_000);
    let asked_at = [192, 168, 1, 1].into();
    site.script(&decided, &record, facts, asked_at, token.as_ref())
}

#[test]
fn every_machine_gets_the_script_that_was_read_and_approved() {
    let one = "addresses = [\"192.168.1.1\"]";
    let menu = Place::new("addresses = [\"192.168.1.1\", \"10.0.0.1\"]", true);
    let hold = Place::new(&format!("{one}\nunknown = \"hold\""), true);
    let local = Place::new(&format!("{one}\nunknown = \"local\""), true);
    let empty = Place::new(one, false);
    let v6 = Place::new("addresses = [\"fd00::1\"]", true);
    let oden = "mac=5c-f3-fc-01-02-03&uuid=4c4c4544-0042-3510-8052-b4c04f4d3132";
    let exits = "mac=52-54-00-00-00-01";
    let takes = "mac=52-54-00-00-00-02";
    let ibm = "manufacturer=IBM&product-hex=53797374656d2078333535304d33";
    let cases = [
        ("menu-bios", &menu, BIOS, ""),
        ("menu-uefi", &menu, UEFI, ""),
        ("menu-ipv6", &v6, UEFI, ""),
        ("menu-declared", &menu, BIOS, &format!("{oden}&menu=1")),
        ("hold-first", &hold, BIOS, ""),
        ("hold-later", &hold, UEFI, "attempt=9"),
        ("local-bios", &local, BIOS, ""),
        ("local-bios-exit", &local, BIOS, exits),
        ("local-uefi", &local, UEFI, ""),
        ("local-uefi-sanboot", &local, UEFI, takes),
        ("declared-talos-bios", &menu, BIOS, oden),
        ("declared-talos-uefi", &menu, UEFI, oden),
        ("policy-debian-uefi", &menu, UEFI, ibm),
        ("chosen-talos-arm64", &menu, ARM, "item=talos-omni"),
        ("chosen-debian-bios", &menu, BIOS, "item=debian-auto"),
        ("chosen-custom-uefi", &menu, UEFI, "item=rescue"),
        ("chosen-memtest-bios", &menu, BIOS, "item=memtest"),
        ("chosen-memtest-uefi", &menu, UEFI, "item=memtest"),
        ("chosen-netboot-xyz", &menu, UEFI, "item=netboot.xyz"),
        ("not-fetched", &empty, BIOS, "item=talos-omni&attempt=2"),
        ("wrong-processor", &menu, OLD_BIOS, "item=talos-omni"),
    ];
    let mut wrong = Vec::new();
    for (name, place, kind, rest) in cases {
        let facts = Facts::parse(&format!("{kind}&{rest}"));
        let script = preview(&place.site, &facts, Via::Http, None);
        compare(name, &script, &mut wrong);
    }
    for (name, kind, phase) in phases() {
        let facts = Facts::parse(&format!("{kind}&{oden}"));
        let script = in_phase(&menu.site, &facts, phase);
        compare(name, &script, &mut wrong);
    }
    for (name, place) in [("default", &menu), ("default-not-fetched", &empty)] {
        let script = preview(&place.site, &Facts::default(), Via::Tftp, None);
        compare(name, &script, &mut wrong);
    }
    compare("default-written", &menu.site.written_default(), &mut wrong);
    assert!(
        wrong.is_empty(),
        "these are not as approved; HEARTH_BLESS=1 approves them:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_secret_stands_in_no_file_that_everybody_reads_unless_it_is_declared_so() {
    const TOKEN: &str = "w7uVuW3zbVKIYQuz";
    let declared = CONFIG.replace(", fallback = true", "");
    assert_ne!(declared, CONFIG);
    let addresses = "addresses = [\"192.168.1.1\"]";
    let place = Place::with(&declared, addresses, true);
    for script in [
        preview(&place.site, &Facts::default(), Via::Tftp, None),
        place.site.written_default(),
    ] {
        assert!(!script.contains(TOKEN) && !script.contains("siderolink.api"));
        assert!(script.contains("it holds a secret, which Hearth gives out over HTTP only"));
        assert!(
            script.contains("item talos-omni"),
            "it can be chosen while Hearth answers"
        );
    }
    let chosen = Facts::parse(&format!("{UEFI}&item=talos-omni"));
    assert!(preview(&place.site, &chosen, Via::Http, None).contains(TOKEN));
    let public = Place::new(addresses, true);
    assert!(public.site.written_default().contains(TOKEN));
}
