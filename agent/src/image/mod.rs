//! What lies on the disk: the catalogue of names that can be asked for, and the lock that says
//! what each downloaded byte must be.

pub mod catalogue;
pub mod durable;
pub mod lock;
pub mod place;
pub mod prune;
pub mod scan;
pub mod verify;

/// What a person can do about an error of the disk, as the end of a sentence.
pub fn remedy(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    match error.kind() {
        StorageFull => "; the disk is full: make room (`hearth lock prune` removes old versions)",
        QuotaExceeded => "; the quota is used up: raise it or make room",
        ReadOnlyFilesystem => {
            "; the file system is mounted read-only: mount it writable, or set `server.root` and \
             `server.state` to a place that is"
        }
        PermissionDenied => {
            "; Hearth's user may not write there: give it the folder (chown), or run this as root"
        }
        _ => "",
    }
}

/// A moment in seconds since 1970 as the lock writes it.
pub fn date(seconds: u64) -> String {
    crate::stamp::from_seconds(seconds).to_string()
}
