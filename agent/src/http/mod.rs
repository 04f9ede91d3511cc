//! The boot side over HTTP: loaders, images and scripts, and the control socket.
//!
//! A request's way: [`accept`] takes the connection in or has it told to come again
//! ([`turn_away`]); hyper reads the request from the [`wire`]; [`serve`] finds its [`route`], asks
//! the gate, opens the [`file`](mod@file), judges the [`condition`]s and the [`range`], and makes the
//! [`answer`]; its [`body`] passes the file by hyper, and the [`wire`] sends it with sendfile(2),
//! keeps the time-outs ([`clock`]) and reports the [`transfer`], which is among what is [`running`] until then.

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
use crate::event::{Sink, UnderWay};
use crate::limits;
use crate::sys::bind;

pub use control::{Asked, Body, Caller, Handler, Reply};
pub use error::StartError;
pub use secure::{Bound, Identity, Secure};

mod accept;
mod answer;
mod body;
mod clock;
mod condition;
mod control;
mod error;
mod file;
mod range;
mod route;
mod running;
mod secure;
mod serve;
mod shared;
mod transfer;
mod turn_away;
mod wire;

/// Sockets that listen and that nobody serves yet. Opening them is all that may need a privilege.
#[derive(Debug)]
pub struct Listeners {
    boot: Vec<(SocketAddr, TcpListener)>,
    control: Option<(PathBuf, UnixListener)>,
}

impl Listeners {
    /// Opens the boot side at every address, and the control socket if a path is given.
    ///
    /// # Errors
    /// [`StartError::Listen`] or [`StartError::Control`].
    pub fn bind(addresses: &[SocketAddr], control: Option<&Path>) -> Result<Self, StartError> {
        let boot = addresses.iter().map(|&address| listen(address));
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

    /// Opens the control socket too. It takes no privilege, so whoever serves it may own it.
    ///
    /// # Errors
    /// [`StartError::Control`].
    pub fn with_control(mut self, path: &Path) -> Result<Self, StartError> {
        let path = path.to_owned();
        match control::bind(&path) {
            Ok(listener) => {
                self.control = Some((path, listener));
                Ok(self)
            }
            Err(source) => Err(StartError::Control { path, source }),
        }
    }

    /// The addresses that the boot side listens on, with the port that the system chose for 0.
    ///
    /// # Errors
    /// What getsockname(2) reports.
    pub fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.boot
            .iter()
            .map(|(_, socket)| socket.local_addr())
            .collect()
    }
}

/// Where the control socket is and what it shows.
pub struct Control {
    /// The socket's path, `<server.run>/hearth.sock`.
    pub path: PathBuf,
    /// Answers what is asked there.
    pub handler: Handler,
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
    accepting: Vec<Accepting>,
    addresses: Vec<SocketAddr>,
    control: Option<PathBuf>,
}

/// Sockets for other addresses, opened and not served yet.
#[derive(Debug)]
pub struct Prepared {
    addresses: Vec<SocketAddr>,
    new: Vec<Ready>,
}

/// Where it was told to listen, where it listens, and the socket.
type Ready = (SocketAddr, SocketAddr, tokio::net::TcpListener);

/// One socket that connections are accepted on.
struct Accepting {
    /// Where it was told to listen; differs in port 0 only.
    told: SocketAddr,
    address: SocketAddr,
    task: tokio::task::AbortHandle,
}

