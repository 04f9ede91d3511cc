//! Who the agent is to programs that ask over TLS: the configured certificate, or one of its own.

use std::fs;
use std::io;
use std::path::Path;

use crate::config::Config;
use crate::http::Identity;
use crate::image::durable;
use crate::limits;

/// The agent's own certificate and key, in `server.state`.
const OWN: (&str, &str) = ("api.pem", "api.key");

/// The identity of a configuration whose API listens somewhere. Its own certificate is made where it is
/// missing or for other addresses, so that it stays the same otherwise.
///
/// # Errors
/// A sentence with the remedy.
pub fn identity(config: &Config) -> Result<Identity, String> {
    match &config.api.files {
        Some((certificate, key)) => {
            let read = |path: &Path| {
                let told = |error: io::Error| format!("reading {}: {error}", path.display());
                fs::read(path).map_err(told)
            };
            Identity::new(&read(certificate)?, &read(key)?).map_err(|error| {
                let (certificate, key) = (certificate.display(), key.display());
                format!("api.certificate {certificate} with api.key {key}: {error}")
            })
        }
        None => own(config),
    }
}

fn own(config: &Config) -> Result<Identity, String> {
    let folder = &config.server.state;
    let paths = (folder.join(OWN.0), folder.join(OWN.1));
    let names = names(config);
    let head = format!("# Made by Hearth for {}\n", names.join(", "));
    let there = fs::read(&paths.0).and_then(|pem| Ok((pem, fs::read(&paths.1)?)));
    if let Ok((pem, key)) = there
        && pem.starts_with(head.as_bytes())
        && let Ok(identity) = Identity::new(&pem, &key)
    {
        return Ok(identity);
    }
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| format!("making a certificate for the API: {error}"))?;
    let pem = head + &made.cert.pem();
    let key = made.signing_key.serialize_pem();
    // The key first: a certificate without its key is made anew.
    for (path, text, mode) in [(&paths.1, &key, 0o600), (&paths.0, &pem, 0o644)] {
        durable::write_as(path, text.as_bytes(), mode).map_err(|error| {
            let path = path.display();
            format!("writing {path}: {error}; make server.state writable, or set api.certificate")
        })?;
    }
    Identity::new(pem.as_bytes(), key.as_bytes())
}

/// What clients may call it: its addresses and its name.
fn names(config: &Config) -> Vec<String> {
    let addresses = config.api.addresses.iter();
    let addresses = addresses.filter(|address| !address.is_unspecified());
    let mut names: Vec<String> = addresses.map(ToString::to_string).collect();
    let host = nix::unistd::gethostname().ok();
    let host = host.and_then(|name| name.into_string().ok());
    names.extend(host.filter(|name| name.len() <= limits::NAME_BYTES && !name.is_empty()));
    names.push("localhost".to_owned());
    names
}
