//! The boot side over HTTP: loaders, images and scripts, and the control socket.
//!
//! A request's way: [`accept`] takes the connection in or has it told to come again
//! ([`turn_away`]); hyper reads the request from the [`wire`]; [`serve`] finds its [`route`], asks
//! the gate, opens the [`file`](mod@file), judges the [`condition`]s and the [`range`], and makes the
//! [`answer`]; its [`body`] passes the file by hyper, and the [`wire`] sends it with sendfile(2),
//! keeps the time-outs ([`clock`]) and reports the [`transfer`].

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::boot::Gate;
use crate::config;
use crate::event::Sink;
use crate::limits;

pub use control::Status;

mod accept;
mod answer;
mod body;
mod clock;
mod condition;
mod control;
mod file;
mod range;
mod route;
mod serve;
mod shared;
mod transfer;
mod turn_away;
mod wire;

/// Sockets that listen and that nobody serves yet. Opening them is all that may need a privilege.
#[derive(Debug)]
pub struct Listeners {
    boot: Vec<TcpListener>,
    control: Option<(PathBuf, UnixListener)>,
}

impl Listeners {
    /// Opens the boot side at every address, and the control socket if a path is given.
    ///
    /// # Errors
    /// [`StartError::Listen`] or [`StartError::Control`].
    pub fn bind(addresses: &[SocketAddr], control: Option<&Path>) -> Result<Self, StartError> {
        let boot = addresses.iter().map(|&address| {
            listen(address).map_err(|source| StartError::Listen { address, source })
        });
        let boot = boot.collect::<Result<_, _>>()?;
        let control = control.map(|path| {
            let path = path.to_owned();
            match control::bind(&path) {
                Ok(listener) => Ok((path, listener)),
                Err(source) => Err(StartError::Control { path, source }),
            }
        });
        Ok(Listeners {
            boot,
            control: control.transpose()?,
        })
    }

    /// The addresses that the boot side listens on, with the port that the system chose for 0.
    ///
    /// # Errors
    /// What getsockname(2) reports.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.boot.iter().map(TcpListener::local_addr).collect()
    }
}

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
    /// The control socket could not be opened.
    Control {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The system gave no threads or no event queue.
    Runtime(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
        match self {
            StartError::Listen { address, source } => {
                let (ip, port) = (address.ip(), address.port());
                write!(f, "listening for HTTP on {ip} port {port}: {source}; ")?;
                f.write_str(match source.kind() {
                    AddrInUse => "stop the program that has the port, or set server.http_port",
                    AddrNotAvailable => "no interface has this address, correct server.addresses",
                    PermissionDenied => "start as root, or set server.http_port above 1023",
                    _ => "correct server.addresses or server.http_port",
                })
            }
            StartError::Control { path, source } => {
                write!(
                    f,
                    "opening the control socket {}: {source}; ",
                    path.display()
                )?;
                f.write_str(match source.kind() {
                    AddrInUse => "another hearth is running, stop it or set server.run",
                    _ => "see that the folder of server.run is there and can be written",
                })
            }
            StartError::Runtime(source) => {
                write!(f, "starting the HTTP server's threads: {source}")
            }
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StartError::Listen { source, .. }
            | StartError::Control { source, .. }
            | StartError::Runtime(source) => Some(source),
        }
    }
}

/// Where the control socket is and what it shows.
pub struct Control {
    /// The socket's path, `<server.run>/hearth.sock`.
    pub path: PathBuf,
    /// What `GET /api/v1/status` shows; called for each request, so it must be quick.
    pub status: Status,
}

/// What the server did and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections now.
    pub connections: u32,
    /// Connections that may be served at a time: the configuration's number, or what the process's
    /// descriptors suffice for.
    pub limit: u32,
    /// Requests since the start.
    pub requests: u64,
    /// Bytes of files sent since the start.
    pub bytes: u64,
    /// Clients that were told 503 since the start.
    pub turned_away: u64,
}

/// The running server; dropping it ends it at once, [`stop`](Server::stop) lets downloads end.
pub struct Server {
    runtime: Option<Runtime>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    addresses: Vec<SocketAddr>,
    control: Option<PathBuf>,
}

