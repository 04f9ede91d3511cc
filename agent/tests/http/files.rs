//! What arrives: whole files, parts, conditions, refusals.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::Ordering;

use hearth::event::Outcome;

use crate::support::{Client, Site};

const MANY: usize = 7_000_003;

#[test]
fn a_file_arrives_byte_for_byte_and_is_reported_once() {
    let site = Site::new();
    let bytes = site.file("talos/v1/kernel-amd64", MANY);
    let reply = site.get("/files/talos/v1/kernel-amd64", "");
    assert_eq!(reply.status, 200);
    assert!(reply.body == bytes, "other bytes");
    assert_eq!(reply.field("content-length"), MANY.to_string());
    assert_eq!(reply.field("content-type"), "application/octet-stream");
    assert_eq!(reply.field("accept-ranges"), "bytes");
    assert!(!reply.field("etag").is_empty() && !reply.field("last-modified").is_empty());
    let name = "talos/v1/kernel-amd64".to_owned();
    assert_eq!(site.transfer(), (name, MANY as u64, Outcome::Done));
    site.no_more_transfers();
}

#[test]
fn firmware_asks_head_then_get_on_one_connection() {
    // EDK2's HttpBootDxe: HEAD for the size and type, then GET.
    let site = Site::new();
    let bytes = site.file("arm64/snponly.efi", 300_000);
    let mut client = site.connect();
    client.send("HEAD /files/arm64/snponly.efi HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
    let head = client.reply(true);
    client.send("GET /files/arm64/snponly.efi HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n");
    let get = client.reply(false);
    assert_eq!((head.status, get.status), (200, 200));
    for field in ["content-length", "content-type", "etag", "last-modified"] {
        assert_eq!(head.field(field), get.field(field), "{field}");
    }
    assert_eq!(get.field("content-type"), "application/efi");
    assert!(get.body == bytes, "other bytes");
    assert_eq!(site.transfer().2, Outcome::Probe);
    assert_eq!(site.transfer().2, Outcome::Done);
}

#[test]
fn a_range_gives_that_part() {
    let site = Site::new();
    let bytes = site.file("x", MANY);
    let last = MANY - 1;
    for (range, from, to) in [
        ("0-0".to_owned(), 0, 0),
        ("5-1999999".to_owned(), 5, 1_999_999),
        ("3000000-".to_owned(), 3_000_000, last),
        ("-17".to_owned(), MANY - 17, last),
        (format!("0-{}", MANY * 2), 0, last),
    ] {
        let reply = site.get("/files/x", &format!("Range: bytes={range}\r\n"));
        assert_eq!(reply.status, 206, "{range}");
        assert_eq!(
            reply.field("content-range"),
            format!("bytes {from}-{to}/{MANY}")
        );
        assert!(reply.body == bytes[from..=to], "{range}: other bytes");
        assert_eq!(site.transfer().1, (to - from + 1) as u64, "{range}");
    }
}

#[test]
fn a_range_that_cannot_be_or_is_none() {
    let site = Site::new();
    site.file("x", 100);
    let reply = site.get("/files/x", "Range: bytes=100-\r\n");
    assert_eq!(reply.status, 416);
    assert_eq!(reply.field("content-range"), "bytes */100");
    assert!(matches!(site.transfer().2, Outcome::Refused(_)));
    for fields in [
        "Range: bytes=0-1,5-6\r\n",
        "Range: lines=1-2\r\n",
        "Range: bytes=0-1\r\nRange: bytes=0-1\r\n",
    ] {
        let reply = site.get("/files/x", fields);
        assert_eq!((reply.status, reply.body.len()), (200, 100), "{fields}");
        assert!(!reply.fields.contains_key("content-range"));
    }
    let head = site.ask("HEAD /files/x HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\n\r\n");
    assert_eq!((head.status, head.field("content-length")), (200, "100"));
}

#[test]
fn a_broken_download_goes_on_by_range_and_if_match() {
    let site = Site::new();
    let bytes = site.file("x.efi", MANY);
    let mut client = site.connect();
    client.send("GET /files/x.efi HTTP/1.1\r\nHost: h\r\n\r\n");
    let etag = client.head().field("etag").to_owned();
    let mut got = vec![0; 1_000_000];
    let first = client.rest_of(&mut got);
    drop(client);
    assert!(matches!(site.transfer().2, Outcome::Failed(_)));

    let fields = format!("Range: bytes={first}-\r\nIf-Match: {etag}\r\n");
    let reply = site.get("/files/x.efi", &fields);
    assert_eq!(reply.status, 206);
    got.truncate(first);
    got.extend_from_slice(&reply.body);
    assert!(got == bytes, "the two parts are not the whole");
    assert_eq!(site.transfer().2, Outcome::Done);

    site.file("x.efi", MANY + 1);
    assert_eq!(site.get("/files/x.efi", &fields).status, 412);
    assert!(matches!(site.transfer().2, Outcome::Refused(_)));
    let whole = site.get(
        "/files/x.efi",
        &format!("Range: bytes=5-\r\nIf-Range: {etag}\r\n"),
    );
    assert_eq!((whole.status, whole.body.len()), (200, MANY + 1));
}

#[test]
fn a_client_that_has_the_file_already_gets_304() {
    let site = Site::new();
    site.file("x", 10);
    let first = site.get("/files/x", "");
    for fields in [
        format!("If-None-Match: {}\r\n", first.field("etag")),
        format!("If-Modified-Since: {}\r\n", first.field("last-modified")),
    ] {
        let reply = site.get("/files/x", &fields);
        assert_eq!(reply.status, 304, "{fields}");
        assert_eq!(reply.field("etag"), first.field("etag"));
        assert!(reply.body.is_empty());
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::new();
    let big = site.file("big", 2_500_000);
    let small = site.file("small", 10);
    let mut client = site.connect();
    let of = |method: &str, path: &str| format!("{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    let mut all = String::new();
    for _ in 0..8 {
        all += &of("GET", "/files/big");
        all += &of("HEAD", "/files/big");
        all += &of("GET", "/files/small");
        all += &of("GET", "/nothing");
        all += &of("GET", "/default.ipxe");
        all += &of("GET", "/script?n=1");
    }
    client.send(&all);
    for _ in 0..8 {
        assert!(client.reply(false).body == big, "other bytes");
        assert_eq!(
            client.reply(true).field("content-length"),
            big.len().to_string()
        );
        assert_eq!(client.reply(false).body, small);
        assert_eq!(client.reply(false).status, 404);
        assert_eq!(client.reply(false).text(), "#!ipxe\n# asked 127.0.0.1\n");
        assert_eq!(client.reply(false).text(), "#!ipxe\n# n=1 from 127.0.0.1\n");
    }
    drop(client);
    let outcomes: Vec<_> = (0..8 * 5).map(|_| site.transfer().2).collect();
    let count = |outcome| outcomes.iter().filter(|one| **one == outcome).count();
    assert_eq!(count(Outcome::Done), 8 * 3);
    assert_eq!(count(Outcome::Probe), 8);
    assert_eq!(count(Outcome::NotFound), 8);
    site.no_more_transfers();
}

#[test]
fn refusals_say_why_and_keep_the_connection() {
    let site = Site::new();
    let mut client = site.connect();
    for (request, status, word) in [
        ("GET / HTTP/1.1", 404, "/script"),
        ("GET /files/nothing HTTP/1.1", 404, "no such file"),
        ("GET /files/../../etc/passwd HTTP/1.1", 404, "no such file"),
        (
            "GET /files/%2e%2e/%2e%2e/etc/passwd HTTP/1.1",
            404,
            "no such file",
        ),
        (
            "GET /files/denied HTTP/1.1",
            403,
            "this machine is installed",
        ),
        ("POST /script HTTP/1.1", 405, "GET, HEAD"),
        ("DELETE /files/x HTTP/1.1", 405, "GET, HEAD"),
        ("OPTIONS * HTTP/1.1", 404, ""),
    ] {
        client.send(&format!("{request}\r\nHost: h\r\n\r\n"));
        let reply = client.reply(false);
        assert_eq!(reply.status, status, "{request}");
        assert!(reply.text().contains(word), "{request}: {}", reply.text());
        assert_eq!(
            reply.field("allow"),
            if status == 405 { "GET, HEAD" } else { "" }
        );
        assert_eq!(reply.field("content-type"), "text/plain");
    }
}

#[test]
fn doubled_slashes_are_no_redirect() {
    let site = Site::new();
    let bytes = site.file("a/b.efi", 100);
    for path in [
        "//files//a//b.efi",
        "/files/a%2Fb.efi",
        "/files/a%5Cb.efi",
        "http://other/files/a/b.efi",
    ] {
        let reply = site.get(path, "");
        assert_eq!((reply.status, reply.body == bytes), (200, true), "{path}");
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_and_not_read() {
    let site = Site::new();
    let mut client = site.connect();
    client.send("POST /script HTTP/1.1\r\nHost: h\r\nContent-Length: 90000000\r\n\r\n");
    client.send(&"x".repeat(100_000));
    let reply = client.reply(false);
    assert_eq!((reply.status, reply.field("connection")), (413, "close"));
    // An end and no reset, though the client was still sending: a reset may overtake the answer.
    client.send(&"x".repeat(500_000));
    assert_eq!(client.stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn http_1_0_and_a_client_that_closes_its_side_get_everything() {
    let site = Site::new();
    let bytes = site.file("x", MANY);
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.0\r\n\r\n");
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.head().field("content-length"), MANY.to_string());
    assert!(client.rest() == bytes, "other bytes");
    assert_eq!(site.transfer().2, Outcome::Done);
    site.no_more_transfers();
}

#[test]
fn a_file_cut_short_meanwhile_ends_the_connection_and_is_never_padded() {
    let site = Site::new();
    let bytes = site.file("x", 30_000_000);
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    client.head();
    let path = site.folder.path().join("x");
    OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(20_000_000)
        .unwrap();
    let got = client.rest();
    assert!(
        got.len() <= 20_000_000 && bytes.starts_with(&got),
        "{} bytes",
        got.len()
    );
    let (_, sent, outcome) = site.transfer();
    assert!(sent <= 20_000_000, "{sent}");
    assert!(
        matches!(&outcome, Outcome::Failed(why) if why.contains("shorter")),
        "{outcome:?}"
    );
    site.no_more_transfers();
}

#[test]
fn a_file_written_to_meanwhile_is_never_taken_for_whole() {
    let site = Site::new();
    site.file("x", 30_000_000);
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    client.head();
    let path = site.folder.path().join("x");
    OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .write_all(b"other")
        .unwrap();
    assert!(client.rest().len() < 30_000_000);
    let (_, _, outcome) = site.transfer();
    assert!(
        matches!(&outcome, Outcome::Failed(why) if why.contains("changed")),
        "{outcome:?}"
    );
}

#[test]
fn a_file_replaced_meanwhile_arrives_as_it_was() {
    let site = Site::new();
    let bytes = site.file("x", 30_000_000);
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    site.file("new", 30_000_000 - 1);
    let root = site.folder.path();
    std::fs::rename(root.join("new"), root.join("x")).unwrap();
    assert!(client.reply(false).body == bytes, "other bytes");
    assert_eq!(site.get("/files/x", "").body.len(), 30_000_000 - 1);
}

#[test]
fn an_answer_out_of_date_is_asked_for_once_more_and_then_not_found() {
    let site = Site::new();
    site.file("x", 10);
    site.gate.stale.store(1, Ordering::SeqCst);
    assert_eq!(site.get("/files/x", "").status, 200);
    assert_eq!(site.gate.asked.load(Ordering::SeqCst), 2);
    assert_eq!(site.transfer().2, Outcome::Done);
    site.gate.stale.store(2, Ordering::SeqCst);
    assert_eq!(site.get("/files/x", "").status, 404);
    assert_eq!(site.gate.asked.load(Ordering::SeqCst), 4);
    assert_eq!(site.transfer().2, Outcome::NotFound);
}

#[test]
fn a_client_that_vanishes_is_reported_with_what_it_took() {
    let site = Site::new();
    site.file("x", 50_000_000);
    let mut client = site.connect();
    client.send("GET /files/x HTTP/1.1\r\nHost: h\r\n\r\n");
    client.head();
    let taken = client.rest_of(&mut vec![0; 2_000_000]);
    drop(client);
    let (_, bytes, outcome) = site.transfer();
    assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
    // It acknowledges somewhat later than it reads, and its reset acknowledges nothing.
    assert!((taken as u64 / 2..50_000_000).contains(&bytes), "{bytes}");
    site.no_more_transfers();
}

#[test]
fn curl_downloads_and_goes_on_where_it_stopped() {
    let site = Site::new();
    let bytes = site.file("x", MANY);
    let url = format!("http://{}/files/x", site.address());
    let target = site.folder.path().join("got");
    File::create(&target)
        .unwrap()
        .write_all(&bytes[..1234])
        .unwrap();
    let curl = Command::new("curl")
        .args(["-sSf", "-C", "-", "-o"])
        .arg(&target)
        .arg(&url)
        .status();
    assert!(curl.unwrap().success());
    assert!(std::fs::read(&target).unwrap() == bytes, "other bytes");
}

#[test]
fn the_control_socket_shows_the_status_and_no_files() {
    let site = Site::new();
    let path = site.folder.path().join("hearth.sock");
    for (target, expected) in [("/api/v1/status", "{\"fine\":true}"), ("/script", "404")] {
        let mut stream = UnixStream::connect(&path).unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(expected), "{answer}");
        assert!(
            answer.to_lowercase().contains("content-length: "),
            "{answer}"
        );
    }
    let Site { server, folder, .. } = site;
    server.stop();
    assert!(!folder.path().join("hearth.sock").exists());
}

impl Client {
    /// Reads until `room` is full, and returns how much that was.
    fn rest_of(&mut self, room: &mut [u8]) -> usize {
        let early = self.take(room.len());
        room[..early.len()].copy_from_slice(&early);
        self.stream.read_exact(&mut room[early.len()..]).unwrap();
        room.len()
    }
}

#[test]
fn many_clients_at_once_get_their_own_bytes() {
    let site = Site::new();
    let files: Vec<_> = (0..8)
        .map(|n| site.file(&format!("f{n}"), 1_000_000 + n))
        .collect();
    std::thread::scope(|scope| {
        for round in 0..40 {
            let (site, files) = (&site, &files);
            scope.spawn(move || {
                let n = round % files.len();
                assert!(
                    site.get(&format!("/files/f{n}"), "").body == files[n],
                    "other bytes"
                );
            });
        }
    });
    for _ in 0..40 {
        assert_eq!(site.transfer().2, Outcome::Done);
    }
}
