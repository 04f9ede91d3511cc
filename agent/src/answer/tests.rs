use std::collections::BTreeSet;

use super::*;
use crate::config::answers::VALUES;
use crate::config::{OpenArgument, Secret};
use crate::id::MachineId;
use crate::machine::Facts;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn places() -> Places {
    Places {
        address: "192.168.1.1".to_owned(),
        server: "http://192.168.1.1:8069".to_owned(),
        answers: format!("http://192.168.1.1:8069/answer/{TOKEN}"),
        events: format!("http://192.168.1.1:8069/event/{TOKEN}"),
        token: TOKEN.to_owned(),
    }
}

fn profile() -> Profile {
    let config = crate::boot::testing::config(
        r#"
        [[image]]
        name = "debian"
        recipe = "debian"
        version = "bookworm"
        [[profile]]
        name = "site"
        image = "debian"
        installed = "callback"
        arguments = ["preseed/url=${answer:preseed.cfg}"]
        answers = { "preseed.cfg" = { text = "x" } }
        variables = { role = "worker", disks = ["/dev/sda"], count = 3, fast = true }
        "#,
    );
    config.profiles.values().next().unwrap().clone()
}

fn machine() -> Machine {
    Machine {
        name: "oden".parse().unwrap(),
        macs: Vec::new(),
        uuid: None,
        profile: None,
        arguments: Vec::new(),
        variables: [
            ("role".to_owned(), Variable::Plain("controlplane".into())),
            (
                "key".to_owned(),
                Variable::Secret(Secret::new("hunter2".to_owned())),
            ),
        ]
        .into(),
        network: Some(StaticAddress {
            address: "192.168.1.171".parse().unwrap(),
            prefix: 20,
            gateway: Some("192.168.1.1".parse().unwrap()),
            interface: Some("eth0".to_owned()),
            dns: vec!["9.9.9.9".parse().unwrap()],
        }),
        loader: None,
        local_boot: None,
    }
}

/// One of which everything is known.
fn record() -> Record {
    let facts = "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=52:54:00:00:00:01&manufacturer=IBM\
                 &product=x3550&serial=KQ01234&asset=7&hostname=oden&platform=efi&buildarch=x86_64\
                 &busid=0114e41639&chip=bnx2&version=1.21&firmware=1.2&secureboot=1&memsize=4096\
                 &cpuvendor=GenuineIntel&cpumodel=Xeon&switch=sw&port=7&ip=192.168.1.50";
    let mut record = Record::new(MachineId(1), 0);
    record.facts = Facts::parse(facts);
    record.macs.clone_from(&record.facts.macs);
    record.uuid = record.facts.uuid;
    record.address = Some("::ffff:192.168.1.50".parse().unwrap());
    record.wishes.tags.insert("rack1".parse().unwrap());
    record.wishes.notes = "behind the door".to_owned();
    record
}

fn filled(text: &str, record: &Record, machine: Option<&Machine>) -> Result<String, Mistake> {
    let answer = AnswerFile {
        text: Secret::new(text.to_owned()),
        path: None,
    };
    let (profile, places) = (profile(), places());
    let filling = Filling {
        profile: &profile,
        machine,
        record,
        places: &places,
    };
    fill(&answer, &filling)
}

