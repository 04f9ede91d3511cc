//! Reads one URL path again and again over several connections, and drops what it reads: for
//! measuring the server and not the client.
//!
//!     cargo run --release --example http_load -- 127.0.0.1:8069 /files/big 10 5

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, recv};

/// One request and its whole answer; returns the bytes of the body.
fn read_once(stream: &mut TcpStream, request: &[u8]) -> Result<u64> {
    stream.write_all(request)?;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    let end = loop {
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        head.extend_from_slice(&bytes[..length]);
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let text = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse::<u64>().ok())
        .ok_or_else(|| Error::other(format!("no length: {text}")))?;
    let mut left = length - (head.len() - end) as u64;
    let mut room = vec![0; 1 << 20];
    while left > 0 {
        let most = room.len().min(usize::try_from(left).unwrap_or(room.len()));
        // On Linux MSG_TRUNC takes the bytes off the socket without copying them.
        let taken = recv(stream.as_raw_fd(), &mut room[..most], MsgFlags::MSG_TRUNC)?;
        if taken == 0 {
            return Err(Error::from(ErrorKind::UnexpectedEof));
        }
        left -= taken as u64;
    }
    Ok(length)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, clients, seconds] = &arguments[..] else {
        return Err(Error::other(
            "usage: http_load ADDRESS:PORT PATH CLIENTS SECONDS",
        ));
    };
    let clients: u32 = clients.parse().map_err(Error::other)?;
    let time = Duration::from_secs_f32(seconds.parse().map_err(Error::other)?);
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let begun = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let (address, request) = (address.clone(), request.clone());
            std::thread::spawn(move || -> Result<u64> {
                let mut stream = TcpStream::connect(&address)?;
                let mut bytes = 0;
                loop {
                    bytes += read_once(&mut stream, request.as_bytes())?;
                    if begun.elapsed() > time {
                        return Ok(bytes);
                    }
                }
            })
        })
        .collect();
    let mut bytes = 0;
    for thread in threads {
        bytes += thread
            .join()
            .map_err(|_| Error::other("a client panicked"))??;
    }
    let took = begun.elapsed().as_secs_f64();
    println!("{bytes} {took:.3} {:.1}", bytes as f64 / took / 1e6);
    Ok(())
}
