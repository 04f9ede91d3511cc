//! One boot as it is now: the stage it is in and since when, what it was sent last, and how it ended.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::Jump;
use crate::event::{Event, Outcome, Stamped, Via, Word};
use crate::limits;
use crate::mac::Mac;
use crate::recipe::Part;
use crate::timeline::boots::{Stage, stage};

/// Where a boot is, in the order of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The firmware asks for an address.
    Dhcp,
    /// A loader is sent.
    Loader,
    /// iPXE runs: it asks for an address and gets `default.ipxe`.
    Ipxe,
    /// It was decided what it gets.
    Script,
    /// A person at the machine chooses.
    Menu,
    /// It waits for a person at the server.
    Waiting,
    /// A kernel is sent.
    Kernel,
    /// An initrd is sent.
    Initrd,
    /// Another file is sent, or one of an image that is not declared any more.
    Files,
    /// Its installer runs.
    Installing,
    /// What it was sent runs.
    System,
}

impl Place {
    /// All, in order.
    pub const ALL: [Place; 11] = [
        Place::Dhcp,
        Place::Loader,
        Place::Ipxe,
        Place::Script,
        Place::Menu,
        Place::Waiting,
        Place::Kernel,
        Place::Initrd,
        Place::Files,
        Place::Installing,
        Place::System,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Place::Dhcp => "dhcp",
            Place::Loader => "loader",
            Place::Ipxe => "ipxe",
            Place::Script => "script",
            Place::Menu => "menu",
            Place::Waiting => "waiting",
            Place::Kernel => "kernel",
            Place::Initrd => "initrd",
            Place::Files => "files",
            Place::Installing => "installing",
            Place::System => "system",
        }
    }
}

/// How a boot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Its disk is bootable now.
    Installed,
    /// It was sent to its disk.
    Local,
    /// What it was sent runs, and nothing more is to be heard of it.
    Started,
    /// Its installation failed.
    Failed,
    /// It gets nothing.
    Denied,
}

impl How {
    /// All of them.
    pub const ALL: [How; 5] = [
        How::Installed,
        How::Local,
        How::Started,
        How::Failed,
        How::Denied,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            How::Installed => "installed",
            How::Local => "local",
            How::Started => "started",
            How::Failed => "failed",
            How::Denied => "denied",
        }
    }
}

/// A file that was sent, or broke off.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// By which protocol.
    pub via: Via,
    /// Its catalogue name.
    pub name: String,
    /// Bytes that the client took.
    pub bytes: u64,
    /// The whole file's.
    pub size: Option<u64>,
    /// Seconds.
    pub seconds: f64,
    /// When it ended, in milliseconds since 1970.
    pub at: u64,
    /// Why it broke off.
    pub failed: Option<String>,
}

/// One boot, from its events.
#[derive(Clone, Debug, PartialEq)]
pub struct Boot {
    /// When it began, in milliseconds since 1970.
    pub began: u64,
    /// The decision of its last script, in a word with its profile or image.
    pub decision: Option<String>,
    /// The card that it was heard by, if it was.
    pub mac: Option<Mac>,
    /// The address that it asked from.
    pub address: Option<IpAddr>,
    /// What it was sent last, the newest last; at most [`limits::LIVE_SENT`].
    pub sent: VecDeque<Sent>,
    /// Its last event.
    pub event: Arc<Stamped>,
    /// How far it came, as the timeline has it.
    pub(super) came: Stage,
    place: Place,
    since: u64,
    file: Option<String>,
    end: Option<(How, u64)>,
}

/// What is known of a boot beside its events.
pub struct Beside<'a> {
    /// Milliseconds since 1970.
    pub now: u64,
    /// The machine's phase.
    pub phase: Option<Word>,
    /// Its installation's last file was sent.
    pub loaded: bool,
    /// The name of what is on its way to it, the one that began last, and when that began.
    pub under_way: Option<(&'a str, u64)>,
    /// What a file is to an image.
    pub part: &'a dyn Fn(&str) -> Option<Part>,
}

/// Where a boot is at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Where.
    pub place: Place,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// How it ended, and when.
    pub end: Option<(How, u64)>,
}

impl Boot {
    /// Begins with an event, of this stage if it has one.
    pub(super) fn new(event: &Arc<Stamped>, stage: Option<Stage>) -> Boot {
        Boot {
            began: event.began(),
            decision: None,
            mac: None,
            address: None,
            sent: VecDeque::new(),
            event: event.clone(),
            came: stage.unwrap_or(Stage::Firmware),
            place: Place::Dhcp,
            since: event.at,
            file: None,
            end: None,
        }
    }

    /// One of which only a file is known that is on its way: `began` in milliseconds since 1970.
    pub fn of_transfer(event: Arc<Stamped>, began: u64) -> Boot {
        let mut boot = Boot::new(&event, None);
        boot.began = began;
        boot.take(&event);
        (boot.sent, boot.end) = (VecDeque::new(), None);
        boot
    }

    /// See [`super::Live::clock_jumped`].
    pub(super) fn clock_jumped(&mut self, jump: &Jump) {
        let end = self.end.as_mut().map(|(_, at)| at);
        let sent = self.sent.iter_mut().map(|sent| &mut sent.at);
        let own = [&mut self.began, &mut self.since];
        for at in own.into_iter().chain(end).chain(sent) {
            *at = jump.of(*at);
        }
        Arc::make_mut(&mut self.event).at = jump.of(self.event.at);
    }

