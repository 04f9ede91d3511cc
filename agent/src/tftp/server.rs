//! Opens the sockets, starts the workers, and keeps what they share.

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use crate::boot::Gate;
use crate::config;
use crate::event::Sink;
use crate::limits;
use crate::sys::udp;
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

/// One listening socket.
pub struct Listener {
    /// It.
    pub socket: UdpSocket,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What the workers share.
pub struct Shared {
    /// The listening sockets.
    pub listeners: Vec<Listener>,
    /// Whom to ask.
    pub gate: Arc<dyn Gate>,
    /// Whom to tell.
    pub sink: Arc<dyn Sink>,
    /// All data leaves from the listening port.
    pub single_port: bool,
    /// Transfers at a time.
    pub places: Arc<Places>,
    limits: RwLock<config::Tftp>,
    stopped: AtomicBool,
    transfers: AtomicU64,
    bytes: AtomicU64,
    repeats: AtomicU64,
}

impl Shared {
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

/// The running server; dropping it ends it.
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
    pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<Listener>, StartError> {
        let open = |&address: &SocketAddr| {
            let socket = udp::listen(address, limits::TFTP_QUEUE_BYTES)?;
            let address = socket.local_addr()?;
            Ok(Listener { socket, address })
        };
        addresses
            .iter()
            .map(|address| {
                open(address).map_err(|source| StartError::Listen {
                    address: *address,
                    source,
                })
            })
            .collect()
    }

    /// Serves what was bound before.
    ///
    /// # Errors
    /// [`StartError::Threads`].
    pub fn serve(
        listeners: Vec<Listener>,
        limits: config::Tftp,
        gate: Arc<dyn Gate>,
        sink: Arc<dyn Sink>,
    ) -> Result<Server, StartError> {
        let single_port = limits.single_port;
        let shared = Arc::new(Shared {
            listeners,
            gate,
            sink,
            single_port,
            places: Arc::default(),
            limits: RwLock::new(limits),
            stopped: AtomicBool::new(false),
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
        let worker = Worker::new(self.shared.clone(), &theirs)?;
        let run = move || {
            worker.run();
            drop(theirs);
        };
        self.threads.push(
            std::thread::Builder::new()
                .name("tftp".to_owned())
                .spawn(run)?,
        );
        self.wake.push(ours);
        Ok(())
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
            .listeners
            .iter()
            .map(|listener| listener.address)
            .collect()
    }

    /// What the server did and does.
    pub fn stats(&self) -> Stats {
        Stats {
            active: u64::from(self.shared.places.count()),
            transfers: self.shared.transfers.load(Ordering::Relaxed),
            bytes: self.shared.bytes.load(Ordering::Relaxed),
            repeats: self.shared.repeats.load(Ordering::Relaxed),
        }
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
