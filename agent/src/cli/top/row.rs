//! A machine as a row, and the chosen one's particulars.

use ratatui::layout::Rect;

use super::look::{Ink, Pen, width};
use super::snapshot::{Finding, Machine, Sent};
use crate::cli::table::bytes;

/// The stages of a boot, in the order of its way; those that stand beside each other are one step.
const WAY: [&[&str]; 7] = [
    &["dhcp"],
    &["loader"],
    &["ipxe"],
    &["script", "menu", "waiting"],
    &["kernel"],
    &["initrd", "files"],
    &["installing", "system"],
];

/// Columns of a stage, of the steps, of a share, a rate and a time, each with the blank behind it.
const STAGE: u16 = 13;
const STEPS: u16 = 9;
const SHARE: u16 = 6;
const RATE: u16 = 12;
const TIME: u16 = 8;

/// Where what stands in a row, in a terminal of some width. What has no room is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    label: u16,
    has_steps: bool,
    has_share: bool,
    has_rate: bool,
    has_time: bool,
    /// Zero: there is no room for one.
    bar: u16,
    all: u16,
}

impl Columns {
    /// For so many columns, and labels of these lengths.
    pub fn of(all: u16, labels: impl Iterator<Item = usize>) -> Columns {
        // As wide as a MAC where there is room, so that nothing moves when a machine gets its name.
        let least = if all >= 76 { 17 } else { 7 };
        let longest = labels.max().unwrap_or(0).clamp(least, 100) as u16 + 1;
        let label = longest.min((all / 4).max(10));
        let mut rest = all.saturating_sub(2 + label + STAGE);
        let mut takes = |columns: u16, beside: u16| {
            let has = rest >= columns + beside;
            rest -= if has { columns } else { 0 };
            has
        };
        let has_time = takes(TIME, 0);
        let has_share = takes(SHARE, 0);
        let has_steps = takes(STEPS, RATE + 10);
        let has_rate = takes(RATE, 6);
        Columns {
            label,
            has_steps,
            has_share,
            has_rate,
            has_time,
            bar: match rest {
                0..4 => 0,
                bar => bar.min(61),
            },
            all,
        }
    }

    /// What stands above.
    pub fn heading(&self, pen: &mut Pen, (x, y): (u16, u16)) {
        pen.put((x + 2, y), "MACHINE", Ink::Faint, self.label);
        pen.put((x + 2 + self.label, y), "STAGE", Ink::Faint, STAGE);
        if self.bar >= 8 {
            pen.put((self.transfer_at(x), y), "PROGRESS", Ink::Faint, self.bar);
        }
        if self.has_time {
            pen.put_right((x + self.all - 1, y), "TIME", Ink::Faint);
        }
    }

    fn transfer_at(&self, x: u16) -> u16 {
        let steps = if self.has_steps { STEPS } else { 0 };
        x + 2 + self.label + STAGE + steps
    }

    /// The row of a machine: whether it is chosen, and whether it is all that is shown of it.
    pub fn row(
        &self,
        pen: &mut Pen,
        (x, y): (u16, u16),
        machine: &Machine,
        now: u64,
        (chosen, alone): (bool, bool),
    ) {
        mark(pen, (x, y), chosen);
        let ink = if chosen { Ink::Strong } else { Ink::Plain };
        pen.put((x + 2, y), &machine.label, ink, self.label - 1);
        let (sign, word, ink) = stage(pen, machine);
        let at = x + 2 + self.label;
        pen.put((at, y), &format!("{sign} {word}"), ink, STAGE - 1);
        if self.has_steps {
            steps(pen, (at + STAGE, y), machine, ink);
        }
        let right = (x + self.all).saturating_sub(if self.has_time { TIME } else { 0 });
        let at = self.transfer_at(x);
        match machine.transfers.last() {
            Some(one) => self.progress(pen, (at, y), (one.bytes, one.size, one.rate)),
            None if right.saturating_sub(at) > 10 => {
                let (text, ink) = said(machine, alone);
                pen.put((at, y), text, ink, right - at - 1);
            }
            None => {}
        }
        if self.has_time {
            let until = machine.ended.as_ref().map_or(now, |ended| ended.at);
            let took = elapsed(until.saturating_sub(machine.began) / 1000);
            pen.put_right((x + self.all - 1, y), &took, Ink::Plain);
        }
    }

