//! Fetches that the API asked for: one at a time, on a thread of their own, so that no boot waits for
//! one. What they brought is taken up at their end.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::api::{self, Fetches, NotBegun, Task};
use crate::boot::gate::Keeper;
use crate::clock::now_ms;
use crate::config::Config;
use crate::event::{Event, Sink};
use crate::fetch::{Failure, Fetcher, Outcome, Progress, Quiet, Report};
use crate::form::one_line;
use crate::image::prune::Pruned;
use crate::limits;
use crate::machine::Census;
use crate::sync::held;
use crate::timeline::failing;

/// The fetches of this run of the agent.
pub struct Fetching {
    keeper: Arc<Keeper>,
    /// Is told of every file that was fetched or failed.
    sink: Arc<dyn Sink>,
    census: Arc<Census>,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    last: u64,
    kept: VecDeque<Arc<Job>>,
    /// Files that were fetched, that failed, and bytes that came, of all fetches.
    files: u64,
    failed: u64,
    bytes: u64,
}

/// One task.
struct Job {
    id: u64,
    task: Task,
    who: String,
    names: Vec<String>,
    cancelled: AtomicBool,
    sink: Arc<dyn Sink>,
    /// The names of which the last thing that is known is a failure.
    failing: BTreeSet<String>,
    seen: Mutex<Seen>,
}

/// What is known of one.
struct Seen {
    began: u64,
    ended: Option<u64>,
    state: &'static str,
    error: Option<String>,
    note: Option<String>,
    files: Vec<Seeing>,
}

/// A file of one.
struct Seeing {
    name: String,
    state: &'static str,
    total: Option<u64>,
    done: u64,
    /// Bytes that came since `began`.
    came: u64,
    began: Instant,
    /// Bytes a second in the end.
    rate: Option<u64>,
    error: Option<String>,
}

impl Seen {
    fn end(&mut self, job: &Job, (state, error): (&'static str, Option<String>)) {
        (self.state, self.error, self.ended) = (state, error, Some(now_ms()));
        let what = match &job.names[..] {
            [] if job.task == Task::Prune => "what nothing refers to".to_owned(),
            [] => "everything".to_owned(),
            names => names.join(" "),
        };
        let (task, id) = (job.task.word(), job.id);
        match &self.error {
            Some(error) => log::warn!("{task} {id} of {what}: {error}"),
            None => log::info!("{task} {id} of {what}: {state}"),
        }
    }
}

impl Seeing {
    fn new(name: &str) -> Seeing {
        Seeing {
            name: name.to_owned(),
            state: "running",
            total: None,
            done: 0,
            came: 0,
            began: Instant::now(),
            rate: None,
            error: None,
        }
    }

    fn rate(&self) -> u64 {
        let now = || (self.came as f64 / self.began.elapsed().as_secs_f64().max(1e-3)) as u64;
        self.rate.unwrap_or_else(now)
    }

    fn value(&self) -> Value {
        json!({
            "name": self.name, "state": self.state, "bytes": self.done, "total": self.total,
            "rate": self.rate(), "error": self.error,
        })
    }
}

impl Job {
    fn file(&self, name: &str, change: impl FnOnce(&mut Seeing)) {
        let mut seen = held(&self.seen);
        match seen.files.iter().position(|file| file.name == name) {
            Some(place) => change(&mut seen.files[place]),
            None => {
                let mut file = Seeing::new(name);
                change(&mut file);
                seen.files.push(file);
            }
        }
    }

    /// Makes an event of a file's end, unless it says nothing new.
    fn tell(&self, name: &str, outcome: &Outcome, bytes: u64, took: Duration) {
        let failure = match outcome {
            // It failed because somebody wanted that.
            Outcome::Failed(_) if self.is_cancelled() => return,
            Outcome::Failed(failure) => Some(failure),
            Outcome::Fetched(_) => None,
            _ if self.failing.contains(name) => None,
            _ => return,
        };
        self.sink.event(Event::Fetch {
            name: name.to_owned(),
            host: failure.map_or_else(String::new, |failure| failure.host.clone()),
            bytes,
            took,
            cause: failure.map(|failure| failure.cause),
            error: failure.map(|failure| one_line(&failure.reason, ' ', limits::FETCH_ERROR_BYTES)),
        });
    }

