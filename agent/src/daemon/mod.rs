//! `hearth serve`: opens everything, then serves until a signal.
//!
//! The order of [`serve`] is the order in which things can go wrong: signals, configuration, log,
//! the run folder ([`instance`]), sockets, then, with root given up where that is wanted ([`user`]), lock
//! and catalogue, servers. All sockets are bound before anything is served, so that a port that is taken
//! ([`holder`]) ends the start and nothing is half there. What DHCP says is heard too where it can be
//! ([`observing`]). What happens then goes into the [`journal`], and from there into the [`status`].

mod addresses;
mod control;
mod error;
mod fetching;
mod fit;
mod follow;
mod fragments;
mod holder;
mod identity;
mod instance;
mod journal;
mod live;
mod manager;
mod observing;
mod ready;
mod reload;
mod signals;
mod sockets;
mod status;
mod user;
mod webhooks;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use crate::api::Api;
use crate::boot::gate::Keeper;
use crate::boot::site::{DEFAULT, Site};
use crate::config::{self, Config, Environment, Loaded};
use crate::event::Sink;
use crate::image::lock::Lock;
use crate::machine::Census;
use crate::observe::Observer;
use crate::store::TokenRow;
use crate::{http, limits, tftp};

use addresses::Lookout;
pub use addresses::waits;
pub use error::Error;
pub use fit::fits;
use instance::Instance;
use journal::Journal;
use signals::{Asked, Signals};
use sockets::{Bound, list};
use status::Status;

/// The control socket's name in `server.run`.
pub const SOCKET: &str = "hearth.sock";

/// The addresses of this host's interfaces, for [`config::load`].
pub fn environment() -> Environment {
    let local = addresses::local();
    Environment {
        local_addresses: local.map(|local| local.iter().map(|one| one.address).collect()),
        later: false,
    }
}

/// What runs, and what the next reload needs.
struct Daemon {
    path: PathBuf,
    keeper: Arc<Keeper>,
    census: Arc<Census>,
    status: Arc<Status>,
    tftp: tftp::Server,
    http: http::Server,
    /// What the control side knows and does.
    api: Arc<Api>,
    /// Where TFTP and HTTP were told to listen and could: all but what cannot be bound before its
    /// address is there.
    bound: Bound,
    /// The same of the API.
    api_bound: Vec<SocketAddr>,
    /// Answers on the control side.
    handler: http::Handler,
    /// The control side for other hosts, once it listened anywhere.
    secure: Option<http::Secure>,
    /// DHCP is heard, on an interface at least.
    observer: Option<Observer>,
    /// What was said of interfaces that cannot be listened on.
    deaf: Vec<String>,
    /// A part ended by itself.
    ended: Arc<AtomicBool>,
    /// Ends the lookout when it is dropped.
    _lookout: mpsc::Sender<()>,
}

/// Serves until SIGTERM or SIGINT; SIGHUP reloads. `began` is when the process started.
///
/// # Errors
/// Before anything is served, or [`Error::Ended`].
pub fn serve(path: &Path, began: Instant) -> Result<(), Error> {
    let result = run(path, began);
    if let (Err(error), true) = (&result, crate::log::is_syslog()) {
        // Standard error may lead nowhere.
        error
            .to_string()
            .lines()
            .for_each(|line| log::error!("{line}"));
    }
    crate::log::flush(limits::LOG_FLUSH);
    result
}

