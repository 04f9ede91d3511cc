//! The registry alone: how many bytes a machine costs, and how long it takes to find one among many.

use hearth::id::MachineId;
use hearth::machine::Facts;
use hearth::machine::registry::Registry;

use crate::machine::{NOW, address, facts, scattered};
use crate::times::{tell, timed};

/// Bytes in memory, as Linux counts them.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

/// Says what they cost.
pub fn run(machines: u32) {
    let all: Vec<Facts> = (0..machines).map(facts).collect();
    let mut registry = Registry::default();
    let before = resident();
    let mut meet = |number: u32, now| {
        registry.meet(&all[number as usize], None, Some(address(number)), now);
    };
    tell(
        "a new machine",
        timed(0..machines, |number| meet(number, NOW)),
    );
    let bytes = (resident() - before) / u64::from(machines);
    let scattered = || scattered(machines);
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
                Some(address(number + machines)),
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
