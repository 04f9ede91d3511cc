//! What bad and too many clients meet.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use hearth::config::Http;
use hearth::event::{Event, Outcome};
use hearth::http::{Listeners, Server};
use hearth::limits;

use crate::support::{Client, LIMITS, Site, noise, wait_for};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn eighty_half_sent_requests_harm_nobody_and_go() {
    let site = Site::with(Http {
        header_timeout: SHORT,
        ..LIMITS
    });
    let bytes = site.file("x", 100_000);
    let mut slow: Vec<_> = (0..80).map(|_| site.connect()).collect();
    for client in &mut slow {
        client.send("GET /files/x HTTP/1.1\r\nHost: h\r\nX-");
    }
    assert!(site.get("/files/x", "").body == bytes, "other bytes");
    for client in &mut slow {
        assert_eq!(client.reply(false).status, 408);
        assert!(client.rest().is_empty());
    }
    wait_for("they are gone", || {
        (site.server.stats().connections == 0).then_some(())
    });
}

#[test]
fn a_head_that_trickles_in_has_no_more_time_than_another() {
    let site = Site::with(Http {
        header_timeout: SHORT,
        ..LIMITS
    });
    let mut client = site.connect();
    let begun = Instant::now();
    while client.stream.write_all(b"G").is_ok() && begun.elapsed() < 20 * SHORT {
        std::thread::sleep(SHORT / 20);
    }
    assert!(begun.elapsed() < 20 * SHORT, "the server never closed");
}

#[test]
fn an_idle_connection_is_closed_and_a_used_one_is_not() {
    let site = Site::with(Http {
        idle_timeout: SHORT,
        ..LIMITS
    });
    let mut client = site.connect();
    for _ in 0..6 {
        client.send("GET /default.ipxe HTTP/1.1\r\nHost: h\r\n\r\n");
        assert_eq!(client.reply(false).status, 200);
        std::thread::sleep(SHORT / 3);
    }
    let begun = Instant::now();
    assert!(client.rest().is_empty());
    assert!(begun.elapsed() < 10 * SHORT, "{:?}", begun.elapsed());
}

