//! From a request to its answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use http::header::{CONTENT_LENGTH, RANGE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};

use super::answer;
use super::body::{Body, Link, Segment, Source};
use super::condition::{Validators, Verdict, judge};
use super::file::{Unusable, open};
use super::range::{Selection, select};
use super::route::{Route, route};
use super::shared::Shared;
use super::transfer::Transfer;
use crate::boot::{self, Answer, Given, Told};
use crate::event::{Outcome, Report, Via};
use crate::image::catalogue::Entry;
use crate::{limits, percent};

/// One connection's client.
pub struct Client {
    /// Its address.
    pub peer: SocketAddr,
    /// The address of ours that it asked.
    pub local: IpAddr,
    /// What the connection's parts share.
    pub link: Arc<Link>,
    /// What all connections share.
    pub shared: Arc<Shared>,
}

impl Client {
    /// Answers one request. A body is read only where it is a report.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.link.request();
        self.shared.stats.requests.fetch_add(1, Ordering::Relaxed);
        let head = request.method() == Method::HEAD;
        let route = route(request.uri().path());
        let answer = if announces_too_much(request.headers()) {
            answer::too_large()
        } else if let Route::Nothing(path) = route {
            let transfer = self.begin(path);
            not_found(transfer)
        } else if let Route::Event(token, report) = route {
            match *request.method() {
                Method::GET | Method::POST => self.event(token, report, request).await,
                _ => answer::method_not_allowed("GET, POST"),
            }
        } else if !head && request.method() != Method::GET {
            answer::method_not_allowed("GET, HEAD")
        } else {
            match route {
                Route::File(name) => return self.file(&name, head, request.headers()),
                Route::Answer(token, name) => self.answer_file(token, name).await,
                _ => self.script(request.uri().query().unwrap_or_default()).await,
            }
        };
        self.finish(answer, head)
    }

    /// What a machine is to do. The gate may wait for the disk, which holds up nobody else here.
    async fn script(&self, query: &str) -> Response<Vec<u8>> {
        let (gate, asks, query) = (self.shared.gate.clone(), self.asks(), query.to_owned());
        match tokio::task::spawn_blocking(move || gate.script(&query, &asks)).await {
            Ok(script) => answer::script(script),
            Err(error) => {
                log::error!("deciding what a machine gets: {error}");
                answer::busy(self.shared.limits().retry_after)
            }
        }
    }

    /// An answer file of an installation; the token is in no event.
    async fn answer_file(&self, token: String, name: String) -> Response<Vec<u8>> {
        let (gate, asks, asked) = (self.shared.gate.clone(), self.asks(), name.clone());
        let given = tokio::task::spawn_blocking(move || gate.answer(&token, &asked, &asks));
        match given.await {
            Ok(Given::Text(text)) => answer::secret(text),
            Ok(Given::Nothing) => {
                self.begin(format!("answer/.../{name}"))
                    .end(Outcome::NotFound);
                answer::text(
                    StatusCode::NOT_FOUND,
                    "no installation under way has this token and an answer of this name",
                )
            }
            Ok(Given::Broken) => answer::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "this answer could not be filled in; the machine's timeline on the server says why",
            ),
            Err(error) => {
                log::error!("filling in an answer: {error}");
                answer::busy(self.shared.limits().retry_after)
            }
        }
    }

    /// An installation reports. What it says is in the body, or after the `?` where a program can
    /// only ask (`wget -O- URL?text`).
    async fn event<B>(
        &self,
        token: String,
        report: Report,
        request: Request<B>,
    ) -> Response<Vec<u8>>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut text = percent::decoded_text(request.uri().query().unwrap_or_default());
        if request.method() == Method::POST {
            let body = Limited::new(request.into_body(), limits::HTTP_BODY_BYTES);
            match body.collect().await {
                Ok(body) => text = String::from_utf8_lossy(&body.to_bytes()).into_owned(),
                Err(_) => return answer::too_large(),
            }
        }
        let (gate, asks) = (self.shared.gate.clone(), self.asks());
        let told = tokio::task::spawn_blocking(move || gate.report(&token, report, &text, &asks));
        match told.await {
            Ok(Told::Taken) => answer::text(StatusCode::OK, "taken"),
            Ok(Told::Unknown) => answer::text(
                StatusCode::NOT_FOUND,
                "no installation under way has this token",
            ),
            Ok(Told::TooMuch) => answer::text(
                StatusCode::TOO_MANY_REQUESTS,
                "this installation has said too much",
            ),
            Ok(Told::Refused(why)) => answer::text(StatusCode::FORBIDDEN, &why),
            Ok(Told::Later(why)) => {
                log::warn!("a report of an installation is not on the disk yet: {why}");
                answer::busy(self.shared.limits().retry_after)
            }
            Err(error) => {
                log::error!("taking a report of an installation: {error}");
                answer::busy(self.shared.limits().retry_after)
            }
        }
    }

    fn asks(&self) -> boot::Request {
        boot::Request {
            via: Via::Http,
            peer: self.peer,
            local: self.local,
        }
    }

    fn begin(&self, name: String) -> Transfer {
        Transfer::begin(self.shared.sink.clone(), self.peer, name)
    }

    /// Gives an answer in memory its body; an answer to HEAD keeps the fields alone.
    fn finish(&self, answer: Response<Vec<u8>>, head: bool) -> Response<Body> {
        let link = self.link.clone();
        answer.map(|bytes| Body::bytes(link, if head { Vec::new() } else { bytes }))
    }

    fn file(&self, name: &str, head: bool, headers: &HeaderMap) -> Response<Body> {
        let mut transfer = self.begin(name.to_owned());
        let refusal = match self.look_up(name) {
            Ok((entry, source)) => {
                transfer.sized(entry.size);
                return self.send(name, &entry, source, transfer, head, headers);
            }
            Err(Refusal::NotFound) => not_found(transfer),
            Err(Refusal::Denied(reason)) => {
                let answer = answer::text(StatusCode::FORBIDDEN, &reason);
                transfer.end(Outcome::Refused(reason));
                answer
            }
            Err(Refusal::Exhausted) => {
                transfer.end(Outcome::Failed("no file descriptor is free".into()));
                answer::busy(self.shared.limits().retry_after)
            }
            Err(Refusal::Failed(error)) => {
                log::error!("sending {name} over HTTP: {error}; check the file and its folder");
                transfer.end(Outcome::Failed(error.to_string()));
                answer::text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read")
            }
        };
        self.finish(refusal, head)
    }

    /// Asks the gate and opens what it names; once more if the disk has changed in between.
    fn look_up(&self, name: &str) -> Result<(Arc<Entry>, Source), Refusal> {
        for _ in 0..2 {
            let entry = match self.shared.gate.file(name, &self.asks()) {
                Answer::File(entry) => entry,
                Answer::NotFound => return Err(Refusal::NotFound),
                Answer::Denied(reason) => return Err(Refusal::Denied(reason)),
            };
            match open(&entry) {
                Ok(source) => return Ok((entry, source)),
                Err(Unusable::Changed) => {}
                Err(Unusable::Exhausted) => return Err(Refusal::Exhausted),
                Err(Unusable::Failed(error)) => return Err(Refusal::Failed(error)),
            }
        }
        Err(Refusal::NotFound)
    }

    fn send(
        &self,
        name: &str,
        entry: &Entry,
        source: Source,
        mut transfer: Transfer,
        head: bool,
        headers: &HeaderMap,
    ) -> Response<Body> {
        let size = entry.size;
        let validators = Validators::new(size, entry.modified);
        let selection = match judge(headers, &validators, SystemTime::now()) {
            Verdict::Failed(field) => {
                let reason = format!("the file is not the one that {field} means");
                let answer = answer::text(StatusCode::PRECONDITION_FAILED, &reason);
                transfer.end(Outcome::Refused(reason));
                return self.finish(answer, head);
            }
            Verdict::NotModified => {
                transfer.end(Outcome::Done);
                let mut answer = Response::new(Body::bytes(self.link.clone(), Vec::new()));
                *answer.status_mut() = StatusCode::NOT_MODIFIED;
                answer::state(answer.headers_mut(), &validators);
                return answer;
            }
            Verdict::Send { range: true } if !head => asked_range(headers, size),
            // RFC 9110 section 14.2: Range has a meaning for GET alone.
            Verdict::Send { .. } => Selection::Whole,
        };
        let part = match selection {
            Selection::Whole => None,
            Selection::Part(span) => Some(span),
            Selection::Unsatisfiable => {
                let mut answer = answer::unsatisfiable(size);
                answer::state(answer.headers_mut(), &validators);
                transfer.end(Outcome::Refused("a range behind the file's end".into()));
                return self.finish(answer, false);
            }
        };
        let (offset, remaining) = part.map_or((0, size), |span| (span.first, span.length()));
        let body = if head || remaining == 0 {
            transfer.end(if head { Outcome::Probe } else { Outcome::Done });
            Body::bytes(self.link.clone(), Vec::new())
        } else {
            transfer.show(&self.shared.running, remaining, self.link.socket());
            let segment = Segment {
                source,
                offset,
                remaining,
                transfer,
            };
            Body::segment(self.link.clone(), segment)
        };
        let mut answer = Response::new(body);
        if part.is_some() {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        answer::state(answer.headers_mut(), &validators);
        answer::content(answer.headers_mut(), name, size, part);
        answer
    }
}

/// Why a name gets no file.
enum Refusal {
    NotFound,
    Denied(String),
    Exhausted,
    Failed(std::io::Error),
}

fn not_found(transfer: Transfer) -> Response<Vec<u8>> {
    transfer.end(Outcome::NotFound);
    answer::text(
        StatusCode::NOT_FOUND,
        "no such file; there are /default.ipxe, /script and /files/<name>",
    )
}

/// The part that the request asks for. `Range` given twice is no valid range: it is ignored.
fn asked_range(headers: &HeaderMap, size: u64) -> Selection {
    let mut values = headers.get_all(RANGE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => select(value.as_bytes(), size),
        _ => Selection::Whole,
    }
}

/// Whether a body over the limit is announced. One without a length is not read either, and ends
/// the connection.
fn announces_too_much(headers: &HeaderMap) -> bool {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let length = length.and_then(|value| value.parse::<u64>().ok());
    length.is_some_and(|length| length > limits::HTTP_BODY_BYTES as u64)
}