    /// Takes down what became of a file that nothing refers to.
    fn pruned(&self, name: &str, pruned: &Pruned) {
        let (state, bytes, error) = pruned.told();
        self.file(name, |file| {
            (file.state, file.error) = (state, error.map(str::to_owned));
            (file.done, file.total, file.rate) = (bytes, Some(bytes), Some(0));
        });
    }

    fn is_running(&self) -> bool {
        held(&self.seen).ended.is_none()
    }

    fn value(&self) -> Value {
        let seen = held(&self.seen);
        let files: Vec<_> = seen.files.iter().map(Seeing::value).collect();
        json!({
            "id": self.id, "task": self.task.word(), "who": self.who, "names": self.names, "state": seen.state,
            "began": seen.began, "ended": seen.ended, "error": seen.error, "note": seen.note,
            "files": files,
        })
    }
}

impl Progress for Job {
    fn started(&self, name: &str, total: Option<u64>, done: u64) {
        self.file(name, |file| {
            file.total = total;
            file.done = done;
        });
    }

    fn advanced(&self, name: &str, bytes: u64) {
        self.file(name, |file| {
            file.done += bytes;
            file.came += bytes;
        });
    }

    fn finished(&self, name: &str, outcome: &Outcome) {
        self.file(name, |file| {
            file.rate = Some(file.rate());
            let (state, error) = match outcome {
                Outcome::Fetched(size) => {
                    (file.done, file.total) = (*size, Some(*size));
                    ("fetched", None)
                }
                Outcome::Kept => ("kept", None),
                Outcome::KeptYours => ("yours", None),
                Outcome::Absent(why) => ("absent", Some(why.clone())),
                Outcome::Failed(failure) => ("failed", Some(failure.reason.clone())),
            };
            (file.state, file.error) = (state, error);
            self.tell(name, outcome, file.came, file.began.elapsed());
        });
    }

