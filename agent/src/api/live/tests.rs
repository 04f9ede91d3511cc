//! Boots and transfers put together with machines.

use super::*;
use crate::api::tests::{NOW, over};
use crate::event::{Dhcp, DhcpMessage, Via};
use crate::timeline::live::Live;

const MAC: &str = "52:54:00:00:00:01";

fn script(peer: &str, decision: &str) -> Event {
    Event::Script {
        peer: format!("{peer}:1").parse().unwrap(),
        machine: "x".to_owned(),
        decision: decision.to_owned(),
        reason: "as a test wants it".to_owned(),
    }
}

fn discover() -> Event {
    Event::Dhcp(Dhcp {
        message: DhcpMessage::Discover,
        mac: MAC.parse().unwrap(),
        xid: 1,
        architectures: vec![7],
        vendor_class: String::new(),
        is_ipxe: false,
        uuid: None,
        server: None,
        address: None,
        next_server: None,
        file: None,
        has_options_66_67: false,
    })
}

fn sends(peer: &str, name: &str) -> UnderWay {
    UnderWay {
        via: Via::Tftp,
        peer: format!("{peer}:2070").parse().unwrap(),
        name: name.to_owned(),
        bytes: 10,
        size: 40,
        began: Instant::now(),
    }
}

/// What is told of these events, a tenth of a second each, and transfers, by two machines that were
/// met at the addresses .1 and .2.
fn told(events: &[(Option<u64>, Event)], transfers: &[UnderWay], query: &str) -> Value {
    let mut api = over("", &[]);
    for (number, address) in [(1, "10.0.0.1"), (2, "10.0.0.2")] {
        let query = format!("mac=52:54:00:00:00:{number:02}&ip={address}");
        let facts = crate::machine::Facts::parse(&query);
        api.census.meet(&facts, None, facts.ip, NOW);
    }
    let mut live = Live::default();
    for (seq, (machine, event)) in (1..).zip(events) {
        live.take(&Arc::new(Stamped {
            seq,
            at: NOW - 5_000 + seq * 100,
            machine: machine.map(MachineId),
            event: event.clone(),
        }));
    }
    let transfers: Vec<_> = transfers.iter().map(|one| (one.clone(), 7)).collect();
    api.looking = Box::new(move || Look {
        boots: live.boots(),
        transfers: transfers.clone(),
        totals: json!({}),
    });
    api.live(query, &api.keeper.site()).unwrap()
}

fn words(told: &Value) -> Vec<String> {
    let machines = told["machines"].as_array().unwrap();
    let word = |machine: &Value| {
        let text = |key: &str| machine[key].as_str().unwrap_or("-").to_owned();
        format!("{} {}", text("label"), text("stage"))
    };
    machines.iter().map(word).collect()
}

#[test]
fn a_transfer_is_its_machines_and_a_stranger_has_its_address_for_a_name() {
    let transfers = [sends("10.0.0.1", "snponly.efi"), sends("10.0.0.9", "linux")];
    let told = told(&[(Some(1), script("10.0.0.1", "menu"))], &transfers, "");
    assert_eq!(
        words(&told),
        ["52:54:00:00:00:01 loader", "10.0.0.9 files"],
        "{told:#}"
    );
    let one = &told["machines"][0]["transfers"][0];
    assert_eq!((&one["bytes"], &one["rate"]), (&json!(10), &json!(7)));
    assert_eq!(
        told["machines"][0]["decision"],
        Value::Null,
        "a loader is of its next boot"
    );
    assert_eq!(told["machines"][1]["event"], Value::Null);
}

#[test]
fn what_was_heard_of_a_card_is_of_the_machine_that_has_it() {
    let told = told(
        &[(None, discover()), (Some(1), script("10.0.0.1", "menu"))],
        &[],
        "",
    );
    assert_eq!(words(&told), ["52:54:00:00:00:01 menu"]);
    assert_eq!(told["machines"][0]["began"], NOW - 4_900, "with the card");
}

#[test]
fn who_began_first_comes_first_and_who_ended_last() {
    let events = [
        (Some(1), script("10.0.0.1", "local")),
        (None, script("10.0.0.7", "menu")),
        (Some(2), script("10.0.0.2", "hold")),
    ];
    let all = told(&events, &[], "");
    assert_eq!(
        words(&all),
        [
            "10.0.0.7 menu",
            "52:54:00:00:00:02 waiting",
            "52:54:00:00:00:01 script"
        ]
    );
    assert_eq!(all["machines"][2]["ended"]["how"], "local");
    let few = told(&events, &[], "limit=1");
    assert_eq!(words(&few), ["52:54:00:00:00:02 waiting"]);
    assert_eq!(few["left_out"], 2);
}

#[test]
fn a_machine_that_was_forgotten_is_left_out() {
    let told = told(&[(Some(99), script("10.0.0.1", "menu"))], &[], "");
    assert_eq!(words(&told), [""; 0]);
}
