//! HTTP clients: one thread, one epoll set. A body is counted, and dropped in the kernel
//! (`MSG_TRUNC`, tcp(7)) unless it is to be compared.

use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrStorage, bind, connect, recv, send, socket,
};

use crate::arguments::{Load, PATIENCE, Until};
use crate::pattern;
use crate::tally::{Sources, Tally};

/// A client that gets no byte for so long has failed.
const WAIT: Duration = Duration::from_secs(5);
/// A client that failed asks again after this time.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the clients' time-outs are looked at, in milliseconds.
const TICK: u16 = 50;
/// Bytes of a body taken with one call.
const PIECE: usize = 1 << 20;
/// Bytes of a head.
const HEAD: usize = 4 << 10;

enum State {
    /// Not before this time.
    Idle,
    /// The connection is being made; then the request is sent.
    Connecting,
    /// What came of the head.
    Head(Vec<u8>),
    /// Bytes of the body that are still to come.
    Body(u64),
}

struct Client {
    source: Option<SocketAddr>,
    connection: Option<TcpStream>,
    state: State,
    deadline: Instant,
    files: u64,
    bytes: u64,
}

struct Clients<'a> {
    load: &'a Load,
    request: Vec<u8>,
    epoll: Epoll,
    clients: Vec<Client>,
    tally: Tally,
    scratch: Vec<u8>,
}

/// Runs one thread's clients.
///
/// # Errors
/// The system gives no epoll set or sockets.
pub fn run(load: &Load, sources: Sources, began: Instant) -> Result<Tally, String> {
    let end = match load.until {
        Until::Time(time) => began + time,
        Until::Each(_) => began + PATIENCE,
    };
    let kept = if load.close { "close" } else { "keep-alive" };
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: {kept}\r\n\r\n",
        load.name, load.server
    );
    let client = |source: Option<std::net::IpAddr>| Client {
        source: source.map(|ip| SocketAddr::new(ip, 0)),
        connection: None,
        state: State::Idle,
        deadline: began,
        files: 0,
        bytes: 0,
    };
    let mut clients = Clients {
        load,
        request: request.into_bytes(),
        epoll: Epoll::new(EpollCreateFlags::empty()).map_err(|error| format!("epoll: {error}"))?,
        clients: sources.into_iter().map(client).collect(),
        tally: Tally::default(),
        scratch: vec![0; PIECE],
    };
    clients.look(began)?;
    let mut events = [EpollEvent::empty(); 64];
    let mut looked = began;
    loop {
        let count = match clients.epoll.wait(&mut events, TICK) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(format!("epoll: {error}")),
        };
        let now = Instant::now();
        if now >= end {
            break;
        }
        for event in &events[..count] {
            let index = event.data() as usize;
            if let Err(why) = clients.hear(index, now) {
                clients.fail(index, why, now);
            }
        }
        if now.duration_since(looked) >= Duration::from_millis(u64::from(TICK)) {
            looked = now;
            if !clients.look(now)? {
                break;
            }
        }
    }
    let mut tally = clients.tally;
    tally.clients = clients.clients.iter().map(|client| client.bytes).collect();
    tally.bytes = tally.clients.iter().sum();
    Ok(tally)
}

/// A connection that is being made.
///
/// # Errors
/// The system gives no socket, or has no way to the server.
pub fn open(server: SocketAddr, source: Option<SocketAddr>) -> nix::Result<OwnedFd> {
    let family = if server.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let made = socket(family, SockType::Stream, flags, None)?;
    if let Some(source) = source {
        bind(made.as_raw_fd(), &SockaddrStorage::from(source))?;
    }
    match connect(made.as_raw_fd(), &SockaddrStorage::from(server)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(made),
        Err(error) => Err(error),
    }
}

