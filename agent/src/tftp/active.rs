//! One transfer with its sockets.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use crate::config;
use crate::event::{Event, Outcome, Via};
use crate::limits;
use crate::sys::udp::burst::Burst;
use crate::sys::udp::{self, wildcard};
use crate::tftp::blocks::Blocks;
use crate::tftp::listener::Listener;
use crate::tftp::options::{Bounds, Options, Terms};
use crate::tftp::packet::{self, Packet};
use crate::tftp::places::Place;
use crate::tftp::request::{Granted, shown};
use crate::tftp::transfer::{Ending, Step, Transfer};

/// What a transfer's datagrams go over.
pub enum Link {
    /// Its own port: one socket that hears the client only, one that hears all others.
    Own {
        /// The client's.
        socket: UdpSocket,
        /// All others'.
        others: UdpSocket,
        /// How windows go out.
        burst: Burst,
    },
    /// The listening socket (single-port mode), which stays open as long as it is needed.
    Listener(Arc<Listener>),
}

/// One transfer with its sockets.
pub struct Active {
    /// The protocol.
    pub transfer: Transfer,
    /// What it goes over.
    pub link: Link,
    /// The time for which it stands in the timers.
    pub timer: Instant,
    place: Place,
    blocks: Blocks,
    name: String,
    began: Instant,
}

impl Active {
    /// Opens what a granted request needs; the step says what to send first.
    ///
    /// # Errors
    /// The system gives no socket, or has no way to the client.
    pub fn begin(
        granted: Granted,
        asked: &Options,
        limits: &config::Tftp,
        place: Place,
        listener: Option<Arc<Listener>>,
        now: Instant,
    ) -> io::Result<(Active, Step)> {
        let (peer, local) = place.key();
        let local = port_of(local, peer);
        let mut link = match listener {
            Some(listener) => Link::Listener(listener),
            None => {
                let (socket, others) = udp::pair(local, peer, limits::TFTP_ALONE.0)?;
                let burst = Burst::Single;
                Link::Own {
                    socket,
                    others,
                    burst,
                }
            }
        };
        let block_size = match (limits.block_size, asked.block_size) {
            (Some(block_size), _) => block_size,
            (None, None | Some(0..=512)) => 512,
            (None, Some(_)) => match &link {
                Link::Own { socket, .. } => unfragmented(socket, peer),
                Link::Listener(_) => {
                    let probe = UdpSocket::bind(local)?;
                    probe.connect(peer)?;
                    unfragmented(&probe, peer)
                }
            },
        };
        let bounds = Bounds {
            block_size,
            window: limits.window,
            timeout: limits.timeout,
        };
        let terms = Terms::agree(asked, &bounds, granted.size);
        let blocks = Blocks::new(granted.source, granted.size, &terms);
        if let Link::Own { socket, burst, .. } = &mut link
            && terms.window > 1
        {
            *burst = Burst::prepare(socket, blocks.stride());
        }
        place.claim().sends(&granted.name, granted.size);
        let (transfer, step) = Transfer::start(granted.size, terms, now);
        let active = Active {
            timer: transfer.deadline(),
            transfer,
            link,
            place,
            blocks,
            name: granted.name,
            began: now,
        };
        Ok((active, step))
    }

    /// Who gets it, and the address of ours that was asked.
    pub fn key(&self) -> (SocketAddr, IpAddr) {
        self.place.key()
    }

    /// Takes what the client sent and answers it; `Some`: the transfer is over.
    pub fn hear(&mut self, packet: &Packet, now: Instant) -> Option<Outcome> {
        let step = self.transfer.on_packet(packet, now);
        if self.transfer.progressed() == Some(now) {
            self.place
                .claim()
                .progress(self.transfer.acknowledged(), now);
        }
        self.act(step, now)
    }

    /// Does what is due at this time; `Some`: the transfer is over.
    pub fn wake(&mut self, now: Instant) -> Option<Outcome> {
        if self.place.claim().is_superseded() {
            let why = "the client began anew from the same port";
            return Some(Outcome::Failed(why.to_owned()));
        }
        let step = self.transfer.on_time(now);
        self.act(step, now)
    }

