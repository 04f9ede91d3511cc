//! Opens the sockets, starts the workers, and keeps what they share.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;

use crate::boot::Gate;
use crate::config;
use crate::event::{Sink, UnderWay};
use crate::limits;
use crate::tftp::listener::Listener;
use crate::tftp::places::Places;
use crate::tftp::worker::Worker;

/// Why the server did not start.
#[derive(Debug)]
pub enum StartError {
    /// An address could not be listened on.
    Listen {
        /// It, with the port.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The system gave no threads or descriptors.
    Threads(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { address, source } => {
                let (ip, port) = (address.ip(), address.port());
                write!(f, "listening for TFTP on {ip} port {port}: {source}; ")?;
                f.write_str(match source.kind() {
                    io::ErrorKind::AddrInUse => {
                        "stop the program that has the port, or set server.tftp_port"
                    }
                    io::ErrorKind::AddrNotAvailable => {
                        "no interface has this address, correct server.addresses"
                    }
                    io::ErrorKind::PermissionDenied => {
                        "start as root, or set server.tftp_port above 1023"
                    }
                    _ => "correct server.addresses or server.tftp_port",
                })
            }
            StartError::Threads(source) => write!(f, "starting the TFTP server: {source}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What the server did and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transfers now.
    pub active: u64,
    /// Transfers since the start.
    pub transfers: u64,
    /// Bytes that clients have acknowledged since the start.
    pub bytes: u64,
    /// Packets sent again since the start.
    pub repeats: u64,
}

/// What the workers share.
pub struct Shared {
    /// Whom to ask.
    pub gate: Arc<dyn Gate>,
    /// Whom to tell.
    pub sink: Arc<dyn Sink>,
    /// All data leaves from the listening port.
    pub single_port: bool,
    /// Transfers at a time.
    pub places: Arc<Places>,
    listeners: RwLock<Vec<Arc<Listener>>>,
    limits: RwLock<config::Tftp>,
    stopped: AtomicBool,
    on_end: OnceLock<Box<dyn Fn() + Send + Sync>>,
    transfers: AtomicU64,
    bytes: AtomicU64,
    repeats: AtomicU64,
}

impl Shared {
    /// The listening sockets.
    pub fn listeners(&self) -> Vec<Arc<Listener>> {
        self.listeners
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn stats(&self) -> Stats {
        Stats {
            active: u64::from(self.places.count()),
            transfers: self.transfers.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            repeats: self.repeats.load(Ordering::Relaxed),
        }
    }

    /// The bounds in force.
    pub fn limits(&self) -> config::Tftp {
        self.limits
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether the server is to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Takes down a transfer that ended.
    pub fn count(&self, bytes: u64, repeats: u32) {
        self.transfers.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.repeats
            .fetch_add(u64::from(repeats), Ordering::Relaxed);
    }
}

/// The running server; dropping it ends it at once, [`stop`](Server::stop) lets transfers end.
pub struct Server {
    shared: Arc<Shared>,
    wake: Vec<UnixStream>,
    threads: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens a socket at every address. Doing so is all that may need a privilege.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<Arc<Listener>>, StartError> {
        addresses
            .iter()
            .map(|&address| Listener::open(address))
            .collect()
    }

    /// Serves what was bound before.
    ///
    /// # Errors
    /// [`StartError::Threads`].
    pub fn serve(
        listeners: Vec<Arc<Listener>>,
        limits: config::Tftp,
        gate: Arc<dyn Gate>,
        sink: Arc<dyn Sink>,
    ) -> Result<Server, StartError> {
        let single_port = limits.single_port;
        let shared = Arc::new(Shared {
            gate,
            sink,
            single_port,
            places: Arc::default(),
            listeners: RwLock::new(listeners),
            limits: RwLock::new(limits),
            stopped: AtomicBool::new(false),
            on_end: OnceLock::new(),
            transfers: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            repeats: AtomicU64::new(0),
        });
        // One port for all means one worker: whoever reads a datagram must know its transfer.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = if single_port {
            1
        } else {
            cores.clamp(1, limits::TFTP_THREADS)
        };
        let mut server = Server {
            shared,
            wake: Vec::new(),
            threads: Vec::new(),
        };
        for _ in 0..count {
            server.start_worker().map_err(StartError::Threads)?;
        }
        Ok(server)
    }

    fn start_worker(&mut self) -> io::Result<()> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let shared = self.shared.clone();
        let worker = Worker::new(shared.clone(), theirs)?;
        let run = move || {
            let _ended = Ended(shared);
            worker.run();
        };
        self.threads.push(
            std::thread::Builder::new()
                .name("tftp".to_owned())
                .spawn(run)?,
        );
        self.wake.push(ours);
        Ok(())
    }

    /// Calls `tell` if a worker ends before the server is stopped: a part of it no longer answers.
    pub fn on_end(&self, tell: impl Fn() + Send + Sync + 'static) {
        let _ = self.shared.on_end.set(Box::new(tell));
    }

    /// Opens what [`Server::rebind`] needs for these addresses; nothing changes yet.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn prepare(&self, addresses: &[SocketAddr]) -> Result<Vec<Arc<Listener>>, StartError> {
        let old = self.shared.listeners();
        let kept = |address| old.iter().find(|listener| listener.told() == address);
        let addresses = addresses.iter();
        addresses
            .map(|&address| match kept(address) {
                Some(listener) => Ok(listener.clone()),
                None => Listener::open(address),
            })
            .collect()
    }

    /// Listens there from now on and nowhere else. What is under way goes on.
    pub fn rebind(&self, listeners: Vec<Arc<Listener>>) {
        *self
            .shared
            .listeners
            .write()
            .unwrap_or_else(PoisonError::into_inner) = listeners;
        for mut wake in &self.wake {
            // A pipe that is full wakes the worker as well.
            let _ = wake.write(&[0]);
        }
    }

    /// Takes no more requests, lets what runs come to its end for [`limits::TFTP_STOP`], and ends.
    pub fn stop(self) {
        self.rebind(Vec::new());
        let left = self.shared.places.wait_until_empty(limits::TFTP_STOP);
        if left > 0 {
            log::warn!("stopping TFTP: {left} transfers did not end and are cut");
        }
    }

    /// Puts other limits in force without touching a transfer.
    pub fn set_limits(&self, limits: config::Tftp) {
        *self
            .shared
            .limits
            .write()
            .unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The addresses that it listens on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.shared
            .listeners()
            .iter()
            .map(|listener| listener.address)
            .collect()
    }

    /// What it did and does.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Shows [`Server::stats`] to others, as long as they like.
    pub fn meter(&self) -> impl Fn() -> Stats + Send + Sync + 'static {
        let shared = self.shared.clone();
        move || shared.stats()
    }

    /// Shows the transfers that are under way to others, as long as they like.
    pub fn watch(&self) -> impl Fn() -> Vec<UnderWay> + Send + Sync + 'static {
        let shared = self.shared.clone();
        move || shared.places.under_way()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        self.wake.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Tells of a worker that ends, also by a panic.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(tell) = self.0.on_end.get().filter(|_| !self.0.is_stopped()) {
            tell();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::boot::{Answer, Request};
    use crate::config::defaults;
    use crate::event::Event;

    /// A gate that breaks the worker that asks it, and events that nobody wants.
    struct Broken;

    impl Gate for Broken {
        fn file(&self, _: &str, _: &Request) -> Answer {
            panic!("as a test wants it")
        }

        fn script(&self, _: &str, _: &Request) -> String {
            String::new()
        }
    }

    impl Sink for Broken {
        fn event(&self, _: Event) {}
    }

    fn start() -> (Server, SocketAddr) {
        let listeners = Server::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let limits = defaults::tftp();
        let server = Server::serve(listeners, limits, Arc::new(Broken), Arc::new(Broken)).unwrap();
        let address = server.addresses()[0];
        (server, address)
    }

    #[test]
    fn a_worker_that_ends_by_itself_is_told_and_a_stop_is_not() {
        let (tell, told) = mpsc::channel();
        let (server, _) = start();
        let after_stop = tell.clone();
        server.on_end(move || after_stop.send("stopped").unwrap());
        drop(server);
        let (server, address) = start();
        server.on_end(move || tell.send("broken").unwrap());
        let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"\0\x01x\0octet\0", address).unwrap();
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok("broken"));
    }
}