#[test]
fn six_clients_that_stop_reading_hold_nobody_and_are_cut() {
    let site = Site::with(Http {
        stall_timeout: 2 * SHORT,
        ..LIMITS
    });
    let bytes = site.file("x", 40_000_000);
    let mut stuck: Vec<_> = (0..6).map(|_| site.connect()).collect();
    for client in &mut stuck {
        client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    assert!(site.get("/files/x", "").body == bytes, "other bytes");
    let mut cut = 0;
    for _ in 0..7 {
        let (_, taken, outcome) = site.transfer();
        if let Outcome::Failed(why) = outcome {
            assert!(why.contains("took no byte"), "{why}");
            assert!(taken < 40_000_000, "{taken}");
            cut += 1;
        }
    }
    assert_eq!(cut, 6);
    // By a reset: the kernel keeps nothing for them.
    for client in &mut stuck {
        let mut room = vec![0; 1 << 16];
        let error = loop {
            match client.stream.read(&mut room) {
                Ok(length) => assert!(length > 0, "closed, with bytes kept until they are read"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    site.no_more_transfers();
}

#[test]
fn a_client_that_falls_silent_at_the_end_was_sent_everything() {
    let site = Site::with(LIMITS);
    let size = 30_000;
    site.file("x", size);
    // With a window smaller than the file: the rest stays in the server's kernel.
    let mut client = site.connect_with_window(4096);
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    let event = wait_for("a transfer's event", || site.events.0.lock().unwrap().pop());
    let Event::Transfer {
        bytes,
        outcome,
        took,
        ..
    } = event
    else {
        panic!("{event:?}")
    };
    assert_eq!(outcome, Outcome::Sent);
    assert!(bytes < size as u64, "{bytes}");
    // To the last byte that was acknowledged, not to when the server gave up.
    assert!(took < limits::HTTP_UNCONFIRMED.1 / 2, "{took:?}");
}

#[test]
fn a_slow_client_that_goes_on_reading_is_not_cut() {
    let site = Site::with(Http {
        stall_timeout: 2 * SHORT,
        idle_timeout: SHORT,
        ..LIMITS
    });
    let size = 6_000_000;
    let bytes = site.file("x", size);
    let mut client = site.connect();
    nix::sys::socket::setsockopt(&client.stream, nix::sys::socket::sockopt::RcvBuf, &65_536)
        .unwrap();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    client.head();
    let mut got = client.take(usize::MAX);
    let mut room = vec![0; 200_000];
    while got.len() < size {
        // Thirty rounds of a tenth of a second: five times as long as the time-out.
        std::thread::sleep(SHORT / 3);
        let length = client.stream.read(&mut room).unwrap();
        assert!(length > 0, "cut after {} bytes", got.len());
        got.extend_from_slice(&room[..length]);
    }
    assert!(got == bytes, "other bytes");
    assert_eq!(site.transfer().2, Outcome::Done);
}

#[test]
fn a_flood_is_told_to_come_again_and_every_client_hears_it() {
    let site = Site::with(Http {
        connections: 2,
        ..LIMITS
    });
    let bytes = site.file("x", 1000);
    let holders = [site.connect(), site.connect()];
    wait_for("two are in", || {
        (site.server.stats().connections == 2).then_some(())
    });
    let address = site.address();
    std::thread::scope(|scope| {
        for _ in 0..150 {
            scope.spawn(move || {
                let mut client = Client::connect(address);
                client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
                let reply = client.reply(false);
                assert_eq!((reply.status, reply.field("retry-after")), (503, "3"));
                assert_eq!(reply.field("connection"), "close");
                assert!(client.rest().is_empty());
            });
        }
    });
    assert_eq!(site.server.stats().turned_away, 150);
    let head = site.ask("HEAD /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(head.status, 503);
    drop(holders);
    wait_for("they are out", || {
        (site.server.stats().connections == 0).then_some(())
    });
    assert!(site.get("/files/x", "").body == bytes, "other bytes");
}

#[test]
fn clients_that_are_told_to_come_again_and_do_not_listen_hold_nobody_for_long() {
    let site = Site::with(Http {
        connections: 1,
        ..LIMITS
    });
    let holder = site.connect();
    wait_for("one is in", || {
        (site.server.stats().connections == 1).then_some(())
    });
    // As many as are told at a time, and more: none of them says a word.
    let silent: Vec<_> = (0..80)
        .map(|_| TcpStream::connect(site.address()).unwrap())
        .collect();
    let begun = Instant::now();
    assert_eq!(site.get("/default.ipxe", "").status, 503);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    drop((silent, holder));
    wait_for("a seat is free", || {
        (site.get("/default.ipxe", "").status == 200).then_some(())
    });
}

#[test]
fn other_limits_cut_no_connection() {
    let site = Site::new();
    let bytes = site.file("x", 20_000_000);
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    let head = client.head();
    site.server.set_limits(Http {
        connections: 1,
        ..LIMITS
    });
    assert_eq!(site.get("/default.ipxe", "").status, 503);
    let mut got = client.take(usize::MAX);
    let mut rest = vec![0; bytes.len() - got.len()];
    client.stream.read_exact(&mut rest).unwrap();
    got.extend_from_slice(&rest);
    assert!(head.status == 200 && got == bytes, "other bytes");
    site.server.set_limits(LIMITS);
    assert_eq!(site.get("/default.ipxe", "").status, 200);
}

#[test]
fn a_stop_lets_a_download_end_and_takes_nobody_in() {
    let site = Site::new();
    let bytes = site.file("x", 30_000_000);
    let idle = site.connect();
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    client.head();
    let address = site.address();
    let Site {
        server,
        folder: _folder,
        events,
        ..
    } = site;
    let stopping = std::thread::spawn(move || server.stop());
    wait_for("nobody listens", || {
        TcpStream::connect(address).is_err().then_some(())
    });
    drop(idle);
    assert!(client.rest() == bytes, "other bytes");
    drop(client);
    stopping.join().unwrap();
    drop(events);
}

#[test]
fn a_line_without_an_end_and_too_many_lines_are_refused() {
    let site = Site::new();
    let lines = "X: y\r\n".repeat(hearth::limits::HTTP_HEADERS + 1);
    assert_eq!(site.get("/default.ipxe", &lines).status, 431);
    let long = format!("X: {}\r\n", "y".repeat(hearth::limits::HTTP_HEAD_BYTES));
    assert_eq!(site.get("/default.ipxe", &long).status, 431);
    let garbage = site.ask("\u{1}\u{2}\u{3} no HTTP\r\n\r\n");
    assert_eq!(garbage.status, 400);
}

#[test]
fn a_port_in_use_is_named() {
    let site = Site::new();
    let error = Server::start(
        &[site.address()],
        LIMITS,
        site.gate.clone(),
        site.events.clone(),
        None,
    );
    let error = error.err().map(|error| error.to_string()).unwrap();
    let port = site.address().port();
    assert!(error.contains(&format!("127.0.0.1 port {port}")), "{error}");
    assert!(error.contains("server.http_port"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_storm_waits_in_the_queue_and_nobody_is_dropped() {
    // Nobody accepts: all that come are in the kernel's queue, or are not answered at all.
    let any = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let listeners = Listeners::bind(&any, None).unwrap();
    let address = listeners.addresses().unwrap()[0];
    let longest = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let many = longest.trim().parse::<usize>().unwrap().min(400);
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(900)).unwrap();
    let storm: Vec<_> = (0..many).map(connect).collect();
    assert_eq!(storm.len(), many);
}

#[test]
fn garbage_is_answered_or_dropped_and_the_server_goes_on() {
    let site = Site::with(Http {
        header_timeout: SHORT,
        idle_timeout: SHORT,
        ..LIMITS
    });
    let bytes = site.file("x", 1000);
    let valid = b"GET /files/x HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\nIf-Match: *\r\n\r\n";
    std::thread::scope(|scope| {
        for round in 0..120_usize {
            let address = site.address();
            scope.spawn(move || {
                let mut request = valid.to_vec();
                for (n, noise) in noise(8 * (round + 1)).chunks_exact(8).enumerate() {
                    let at = usize::from(noise[0]) % request.len();
                    match (n + round) % 3 {
                        0 => request[at] = noise[1],
                        1 => request.insert(at, noise[1]),
                        _ => request.truncate(at.max(1)),
                    }
                }
                let mut client = Client::connect(address);
                client.stream.write_all(&request).unwrap();
                client.rest();
            });
        }
    });
    assert!(site.get("/files/x", "").body == bytes, "other bytes");
}