    fn progress(&self, pen: &mut Pen, (x, y): (u16, u16), (done, of, rate): (u64, u64, u64)) {
        if !self.has_share {
            return;
        }
        if self.bar > 0 {
            let (full, empty) = pen.look.bar(done, of, usize::from(self.bar));
            let after = pen.put((x, y), &full, Ink::Busy, self.bar);
            pen.put((after, y), &empty, Ink::Faint, self.bar);
        }
        let end = x + self.bar + SHARE - u16::from(self.bar == 0);
        pen.put_right((end, y), &share(done, of), Ink::Strong);
        if self.has_rate {
            pen.put_right(
                (end + RATE - 1, y),
                &format!("{}/s", bytes(rate)),
                Ink::Plain,
            );
        }
    }

    /// The second line of a machine: what it is sent, was sent, or what is wrong.
    pub fn second(&self, pen: &mut Pen, (x, y): (u16, u16), machine: &Machine, chosen: bool) {
        mark(pen, (x, y), chosen);
        let room = self.all.saturating_sub(5);
        let at = (x + 4, y);
        if let Some(finding) = machine.finding.as_ref() {
            let text = format!("{}: {}", finding.code, finding.sentence);
            pen.put(at, &text, ink_of(finding), room);
            return;
        }
        let text = match (
            machine.transfers.last(),
            machine.sent.last(),
            &machine.event,
        ) {
            (Some(one), ..) => {
                let of = format!(", {} of {}", bytes(one.bytes), bytes(one.size));
                file(&one.via, &one.name, &of, room)
            }
            (None, _, Some(event)) => event.text.to_string(),
            (None, Some(sent), None) => was_sent(sent, room),
            (None, None, None) => String::new(),
        };
        pen.put(at, &text, Ink::Faint, room);
    }

    /// A file that is fetched, with its bar: name, bytes, of so many, bytes a second.
    pub fn transfer(
        &self,
        pen: &mut Pen,
        (x, y): (u16, u16),
        (name, done, of, rate): (&str, u64, u64, u64),
    ) {
        let at = self.transfer_at(0);
        let file = name.rsplit('/').next().unwrap_or(name);
        pen.put((x, y), file, Ink::Plain, at.saturating_sub(x + 1));
        self.progress(pen, (at, y), (done, of, rate));
    }
}

fn mark(pen: &mut Pen, at: (u16, u16), chosen: bool) {
    if chosen {
        let sign = pen.look.sign("▌", ">");
        pen.put(at, sign, Ink::Busy, 1);
    }
}

/// How a stage or an end is shown: a sign, a word, and its look.
fn stage<'a>(pen: &Pen, machine: &'a Machine) -> (&'static str, &'a str, Ink) {
    let sign = |unicode: &'static str, ascii: &'static str| match pen.look.unicode {
        true => unicode,
        false => ascii,
    };
    if let Some(ended) = &machine.ended {
        return match &*ended.how {
            "installed" => (sign("✓", "+"), "installed", Ink::Good),
            "local" => (sign("✓", "+"), "local disk", Ink::Good),
            "started" => (sign("✓", "+"), "started", Ink::Good),
            "failed" => (sign("✗", "!"), "failed", Ink::Bad),
            "denied" => (sign("–", "-"), "gets nothing", Ink::Faint),
            _ => (sign("–", "-"), &ended.how, Ink::Faint),
        };
    }
    match &*machine.stage {
        stage if machine.is_wrong() => (sign("✗", "!"), stage, Ink::Bad),
        stage @ ("menu" | "waiting") => (sign("‖", "="), stage, Ink::Waits),
        stage => (sign("▸", "*"), stage, Ink::Busy),
    }
}

/// The way, step by step.
fn steps(pen: &mut Pen, (x, y): (u16, u16), machine: &Machine, ink: Ink) {
    let here = WAY
        .iter()
        .position(|stages| stages.contains(&&*machine.stage));
    let ended = machine.ended.is_some();
    for (place, x) in (0..WAY.len()).zip(x..) {
        let (sign, ink) = match here {
            Some(here) if place < here || place == here && ended => (pen.look.sign("●", "o"), ink),
            Some(here) if place == here => (pen.look.sign("◉", "@"), ink),
            _ => (pen.look.sign("·", "."), Ink::Faint),
        };
        pen.put((x, y), sign, ink, 1);
    }
}

