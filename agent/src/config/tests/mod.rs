//! Whole configurations, from text to what is true or to what people read.

use std::path::{Path, PathBuf};

use super::{Config, Diagnostics, Environment, Loaded, load};

mod example;
mod files;
mod golden;
mod holds;
mod hostile;

/// A folder with a configuration.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A folder with this `hearth.toml`.
    fn with(text: &str) -> Folder {
        let folder = Folder::new();
        folder.write("hearth.toml", text);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file that only its owner may read.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, owner_only).unwrap();
        path
    }

    fn load_in(&self, environment: &Environment) -> Result<Loaded, Diagnostics> {
        load(&self.path().join("hearth.toml"), environment)
    }

    fn load(&self) -> Result<Loaded, Diagnostics> {
        self.load_in(&Environment::default())
    }

    /// Diagnostics with paths from this folder.
    fn words(&self, diagnostics: &Diagnostics) -> String {
        let folder = format!("{}/", self.path().display());
        diagnostics.to_string().replace(&folder, "")
    }
}

/// The configuration of a text that has to hold without a warning.
#[track_caller]
fn config(text: &str) -> Config {
    let folder = Folder::with(text);
    match folder.load() {
        Ok(loaded) => {
            assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
            loaded.config
        }
        Err(diagnostics) => panic!("{}", folder.words(&diagnostics)),
    }
}
