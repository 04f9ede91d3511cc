//! Why one try of a fetch failed, and whether another may help.

use std::io;
use std::time::Duration;

use crate::event::Cause;
use crate::fetch::{Failure, FailureKind};
use crate::image;
use crate::limits;
use crate::stamp;

/// Why one try failed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trouble {
    /// What is said if it stays.
    pub failure: Failure,
    /// The same request may go well a moment later.
    pub transient: bool,
    /// The origin says when.
    pub retry_after: Option<Duration>,
    /// The origin has no such thing (404, 410).
    pub absent: bool,
}

impl Trouble {
    /// A failure that another try will not mend.
    pub fn lasting(kind: FailureKind, reason: impl Into<String>) -> Trouble {
        Trouble {
            failure: Failure::new(kind, reason),
            transient: false,
            retry_after: None,
            absent: false,
        }
    }

    /// A failure of the origin or the way to it that another try may mend.
    pub fn passing(reason: impl Into<String>) -> Trouble {
        Trouble {
            transient: true,
            ..Trouble::lasting(FailureKind::Unavailable, reason)
        }
    }

    /// The same failure, with its cause.
    pub fn because(mut self, cause: Cause) -> Trouble {
        self.failure.cause = cause;
        self
    }

    /// The same failure, with who was asked.
    pub fn at(mut self, url: &str) -> Trouble {
        self.failure.host = host(url).to_owned();
        self
    }

    /// An error of the disk.
    pub fn disk(doing: impl std::fmt::Display, error: &io::Error) -> Trouble {
        let remedy = image::remedy(error);
        let cause = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Cause::DiskFull,
            _ => Cause::Disk,
        };
        Trouble::lasting(FailureKind::Disk, format!("{doing}: {error}{remedy}")).because(cause)
    }

    /// An answer that is none of 2xx. `said` is the start of its body.
    pub fn status(url: &str, status: u16, said: &str, retry_after: Option<Duration>) -> Trouble {
        let said: String = said
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        let said = match said.trim() {
            "" => String::new(),
            text => format!(": {}", text.escape_default()),
        };
        let cause = match status {
            404 | 410 => Cause::Absent,
            401 | 403 | 407 | 451 => Cause::Denied,
            _ => Cause::Status,
        };
        let reason = format!("{url} answers {status}{said}");
        Trouble {
            transient: passing_status(status),
            retry_after,
            absent: matches!(status, 404 | 410),
            ..Trouble::lasting(FailureKind::Unavailable, reason)
                .because(cause)
                .at(url)
        }
    }

    /// What went wrong between us and the origin.
    pub fn transport(url: &str, error: ureq::Error) -> Trouble {
        use ureq::Error;
        let host = host(url);
        let trouble = match error {
            Error::HostNotFound => {
                let reason = format!("the name {host} is not found; is DNS in order?");
                Trouble::passing(reason).because(Cause::Dns)
            }
            Error::Timeout(what) => Trouble::passing(format!(
                "{host} is silent ({what} took longer than `fetch.timeout`)"
            ))
            .because(Cause::Silent),
            Error::Io(error) => Trouble::io(url, error),
            Error::Rustls(error) => Trouble::tls(host, &error),
            Error::Tls(reason) => {
                let reason = format!("no safe connection to {host}: {reason}");
                Trouble::lasting(FailureKind::Unavailable, reason).because(Cause::Tls)
            }
            Error::ConnectionFailed => {
                Trouble::passing(format!("cannot connect to {host}")).because(Cause::Silent)
            }
            Error::ConnectProxyFailed(reason) => Trouble::passing(format!(
                "the proxy does not connect to {host}: {reason}; see `fetch.proxy`"
            ))
            .because(Cause::Proxy),
            Error::Protocol(error) => {
                Trouble::passing(format!("{host} does not speak HTTP as it should: {error}"))
                    .because(Cause::Status)
            }
            other => Trouble::lasting(FailureKind::Unavailable, format!("{url}: {other}")),
        };
        trouble.at(url)
    }

    /// An error while reading from the origin.
    pub fn io(url: &str, error: io::Error) -> Trouble {
        let host = host(url);
        if let Some(inner) = error.get_ref() {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return Trouble::tls(host, tls).at(url);
            }
            if inner.is::<ureq::Error>() {
                return match error
                    .into_inner()
                    .map(|inner| inner.downcast::<ureq::Error>())
                {
                    Some(Ok(inner)) => match *inner {
                        ureq::Error::Io(error) => Trouble::io(url, error),
                        other => Trouble::transport(url, other),
                    },
                    _ => Trouble::passing(format!("the connection to {host} broke"))
                        .because(Cause::Broken)
                        .at(url),
                };
            }
        }
        // The standard library's words; the kind of this error has no name.
        if error.to_string().starts_with("failed to lookup address") {
            return Trouble::transport(url, ureq::Error::HostNotFound);
        }
        let (cause, reason) = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                (Cause::Broken, format!("{host} hung up in the middle"))
            }
            io::ErrorKind::ConnectionRefused => (
                Cause::Refused,
                format!("{host} refuses connections; is it up, is the port right?"),
            ),
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::TimedOut => {
                (Cause::Silent, format!("{host} cannot be reached: {error}"))
            }
            _ => (
                Cause::Broken,
                format!("the connection to {host} broke: {error}"),
            ),
        };
        Trouble::passing(reason).because(cause).at(url)
    }

    fn tls(host: &str, error: &rustls::Error) -> Trouble {
        use rustls::CertificateError as Certificate;
        let cause = match error {
            rustls::Error::InvalidCertificate(
                Certificate::Expired | Certificate::ExpiredContext { .. },
            ) => Cause::Expired,
            rustls::Error::InvalidCertificate(
                Certificate::NotValidYet | Certificate::NotValidYetContext { .. },
            ) => Cause::Clock,
            rustls::Error::InvalidCertificate(
                Certificate::NotValidForName | Certificate::NotValidForNameContext { .. },
            ) => Cause::WrongName,
            rustls::Error::InvalidCertificate(_) => Cause::Untrusted,
            _ => Cause::Tls,
        };
        let reason = match cause {
            Cause::Clock | Cause::Expired => format!(
                "the certificate of {host} is not valid at this time: {error}; this host's clock \
                 says {}, and if that is wrong the clock is the cause: set it",
                clock()
            ),
            Cause::WrongName => format!(
                "the certificate of {host} is for another name: {error}; is the URL right, and what \
                 DNS says of it?"
            ),
            Cause::Untrusted => format!(
                "the certificate of {host} is not trusted: {error}; if it is signed by an \
                 authority of your own, add that to the system's trust store; look at the clock \
                 too, it says {}",
                clock()
            ),
            _ => format!("no safe connection to {host}: {error}"),
        };
        Trouble::lasting(FailureKind::Unavailable, reason).because(cause)
    }
}