impl Drop for Accepting {
    /// Only the accepting ends: each connection is a task of its own.
    fn drop(&mut self) {
        self.task.abort();
    }
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
        let status = control.map(|control| control.handler);
        Server::serve(listeners, config, gate, sink, status)
    }

    /// Serves what was bound before, perhaps under another user. `status` answers what the control
    /// socket shows, if there is one.
    ///
    /// # Errors
    /// [`StartError::Runtime`].
    pub fn serve(
        listeners: Listeners,
        config: config::Http,
        gate: Arc<dyn Gate>,
        sink: Arc<dyn Sink>,
        status: Option<Handler>,
    ) -> Result<Server, StartError> {
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
            .max_blocking_threads(limits::HTTP_DECIDERS)
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = watch::channel(false);
        let mut server = Server {
            runtime: Some(runtime),
            shared,
            stop,
            accepting: Vec::new(),
            addresses: Vec::new(),
            control: None,
        };
        let prepared = Prepared {
            addresses: listeners.boot.iter().map(|(told, _)| *told).collect(),
            new: server.ready(listeners.boot).map_err(StartError::Runtime)?,
        };
        server.rebind(prepared);
        if let (Some((path, listener)), Some(status)) = (listeners.control, status) {
            server
                .serve_control(listener, status, stopped)
                .map_err(StartError::Runtime)?;
            server.control = Some(path);
        }
        Ok(server)
    }

    fn serve_control(
        &self,
        listener: UnixListener,
        status: Handler,
        stopped: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let runtime = self.runtime.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let _inside = runtime.enter();
        let listener = tokio::net::UnixListener::from_std(listener)?;
        runtime.spawn(control::serve(listener, status, stopped));
        Ok(())
    }

    /// The control side over TLS, which listens nowhere yet; `None`: the server has ended.
    pub fn secure(&self, handler: Handler, identity: Identity) -> Option<Secure> {
        let runtime = self.runtime.as_ref()?.handle().clone();
        Some(Secure::new(
            runtime,
            handler,
            identity,
            self.stop.subscribe(),
        ))
    }

    /// Opens what [`Server::rebind`] needs for these addresses; nothing changes yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn prepare(&self, addresses: &[SocketAddr]) -> Result<Prepared, StartError> {
        let is_new =
            |address: &&SocketAddr| !self.accepting.iter().any(|one| one.told == **address);
        let new = addresses.iter().filter(is_new);
        let new: Result<Vec<_>, _> = new.map(|&address| listen(address)).collect();
        Ok(Prepared {
            addresses: addresses.to_vec(),
            new: self.ready(new?).map_err(StartError::Runtime)?,
        })
    }

    fn ready(&self, listeners: Vec<(SocketAddr, TcpListener)>) -> io::Result<Vec<Ready>> {
        let runtime = self.runtime.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let _inside = runtime.enter();
        let listeners = listeners.into_iter();
        listeners
            .map(|(told, listener)| {
                let address = listener.local_addr()?;
                let listener = tokio::net::TcpListener::from_std(listener)?;
                Ok((told, address, listener))
            })
            .collect()
    }

    /// Listens there from now on and nowhere else. Connections go on.
    pub fn rebind(&mut self, prepared: Prepared) {
        self.accepting
            .retain(|one| prepared.addresses.contains(&one.told));
        if let Some(runtime) = &self.runtime {
            for (told, address, listener) in prepared.new {
                let accept = accept::accept(listener, self.shared.clone(), self.stop.subscribe());
                self.accepting.push(Accepting {
                    told,
                    address,
                    task: runtime.spawn(accept).abort_handle(),
                });
            }
        }
        self.addresses = self.accepting.iter().map(|one| one.address).collect();
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
        stats(&self.shared)
    }

    /// Shows [`Server::stats`] to others, as long as they like.
    pub fn meter(&self) -> impl Fn() -> Stats + Send + Sync + 'static {
        let shared = self.shared.clone();
        move || stats(&shared)
    }

    /// Shows the files that are on their way to others, as long as they like.
    pub fn watch(&self) -> impl Fn() -> Vec<UnderWay> + Send + Sync + 'static {
        let running = self.shared.running.clone();
        move || running.under_way()
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

fn stats(shared: &Shared) -> Stats {
    let counters = &shared.stats;
    Stats {
        connections: shared.serving.taken(),
        limit: shared.connections(),
        requests: counters.requests.load(Ordering::Relaxed),
        bytes: counters.bytes.load(Ordering::Relaxed),
        turned_away: counters.turned_away.load(Ordering::Relaxed),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(address: SocketAddr) -> Result<(SocketAddr, TcpListener), StartError> {
    match bind::tcp(address) {
        Ok(listener) => Ok((address, listener)),
        Err(source) => Err(StartError::Listen { address, source }),
    }
}

/// How many descriptors the process may have. The system's own number is signed on FreeBSD alone.
fn descriptors() -> usize {
    use nix::sys::resource::{Resource, getrlimit};
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| {
        usize::try_from(soft).unwrap_or(usize::MAX)
    })
}
