use super::*;
use crate::boot::testing;
use crate::config::Name;
use crate::id::MachineId;
use crate::machine::{Facts, Known};

mod any;

pub(super) const NOW: u64 = 1_000_000;

/// A configuration with two profiles and these policies: what is behind `match =`, and the limit.
pub(super) fn config(policies: &[(&str, Option<u32>)]) -> Config {
    testing::config(&written(policies))
}

fn written(policies: &[(&str, Option<u32>)]) -> String {
    let profile = "[[profile]]\nname = \"p\"\nimage = \"debian\"\n";
    let mut text = testing::with_debian(profile);
    for (number, (conditions, limit)) in policies.iter().enumerate() {
        let limit = limit.map_or_else(String::new, |limit| format!("limit = {limit}"));
        text.push_str(&format!(
            "[[policy]]\nname = \"{number}\"\nprofile = \"p\"\nmatch = {conditions}\n{limit}\n"
        ));
    }
    text
}

fn record(query: &str, tags: &[&str]) -> Record {
    let mut record = Record::new(MachineId(1), NOW);
    record.facts = Facts::parse(query);
    record.wishes.tags = tags.iter().map(|tag| Name::new(tag).unwrap()).collect();
    record
}

/// Whether a machine meets a condition.
#[track_caller]
fn meets(condition: &str, query: &str) -> bool {
    let config = config(&[(condition, None)]);
    let record = record(query, &[]);
    let subject = Subject::new(None, &record, &record.facts);
    explain(&config, subject, &|_| Count::Others(0))[0].outcome == Outcome::Taken
}

#[test]
fn every_fact_that_a_machine_tells_can_be_asked_for() {
    let query = "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=52:54:00:00:00:01\
        &mac1=00:1a:64:00:00:01&platform=pcbios&buildarch=i386&cpu64=1&ip=192.168.1.7&manufacturer=IBM\
        &product=x3550&serial=KQ1&asset=7&busid=01:14:e4:16:39&chip=bnx2&version=1.21.1&firmware=1.2\
        &secureboot=1&memsize=16384&cpuvendor=GenuineIntel&cpumodel=Xeon&hostname=node-1&switch=sw\
        &port=Gi0%2F3";
    for (key, met, missed) in [
        ("uuid", "44454c4c-*", "deadbeef-*"),
        ("mac", "00:1a:64", "00:1a:65"),
        ("platform", "bios", "efi"),
        ("architecture", "amd64", "i386"),
        ("buildarch", "i386", "amd64"),
        ("ip", "192.168.1.0..192.168.1.9", "192.168.1.8"),
        ("subnet", "192.168.0.0/16", "192.168.2.0/24"),
        ("manufacturer", "ibm", "ib"),
        ("product", "x3?50", "x36*"),
        ("serial", "KQ*", "K"),
        ("asset", "7", "70"),
        ("busid", "0114e4*", "01:80:86:*"),
        ("nic", "14e4:*", "8086"),
        ("chip", "bnx2", "bnx2x"),
        ("version", "1.2*", "1.3*"),
        ("firmware", "1.2", "1.2?"),
        ("memory", ">= 16 GiB", "< 16 GiB"),
        ("cpu_vendor", "Genuine*", "Authentic*"),
        ("cpu_model", "xeon", "atom"),
        ("hostname", "node-*", "node"),
        ("switch", "sw", "s"),
        ("port", "Gi0/*", "Gi1/*"),
    ] {
        let written = |pattern: &str| format!("{{ {key} = \"{pattern}\" }}");
        assert!(
            meets(&written(met), query) && meets(&written("*"), query),
            "{key}"
        );
        assert!(!meets(&written(missed), query), "{key}");
        let contrary = |pattern: &str| written(&format!("!{pattern}"));
        assert!(
            !meets(&contrary(met), query) && meets(&contrary(missed), query),
            "{key}"
        );
        // Of a machine that tells nothing no condition holds, nor its contrary.
        for pattern in [written(met), written("*"), contrary(met), contrary(missed)] {
            assert!(!meets(&pattern, ""), "{pattern}");
        }
    }
    assert!(meets("{ secure_boot = true }", query));
    assert!(!meets("{ secure_boot = false }", "") && !meets("{ secure_boot = false }", query));
}

