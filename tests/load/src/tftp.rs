//! TFTP clients: one thread, one epoll set, a socket for each download as real clients have.

use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, MultiHeaders, recv, recvmmsg};

use crate::arguments::{Load, PATIENCE, Until};
use crate::download::{Download, Step};
use crate::tally::{Sources, Tally};

/// A client says its last word again when nothing came for so long.
const WAIT: Duration = Duration::from_secs(1);
/// A client gives up when its word went unanswered so often.
const SENDS: u8 = 6;
/// How often the clients' time-outs are looked at, in milliseconds.
const TICK: u16 = 50;
/// A client that failed asks again after this time.
const PAUSE: Duration = Duration::from_millis(100);
/// Datagrams read with one call, where a window has several.
const BATCH: usize = 32;
/// Bytes of a datagram that are looked at; an OACK fits. The kernel drops the others uncopied.
const HEAD: usize = 128;
/// With `--verify` all are.
const WHOLE: usize = 65_536;

struct Client {
    source: Option<IpAddr>,
    /// None: nothing is under way.
    socket: Option<UdpSocket>,
    connected: bool,
    download: Download,
    deadline: Instant,
    sends: u8,
    files: u64,
    bytes: u64,
}

struct Clients<'a> {
    load: &'a Load,
    epoll: Epoll,
    clients: Vec<Client>,
    tally: Tally,
    headers: MultiHeaders<()>,
    scratch: Vec<u8>,
    /// Lengths of the datagrams in `scratch`.
    lengths: Vec<usize>,
}

/// Runs one thread's clients.
///
/// # Errors
/// The system gives no epoll set or sockets.
pub fn run(load: &Load, sources: Sources, began: Instant) -> Result<Tally, String> {
    let epoll = Epoll::new(EpollCreateFlags::empty()).map_err(|error| format!("epoll: {error}"))?;
    let clients = sources
        .into_iter()
        .map(|source| Client {
            source,
            socket: None,
            connected: false,
            download: Download::ask(&load.name, load.block_size, load.window),
            deadline: began,
            sends: 0,
            files: 0,
            bytes: 0,
        })
        .collect();
    let head = if load.verify { WHOLE } else { HEAD };
    let mut clients = Clients {
        load,
        epoll,
        clients,
        tally: Tally::default(),
        headers: MultiHeaders::preallocate(BATCH, None),
        scratch: vec![0; BATCH * head],
        lengths: Vec::with_capacity(BATCH),
    };
    clients.run(began)
}

