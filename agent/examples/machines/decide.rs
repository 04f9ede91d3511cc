//! Decisions about machines of a database, without sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hearth::boot::gate::Keeper;
use hearth::boot::site::Site;
use hearth::boot::{Gate, Request};
use hearth::config::{self, Environment};
use hearth::event::{Event, Sink, Via};
use hearth::image::lock::Lock;
use hearth::machine::Census;
use hearth::store::{Memory, Sqlite};

use crate::machine::{address, query, scattered};
use crate::times::{shares, timed};

/// Decisions that are timed.
const DECISIONS: usize = 20_000;

struct Nobody;

impl Sink for Nobody {
    fn event(&self, _: Event) {}
}

/// Says how long they take as JSON, in microseconds: median, 99th of a hundred, longest. The machines
/// are the database's; what comes of the decisions is kept in memory only, so that this is the time
/// of deciding and of writing the script, not that of the disk.
pub fn run(folder: &Path, config: &Path) {
    let (store, contents) = Sqlite::open(folder).unwrap();
    drop(store);
    let machines = u32::try_from(contents.machines.len()).unwrap();
    let (census, _) = Census::new(&contents, Arc::new(Memory::default()));
    let config = match config::load(config, &Environment::default()) {
        Ok(loaded) => Arc::new(loaded.config),
        Err(mistakes) => panic!("{mistakes}"),
    };
    let site = Site::build(config, Lock::default()).unwrap();
    let read_lock = Box::new(|_: &config::Config| Ok(Lock::default()));
    let keeper = Keeper::new(site, Arc::new(census), Arc::new(Nobody), read_lock);
    let request = |number| Request {
        via: Via::Http,
        peer: SocketAddr::new(address(number), 2_070),
        local: [127, 0, 0, 1].into(),
    };
    let numbers = || scattered(machines).take(DECISIONS);
    let queries: Vec<String> = numbers().map(query).collect();
    let mut queries = queries.iter();
    let scripts = timed(numbers(), |number| {
        let script = keeper.script(queries.next().unwrap(), &request(number));
        assert!(script.starts_with("#!ipxe"));
    });
    let files = timed(numbers(), |number| {
        std::hint::black_box(keeper.file("default.ipxe", &request(number)));
    });
    println!(
        "{{\"machines\":{machines},\"script\":{:.1?},\"file\":{:.1?}}}",
        shares(scripts),
        shares(files)
    );
}
