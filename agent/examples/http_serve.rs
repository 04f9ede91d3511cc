//! The HTTP boot side alone, over the files below one folder: for measuring and for trying clients.
//!
//!     cargo run --release --example http_serve -- 127.0.0.1:8069 /usr/local/tftp

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hearth::boot::{Answer, Gate, Request};
use hearth::config::Http;
use hearth::event::{Event, Sink};
use hearth::http::Server;
use hearth::image::catalogue::{Content, Entry, Origin};

struct Folder(PathBuf);

impl Gate for Folder {
    fn file(&self, name: &str, _: &Request) -> Answer {
        let path = self.0.join(name);
        let entry = std::fs::metadata(&path).and_then(|found| {
            Ok(Entry {
                size: found.len(),
                modified: found.modified()?,
                content: Content::File(path),
                origin: Origin::Own,
            })
        });
        entry.map_or(Answer::NotFound, |entry| Answer::File(Arc::new(entry)))
    }

    fn script(&self, query: &str, request: &Request) -> String {
        format!("#!ipxe\n# {} {query}\nshell\n", request.peer.ip())
    }
}

struct Lines;

impl Sink for Lines {
    fn event(&self, event: Event) {
        if std::env::var_os("EVENTS").is_some() {
            println!("{event:?}");
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(root)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: http_serve ADDRESS:PORT FOLDER");
        return ExitCode::from(64);
    };
    let Ok(address) = address.parse::<SocketAddr>() else {
        eprintln!("{address} is no ADDRESS:PORT");
        return ExitCode::from(64);
    };
    let limits = Http {
        connections: 1000,
        retry_after: Duration::from_secs(2),
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(30),
        stall_timeout: Duration::from_secs(60),
    };
    let gate = Arc::new(Folder(root.into()));
    match Server::start(&[address], limits, gate, Arc::new(Lines), None) {
        Ok(server) => {
            println!("listening on {}", server.addresses()[0]);
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(71)
        }
    }
}
