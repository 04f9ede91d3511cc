//! Draws the view: machines as rows, the chosen one's particulars below, or the page that is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::look::{Ink, Look, Pen, width};
use super::row::{self, Columns};
use super::snapshot::{Machine, Snapshot};
use super::view::{Page, Timeline, View};
use crate::cli::table::{bytes, time};

/// Lines that a screen must have to show the chosen machine's particulars.
const TALL: u16 = 16;
/// Lines of them, with their heading.
const PARTICULARS: u16 = 6;
/// Files of fetches that are shown.
const FETCHES: usize = 3;
/// Milliseconds after which an answer is old.
const OLD: u64 = 4_000;

const HELP: &[(&str, &str)] = &[
    ("up, down, j, k", "choose a machine"),
    ("page up, page down", "the same, by pages"),
    ("home, end, g, G", "the first, the last"),
    ("enter", "what happened to it: its timeline"),
    ("f, /", "show only machines that have a text in them"),
    ("escape", "show all again; back"),
    ("q, control-C", "end"),
];

/// Draws everything into a part of a screen. The view learns how much room there was.
pub fn draw(buffer: &mut Buffer, area: Rect, view: &mut View, look: Look) {
    let mut pen = Pen { buffer, look };
    if area.height < 3 || area.width < 16 {
        pen.put((area.x, area.y), "too small", Ink::Plain, area.width);
        return;
    }
    let top = head(&mut pen, area, view);
    let mut bottom = area.bottom();
    if !view.whole {
        bottom -= 1;
        foot(&mut pen, area, view);
    }
    let middle = Rect {
        y: top,
        height: bottom.saturating_sub(top),
        ..area
    };
    match view.page.clone() {
        Page::Help => help(&mut pen, middle),
        Page::Timeline(timeline) => tell(&mut pen, middle, view, &timeline),
        Page::Machines | Page::Filter => machines(&mut pen, middle, view),
    }
}

/// Sums, and trouble if there is some; returns the first line below.
fn head(pen: &mut Pen, area: Rect, view: &View) -> u16 {
    let mut y = area.y;
    let right = area.right() - 1;
    let name = if view.whole {
        "hearth top"
    } else {
        " hearth top "
    };
    let x = pen.put((area.x, y), name, Ink::Bar, area.width);
    let now = view.snapshot.as_ref();
    let rate = now.map_or(0, Snapshot::rate);
    let rate_text = format!("{}/s", bytes(rate));
    let ended = |now: &Snapshot| {
        now.machines
            .iter()
            .filter(|one| one.ended.is_some())
            .count()
    };
    let (all, over) = now.map_or((0, 0), |now| (now.machines.len(), ended(now)));
    let left_out = now.map_or(0, |now| now.left_out);
    let mut booting = format!("  {} booting", all - over + left_out as usize);
    if over > 0 {
        booting.push_str(&format!(", {over} ended"));
    }
    let x = pen.put((x, y), &booting, Ink::Strong, area.width);
    let at = right.saturating_sub(width(&rate_text) as u16);
    if at > x {
        pen.put_right((right, y), &rate_text, Ink::Strong);
        let rest = usize::from(at - x).saturating_sub(4).min(30);
        let curve = pen.look.curve(view.history.iter().copied(), rest);
        let ink = if rate > 0 { Ink::Busy } else { Ink::Faint };
        pen.put_right((at - 1, y), &curve, ink);
    }
    y += 1;
    if let Some(now) = now {
        sums(pen, (area.x + 1, y), area.width, now);
        y += 1;
    }
    let age = time(view.age / 1000);
    let alarm = match &view.trouble {
        Some(trouble) => Some(format!("no answer for {age}, trying again: {trouble}")),
        None if now.is_some() && view.age > OLD => Some(format!("no answer for {age}")),
        None => None,
    };
    let room = usize::from(area.width.saturating_sub(2));
    for line in alarm.iter().flat_map(|text| row::wrapped(text, room, 2)) {
        pen.line(y, Ink::Alarm);
        pen.put((area.x + 1, y), &line, Ink::Alarm, area.width - 2);
        y += 1;
    }
    // Room enough: a blank line.
    y + u16::from(area.height >= 20)
}

