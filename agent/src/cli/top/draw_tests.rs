//! Whole screens, held against `screens/*.txt`.
//!
//! `HEARTH_BLESS=1 cargo test top` writes them anew; look at the difference before it is committed.

use std::fs;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use serde_json::{Value, json};

use super::*;
use crate::cli::top::view::Key;
use crate::cli::top::{frame, lines};

const NOW: u64 = 1_790_000_100_000;
const LOOK: Look = Look {
    colour: true,
    unicode: true,
};

fn transfer(via: &str, name: &str, bytes: u64, size: u64, rate: u64) -> Value {
    json!({ "via": via, "name": name, "bytes": bytes, "size": size, "rate": rate })
}

fn machine(id: u64, label: &str, stage: &str, seconds: u64, more: Value) -> Value {
    let mut machine = json!({
        "machine": id, "label": label, "mac": format!("5c:f3:fc:01:02:{id:02x}"),
        "address": format!("192.168.1.{}", 170 + id), "phase": "installing",
        "profile": "talos-omni", "decision": "install talos-omni", "stage": stage,
        "began": NOW - seconds * 1000, "since": NOW - 1000, "transfers": [], "sent": [],
        "event": { "at": 4, "text": format!("{label} at 192.168.1.{} gets install talos-omni: declared", 170 + id) },
        "finding": null, "ended": null,
    });
    for (key, value) in more.as_object().unwrap() {
        machine[key] = value.clone();
    }
    machine
}

/// A rack that boots, with one of each kind.
fn rack() -> Value {
    let kernel = "talos/v1.11.2/376567988ad3/kernel-amd64";
    let initrd = "talos/v1.11.2/376567988ad3/initramfs-amd64.xz";
    let sent = json!([{ "via": "http", "name": kernel, "bytes": 18_235_392, "size": 18_235_392,
        "seconds": 0.161, "at": 5, "failed": null }]);
    let finding = json!({
        "code": "loader-stalls", "severity": "error",
        "sentence": "snponly.efi broke off after 114688 bytes: the client does not answer",
        "remedy": "Hearth gives this machine ipxe.efi after 2 times",
    });
    let stranger = json!({ "machine": null, "label": "52:54:00:77:00:09", "phase": null,
        "decision": null, "address": null, "mac": "52:54:00:77:00:09",
        "event": { "text": "DHCP discover, architecture 7" } });
    json!([
        machine(
            1,
            "oden",
            "initrd",
            21,
            json!({
                "sent": sent,
                "transfers": [transfer("http", initrd, 61_000_000, 94_371_840, 12_400_000)],
            })
        ),
        machine(
            2,
            "tor",
            "installing",
            251,
            json!({
            "event": { "text": "the installer says: writing 3 of 7 partitions" } })
        ),
        machine(
            3,
            "rack-7",
            "loader",
            63,
            json!({ "finding": finding, "phase": "ready" })
        ),
        machine(
            4,
            "web-1",
            "waiting",
            130,
            json!({ "phase": "held", "decision": "hold",
            "finding": { "code": "waits", "severity": "notice",
                "sentence": "the machine waits for a person", "remedy": "hearth machine approve web-1" } })
        ),
        machine(
            5,
            "db-2",
            "loader",
            2,
            json!({ "decision": null, "phase": "ready",
            "transfers": [transfer("tftp", "snponly.efi", 90_112, 274_432, 912_000)] })
        ),
        machine(9, "x", "dhcp", 0, stranger),
        machine(
            6,
            "freja",
            "script",
            34,
            json!({ "decision": "local", "phase": "installed",
            "ended": { "how": "installed", "at": NOW - 4000, "why": null } })
        ),
        machine(
            7,
            "loke",
            "waiting",
            900,
            json!({ "decision": "hold", "phase": "failed",
            "ended": { "how": "failed", "at": NOW - 9000, "why": "no disk was found" } })
        ),
    ])
}

