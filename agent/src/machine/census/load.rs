//! Records are made of what was kept while the rest of it is still read, on all processors: a start
//! with many machines does little else.

use std::collections::BTreeMap;
use std::hint;
use std::mem;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{self, Scope};

use crate::limits;
use crate::machine::record::Record;
use crate::machine::registry::{Prepared, Registry};
use crate::store::KeptMachine;

/// What was kept of some machines that follow each other, and which part of all that is.
type Kept = (usize, Vec<KeptMachine>);

/// The same, read; with a sentence for each machine that cannot be.
type Part = (usize, Vec<Prepared>, Vec<String>);

/// Calls `read`, which gives out machines by number, and takes them up in that order. The sentences say
/// which cannot be read.
///
/// # Errors
/// Those of `read`.
pub fn load<T, E>(
    read: impl FnOnce(&mut dyn FnMut(KeptMachine)) -> Result<T, E>,
) -> Result<(T, Registry, Vec<String>), E> {
    thread::scope(|scope| {
        let (tell, parts) = mpsc::channel();
        let mut readers = Readers::new(scope, tell);
        let read = read(&mut |machine| readers.take(machine))?;
        let (mut registry, mut warnings) = (Registry::default(), Vec::new());
        registry.reserve(readers.count);
        readers.finish();
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (place, records, unread) in parts {
            early.insert(place, (records, unread));
            while let Some((records, unread)) = early.remove(&next) {
                registry.take_up(records);
                warnings.extend(unread);
                next += 1;
            }
        }
        Ok((read, registry, warnings))
    })
}

/// The threads that read, begun as they are needed.
struct Readers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    tell: Sender<Part>,
    most: usize,
    threads: Vec<SyncSender<Kept>>,
    waiting: Vec<KeptMachine>,
    parts: usize,
    /// Machines so far.
    count: usize,
}

impl<'scope, 'env> Readers<'scope, 'env> {
    fn new(scope: &'scope Scope<'scope, 'env>, tell: Sender<Part>) -> Readers<'scope, 'env> {
        Readers {
            scope,
            tell,
            most: thread::available_parallelism().map_or(1, usize::from),
            threads: Vec::new(),
            waiting: Vec::new(),
            parts: 0,
            count: 0,
        }
    }

    fn take(&mut self, machine: KeptMachine) {
        self.count += 1;
        self.waiting.push(machine);
        if self.waiting.len() >= limits::RECORDS_AT_ONCE {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        let kept = (self.parts, mem::take(&mut self.waiting));
        let thread = self.parts % self.most;
        self.parts += 1;
        if thread == self.threads.len() {
            let (give, given) = mpsc::sync_channel(limits::RECORDS_AHEAD);
            let tell = self.tell.clone();
            self.scope.spawn(move || read_all(&given, &tell));
            self.threads.push(give);
        }
        // The thread is there as long as this end is.
        let _ = self.threads[thread].send(kept);
    }

    /// Reads what is left here: of few machines all.
    fn finish(mut self) {
        let rest = mem::take(&mut self.waiting);
        let (records, unread) = records(&rest);
        let _ = self.tell.send((self.parts, records, unread));
    }
}

fn read_all(given: &Receiver<Kept>, tell: &Sender<Part>) {
    for (place, kept) in given {
        // glibc gives a thread its memory by single pages, each a call of the system; asked for at
        // once, it comes at once.
        drop(hint::black_box(Vec::<u8>::with_capacity(
            limits::RECORDS_ROOM,
        )));
        let (records, unread) = records(&kept);
        let _ = tell.send((place, records, unread));
    }
}

/// The records of what was kept, and a sentence for each that holds none.
fn records(kept: &[KeptMachine]) -> (Vec<Prepared>, Vec<String>) {
    let mut unread = Vec::new();
    let mut records = Vec::with_capacity(kept.len());
    for machine in kept {
        match serde_json::from_str::<Box<Record>>(&machine.data) {
            Ok(record) => records.push(record.into()),
            Err(error) => unread.push(format!(
                "machine {} cannot be read from the database and is left out: {error}",
                machine.id
            )),
        }
    }
    (records, unread)
}
