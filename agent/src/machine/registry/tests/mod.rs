use super::*;
use crate::event::line;
use crate::machine::phase::Phase;

mod any;
mod merging;
mod table;
mod thrift;

/// A moment far from zero, in milliseconds.
const START: u64 = 1_700_000_000_000;

fn at(seconds: u64) -> u64 {
    START + seconds * 1000
}

fn mac(last: u8) -> Mac {
    Mac::new([0x52, 0x54, 0, 0, 0, last]).unwrap()
}

fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 168, 1, last]))
}

/// UUIDs whose byte orders differ.
fn uuid(number: u8) -> Uuid {
    format!("4c4c45{number:02x}-0042-3510-8052-b4c04f4d3132")
        .parse()
        .unwrap()
}

/// Facts from words: `u1` the first UUID, `U1` the same in the other byte order, `m1` a card, `sX1234`
/// a serial number, `pNAME` a product, `hardly` a request that says only who it is.
fn facts(words: &str) -> Facts {
    let mut facts = Facts {
        manufacturer: "IBM".to_owned(),
        platform: Some(crate::arch::Platform::Efi),
        ..Facts::default()
    };
    for word in words.split_whitespace() {
        let (kind, rest) = word.split_at(1);
        let number = || rest.parse::<u8>().unwrap();
        match kind {
            "u" => facts.uuid = Some(uuid(number())),
            "U" => facts.uuid = Some(uuid(number()).swapped()),
            "m" => facts.macs.push(mac(number())),
            "s" => facts.serial = rest.to_owned(),
            "p" => facts.product = rest.to_owned(),
            "h" => facts.platform = None,
            other => panic!("{other}"),
        }
    }
    facts
}

/// A machine asks with these words, at an address.
fn meet(registry: &mut Registry, words: &str, from: u8, seconds: u64) -> Met {
    let met = registry.meet(&facts(words), None, address(from), at(seconds));
    registry.is_consistent().unwrap();
    met
}

/// The machines in words, as [`facts`] has them.
fn shown(registry: &Registry) -> String {
    let one = |record: &Record| {
        let number = |uuid: Uuid| (0..9).find(|n| uuid.same_machine(self::uuid(*n))).unwrap();
        let mut words = vec![format!("{}:", record.id)];
        words.extend(record.uuid.map(|uuid| format!("u{}", number(uuid))));
        words.extend(record.macs.iter().map(|mac| format!("m{}", mac.bytes()[5])));
        words.join(" ")
    };
    registry.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn told(met: &Met) -> Vec<String> {
    let line = |(id, event): &(MachineId, Event)| format!("{id} {}", line::line(event));
    met.events.iter().map(line).collect()
}