fn sums(pen: &mut Pen, (x, y): (u16, u16), columns: u16, now: &Snapshot) {
    let (tftp, http) = (&now.totals.tftp, &now.totals.http);
    let transfers = |word: &str, count: u64, rate: u64| match count {
        0 => format!("{word} idle"),
        count => format!("{word} {count}, {}/s", bytes(rate)),
    };
    let mut parts = vec![
        transfers("TFTP", tftp.transfers, tftp.rate),
        transfers("HTTP", http.transfers, http.rate),
        format!("{} of {} connections", http.connections, http.limit),
    ];
    if http.turned_away > 0 {
        parts.push(format!("{} sent away", http.turned_away));
    }
    pen.put((x, y), &parts.join("   "), Ink::Faint, columns);
}

fn foot(pen: &mut Pen, area: Rect, view: &View) {
    let y = area.bottom() - 1;
    pen.line(y, Ink::Bar);
    let text = match &view.page {
        Page::Filter => format!(" show only: {}_", view.filter),
        Page::Help => " q back".to_owned(),
        Page::Timeline(_) => {
            let keys = pen.look.sign("↑ ↓ scroll", "j k scroll");
            format!(" q back   {keys}   G end")
        }
        Page::Machines => {
            let keys = pen
                .look
                .sign("↑ ↓ choose   ↵ timeline", "j k choose   enter timeline");
            match view.filter.is_empty() {
                true => format!(" q quit   {keys}   f filter   ? help"),
                false => format!(" only: {}   escape all   {keys}   q quit", view.filter),
            }
        }
    };
    pen.put((area.x, y), &text, Ink::Bar, area.width);
}

fn help(pen: &mut Pen, area: Rect) {
    let mut y = area.y + 1;
    for (keys, what) in HELP.iter().filter(|_| area.height > 0) {
        if y >= area.bottom() {
            return;
        }
        pen.put((area.x + 2, y), keys, Ink::Strong, 20);
        pen.put((area.x + 22, y), what, Ink::Plain, area.width);
        y += 1;
    }
    let stages = "dhcp, loader, ipxe, script, kernel, initrd, and what was sent runs";
    if y + 2 < area.bottom() {
        pen.put((area.x + 2, y + 1), "The way of a boot", Ink::Strong, 20);
        pen.put((area.x + 22, y + 1), stages, Ink::Plain, area.width);
    }
}

fn machines(pen: &mut Pen, area: Rect, view: &mut View) {
    let fetches = fetches(pen, area, view);
    let mut area = Rect {
        height: area.height - fetches,
        ..area
    };
    let shown: Vec<Machine> = view.machines().into_iter().cloned().collect();
    if shown.is_empty() {
        nothing(pen, area, view);
        view.room = 1;
        return;
    }
    if area.height >= TALL - 3 && !view.whole {
        let particulars = Rect {
            y: area.bottom() - PARTICULARS,
            height: PARTICULARS,
            ..area
        };
        if let Some(machine) = shown.get(view.chosen) {
            row::particulars(pen, particulars, machine);
        }
        area.height -= PARTICULARS;
    }
    let columns = Columns::of(
        area.width,
        shown.iter().map(|machine| width(&machine.label)),
    );
    let mut y = area.y;
    if area.height > 4 {
        columns.heading(pen, (area.x, y));
        y += 1;
    }
    let lines = area.bottom().saturating_sub(y);
    // Two lines for each machine, where all have room for them.
    let each = if shown.len() * 2 <= usize::from(lines) {
        2
    } else {
        1
    };
    let room = usize::from(lines / each).max(1);
    view.room = room;
    view.first = view
        .first
        .clamp((view.chosen + 1).saturating_sub(room), view.chosen)
        .min(shown.len().saturating_sub(room));
    let now = view.snapshot.as_ref().map_or(0, |now| now.now);
    let now = match view.trouble {
        None => now + view.age,
        Some(_) => now,
    };
    for (place, machine) in shown.iter().enumerate().skip(view.first).take(room) {
        let chosen = place == view.chosen && !view.whole;
        columns.row(pen, (area.x, y), machine, now, (chosen, each == 1));
        if each == 2 {
            columns.second(pen, (area.x, y + 1), machine, chosen);
        }
        y += each;
    }
    let below = shown.len().saturating_sub(view.first + room);
    if below > 0 && lines > 1 && area.width >= 40 {
        let text = format!(" {below} more ");
        pen.put_right((area.right() - 1, y - 1), &text, Ink::Bar);
    }
}