fn run(path: &Path, began: Instant) -> Result<(), Error> {
    let signals = Signals::block()?;
    let loaded = load(path).map_err(Error::Config)?;
    let config = Arc::new(loaded.config);
    log_to(&config.log);
    more_descriptors();
    let user = user::wanted(&config)?;
    user::folder(&config.server.run, "server.run", user.as_ref())?;
    let instance = Instance::take(&config.server.run)?;
    user::folder(&config.server.root, "server.root", user.as_ref())?;
    let sockets = sockets::bind(&config)?;
    let observed = observing::wanted(&config);
    let mut deaf = Vec::new();
    let captures = observing::open(&observed, &config, None, &mut deaf);
    if let (true, Some(why)) = (observed.is_empty(), observing::why_none(&config)) {
        log::warn!("{why}");
    }
    // A key may be root's alone.
    let own_identity = match &config.api.files {
        Some(_) if !config.api.addresses.is_empty() => {
            Some(identity::identity(&config).map_err(Error::Files)?)
        }
        _ => None,
    };
    user::folder(&config.server.state, "server.state", user.as_ref())?;
    if let Some(user) = &user {
        instance.give(user);
        user::become_it(user, &config)?;
        for warning in user::unreadable(user, &loaded.files) {
            log::warn!("{warning}");
        }
    }
    let writes = user::confine(&config)?;
    // From here on there are threads, and files that are the user's.
    let sockets = sockets.with_control(&config)?;
    crate::log::queue().map_err(|error| Error::System(format!("starting the log: {error}")))?;
    let lock = read_lock(&config).map_err(Error::Lock)?;
    let site = build(config.clone(), lock).map_err(Error::Files)?;
    tell(&site);
    let (census, contents, warnings) =
        Census::open(&config.server.state).map_err(|error| Error::Store(error.to_string()))?;
    census.store().retain(&config.events);
    let identity = match own_identity {
        None if !config.api.addresses.is_empty() => {
            Some(identity::identity(&config).map_err(Error::Files)?)
        }
        identity => identity,
    };
    warnings.iter().for_each(|warning| log::warn!("{warning}"));
    let census = Arc::new(census);
    let journal = Journal::new(census.clone(), contents.next_seq);
    let status = Arc::new(Status::new(
        loaded.files,
        journal,
        fragments::Fragments::new(path, loaded.written),
        writes,
    ));
    let api = sockets.api;
    let servers = (sockets.tftp, sockets.http, sockets.bound);
    let mut daemon = start(path, site, census, servers, status, contents.tokens)?;
    daemon
        .open_api(&config, api, identity)
        .map_err(Error::System)?;
    daemon.deaf = deaf;
    daemon.observe(captures);
    daemon.follow_addresses();
    log::info!(
        "hearth {} serves TFTP on {} and HTTP on {}, {} ms after its start",
        env!("CARGO_PKG_VERSION"),
        list(&daemon.tftp.addresses()),
        list(daemon.http.addresses()),
        began.elapsed().as_millis()
    );
    manager::tell(manager::Now::Ready);
    let result = daemon.until_stopped(signals);
    drop(instance);
    result
}

fn start(
    path: &Path,
    site: Site,
    census: Arc<Census>,
    (tftp, http, bound): (Vec<Arc<tftp::Listener>>, http::Listeners, Bound),
    status: Arc<Status>,
    tokens: Vec<TokenRow>,
) -> Result<Daemon, Error> {
    let system = |error: String| Error::System(error);
    let config = site.config.clone();
    let sink: Arc<dyn Sink> = status.clone();
    let known = census.clone();
    let keeper = Arc::new(Keeper::new(site, census, sink.clone(), Box::new(read_lock)));
    let api = Arc::new(control::api(
        known.clone(),
        keeper.clone(),
        status.clone(),
        tokens,
    ));
    let handler = control::handler(api.clone(), status.clone());
    status.webhooks.run(&config, &api, &status.journal);
    status.journal.on_transfer(&keeper);
    let tftp = tftp::Server::serve(tftp, config.tftp.clone(), keeper.clone(), sink.clone());
    let tftp = tftp.map_err(|error| system(error.to_string()))?;
    let http = http::Server::serve(
        http,
        config.http.clone(),
        keeper.clone(),
        sink,
        Some(handler.clone()),
    );
    let http = http.map_err(|error| system(error.to_string()))?;
    let _ = status.tftp.set(Box::new(tftp.meter()));
    let _ = status.http.set(Box::new(http.meter()));
    let _ = status.tftp_running.set(Box::new(tftp.watch()));
    let _ = status.http_running.set(Box::new(http.watch()));
    let lookout = watch(keeper.clone(), status.clone())?;
    let ended = Arc::new(AtomicBool::new(false));
    let tell = ended.clone();
    tftp.on_end(move || {
        tell.store(true, Ordering::Relaxed);
        signals::ask_to_stop();
    });
    Ok(Daemon {
        path: path.to_owned(),
        keeper,
        census: known,
        status,
        tftp,
        http,
        api,
        bound,
        api_bound: Vec::new(),
        handler,
        secure: None,
        observer: None,
        deaf: Vec::new(),
        ended,
        _lookout: lookout,
    })
}

