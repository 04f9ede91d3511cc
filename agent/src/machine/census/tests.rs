use std::path::Path;

use super::*;
use crate::store::{AuditRow, Error, EventFilter, EventRow};

/// Remembers what was to be written.
#[derive(Default)]
struct Disk(Mutex<Vec<Write>>);

impl Store for Disk {
    fn write(&self, changes: Vec<Write>) -> Pending {
        self.0.lock().unwrap().extend(changes);
        Pending::over(Ok(()))
    }

    fn events(&self, _: &EventFilter) -> Result<Vec<EventRow>, Error> {
        Ok(Vec::new())
    }

    fn audit(&self, _: Option<u64>, _: usize) -> Result<Vec<AuditRow>, Error> {
        Ok(Vec::new())
    }

    fn backup(&self, _: &Path) -> Result<(), Error> {
        Ok(())
    }

    fn restore(&self, _: &Path) -> Result<Contents, Error> {
        Ok(self.contents())
    }

    fn trouble(&self) -> Option<String> {
        None
    }
}

impl Disk {
    /// What is there after all the writes, as the census finds it at its next start.
    fn contents(&self) -> Contents {
        let mut machines = std::collections::BTreeMap::new();
        for write in self.0.lock().unwrap().iter() {
            match write {
                Write::Machine(row) => {
                    let (id, data) = (row.id, row.data.clone());
                    machines.insert(id, KeptMachine { id, data });
                }
                Write::Forget(id) | Write::Merge { from: id, .. } => {
                    machines.remove(id);
                }
                _ => {}
            }
        }
        Contents {
            next_machine: 1,
            machines: machines.into_values().collect(),
            ..Contents::default()
        }
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn census() -> (Arc<Disk>, Census) {
    let disk = Arc::new(Disk::default());
    let census = Census::new(&Contents::default(), disk.clone()).0;
    (disk, census)
}

fn facts(query: &str) -> Facts {
    Facts::parse(query)
}

fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 168, 1, last]))
}

const ODEN: &str = "mac=52:54:00:00:00:01&uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&platform=efi";

#[test]
fn a_machine_that_asks_again_is_not_written_again() {
    let (disk, census) = census();
    for second in 0..10 {
        census.meet(&facts(ODEN), None, address(1), second * 1000);
    }
    assert_eq!(disk.writes(), 1);
    let mac = "52:54:00:00:00:01".parse().unwrap();
    census.heard(mac, address(1), false, 11_000);
    assert_eq!(disk.writes(), 1);
    census.heard(mac, address(2), false, 12_000);
    assert_eq!(disk.writes(), 2);
}

#[test]
fn what_is_on_the_disk_is_what_is_known_after_merging_and_moving() {
    let (disk, census) = census();
    let meet = |query: &str, last| census.meet(&facts(query), None, address(last), 1_000_000);
    meet("platform=efi&mac=52:54:00:00:00:02", 2);
    meet(ODEN, 1);
    let both = meet(&format!("{ODEN}&mac1=52:54:00:00:00:02"), 1).0;
    assert_eq!(
        (both.merged, both.id),
        (vec![MachineId(2)], Some(MachineId(1)))
    );
    let other = "uuid=4c4c4544-0042-3510-8052-b4c04f4d3199&platform=efi&mac=52:54:00:00:00:02";
    meet(&format!("{other}&mac1=52:54:00:00:00:03"), 3);
    let (again, warnings) = Census::new(&disk.contents(), disk.clone());
    assert!(warnings.is_empty());
    let records = |census: &Census| census.look().iter().cloned().collect::<Vec<_>>();
    assert_eq!(records(&again), records(&census));
    assert_eq!(again.look().len(), 2);
    again.look().is_consistent().unwrap();
}

#[test]
fn a_record_that_cannot_be_read_is_told_and_left_alone() {
    let (disk, census) = census();
    census.meet(&facts(ODEN), None, address(1), 5);
    let mut contents = disk.contents();
    let mut broken = contents.machines[0].clone();
    broken.id = MachineId(7);
    broken.data = "{".to_owned();
    contents.machines.push(broken);
    let (census, warnings) = Census::new(&contents, disk);
    assert_eq!(census.look().len(), 1);
    assert!(warnings[0].starts_with("machine 7 cannot be read"));
}

