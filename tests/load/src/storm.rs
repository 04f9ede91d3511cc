//! Machines that are switched on all at once, each at an address of its own, as iPXE does it over HTTP:
//! `default.ipxe`, `/script` with all that iPXE knows, then a file, over one connection that is kept.
//! Who is told 503 closes, waits for as long as `Retry-After` says and asks the same again, without
//! end (iPXE `net/tcp/httpcore.c`, `http_transfer_complete`).

mod head;
mod seen;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, recv, send};

use crate::arguments::Storm;
use crate::http::open;
use crate::pattern;
use head::{Head, understand};
use seen::Seen;

/// A machine that got nothing for so long is counted as not served.
const PATIENCE: Duration = Duration::from_secs(300);
/// iPXE gives a connection up after this silence and begins anew.
const SILENCE: Duration = Duration::from_secs(60);
/// How often time-outs are looked at, in milliseconds.
const TICK: u16 = 20;
/// Bytes taken with one call.
const PIECE: usize = 256 << 10;
/// Bytes of an answer's head.
const HEAD: usize = 8 << 10;

/// What a machine asks for, in this order.
#[allow(missing_docs, reason = "they say it")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Default,
    Script,
    File,
}

impl Step {
    pub const ALL: [Step; 3] = [Step::Default, Step::Script, Step::File];

    fn next(self) -> Option<Step> {
        Step::ALL.get(self as usize + 1).copied()
    }
}

enum State {
    /// It waits for its time.
    Waiting,
    Connecting,
    /// What came of the head.
    Head(Vec<u8>),
    /// Bytes of the body that came, and that will.
    Body(Vec<u8>, u64, u64),
    Over,
}

struct Machine {
    number: u32,
    source: SocketAddr,
    connection: Option<TcpStream>,
    state: State,
    step: Step,
    /// When it was switched on, when it first asked for what it asks for now, and when the try began
    /// that is under way.
    began: Instant,
    step_began: Instant,
    try_began: Instant,
    /// Until when it waits, or is waited for.
    deadline: Instant,
}

struct Storming<'a> {
    storm: &'a Storm,
    epoll: Epoll,
    machines: Vec<Machine>,
    off: VecDeque<usize>,
    seen: Seen,
    scratch: Vec<u8>,
}

/// Runs it; the result is one line of JSON, with times in milliseconds.
///
/// # Errors
/// The system gives no epoll set or sockets.
pub fn run(storm: &Storm) -> Result<String, String> {
    let began = Instant::now();
    let machine = |number: u32| Machine {
        number,
        source: SocketAddr::new(
            IpAddr::V4(Ipv4Addr::from(u32::from(storm.from) + number)),
            0,
        ),
        connection: None,
        state: State::Waiting,
        step: Step::Default,
        began,
        step_began: began,
        try_began: began,
        deadline: began,
    };
    let mut storming = Storming {
        storm,
        epoll: Epoll::new(EpollCreateFlags::empty()).map_err(|error| format!("epoll: {error}"))?,
        machines: (0..storm.machines).map(machine).collect(),
        off: (0..storm.machines as usize).collect(),
        seen: Seen::default(),
        scratch: vec![0; PIECE],
    };
    let at_once = storm.at_once.min(storm.machines) as usize;
    for _ in 0..at_once {
        storming.switch_on_next(Instant::now());
    }
    let mut events = vec![EpollEvent::empty(); 512];
    let mut looked = began;
    while storming.is_running() {
        let count = match storming.epoll.wait(&mut events, TICK) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(error) => return Err(format!("epoll: {error}")),
        };
        for event in &events[..count] {
            storming.hear(event.data() as usize);
        }
        let now = Instant::now();
        if now.duration_since(looked) >= Duration::from_millis(u64::from(TICK)) {
            looked = now;
            storming.look(now);
        }
    }
    Ok(storming.seen.told(storm.machines, began.elapsed()))
}

