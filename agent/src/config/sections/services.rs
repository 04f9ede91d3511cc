//! `[tftp]`, `[http]`, `[observe]`, `[events]`, `[fetch]` and `[log]`: bounds that stand alone.

use std::ops::RangeInclusive;
use std::time::Duration;

use log::LevelFilter;
use toml::de::DeValue;

use super::super::reader::Value;
use super::super::report::Report;
use super::super::table::Table;
use super::super::{Events, Fetch, Http, Log, LogTarget, Observe, Tftp, Url, defaults};
use crate::limits;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Smallest TFTP block: the 512 bytes of RFC 1350, which a client takes without any option.
const BLOCK_BYTES: RangeInclusive<u16> = 512..=65_464;

/// Puts what is written over the default.
fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// Reads the keys of a table over its defaults.
struct Over<'t, 'a, 'r, 's> {
    table: &'t Table<'a>,
    report: &'r mut Report<'s>,
}

impl<'a> Over<'_, 'a, '_, '_> {
    fn value<T>(
        &mut self,
        key: &'static str,
        target: &mut T,
        read: impl FnOnce(Value<'a>, &mut Report) -> Option<T>,
    ) {
        let value = self.table.get(key);
        set(target, value.and_then(|value| read(value, self.report)));
    }

    fn integer<T>(&mut self, key: &'static str, target: &mut T, range: RangeInclusive<T>)
    where
        T: TryFrom<i128> + PartialOrd + std::fmt::Display + Copy,
    {
        self.value(key, target, |value, report| value.integer(range, report));
    }

    fn duration(
        &mut self,
        key: &'static str,
        target: &mut Duration,
        low: Duration,
        high: Duration,
    ) {
        self.value(key, target, |value, report| {
            Some(value.duration(low, high, report)?.value)
        });
    }
}

pub(super) fn tftp(table: Table, report: &mut Report) -> Tftp {
    let mut tftp = defaults::tftp();
    let mut over = Over {
        table: &table,
        report,
    };
    over.value("single_port", &mut tftp.single_port, |value, report| {
        value.boolean(report)
    });
    over.value("block_size", &mut tftp.block_size, block_size);
    over.integer("window", &mut tftp.window, 1..=limits::TFTP_WINDOW);
    over.integer("transfers", &mut tftp.transfers, 1..=100_000);
    let per_address = &mut tftp.transfers_per_address;
    over.integer("transfers_per_address", per_address, 1..=100_000);
    let low = Duration::from_millis(100);
    over.duration("timeout", &mut tftp.timeout, low, 30 * SECOND);
    tftp
}

fn block_size(value: Value, report: &mut Report) -> Option<Option<u16>> {
    match value.data() {
        DeValue::String(text) if text == "path" => Some(None),
        DeValue::String(_) => {
            let problem =
                "must be `\"path\"` (what fits the path without fragments) or a number of bytes";
            value.wrong(problem, report)
        }
        _ => value.integer(BLOCK_BYTES, report).map(Some),
    }
}

pub(super) fn http(table: Table, report: &mut Report) -> Http {
    let mut http = defaults::http();
    let retry_after = table.get("retry_after");
    let mut over = Over {
        table: &table,
        report,
    };
    over.integer("connections", &mut http.connections, 1..=100_000);
    over.duration("retry_after", &mut http.retry_after, SECOND, HOUR);
    over.duration(
        "header_timeout",
        &mut http.header_timeout,
        SECOND,
        10 * MINUTE,
    );
    over.duration("idle_timeout", &mut http.idle_timeout, SECOND, HOUR);
    over.duration("stall_timeout", &mut http.stall_timeout, SECOND, HOUR);
    // The header counts in whole seconds (RFC 9110 section 10.2.3).
    if let (Some(value), 1..) = (retry_after, http.retry_after.subsec_millis()) {
        value.wrong::<()>(
            "must be whole seconds, since `Retry-After` counts in them",
            report,
        );
    }
    http
}

pub(super) fn observe(table: Table, report: &mut Report) -> Observe {
    let mut observe = defaults::observe();
    let mut over = Over {
        table: &table,
        report,
    };
    over.value("enabled", &mut observe.enabled, |value, report| {
        value.boolean(report)
    });
    over.value("interfaces", &mut observe.interfaces, |value, report| {
        let items = value.few_items(limits::DHCP_INTERFACES, report)?;
        let names = items.iter().filter_map(|item| item.word(interface, report));
        Some(names.map(|name| name.value).collect())
    });
    observe
}

/// Both systems have 16 bytes for an interface's name with its NUL (`IFNAMSIZ`).
fn interface(text: &str) -> Result<String, &'static str> {
    let is_name = |c: char| c.is_ascii_graphic() && c != '/';
    match (1..16).contains(&text.len()) && text.chars().all(is_name) {
        true => Ok(text.to_owned()),
        false => Err("must be the name of a network interface, such as `igb1` or `eth0`"),
    }
}

pub(super) fn events(table: Table, report: &mut Report) -> Events {
    let mut events = defaults::events();
    let mut over = Over {
        table: &table,
        report,
    };
    over.duration("keep", &mut events.keep, HOUR, 3_650 * DAY);
    over.integer("per_machine", &mut events.per_machine, 10..=1_000_000);
    over.integer("in_all", &mut events.in_all, 1_000..=1_000_000_000);
    events
}

pub(super) fn fetch(table: Table, report: &mut Report) -> Fetch {
    let mut fetch = defaults::fetch();
    let mut over = Over {
        table: &table,
        report,
    };
    over.value("proxy", &mut fetch.proxy, |value, report| {
        Some(Some(value.word(Url::new, report)?.value))
    });
    over.integer("tries", &mut fetch.tries, 1..=100);
    over.value("size_limit", &mut fetch.size_limit, |value, report| {
        value.size(1 << 20..=1 << 40, report)
    });
    over.value("keep_free", &mut fetch.keep_free, |value, report| {
        value.size(0..=1 << 50, report)
    });
    over.duration("timeout", &mut fetch.timeout, SECOND, HOUR);
    fetch
}

pub(super) fn log(table: Table, report: &mut Report) -> Log {
    let mut log = defaults::log();
    let mut over = Over {
        table: &table,
        report,
    };
    let levels = [
        ("off", LevelFilter::Off),
        ("error", LevelFilter::Error),
        ("warn", LevelFilter::Warn),
        ("info", LevelFilter::Info),
        ("debug", LevelFilter::Debug),
        ("trace", LevelFilter::Trace),
    ];
    over.value("level", &mut log.level, |value, report| {
        Some(value.choice(&levels, report)?.value)
    });
    let targets = [("stderr", LogTarget::Stderr), ("syslog", LogTarget::Syslog)];
    over.value("target", &mut log.target, |value, report| {
        Some(value.choice(&targets, report)?.value)
    });
    log
}
