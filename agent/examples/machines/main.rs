//! Many machines, and what they cost. `scripts/bench` uses `fill` and `decide`.
//!
//! ```text
//! cargo run --release --example machines -- memory 100000
//! cargo run --release --example machines -- fill FOLDER 10000
//! cargo run --release --example machines -- open FOLDER
//! cargo run --release --example machines -- decide FOLDER CONFIG
//! ```
//!
//! `memory`: bytes and times of the registry alone. `fill`: makes a database with so many machines in
//! an empty folder, a third of them installed, a third of them with a profile. `open`: times of
//! opening it, as a start does. `decide`: times of decisions about its machines under a configuration,
//! without sockets, as one line of JSON.

#![allow(clippy::unwrap_used)]

mod decide;
mod disk;
mod machine;
mod memory;
mod times;

use std::path::Path;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["memory", count] => memory::run(count.parse().unwrap()),
        ["fill", folder, count] => disk::fill(Path::new(folder), count.parse().unwrap()),
        ["open", folder] => disk::open(Path::new(folder)),
        ["decide", folder, config] => decide::run(Path::new(folder), Path::new(config)),
        _ => panic!("memory COUNT, fill FOLDER COUNT, open FOLDER or decide FOLDER CONFIG"),
    }
}
