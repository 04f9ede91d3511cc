//! Any query of `/script`: what a machine says of itself never becomes a command.
#![no_main]

use std::sync::{Arc, OnceLock};

use hearth::boot::preview;
use hearth::boot::site::Site;
use hearth::config::{self, Environment};
use hearth::event::Via;
use hearth::image::lock::Lock;
use hearth::machine::Facts;
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = r#"
[menu]
items = ["tool", "local", "shell", "reboot"]
default = "local"

[[image]]
name = "tool"
recipe = "netboot.xyz"

[[profile]]
name = "rescue"
image = "tool"

[[policy]]
name = "old servers"
match = { manufacturer = "IBM*", product = "*x3550*" }
profile = "rescue"
"#;

static SITE: OnceLock<Site> = OnceLock::new();

fn site() -> &'static Site {
    SITE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("root")).expect("the root");
        let text = format!(
            "[server]\naddresses = [\"192.168.1.1\"]\nroot = {:?}\nstate = {:?}\nrun = {:?}\n{CONFIG}",
            at("root"),
            at("state"),
            at("run")
        );
        std::fs::write(at("hearth.toml"), text).expect("the configuration");
        let loaded = config::load(&at("hearth.toml"), &Environment::default());
        let config = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).config;
        Site::build(Arc::new(config), Lock::default()).expect("a site")
    })
}

fuzz_target!(|data: &[u8]| {
    let query = String::from_utf8_lossy(data);
    let facts = Facts::parse(&query);
    let script = preview(site(), &facts, Via::Http, None);
    assert!(script.starts_with("#!ipxe\n"));
    assert!(
        !script
            .chars()
            .any(|character| character.is_control() && character != '\n')
    );
    // With other words of itself the machine gets the same script, or the policy's.
    let told = |manufacturer: &str, product: &str| {
        let facts = Facts {
            manufacturer: manufacturer.to_owned(),
            product: product.to_owned(),
            serial: String::new(),
            asset: String::new(),
            busid: String::new(),
            chip: String::new(),
            version: String::new(),
            ..facts.clone()
        };
        preview(site(), &facts, Via::Http, None)
    };
    assert!(script == told("", "") || script == told("IBM", "x3550"));
});