#[test]
fn two_requests_at_once_of_one_machine_make_one_record() {
    let (disk, census) = census();
    let census = &census;
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            scope.spawn(move || {
                for round in 0..200_u64 {
                    let card = round % 5;
                    let query = match thread % 3 {
                        0 => ODEN.to_owned(),
                        1 => format!("{ODEN}&mac1=52:54:00:00:01:{card:02x}"),
                        _ => format!("platform=efi&mac=52:54:00:00:01:{card:02x}"),
                    };
                    census.meet(&facts(&query), None, address(1), 1_000_000 + round);
                    census.look().is_consistent().unwrap();
                }
            });
        }
    });
    assert_eq!(census.look().len(), 1);
    let (again, _) = Census::new(&disk.contents(), disk.clone());
    assert_eq!(again.look().len(), 1);
}

#[test]
fn machines_beyond_the_limit_are_not_taken_up() {
    let card = |number: u64| {
        let [.., a, b, c] = number.to_be_bytes();
        Mac::new([2, 0, 0, a, b, c]).unwrap()
    };
    let facts = |number| Facts {
        macs: vec![card(number)],
        ..Facts::default()
    };
    let mut registry = Registry::default();
    registry.meet(&facts(0), None, None, 0);
    let first = registry.get(MachineId(1)).unwrap().clone();
    let most = crate::limits::MACHINES as u64;
    let records = (1..=most).map(|number| Record {
        id: MachineId(number),
        macs: vec![card(number)],
        ..first.clone()
    });
    let mut registry = Registry::new(records, 1);
    let new = registry.meet(&facts(most + 1), None, None, 0);
    assert!(new.id.is_none() && new.changed.is_empty());
    assert_eq!(registry.heard(card(most + 1), None, true, 0).id, None);
    let known = registry.meet(&facts(7), None, None, 0);
    assert_eq!(known.id, Some(MachineId(7)), "known ones are");
    assert_eq!(registry.len() as u64, most);
    registry.is_consistent().unwrap();
    // Who was silent for long, and of whom nothing is known, makes room.
    let late = limits::ALIVE.as_millis() as u64 + 1;
    let new = registry.meet(&facts(most + 1), None, None, late);
    assert_eq!(new.id, Some(MachineId(most + 1)));
    let gone = new.forgotten.unwrap();
    assert!(registry.get(gone).is_none() && gone != MachineId(7));
    let heard = registry.heard(card(most + 2), None, true, late);
    assert!(heard.id.is_some() && heard.forgotten.is_some_and(|other| other != gone));
    assert_eq!(registry.len() as u64, most);
    registry.is_consistent().unwrap();
}

/// So many machines, numbered from 1.
fn fill(census: &Census, many: u64) {
    for number in 1..=many {
        let (high, low) = (number >> 8, number & 255);
        let query = format!("mac=02:00:00:00:{high:02x}:{low:02x}");
        census.meet(&facts(&query), None, None, 5);
    }
}

#[test]
fn pages_show_every_machine_once_and_in_order() {
    let (_, census) = census();
    fill(&census, 2_000);
    for limit in [7, 700, limits::LOOK_AT_ONCE, 2_000, usize::MAX] {
        let (mut seen, mut after) = (Vec::new(), MachineId(0));
        loop {
            let (page, next) = census.page(after, limit, |record| Some(record.id.0));
            assert!(page.len() <= limit);
            assert_eq!(next.is_some(), seen.len() + page.len() < 2_000);
            seen.extend(page);
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert!(seen.into_iter().eq(1..=2_000), "{limit}");
    }
    let odd = |record: &Record| (record.id.0 % 2 == 1).then_some(record.id.0);
    assert_eq!(
        census.page(MachineId(3), 2, odd),
        (vec![5, 7], Some(MachineId(7)))
    );
    assert_eq!(
        census.page(MachineId(1_996), 2, odd),
        (vec![1_997, 1_999], None)
    );
    assert_eq!(census.page(MachineId(0), 0, odd), (vec![], None));
}

#[test]
fn a_list_lets_others_in() {
    let (_, census) = census();
    let many = 8 * limits::LOOK_AT_ONCE as u64;
    fill(&census, many);
    let last = MachineId(many);
    let (asks, asked) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let census = &census;
        scope.spawn(move || {
            asked.recv().unwrap();
            census.forget(last).unwrap();
        });
        let mut is_there = true;
        census.page(MachineId(0), usize::MAX, |record| {
            if record.id == MachineId(1) {
                asks.send(()).unwrap();
                // Until the other waits for the lock, or a little longer.
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            is_there = record.id == last;
            None::<()>
        });
        assert!(!is_there, "it had its turn before the list was over");
    });
}

