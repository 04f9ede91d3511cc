//! The control socket: HTTP for this host's command line and GUI, guarded by the file's mode.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, watch};

use super::shared::stopped;
use crate::limits;

/// What `GET /api/v1/status` shows.
pub type Status = Arc<dyn Fn() -> serde_json::Value + Send + Sync>;

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
pub async fn serve(listener: UnixListener, status: Status, mut stop: watch::Receiver<bool>) {
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
        let status = status.clone();
        let service = service_fn(move |request| {
            let answer = answer(&request, &status);
            std::future::ready(Ok::<_, Infallible>(answer))
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

fn answer<B>(request: &Request<B>, status: &Status) -> Response<Full<Bytes>> {
    let text = |code, words: &'static str| {
        let mut answer = Response::new(Full::from(words));
        *answer.status_mut() = code;
        answer
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        answer
    };
    if request.uri().path() != "/api/v1/status" {
        return text(StatusCode::NOT_FOUND, "there is /api/v1/status\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        answer
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let mut answer = Response::new(Full::from(format!("{}\n", status())));
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, path: &str) -> (u16, String) {
        let status: Status = Arc::new(|| serde_json::json!({"up": true}));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(())
            .unwrap();
        let answer = answer(&request, &status);
        let kind = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        (answer.status().as_u16(), kind)
    }

    #[test]
    fn there_is_the_status_and_nothing_else() {
        assert_eq!(
            ask("GET", "/api/v1/status"),
            (200, "application/json".into())
        );
        assert_eq!(ask("POST", "/api/v1/status"), (405, "text/plain".into()));
        assert_eq!(ask("GET", "/files/x"), (404, "text/plain".into()));
    }

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
