//! HTTP as far as fetching needs it: every wait has an end, redirects are followed by us, the
//! system's trust store decides whom to believe.

use std::io::Read;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName};

use crate::config;
use crate::event::Cause;
use crate::fetch::limit::{Limit, TooMuch};
use crate::fetch::trouble::Trouble;
use crate::fetch::{Failure, FailureKind, disk, redirect, trouble};
use crate::{limits, tls};

/// Asks origins.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
}

/// An answer whose body is still to be read.
pub(super) struct Answer {
    /// Status: 2xx, or 206's refusal 416.
    pub status: u16,
    /// Header lines.
    pub headers: HeaderMap,
    /// Where it came from in the end.
    pub url: String,
    /// The body; nothing bounds it but its end.
    pub body: ureq::BodyReader<'static>,
}

impl Answer {
    /// A header line's value, if it is text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Bytes of the body, if the answer says so.
    pub fn length(&self) -> Option<u64> {
        self.header(CONTENT_LENGTH)?.trim().parse().ok()
    }

    /// The refusal of a web page where a file or a list was asked for.
    pub fn refuse_page(&self) -> Result<(), Trouble> {
        let kind = self.header(CONTENT_TYPE).unwrap_or_default();
        if !kind.trim().to_ascii_lowercase().starts_with("text/html") {
            return Ok(());
        }
        let reason = format!(
            "{} answers with a web page: is there a login page of the network, or of a proxy, in \
             the way?",
            self.url
        );
        Err(Trouble::lasting(FailureKind::Data, reason)
            .because(Cause::Page)
            .at(&self.url))
    }

    /// The refusal of a body whose end cannot be told from a broken connection.
    pub fn refuse_endless(&self) -> Result<(), Trouble> {
        let coding = self.header(TRANSFER_ENCODING).unwrap_or_default();
        if self.length().is_some() || coding.to_ascii_lowercase().contains("chunked") {
            return Ok(());
        }
        let reason = format!(
            "{} does not say how long it is, so that all of it cannot be told from half of it: \
             where the configuration takes a `sha256`, give that",
            self.url
        );
        Err(Trouble::lasting(FailureKind::Data, reason).at(&self.url))
    }
}

impl Client {
    /// Prepares requests with the configured proxy (or the environment's) and times.
    pub fn new(fetch: &config::Fetch) -> Result<Client, Failure> {
        let proxy = match &fetch.proxy {
            Some(url) => Some(ureq::Proxy::new(url.as_str()).map_err(|error| {
                let reason = format!("`fetch.proxy` is no proxy: {error}");
                Failure::new(FailureKind::Usage, reason)
            })?),
            None => ureq::Proxy::try_from_env(),
        };
        let each = Some(fetch.timeout);
        let config = ureq::Agent::config_builder()
            .tls_config(tls::client())
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
            // What is compressed on the way has other bytes than the digests are of.
            .accept_encoding("identity")
            .timeout_resolve(each)
            .timeout_connect(each)
            .timeout_send_request(each)
            .timeout_send_body(each)
            .timeout_recv_response(each)
            .timeout_per_read(each)
            .timeout_per_write(each)
            .timeout_recv_body(Some(limits::FETCH_FILE_TIME))
            .build();
        Ok(Client {
            agent: config.into(),
        })
    }

    /// GET, following redirects. Any status but 2xx and 416 is an error.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer, Trouble> {
        let mut at = url.to_owned();
        for _ in 0..=limits::FETCH_REDIRECTS {
            let mut request = self.agent.get(&at);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let response = request
                .call()
                .map_err(|error| Trouble::transport(&at, error))?;
            let status = response.status().as_u16();
            if matches!(status, 301 | 302 | 303 | 307 | 308) {
                let location = response.headers().get(LOCATION);
                let location = location.and_then(|to| to.to_str().ok()).unwrap_or_default();
                at = redirect::target(&at, location)
                    .map_err(|reason| Trouble::lasting(FailureKind::Unavailable, reason).at(url))?;
                continue;
            }
            return answer(at, response);
        }
        let reason = format!(
            "{url} redirects more than {} times",
            limits::FETCH_REDIRECTS
        );
        Err(Trouble::lasting(FailureKind::Unavailable, reason).at(url))
    }

    /// GET of a text that is read whole.
    pub fn text(&self, url: &str) -> Result<String, Trouble> {
        read_text(self.get(url, &[])?)
    }

    /// POST; a redirect is an error, for what is posted must not go elsewhere.
    pub fn post(&self, url: &str, kind: &str, body: &str) -> Result<String, Trouble> {
        let response = self
            .agent
            .post(url)
            .header("Content-Type", kind)
            .send(body)
            .map_err(|error| Trouble::transport(url, error))?;
        read_text(answer(url.to_owned(), response)?)
    }
}

fn answer(url: String, response: http::Response<ureq::Body>) -> Result<Answer, Trouble> {
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let mut answer = Answer {
        status,
        headers: parts.headers,
        url,
        body: body.into_reader(),
    };
    if parts.status.is_success() || status == 416 {
        return Ok(answer);
    }
    let mut said = Vec::new();
    // The start of an error's body is a courtesy; that it cannot be read changes nothing.
    let _ = (&mut answer.body).take(1_024).read_to_end(&mut said);
    let after = answer.header(RETRY_AFTER).and_then(retry_after);
    let said = String::from_utf8_lossy(&said);
    Err(Trouble::status(&answer.url, status, &said, after))
}

fn read_text(answer: Answer) -> Result<String, Trouble> {
    answer.refuse_page()?;
    answer.refuse_endless()?;
    let mut text = String::new();
    match Limit::new(answer.body, limits::FETCH_TEXT_BYTES).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) if TooMuch::is(&error) => Err(Trouble::lasting(
            FailureKind::Data,
            format!(
                "{} has more than {}",
                answer.url,
                disk::bytes(limits::FETCH_TEXT_BYTES)
            ),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            let reason = format!("{} is no text", answer.url);
            Err(Trouble::lasting(FailureKind::Data, reason))
        }
        Err(error) => Err(Trouble::io(&answer.url, error)),
    }
}

/// Retry-After: seconds, or a date (RFC 9110 section 10.2.3).
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let when = httpdate::parse_http_date(value).ok()?;
    when.duration_since(SystemTime::now()).ok()
}

/// Does something until it goes well, fails for good, or was tried `tries` times.
pub(super) fn again<T>(
    tries: u8,
    note: &dyn Fn(&str),
    mut attempt: impl FnMut() -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let mut failed = 0;
    loop {
        match attempt() {
            Err(passing) if passing.transient && failed + 1 < u32::from(tries) => {
                failed += 1;
                let pause = trouble::pause(failed, passing.retry_after);
                note(&format!(
                    "{}; trying again in {} s",
                    passing.failure.reason,
                    pause.as_secs()
                ));
                std::thread::sleep(pause);
            }
            Err(mut trouble) if failed > 0 => {
                trouble.failure.reason += &format!(" (after {} tries)", failed + 1);
                return Err(trouble);
            }
            other => return other,
        }
    }
}