/// Recorded from Debian 12's iPXE of 2019 in a virtual machine of 512 MB.
#[test]
fn a_machine_is_met_by_what_ipxe_really_says() {
    let query = "uuid=00000000-0000-0000-0000-000000000000&mac=52-54-00-77-00-08\
        &mac1=52-54-00-77-00-08&mac2=&mac3=&platform=pcbios&buildarch=i386&cpu64=1\
        &busid=01%3A1a%3Af4%3A10%3A00&ip=192.168.77.137&chip=virtio-net\
        &version=1.0.0+git-20190125.36a4c85-5.1&manufacturer-hex=51454d55\
        &product-hex=5374616e64617264205043&serial-hex=&asset-hex=&secureboot=&memsize=\
        &ram0=00000000ffff0700&ram1=&ram2=&ram3=";
    for condition in [
        r#"mac = "52:54:00:*""#,
        r#"platform = "pcbios", architecture = "amd64""#,
        r#"busid = "01:1a:f4:10:00""#,
        r#"busid = "011af4*""#,
        r#"nic = "1af4:1000""#,
        r#"chip = "virtio*", version = "1.0.0*""#,
        r#"manufacturer = "qemu", product = "Standard PC*""#,
        r#"memory = "512 MiB""#,
        r#"subnet = "192.168.77.0/24""#,
    ] {
        assert!(meets(&format!("{{ {condition} }}"), query), "{condition}");
    }
    for condition in [
        r#"serial = "!x""#,
        "secure_boot = false",
        r#"uuid = "*""#,
        r#"busid = "!01:1a:f4:*""#,
    ] {
        assert!(!meets(&format!("{{ {condition} }}"), query), "{condition}");
    }
}

#[test]
fn no_fact_of_a_machine_is_left_out() {
    let facts = serde_json::to_value(Facts::default()).unwrap();
    for fact in facts.as_object().unwrap().keys() {
        let key = match fact.as_str() {
            "macs" => "mac",
            "memory_mb" => "memory",
            // Only what iPXE for BIOS, a 32-bit program, says of the processor beside `buildarch`.
            "cpu64" => "architecture",
            other => other,
        };
        assert!(
            FactName::of_key(key).is_some(),
            "{fact} cannot be asked for"
        );
    }
}

#[test]
fn what_is_guessed_of_a_machine_is_not_what_it_tells() {
    let (bios, amd64) = (
        r#"{ platform = "pcbios" }"#,
        r#"{ architecture = "amd64" }"#,
    );
    assert!(!meets(bios, "") && !meets(amd64, "platform=efi"));
    assert!(meets(bios, "buildarch=i386"), "iPXE for BIOS says no more");
    assert!(meets(amd64, "platform=pcbios&buildarch=i386&cpu64=1"));
    assert!(!meets(amd64, "platform=pcbios&buildarch=i386"));
}

