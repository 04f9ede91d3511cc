use super::*;
use crate::boot::policy::Subject;
use crate::boot::policy::tests::{NOW, config};
use crate::config::Value;

/// The made-up machine of these facts.
fn made(facts: &[(&str, &str)]) -> Result<Record, String> {
    let mut made = Made::new(NOW);
    for (key, value) in facts {
        made.set(
            key,
            &value.split(',').map(str::to_owned).collect::<Vec<_>>(),
        )?;
    }
    Ok(made.finish(&config(&[])))
}

#[test]
fn a_made_up_machine_tells_what_was_said_of_it_and_nothing_else() {
    let all = [
        ("manufacturer", "IBM"),
        ("product", "x3550"),
        ("serial", "KQ1"),
        ("asset", "7"),
        ("uuid", "4c4c4544-0042-3510-8052-b4c04f4d3132"),
        ("firmware", "1.2"),
        ("platform", "pcbios"),
        ("architecture", "amd64"),
        ("cpu_vendor", "GenuineIntel"),
        ("cpu_model", "Xeon"),
        ("memory", "16 GiB"),
        ("secure_boot", "false"),
        ("mac", "52:54:00:00:00:01,52:54:00:00:00:02"),
        ("nic", "14e4:1639"),
        ("chip", "bnx2"),
        ("ip", "192.168.1.7"),
        ("hostname", "node-1"),
        ("switch", "sw"),
        ("port", "3"),
        ("version", "1.21"),
        ("name", "oden"),
        ("tag", "lab,old"),
    ];
    let record = made(&all).unwrap();
    let subject = Subject::new(None, &record, &record.facts);
    for fact in FactName::ALL {
        let values = subject
            .values(fact)
            .unwrap_or_else(|| panic!("{fact} is not told"));
        let values: Vec<_> = values.iter().map(Value::to_string).collect();
        let said = all
            .iter()
            .find(|(key, _)| *key == fact.key())
            .map(|(_, value)| *value);
        let said = said.unwrap_or(match fact {
            FactName::Buildarch => "i386",
            FactName::Busid => "01:14:e4:16:39",
            _ => "192.168.1.7",
        });
        let said = if fact == FactName::Tag {
            "lab,old"
        } else {
            said
        };
        assert_eq!(values.join(","), said, "{fact}");
    }
    let nobody = Made::new(NOW).finish(&config(&[]));
    let subject = Subject::new(None, &nobody, &nobody.facts);
    for fact in FactName::ALL {
        let values = subject.values(fact);
        let is_known = fact.is_always_known();
        assert_eq!(
            values.map(|values| values.len()),
            is_known.then_some(0),
            "{fact}"
        );
    }
}

#[test]
fn what_no_machine_can_have_is_refused_with_its_fact() {
    for (key, value, said) in [
        (
            "color",
            "red",
            "there is no fact `color`; there are manufacturer,",
        ),
        (
            "memory",
            "16",
            "memory: a size is a whole number and a unit",
        ),
        ("memory", "1 B", "memory: a machine has between"),
        ("mac", "5c:f3", "mac: not a MAC address"),
        (
            "uuid",
            "00000000-0000-0000-0000-000000000000",
            "uuid: board makers",
        ),
        (
            "subnet",
            "10.0.0.0/8",
            "subnet: a machine is in it by its address: say `ip`",
        ),
        ("ip", "10.0.0.0/8", "ip: not an address"),
        ("platform", "itanium", "platform: unknown platform"),
        ("secure_boot", "yes", "secure_boot: must be true or false"),
        ("tag", "a b", "tag: a name has"),
        ("busid", "14e4:1639", "busid: not a bus id"),
        ("nic", "14e4", "nic: no PCI id"),
        (
            "product",
            "a,b",
            "product: a machine has one, and there are 2",
        ),
        ("product", "\u{1b}[2J", "product: a fact has at most"),
    ] {
        let why = made(&[(key, value)]).unwrap_err();
        assert!(why.starts_with(said), "{why}");
    }
}
