//! Any bytes as `hearth.toml`: it is read, or refused with places that are in it.
#![no_main]

use std::cell::RefCell;

use hearth::config::{self, Environment};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

fuzz_target!(|data: &[u8]| {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            let shared = std::path::Path::new("/dev/shm");
            let made = if shared.is_dir() {
                tempfile::tempdir_in(shared)
            } else {
                tempfile::tempdir()
            };
            made.expect("a folder for the file")
        });
        let file = folder.path().join("hearth.toml");
        std::fs::write(&file, data).expect("writing the file");
        match config::load(&file, &Environment::default()) {
            Ok(loaded) => assert!(!loaded.config.server.addresses.is_empty()),
            Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
        }
    });
});