/// What a machine that is sent nothing now is about, in a few words; `alone` if no others stand below.
fn said(machine: &Machine, alone: bool) -> (&str, Ink) {
    let failed = machine.ended.as_ref().map_or("", |ended| &*ended.why);
    match &machine.finding {
        Some(finding) if alone => (&finding.code, ink_of(finding)),
        _ if !failed.is_empty() => (failed, Ink::Bad),
        _ => (&machine.decision, Ink::Faint),
    }
}

fn ink_of(finding: &Finding) -> Ink {
    match finding.is_error() {
        true => Ink::Bad,
        false => Ink::Waits,
    }
}

fn was_sent(sent: &Sent, room: u16) -> String {
    let how = match sent.failed.is_empty() {
        true => {
            let rate = sent.bytes as f64 / sent.seconds.max(1e-6);
            let (bytes, rate) = (bytes(sent.bytes), bytes(rate as u64));
            format!(", {bytes} in {:.1} s, {rate}/s", sent.seconds)
        }
        false => format!(" broke off: {}", sent.failed),
    };
    file(&sent.via, &sent.name, &how, room)
}

/// A file and what became of it; without its folders where they have no room.
fn file(via: &str, name: &str, how: &str, room: u16) -> String {
    let via = via.to_uppercase();
    let whole = format!("{via} {name}{how}");
    match width(&whole) <= usize::from(room) {
        true => whole,
        false => format!("{via} {}{how}", name.rsplit('/').next().unwrap_or(name)),
    }
}

/// A part of a whole; nothing where the whole is not known.
fn share(done: u64, of: u64) -> String {
    match of {
        0 => String::new(),
        of => format!("{} %", u128::from(done.min(of)) * 100 / u128::from(of)),
    }
}

/// Seconds as a clock shows them.
fn elapsed(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        1..100 => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{} d", hours / 24),
    }
}

/// A line across, with a name in it.
pub fn rule(pen: &mut Pen, area: Rect, name: &str) {
    let sign = pen.look.sign("─", "-");
    pen.put(
        (area.x, area.y),
        &sign.repeat(usize::from(area.width)),
        Ink::Faint,
        area.width,
    );
    pen.put(
        (area.x + 2, area.y),
        &format!(" {name} "),
        Ink::Strong,
        area.width.saturating_sub(4),
    );
}

/// All that is known of the chosen machine's boot.
pub fn particulars(pen: &mut Pen, area: Rect, machine: &Machine) {
    rule(pen, area, &machine.label);
    let who = [
        &machine.address,
        &machine.mac,
        &machine.phase,
        &machine.decision,
    ];
    let who: Vec<&str> = who
        .iter()
        .map(|text| &***text)
        .filter(|text| !text.is_empty() && *text != &*machine.label)
        .collect();
    let mut lines = vec![(who.join("   "), Ink::Plain)];
    lines.extend(machine.sent.last().map(|sent| {
        let ink = match sent.failed.is_empty() {
            true => Ink::Faint,
            false => Ink::Bad,
        };
        (
            format!("sent: {}", was_sent(sent, area.width.saturating_sub(8))),
            ink,
        )
    }));
    lines.extend(machine.happened().map(|event| {
        let text = format!("last: {}", event.text);
        (text, Ink::Faint)
    }));
    let room = usize::from(area.width.saturating_sub(2));
    let left = usize::from(area.height).saturating_sub(1 + lines.len());
    if let Some(finding) = &machine.finding {
        let what = wrapped(&finding.sentence, room, left.saturating_sub(1).max(1));
        lines.extend(what.into_iter().map(|line| (line, ink_of(finding))));
        lines.push((finding.remedy.to_string(), Ink::Good));
    }
    for ((line, ink), y) in lines.iter().zip(area.y + 1..area.bottom()) {
        pen.put((area.x + 1, y), line, *ink, area.width.saturating_sub(2));
    }
}

/// Words in at most so many lines; the last holds what is left.
pub fn wrapped(text: &str, columns: usize, lines: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_last = all.len() == lines;
        match all.last_mut() {
            Some(line) if is_last || width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => all.push(word.to_owned()),
        }
    }
    all
}
