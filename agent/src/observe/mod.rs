//! Listens to what DHCP servers and machines tell each other, so that a timeline begins where a boot
//! begins, and says nothing itself: [`Capture`] hears frames, [`packet`] reads them, [`hearing`] finds
//! those that are worth an event. Without all this a boot works just the same.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::dhcp::packet;
use crate::event::{Event, Sink};
use crate::limits;
use crate::mac::Mac;
use crate::sys::capture::Capture;
use crate::sys::poll::Poller;

mod bucket;
mod clients;
mod hearing;

use hearing::Hearing;
pub use hearing::Lease;

/// Frames of one interface that are read before the others get their turn.
const AT_ONCE: usize = 64;
/// What the poller calls the end of the pipe; interfaces have their numbers.
const WAKE: u64 = u64::MAX;

/// Whom to ask and to tell.
pub struct Ears {
    /// Gets the events.
    pub sink: Arc<dyn Sink>,
    /// Whether a card is of a machine that is declared or was met.
    pub is_known: Box<dyn Fn(Mac) -> bool + Send>,
    /// A machine has an address from now on.
    pub leased: Box<dyn Fn(Lease) + Send>,
}

/// The listening thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Observer {
    orders: Sender<Vec<Order>>,
    wake: UnixStream,
    thread: Option<JoinHandle<()>>,
    interfaces: Vec<String>,
}

/// What the thread is to do.
#[derive(Debug)]
enum Order {
    /// Listen here too.
    Open(Capture),
    /// No longer here.
    Close(String),
}

/// Why an interface is not listened on.
#[derive(Debug)]
pub struct Deaf {
    /// Its name.
    pub interface: String,
    /// Why.
    pub error: io::Error,
}

/// Opens interfaces, which takes root; listening does not.
pub fn open(interfaces: &[String]) -> (Vec<Capture>, Vec<Deaf>) {
    let (mut captures, mut deaf) = (Vec::new(), Vec::new());
    for interface in interfaces {
        match Capture::open(interface) {
            Ok(capture) => captures.push(capture),
            Err(error) => deaf.push(Deaf {
                interface: interface.clone(),
                error,
            }),
        }
    }
    (captures, deaf)
}

