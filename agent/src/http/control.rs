//! The control socket: HTTP for this host's command line and GUI, guarded by the file's mode. What is
//! asked and answered is the handler's.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use super::shared::stopped;
use crate::limits;

/// What is asked at the control socket.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, ...
    pub method: String,
    /// Still percent-encoded.
    pub path: String,
    /// Still percent-encoded; empty if there is none.
    pub query: String,
    /// At most [`limits::CONTROL_BODY_BYTES`].
    pub body: Vec<u8>,
    /// The user of this host that asks.
    pub who: String,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The media type.
    pub kind: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// `Allow`, with 405.
    pub allow: Option<&'static str>,
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
        let (handler, who) = (handler.clone(), who(&stream));
        let service = service_fn(move |request| {
            let (handler, who) = (handler.clone(), who.clone());
            async move { Ok::<_, Infallible>(answer(request, handler, who).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::CONTROL_TIMEOUT)
            .max_buf_size(limits::HTTP_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // What goes wrong here concerns the client alone, and it sees it.
            let _ = connection.await;
            drop(seat);
        });
    }
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

async fn answer<B>(request: Request<B>, handler: Handler, who: String) -> Response<Full<Bytes>>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let body = Limited::new(body, limits::CONTROL_BODY_BYTES);
    let Ok(body) = body.collect().await else {
        let words = "the body is too large, or ended too early\n";
        return response(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", words.into());
    };
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        body: body.to_bytes().to_vec(),
        who,
    };
    match tokio::task::spawn_blocking(move || handler(asked)).await {
        Ok(reply) => {
            let status = StatusCode::from_u16(reply.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut answer = response(status, reply.kind, reply.body);
            if let Some(allow) = reply.allow {
                let allow = HeaderValue::from_static(allow);
                answer.headers_mut().insert(ALLOW, allow);
            }
            answer
        }
        Err(error) => {
            log::error!("answering at the control socket: {error}");
            let words = "the agent could not answer; its log says why\n";
            response(
                StatusCode::INTERNAL_SERVER_ERROR,
                "text/plain",
                words.into(),
            )
        }
    }
}

fn response(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
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
