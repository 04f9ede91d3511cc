//! Moves datagrams: one thread with its own set of sockets. Every worker hears the listening
//! sockets; the one that reads a request keeps the transfer to its end.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::boot::Request;
use crate::event::{Event, Outcome, Via};
use crate::limits;
use crate::sys::poll::Poller;
use crate::sys::udp::{self, wildcard};
use crate::tftp::active::{Active, Link, broken};
use crate::tftp::listener::{Heard, Listener, contains};
use crate::tftp::packet::{self, Packet, Read};
use crate::tftp::places::Key;
use crate::tftp::request::{Refusal, check_mode, grant, shown};
use crate::tftp::server::Shared;
use crate::tftp::timers::Timers;

/// The token of the socket that says that something outside changed.
const WAKE: u64 = u64::MAX;
/// Where transfers' tokens begin, behind those of the listeners.
const FIRST: u64 = 1 << 16;
/// This bit in a transfer's token means its socket for foreign datagrams.
const OTHERS: u64 = 1 << 63;

/// The bytes of a datagram; one more than counts, so that a longer one is known.
type Buffer = [u8; limits::TFTP_REQUEST_BYTES + 1];

/// A worker's own state.
pub struct Worker {
    shared: Arc<Shared>,
    poller: Poller,
    wake: UnixStream,
    heard: Heard,
    timers: Timers,
    active: HashMap<u64, Active>,
    /// Single-port mode: which transfer a client's datagrams belong to.
    peers: HashMap<Key, u64>,
    next: u64,
    /// The transfer that acknowledged a block last.
    brisk: Option<u64>,
}

impl Worker {
    /// Prepares a worker. A byte on `wake` says that something outside changed.
    ///
    /// # Errors
    /// The system has no descriptors left.
    pub fn new(shared: Arc<Shared>, wake: UnixStream) -> io::Result<Worker> {
        wake.set_nonblocking(true)?;
        let poller = Poller::new()?;
        poller.add(&wake, WAKE)?;
        let mut worker = Worker {
            shared,
            poller,
            wake,
            heard: Heard::default(),
            timers: Timers::default(),
            active: HashMap::new(),
            peers: HashMap::new(),
            next: FIRST,
            brisk: None,
        };
        worker.listen()?;
        Ok(worker)
    }

    /// Hears the listeners that are wanted now, and no others.
    fn listen(&mut self) -> io::Result<()> {
        let wanted = self.shared.listeners();
        self.heard.join(&wanted, &self.poller, FIRST)?;
        self.leave(&wanted);
        Ok(())
    }

    fn leave(&mut self, wanted: &[Arc<Listener>]) {
        let active = &self.active;
        self.heard.leave(wanted, &self.poller, |listener| {
            active.values().any(
                |active| matches!(&active.link, Link::Listener(link) if Arc::ptr_eq(link, listener)),
            )
        });
    }

    fn woken(&mut self) {
        let _ = self.wake.read(&mut [0; 16]);
        if let Err(error) = self.listen() {
            log::error!("TFTP: taking in a new address: {error}");
        }
    }

    /// Serves until the server is stopped.
    pub fn run(mut self) {
        let mut ready = Vec::new();
        while !self.shared.is_stopped() {
            let busy = self.serve_alone();
            let now = Instant::now();
            let due = self.timers.next();
            let wait = due.map(|due| due.saturating_duration_since(now));
            let wait = if busy { Some(Duration::ZERO) } else { wait };
            if let Err(error) = self.poller.wait(wait, &mut ready) {
                log::error!("TFTP: waiting for datagrams: {error}");
                break;
            }
            let now = Instant::now();
            for token in ready.drain(..) {
                match token {
                    WAKE => self.woken(),
                    listener if listener < FIRST => self.hear_listener(listener, now),
                    others if others & OTHERS != 0 => self.hear_others(others & !OTHERS),
                    transfer => {
                        self.hear_transfer(transfer, now, false);
                    }
                }
            }
            self.wake(now);
        }
        let now = Instant::now();
        for token in self.active.keys().copied().collect::<Vec<_>>() {
            if let Some(active) = self.active.get_mut(&token) {
                active.tell("the server stops, ask again");
            }
            self.end(token, Outcome::Failed("the agent stopped".to_owned()), now);
        }
    }