/// What the clock says, for a person to compare.
fn clock() -> String {
    image::date(stamp::now())
}

/// `host[:port]` of a URL, without a password that may stand before it.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// The answers after which curl's `--retry` tries again, and the two that proxies have added.
pub(super) fn passing_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 522 | 524)
}

/// How long to wait after the `failed`th failed try (from 1): doubling, or what the origin says.
pub(super) fn pause(failed: u32, retry_after: Option<Duration>) -> Duration {
    let doubled = limits::FETCH_BACKOFF.saturating_mul(1 << (failed.clamp(1, 16) - 1));
    retry_after
        .unwrap_or_default()
        .max(doubled)
        .min(limits::FETCH_BACKOFF_LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_have_an_end() {
        let seconds: Vec<_> = (1..=8)
            .map(|failed| pause(failed, None).as_secs())
            .collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(1, Some(Duration::from_secs(7))).as_secs(), 7);
        assert_eq!(pause(1, Some(Duration::from_secs(7_000))).as_secs(), 60);
        assert_eq!(pause(u32::MAX, None).as_secs(), 60);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let tried: Vec<_> = (100..600)
            .filter(|&status| passing_status(status))
            .collect();
        assert_eq!(tried, [408, 429, 500, 502, 503, 504, 522, 524]);
    }

    #[test]
    fn an_answer_is_told_with_its_first_line_made_harmless() {
        let trouble = Trouble::status("http://a/b", 400, "bad\u{1b}[2J thing\nmore", None);
        assert_eq!(
            trouble.failure.reason,
            "http://a/b answers 400: bad\\u{1b}[2J thing"
        );
        assert!(!trouble.transient && !trouble.absent);
        assert!(Trouble::status("http://a/b", 404, "", None).absent);
    }

    #[test]
    fn a_certificate_out_of_its_time_makes_the_clock_a_suspect() {
        let error = rustls::Error::InvalidCertificate(rustls::CertificateError::NotValidYet);
        let wrapped = io::Error::other(error);
        let trouble = Trouble::io("https://x:y@factory.example/a", wrapped);
        assert!(!trouble.transient);
        assert_eq!(trouble.failure.cause, Cause::Clock);
        assert_eq!(trouble.failure.host, "factory.example");
        let reason = trouble.failure.reason;
        assert!(reason.contains("clock is the cause"), "{reason}");
        assert!(reason.contains("of factory.example is"), "{reason}");
    }
    #[test]
    fn each_failure_has_its_cause() {
        use rustls::CertificateError as Certificate;
        let url = "https://a.example:8443/x";
        let tls = |error| Trouble::io(url, io::Error::other(error)).failure;
        let certificate = |error| tls(rustls::Error::InvalidCertificate(error)).cause;
        assert_eq!(certificate(Certificate::Expired), Cause::Expired);
        assert_eq!(certificate(Certificate::UnknownIssuer), Cause::Untrusted);
        assert_eq!(certificate(Certificate::NotValidForName), Cause::WrongName);
        assert_eq!(tls(rustls::Error::DecryptError).cause, Cause::Tls);
        let kind = |kind: io::ErrorKind| Trouble::io(url, io::Error::from(kind)).failure;
        assert_eq!(kind(io::ErrorKind::ConnectionRefused).cause, Cause::Refused);
        assert_eq!(kind(io::ErrorKind::UnexpectedEof).cause, Cause::Broken);
        assert_eq!(kind(io::ErrorKind::HostUnreachable).cause, Cause::Silent);
        assert_eq!(kind(io::ErrorKind::TimedOut).host, "a.example:8443");
        let status = |status| Trouble::status(url, status, "", None).failure.cause;
        assert_eq!(
            [404, 403, 500].map(status),
            [Cause::Absent, Cause::Denied, Cause::Status]
        );
        let dns = Trouble::transport(url, ureq::Error::HostNotFound).failure;
        assert_eq!(
            (dns.cause, dns.host.as_str()),
            (Cause::Dns, "a.example:8443")
        );
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Trouble::disk("x", &full).failure.cause, Cause::DiskFull);
    }

    #[test]
    fn no_failure_tells_a_password() {
        let trouble = Trouble::status("https://me:secret@a.example/x", 401, "", None);
        assert_eq!(
            trouble.failure.reason,
            "https://***@a.example/x answers 401"
        );
    }
}
