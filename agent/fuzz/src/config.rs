//! Any bytes as `hearth.toml`: it is read, or refused with places that are in it.
#![no_main]

use std::cell::RefCell;

use hearth::config::{self, Diagnostics, Environment};
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
            Ok(loaded) => {
                assert!(!loaded.config.server.addresses.is_empty());
                assert!(loaded.warnings.count().0 == 0);
                hold_places(&loaded.warnings, data);
            }
            Err(mistakes) => {
                assert!(mistakes.count().0 > 0);
                hold_places(&mistakes, data);
            }
        }
    });
});

/// Every place is one of the text, so that an editor can go there, and every mistake has its words.
fn hold_places(mistakes: &Diagnostics, data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for mistake in mistakes {
        assert!(!mistake.message.is_empty());
        assert!(!mistake.to_string().is_empty());
        let is_here = mistake.file.ends_with("hearth.toml");
        if let Some((line, column)) = mistake.position.filter(|_| is_here) {
            let written = text.split('\n').nth(line.wrapping_sub(1));
            let written = written.expect("a line of the file");
            assert!((1..=written.chars().count() + 1).contains(&column));
        }
    }
}
