//! One machine of many, by its number.

use std::net::{IpAddr, Ipv4Addr};

use hearth::machine::Facts;

/// Milliseconds since 1970 at which all were met.
pub const NOW: u64 = 1_700_000_000_000;

/// What a server with four cards sends to `/script`.
pub fn query(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    let card = |last: u8| format!("5c-f3-{last:02x}-{a:02x}-{b:02x}-{c:02x}");
    let hex = |text: &str| -> String { text.bytes().map(|b| format!("{b:02x}")).collect() };
    format!(
        "uuid={number:08x}-0042-3510-8052-b4c04f4d3132&mac={}&mac1={}&mac2={}&mac3={}&platform=efi\
         &buildarch=x86_64&cpu64=0&busid=01:14:e4:16:39&ip=10.0.0.1&chip=SNP&version=1.21.1\
         &manufacturer-hex={}&product-hex={}&serial-hex={}&asset-hex={}&secureboot=00\
         &firmware-hex={}&ram0=00000000ffffbf00&ram1=00000001ffff3f01&cpuvendor-hex={}\
         &cpumodel-hex={}&hostname-hex={}&switch-hex={}&portid=0567652d302f302f37",
        card(0),
        card(0),
        card(1),
        card(2),
        hex("IBM Corp."),
        hex("System x3550 M3 -[7944]-"),
        hex(&format!("KQ{number:06}")),
        hex("inventory 4711"),
        hex("-[D6E162AUS-1.20]-"),
        hex("GenuineIntel"),
        hex("Intel(R) Xeon(R) CPU E5620 @ 2.40GHz"),
        hex(&format!("node-{number}")),
        hex("rack-7-top"),
    )
}

/// The same, as it is understood.
pub fn facts(number: u32) -> Facts {
    Facts::parse(&query(number))
}

/// Where it asks from.
pub fn address(number: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0a00_0000 + number).into()
}

/// All of them, scattered as machines ask: no number stands beside its neighbour.
pub fn scattered(machines: u32) -> impl Iterator<Item = u32> {
    (0..machines).map(move |n| (u64::from(n) * 7_919 % u64::from(machines)) as u32)
}
