//! Configurations, sites and ears for tests.

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::boot::site::Site;
use crate::config::{self, Config, Environment};
use crate::event::{Event, Sink};
use crate::image::lock::Lock;
use crate::sync::held;

/// The configuration of a text; `[server]` is put in front.
#[track_caller]
pub fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    config_in(folder.path(), "", text)
}

/// The same with a folder's `root`, `state` and `run`, and more keys of `[server]`.
#[track_caller]
pub fn config_in(folder: &Path, server: &str, text: &str) -> Config {
    let file = folder.join("hearth.toml");
    let root = folder.join("root");
    std::fs::create_dir_all(&root).unwrap();
    let text = format!(
        "[server]\naddresses = [\"192.168.1.1\"]\nroot = {root:?}\nstate = {:?}\nrun = {:?}\n\
         {server}\n{text}",
        folder.join("state"),
        folder.join("run"),
    );
    std::fs::write(&file, text).unwrap();
    match config::load(&file, &Environment::default()) {
        Ok(loaded) => loaded.config,
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

/// What is declared, with the image `debian`: its installer for amd64, of two files.
pub fn with_debian(text: &str) -> String {
    format!(
        "[[image]]\nname = \"debian\"\nrecipe = \"debian\"\nversion = \"bookworm\"\n\
         architectures = [\"amd64\"]\n{text}"
    )
}

/// A site of it with an empty lock.
#[track_caller]
pub fn site(config: Config) -> Site {
    Site::build(Arc::new(config), Lock::default()).unwrap()
}

/// Keeps every event.
#[derive(Default)]
pub struct Seen(pub Mutex<Vec<Event>>);

impl Sink for Seen {
    fn event(&self, event: Event) {
        held(&self.0).push(event);
    }
}