#[test]
fn a_record_is_kept_without_what_it_does_not_say_and_read_as_it_was() {
    let (disk, census) = census();
    let id = census.meet(&facts(ODEN), None, address(1), 5).0.id.unwrap();
    let kept = |disk: &Disk| disk.contents().machines[0].data.clone();
    assert!(!kept(&disk).contains("wishes") && !kept(&disk).contains("learnt"));
    census.transact(id, |_, record| {
        record.wishes.notes = "by the door".to_owned()
    });
    assert!(kept(&disk).contains("by the door") && !kept(&disk).contains("learnt"));
    let (again, _) = Census::new(&disk.contents(), disk.clone());
    assert_eq!(again.get(id), census.get(id));
}

#[test]
fn a_record_of_an_earlier_hearth_is_read() {
    let record = r#"{"id":3,"uuid":"4c4c4544-0042-3510-8052-b4c04f4d3132","macs":["52:54:00:00:00:01"],
        "declared":null,"given_name":"oden","facts":{"uuid":null,"macs":[],"platform":"efi",
        "buildarch":"amd64","cpu64":false,"ip":"10.0.0.1","manufacturer":"IBM","product":"","serial":"",
        "asset":"","busid":"","chip":"","version":"","firmware":"","secure_boot":null,"memory_mb":null,
        "cpu_vendor":"","cpu_model":"","hostname":"","switch":"","port":""},
        "phase":{"phase":"installed","profile":"talos"},"since":1,"first_seen":1,"last_seen":2,
        "address":"10.0.0.1","wishes":{"profile":null,"once":null,"held":false,"approved":true,
        "loader":null,"local_boot":null,"tags":["rack-7"],"notes":""},"learnt":{"loader":null,
        "local_boot":["sanboot","it was back"],"sent_local":null,"sent_local_card":null,
        "sent_once":null,"stalls":null},"policy":null}"#;
    let contents = Contents {
        machines: vec![KeptMachine {
            id: MachineId(3),
            data: record.to_owned(),
        }],
        next_machine: 4,
        ..Contents::default()
    };
    let (census, warnings) = Census::new(&contents, Arc::new(Disk::default()));
    assert_eq!(warnings, Vec::<String>::new());
    let record = census.named("oden").unwrap();
    assert!(record.wishes.approved && record.wishes.tags.len() == 1);
    assert!(record.learnt.local_boot.is_some());
    assert_eq!(record.phase.word().as_str(), "installed");
}

#[test]
fn many_are_read_on_all_processors_and_taken_up_in_order() {
    // Two have the same card, some thousand numbers apart: the first keeps it.
    let kept = |id: u64| {
        let mut record = Record::new(MachineId(id), 5);
        let number = if id == 3_000 { 7 } else { id };
        record.macs = vec![Mac::new([2, 0, 0, 0, (number >> 8) as u8, number as u8]).unwrap()];
        KeptMachine {
            id: MachineId(id),
            data: match id {
                2_500 => "{".to_owned(),
                _ => serde_json::to_string(&record).unwrap(),
            },
        }
    };
    for count in [0, 1, limits::RECORDS_AT_ONCE as u64, 3_100] {
        let contents = Contents {
            machines: (1..=count).map(kept).collect(),
            next_machine: count + 5,
            ..Contents::default()
        };
        let (census, warnings) = Census::new(&contents, Arc::new(Disk::default()));
        let unread = usize::from(count > 2_500);
        assert_eq!(warnings.len(), unread, "{count}: {warnings:?}");
        assert_eq!(census.look().len(), count as usize - unread);
        census.look().is_consistent().unwrap();
        if count > 3_000 {
            assert!(warnings[0].starts_with("machine 2500 cannot be read"));
            let seventh = kept(7);
            assert_eq!(census.look().get(seventh.id).unwrap().macs.len(), 1);
            assert!(census.look().get(MachineId(3_000)).unwrap().macs.is_empty());
        }
        let new = census
            .meet(&facts("mac=52:54:00:00:00:01"), None, None, 6)
            .0;
        assert_eq!(new.id, Some(MachineId(count + 5)));
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_told_and_nobody_waits() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join(crate::store::FILE),
        "no database, but long enough".repeat(99),
    )
    .unwrap();
    let why = Census::open(folder.path())
        .map(drop)
        .unwrap_err()
        .to_string();
    assert!(why.contains("damaged"), "{why}");
}
