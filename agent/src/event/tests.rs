use super::*;

#[test]
fn an_event_is_read_back_as_it_was_written() {
    let transfer = Event::Transfer {
        via: Via::Tftp,
        peer: "192.168.1.171:0".parse().unwrap(),
        name: "snponly.efi".to_owned(),
        bytes: 5,
        size: None,
        took: Duration::from_millis(1500),
        repeats: 0,
        outcome: Outcome::Failed("cut".to_owned()),
    };
    let stamped = Stamped {
        seq: 7,
        at: 1,
        machine: Some(MachineId(3)),
        event: transfer,
    };
    let text = serde_json::to_string(&stamped).unwrap();
    assert_eq!(
        text,
        "{\"seq\":7,\"at\":1,\"machine\":3,\"kind\":\"transfer\",\"via\":\"tftp\",\
         \"peer\":\"192.168.1.171\",\"name\":\"snponly.efi\",\"bytes\":5,\"size\":null,\
         \"seconds\":1.5,\"repeats\":0,\"outcome\":\"failed\",\"reason\":\"cut\"}"
    );
    assert_eq!(serde_json::from_str::<Stamped>(&text).unwrap(), stamped);
}

fn one_of_each() -> Vec<Event> {
    let peer = "192.168.1.171:0".parse().unwrap();
    let mac: Mac = "52:54:00:00:00:01".parse().unwrap();
    let uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132".parse().unwrap();
    let text = || "text".to_owned();
    vec![
        Event::Transfer {
            via: Via::Http,
            peer,
            name: text(),
            bytes: 5,
            size: None,
            took: Duration::from_secs(1),
            repeats: 0,
            outcome: Outcome::Done,
        },
        Event::Script {
            peer,
            machine: text(),
            decision: text(),
            reason: text(),
        },
        Event::Dhcp(Dhcp {
            message: DhcpMessage::Ack,
            mac,
            xid: 1,
            architectures: vec![7],
            vendor_class: text(),
            is_ipxe: true,
            uuid: Some(uuid),
            server: Some(peer.ip()),
            address: Some(peer.ip()),
            next_server: Some(text()),
            file: Some(text()),
            has_options_66_67: true,
        }),
        Event::Phase {
            from: Word::Ready,
            to: Word::Installing,
            reason: text(),
        },
        Event::Loader {
            asked: text(),
            given: text(),
            reason: text(),
        },
        Event::LocalBoot {
            method: text(),
            reason: text(),
        },
        Event::Answer {
            peer,
            name: text(),
            bytes: 7,
            error: Some(text()),
        },
        Event::Report {
            report: Report::Log,
            text: text(),
        },
        Event::Impostor {
            claimed: mac,
            found: Some(mac),
            peer: peer.ip(),
        },
        Event::Merged {
            other: MachineId(2),
            reason: text(),
        },
        Event::Moved {
            what: text(),
            from: MachineId(2),
        },
        Event::Shared {
            what: text(),
            other: MachineId(2),
            reason: text(),
        },
        Event::Board {
            before: uuid,
            now: uuid,
        },
        Event::Action {
            who: text(),
            what: text(),
        },
        Event::Power {
            driver: text(),
            what: text(),
            error: Some(text()),
        },
        Event::Fetch {
            name: text(),
            host: text(),
            bytes: 7,
            took: Duration::from_secs(1),
            cause: Some(Cause::DiskFull),
            error: Some(text()),
        },
    ]
}

#[test]
fn every_kind_is_that_of_its_json_and_one_that_a_webhook_may_name() {
    let events = one_of_each();
    for event in &events {
        let value = serde_json::to_value(event).unwrap();
        assert_eq!(value["kind"], event.kind());
    }
    let kinds: std::collections::BTreeSet<&str> = events.iter().map(Event::kind).collect();
    assert_eq!(kinds, crate::config::KINDS.into());
}

#[test]
fn no_event_has_a_field_that_its_stamp_has_too() {
    let events = one_of_each();
    for event in events {
        let stamped = Stamped {
            seq: 7,
            at: 1,
            machine: Some(MachineId(3)),
            event,
        };
        let text = serde_json::to_string(&stamped).unwrap();
        let read = serde_json::from_str::<Stamped>(&text);
        assert_eq!(
            read.unwrap_or_else(|error| panic!("{text}: {error}")),
            stamped
        );
    }
}
