//! The control side over TLS, for programs on other hosts: who asks has to show a token.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256 as Hasher};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use super::control::{Caller, Handler, connection, next};
use super::error::StartError;
use super::listen;
use crate::digest::Sha256;
use crate::{limits, tls};

/// Who the agent is to its clients: a certificate with its key.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

impl Identity {
    /// From PEM (RFC 7468): the certificate first, then those that vouch for it.
    ///
    /// # Errors
    /// One of them is missing or no PEM, or the key is not the certificate's.
    pub fn new(certificates: &[u8], key: &[u8]) -> Result<Identity, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|error| format!("the certificate is no PEM: {error}"))?;
        if chain.is_empty() {
            return Err("there is no certificate in it (-----BEGIN CERTIFICATE-----)".to_owned());
        }
        let fingerprint = Sha256(Hasher::digest(&chain[0]).into()).to_string();
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|error| format!("the key is no PEM: {error}"))?;
        let mut config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| format!("certificate and key do not go together: {error}"))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity {
            config: Arc::new(config),
            fingerprint,
        })
    }

    /// sha256 of the certificate, as hexadecimal digits: what people compare.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// The control side on TCP. Dropping it ends the accepting; connections go on.
pub struct Secure {
    runtime: Handle,
    handler: Handler,
    identity: watch::Sender<Identity>,
    seats: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    accepting: Vec<(SocketAddr, AbortHandle)>,
}

/// Sockets that listen and that nobody serves yet.
pub type Bound = Vec<(SocketAddr, std::net::TcpListener)>;

impl Secure {
    /// Opens a socket at each address.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn bind(addresses: &[SocketAddr]) -> Result<Bound, StartError> {
        addresses.iter().map(|&address| listen(address)).collect()
    }

    pub(super) fn new(
        runtime: Handle,
        handler: Handler,
        identity: Identity,
        stop: watch::Receiver<bool>,
    ) -> Secure {
        Secure {
            runtime,
            handler,
            identity: watch::Sender::new(identity),
            seats: Arc::new(Semaphore::new(limits::API_CONNECTIONS)),
            stop,
            accepting: Vec::new(),
        }
    }

    /// Opens what [`Secure::rebind`] needs for these addresses; nothing changes yet.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn prepare(&self, addresses: &[SocketAddr]) -> Result<Bound, StartError> {
        let is_new = |address: &&SocketAddr| !self.accepting.iter().any(|(one, _)| one == *address);
        let new: Vec<_> = addresses.iter().filter(is_new).copied().collect();
        Secure::bind(&new)
    }

    /// Listens there from now on and nowhere else, as this identity.
    ///
    /// # Errors
    /// What the system says of a socket.
    pub fn rebind(
        &mut self,
        addresses: &[SocketAddr],
        new: Bound,
        identity: Identity,
    ) -> io::Result<()> {
        self.identity.send_replace(identity);
        self.accepting.retain(|(address, task)| {
            let stays = addresses.contains(address);
            if !stays {
                task.abort();
            }
            stays
        });
        let _inside = self.runtime.enter();
        for (address, listener) in new {
            let accept = accept(
                TcpListener::from_std(listener)?,
                self.identity.subscribe(),
                self.handler.clone(),
                self.seats.clone(),
                self.stop.clone(),
            );
            let task = self.runtime.spawn(accept).abort_handle();
            self.accepting.push((address, task));
        }
        Ok(())
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.accepting.iter().for_each(|(_, task)| task.abort());
    }
}

/// Accepts connections until `stop` becomes true; each gets the identity that is in force when it
/// comes.
async fn accept(
    listener: TcpListener,
    identity: watch::Receiver<Identity>,
    handler: Handler,
    seats: Arc<Semaphore>,
    mut stop: watch::Receiver<bool>,
) {
    let accept = || listener.accept();
    // Whoever never comes to the end of its handshake has no seat, and makes room for the next.
    let doors = Arc::new(Semaphore::new(limits::API_HANDSHAKES + 1));
    let mut shaking: VecDeque<AbortHandle> = VecDeque::new();
    while let Some(((stream, peer), door)) = next(&doors, accept, &mut stop).await {
        shaking.retain(|one| !one.is_finished());
        while shaking.len() >= limits::API_HANDSHAKES {
            shaking.pop_front().iter().for_each(AbortHandle::abort);
        }
        let acceptor = TlsAcceptor::from(identity.borrow().config.clone());
        let (handler, seats, stop) = (handler.clone(), seats.clone(), stop.clone());
        let shake = tokio::spawn(async move {
            match shake(acceptor, stream).await {
                Ok(stream) => {
                    let caller = Caller::Remote(peer.ip().to_canonical());
                    tokio::spawn(seated(seats, connection(stream, handler, caller, stop)));
                }
                Err(error) => log::debug!("TLS with {peer}: {error}"),
            }
            drop(door);
        });
        shaking.push_back(shake.abort_handle());
    }
}

/// Serves a connection once there is a seat for it, if that comes in time.
async fn seated(seats: Arc<Semaphore>, connection: impl Future<Output = ()>) {
    let seat = tokio::time::timeout(limits::CONTROL_TIMEOUT, seats.acquire());
    if let Ok(Ok(_seat)) = seat.await {
        connection.await;
    }
}

async fn shake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let shaking = acceptor.accept(stream);
    match tokio::time::timeout(limits::CONTROL_TIMEOUT, shaking).await {
        Ok(done) => done,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}
