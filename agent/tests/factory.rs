//! What the image factory lists, against a stand-in for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hearth::config::{Fetch, Url};
use hearth::fetch::{FailureKind, talos};

struct Origin {
    process: Child,
    factory: Url,
}

impl Origin {
    fn start() -> Origin {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests");
        let mut process = Command::new("/usr/bin/python3")
            .args(["-m", "hearthtest.origin"])
            .env("PYTHONPATH", tests)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("its URL");
        let factory = Url::new(&format!("{}/factory", line.trim())).expect("a URL");
        Origin { process, factory }
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn bounds() -> Fetch {
    Fetch {
        proxy: None,
        tries: 1,
        size_limit: 1 << 20,
        keep_free: 0,
        timeout: Duration::from_secs(10),
    }
}

#[test]
fn versions_and_extensions_come_from_the_factory() {
    let origin = Origin::start();
    let versions = talos::versions(&bounds(), &origin.factory).unwrap();
    assert!(versions.contains(&"v1.11.2".to_owned()), "{versions:?}");
    let extensions = talos::extensions(&bounds(), &origin.factory, "v1.11.2").unwrap();
    let bnx2 = extensions
        .iter()
        .find(|one| one.name == "siderolabs/bnx2-bnx2x");
    assert!(bnx2.unwrap().description.contains("NetXtreme"));
}

#[test]
fn a_version_that_is_none_is_not_asked_for() {
    let origin = Origin::start();
    let error = talos::extensions(&bounds(), &origin.factory, "v1/../x").unwrap_err();
    assert_eq!(error.kind, FailureKind::Usage);
    let error = talos::extensions(&bounds(), &origin.factory, "v0.0.1").unwrap_err();
    assert_eq!(error.kind, FailureKind::Unavailable);
}