impl Storming<'_> {
    fn is_running(&self) -> bool {
        self.seen.served + self.seen.failures < u64::from(self.storm.machines)
    }

    fn switch_on_next(&mut self, now: Instant) {
        if let Some(index) = self.off.pop_front() {
            let machine = &mut self.machines[index];
            (machine.began, machine.step_began) = (now, now);
            self.begin(index, now);
        }
    }

    /// Connects, and asks for what the machine asks for now.
    fn begin(&mut self, index: usize, now: Instant) {
        let machine = &mut self.machines[index];
        machine.try_began = now;
        machine.deadline = now + SILENCE;
        let made = open(self.storm.server, Some(machine.source)).map(TcpStream::from);
        let event = EpollEvent::new(EpollFlags::EPOLLOUT, index as u64);
        let watched = made.and_then(|made| self.epoll.add(&made, event).map(|()| made));
        match watched {
            Ok(connection) => {
                machine.connection = Some(connection);
                machine.state = State::Connecting;
            }
            Err(error) => self.over(index, Some(format!("connecting: {error}"))),
        }
    }

    /// The machine is served, or gives up.
    fn over(&mut self, index: usize, why: Option<String>) {
        let now = Instant::now();
        let machine = &mut self.machines[index];
        machine.connection = None;
        machine.state = State::Over;
        match why {
            None => {
                self.seen.served += 1;
                let whole = now.duration_since(machine.began);
                self.seen.whole.push(whole.as_secs_f64());
            }
            Some(why) => {
                self.seen.failures += 1;
                self.seen.why = format!("{:?} of machine {}: {why}", machine.step, machine.number);
            }
        }
        self.switch_on_next(now);
    }

    /// Asks again after a while; a connection that broke is no answer.
    fn again(&mut self, index: usize, pause: Duration) {
        let machine = &mut self.machines[index];
        machine.connection = None;
        machine.state = State::Waiting;
        machine.deadline = Instant::now() + pause;
    }

    fn broke(&mut self, index: usize) {
        self.seen.broken += 1;
        self.again(index, Duration::from_secs(1));
    }

    fn look(&mut self, now: Instant) {
        for index in 0..self.machines.len() {
            let machine = &self.machines[index];
            let is_on = machine.connection.is_some() || machine.deadline > machine.began;
            if matches!(machine.state, State::Over) || !is_on || machine.deadline > now {
                continue;
            }
            if now.duration_since(machine.began) > PATIENCE {
                self.over(index, Some("its patience is over".to_owned()));
            } else if machine.connection.is_some() {
                self.broke(index);
            } else {
                self.begin(index, now);
            }
        }
    }

    fn hear(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let Some(connection) = &machine.connection else {
            return;
        };
        if matches!(machine.state, State::Connecting) {
            let mut event = EpollEvent::new(EpollFlags::EPOLLIN, index as u64);
            match self.epoll.modify(connection, &mut event) {
                Ok(()) => self.ask(index),
                Err(error) => self.over(index, Some(format!("epoll: {error}"))),
            }
            return;
        }
        let fd = connection.as_raw_fd();
        match recv(fd, &mut self.scratch, MsgFlags::empty()) {
            Ok(0) => self.broke(index),
            Ok(count) => {
                machine.deadline = Instant::now() + SILENCE;
                self.take(index, count);
            }
            Err(Errno::EAGAIN) => {}
            Err(_) => self.broke(index),
        }
    }

    fn ask(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        let Some(connection) = &machine.connection else {
            return;
        };
        let path = match machine.step {
            Step::Default => "/default.ipxe".to_owned(),
            Step::Script => format!("/script?{}", facts(machine.number)),
            Step::File => self.storm.name.clone(),
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nConnection: keep-alive\r\nUser-Agent: iPXE/1.21.1\r\n\
             Host: {}\r\n\r\n",
            self.storm.server
        );
        let flags = MsgFlags::MSG_NOSIGNAL;
        match send(connection.as_raw_fd(), request.as_bytes(), flags) {
            Ok(count) if count == request.len() => machine.state = State::Head(Vec::new()),
            _ => self.broke(index),
        }
    }

    /// Takes bytes of an answer, which stand in `scratch`.
    fn take(&mut self, index: usize, count: usize) {
        let machine = &mut self.machines[index];
        let bytes = &self.scratch[..count];
        match &mut machine.state {
            State::Head(head) => {
                head.extend_from_slice(bytes);
                let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
                    if head.len() > HEAD {
                        self.over(index, Some("no end of head".to_owned()));
                    }
                    return;
                };
                let body = head.split_off(end + 4);
                match understand(head) {
                    Ok(Head::Later(pause)) => {
                        self.seen.turned_away += 1;
                        self.again(index, pause);
                        return;
                    }
                    Ok(Head::Length(length)) => {
                        let came = body.len() as u64;
                        machine.state = State::Body(body, came, length);
                    }
                    Err(why) => {
                        self.over(index, Some(why));
                        return;
                    }
                }
            }
            // The file is compared as it comes, and only counted.
            State::Body(_, came, _) if machine.step == Step::File => {
                if !pattern::matches(*came, bytes) {
                    self.over(index, Some("other bytes".to_owned()));
                    return;
                }
                *came += count as u64;
            }
            State::Body(body, came, _) => {
                body.extend_from_slice(bytes);
                *came += count as u64;
            }
            State::Waiting | State::Connecting | State::Over => return,
        }
        self.check(index);
    }

    /// Goes on once the body is there.
    fn check(&mut self, index: usize) {
        let now = Instant::now();
        let machine = &mut self.machines[index];
        let State::Body(body, came, length) = &machine.state else {
            return;
        };
        if came < length {
            return;
        }
        let is_right = match machine.step {
            Step::Default => body.starts_with(b"#!ipxe"),
            Step::Script => body.starts_with(b"#!ipxe") && has(body, b"Hearth"),
            Step::File => *length == self.storm.bytes && pattern::matches(0, body),
        };
        if !is_right || came > length {
            let why =
                format!("an answer of {came} bytes of {length} that is not what was asked for");
            self.over(index, Some(why));
            return;
        }
        let step = machine.step as usize;
        let since = |then: Instant| now.duration_since(then).as_secs_f64();
        self.seen.steps[step].push(since(machine.step_began));
        self.seen.tries[step].push(since(machine.try_began));
        match machine.step.next() {
            None => self.over(index, None),
            Some(next) => {
                machine.step = next;
                (machine.step_began, machine.try_began) = (now, now);
                self.ask(index);
            }
        }
    }
}