    /// Does what the protocol says; `Some`: the transfer is over.
    pub fn act(&mut self, step: Step, now: Instant) -> Option<Outcome> {
        let sent = match step {
            Step::Wait => return None,
            Step::End(ending) => return Some(outcome(ending)),
            Step::Options => {
                let answer = self.transfer.terms().answer.as_deref();
                let answer = answer.unwrap_or_default();
                transmit(&mut self.link, self.place.key(), answer, None)
            }
            Step::Blocks(blocks) => {
                let stride = Some(self.blocks.stride());
                match self.blocks.packets(blocks) {
                    Ok(packets) => transmit(&mut self.link, self.place.key(), packets, stride),
                    Err(error) => {
                        self.tell("the file cannot be read");
                        return Some(Outcome::Failed(format!("reading the file: {error}")));
                    }
                }
            }
        };
        let error = sent.err()?;
        if error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
        {
            self.transfer.on_full_queue(now);
            return None;
        }
        Some(broken(&error))
    }

    /// Tells the client why the transfer ends.
    pub fn tell(&mut self, why: &str) {
        let packet = packet::error(packet::UNDEFINED, why);
        let _ = transmit(&mut self.link, self.place.key(), &packet, None);
    }

    /// What happened, once it is over. It gives its place back when it is dropped, which is to be after that
    /// is told: whoever looks at what is under way, and then at events, misses no transfer.
    pub fn report(&self, outcome: Outcome, now: Instant) -> Event {
        Event::Transfer {
            via: Via::Tftp,
            peer: self.place.key().0,
            name: self.name.clone(),
            bytes: self.transfer.acknowledged(),
            size: Some(self.transfer.size()),
            took: now.saturating_duration_since(self.began),
            repeats: self.transfer.repeats(),
            outcome,
        }
    }
}

/// What a failed send or receive means. A datagram that found a closed port is reported with the
/// next call.
pub fn broken(error: &io::Error) -> Outcome {
    Outcome::Failed(match error.kind() {
        io::ErrorKind::ConnectionRefused => "the client closed its port".to_owned(),
        _ => format!("sending to the client: {error}"),
    })
}

fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Done => Outcome::Done,
        Ending::Probe => Outcome::Probe,
        Ending::Stopped(code, text) => Outcome::Failed(format!(
            "the client stopped with error {code}: {}",
            shown(text.as_bytes())
        )),
        Ending::Vanished => Outcome::Failed("the client does not answer".to_owned()),
    }
}

/// A free port of our address. A link-local one needs the interface that the client is on.
fn port_of(local: IpAddr, peer: SocketAddr) -> SocketAddr {
    match (local, peer) {
        (IpAddr::V6(local), SocketAddr::V6(peer)) if local.is_unicast_link_local() => {
            SocketAddrV6::new(local, 0, 0, peer.scope_id()).into()
        }
        _ => SocketAddr::new(local, 0),
    }
}

fn unfragmented(connected: &UdpSocket, peer: SocketAddr) -> u16 {
    udp::payload_without_fragments(connected, peer.is_ipv6()) - packet::HEAD
}

/// Sends a packet, or with a `stride` several of that size.
fn transmit(
    link: &mut Link,
    (peer, local): (SocketAddr, IpAddr),
    packets: &[u8],
    stride: Option<u16>,
) -> io::Result<()> {
    let stride = stride.filter(|stride| packets.len() > usize::from(*stride));
    match link {
        Link::Own { socket, burst, .. } => match stride {
            Some(stride) => burst.send(socket, packets, stride),
            None => udp::transmit(socket, packets),
        },
        Link::Listener(listener) => {
            let (socket, address) = (&listener.socket, listener.address);
            for packet in packets.chunks(stride.map_or(packets.len().max(1), usize::from)) {
                wildcard::send(socket, address.ip(), local, peer, packet)?;
            }
            Ok(())
        }
    }
}