use shared::Shared;

impl Server {
    /// Binds and serves at once.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(
        addresses: &[SocketAddr],
        config: config::Http,
        gate: Arc<dyn Gate>,
        sink: Arc<dyn Sink>,
        control: Option<Control>,
    ) -> Result<Server, StartError> {
        let path = control.as_ref().map(|control| control.path.as_path());
        let listeners = Listeners::bind(addresses, path)?;
        let status = control.map(|control| control.status);
        Server::serve(listeners, config, gate, sink, status)
    }

    /// Serves what was bound before, perhaps under another user. `status` is what the control
    /// socket shows, if there is one.
    ///
    /// # Errors
    /// [`StartError::Runtime`].
    pub fn serve(
        listeners: Listeners,
        config: config::Http,
        gate: Arc<dyn Gate>,
        sink: Arc<dyn Sink>,
        status: Option<Status>,
    ) -> Result<Server, StartError> {
        let addresses = listeners.addresses().map_err(StartError::Runtime)?;
        let wanted = config.connections;
        let shared = Arc::new(Shared::new(config, gate, sink, descriptors()));
        if shared.connections() < wanted {
            log::warn!(
                "http.connections is {wanted}, but the process's descriptors suffice for {}; raise \
                 their limit (ulimit -n)",
                shared.connections()
            );
        }
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.clamp(2, limits::HTTP_THREADS))
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = watch::channel(false);
        let inside = runtime.enter();
        for listener in listeners.boot {
            let listener =
                tokio::net::TcpListener::from_std(listener).map_err(StartError::Runtime)?;
            runtime.spawn(accept::accept(listener, shared.clone(), stopped.clone()));
        }
        let mut control = None;
        if let (Some((path, listener)), Some(status)) = (listeners.control, status) {
            let listener =
                tokio::net::UnixListener::from_std(listener).map_err(StartError::Runtime)?;
            runtime.spawn(control::serve(listener, status, stopped));
            control = Some(path);
        }
        drop(inside);
        Ok(Server {
            runtime: Some(runtime),
            shared,
            stop,
            addresses,
            control,
        })
    }

    /// The addresses that the boot side listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Puts other limits in force without touching a connection.
    pub fn set_limits(&self, limits: config::Http) {
        self.shared.set_limits(limits);
    }

    /// What it did and does.
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.stats;
        Stats {
            connections: self.shared.serving.taken(),
            limit: self.shared.connections(),
            requests: counters.requests.load(Ordering::Relaxed),
            bytes: counters.bytes.load(Ordering::Relaxed),
            turned_away: counters.turned_away.load(Ordering::Relaxed),
        }
    }

    /// Accepts nothing more, lets what runs come to its end for [`limits::HTTP_STOP`], and ends.
    /// Not to be called from within an asynchronous runtime.
    pub fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(runtime) = &self.runtime {
            let shared = self.shared.clone();
            let empty = async move {
                loop {
                    let mut freed = std::pin::pin!(shared.serving.freed.notified());
                    freed.as_mut().enable();
                    if shared.serving.taken() == 0 {
                        return;
                    }
                    freed.await;
                }
            };
            runtime.block_on(async {
                if tokio::time::timeout(limits::HTTP_STOP, empty)
                    .await
                    .is_err()
                {
                    let left = self.shared.serving.taken();
                    log::warn!("stopping HTTP: {left} connections did not end and are cut");
                }
            });
        }
        self.end();
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waits for the threads, so that every transfer is reported when this returns.
            runtime.shutdown_timeout(limits::HTTP_LINGER);
        }
        if let Some(path) = self.control.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    use nix::sys::socket::{Backlog, listen};
    let listener = TcpListener::bind(address)?;
    // A boot storm comes at once: with std's queue of 128, the machine that does not fit asks again
    // after a second. This takes the longest queue that the system allows.
    listen(&listener, Backlog::MAXALLOWABLE)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// How many descriptors the process may have.
fn descriptors() -> u64 {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}