    fn note(&self, line: &str) {
        held(&self.seen).note = Some(line.to_owned());
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl Fetching {
    /// None yet.
    pub fn new(keeper: Arc<Keeper>, sink: Arc<dyn Sink>, census: Arc<Census>) -> Arc<Fetching> {
        Arc::new(Fetching {
            keeper,
            sink,
            census,
            jobs: Mutex::default(),
        })
    }

    /// Counters, for the status.
    pub fn counters(&self) -> Value {
        let jobs = held(&self.jobs);
        let running = jobs.kept.iter().filter(|job| job.is_running()).count();
        json!({
            "running": running, "files": jobs.files, "failed": jobs.failed, "bytes": jobs.bytes,
        })
    }

    fn run(&self, job: &Job, config: &Config) {
        let progress: &dyn Progress = job;
        let fetcher = Fetcher::new(config, progress);
        if job.task == Task::Prune {
            let result = fetcher.and_then(|fetcher| fetcher.prune(false));
            self.keeper.take_up();
            return self.end_prune(job, result);
        }
        let result = fetcher.and_then(|fetcher| match (&job.names[..], job.task) {
            (names, Task::Update) => fetcher.update(names),
            ([], _) => fetcher.all(),
            (names, _) => fetcher.named(names),
        });
        self.keeper.take_up();
        let whole = match &result {
            Ok(_) => Outcome::Kept,
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        job.tell("", &whole, 0, Duration::ZERO);
        self.end(job, result);
    }

    fn end(&self, job: &Job, result: Result<Report, Failure>) {
        let mut jobs = held(&self.jobs);
        let mut seen = held(&job.seen);
        jobs.bytes += seen.files.iter().map(|file| file.came).sum::<u64>();
        let outcomes = result.as_ref().map_or(&[][..], |report| &report.files);
        let mut failed = 0;
        for (_, outcome) in outcomes {
            match outcome {
                Outcome::Fetched(_) => jobs.files += 1,
                Outcome::Failed(_) => failed += 1,
                _ => {}
            }
        }
        let ended = match &result {
            _ if job.is_cancelled() => ("cancelled", None),
            Err(failure) => {
                jobs.failed += 1;
                ("failed", Some(failure.reason.clone()))
            }
            Ok(_) if failed > 0 => {
                let all = outcomes.len();
                jobs.failed += failed;
                ("failed", Some(format!("{failed} of {all} files failed")))
            }
            Ok(_) => ("done", None),
        };
        seen.end(job, ended);
    }

    fn end_prune(&self, job: &Job, result: Result<Vec<(String, Pruned)>, Failure>) {
        let ended = match &result {
            Err(failure) => ("failed", Some(failure.reason.clone())),
            Ok(pruned) => {
                for (name, what) in pruned {
                    job.pruned(name, what);
                }
                let is_failed = |what: &Pruned| matches!(what, Pruned::Failed(_));
                match pruned.iter().filter(|(_, what)| is_failed(what)).count() {
                    0 => ("done", None),
                    failed => (
                        "failed",
                        Some(format!("{failed} files could not be removed")),
                    ),
                }
            }
        };
        held(&job.seen).end(job, ended);
    }

    fn job(&self, id: u64) -> Option<Arc<Job>> {
        let jobs = held(&self.jobs);
        jobs.kept.iter().find(|job| job.id == id).cloned()
    }
}

/// What the API sees of it.
pub struct Door(pub Arc<Fetching>);

impl Fetches for Door {
    fn begin(&self, task: Task, names: &[String], who: &str) -> Result<Value, NotBegun> {
        let fetching = &self.0;
        let config = fetching.keeper.site().config.clone();
        let fetcher =
            Fetcher::new(&config, &Quiet).map_err(|error| NotBegun::Failed(error.reason))?;
        fetcher
            .knows(names)
            .map_err(|error| NotBegun::Wrong(error.reason))?;
        let failing = failing(&api::fetch_events(&**fetching.census.store()));
        let job = {
            let mut jobs = held(&fetching.jobs);
            if let Some(running) = jobs.kept.iter().find(|job| job.is_running()) {
                return Err(NotBegun::Busy(running.id));
            }
            jobs.last += 1;
            let job = Arc::new(Job {
                id: jobs.last,
                task,
                who: who.to_owned(),
                names: names.to_vec(),
                cancelled: AtomicBool::new(false),
                sink: fetching.sink.clone(),
                failing,
                seen: Mutex::new(Seen {
                    began: now_ms(),
                    ended: None,
                    state: "running",
                    error: None,
                    note: None,
                    files: Vec::new(),
                }),
            });
            jobs.kept.push_back(job.clone());
            if jobs.kept.len() > limits::FETCHES {
                jobs.kept.pop_front();
            }
            job
        };
        let value = job.value();
        let (fetching, running) = (fetching.clone(), job.clone());
        let thread = std::thread::Builder::new().name("fetch".to_owned());
        match thread.spawn(move || fetching.run(&running, &config)) {
            Ok(_) => Ok(value),
            Err(error) => {
                let mut seen = held(&job.seen);
                (seen.state, seen.ended) = ("failed", Some(now_ms()));
                Err(NotBegun::Failed(format!("starting a thread: {error}")))
            }
        }
    }

    fn all(&self) -> Vec<Value> {
        let jobs = held(&self.0.jobs);
        jobs.kept.iter().rev().map(|job| job.value()).collect()
    }

    fn one(&self, id: u64) -> Option<Value> {
        self.0.job(id).map(|job| job.value())
    }

    fn cancel(&self, id: u64) -> Option<Value> {
        let job = self.0.job(id)?;
        if job.is_running() {
            job.cancelled.store(true, Ordering::Relaxed);
        }
        Some(job.value())
    }
}
