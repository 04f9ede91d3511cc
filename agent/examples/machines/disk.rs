//! The database: filling one, and opening it as a start does.

use std::path::Path;
use std::time::Instant;

use hearth::config::Name;
use hearth::machine::phase::Phase;
use hearth::machine::{Census, Record};
use hearth::store::Sqlite;

use crate::machine::{NOW, address, facts};

/// Makes a database with so many machines.
pub fn fill(folder: &Path, machines: u32) {
    let (store, contents) = Sqlite::open(folder).unwrap();
    assert!(contents.machines.is_empty(), "{folder:?} has machines");
    let began = Instant::now();
    let (census, _) = Census::new(&contents, store);
    for number in 0..machines {
        let from = Some(address(number));
        let (met, _) = census.meet(&facts(number), None, from, NOW);
        census.transact(met.id.unwrap(), |_, record| settle(record, number));
    }
    drop(census);
    println!(
        "{machines} machines met and written in {:?}",
        began.elapsed()
    );
}

/// A third is new, a third has a profile, a third is installed and was sent to its disk.
fn settle(record: &mut Record, number: u32) {
    let profile = Name::new("installer").unwrap();
    match number % 3 {
        0 => {}
        1 => record.wishes.profile = Some(profile),
        _ => {
            record.phase = Phase::Installed { profile };
            record.learnt.sent_local = Some(NOW);
            record.learnt.sent_local_card = record.macs.first().copied();
        }
    }
}

/// Says how long it takes to open it, some times.
pub fn open(folder: &Path) {
    for _ in 0..7 {
        let began = Instant::now();
        let (census, _, warnings) = Census::open(folder).unwrap();
        let took = began.elapsed();
        assert_eq!(warnings, Vec::<String>::new());
        println!("{} machines in {took:.1?}", census.look().len());
    }
}
