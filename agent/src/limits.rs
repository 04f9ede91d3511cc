//! Every bound of the agent, in one place, each with its unit and its reason.

use std::time::Duration;

/// Bytes of a name in the catalogue. The longest of ours is about 120; a TFTP request has room for 500.
pub const NAME_BYTES: usize = 255;
/// Files below the root that the catalogue takes up; the scan stops there and says so.
pub const CATALOGUE_FILES: usize = 20_000;
/// Levels of folders below the root that the scan descends.
pub const CATALOGUE_DEPTH: usize = 12;
/// Shortest time between two scans of the root that requests for unknown names cause.
pub const RESCAN_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of one configuration file.
pub const CONFIG_BYTES: u64 = 4 << 20;
/// Fragments in `conf.d`.
pub const CONFIG_FRAGMENTS: usize = 1_000;
/// Mistakes of a configuration that are listed; nobody reads on, and a broken 4 MB file has many.
pub const CONFIG_MISTAKES: usize = 1_000;
/// Bytes of a secret read from a file.
pub const SECRET_BYTES: u64 = 16 << 10;

/// Bytes of one kernel argument.
pub const ARGUMENT_BYTES: usize = 2_048;
/// Bytes of a whole kernel command line: x86 Linux takes 2048 with its NUL, arm64 2048; Talos
/// documents 4096 for its inline configuration, so no more than this is ever useful.
pub const COMMAND_LINE_BYTES: usize = 4_096;

/// Bytes of one fact that a machine says of itself; the rest is cut.
pub const FACT_BYTES: usize = 128;

/// Bytes of a TFTP datagram that are read. RFC 2347 bounds a request to 512.
pub const TFTP_REQUEST_BYTES: usize = 1_024;
/// Largest TFTP window in blocks (RFC 7440 allows 65535, which is one burst of 90 MB).
pub const TFTP_WINDOW: u16 = 64;
/// Sends of one TFTP packet before a client counts as gone.
pub const TFTP_SENDS: u8 = 6;

/// Bytes of an HTTP request's head.
pub const HTTP_HEAD_BYTES: usize = 16 << 10;
/// Header lines of an HTTP request.
pub const HTTP_HEADERS: usize = 64;
/// Bytes of an HTTP request's body on the boot side.
pub const HTTP_BODY_BYTES: usize = 4 << 10;