impl Observer {
    /// Listens on what was opened.
    ///
    /// # Errors
    /// The system has no thread or descriptor left.
    pub fn start(captures: Vec<Capture>, ears: Ears) -> io::Result<Observer> {
        let (wake, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        wake.set_nonblocking(true)?;
        let poller = Poller::new()?;
        poller.add(&woken, WAKE)?;
        let (orders, inbox) = mpsc::channel();
        let thread = Thread {
            poller,
            woken,
            inbox,
            open: Vec::new(),
            next: 0,
            hearing: Hearing::new(Instant::now()),
            ears,
            told: None,
        };
        let thread = std::thread::Builder::new()
            .name("observe".to_owned())
            .spawn(move || thread.run())?;
        let mut observer = Observer {
            orders,
            wake,
            thread: Some(thread),
            interfaces: Vec::new(),
        };
        observer.change(&[], captures);
        Ok(observer)
    }

    /// The interfaces that it was told to listen on and that could be opened.
    pub fn interfaces(&self) -> &[String] {
        &self.interfaces
    }

    /// Listens no longer on `gone`, and on what was opened now.
    pub fn change(&mut self, gone: &[String], opened: Vec<Capture>) {
        self.interfaces.retain(|name| !gone.contains(name));
        let names = opened.iter().map(|capture| capture.interface().to_owned());
        self.interfaces.extend(names);
        let close = gone.iter().cloned().map(Order::Close);
        let orders = close.chain(opened.into_iter().map(Order::Open));
        let _ = self.orders.send(orders.collect());
        self.wake();
    }

    fn wake(&self) {
        // A pipe that is full wakes just as well.
        let _ = (&self.wake).write(&[1]);
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        let (nobody, _) = mpsc::channel();
        drop(std::mem::replace(&mut self.orders, nobody));
        self.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An interface, and what the poller calls it.
struct Listening {
    number: u64,
    capture: Capture,
    is_lost: bool,
    /// It was said that it stays lost.
    is_told: bool,
}

struct Thread {
    poller: Poller,
    woken: UnixStream,
    inbox: Receiver<Vec<Order>>,
    open: Vec<Listening>,
    next: u64,
    hearing: Hearing,
    ears: Ears,
    /// When it was last said that messages were left out.
    told: Option<Instant>,
}

impl Thread {
    fn run(mut self) {
        let mut ready = Vec::new();
        let mut period = (Instant::now(), 0);
        let mut looked = Instant::now();
        while self.obey() {
            let looks = self.is_any_lost() || (!Capture::TELLS_OF_LOSS && !self.open.is_empty());
            let timeout = looks.then(|| limits::DHCP_AGAIN.saturating_sub(looked.elapsed()));
            if let Err(error) = self.poller.wait(timeout, &mut ready) {
                log::error!("DHCP is not listened to any more: waiting for frames: {error}");
                return;
            }
            // By the clock, since another interface may never be silent.
            if looked.elapsed() >= limits::DHCP_AGAIN {
                looked = Instant::now();
                self.look_for_the_lost();
                if !Capture::TELLS_OF_LOSS {
                    ready.extend(self.open.iter().map(|one| one.number));
                }
            }
            let mut frames = 0;
            for number in &ready {
                match *number {
                    WAKE => while matches!(self.woken.read(&mut [0; 64]), Ok(1..)) {},
                    number => frames += self.read(number),
                }
            }
            self.rest(&mut period, frames);
            self.tell();
        }
    }

    /// Does what was ordered; `false`: nobody will order any more.
    fn obey(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(orders) => orders.into_iter().for_each(|order| self.follow(order)),
                Err(mpsc::TryRecvError::Empty) => return true,
                Err(mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Close(name) => self.open.retain(|one| one.capture.interface() != name),
            Order::Open(capture) => {
                let number = self.next;
                self.next += 1;
                if let Err(error) = self.poller.add(&capture, number) {
                    let name = capture.interface();
                    log::warn!("cannot listen to DHCP on {name}: waiting for frames: {error}");
                    return;
                }
                self.open.push(Listening {
                    number,
                    capture,
                    is_lost: false,
                    is_told: false,
                });
            }
        }
    }

    /// Reads what an interface has, as far as it is its turn.
    fn read(&mut self, number: u64) -> u32 {
        let mut heard = self.open.iter_mut().filter(|one| !one.is_lost);
        let Some(one) = heard.find(|one| one.number == number) else {
            return 0;
        };
        let mut count = 0;
        for _ in 0..AT_ONCE {
            let (hearing, ears) = (&mut self.hearing, &self.ears);
            let result = one.capture.read(|frame| hear(number, frame, hearing, ears));
            match result {
                Ok(0) => break,
                Ok(frames) => count += u32::try_from(frames).unwrap_or(u32::MAX),
                // An interface that only goes down is heard again once it is up.
                Err(_) if one.capture.again() => break,
                Err(error) => {
                    let name = one.capture.interface();
                    log::warn!("DHCP is not heard on {name} until it is back: {error}");
                    let _ = self.poller.remove(&one.capture);
                    one.is_lost = true;
                    break;
                }
            }
        }
        count
    }

    fn is_any_lost(&self) -> bool {
        self.open.iter().any(|one| one.is_lost)
    }

    fn look_for_the_lost(&mut self) {
        for one in self.open.iter_mut().filter(|one| one.is_lost) {
            if !one.capture.again() {
                let name = one.capture.interface().to_owned();
                match Capture::open(&name) {
                    Ok(anew) => one.capture = anew,
                    Err(error) => {
                        let denied = error.kind() == io::ErrorKind::PermissionDenied;
                        let never = denied && !one.capture.comes_back();
                        if never && !std::mem::replace(&mut one.is_told, true) {
                            log::warn!(
                                "DHCP on {name} is heard again after a restart of hearth: opening an \
                                 interface takes root, which was given up"
                            );
                        }
                        continue;
                    }
                }
            }
            if self.poller.add(&one.capture, one.number).is_ok() {
                one.is_lost = false;
                log::info!("{} is back, DHCP is heard on it", one.capture.interface());
            }
        }
    }

    /// Whoever floods the network with DHCP gets a bounded part of a processor. The kernel drops what
    /// does not fit into its queue meanwhile.
    fn rest(&self, period: &mut (Instant, u32), frames: u32) {
        let now = Instant::now();
        let spent = now.saturating_duration_since(period.0);
        if spent >= limits::DHCP_PERIOD {
            *period = (now, 0);
        }
        period.1 = period.1.saturating_add(frames);
        if period.1 >= limits::DHCP_FRAMES {
            let rest = limits::DHCP_PERIOD.saturating_sub(spent);
            std::thread::sleep(rest.max(Duration::from_millis(1)));
        }
    }

    fn tell(&mut self) {
        if self
            .told
            .is_some_and(|told| told.elapsed() < limits::DHCP_TELL)
        {
            return;
        }
        let left_out = self.hearing.left_out();
        if left_out > 0 {
            self.told = Some(Instant::now());
            log::warn!(
                "{left_out} DHCP messages are left out of the timelines: more came than a network \
                 that boots sends; look for a machine that asks without end"
            );
        }
    }
}

fn hear(interface: u64, frame: &[u8], hearing: &mut Hearing, ears: &Ears) {
    let Some(heard) = packet::read(frame) else {
        return;
    };
    let Some(told) = hearing.hear(interface, heard, &ears.is_known, Instant::now()) else {
        return;
    };
    // First, so that the event finds the machine.
    if let Some(lease) = told.lease() {
        (ears.leased)(lease);
    }
    ears.sink.event(Event::Dhcp(told.dhcp));
}
