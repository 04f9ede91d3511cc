//! A reload: the configuration on the disk is put in force, all of it or nothing, and no transfer is
//! cut.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::addresses::bindable;
use super::error::Error;
use super::sockets::{self, Bound, list, of_http, of_tftp};
use super::{Daemon, build, identity, load, log_to, read_lock, tell};
use crate::config::Config;
use crate::http;
use crate::sys::confine;

/// Sockets of the API that nobody serves yet, and who it is there.
type Prepared = (http::Bound, Option<http::Identity>);

impl Daemon {
    pub(super) fn reload(&mut self) {
        let result = self.reloaded();
        match &result {
            Ok(_) => log::info!("reload: {} is in force", self.path.display()),
            Err(reason) => {
                log::error!("reload refused, the old configuration stays in force:");
                reason.lines().for_each(|line| log::error!("{line}"));
            }
        }
        self.status.reloaded(result);
    }

    /// Puts the configuration on the disk in force, all of it or nothing.
    pub(super) fn reloaded(&mut self) -> Result<Vec<PathBuf>, String> {
        let loaded = load(&self.path)?;
        let old = self.keeper.site().config.clone();
        let config = Arc::new(loaded.config);
        if old.server.run != config.server.run
            || old.server.user != config.server.user
            || old.tftp.single_port != config.tftp.single_port
        {
            return Err(
                "server.run, server.user and tftp.single_port are taken at the start only: restart \
                 hearth"
                    .to_owned(),
            );
        }
        let writes = &self.status.writes;
        for (key, folder) in [
            ("root", &config.server.root),
            ("state", &config.server.state),
        ] {
            if !writes.is_empty() && !confine::is_within(folder, writes) {
                return Err(format!(
                    "server.{key} is {}, and hearth confined itself to other folders at its start: \
                     restart it",
                    folder.display()
                ));
            }
        }
        let site = build(config.clone(), read_lock(&config)?)?;
        let api = self.prepare_api(&config)?;
        self.rebind(&config, sockets::bound(&config))?;
        if let Some((bound, identity)) = api {
            self.open_api(&config, bound, identity)?;
        }
        log_to(&config.log);
        self.tftp.set_limits(config.tftp.clone());
        self.http.set_limits(config.http.clone());
        self.census.store().retain(&config.events);
        tell(&site);
        self.keeper.replace(site);
        self.observe_where(&config, true);
        self.follow_addresses();
        self.status.fragments.in_force(loaded.written);
        let status = &self.status;
        status.webhooks.run(&config, &self.api, &status.journal);
        Ok(loaded.files)
    }

    /// Opens what the API's new addresses need, and reads its certificate, which may be another now;
    /// nothing changes yet. `None`: it listened nowhere and will not.
    fn prepare_api(&self, config: &Config) -> Result<Option<Prepared>, String> {
        if config.api.addresses.is_empty() && self.secure.is_none() {
            return Ok(None);
        }
        let addresses = sockets::of_api(config);
        let identity = match config.api.addresses[..] {
            [] => None,
            _ => Some(identity::identity(config)?),
        };
        let bound = match &self.secure {
            Some(secure) => secure.prepare(&addresses),
            None => http::Secure::bind(&addresses),
        };
        let bound = bound.map_err(|error| sockets::api_error(error).to_string())?;
        Ok(Some((bound, identity)))
    }

    /// Answers programs on other hosts where the configuration says, and nowhere else.
    pub(super) fn open_api(
        &mut self,
        config: &Config,
        bound: http::Bound,
        identity: Option<http::Identity>,
    ) -> Result<(), String> {
        let Some(identity) = identity else {
            // Those that are connected go on; nobody else comes.
            self.secure = None;
            self.api_bound.clear();
            return Ok(());
        };
        if self.secure.is_none() {
            self.secure = self.http.secure(self.handler.clone(), identity.clone());
        }
        let addresses = sockets::of_api(config);
        self.api_bound.clone_from(&addresses);
        log::info!(
            "the API answers on {}, its certificate has the sha256 {}",
            list(&addresses),
            identity.fingerprint()
        );
        match &mut self.secure {
            Some(secure) => secure
                .rebind(&addresses, bound, identity)
                .map_err(|error| format!("opening the API: {error}")),
            None => Err("opening the API: the HTTP server has ended".to_owned()),
        }
    }

    /// Listens also where it could not before, because no interface had the address.
    pub(super) fn bind_more(&mut self, config: &Config) -> Result<(), String> {
        let [tftp, http] = &self.bound;
        let more = |all: Vec<SocketAddr>, bound: &[SocketAddr]| {
            let new = bindable(&all);
            let is_one = |one: &SocketAddr| bound.contains(one) || new.contains(one);
            all.into_iter().filter(is_one).collect()
        };
        let bound = [more(of_tftp(config), tftp), more(of_http(config), http)];
        self.rebind(config, bound)?;
        let mut api = sockets::of_api(config).into_iter();
        if api.any(|address| !self.api_bound.contains(&address))
            && let Some((bound, identity)) = self.prepare_api(config)?
        {
            self.open_api(config, bound, identity)?;
        }
        Ok(())
    }

    /// Listens where the new configuration says, by both or by none; transfers of the old addresses
    /// go on.
    fn rebind(&mut self, new: &Config, bound: Bound) -> Result<(), String> {
        if self.bound == bound {
            return Ok(());
        }
        let text = |error: Error| match (&error, &new.server.user) {
            (Error::Permission(text), Some(user)) => {
                format!("{text}; this hearth became user {user} at its start: restart it")
            }
            _ => error.to_string(),
        };
        let tftp = self.tftp.prepare(&bound[0]);
        let tftp = tftp.map_err(|error| text(sockets::tftp_error(error)))?;
        let http = self.http.prepare(&bound[1]);
        let http = http.map_err(|error| text(sockets::http_error(error)))?;
        self.tftp.rebind(tftp);
        self.http.rebind(http);
        self.bound = bound;
        log::info!(
            "now TFTP is on {} and HTTP on {}",
            list(&self.tftp.addresses()),
            list(self.http.addresses())
        );
        Ok(())
    }
}