    /// Takes the boot's next event.
    pub(super) fn take(&mut self, event: &Arc<Stamped>) {
        let stage = stage(&event.event);
        self.came = self.came.max(stage.unwrap_or(self.came));
        match &event.event {
            Event::Dhcp(dhcp) => {
                self.mac = Some(dhcp.mac);
                if dhcp.server.is_some() {
                    self.address = dhcp.address.or(self.address);
                }
                match stage {
                    Some(Stage::Firmware) => self.at(Place::Dhcp, event.at),
                    Some(Stage::Ipxe) => self.at(Place::Ipxe, event.at),
                    Some(Stage::System) => self.at(Place::System, event.at),
                    _ => {}
                }
            }
            Event::Transfer { peer, name, .. } => {
                self.address = Some(peer.ip().to_canonical());
                match stage {
                    Some(Stage::Loader) => self.at(Place::Loader, event.at),
                    Some(Stage::Default) => self.at(Place::Ipxe, event.at),
                    Some(Stage::Images) => {
                        self.at(Place::Files, event.at);
                        self.file = Some(name.clone());
                    }
                    _ => {}
                }
                self.sent(event);
            }
            Event::Script { peer, decision, .. } => {
                self.address = Some(peer.ip().to_canonical());
                self.decided(decision, event.at);
            }
            Event::Phase { to, .. } => match to {
                Word::Installed => self.end = Some((How::Installed, event.at)),
                Word::Failed => self.end = Some((How::Failed, event.at)),
                _ => self.end = None,
            },
            Event::Answer { .. } | Event::Report { .. } => self.at(Place::Installing, event.at),
            _ => {}
        }
        self.event = event.clone();
    }

    fn at(&mut self, place: Place, at: u64) {
        if self.place != place {
            (self.place, self.since) = (place, at);
        }
    }

    fn decided(&mut self, decision: &str, at: u64) {
        let word = decision.split(' ').next().unwrap_or_default();
        let (place, end) = match (word, self.end) {
            ("menu", _) => (Place::Menu, None),
            // It waits because it failed.
            ("hold", Some((How::Failed, since))) => (Place::Waiting, Some((How::Failed, since))),
            ("hold", _) => (Place::Waiting, None),
            // This boot told that it was installed by the one before.
            ("local", Some((How::Installed, _))) => (Place::Script, Some((How::Installed, at))),
            ("local", _) => (Place::Script, Some((How::Local, at))),
            ("deny", _) => (Place::Script, Some((How::Denied, at))),
            _ => (Place::Script, None),
        };
        self.at(place, at);
        self.end = end;
        self.decision = Some(decision.to_owned());
    }

    fn sent(&mut self, event: &Stamped) {
        let Event::Transfer {
            via,
            name,
            bytes,
            size,
            took,
            outcome,
            ..
        } = &event.event
        else {
            return;
        };
        let failed = match outcome {
            Outcome::Probe | Outcome::NotFound => return,
            Outcome::Done | Outcome::Sent => None,
            Outcome::Refused(why) | Outcome::Failed(why) => Some(why.clone()),
        };
        if self.sent.len() >= limits::LIVE_SENT {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            via: *via,
            name: name.clone(),
            bytes: *bytes,
            size: *size,
            seconds: took.as_secs_f64(),
            at: event.at,
            failed,
        });
    }

    /// Two records of one boot, of which one was not known to be this machine's, are one. Of two boots
    /// the later counts.
    pub fn and(self, other: Boot) -> Boot {
        let (before, mut after) = match self.event.seq <= other.event.seq {
            true => (self, other),
            false => (other, self),
        };
        let silence = after.began.saturating_sub(before.event.at);
        if u128::from(silence) <= limits::BOOT_SILENCE.as_millis() {
            after.began = after.began.min(before.began);
            after.mac = after.mac.or(before.mac);
            if after.sent.is_empty() {
                after.sent = before.sent;
            }
        }
        after
    }

    /// Where it is now.
    pub fn now(&self, beside: &Beside) -> Now {
        let files = |name: &str| match (beside.part)(name) {
            Some(Part::Kernel) => Place::Kernel,
            Some(Part::Initrd) => Place::Initrd,
            None => Place::Files,
        };
        if let Some((name, began)) = beside.under_way {
            let place = match super::place_of_file(name) {
                Place::Files => files(name),
                place => place,
            };
            return Now {
                place,
                since: began,
                end: None,
            };
        }
        let installs = beside.phase == Some(Word::Installing);
        let mut now = Now {
            place: self.place,
            since: self.since,
            end: self.end,
        };
        let quiet = self.event.at + limits::STEP_PATIENCE.as_millis() as u64;
        match self.place {
            Place::Files if installs && beside.loaded => {
                now.place = Place::Installing;
                now.since = self.sent.back().map_or(self.since, |sent| sent.at);
            }
            Place::Files => {
                now.place = self.file.as_deref().map_or(Place::Files, files);
                let went = self.sent.back().is_some_and(|sent| sent.failed.is_none());
                if went && !installs && beside.now >= quiet && now.end.is_none() {
                    (now.place, now.end) = (Place::System, Some((How::Started, quiet)));
                }
            }
            Place::System if installs => now.place = Place::Installing,
            Place::System if now.end.is_none() => now.end = Some((How::Started, self.since)),
            _ => {}
        }
        now
    }

    /// Whether people are still shown it.
    pub fn is_shown(&self, now: &Now, beside: &Beside) -> bool {
        let since = |at: u64| u128::from(beside.now.saturating_sub(at));
        if beside.under_way.is_some() {
            return true;
        }
        match (now.end, now.place) {
            (Some((_, at)), _) => since(at) < limits::LIVE_LINGER.as_millis(),
            (None, Place::Installing) => since(self.event.at) < limits::LIVE_INSTALLING.as_millis(),
            (None, _) => since(self.event.at) < limits::LIVE_SILENCE.as_millis(),
        }
    }
}
