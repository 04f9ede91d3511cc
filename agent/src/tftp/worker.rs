//! Moves datagrams: one thread with its own set of sockets. Every worker hears the listening
//! sockets; the one that reads a request keeps the transfer to its end.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::boot::Request;
use crate::event::{Event, Outcome, Via};
use crate::limits;
use crate::sys::poll::Poller;
use crate::sys::udp;
use crate::tftp::file::{self, Bytes, Found};
use crate::tftp::listener::{Heard, Listener, Way, contains};
use crate::tftp::packet::{self, Packet, Read};
use crate::tftp::places::Place;
use crate::tftp::server::Shared;
use crate::tftp::transfer::{Bounds, Step, Transfer};

/// How often waiting transfers are looked at. Time-outs are seconds, so this is fine enough, and
/// while nothing is transferred nobody wakes up.
const TICK: Duration = Duration::from_millis(100);

/// The token of the socket that says that something outside changed.
const WAKE: u64 = u64::MAX;

/// Where transfers' tokens begin, behind those of the listeners.
const FIRST: u64 = 1 << 16;

/// Datagrams read from a listener before transfers get their turn again.
const REQUESTS_AT_A_TIME: usize = 16;

/// One transfer with its socket.
struct Active {
    transfer: Transfer,
    bytes: Bytes,
    way: Way,
    peer: SocketAddr,
    name: String,
    size: u64,
    began: Instant,
    /// Gives the place back when the transfer ends.
    _place: Place,
}