fn answer(machines: &Value) -> Value {
    json!({
        "now": NOW, "machines": machines, "left_out": 0, "fetches": [],
        "totals": {
            "tftp": { "transfers": 1, "rate": 912_000 },
            "http": { "transfers": 1, "rate": 12_400_000, "connections": 3, "limit": 1000,
                "turned_away": 0 },
        },
    })
}

fn of(answer: Value) -> View {
    let mut view = View::default();
    for rate in [0, 1, 3, 9, 14, 20, 17, 13, 12, 18, 25, 13] {
        view.history.push_back(rate * 1_000_000);
    }
    view.take(Snapshot::of(answer).unwrap());
    view
}

fn rack_view() -> View {
    of(answer(&rack()))
}

fn area(columns: u16, rows: u16) -> Rect {
    Rect::new(0, 0, columns, rows)
}

/// The screen as text.
fn screen(view: &mut View, (columns, rows): (u16, u16), look: Look) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal
        .draw(|frame| draw(frame.buffer_mut(), area(columns, rows), view, look))
        .unwrap();
    lines(terminal.backend().buffer())
}

fn held_against(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/top/screens");
    let path = path.join(format!("{name}.txt"));
    if std::env::var("HEARTH_BLESS").is_ok() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: is\n{text}\nshould be\n{expected}");
}

#[test]
fn a_rack_in_the_usual_sizes() {
    for (name, size) in [
        ("rack-80x24", (80, 24)),
        ("rack-120x40", (120, 40)),
        ("rack-60x20", (60, 20)),
        ("rack-40x12", (40, 12)),
        ("rack-24x8", (24, 8)),
    ] {
        held_against(name, &screen(&mut rack_view(), size, LOOK));
    }
}

#[test]
fn the_guide_shows_a_screen_as_it_is() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/running.md");
    let shown = screen(&mut rack_view(), (80, 24), LOOK);
    assert!(
        fs::read_to_string(guide).unwrap().contains(&shown),
        "{shown}"
    );
}

#[test]
fn one_machine_has_room_for_all_that_is_known_of_it() {
    let machines = rack();
    let mut view = of(answer(&json!([machines[2]])));
    held_against("finding", &screen(&mut view, (80, 24), LOOK));
    let fetch = json!([{ "id": 4, "state": "running", "files": [
        { "name": "talos/v1.11.2/kernel-amd64", "state": "fetched", "bytes": 9, "total": 9 },
        { "name": "talos/v1.11.2/376567988ad3/initramfs-amd64.xz", "state": "running",
          "bytes": 40_000_000, "total": 94_371_840, "rate": 7_100_000 },
    ] }]);
    let mut with_fetch = answer(&json!([machines[0]]));
    with_fetch["fetches"] = fetch;
    with_fetch["totals"]["http"]["turned_away"] = json!(17);
    held_against("fetch", &screen(&mut of(with_fetch), (80, 24), LOOK));
}

#[test]
fn without_utf_8_there_is_ascii_alone() {
    let look = Look {
        unicode: false,
        ..LOOK
    };
    let mut machines = rack();
    machines[0]["label"] = json!("öden");
    let text = screen(&mut of(answer(&machines)), (80, 24), look);
    assert!(text.is_ascii(), "{text}");
    held_against("ascii", &text);
}

#[test]
fn an_agent_that_is_gone_is_told_and_what_was_stays() {
    let mut view = rack_view();
    view.age = 75_000;
    view.fail("asking the agent at /run/hearth.sock: Connection refused; is it running?");
    let text = screen(&mut view, (80, 24), LOOK);
    held_against("gone", &text);
    let mut slow = rack_view();
    slow.age = 5_000;
    let text = screen(&mut slow, (80, 24), LOOK);
    assert!(text.contains("no answer for 5 s"), "{text}");
}

#[test]
fn nothing_help_and_what_is_looked_for() {
    let mut nothing = of(answer(&json!([])));
    held_against("nothing", &screen(&mut nothing, (80, 24), LOOK));
    let mut view = rack_view();
    view.press(Key::Char('?'));
    held_against("help", &screen(&mut view, (80, 24), LOOK));
    let mut view = rack_view();
    for key in "frack".chars() {
        view.press(Key::Char(key));
    }
    held_against("filter", &screen(&mut view, (80, 24), LOOK));
    view.press(Key::Char('x'));
    assert!(screen(&mut view, (80, 24), LOOK).contains("nothing that boots has this text"));
}

