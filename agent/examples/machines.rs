//! How many bytes a machine costs, and how long it takes to find one among many:
//! `cargo run --release --example machines -- 100000`.

#![allow(clippy::unwrap_used)]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use hearth::id::MachineId;
use hearth::machine::Facts;
use hearth::machine::registry::Registry;

const NOW: u64 = 1_700_000_000_000;

/// As a server with four cards says it.
fn facts(number: u32) -> Facts {
    let [_, a, b, c] = number.to_be_bytes();
    let card = |last: u8| format!("5c-f3-{last:02x}-{a:02x}-{b:02x}-{c:02x}");
    let hex = |text: &str| -> String { text.bytes().map(|b| format!("{b:02x}")).collect() };
    Facts::parse(&format!(
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
    ))
}

fn address(number: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from_bits(0x0a00_0000 + number).into())
}

/// Bytes in memory, as Linux counts them.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let of =
        |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64 / 1e3;
    println!(
        "{what:<34} {:>8.2} us  99 %: {:>8.2} us  longest: {:>8.2} us",
        of(0.5),
        of(0.99),
        of(1.0)
    );
}

fn timed(numbers: impl Iterator<Item = u32>, mut action: impl FnMut(u32)) -> Vec<Duration> {
    let one = |number| {
        let began = Instant::now();
        action(number);
        began.elapsed()
    };
    numbers.map(one).collect()
}

fn main() {
    let machines: u32 = std::env::args()
        .nth(1)
        .map_or(100_000, |count| count.parse().unwrap());
    let all: Vec<Facts> = (0..machines).map(facts).collect();
    let mut registry = Registry::default();
    let before = resident();
    let mut meet = |number: u32, now| {
        registry.meet(&all[number as usize], None, address(number), now);
    };
    tell(
        "a new machine",
        timed(0..machines, |number| meet(number, NOW)),
    );
    let bytes = (resident() - before) / u64::from(machines);
    // Scattered, as machines ask.
    let scattered =
        move || (0..machines).map(move |n| (u64::from(n) * 7_919 % u64::from(machines)) as u32);
    tell(
        "a known one that says the same",
        timed(scattered(), |number| meet(number, NOW + 1)),
    );
    tell(
        "one at another address",
        timed(scattered(), |number| {
            registry.meet(
                &all[number as usize],
                None,
                address(number + machines),
                NOW + 2,
            );
        }),
    );
    tell(
        "parsing what it says",
        timed(scattered().take(10_000), |number| {
            std::hint::black_box(facts(number));
        }),
    );
    tell(
        "one that is heard of",
        timed(scattered(), |number| {
            registry.heard(all[number as usize].macs[0], None, false, NOW + 3);
        }),
    );
    tell(
        "a change of a record",
        timed(scattered(), |number| {
            let id = MachineId(u64::from(number) + 1);
            registry.change(id, |record| record.policy = Some("a policy".to_owned()));
        }),
    );
    tell(
        "finding by name, MAC or number",
        timed(scattered(), |number| {
            let mac = all[number as usize].macs[0].to_string();
            assert!(registry.named(&mac).is_some() && registry.counted("a policy") > 0);
        }),
    );
    tell(
        "forgetting one",
        timed(scattered().take(machines as usize / 10), |number| {
            registry.take(MachineId(u64::from(number) + 1));
        }),
    );
    let json = registry
        .iter()
        .next()
        .map(|record| serde_json::to_string(record).unwrap().len());
    println!(
        "{bytes} bytes a machine in memory, {} as JSON",
        json.unwrap_or(0)
    );
}