#[test]
fn an_address_in_clothes_of_ipv6_is_ipv4() {
    assert!(meets(r#"{ subnet = "10.0.0.0/8" }"#, "ip=::ffff:10.1.2.3"));
    assert!(meets(r#"{ subnet = "fd00:1::/64" }"#, "ip=fd00:1::7"));
    assert!(!meets(r#"{ ip = "10.0.0.0/8" }"#, "ip=fd00:1::7"));
}

#[test]
fn names_are_the_declared_ones_first_and_tags_are_a_persons() {
    let policies = written(&[
        (r#"{ name = "od*", tag = ["lab", "!keep"] }"#, None),
        (r#"{ name = "!*" }"#, None),
    ]);
    let oden = "[[machine]]\nname = \"oden\"\nmac = \"52:54:00:00:00:01\"\n";
    let config = testing::config(&(policies + oden));
    let taken = |record: &Record| {
        let known = Known::of(&config);
        let subject = Subject::new(
            known.identify(&config, &record.facts),
            record,
            &record.facts,
        );
        let steps = explain(&config, subject, &|_| Count::Others(0));
        steps.iter().position(|step| step.outcome == Outcome::Taken)
    };
    let oden = |tags: &[&str]| record("mac=52:54:00:00:00:01", tags);
    assert_eq!(taken(&oden(&["lab"])), Some(0));
    assert_eq!(taken(&oden(&[])), None);
    assert_eq!(taken(&oden(&["lab", "keep"])), None);
    let mut other = record("mac=52:54:00:00:00:02", &["lab"]);
    assert_eq!(taken(&other), Some(1), "it has no name");
    other.given_name = Some(Name::new("odd").unwrap());
    assert_eq!(taken(&other), Some(0));
    let mut renamed = oden(&["lab"]);
    renamed.given_name = Some(Name::new("freya").unwrap());
    assert_eq!(taken(&renamed), Some(0), "the declared name counts more");
}

#[test]
fn a_step_says_what_was_wanted_and_what_there_is() {
    let config = config(&[
        (
            r#"{ memory = ">= 16 GiB", serial = "KQ*", tag = "lab" }"#,
            None,
        ),
        (
            r#"{ manufacturer = ["*", "!IBM*"], mac = "5c:f3:fc:*" }"#,
            None,
        ),
        (r#"{ manufacturer = "IBM*" }"#, Some(2)),
        (r#"{ product = "*x3550*" }"#, None),
        ("{}", None),
        (r#"{ asset = ["!1*", "!2*"] }"#, None),
        (r#"{ name = ["a", "b", "c", "d", "e", "f"] }"#, None),
    ]);
    let query = "manufacturer=IBM+Corp.&product=System+x3550&memsize=8192\
                 &mac=52:54:00:00:00:01&mac1=52:54:00:00:00:02";
    let record = record(query, &["rack7", "old"]);
    let subject = Subject::new(None, &record, &record.facts);
    let steps = explain(&config, subject, &|_| Count::Others(2));
    let said: Vec<_> = steps
        .iter()
        .map(|step| (step.outcome.word(), step.sentence(subject)))
        .collect();
    let expected = [
        (
            "unmet",
            "memory is `8 GiB`, wanted is `>= 16 GiB`; the machine does not tell its serial, \
             wanted is `KQ*`; its tags are `old`, `rack7`, wanted is `lab`",
        ),
        (
            "unmet",
            "manufacturer is `IBM Corp.`, which `!IBM*` leaves out; its MACs are \
                   `52:54:00:00:00:01`, `52:54:00:00:00:02`, wanted is `5c:f3:fc:*`",
        ),
        (
            "full",
            "every condition holds, but its limit is used up (2 of 2)",
        ),
        ("taken", "every condition holds"),
        (
            "behind",
            "every condition holds, but a policy before it is taken",
        ),
        (
            "unmet",
            "the machine does not tell its asset, so that `!1*`, `!2*` cannot be held against it",
        ),
        (
            "unmet",
            "the machine has no name, wanted is `a`, `b`, `c`, `d` and 2 more",
        ),
    ];
    for (said, expected) in said.iter().zip(expected) {
        assert_eq!((said.0, &*said.1), expected);
    }
    assert_eq!(said.len(), expected.len());
    let own = explain(&config, subject, &|_| Count::Own(2));
    assert_eq!(own[2].outcome, Outcome::Taken, "it has one of the places");
    let stranger = explain(&config, subject, &|_| Count::NoPlace);
    assert_eq!(stranger[2].outcome, Outcome::NoPlace { limit: 2 });
    assert_eq!(stranger[3].outcome, Outcome::Taken);
}

#[test]
fn a_limit_that_was_made_smaller_than_what_is_used_takes_no_more() {
    let config = config(&[("{}", Some(1))]);
    let record = record("", &[]);
    let subject = Subject::new(None, &record, &record.facts);
    let steps = explain(&config, subject, &|_| Count::Others(3));
    assert_eq!(steps[0].outcome, Outcome::Full { used: 3, limit: 1 });
}
