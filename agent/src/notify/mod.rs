//! Webhooks: an event as a signed POST to somebody's URL. One [`Webhook`] sends one event; who decides
//! which, in what order and how often is the daemon.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256 as Hasher;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use crate::config;
use crate::limits;

/// Somebody who is told of events.
pub struct Webhook {
    declared: config::Webhook,
    agent: ureq::Agent,
}

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// It would be refused again.
    pub is_lasting: bool,
    why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl Webhook {
    /// Prepares requests, with the proxy of fetches or the environment's.
    pub fn new(declared: config::Webhook, proxy: Option<&config::Url>) -> Webhook {
        let proxy = match proxy {
            // One that is no proxy was refused with the fetches.
            Some(url) => ureq::Proxy::new(url.as_str()).ok(),
            None => ureq::Proxy::try_from_env(),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("hearth/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(limits::WEBHOOK_TIME))
            .build();
        Webhook {
            declared,
            agent: config.into(),
        }
    }

    /// What was declared.
    pub fn declared(&self) -> &config::Webhook {
        &self.declared
    }

    /// Whether it is told of this kind of event.
    pub fn wants(&self, kind: &str) -> bool {
        let events = &self.declared.events;
        events.iter().any(|one| one == "*" || one == kind)
    }

    /// Sends an event: its number, kind and JSON. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Refused`]. The answer's body is not looked at.
    pub fn send(&self, seq: u64, kind: &str, body: &str, now: u64) -> Result<(), Refused> {
        let signature = signature(self.declared.secret.reveal(), now, body);
        let request = self
            .agent
            .post(self.declared.url.as_str())
            .header("content-type", "application/json")
            .header("hearth-event", kind)
            .header("hearth-delivery", seq.to_string())
            .header("hearth-signature", format!("t={now},v1={signature}"));
        let status = match request.send(body) {
            Ok(answer) => answer.status().as_u16(),
            Err(error) => {
                return Err(Refused {
                    is_lasting: false,
                    why: error.to_string(),
                });
            }
        };
        match status {
            200..300 => Ok(()),
            _ => Err(Refused {
                is_lasting: is_lasting(status),
                why: format!("it answered {status}"),
            }),
        }
    }
}

/// Whether the same request would get the same answer: it is the client's fault (RFC 9110 section
/// 15.5), but for those that speak of time and load.
fn is_lasting(status: u16) -> bool {
    matches!(status, 300..500) && !matches!(status, 408 | 425 | 429)
}

/// HMAC-SHA256 (RFC 2104) of the time, a dot and the body, as hexadecimal digits. The time is in it so
/// that a request that somebody has recorded cannot be sent again later.
pub fn signature(secret: &str, seconds: u64, body: &str) -> String {
    // A key of any length will do (RFC 2104 section 3), so this has no other way.
    let Ok(mut mac) = Hmac::<Hasher>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{seconds}.{body}").as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How long to wait after a try, the first being 1.
pub fn pause(tries: u32) -> Duration {
    let (first, longest) = limits::WEBHOOK_PAUSE;
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled.min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_others() {
        // printf '1.{}' | openssl dgst -sha256 -hmac key
        assert_eq!(signature("key", 1, "{}"), SIGNED);
        assert_ne!(signature("key", 2, "{}"), SIGNED, "the time counts");
        assert_ne!(signature("kez", 1, "{}"), SIGNED);
    }

    const SIGNED: &str = "1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";

    #[test]
    fn waits_grow_to_the_longest() {
        let waits: Vec<_> = (1..9).map(|tries| pause(tries).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        let all: u64 = (1..limits::WEBHOOK_TRIES)
            .map(|tries| pause(tries).as_secs())
            .sum();
        assert!((600..1200).contains(&all), "a quarter of an hour: {all} s");
    }

    #[test]
    fn what_time_may_mend_is_tried_again() {
        for status in [408, 425, 429, 500, 502, 503] {
            assert!(!is_lasting(status), "{status}");
        }
        for status in [301, 400, 401, 404, 410, 422] {
            assert!(is_lasting(status), "{status}");
        }
    }
}
