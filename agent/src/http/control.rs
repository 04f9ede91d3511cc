//! The control side's sockets: HTTP for this host's command line and GUI, guarded by the file's mode, and
//! the same over TLS ([`super::secure`]). What is asked and answered is the handler's.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, watch};

use super::shared::stopped;
use crate::limits;

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A user of this host, who may open the control socket.
    Local(String),
    /// Somebody at an address, who has to show a token.
    Remote(IpAddr),
}

/// What is asked of the control side.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, ...
    pub method: String,
    /// Still percent-encoded.
    pub path: String,
    /// Still percent-encoded; empty if there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// At most [`limits::CONTROL_BODY_BYTES`].
    pub body: Vec<u8>,
    /// Who asks.
    pub caller: Caller,
}

/// What is answered.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, but for those of the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece as it comes, until the other side closes.
    Pieces(mpsc::Receiver<Bytes>),
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match self.get_mut() {
            Body::Whole(bytes) if bytes.is_empty() => None,
            Body::Whole(bytes) => Some(std::mem::take(bytes)),
            Body::Pieces(pieces) => match pieces.poll_recv(context) {
                Poll::Ready(piece) => piece,
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(piece.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Body::Whole(bytes) => http_body::SizeHint::with_exact(bytes.len() as u64),
            Body::Pieces(_) => http_body::SizeHint::default(),
        }
    }
}

/// Answers what is asked; it may wait for the disk.
pub type Handler = Arc<dyn Fn(Asked) -> Reply + Send + Sync>;

/// Opens the control socket at `path`, mode 0660. One that a dead process left behind is replaced.
///
/// # Errors
/// `AddrInUse` if a process listens there; what the system calls report else.
pub fn bind(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    if StdStream::connect(path).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AddrInUse));
    }
    // Under another name until the mode is right: nobody gets in between.
    let mut hidden = path.as_os_str().to_owned();
    hidden.push(format!(".{}", std::process::id()));
    let hidden = PathBuf::from(hidden);
    let _ = fs::remove_file(&hidden);
    let listener = std::os::unix::net::UnixListener::bind(&hidden)?;
    let ready = fs::set_permissions(&hidden, fs::Permissions::from_mode(0o660))
        .and_then(|()| fs::rename(&hidden, path))
        .and_then(|()| listener.set_nonblocking(true));
    if let Err(error) = ready {
        let _ = fs::remove_file(&hidden);
        return Err(error);
    }
    Ok(listener)
}

/// Serves the control socket until `stop` becomes true.
pub async fn serve(listener: UnixListener, handler: Handler, mut stop: watch::Receiver<bool>) {
    let seats = Arc::new(Semaphore::new(limits::CONTROL_CONNECTIONS));
    loop {
        let next = async {
            let seat = seats.clone().acquire_owned().await;
            (listener.accept().await, seat)
        };
        let (accepted, seat) = tokio::select! {
            () = stopped(&mut stop) => return,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                log::debug!("accepting a connection on the control socket: {error}");
                tokio::time::sleep(limits::HTTP_ACCEPT_PAUSE).await;
                continue;
            }
        };
        let caller = Caller::Local(who(&stream));
        let connection = connection(stream, handler.clone(), caller, stop.clone());
        tokio::spawn(async move {
            connection.await;
            drop(seat);
        });
    }
}

/// Serves one connection to its end.
pub async fn connection<S>(
    stream: S,
    handler: Handler,
    caller: Caller,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(move |request| {
        let (handler, caller) = (handler.clone(), caller.clone());
        async move { Ok::<_, Infallible>(answer(request, handler, caller).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::CONTROL_TIMEOUT)
        .max_buf_size(limits::HTTP_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // What goes wrong here concerns the client alone, and it sees it.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    // Whoever follows events has no end of its own.
    let _ = tokio::time::timeout(limits::HTTP_LINGER, connection).await;
}

/// The user at the other end, as the kernel knows it.
fn who(stream: &UnixStream) -> String {
    let Ok(peer) = stream.peer_cred() else {
        return "a user of this host".to_owned();
    };
    let id = nix::unistd::Uid::from_raw(peer.uid());
    match nix::unistd::User::from_uid(id) {
        Ok(Some(user)) => user.name,
        _ => format!("user {id}"),
    }
}

async fn answer<B>(request: Request<B>, handler: Handler, caller: Caller) -> Response<Body>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let body = Limited::new(body, limits::CONTROL_BODY_BYTES).collect();
    let Ok(Ok(body)) = tokio::time::timeout(limits::CONTROL_TIMEOUT, body).await else {
        let words = "the body is too large, ended too early, or came too slowly\n";
        return plain(StatusCode::PAYLOAD_TOO_LARGE, words);
    };
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes().to_vec(),
        caller,
    };
    match tokio::task::spawn_blocking(move || handler(asked)).await {
        Ok(reply) => response(reply),
        Err(error) => {
            log::error!("answering on the control side: {error}");
            let words = "the agent could not answer; its log says why\n";
            plain(StatusCode::INTERNAL_SERVER_ERROR, words)
        }
    }
}

fn response(reply: Reply) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status);
    let mut answer = Response::new(reply.body);
    *answer.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            let name = HeaderName::from_static(name);
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

fn plain(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::Whole(Bytes::from_static(words.as_bytes())));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_has_its_mode_replaces_a_dead_one_and_spares_a_living() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hearth.sock");
        let first = bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert_eq!(bind(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(first);
        bind(&path).unwrap();
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}
