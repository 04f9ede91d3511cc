//! Why a download failed, in a word.

use serde::{Deserialize, Serialize};

/// Why a download failed. The word is kept in the database and is part of a finding's code, so it never
/// changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The origin's certificate begins later than now, as this host's clock has it.
    Clock,
    /// The origin's certificate has ended, as this host's clock has it.
    Expired,
    /// The origin's certificate is of nobody that this host trusts.
    Untrusted,
    /// The origin's certificate is for another name.
    WrongName,
    /// No safe connection, for another reason.
    Tls,
    /// The origin's name is not found.
    Dns,
    /// Nobody listens at the origin's port.
    Refused,
    /// Nothing comes: no connection, or no answer, within `fetch.timeout`.
    Silent,
    /// The connection broke.
    Broken,
    /// The proxy does not let it through.
    Proxy,
    /// The origin has no such thing (404, 410).
    Absent,
    /// The origin does not give it to us (401, 403, 407, 451).
    Denied,
    /// The origin answers another error.
    Status,
    /// A web page came in place of a file.
    Page,
    /// What came is not what the lock has pinned.
    Changed,
    /// What came is not what the publisher or the configuration says.
    Digest,
    /// The disk is full, or has less room than `fetch.keep_free` wants.
    DiskFull,
    /// The disk cannot be written, for another reason.
    Disk,
    /// Anything else.
    Other,
}

impl Cause {
    /// Every one.
    pub const ALL: [Cause; 19] = [
        Cause::Clock,
        Cause::Expired,
        Cause::Untrusted,
        Cause::WrongName,
        Cause::Tls,
        Cause::Dns,
        Cause::Refused,
        Cause::Silent,
        Cause::Broken,
        Cause::Proxy,
        Cause::Absent,
        Cause::Denied,
        Cause::Status,
        Cause::Page,
        Cause::Changed,
        Cause::Digest,
        Cause::DiskFull,
        Cause::Disk,
        Cause::Other,
    ];
}