/// A worker's own state.
pub struct Worker {
    shared: Arc<Shared>,
    poller: Poller,
    wake: UnixStream,
    heard: Heard,
    active: HashMap<u64, Active>,
    /// Single-port mode: which transfer a peer's datagrams belong to.
    peers: HashMap<SocketAddr, u64>,
    next: u64,
    scratch: Vec<u8>,
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
            active: HashMap::new(),
            peers: HashMap::new(),
            next: FIRST,
            scratch: Vec::new(),
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
                |active| matches!(&active.way, Way::Listener(way) if Arc::ptr_eq(way, listener)),
            )
        });
    }

    /// Serves until the server is stopped.
    pub fn run(mut self) {
        let mut ready = Vec::new();
        let mut swept = Instant::now();
        while !self.shared.is_stopped() {
            let timeout = (!self.active.is_empty()).then_some(TICK);
            if let Err(error) = self.poller.wait(timeout, &mut ready) {
                log::error!("TFTP: waiting for datagrams: {error}");
                return;
            }
            let now = Instant::now();
            for token in ready.drain(..) {
                if token == WAKE {
                    self.woken();
                } else if token < FIRST {
                    self.hear(token, now);
                } else {
                    self.hear_transfer(token, now);
                }
            }
            if now.duration_since(swept) >= TICK {
                swept = now;
                self.sweep(now);
            }
        }
        for token in self.active.keys().copied().collect::<Vec<_>>() {
            self.end(token, Outcome::Failed("the agent stopped".to_owned()));
        }
    }

    fn woken(&mut self) {
        let _ = self.wake.read(&mut [0; 16]);
        if let Err(error) = self.listen() {
            log::error!("TFTP: taking in a new address: {error}");
        }
    }

    /// Sends again what was not answered in time.
    fn sweep(&mut self, now: Instant) {
        let late: Vec<u64> = self
            .active
            .iter()
            .filter(|(_, active)| active.transfer.deadline() <= now)
            .map(|(token, _)| *token)
            .collect();
        for token in late {
            if let Some(active) = self.active.get_mut(&token) {
                let step = active.transfer.on_time(now);
                self.take(token, step);
            }
        }
    }

    fn hear(&mut self, token: u64, now: Instant) {
        let mut buffer = [0; limits::TFTP_REQUEST_BYTES];
        let Some(listener) = &self.heard.get(token) else {
            return;
        };
        let is_wanted = contains(self.shared.listeners().iter(), listener);
        for _ in 0..REQUESTS_AT_A_TIME {
            let received = listener.socket.recv_from(&mut buffer);
            let Ok((length, peer)) = received else {
                // Nothing more, another worker was faster, or an ICMP error of an earlier answer.
                return;
            };
            let packet = packet::parse(&buffer[..length]);
            match packet {
                Some(Packet::Read(_) | Packet::Write) if !is_wanted => {}
                Some(Packet::Read(read)) => self.request(listener, peer, &read, now),
                Some(Packet::Write) => {
                    self.refuse(listener, peer, packet::ACCESS, "read-only: no uploads");
                }
                Some(other) => match self.peers.get(&peer).copied() {
                    Some(token) => self.answer(token, &other, now),
                    // An error is never answered with an error (RFC 1350 section 2).
                    None if matches!(other, Packet::Error(..)) => {}
                    None => self.refuse(listener, peer, packet::UNKNOWN_ID, "no such transfer"),
                },
                None => {}
            }
        }
    }

    fn hear_transfer(&mut self, token: u64, now: Instant) {
        let mut buffer = [0; limits::TFTP_REQUEST_BYTES];
        let Some(active) = self.active.get(&token) else {
            return;
        };
        let socket = active.way.socket();
        match socket.recv_from(&mut buffer) {
            Ok((_, from)) if from != active.peer => {
                // RFC 1350 section 4: it does not disturb the transfer.
                let answer = packet::error(packet::UNKNOWN_ID, "this is another client's transfer");
                let _ = socket.send_to(&answer, from);
            }
            Ok((length, _)) => {
                if let Some(packet) = packet::parse(&buffer[..length]) {
                    self.answer(token, &packet, now);
                }
            }
            Err(_) => {}
        }
    }

    fn answer(&mut self, token: u64, packet: &Packet, now: Instant) {
        let Some(active) = self.active.get_mut(&token) else {
            return;
        };
        match packet {
            Packet::Ack(number) => {
                let step = active.transfer.on_ack(*number, now);
                self.take(token, step);
            }
            Packet::Error(code, text) => {
                // UEFI asks for the size, has the OACK, and ends with code 8 (some with 0) before
                // it asks for the file in earnest (boot-facts 4.5).
                let outcome = if active.transfer.is_negotiating() {
                    Outcome::Probe
                } else {
                    let text = String::from_utf8_lossy(text).escape_default().to_string();
                    Outcome::Failed(format!("the client stopped with error {code}: {text}"))
                };
                self.end(token, outcome);
            }
            _ => {}
        }
    }

    fn refuse(&self, listener: &Listener, peer: SocketAddr, code: u16, text: &str) {
        let _ = listener.socket.send_to(&packet::error(code, text), peer);
    }

    fn request(&mut self, listener: &Arc<Listener>, peer: SocketAddr, read: &Read, now: Instant) {
        let wire = String::from_utf8_lossy(&read.name[..read.name.len().min(limits::NAME_BYTES)])
            .escape_default()
            .to_string();
        let event = |outcome| Event::Transfer {
            via: Via::Tftp,
            peer,
            name: wire.clone(),
            bytes: 0,
            size: None,
            took: Duration::ZERO,
            repeats: 0,
            outcome,
        };
        if !read.mode.eq_ignore_ascii_case(b"octet") {
            let mode = String::from_utf8_lossy(&read.mode[..read.mode.len().min(16)]);
            let text = format!("only octet mode is served, not {}", mode.escape_default());
            self.refuse(listener, peer, packet::UNDEFINED, &text);
            self.shared.sink.event(event(Outcome::Refused(text)));
            return;
        }
        let place = match self.shared.places.take(peer, self.shared.limits()) {
            Ok(place) => place,
            // The client repeats a request whose answer is on its way.
            Err(None) => return,
            Err(Some(why)) => {
                self.refuse(
                    listener,
                    peer,
                    packet::UNDEFINED,
                    &format!("busy: {why}; try again"),
                );
                self.shared.sink.event(event(Outcome::Refused(why)));
                return;
            }
        };
        let local = listener.address;
        let request = Request {
            via: Via::Tftp,
            peer,
            local: local.ip(),
        };
        let (name, bytes, size) = match file::find(&*self.shared.gate, read.name, &request) {
            Found::File { name, bytes, size } => (name, bytes, size),
            Found::Nothing => {
                let text = format!("file not found: {wire}");
                self.refuse(listener, peer, packet::NOT_FOUND, &text);
                self.shared.sink.event(event(Outcome::NotFound));
                return;
            }
            Found::Refused(why) => {
                self.refuse(listener, peer, packet::ACCESS, &why);
                self.shared.sink.event(event(Outcome::Refused(why)));
                return;
            }
        };
        let way = if self.shared.single_port {
            Way::Listener(listener.clone())
        } else {
            match self.own_socket(local.ip()) {
                Ok(socket) => Way::Own(socket),
                Err(error) => {
                    let text = format!("no socket for the transfer: {error}");
                    self.refuse(listener, peer, packet::UNDEFINED, "busy: try again");
                    self.shared.sink.event(event(Outcome::Refused(text)));
                    return;
                }
            }
        };
        let limits = self.shared.limits();
        let block_size = match (limits.block_size, read.options.block_size) {
            (Some(block_size), _) => block_size,
            (None, None | Some(0..=512)) => 512,
            // Four bytes of the payload are TFTP's own.
            (None, Some(_)) => udp::payload_without_fragments(local, peer) - 4,
        };
        let bounds = Bounds {
            block_size,
            window: limits.window,
            timeout: limits.timeout,
        };
        let (transfer, step) = Transfer::start(size, read.options, bounds, now);
        let token = self.next;
        self.next += 1;
        match &way {
            Way::Own(socket) => {
                if let Err(error) = self.poller.add(socket, token) {
                    log::error!("TFTP: taking in a transfer: {error}");
                    return;
                }
            }
            Way::Listener(_) => {
                self.peers.insert(peer, token);
            }
        }
        let active = Active {
            transfer,
            bytes,
            way,
            peer,
            name,
            size,
            began: now,
            _place: place,
        };
        self.active.insert(token, active);
        self.take(token, step);
    }

    fn own_socket(&self, local: IpAddr) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind(SocketAddr::new(local, 0))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Does what the transfer says.
    fn take(&mut self, token: u64, step: Step) {
        let Some(active) = self.active.get_mut(&token) else {
            return;
        };
        let socket = active.way.socket();
        let sent = match step {
            Step::Wait => return,
            Step::Done => return self.end(token, Outcome::Done),
            Step::Vanished => {
                return self.end(
                    token,
                    Outcome::Failed("the client does not answer".to_owned()),
                );
            }
            Step::OptionAck => {
                let packet = packet::option_ack(&active.transfer.options());
                socket.send_to(&packet, active.peer).map(|_| ())
            }
            Step::Blocks(blocks) => {
                self.scratch.clear();
                let window = active.transfer.window_bytes();
                let mut read = Ok(());
                for block in blocks {
                    self.scratch.extend(packet::data_head(block));
                    match active.bytes.get(active.transfer.bytes_of(block), window) {
                        Ok(bytes) => self.scratch.extend_from_slice(bytes),
                        Err(error) => {
                            read = Err(error);
                            break;
                        }
                    }
                }
                if let Err(error) = read {
                    let text = packet::error(packet::UNDEFINED, "the file cannot be read");
                    let _ = socket.send_to(&text, active.peer);
                    return self.end(token, Outcome::Failed(format!("reading the file: {error}")));
                }
                let segment = active.transfer.block_size() + 4;
                udp::send_segments(socket, &self.scratch, segment, active.peer)
            }
        };
        match sent {
            Ok(()) => {}
            // A full queue is a lost packet: the time-out brings it again.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::WouldBlock)
                    || error.raw_os_error() == Some(libc::ENOBUFS) => {}
            Err(error) => self.end(token, Outcome::Failed(format!("sending: {error}"))),
        }
    }

    fn end(&mut self, token: u64, outcome: Outcome) {
        let Some(active) = self.active.remove(&token) else {
            return;
        };
        match &active.way {
            Way::Own(socket) => {
                let _ = self.poller.remove(socket.as_fd());
            }
            Way::Listener(_) => {
                self.peers.remove(&active.peer);
                let wanted = self.shared.listeners();
                if self.heard.len() > wanted.len() {
                    self.leave(&wanted);
                }
            }
        }
        let bytes = active.transfer.acknowledged();
        self.shared.count(bytes, active.transfer.repeats());
        self.shared.sink.event(Event::Transfer {
            via: Via::Tftp,
            peer: active.peer,
            name: active.name,
            bytes,
            size: Some(active.size),
            took: active.began.elapsed(),
            repeats: active.transfer.repeats(),
            outcome,
        });
    }
}
