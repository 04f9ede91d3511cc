use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::boot::testing;
use crate::image::catalogue::Origin;

const DECLARED: &str = r#"
    [menu]
    items = ["install", "memtest", "local"]
    default = "local"
    [[profile]]
    name = "install"
    label = "Debian"
    image = "debian"
    [[policy]]
    name = "odd machines"
    match = { product = "*" , serial = "?*" }
    profile = "install"
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn config(&self, server: &str) -> Config {
        testing::config_in(self.0.path(), server, &testing::with_debian(DECLARED))
    }

    fn site(&self, server: &str) -> Site {
        testing::site(self.config(server))
    }

    fn default(&self) -> PathBuf {
        self.0.path().join("root").join(DEFAULT)
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.0.path().join("root").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn fetched(&self) {
        for name in ["linux", "initrd.gz"] {
            self.put(&format!("debian/bookworm/amd64/{name}"), "x");
        }
    }
}

fn text(site: &Site, asked: &str) -> String {
    let entry = site.entry(DEFAULT, asked.parse().unwrap()).unwrap();
    match &entry.content {
        crate::image::catalogue::Content::Memory(bytes) => {
            String::from_utf8(bytes.to_vec()).unwrap()
        }
        crate::image::catalogue::Content::File(path) => fs::read_to_string(path).unwrap(),
    }
}

/// The lines that ask Hearth.
fn asks(script: &str) -> Vec<&str> {
    let url = |line: &'_ str| line.split_ascii_whitespace().nth(3).map(str::to_owned);
    let lines = script
        .lines()
        .filter(|line| url(line).is_some_and(|url| url.contains("/script?")));
    lines
        .map(|line| {
            line.split("http://")
                .nth(1)
                .unwrap()
                .split('/')
                .next()
                .unwrap()
        })
        .collect()
}

#[test]
fn what_is_loaded_last_is_known_of_what_was_decided() {
    let place = Place::new();
    place.fetched();
    let site = place.site("");
    let facts = Facts::parse("platform=efi&buildarch=x86_64");
    let last = |word: &str| site.last_file(word, &facts);
    let initrd = Some("debian/bookworm/amd64/initrd.gz".to_owned());
    assert_eq!(last("install install"), initrd);
    assert_eq!(last("image debian"), initrd);
    for nothing in ["install gone", "menu", "local", "install ${x}", ""] {
        assert_eq!(last(nothing), None, "{nothing}");
    }
}

#[test]
fn default_ipxe_asks_the_address_that_was_asked_first() {
    let mut config = Place::new().config("");
    let root = tempfile::tempdir().unwrap();
    config.server.root = root.path().to_owned();
    config.server.addresses = ["192.168.1.1", "10.0.0.1", "fd00::1"]
        .map(|address| address.parse().unwrap())
        .to_vec();
    let site = testing::site(config);
    let [first, second, third] = ["192.168.1.1:8069", "10.0.0.1:8069", "[fd00::1]:8069"];
    assert_eq!(asks(&text(&site, "10.0.0.1")), [second, first]);
    assert_eq!(asks(&text(&site, "192.168.1.1")), [first, second]);
    assert_eq!(asks(&text(&site, "fd00::1")), [third, first, second]);
    assert_eq!(asks(&text(&site, "::ffff:10.0.0.1")), [second, first]);
    assert_eq!(asks(&site.written_default()), [first, second, third]);
}

#[test]
fn default_ipxe_is_written_and_written_anew() {
    let place = Place::new();
    let site = place.site("");
    site.write_default().unwrap();
    let before = fs::read_to_string(place.default()).unwrap();
    assert_eq!(before, site.written_default());
    assert!(before.contains("not fetched yet"));
    place.fetched();
    let site = place.site("");
    assert!(!site.own_default, "{:?}", site.warnings);
    site.write_default().unwrap();
    let after = fs::read_to_string(place.default()).unwrap();
    assert!(after.contains("tftp://${next-server}/debian/bookworm/amd64/linux"));
    assert_eq!(site.warnings, [""; 0]);
}

#[test]
fn a_persons_own_default_ipxe_is_served_and_left_alone() {
    let place = Place::new();
    place.put(DEFAULT, "#!ipxe\necho mine\n");
    let site = place.site("");
    assert!(site.own_default);
    assert!(
        site.warnings[0].contains("is a file of yours"),
        "{:?}",
        site.warnings
    );
    site.write_default().unwrap();
    assert_eq!(text(&site, "192.168.1.1"), "#!ipxe\necho mine\n");
    let entry = site.entry(DEFAULT, "192.168.1.1".parse().unwrap()).unwrap();
    assert_eq!(entry.origin, Origin::Own);
}

