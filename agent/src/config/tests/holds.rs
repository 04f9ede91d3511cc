//! Configurations that hold, and what they become.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::super::*;
use super::config;

/// The sample that the design shows.
const SAMPLE: &str = include_str!("sample.toml");

#[test]
fn the_sample_of_the_design_holds() {
    let config = config(SAMPLE);
    let name = |text: &str| Name::new(text).unwrap();
    assert_eq!(config.server.http_port, 8069);
    assert_eq!(config.server.unknown, Unknown::Menu);
    assert_eq!(config.menu.timeout, Duration::from_secs(5));
    assert_eq!(config.menu.default, MenuItem::Local);
    let items: Vec<_> = config.menu.items.iter().map(MenuItem::name).collect();
    assert_eq!(
        items,
        ["talos-omni", "netboot.xyz", "memtest", "local", "shell"]
    );
    assert_eq!(config.menu.items[0], MenuItem::Profile(name("talos-omni")));
    assert_eq!(config.menu.items[1], MenuItem::Image(name("netboot.xyz")));
    let images: Vec<_> = config.images.keys().map(Name::as_str).collect();
    assert_eq!(images, ["memtest", "netboot.xyz", "talos"]);
    let Recipe::Talos(talos) = &config.images[&name("talos")].recipe else {
        panic!("not Talos");
    };
    assert_eq!(talos.version, "v1.11.2");
    assert_eq!(talos.extensions, ["siderolabs/bnx2-bnx2x"]);
    let profile = &config.profiles[&name("talos-omni")];
    assert_eq!(profile.label.as_str(), "talos-omni");
    assert_eq!(profile.installed, Installed::NextBoot);
    let omni = profile.omni.as_ref().unwrap();
    assert_eq!(omni.token.as_ref().unwrap().reveal(), "...");
    assert_eq!(config.policies[0].limit, Some(3));
    assert_eq!(config.policies[0].conditions.len(), 2);
    let oden = &config.machines[&name("oden")];
    assert_eq!(oden.macs[0].to_string(), "5c:f3:fc:01:02:03");
    assert_eq!(
        oden.network,
        Some(StaticAddress {
            address: Ipv4Addr::new(192, 168, 1, 171),
            prefix: 24,
            gateway: Some(Ipv4Addr::new(192, 168, 1, 1)),
            interface: Some("eth0".to_owned()),
            dns: vec![],
        })
    );
    assert_eq!(oden.loader.as_deref(), Some("undionly.kpxe"));
    assert_eq!(oden.local_boot, Some(LocalBoot::Sanboot));
}

const SERVER: &str = "[server]\naddresses = [\"192.168.1.1\"]\n";

#[test]
fn one_address_is_enough() {
    let config = config(SERVER);
    assert_eq!(config.server.root.to_str(), Some(defaults::ROOT));
    assert_eq!(config.tftp, defaults::tftp());
    assert_eq!(config.http, defaults::http());
    assert_eq!(config.fetch, defaults::fetch());
    assert_eq!(config.log, defaults::log());
    let items: Vec<_> = config.menu.items.iter().map(MenuItem::name).collect();
    assert_eq!(items, defaults::MENU_ITEMS);
    assert_eq!(config.menu.default, MenuItem::Local);
}

#[test]
fn a_menu_of_its_own_starts_with_every_profile() {
    let config = config(&format!(
        "{SERVER}[[image]]\nname = \"i\"\nrecipe = \"netboot.xyz\"\n\
         [[profile]]\nname = \"z\"\nimage = \"i\"\n[[profile]]\nname = \"a\"\nimage = \"i\"\n"
    ));
    let items: Vec<_> = config.menu.items.iter().map(MenuItem::name).collect();
    assert_eq!(
        items,
        [
            "z",
            "a",
            "netboot.xyz",
            "memtest",
            "local",
            "shell",
            "reboot"
        ]
    );
}

#[test]
fn a_menu_without_the_local_disk_takes_its_first_item() {
    let config = config(&format!(
        "{SERVER}[menu]\nitems = [\"shell\", \"reboot\"]\n"
    ));
    assert_eq!(config.menu.default, MenuItem::Shell);
    assert!(config.images.is_empty());
}

#[test]
fn a_declared_image_is_not_overridden_by_the_one_that_an_item_implies() {
    let config = config(&format!(
        "{SERVER}[[image]]\nname = \"memtest\"\nrecipe = \"memtest\"\nurl = \"http://x.example/mt\"\n"
    ));
    let memtest = &config.images[&Name::new("memtest").unwrap()];
    let Recipe::Memtest { url, .. } = &memtest.recipe else {
        panic!("not memtest");
    };
    assert_eq!(url.as_str(), "http://x.example/mt");
}

#[test]
fn sources_are_urls_with_or_without_a_digest() {
    let digest = "ab".repeat(32);
    let config = config(&format!(
        "{SERVER}[[image]]\nname = \"x\"\nrecipe = \"custom\"\n\
         kernel = {{ url = \"https://x.example/vmlinuz?a=b\", sha256 = \"{digest}\" }}\n\
         initrds = [\"http://x.example/initrd.gz\"]\narguments = [\"console=ttyS0,115200n8\"]\n\
         architectures = [\"x86_64\", \"loong64\"]\n"
    ));
    let image = &config.images[&Name::new("x").unwrap()];
    let Recipe::Custom(custom) = &image.recipe else {
        panic!("not custom");
    };
    assert_eq!(custom.kernel.sha256.unwrap().to_string(), digest);
    assert_eq!(custom.initrds[0].sha256, None);
    assert_eq!(
        image.architectures,
        [crate::arch::Cpu::Amd64, crate::arch::Cpu::Loong64]
    );
}