    /// While there is one transfer only, blocks on its socket; whether there is more to come.
    fn serve_alone(&mut self) -> bool {
        let Some(token) = self.brisk.filter(|_| self.active.len() == 1) else {
            return false;
        };
        for _ in 0..limits::TFTP_ALONE.1 {
            if !self.hear_transfer(token, Instant::now(), true) {
                self.brisk = None;
                return false;
            }
        }
        true
    }

    /// Reads a transfer's datagram; whether there was one.
    fn hear_transfer(&mut self, token: u64, now: Instant, wait: bool) -> bool {
        let mut buffer: Buffer = [0; limits::TFTP_REQUEST_BYTES + 1];
        let Some(active) = self.active.get_mut(&token) else {
            return false;
        };
        let Link::Own { socket, .. } = &active.link else {
            return false;
        };
        let length = match udp::receive(socket, &mut buffer, wait) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.end(token, broken(&error), now);
                return false;
            }
            // Nothing there, or an error of the path that may pass.
            Err(_) => return false,
        };
        let now = if wait { Instant::now() } else { now };
        if let Some(packet) = packet::parse(&buffer[..length]) {
            self.brisk = Some(token);
            let over = active.hear(&packet, now);
            self.settle(token, over, now);
        }
        true
    }

    /// Answers who sends to another client's port (RFC 1350 section 4: error 5, and the transfer
    /// goes on).
    fn hear_others(&mut self, token: u64) {
        let mut buffer: Buffer = [0; limits::TFTP_REQUEST_BYTES + 1];
        let Some(Link::Own { others, .. }) = self.active.get(&token).map(|active| &active.link)
        else {
            return;
        };
        if let Ok((length, from)) = others.recv_from(&mut buffer)
            && !matches!(
                packet::parse(&buffer[..length]),
                None | Some(Packet::Error(..))
            )
        {
            let answer = packet::error(packet::UNKNOWN_ID, "this is another client's transfer");
            let _ = others.send_to(&answer, from);
        }
    }

    fn hear_listener(&mut self, token: u64, now: Instant) {
        let mut buffer: Buffer = [0; limits::TFTP_REQUEST_BYTES + 1];
        let Some(listener) = &self.heard.get(token) else {
            return;
        };
        let is_wanted = contains(self.shared.listeners().iter(), listener);
        for _ in 0..limits::TFTP_REQUESTS_AT_ONCE {
            let received = wildcard::receive(&listener.socket, listener.address.ip(), &mut buffer);
            // Nothing more, another worker was faster, or an ICMP error of an earlier answer.
            let Ok(received) = received else { return };
            let asked = Asked {
                listener,
                key: (received.peer, received.to),
                datagram: &buffer[..received.length],
            };
            match packet::parse(asked.datagram) {
                Some(Packet::Read(_) | Packet::Write(_)) if !is_wanted => {}
                Some(Packet::Read(read)) => {
                    if let Err(refusal) = self.read(&asked, &read, now) {
                        self.refuse(&asked, refusal, read.name);
                    }
                }
                Some(Packet::Write(name)) => self.refuse(&asked, Refusal::upload(), name),
                Some(Packet::Malformed) => {
                    self.answer(&asked, packet::ILLEGAL, "malformed request")
                }
                Some(packet) => match self.peers.get(&asked.key).copied() {
                    Some(token) => {
                        if let Some(active) = self.active.get_mut(&token) {
                            let over = active.hear(&packet, now);
                            self.settle(token, over, now);
                        }
                    }
                    // An error is never answered with an error (RFC 1350 section 2).
                    None if matches!(packet, Packet::Error(..)) => {}
                    None => self.answer(&asked, packet::UNKNOWN_ID, "no such transfer"),
                },
                None => {}
            }
        }
    }

    fn read(&mut self, asked: &Asked, read: &Read, now: Instant) -> Result<(), Refusal> {
        let shared = self.shared.clone();
        check_mode(read)?;
        let limits = shared.limits();
        let bounds = (limits.transfers, limits.transfers_per_address);
        let place = match shared.places.take(asked.key, asked.datagram, bounds, now) {
            Ok(place) => place,
            Err(why) => return Refusal::no_place(&why).map_or(Ok(()), Err),
        };
        let (peer, local) = asked.key;
        let request = Request {
            via: Via::Tftp,
            peer,
            local,
        };
        let granted = grant(shared.gate.as_ref(), read, &request)?;
        let listener = shared.single_port.then(|| asked.listener.clone());
        let (active, step) = Active::begin(granted, &read.options, &limits, place, listener, now)
            .map_err(|error| Refusal::exhausted(&error))?;
        let token = self.next;
        self.next += 1;
        match &active.link {
            Link::Own { socket, others, .. } => {
                let watched = self.poller.add(socket, token);
                watched
                    .and_then(|()| self.poller.add(others, token | OTHERS))
                    .map_err(|error| Refusal::exhausted(&error))?;
            }
            Link::Listener(_) => {
                self.peers.insert(asked.key, token);
            }
        }
        self.timers.set(active.timer, token);
        let active = self.active.entry(token).insert_entry(active).into_mut();
        let over = active.act(step, now);
        self.settle(token, over, now);
        Ok(())
    }

    /// Does what is due.
    fn wake(&mut self, now: Instant) {
        while let Some((at, token)) = self.timers.due(now) {
            let Some(active) = self.active.get_mut(&token) else {
                continue;
            };
            if active.timer == at {
                let over = active.wake(now);
                active.timer = active.transfer.deadline();
                self.timers.set(active.timer, token);
                self.settle(token, over, now);
            }
        }
    }

    /// After a transfer did something: ends it if it is over, else makes sure that it is looked at
    /// in time.
    fn settle(&mut self, token: u64, over: Option<Outcome>, now: Instant) {
        if let Some(outcome) = over {
            self.end(token, outcome, now);
        } else if let Some(active) = self.active.get_mut(&token)
            && active.transfer.deadline() < active.timer
        {
            active.timer = active.transfer.deadline();
            self.timers.set(active.timer, token);
        }
    }

    fn end(&mut self, token: u64, outcome: Outcome, now: Instant) {
        let Some(active) = self.active.remove(&token) else {
            return;
        };
        if self.peers.get(&active.key()) == Some(&token) {
            self.peers.remove(&active.key());
        }
        if self.brisk == Some(token) {
            self.brisk = None;
        }
        if matches!(active.link, Link::Listener(_)) {
            let wanted = self.shared.listeners();
            if self.heard.len() > wanted.len() {
                self.leave(&wanted);
            }
        }
        let transfer = &active.transfer;
        self.shared
            .count(transfer.acknowledged(), transfer.repeats());
        self.shared.sink.event(active.report(outcome, now));
    }

    fn refuse(&self, asked: &Asked, refusal: Refusal, name: &[u8]) {
        self.answer(asked, refusal.code, &refusal.text);
        self.shared.sink.event(Event::Transfer {
            via: Via::Tftp,
            peer: asked.key.0,
            name: shown(name),
            bytes: 0,
            size: None,
            took: Duration::ZERO,
            repeats: 0,
            outcome: refusal.outcome,
        });
    }

    fn answer(&self, asked: &Asked, code: u16, text: &str) {
        let listener = asked.listener;
        let (peer, local): (SocketAddr, IpAddr) = asked.key;
        let socket: &UdpSocket = &listener.socket;
        let packet = packet::error(code, text);
        let _ = wildcard::send(socket, listener.address.ip(), local, peer, &packet);
    }
}

/// A datagram at a listening socket.
struct Asked<'a> {
    listener: &'a Arc<Listener>,
    key: Key,
    datagram: &'a [u8],
}
