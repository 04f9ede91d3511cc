//! `hearth serve`: opens everything, then serves until a signal.
//!
//! All sockets are bound before anything is served, so that a port that is taken ends the start
//! and nothing is half there.

mod journal;
mod port;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{SigSet, Signal};

use crate::boot::gate::Keeper;
use crate::boot::site::Site;
use crate::config::{self, Config, Environment, Loaded};
use crate::event::Sink;
use crate::image::lock::Lock;
use crate::{http, tftp};
use journal::Journal;

/// The control socket's name in `server.run`.
pub const SOCKET: &str = "hearth.sock";

/// Why the agent did not start.
#[derive(Debug)]
pub enum StartError {
    /// The configuration is refused; the text is all its mistakes.
    Config(String),
    /// Another agent uses the run folder.
    Running(String),
    /// A folder or file cannot be used.
    Files(String),
    /// A port or address cannot be used.
    Listen(String),
    /// The system lacks something.
    System(String),
}

impl StartError {
    /// The exit code of sysexits.h.
    pub fn exit_code(&self) -> u8 {
        match self {
            StartError::Config(_) => 78,
            StartError::Running(_) => 75,
            StartError::Files(_) => 73,
            StartError::Listen(_) => 69,
            StartError::System(_) => 71,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(text)
            | StartError::Running(text)
            | StartError::Files(text)
            | StartError::Listen(text)
            | StartError::System(text) => f.write_str(text),
        }
    }
}

/// The addresses of this host's interfaces, for [`config::load`].
pub fn environment() -> Environment {
    let addresses = nix::ifaddrs::getifaddrs().ok().map(|interfaces| {
        interfaces
            .filter_map(|interface| {
                let address = interface.address?;
                let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
                v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
            })
            .collect()
    });
    Environment {
        local_addresses: addresses,
    }
}

/// What runs, and what the next reload needs.
struct Daemon {
    path: PathBuf,
    keeper: Arc<Keeper>,
    journal: Arc<Journal>,
    tftp: tftp::Server,
    http: http::Server,
    _instance: Flock<File>,
}

/// Serves until SIGTERM or SIGINT; SIGHUP reloads.
///
/// # Errors
/// [`StartError`], before anything is served.
pub fn serve(path: &Path) -> Result<(), StartError> {
    let started = Instant::now();
    let signals = signals()?;
    let loaded = load(path)?;
    let config = loaded.config;
    log_to(&config.log);
    more_descriptors();
    let instance = instance(&config.server.run)?;
    let site = site(Arc::new(config)).map_err(StartError::Files)?;
    let config = site.config.clone();
    let tftp_addresses = addresses(&config, config.server.tftp_port);
    let listeners = tftp::Server::bind(&tftp_addresses).map_err(|error| {
        let tftp::StartError::Listen { address, source } = &error else {
            return StartError::System(error.to_string());
        };
        let holder = (source.kind() == io::ErrorKind::AddrInUse)
            .then(|| port::udp_holder(*address))
            .flatten();
        let holder = holder
            .map(|who| format!(" (it is {who})"))
            .unwrap_or_default();
        StartError::Listen(format!("{error}{holder}"))
    })?;
    let socket = config.server.run.join(SOCKET);
    let web = http::Listeners::bind(&addresses(&config, config.server.http_port), Some(&socket))
        .map_err(|error| StartError::Listen(error.to_string()))?;

    let journal = Arc::new(Journal::default());
    let sink: Arc<dyn Sink> = journal.clone();
    announce(&site);
    let keeper = Arc::new(Keeper::new(site, sink.clone(), Box::new(read_lock)));
    let tftp = tftp::Server::serve(listeners, config.tftp.clone(), keeper.clone(), sink.clone())
        .map_err(|error| StartError::System(error.to_string()))?;
    let status = {
        let (keeper, journal) = (keeper.clone(), journal.clone());
        Arc::new(move || journal.status(&keeper.site()))
    };
    let http = http::Server::serve(web, config.http.clone(), keeper.clone(), sink, Some(status))
        .map_err(|error| StartError::System(error.to_string()))?;
    log::info!(
        "hearth {} serves TFTP on {} and HTTP on {}, {} ms after its start",
        env!("CARGO_PKG_VERSION"),
        list(&tftp.addresses()),
        list(http.addresses()),
        started.elapsed().as_millis()
    );
    let path = path.to_owned();
    let mut daemon = Daemon {
        path,
        keeper,
        journal,
        tftp,
        http,
        _instance: instance,
    };
    loop {
        match signals.wait() {
            Ok(Signal::SIGHUP) => daemon.reload(),
            Ok(signal) => {
                log::info!("{signal}: stopping");
                break;
            }
            Err(error) => {
                log::error!("waiting for signals: {error}");
                break;
            }
        }
    }
    daemon.http.stop();
    Ok(())
}

