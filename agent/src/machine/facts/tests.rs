use proptest::prelude::*;

use super::*;

#[test]
fn a_query_of_ipxe_is_read() {
    let facts = Facts::parse(
        "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=5c-f3-fc-01-02-03&mac1=\
         &mac2=5c-f3-fc-01-02-04&platform=efi&buildarch=x86_64&busid=01:14:e4:16:39\
         &manufacturer-hex=49424d20436f72702e&product=x3550+M3&unknown=1&attempt=3",
    );
    let macs = ["5c:f3:fc:01:02:03", "5c:f3:fc:01:02:04"];
    assert_eq!(facts.macs, macs.map(|mac| mac.parse().unwrap()));
    assert_eq!(facts.manufacturer, "IBM Corp.");
    assert_eq!(facts.product, "x3550 M3");
    assert_eq!(facts.busid, "01:14:e4:16:39");
    assert_eq!((facts.platform(), facts.cpu()), (Platform::Efi, Cpu::Amd64));
    assert_eq!(facts.attempt, 3);
    assert!(facts.uuid.is_some() && facts.item.is_none() && !facts.menu);
}

#[test]
fn processor_and_platform_are_known_from_whatever_is_said() {
    let of = |query: &str| {
        let facts = Facts::parse(query);
        (facts.platform(), facts.cpu())
    };
    use Platform::{Bios, Efi};
    assert_eq!(of(""), (Bios, Cpu::I386));
    assert_eq!(of("platform=pcbios&buildarch=i386"), (Bios, Cpu::I386));
    assert_eq!(
        of("platform=pcbios&buildarch=i386&cpu64=1"),
        (Bios, Cpu::Amd64)
    );
    assert_eq!(of("platform=efi&buildarch=i386&cpu64=1"), (Efi, Cpu::I386));
    assert_eq!(of("platform=efi"), (Efi, Cpu::Amd64));
    assert_eq!(of("buildarch=arm64"), (Efi, Cpu::Arm64));
    assert_eq!(of("buildarch=vax&platform=toaster"), (Bios, Cpu::I386));
}

#[test]
fn a_worthless_uuid_is_none() {
    for uuid in [
        "00000000-0000-0000-0000-000000000000",
        "03000200-0400-0500-0006-000700080009",
        "nonsense",
    ] {
        assert_eq!(Facts::parse(&format!("uuid={uuid}")).uuid, None, "{uuid}");
    }
}

#[test]
fn what_ipxe_decodes_too_early_changes_nothing_before_it() {
    // A product named `x&mac=...&platform=efi`, sent as text by a script of another's.
    let facts = Facts::parse(
        "mac=52:54:00:00:00:01&platform=pcbios&manufacturer=A&product=x&platform=efi\
         &manufacturer=B&product=y",
    );
    assert_eq!(facts.platform(), Platform::Bios);
    assert_eq!((&*facts.manufacturer, &*facts.product), ("A", "x"));
}

#[test]
fn more_macs_than_a_machine_has_are_left_out() {
    let query: Vec<_> = (0..20)
        .map(|n| format!("mac=52:54:00:00:00:{n:02x}"))
        .collect();
    assert_eq!(
        Facts::parse(&query.join("&")).macs.len(),
        limits::MACHINE_MACS
    );
}

#[test]
fn a_machine_is_counted_as_one_in_both_byte_orders_of_its_uuid() {
    let key = |uuid: &str| Facts::parse(&format!("uuid={uuid}")).key();
    assert_eq!(
        key("4c4c4544-0042-3510-8052-b4c04f4d3132"),
        key("44454c4c-4200-1035-8052-b4c04f4d3132")
    );
}

proptest! {
    #[test]
    fn any_query_can_be_read(query in "\\PC*") {
        let facts = Facts::parse(&query);
        prop_assert!(facts.serial.len() <= limits::FACT_BYTES);
        facts.label();
    }
}

#[test]
fn what_a_newer_ipxe_knows_is_read() {
    let facts = Facts::parse(
        "busid=01:14:e4:16:39&secureboot=01&firmware-hex=312e3230&cpuvendor-hex=&cpumodel-hex=\
         &cpumodel-hex=58656f6e&hostname-hex=6f64656e&switch-hex=726f772d31&chassis=04001122334455\
         &portid=0567652d302f302f37&port-hex=75706c696e6b&ram0=00000000ffffbf00\
         &ram1=00000001ffff3f01&memsize=100",
    );
    assert_eq!(
        facts.nic().map(|nic| nic.to_string()).as_deref(),
        Some("14e4:1639")
    );
    assert_eq!(facts.secure_boot, Some(true));
    assert_eq!((&*facts.firmware, &*facts.cpu_model), ("1.20", "Xeon"));
    assert_eq!((&*facts.cpu_vendor, &*facts.hostname), ("", "oden"));
    assert_eq!((&*facts.switch, &*facts.port), ("row-1", "ge-0/0/7"));
    assert_eq!(facts.memory_mb, Some(16 << 10));
}

