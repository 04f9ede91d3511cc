//! `[api]`.

use super::super::report::Report;
use super::super::table::Table;
use super::super::{defaults, raw};
use super::{path, server};

pub(super) fn read(table: Table, report: &mut Report) -> raw::Api {
    let addresses = table.get("addresses");
    let port = table.get("port");
    let certificate = table.get("certificate");
    let key = table.get("key");
    raw::Api {
        addresses: addresses
            .map(|value| server::addresses(value, 0, report))
            .unwrap_or_default(),
        port: port
            .and_then(|value| value.integer(1..=u16::MAX, report))
            .unwrap_or(defaults::API_PORT),
        certificate: certificate.and_then(|value| path(value, report)),
        key: key.and_then(|value| path(value, report)),
    }
}