impl Clients<'_> {
    fn is_content(&self, index: usize) -> bool {
        matches!(self.load.until, Until::Each(files) if self.clients[index].files >= files)
    }

    fn begin(&mut self, index: usize, now: Instant) -> Result<(), String> {
        let client = &mut self.clients[index];
        let opened = open(self.load.server, client.source);
        let connection = TcpStream::from(opened.map_err(|error| format!("connecting: {error}"))?);
        let event = EpollEvent::new(EpollFlags::EPOLLOUT, index as u64);
        self.epoll
            .add(&connection, event)
            .map_err(|error| format!("epoll: {error}"))?;
        client.connection = Some(connection);
        client.state = State::Connecting;
        client.deadline = now + WAIT;
        Ok(())
    }

    /// Goes on with a client whose connection is ready.
    fn hear(&mut self, index: usize, now: Instant) -> Result<(), String> {
        let client = &mut self.clients[index];
        let Some(connection) = &client.connection else {
            return Ok(());
        };
        client.deadline = now + WAIT;
        match &mut client.state {
            State::Idle => Ok(()),
            State::Connecting => {
                let mut event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
                self.epoll
                    .modify(connection, &mut event)
                    .map_err(|error| format!("epoll: {error}"))?;
                self.ask(index)
            }
            State::Head(head) => {
                let room = &mut self.scratch[..HEAD];
                let count = match recv(connection.as_raw_fd(), room, MsgFlags::empty()) {
                    Ok(0) => return Err("closed before the answer".to_owned()),
                    Ok(count) => count,
                    Err(Errno::EAGAIN) => return Ok(()),
                    Err(error) => return Err(format!("reading the answer: {error}")),
                };
                head.extend_from_slice(&room[..count]);
                let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                    return if head.len() > 4 * HEAD {
                        Err("no end of head".to_owned())
                    } else {
                        Ok(())
                    };
                };
                let length = content_length(&head[..end])?;
                let body = head.split_off(end + 4);
                if length != self.load.bytes {
                    return Err(format!("Content-Length {length}, not {}", self.load.bytes));
                }
                client.state = State::Body(length);
                self.take(index, &body, body.len(), now)
            }
            State::Body(left) => {
                let most = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
                let room = &mut self.scratch[..most];
                let flags = if self.load.verify {
                    MsgFlags::empty()
                } else {
                    MsgFlags::MSG_TRUNC
                };
                match recv(connection.as_raw_fd(), room, flags) {
                    Ok(0) => Err(format!("closed with {left} bytes to come")),
                    Ok(count) if self.load.verify => {
                        let body = self.scratch[..count].to_vec();
                        self.take(index, &body, count, now)
                    }
                    Ok(count) => self.take(index, &[], count, now),
                    Err(Errno::EAGAIN) => Ok(()),
                    Err(error) => Err(format!("reading the body: {error}")),
                }
            }
        }
    }

    fn ask(&mut self, index: usize) -> Result<(), String> {
        let client = &mut self.clients[index];
        let Some(connection) = &client.connection else {
            return Ok(());
        };
        client.state = State::Head(Vec::new());
        match send(
            connection.as_raw_fd(),
            &self.request,
            MsgFlags::MSG_NOSIGNAL,
        ) {
            Ok(count) if count == self.request.len() => Ok(()),
            Ok(_) => Err("the request did not fit".to_owned()),
            Err(error) => Err(format!("asking: {error}")),
        }
    }

    /// Takes a part of the body: `count` bytes, of which `bytes` are to be compared.
    fn take(
        &mut self,
        index: usize,
        bytes: &[u8],
        count: usize,
        now: Instant,
    ) -> Result<(), String> {
        let client = &mut self.clients[index];
        let State::Body(left) = &mut client.state else {
            return Ok(());
        };
        if !pattern::matches(self.load.bytes - *left, bytes) {
            return Err(format!("wrong bytes with {left} to come"));
        }
        *left -= count as u64;
        client.bytes += count as u64;
        if *left > 0 {
            return Ok(());
        }
        client.files += 1;
        self.tally.transfers += 1;
        if !self.load.close && !self.is_content(index) {
            return self.ask(index);
        }
        let client = &mut self.clients[index];
        client.connection = None;
        client.state = State::Idle;
        if self.is_content(index) {
            Ok(())
        } else {
            self.begin(index, now)
        }
    }

    fn fail(&mut self, index: usize, why: String, now: Instant) {
        if why == TURNED_AWAY {
            self.tally.repeats += 1;
        } else {
            self.tally.fail(why);
        }
        let client = &mut self.clients[index];
        client.connection = None;
        client.state = State::Idle;
        client.deadline = now + PAUSE;
    }

    /// Starts those that wait, ends those that wait too long; false when all have what they want.
    fn look(&mut self, now: Instant) -> Result<bool, String> {
        let mut wanting = false;
        for index in 0..self.clients.len() {
            if self.is_content(index) {
                continue;
            }
            wanting = true;
            if self.clients[index].deadline > now {
                continue;
            }
            if self.clients[index].connection.is_some() {
                self.fail(index, "no byte came".to_owned(), now);
            } else {
                self.begin(index, now)?;
            }
        }
        Ok(wanting)
    }
}

const TURNED_AWAY: &str = "turned away with 503";

fn content_length(head: &[u8]) -> Result<u64, String> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status.starts_with("HTTP/1.1 503") {
        return Err(TURNED_AWAY.to_owned());
    }
    if !status.starts_with("HTTP/1.1 200") {
        return Err(format!("answered {status}"));
    }
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| "no Content-Length".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_answer_with_its_length_counts() {
        let head = b"HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:  17";
        assert_eq!(content_length(head), Ok(17));
        for wrong in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked",
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 17",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 17",
            "",
        ] {
            assert!(content_length(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_full_server_is_told_from_a_broken_one() {
        let head = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0";
        assert_eq!(content_length(head), Err(TURNED_AWAY.to_owned()));
    }
}