impl Daemon {
    fn reload(&mut self) {
        match self.reloaded() {
            Ok(()) => {
                log::info!("reload: {} is in force", self.path.display());
                self.journal.reloaded(None);
            }
            Err(error) => {
                log::error!("reload refused, the old configuration stays in force: {error}");
                self.journal.reloaded(Some(error));
            }
        }
    }

    fn reloaded(&mut self) -> Result<(), String> {
        let loaded = load(&self.path).map_err(|error| error.to_string())?;
        let old = self.keeper.site().config.clone();
        let new = &loaded.config;
        let fixed = |server: &config::Server| {
            (
                server.addresses.clone(),
                server.http_port,
                server.tftp_port,
                server.run.clone(),
            )
        };
        if fixed(&old.server) != fixed(&new.server) || old.tftp.single_port != new.tftp.single_port
        {
            return Err(
                "addresses, ports, run and tftp.single_port are taken at the start only: \
                        restart hearth"
                    .to_owned(),
            );
        }
        let site = site(Arc::new(loaded.config))?;
        log_to(&site.config.log);
        self.tftp.set_limits(site.config.tftp.clone());
        self.http.set_limits(site.config.http.clone());
        announce(&site);
        self.keeper.replace(site);
        Ok(())
    }
}

fn load(path: &Path) -> Result<Loaded, StartError> {
    let loaded = config::load(path, &environment()).map_err(|mistakes| {
        StartError::Config(format!("the configuration is refused\n{mistakes}"))
    })?;
    for warning in loaded.warnings.iter() {
        log::warn!("{warning}");
    }
    Ok(loaded)
}

fn read_lock(config: &Config) -> Result<Lock, String> {
    Lock::load(&config.server.state.join(Lock::FILE)).map_err(|error| error.to_string())
}

fn site(config: Arc<Config>) -> Result<Site, String> {
    let lock = read_lock(&config)?;
    let root = config.server.root.clone();
    Site::build(config, lock).map_err(|error| {
        format!(
            "reading {}: {error}; create the folder, or correct server.root",
            root.display()
        )
    })
}

/// Says what a person should know of what is served, and writes `default.ipxe`.
fn announce(site: &Site) {
    for warning in &site.warnings {
        log::warn!("{warning}");
    }
    for (what, remedy) in journal::missing(site) {
        log::warn!("{what}; run `{remedy}`");
    }
    if let Err(error) = site.write_default() {
        log::warn!(
            "writing default.ipxe into {}: {error}; Hearth serves it all the same, another TFTP \
             server could not",
            site.config.server.root.display()
        );
    }
}

fn addresses(config: &Config, port: u16) -> Vec<SocketAddr> {
    config
        .server
        .addresses
        .iter()
        .map(|address| SocketAddr::new(*address, port))
        .collect()
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses
        .iter()
        .map(SocketAddr::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn log_to(log: &config::Log) {
    crate::log::configure(log.level, log.target == config::LogTarget::Syslog);
}

/// Blocks the signals before any thread starts, so that only this one has them.
fn signals() -> Result<SigSet, StartError> {
    let set: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect();
    set.thread_block()
        .map_err(|error| StartError::System(format!("blocking signals: {error}")))?;
    Ok(set)
}

/// Every connection and transfer needs a descriptor; the hard limit is there to be used.
fn more_descriptors() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Takes the run folder for this process, and refuses if another agent has it.
fn instance(run: &Path) -> Result<Flock<File>, StartError> {
    let files = |doing: &str, error: &dyn fmt::Display| {
        StartError::Files(format!(
            "{doing} {}: {error}; correct server.run",
            run.display()
        ))
    };
    fs::create_dir_all(run).map_err(|error| files("making the folder", &error))?;
    let path = run.join("hearth.pid");
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| files("writing hearth.pid in", &error))?;
    let mut pid = String::new();
    let _ = (&mut file).take(20).read_to_string(&mut pid);
    let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => lock,
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
            return Err(StartError::Running(format!(
                "hearth runs already with the folder {} as process {}; stop it first",
                run.display(),
                pid.trim()
            )));
        }
        Err((_, error)) => return Err(files("locking hearth.pid in", &error)),
    };
    let write = lock.set_len(0).and_then(|()| {
        io::Seek::rewind(&mut *lock)?;
        writeln!(lock, "{}", std::process::id())
    });
    write.map_err(|error| files("writing hearth.pid in", &error))?;
    // The lock is ours, so a socket that is there is what a killed agent left.
    let _ = fs::remove_file(run.join(SOCKET));
    Ok(lock)
}