#[test]
fn what_an_older_ipxe_does_not_know_is_not_said() {
    // Every setting that it does not know expands to nothing.
    let facts = Facts::parse(
        "secureboot=&firmware-hex=&cpuvendor-hex=&cpumodel-hex=&hostname-hex=&switch-hex=&chassis=\
         &portid=&port-hex=&ram0=&ram1=&ram2=&ram3=&memsize=",
    );
    assert_eq!(facts, Facts::default());
}

/// Recorded from Debian 12's iPXE of 2019 in virtual machines of 512 MB, BIOS and UEFI.
#[test]
fn what_ipxe_of_2019_really_sends_is_read() {
    let bios = Facts::parse(
        "uuid=00000000-0000-0000-0000-000000000000&mac=52-54-00-77-00-08&mac1=52-54-00-77-00-08&\
         mac2=&mac3=&platform=pcbios&buildarch=i386&cpu64=1&busid=01%3A1a%3Af4%3A10%3A00&\
         ip=192.168.77.137&chip=virtio-net&version=1.0.0+git-20190125.36a4c85-5.1&\
         manufacturer-hex=51454d55&product-hex=5374616e64617264205043&serial-hex=&asset-hex=&\
         secureboot=&firmware-hex=312e31362e322d64656269616e2d312e31362e322d31&memsize=&\
         ram0=00000000ffff0700&ram1=&ram2=&ram3=&cpuvendor-hex=&cpumodel-hex=&\
         cpumodel-hex=70632d6934343066782d372e32&hostname-hex=&switch-hex=&chassis=&portid=&\
         port-hex=",
    );
    assert_eq!((bios.uuid, bios.memory_mb), (None, Some(512)));
    assert_eq!(
        (&*bios.firmware, &*bios.cpu_model),
        ("1.16.2-debian-1.16.2-1", "pc-i440fx-7.2")
    );
    assert_eq!(
        bios.nic().map(|nic| nic.to_string()).as_deref(),
        Some("1af4:1000")
    );
    assert_eq!((bios.secure_boot, &*bios.switch), (None, ""));
    let uefi =
        Facts::parse("platform=efi&secureboot=&firmware-hex=302e302e30&ram0=00000000ffff0700");
    assert_eq!((&*uefi.firmware, uefi.memory_mb), ("0.0.0", Some(512)));
}

#[test]
fn a_switch_without_a_name_is_its_mac_and_a_description_is_better_than_a_ports_mac() {
    let port = "portid=03001122334466";
    let facts = Facts::parse(&format!("{port}&chassis=04001122334455"));
    assert_eq!(facts.switch, "00:11:22:33:44:55");
    assert_eq!(facts.port, "00:11:22:33:44:66");
    assert_eq!(Facts::parse(&format!("port=Slot+3&{port}")).port, "Slot 3");
}

#[test]
fn memory_that_nobody_has_is_not_believed() {
    for query in [
        "memsize=0",
        "memsize=-1",
        "memsize=99999999999",
        "ram0=00",
        "ram0=xyz",
    ] {
        assert_eq!(Facts::parse(query).memory_mb, None, "{query}");
    }
    assert_eq!(Facts::parse("memsize=2048&ram0=").memory_mb, Some(2048));
}

/// What each setting of `facts.ipxe` can expand to at most: SMBIOS strings have no bound of their own
/// but none is longer than 64 in practice; iPXE cuts LLDP where the script says so.
#[test]
fn the_longest_query_of_the_script_is_read_whole() {
    let script = include_str!("../../../scripts/facts.ipxe");
    let lines = script
        .lines()
        .filter_map(|line| line.strip_prefix("set facts "));
    let query = lines
        .map(|line| line.trim_start_matches("${facts}"))
        .collect::<String>();
    let mut long = String::new();
    let mut rest = &*query;
    while let Some((before, after)) = rest.split_once("${") {
        let (setting, after) = after.split_once('}').unwrap();
        let bytes = match setting {
            limited if limited.ends_with(".64:hexraw") => 128,
            table if table.ends_with(".8:hexraw") => 16,
            text if text.ends_with(":hexraw") => 2 * 255,
            text if text.ends_with(":uristring") => 3 * 64,
            _ => 36,
        };
        long.push_str(before);
        long.push_str(&"x".repeat(bytes));
        rest = after;
    }
    long.push_str(rest);
    let with_choice = long.len() + "&item=".len() + 64 + "&attempt=255&menu=1".len();
    assert!(with_choice <= limits::QUERY_BYTES, "{with_choice}");
    // The request's line stands in its head with everything else iPXE sends.
    assert!(with_choice + 1024 <= limits::HTTP_HEAD_BYTES);
    for key in [
        "uuid",
        "mac",
        "platform",
        "secureboot",
        "ram3",
        "portid",
        "hostname-hex",
    ] {
        assert!(query.contains(&format!("{key}=")), "{key}");
    }
    // No value may come from the machine's maker or a neighbour as text.
    for text in ["${serial}", "${hostname}", ":string}", "${cpumodel}"] {
        assert!(!script.contains(text), "{text}");
    }
}

#[test]
fn what_is_asked_once_is_not_kept() {
    let facts = Facts::parse("mac=52:54:00:00:00:01&item=x&menu=1&attempt=3");
    assert_eq!(facts.lasting(), Facts::parse("mac=52:54:00:00:00:01"));
}
