//! Takes connections in, for as long as the server runs, whatever accept(2) says.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::body::Link;
use super::serve::Client;
use super::shared::{Seat, Shared, stopped};
use super::turn_away::turn_away;
use super::wire::Wire;
use crate::limits;

/// An accept error is logged again after this time.
const LOG_AGAIN: Duration = Duration::from_secs(60);

/// Accepts on one socket until `stop` becomes true.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    let mut logged: Option<Instant> = None;
    loop {
        let next = async {
            until_room(&shared).await;
            listener.accept().await
        };
        match unless(stop.clone(), next).await {
            None => return,
            Some(Ok((stream, peer))) => admit(stream, peer, &shared, &stop),
            Some(Err(error)) if concerns_one_client(&error) => {
                log::debug!("accepting an HTTP connection: {error}");
            }
            // Out of descriptors or buffers (EMFILE, ENFILE, ENOBUFS, ENOMEM), or something that
            // nobody has seen yet. The clients wait in the kernel's queue meanwhile.
            Some(Err(error)) => {
                if logged.is_none_or(|at| at.elapsed() > LOG_AGAIN) {
                    log::warn!(
                        "accepting HTTP connections: {error}; it goes on when descriptors are \
                         free, raise their limit if this comes again"
                    );
                    logged = Some(Instant::now());
                }
                let freed = shared.serving.freed.notified();
                let pause = tokio::time::timeout(limits::HTTP_ACCEPT_PAUSE, freed);
                if unless(stop.clone(), pause).await.is_none() {
                    return;
                }
            }
        }
    }
}

/// Runs `work` to its end, or to the server's.
async fn unless<T>(mut stop: watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = stopped(&mut stop) => None,
        done = work => Some(done),
    }
}

/// Waits until one more connection can be served or at least told 503. Until then clients stay in
/// the kernel's queue, which is bounded too.
async fn until_room(shared: &Shared) {
    loop {
        let mut freed = pin!(shared.serving.freed.notified());
        freed.as_mut().enable();
        if shared.serving.taken() < shared.connections()
            || shared.turning_away.taken() < limits::HTTP_TURNED_AWAY
        {
            return;
        }
        freed.await;
    }
}

/// Whether only the connection that was to be accepted is lost.
fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

fn admit(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>, stop: &watch::Receiver<bool>) {
    if let Some(seat) = shared.serving.take(shared.connections()) {
        // A head without a body behind it must leave at once.
        if let (Ok(local), Ok(())) = (stream.local_addr(), stream.set_nodelay(true)) {
            let client = Client {
                peer: SocketAddr::new(peer.ip().to_canonical(), peer.port()),
                local: local.ip().to_canonical(),
                link: Arc::new(Link::default()),
                shared: shared.clone(),
            };
            tokio::spawn(serve(stream, client, seat, stop.clone()));
        }
    } else if let Some(seat) = shared.turning_away.take(limits::HTTP_TURNED_AWAY) {
        shared.stats.turned_away.fetch_add(1, Ordering::Relaxed);
        let retry_after = shared.limits().retry_after;
        tokio::spawn(async move {
            turn_away(stream, retry_after).await;
            drop(seat);
        });
    }
}

async fn serve(stream: TcpStream, client: Client, seat: Seat, mut stop: watch::Receiver<bool>) {
    let wire = Wire::new(stream, client.link.clone(), client.shared.clone());
    let peer = client.peer;
    let client = Arc::new(client);
    let service = service_fn(move |request| {
        let client = client.clone();
        async move { Ok::<_, Infallible>(client.answer(request).await) }
    });
    let connection = http1::Builder::new()
        // The wire keeps all time-outs; it must get places and not copies of them.
        .header_read_timeout(None)
        .writev(true)
        // A client may close its sending side and still want the answer.
        .half_close(true)
        // Names of fields have no letter case (RFC 9110 section 5.1), but not all firmware knows.
        .title_case_headers(true)
        .max_buf_size(limits::HTTP_HEAD_BYTES)
        .max_headers(limits::HTTP_HEADERS)
        .serve_connection(wire, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("the HTTP connection of {peer} ended: {error}");
    }
    drop(seat);
}