fn nothing(pen: &mut Pen, area: Rect, view: &View) {
    let lines = match (&view.snapshot, view.filter.is_empty()) {
        (None, _) => ["asking the agent", ""],
        (Some(_), false) => ["nothing that boots has this text in it", "escape shows all"],
        (Some(_), true) => [
            "no machine is booting",
            "switch one on: it appears here with the first thing it asks for",
        ],
    };
    let y = area.y + if view.whole { 1 } else { area.height / 3 };
    for ((line, ink), y) in lines
        .iter()
        .zip([Ink::Strong, Ink::Faint])
        .zip(y..area.bottom())
    {
        let columns = width(line) as u16;
        let x = area.x + area.width.saturating_sub(columns) / 2;
        pen.put((x, y), line, ink, area.width);
    }
}

/// Files that are fetched, at the bottom; returns how many lines they take.
fn fetches(pen: &mut Pen, area: Rect, view: &View) -> u16 {
    let Some(now) = &view.snapshot else { return 0 };
    let running = now
        .fetches
        .iter()
        .filter(|fetch| &*fetch.state == "running");
    let files = running.flat_map(|fetch| &fetch.files);
    let files: Vec<_> = files
        .filter(|file| &*file.state == "running")
        .take(FETCHES)
        .collect();
    let lines = files.len() as u16;
    if lines == 0 || area.height < lines + 4 {
        return 0;
    }
    let columns = Columns::of(area.width, std::iter::empty());
    for (file, y) in files.iter().zip(area.bottom() - lines..) {
        let x = pen.put((area.x + 1, y), "fetching ", Ink::Faint, area.width);
        columns.transfer(
            pen,
            (x, y),
            (&file.name, file.bytes, file.total.unwrap_or(0), file.rate),
        );
    }
    lines
}

fn tell(pen: &mut Pen, area: Rect, view: &mut View, timeline: &Timeline) {
    let mut area = area;
    if area.height > 4 {
        row::rule(pen, area, &timeline.label);
        area.y += 1;
        area.height -= 1;
    }
    let lines: Vec<String> = match &timeline.lines {
        None => vec!["asking the agent".to_owned()],
        Some(lines) => lines
            .iter()
            .flat_map(|line| broken(line, usize::from(area.width)))
            .collect(),
    };
    let room = usize::from(area.height).max(1);
    view.room = room;
    let scroll = timeline.scroll.min(lines.len().saturating_sub(room));
    if let (Page::Timeline(timeline), true) = (&mut view.page, timeline.lines.is_some()) {
        timeline.scroll = scroll;
    }
    for (line, y) in lines.iter().skip(scroll).zip(area.y..area.bottom()) {
        pen.put((area.x, y), line, ink_of(line), area.width);
    }
}

/// How a line of a timeline looks: what went wrong, and what to do.
fn ink_of(line: &str) -> Ink {
    let word = line.split_whitespace().next().unwrap_or_default();
    match word {
        _ if line.starts_with('!') => Ink::Bad,
        "why" => Ink::Bad,
        "note" | "waits" if line.starts_with("    ") => Ink::Waits,
        "do" if line.starts_with("    ") => Ink::Good,
        _ if line.ends_with("UTC") => Ink::Strong,
        _ => Ink::Plain,
    }
}

/// A line of a timeline in a narrow terminal: broken between words, its rest under where it began.
fn broken(line: &str, columns: usize) -> Vec<String> {
    const INDENT: usize = 12;
    let indent = if columns > 3 * INDENT { INDENT } else { 2 };
    let mut lines = vec![String::new()];
    if width(line) <= columns {
        return vec![line.to_owned()];
    }
    for word in line.split_inclusive(' ') {
        let last = lines.last_mut();
        match last {
            Some(last) if width(last) + width(word.trim_end()) <= columns => last.push_str(word),
            _ => lines.push(format!("{}{word}", " ".repeat(indent))),
        }
    }
    lines
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