/// Follows the system's clock and this host's addresses, and has the keeper look at the time now and
/// then, until what is returned is dropped.
fn watch(keeper: Arc<Keeper>, status: Arc<Status>) -> Result<mpsc::Sender<()>, Error> {
    let (end, ended) = mpsc::channel::<()>();
    let look = move || {
        let (mut looked, mut addresses) = (Instant::now(), Lookout::new());
        while ended.recv_timeout(limits::LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
            status.journal.follow_the_clock();
            addresses.look();
            if looked.elapsed() >= limits::CLOCK {
                keeper.look_at_the_clock();
                looked = Instant::now();
            }
        }
    };
    let thread = std::thread::Builder::new().name("lookout".to_owned());
    match thread.spawn(look) {
        Ok(_) => Ok(end),
        Err(error) => Err(Error::System(format!("starting the lookout: {error}"))),
    }
}

impl Daemon {
    fn until_stopped(mut self, signals: Signals) -> Result<(), Error> {
        loop {
            match signals.next() {
                Asked::Reload => self.reload(),
                Asked::Change => {
                    self.change_fragments();
                    self.follow_addresses();
                }
                Asked::Stop => break,
            }
        }
        let ended = self.ended.load(Ordering::Relaxed);
        log::info!("stopping: running transfers may end");
        manager::tell(manager::Now::Stopping);
        let store = self.census.store().clone();
        self.stop(signals);
        store.close();
        log::info!("stopped");
        if ended {
            return Err(Error::Ended(
                "the TFTP server ended by itself; start hearth again, and report this with the \
                 last lines of the log"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Lets what is under way come to its end; another signal to stop does not wait for it.
    fn stop(self, signals: Signals) {
        let socket = self.keeper.site().config.server.run.join(SOCKET);
        drop(self.observer);
        let (tftp, http) = (self.tftp, self.http);
        let (done, over) = mpsc::channel();
        let hurry = done.clone();
        let stop = move || {
            std::thread::scope(|both| {
                both.spawn(|| tftp.stop());
                http.stop();
            });
            let _ = done.send(());
        };
        let hear = move || {
            while signals.next() != Asked::Stop {}
            let _ = hurry.send(());
        };
        // Without a thread what runs is dropped, and so ends at once.
        let stopping = std::thread::Builder::new().spawn(stop).is_ok();
        let _ = std::thread::Builder::new().spawn(hear);
        if stopping {
            let _ = over.recv();
        }
        self.census.rest();
        let _ = fs::remove_file(socket);
    }
}

/// The configuration, held against itself but not against this host's addresses: an interface may
/// come up later ([`crate::sys::bind`]).
fn load(path: &Path) -> Result<Loaded, String> {
    let loaded = config::load(path, &Environment::default())
        .map_err(|mistakes| format!("the configuration is refused\n{mistakes}"))?;
    for warning in loaded.warnings.iter() {
        warning
            .to_string()
            .lines()
            .for_each(|line| log::warn!("{line}"));
    }
    Ok(loaded)
}

fn read_lock(config: &Config) -> Result<Lock, String> {
    Lock::load(&config.server.state.join(Lock::FILE)).map_err(|error| error.to_string())
}

fn build(config: Arc<Config>, lock: Lock) -> Result<Site, String> {
    let root = config.server.root.clone();
    Site::build(config, lock).map_err(|error| {
        let root = root.display();
        format!("reading {root}: {error}; create the folder, or correct server.root")
    })
}

/// Says what a person should know of what is served, and writes `default.ipxe`.
fn tell(site: &Site) {
    for warning in &site.warnings {
        log::warn!("{warning}");
    }
    for warning in ready::ready(site).iter().filter_map(ready::Ready::warning) {
        log::warn!("{warning}");
    }
    if let Err(error) = site.write_default() {
        log::warn!(
            "cannot write {DEFAULT} into {}: {error}; Hearth serves its own all the same, another \
             TFTP server would give out what was there before",
            site.config.server.root.display()
        );
    }
}

fn log_to(log: &config::Log) {
    crate::log::configure(log.level, log.target == config::LogTarget::Syslog);
}

/// Every connection and transfer needs a descriptor; the hard limit is there to be used.
fn more_descriptors() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}
