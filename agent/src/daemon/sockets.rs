//! Binds every socket of the agent, and says in words why one could not be bound.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::SOCKET;
use super::addresses::bindable;
use super::error::Error;
use super::holder::{self, Transport};
use crate::config::Config;
use crate::{http, tftp};

/// Sockets that nobody serves yet.
pub struct Sockets {
    /// For [`tftp::Server::serve`].
    pub tftp: Vec<Arc<tftp::Listener>>,
    /// For [`http::Server::serve`], with the control socket.
    pub http: http::Listeners,
    /// For [`http::Secure::rebind`].
    pub api: http::Bound,
    /// Where the first two are.
    pub bound: Bound,
}

/// Where TFTP and HTTP were told to listen, and do: every address that can be bound by now.
pub type Bound = [Vec<SocketAddr>; 2];

/// Where TFTP and HTTP can listen now.
pub fn bound(config: &Config) -> Bound {
    [of_tftp(config), of_http(config)].map(|all| bindable(&all))
}

/// Binds all or none, but for the control socket. Doing so is all that may need root.
///
/// # Errors
/// [`Error::Listen`], with who has a port that is taken; [`Error::Permission`].
pub fn bind(config: &Config) -> Result<Sockets, Error> {
    let bound = bound(config);
    let [tftp, http] = &bound;
    Ok(Sockets {
        tftp: tftp::Server::bind(tftp).map_err(tftp_error)?,
        http: http::Listeners::bind(http, None).map_err(http_error)?,
        api: http::Secure::bind(&of_api(config)).map_err(api_error)?,
        bound,
    })
}

impl Sockets {
    /// Opens the control socket, as the user that serves it.
    ///
    /// # Errors
    /// [`Error::Files`].
    pub fn with_control(self, config: &Config) -> Result<Sockets, Error> {
        let control = config.server.run.join(SOCKET);
        Ok(Sockets {
            http: self.http.with_control(&control).map_err(http_error)?,
            ..self
        })
    }
}

/// Where TFTP listens.
pub fn of_tftp(config: &Config) -> Vec<SocketAddr> {
    of(config, config.server.tftp_port)
}

/// Where HTTP listens.
pub fn of_http(config: &Config) -> Vec<SocketAddr> {
    of(config, config.server.http_port)
}

/// Where the API can listen now.
pub fn of_api(config: &Config) -> Vec<SocketAddr> {
    bindable(&at(&config.api.addresses, config.api.port))
}

fn of(config: &Config, port: u16) -> Vec<SocketAddr> {
    at(&config.server.addresses, port)
}

fn at(addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    addresses
        .iter()
        .map(|address| SocketAddr::new(*address, port))
        .collect()
}

/// Addresses for people.
pub fn list(addresses: &[SocketAddr]) -> String {
    if addresses.is_empty() {
        return "no address yet".to_owned();
    }
    let addresses: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
    addresses.join(", ")
}

/// What keeps TFTP from listening.
pub fn tftp_error(error: tftp::StartError) -> Error {
    match &error {
        tftp::StartError::Listen { address, source } => {
            let wish = (Transport::Udp, "TFTP", "server.tftp_port");
            listen(wish, *address, source, error.to_string())
        }
        tftp::StartError::Threads(_) => Error::System(error.to_string()),
    }
}

/// What keeps HTTP from listening.
pub fn http_error(error: http::StartError) -> Error {
    of_tcp(error, ("HTTP", "server.http_port"))
}

/// What keeps the API from listening.
pub fn api_error(error: http::StartError) -> Error {
    of_tcp(error, ("the API", "api.port"))
}

fn of_tcp(error: http::StartError, (what, key): (&'static str, &'static str)) -> Error {
    match &error {
        http::StartError::Listen { address, source } => listen(
            (Transport::Tcp, what, key),
            *address,
            source,
            error.to_string(),
        ),
        http::StartError::Control { .. } => Error::Files(error.to_string()),
        http::StartError::Runtime(_) => Error::System(error.to_string()),
    }
}

fn listen(
    (transport, what, key): (Transport, &str, &str),
    address: SocketAddr,
    source: &io::Error,
    text: String,
) -> Error {
    match source.kind() {
        ErrorKind::PermissionDenied => Error::Permission(text),
        ErrorKind::AddrInUse => match holder::of(transport, address) {
            Some(who) => {
                let (ip, port) = (address.ip(), address.port());
                Error::Listen(format!(
                    "listening for {what} on {ip} port {port}: the port is in use: {who}, or \
                     set {key}"
                ))
            }
            None => Error::Listen(text),
        },
        _ => Error::Listen(text),
    }
}