impl Clients<'_> {
    fn run(&mut self, began: Instant) -> Result<Tally, String> {
        let end = match self.load.until {
            Until::Time(time) => began + time,
            Until::Each(_) => began + PATIENCE,
        };
        let mut events = [EpollEvent::empty(); 256];
        let mut looked = began;
        for index in 0..self.clients.len() {
            self.begin(index, Instant::now())?;
        }
        loop {
            let count = match self.epoll.wait(&mut events, TICK) {
                Ok(count) => count,
                Err(Errno::EINTR) => 0,
                Err(error) => return Err(format!("epoll: {error}")),
            };
            let now = Instant::now();
            if now >= end {
                break;
            }
            for event in &events[..count] {
                self.hear(event.data() as usize, now)?;
            }
            if now.duration_since(looked) >= Duration::from_millis(u64::from(TICK)) {
                looked = now;
                if !self.look(now)? {
                    break;
                }
            }
        }
        Ok(self.finish())
    }

    /// Whether this client has all that it wants.
    fn is_content(&self, index: usize) -> bool {
        matches!(self.load.until, Until::Each(files) if self.clients[index].files >= files)
    }

    /// Asks for the file with a new socket.
    fn begin(&mut self, index: usize, now: Instant) -> Result<(), String> {
        let client = &mut self.clients[index];
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let opened = UdpSocket::bind(SocketAddr::new(client.source.unwrap_or(any), 0));
        let socket = opened.map_err(|error| format!("a client's socket: {error}"))?;
        socket
            .set_nonblocking(true)
            .map_err(|error| format!("a client's socket: {error}"))?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
        self.epoll
            .add(&socket, event)
            .map_err(|error| format!("epoll: {error}"))?;
        client.download = Download::ask(&self.load.name, self.load.block_size, self.load.window);
        // A request that cannot be sent is one that was lost.
        let _ = socket.send_to(client.download.answer(), self.load.server);
        client.socket = Some(socket);
        client.connected = false;
        client.deadline = now + WAIT;
        client.sends = 1;
        Ok(())
    }

    /// Reads what came for a client.
    fn hear(&mut self, index: usize, now: Instant) -> Result<(), String> {
        let client = &mut self.clients[index];
        let Some(socket) = &client.socket else {
            return Ok(());
        };
        self.lengths.clear();
        let head = self.scratch.len() / BATCH;
        if !client.connected {
            // The server answers from a port of its own (RFC 1350 section 4).
            let Ok((length, peer)) = socket.recv_from(&mut self.scratch[..head]) else {
                return Ok(());
            };
            if socket.connect(peer).is_err() {
                return Ok(());
            }
            client.connected = true;
            self.lengths.push(length);
        } else if client.download.window == 1 {
            let flags = MsgFlags::MSG_TRUNC;
            if let Ok(length) = recv(socket.as_raw_fd(), &mut self.scratch[..head], flags) {
                self.lengths.push(length);
            }
        } else {
            let mut parts = self.scratch.chunks_exact_mut(head);
            let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
                std::array::from_fn(|_| [IoSliceMut::new(parts.next().unwrap_or_default())]);
            let read = recvmmsg(
                socket.as_raw_fd(),
                &mut self.headers,
                slices.iter_mut(),
                MsgFlags::MSG_TRUNC,
                None,
            );
            if let Ok(read) = read {
                self.lengths.extend(read.map(|message| message.bytes));
            }
        }
        for at in 0..self.lengths.len() {
            let length = self.lengths[at];
            let read = &self.scratch[at * head..][..length.min(head)];
            let client = &mut self.clients[index];
            let before = client.download.bytes;
            let step = client.download.on_packet(read, length);
            client.bytes += client.download.bytes - before;
            if !self.take(index, step, now)? {
                break;
            }
        }
        Ok(())
    }

    /// Does what the download says; false when it is over.
    fn take(&mut self, index: usize, step: Step, now: Instant) -> Result<bool, String> {
        let client = &mut self.clients[index];
        match &step {
            Step::Wait => return Ok(true),
            Step::Answer | Step::Done => {
                if let Some(socket) = &client.socket {
                    let _ = socket.send(client.download.answer());
                }
                client.deadline = now + WAIT;
                client.sends = 1;
            }
            Step::Refused(_) | Step::Wrong => {}
        }
        match step {
            Step::Done if self.load.bytes == client.download.bytes => {
                client.files += 1;
                self.tally.transfers += 1;
                self.tally.agreed = (client.download.block_size, client.download.window);
                client.socket = None;
                if !self.is_content(index) {
                    self.begin(index, now)?;
                }
                Ok(false)
            }
            Step::Done => {
                let got = client.download.bytes;
                self.fail(index, format!("the file ended after {got} bytes"), now);
                Ok(false)
            }
            Step::Refused(why) => {
                self.fail(index, format!("refused: {why}"), now);
                Ok(false)
            }
            Step::Wrong => {
                let at = client.download.bytes;
                self.fail(index, format!("wrong bytes in the block at {at}"), now);
                Ok(false)
            }
            Step::Answer | Step::Wait => Ok(true),
        }
    }

    fn fail(&mut self, index: usize, why: String, now: Instant) {
        self.tally.fail(why);
        let client = &mut self.clients[index];
        if let Some(socket) = client.socket.take() {
            let _ = socket.send(Download::give_up());
        }
        client.deadline = now + PAUSE;
    }

    /// Looks for clients that wait too long; false when all have what they want.
    fn look(&mut self, now: Instant) -> Result<bool, String> {
        let mut wanting = false;
        for index in 0..self.clients.len() {
            let content = self.is_content(index);
            wanting |= !content;
            let client = &mut self.clients[index];
            if content || client.deadline > now {
                continue;
            }
            match &client.socket {
                None => self.begin(index, now)?,
                Some(_) if client.sends >= SENDS => {
                    self.fail(index, "the server does not answer".to_owned(), now);
                }
                Some(socket) => {
                    let answer = client.download.answer();
                    let _ = if client.connected {
                        socket.send(answer)
                    } else {
                        socket.send_to(answer, self.load.server)
                    };
                    client.sends += 1;
                    client.deadline = now + WAIT;
                    self.tally.repeats += 1;
                }
            }
        }
        Ok(wanting)
    }

    fn finish(&mut self) -> Tally {
        for client in &self.clients {
            if let Some(socket) = client.socket.as_ref().filter(|_| client.connected) {
                let _ = socket.send(Download::give_up());
                self.tally.agreed = (client.download.block_size, client.download.window);
            }
        }
        self.tally.clients = self.clients.iter().map(|client| client.bytes).collect();
        self.tally.bytes = self.tally.clients.iter().sum();
        std::mem::take(&mut self.tally)
    }
}