#[test]
fn without_own_files_machines_get_hearths_and_the_persons_is_still_left_alone() {
    let place = Place::new();
    place.put(DEFAULT, "#!ipxe\necho mine\n");
    let site = place.site("own_files = false");
    assert!(!site.own_default);
    assert!(site.warnings[0].contains("is not Hearth's and is left alone"));
    site.write_default().unwrap();
    assert_eq!(
        fs::read_to_string(place.default()).unwrap(),
        "#!ipxe\necho mine\n"
    );
    assert!(text(&site, "192.168.1.1").contains(fallback::MARKER));
}

#[test]
fn a_link_in_place_of_default_ipxe_is_neither_followed_nor_replaced() {
    let place = Place::new();
    let other = place.0.path().join("elsewhere");
    let config = place.config("");
    fs::write(&other, "mine").unwrap();
    std::os::unix::fs::symlink(&other, place.default()).unwrap();
    let site = testing::site(config);
    site.write_default().unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    assert!(fs::symlink_metadata(place.default()).unwrap().is_symlink());
    assert!(text(&site, "192.168.1.1").contains(fallback::MARKER));
}

#[test]
fn what_was_not_fetched_makes_a_site_incomplete_and_is_said_to_the_machine() {
    let place = Place::new();
    let site = place.site("");
    assert!(site.incomplete);
    let facts = Facts::parse("platform=efi&buildarch=x86_64&item=install");
    let script = preview(&site, &facts, Via::Http, None);
    assert!(
        script.contains("run 'hearth fetch debian' on the server"),
        "{script}"
    );
    place.fetched();
    let script = preview(&place.site(""), &facts, Via::Http, None);
    assert!(script.contains("/files/debian/bookworm/amd64/linux initrd=initrd.gz"));
}

#[test]
fn a_machine_of_another_processor_is_told_so() {
    let place = Place::new();
    place.fetched();
    let facts = Facts::parse("platform=efi&buildarch=arm64&item=install");
    let script = preview(&place.site(""), &facts, Via::Http, None);
    assert!(script.contains("kept for amd64, not for arm64"), "{script}");
    assert!(script.contains("&menu=1"), "the menu is offered");
}

/// Everything in a query that is taken into a type of its own; what is left is only text.
fn query(words: &[String; 7]) -> String {
    let encoded = words.each_ref().map(|word| {
        let bytes = word.bytes();
        bytes.map(|byte| format!("%{byte:02x}")).collect::<String>()
    });
    let [manufacturer, product, serial, asset, busid, chip, version] = encoded;
    format!(
        "platform=efi&buildarch=x86_64&manufacturer={manufacturer}&product={product}\
         &serial={serial}&asset={asset}&busid={busid}&chip={chip}&version={version}"
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_a_machine_says_of_itself_gets_into_a_script(
        words: [String; 7],
        unknown in prop::sample::select(vec!["menu", "hold", "local", "profile install"]),
    ) {
        let place = Place::new();
        place.fetched();
        let site = place.site(&format!("unknown = \"{unknown}\""));
        // Both decided alike: the policy asks only whether there are a product and a serial number.
        let facts = Facts::parse(&query(&words));
        let mut plain = [const { String::new() }; 7];
        for (place, told) in [(1, facts.product), (2, facts.serial)] {
            if !told.is_empty() {
                plain[place] = "x".to_owned();
            }
        }
        let script = |words| preview(&site, &Facts::parse(&query(words)), Via::Http, None);
        prop_assert_eq!(script(&words), script(&plain));
    }

    #[test]
    fn any_query_gets_a_whole_script(query in "\\PC*") {
        let place = Place::new();
        let site = place.site("");
        let script = preview(&site, &Facts::parse(&query), Via::Http, None);
        prop_assert!(script.starts_with("#!ipxe\n"));
        prop_assert!(script.ends_with('\n'));
    }
}

#[test]
fn a_machine_called_like_a_script_changes_nothing() {
    let place = Place::new();
    let site = place.site("");
    let of = |query: &str| preview(&site, &Facts::parse(query), Via::Http, None);
    let odd =
        "product=foo%20%24%7Bbar%7D%20%26%26%20shell&manufacturer-hex=666f6f207c7c207368656c6c";
    assert_eq!(of(odd), of(""));
}