#[test]
fn a_bare_block_size_is_a_number_and_path_is_none() {
    let bytes = config(&format!("{SERVER}[tftp]\nblock_size = 1_432\n"));
    assert_eq!(bytes.tftp.block_size, Some(1432));
    let path = config(&format!("{SERVER}[tftp]\nblock_size = \"path\"\n"));
    assert_eq!(path.tftp.block_size, None);
}

#[test]
fn a_machine_may_have_several_macs_and_a_policy_several_patterns() {
    let config = config(&format!(
        "{SERVER}unknown = \"profile p\"\n[[image]]\nname = \"i\"\nrecipe = \"netboot.xyz\"\n\
         [[profile]]\nname = \"p\"\nimage = \"i\"\n\
         [[policy]]\nname = \"x\"\nprofile = \"p\"\n\
         match = {{ mac = [\"5c:f3:fc:*\", \"00:1A:64:*\"], platform = \"EFI\" }}\n\
         [[machine]]\nname = \"m\"\nmac = [\"5c:f3:fc:01:02:03\", \"5CF3.FC01.0204\"]\n"
    ));
    assert_eq!(config.machines[&Name::new("m").unwrap()].macs.len(), 2);
    let mac = config.policies[0].conditions.iter();
    let mac = mac.filter(|condition| condition.fact == FactName::Mac);
    assert_eq!(mac.map(|one| one.patterns.len()).sum::<usize>(), 2);
    assert_eq!(
        config.server.unknown,
        Unknown::Profile(Name::new("p").unwrap())
    );
}

/// A Talos profile with Omni and a machine, with arguments of so many bytes in all.
fn long(of_profile: usize, of_machine: usize) -> (usize, usize) {
    let words = |bytes: usize| {
        let list: Vec<_> = (0..bytes / 100)
            .map(|_| format!("\"{}\"", "x".repeat(99)))
            .collect();
        list.join(", ")
    };
    let folder = super::Folder::with(&format!(
        "{SERVER}[[image]]\nname = \"talos\"\nrecipe = \"talos\"\nversion = \"v1.11.2\"\n\
         [[profile]]\nname = \"p\"\nimage = \"talos\"\narguments = [{}]\n\
         omni = {{ api = \"https://o.example\", token = \"{}\" }}\n\
         [[machine]]\nname = \"m\"\nmac = \"5c:f3:fc:01:02:03\"\nprofile = \"p\"\narguments = [{}]\n",
        words(of_profile),
        "t".repeat(200),
        words(of_machine)
    ));
    match folder.load() {
        Ok(loaded) => loaded.warnings.count(),
        Err(diagnostics) => diagnostics.count(),
    }
}

#[test]
fn a_kernel_command_line_has_to_fit() {
    assert_eq!(long(1_000, 0), (0, 0));
    assert_eq!(long(1_000, 500), (0, 0));
    assert_eq!(
        long(1_000, 1_000),
        (0, 1),
        "the machine's is over what x86 takes"
    );
    assert_eq!(
        long(2_000, 0),
        (0, 1),
        "the profile's is over what x86 takes"
    );
    assert_eq!(long(2_000, 100), (0, 1), "said once");
    assert_eq!(long(2_000, 2_000), (1, 1));
    assert_eq!(long(4_000, 0), (1, 0));
    assert_eq!(long(4_000, 1_000), (1, 0), "said once");
}

#[test]
fn a_token_has_to_fit_into_one_argument() {
    let with = |bytes: usize| {
        let folder = super::Folder::with(&format!(
            "{SERVER}[[image]]\nname = \"talos\"\nrecipe = \"talos\"\nversion = \"v1.11.2\"\n\
             [[profile]]\nname = \"p\"\nimage = \"talos\"\n\
             omni = {{ api = \"https://o.example\", token = \"{}\" }}\n",
            "t".repeat(bytes)
        ));
        folder.load()
    };
    assert!(with(2_000).is_ok());
    let words = with(2_020).unwrap_err().to_string();
    assert!(
        words.contains("Omni's address and token make an argument"),
        "{words}"
    );
    assert!(!words.contains("ttt"), "{words}");
}

#[test]
fn local_addresses_are_held_against_the_interfaces_only_where_they_are_known() {
    let folder = super::Folder::with("[server]\naddresses = [\"192.168.1.1\"]\n");
    let on = |addresses: &[&str]| Environment {
        local_addresses: Some(addresses.iter().map(|one| one.parse().unwrap()).collect()),
        later: false,
    };
    assert!(folder.load().is_ok());
    assert!(folder.load_in(&on(&["10.0.0.1", "192.168.1.1"])).is_ok());
    assert!(folder.load_in(&on(&["10.0.0.1"])).is_err());
    assert!(folder.load_in(&on(&[])).is_err());
    let later = Environment {
        later: true,
        ..on(&["10.0.0.1"])
    };
    let warnings = folder.load_in(&later).unwrap().warnings.to_string();
    assert!(warnings.contains("no interface of this host has the address 192.168.1.1"));
    assert!(warnings.contains("it is waited for"), "{warnings}");
}
