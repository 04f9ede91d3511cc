//! What needs a process of its own: its memory and its descriptors.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use hearth::config::Http;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::support::{Client, LIMITS, Site, wait_for};

/// A server in a process of its own; it obeys lines on its standard input.
struct Process {
    child: Child,
    orders: ChildStdin,
    replies: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Process {
    fn start() -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::serves", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let mut replies = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert!(replies.read_line(&mut line).unwrap() > 0, "the child ended");
            if let Some((_, address)) = line.split_once("listening ") {
                break address.trim().parse().unwrap();
            }
        };
        Process {
            child,
            orders,
            replies,
            address,
        }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        let mut line = String::new();
        self.replies.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ok");
    }

    /// Resident memory in KiB, now or at most so far.
    fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "the other tests of this file run it in a process of its own"]
fn serves() {
    let site = Site::with(Http {
        header_timeout: Duration::from_secs(5),
        ..LIMITS
    });
    site.file("small", 1000);
    let big = File::create(site.folder.path().join("big")).unwrap();
    big.set_len(200 << 20).unwrap();
    println!("\nlistening {}", site.address());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let mut hoard = Vec::new();
    for order in std::io::stdin().lines() {
        match order.unwrap().as_str() {
            "exhaust" => {
                setrlimit(Resource::RLIMIT_NOFILE, 100, hard).unwrap();
                while let Ok(file) = File::open("/dev/null") {
                    hoard.push(file);
                }
            }
            "relieve" => {
                hoard.clear();
                setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
            }
            other => panic!("{other}"),
        }
        println!("ok");
    }
}

fn get(address: SocketAddr, path: &str) -> u16 {
    let mut client = Client::connect(address);
    client.send(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"));
    client.reply(false).status
}

#[cfg(target_os = "linux")]
#[test]
fn a_header_line_of_sixty_megabytes_does_not_grow_memory() {
    let process = Process::start();
    let before = process.memory("VmRSS");
    assert!(before < 12 << 10, "{before} KiB idle");
    let mut stream = TcpStream::connect(process.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
        .write_all(b"GET /files/small HTTP/1.1\r\nX: ")
        .unwrap();
    let piece = vec![b'y'; 1 << 20];
    for _ in 0..60 {
        match stream.write_all(&piece) {
            Ok(()) => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ) =>
            {
                break;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
    let peak = process.memory("VmHWM");
    assert!(
        peak < before + 1024,
        "{before} KiB before, {peak} KiB at most"
    );
    assert_eq!(get(process.address, "/files/small"), 200);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_follow_the_size_of_files_and_little_the_number_of_clients() {
    let process = Process::start();
    assert_eq!(get(process.address, "/files/small"), 200);
    let before = process.memory("VmRSS");
    let address = process.address;
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(move || {
                let mut client = Client::connect(address);
                client.send("GET /files/big HTTP/1.1\r\nHost: h\r\n\r\n");
                let mut left: usize = client.head().field("content-length").parse().unwrap();
                assert_eq!(left, 200 << 20);
                left -= client.take(left).len();
                let mut room = vec![0; 1 << 18];
                while left > 0 {
                    let most = left.min(room.len());
                    let length = client.stream.read(&mut room[..most]).unwrap();
                    assert!(length > 0);
                    left -= length;
                }
            });
        }
    });
    let peak = process.memory("VmHWM");
    assert!(
        peak < before + (4 << 10),
        "{before} KiB before, {peak} KiB with 50 clients"
    );
}

#[test]
fn used_up_descriptors_stop_nothing_for_good() {
    let mut process = Process::start();
    let mut early = Client::connect(process.address);
    early.send("GET /files/small HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(early.reply(false).status, 200);
    // A connection that is there gets a word; one that comes now waits in the kernel's queue. What
    // the first answer used may become free late, so it may need to be used up again.
    wait_for("the descriptors are used up", || {
        process.order("exhaust");
        early.send("GET /files/small HTTP/1.1\r\nHost: h\r\n\r\n");
        let reply = early.reply(false);
        (reply.status == 503).then(|| assert_eq!(reply.field("retry-after"), "3"))
    });
    let mut waiting: Vec<_> = (0..20).map(|_| Client::connect(process.address)).collect();
    for client in &mut waiting {
        client.send("GET /files/small HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    process.order("relieve");
    for client in &mut waiting {
        assert_eq!(client.reply(false).status, 200);
    }
    early.send("GET /files/small HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(early.reply(false).status, 200);
    wait_for("a new one is served", || {
        (get(process.address, "/files/small") == 200).then_some(())
    });
}