#[test]
fn an_answer_has_what_is_known_of_machine_profile_server_and_installation() {
    let (record, machine) = (record(), machine());
    for (text, expected) in [
        (
            "{{ machine.name }} {{ machine.mac }}",
            "oden 52:54:00:00:00:01",
        ),
        ("{{ machine.uuid }}", "4c4c4544-0042-3510-8052-b4c04f4d3132"),
        (
            "{{ machine.serial }} {{ machine.address }}",
            "KQ01234 192.168.1.50",
        ),
        (
            "{{ machine.facts.product }} {{ machine.facts.memory_mb }}",
            "x3550 4096",
        ),
        (
            "{{ machine.tags|join(',') }} {{ machine.notes }}",
            "rack1 behind the door",
        ),
        (
            "{{ machine.network.address }}/{{ machine.network.netmask }}",
            "192.168.1.171/255.255.240.0",
        ),
        (
            "{{ profile.name }} {{ variables.role }}",
            "site controlplane",
        ),
        (
            "{{ profile.variables.count + 1 }} {{ variables.disks[0] }} {{ variables.key }}",
            "4 /dev/sda hunter2",
        ),
        (
            "{{ profile.arguments[0] }}",
            "preseed/url=http://192.168.1.1:8069/answer/0123456789abcdef0123456789abcdef/preseed.cfg",
        ),
        (
            "{{ server.url }} {{ server.address }}",
            "http://192.168.1.1:8069 192.168.1.1",
        ),
        (
            "{{ event_url }}/done",
            "http://192.168.1.1:8069/event/0123456789abcdef0123456789abcdef/done",
        ),
        (
            "{{ answer_url }}/x {{ token|length }}",
            "http://192.168.1.1:8069/answer/0123456789abcdef0123456789abcdef/x 32",
        ),
    ] {
        assert_eq!(
            filled(text, &record, Some(&machine)).as_deref(),
            Ok(expected)
        );
    }
    assert_eq!(
        filled("{{ variables.role }}", &record, None).as_deref(),
        Ok("worker")
    );
}

#[test]
fn what_is_not_known_is_a_mistake_and_no_empty_word() {
    let record = Record::new(MachineId(7), 0);
    for name in [
        "machine.name",
        "machine.mac",
        "machine.serial",
        "machine.uuid",
        "machine.facts.product",
        "machine.network.address",
        "variables.key",
    ] {
        let text = format!("\n{{{{ {name} }}}}");
        assert_eq!(
            filled(&text, &record, None).unwrap_err().line,
            Some(2),
            "{name}"
        );
        let text = format!("{{{{ {name}|default('-') }}}}");
        // Of what has no table either, only its table can be asked for.
        if !name.starts_with("machine.network") {
            assert_eq!(filled(&text, &record, None).as_deref(), Ok("-"), "{name}");
        }
    }
    assert_eq!(
        filled("{{ machine.label }}{{ machine.notes }}", &record, None).as_deref(),
        Ok("machine 7")
    );
    let text = "{% if machine.network is defined %}static{% else %}dhcp{% endif %}";
    assert_eq!(filled(text, &record, None).as_deref(), Ok("dhcp"));
}

#[test]
fn what_a_machine_says_of_itself_is_put_in_as_one_word_where_that_is_asked_for() {
    let mut record = record();
    record.facts.serial = "a\"b\n${x} $(reboot)".to_owned();
    let text = filled("{{ machine.serial|tojson }}", &record, None).unwrap();
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(
        serde_json::from_str::<String>(&text).unwrap(),
        record.facts.serial
    );
}

/// The names of all that a template can ask for, but for variables and what is a list or a word.
fn names(value: &Value, above: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) if !above.ends_with("variables") => {
            for (name, value) in entries {
                let name = match above {
                    "" => name.clone(),
                    above => format!("{above}.{name}"),
                };
                names(value, &name, found);
            }
        }
        _ => {
            found.insert(above.to_owned());
        }
    }
}

#[test]
fn templates_are_held_against_all_that_they_get_and_nothing_else() {
    let (profile, machine, record, places) = (profile(), machine(), record(), places());
    let filling = Filling {
        profile: &profile,
        machine: Some(&machine),
        record: &record,
        places: &places,
    };
    let mut found = BTreeSet::new();
    names(&values(&filling), "", &mut found);
    found.remove("variables");
    let known: BTreeSet<String> = VALUES.iter().map(|name| (*name).to_owned()).collect();
    // What iPXE's query of this test cannot say of a machine is in no answer of it.
    let unsaid: BTreeSet<_> = known.difference(&found).cloned().collect();
    assert!(found.is_subset(&known), "{:?}", found.difference(&known));
    assert!(unsaid.is_empty(), "{unsaid:?}");
    assert!(OpenArgument::new("${answers}").unwrap().is_open());
}
