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
    assert_eq!(talos.extensions, ["siderolabs/bnx2"]);
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
