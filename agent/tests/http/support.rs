//! A server with a gate over a folder, a client that hides nothing, and waiting for conditions.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, UNIX_EPOCH};

use hearth::boot::{Answer, Gate, Request};
use hearth::config::Http;
use hearth::event::{Event, Outcome, Sink, Via};
use hearth::http::{Control, Server};
use hearth::image::catalogue::{Content, Entry, Origin};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, connect, setsockopt, socket, sockopt,
};

pub const LIMITS: Http = Http {
    connections: 200,
    retry_after: Duration::from_secs(3),
    header_timeout: Duration::from_secs(20),
    idle_timeout: Duration::from_secs(20),
    stall_timeout: Duration::from_secs(20),
};

/// Gives out the files of a folder, `default.ipxe` from memory, and `denied` to nobody.
pub struct Folder {
    pub root: PathBuf,
    /// How often it was asked for a file.
    pub asked: AtomicU32,
    /// So many of the next answers are out of date.
    pub stale: AtomicU32,
}

impl Gate for Folder {
    fn file(&self, name: &str, request: &Request) -> Answer {
        assert_eq!(request.via, Via::Http);
        self.asked.fetch_add(1, Ordering::SeqCst);
        if name == "denied" {
            return Answer::Denied("this machine is installed".into());
        }
        if name == "default.ipxe" {
            let bytes = format!("#!ipxe\n# asked {}\n", request.local);
            return Answer::File(Arc::new(Entry {
                size: bytes.len() as u64,
                modified: UNIX_EPOCH + Duration::from_secs(1_000_000_000),
                content: Content::Memory(bytes.into_bytes().into()),
                origin: Origin::Made,
            }));
        }
        let path = self.root.join(name);
        let Ok(found) = std::fs::metadata(&path) else {
            return Answer::NotFound;
        };
        let less = |left: u32| left.checked_sub(1);
        let stale = self
            .stale
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        let past = Duration::from_secs(if stale.is_ok() { 60 } else { 0 });
        Answer::File(Arc::new(Entry {
            size: found.len(),
            modified: found.modified().unwrap() - past,
            content: Content::File(path),
            origin: Origin::Own,
        }))
    }

    fn script(&self, query: &str, request: &Request) -> String {
        format!("#!ipxe\n# {query} from {}\n", request.peer.ip())
    }
}

/// Keeps all events.
#[derive(Default)]
pub struct Events(pub Mutex<Vec<Event>>);

impl Sink for Events {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

pub struct Site {
    pub server: Server,
    pub gate: Arc<Folder>,
    pub events: Arc<Events>,
    pub folder: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Site {
        Site::with(LIMITS)
    }

    pub fn with(limits: Http) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new(Folder {
            root: folder.path().into(),
            asked: AtomicU32::new(0),
            stale: AtomicU32::new(0),
        });
        let events = Arc::new(Events::default());
        let control = Control {
            path: folder.path().join("hearth.sock"),
            handler: Arc::new(|asked| {
                let is_there = asked.path == "/api/v1/status";
                hearth::http::Reply {
                    status: if is_there { 200 } else { 404 },
                    headers: vec![("content-type", "application/json".to_owned())],
                    body: hearth::http::Body::Whole("{\"fine\":true}\n".into()),
                }
            }),
        };
        let any = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let server =
            Server::start(&any, limits, gate.clone(), events.clone(), Some(control)).unwrap();
        Site {
            server,
            gate,
            events,
            folder,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.server.addresses()[0]
    }

    /// Puts a file into the folder and returns its bytes: no two places look alike.
    pub fn file(&self, name: &str, size: usize) -> Vec<u8> {
        let bytes = noise(size);
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &bytes).unwrap();
        bytes
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A client whose kernel takes hardly more than so many bytes that it does not read.
    pub fn connect_with_window(&self, bytes: usize) -> Client {
        let socket = socket(
            AddressFamily::Inet,
            SockType::Stream,
            SockFlag::SOCK_CLOEXEC,
            None,
        )
        .unwrap();
        setsockopt(&socket, sockopt::RcvBuf, &bytes).unwrap();
        let address = SockaddrStorage::from(self.address());
        connect(socket.as_raw_fd(), &address).unwrap();
        Client {
            stream: TcpStream::from(socket),
            read: Vec::new(),
        }
    }

    /// One request on its own connection.
    pub fn ask(&self, request: &str) -> Reply {
        let mut client = self.connect();
        client.send(request);
        client.reply(request.starts_with("HEAD"))
    }

    pub fn get(&self, path: &str, fields: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n"))
    }

    /// The next transfer that ends, by name, bytes and outcome.
    pub fn transfer(&self) -> (String, u64, Outcome) {
        let event = wait_for("a transfer's event", || {
            let mut events = self.events.0.lock().unwrap();
            (!events.is_empty()).then(|| events.remove(0))
        });
        let Event::Transfer {
            name,
            bytes,
            outcome,
            via,
            peer,
            ..
        } = event
        else {
            panic!("{event:?}")
        };
        assert_eq!(via, Via::Http);
        assert_eq!(peer.ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
        (name, bytes, outcome)
    }

    /// That no transfer ends which is not expected, once every connection is gone.
    pub fn no_more_transfers(&self) {
        wait_for("all connections are gone", || {
            (self.server.stats().connections == 0).then_some(())
        });
        let events = self.events.0.lock().unwrap();
        assert!(events.is_empty(), "{events:?}");
    }
}

pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub fields: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        Client {
            stream,
            read: Vec::new(),
        }
    }

    pub fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    /// Reads one whole answer; panics if it does not come or is shorter than it says.
    pub fn reply(&mut self, head: bool) -> Reply {
        let mut reply = self.head();
        assert!(!reply.fields.contains_key("transfer-encoding"), "{reply:?}");
        assert!(!reply.fields.contains_key("location"), "{reply:?}");
        if reply.status != 304 {
            let length: usize = reply.field("content-length").parse().unwrap();
            if !head {
                while self.read.len() < length {
                    assert!(self.more() > 0, "{} bytes of {length}", self.read.len());
                }
                reply.body = self.read.drain(..length).collect();
            }
        }
        reply
    }

    /// Reads an answer's head alone.
    pub fn head(&mut self) -> Reply {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.more() > 0, "an answer's head");
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        });
        Reply {
            status,
            fields: fields.collect(),
            body: Vec::new(),
        }
    }

    fn more(&mut self) -> usize {
        let mut bytes = vec![0; 1 << 16];
        let length = self.stream.read(&mut bytes).unwrap();
        self.read.extend_from_slice(&bytes[..length]);
        length
    }

    /// What was read already and not used, at most `most` bytes.
    pub fn take(&mut self, most: usize) -> Vec<u8> {
        let length = self.read.len().min(most);
        self.read.drain(..length).collect()
    }

    /// Reads what is left until the server closes; an error ends it too.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.read);
        let mut bytes = vec![0; 1 << 16];
        while let Ok(length @ 1..) = self.stream.read(&mut bytes) {
            rest.extend_from_slice(&bytes[..length]);
        }
        rest
    }
}

/// The first value of `condition`, which must come within a deadline.
pub fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