#[test]
fn a_timeline_is_read_from_its_end_and_fits_a_narrow_terminal() {
    let text = "oden, boot of 2026-11-24 01:20:37 UTC\n\n      \
                0.0 s  firmware (architecture 7) looks for a DHCP server\n      \
                0.1 s  192.168.1.1 offers 192.168.1.171, file snponly.efi from 192.168.1.1\n!     \
                4.4 s  snponly.efi by TFTP broke off: the client does not answer\n\n       \
                why  snponly.efi broke off after 114688 bytes: the client does not answer\n            \
                [loader-stalls]\n        do  Hearth gives this machine ipxe.efi after 2 times\n";
    let mut view = rack_view();
    view.press(Key::Enter);
    assert!(screen(&mut view, (80, 24), LOOK).contains("asking the agent"));
    view.tell(1, text);
    held_against("timeline", &screen(&mut view, (80, 24), LOOK));
    held_against("timeline-40x10", &screen(&mut view, (40, 10), LOOK));
    view.press(Key::Home);
    assert!(screen(&mut view, (40, 10), LOOK).contains("oden, boot of"));
    view.press(Key::End);
    assert!(!screen(&mut view, (40, 10), LOOK).contains("oden, boot of"));
    view.press(Key::Escape);
    assert!(screen(&mut view, (80, 24), LOOK).contains("rack-7"));
}

#[test]
fn the_chosen_machine_is_on_the_screen_however_many_there_are() {
    let many: Vec<Value> = (0..500)
        .map(|id| machine(id, &format!("m{id}"), "kernel", id, json!({})))
        .collect();
    let mut view = of(answer(&json!(many)));
    let shows = |view: &mut View, label: &str| {
        let text = screen(view, (80, 24), LOOK);
        let is_there = text
            .lines()
            .any(|line| line.starts_with(&format!("▌ {label} ")));
        assert!(is_there, "{label}:\n{text}");
    };
    shows(&mut view, "m0");
    view.press(Key::PageDown);
    view.press(Key::PageDown);
    view.press(Key::Up);
    let chosen = view.machine().unwrap().label.to_string();
    shows(&mut view, &chosen);
    view.press(Key::End);
    shows(&mut view, "m499");
    // The terminal is made smaller.
    assert!(screen(&mut view, (80, 8), LOOK).contains("m499"));
    view.press(Key::Home);
    shows(&mut view, "m0");
}

#[test]
fn every_size_of_a_terminal_is_drawn() {
    let mut view = rack_view();
    for columns in 0..100 {
        for rows in 0..30 {
            let area = area(columns, rows);
            draw(&mut Buffer::empty(area), area, &mut view, LOOK);
        }
    }
}

#[test]
fn what_is_wrong_is_red_where_colours_are_wanted_and_bold_where_not() {
    let cell = |look: Look| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut view = rack_view();
        terminal
            .draw(|frame| draw(frame.buffer_mut(), area(80, 24), &mut view, look))
            .unwrap();
        let buffer = terminal.backend().buffer().clone();
        let colours = buffer.content.iter().any(|cell| {
            let named = |colour| !matches!(colour, Color::Reset);
            named(cell.fg) || named(cell.bg)
        });
        let cross = buffer.content.iter().find(|cell| cell.symbol() == "✗");
        (cross.unwrap().clone(), colours)
    };
    let (cross, colours) = cell(LOOK);
    assert_eq!((cross.fg, colours), (Color::Red, true));
    let (cross, colours) = cell(Look {
        colour: false,
        ..LOOK
    });
    assert!(!colours && cross.modifier.contains(Modifier::BOLD));
}

#[test]
fn one_frame_goes_anywhere() {
    held_against("once", &frame(rack_view(), 100, LOOK));
    let text = frame(of(answer(&json!([]))), 80, LOOK);
    held_against("once-nothing", &text);
}