fn has(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What a server with three cards says of itself, as Hearth's `default.ipxe` has iPXE send it.
fn facts(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    let card = |last: u8| format!("5c-f3-{last:02x}-{a:02x}-{b:02x}-{c:02x}");
    let hex = |text: &str| -> String { text.bytes().map(|byte| format!("{byte:02x}")).collect() };
    format!(
        "uuid={number:08x}-0042-3510-8052-b4c04f4d3132&mac={}&mac1={}&mac2={}&platform=efi\
         &buildarch=x86_64&cpu64=0&busid=01:14:e4:16:39&chip=SNP&version=1.21.1&secureboot=00\
         &manufacturer-hex={}&product-hex={}&serial-hex={}&asset-hex={}&firmware-hex={}\
         &ram0=00000000ffffbf00&ram1=00000001ffff3f01&cpuvendor-hex={}&cpumodel-hex={}",
        card(0),
        card(1),
        card(2),
        hex("IBM Corp."),
        hex("System x3550 M3 -[7944]-"),
        hex(&format!("KQ{number:06}")),
        hex("inventory 4711"),
        hex("-[D6E162AUS-1.20]-"),
        hex("GenuineIntel"),
        hex("Intel(R) Xeon(R) CPU E5620 @ 2.40GHz"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_machines_say_the_same() {
        let all: std::collections::HashSet<String> = (0..2_000).map(facts).collect();
        assert_eq!(all.len(), 2_000);
    }
}
