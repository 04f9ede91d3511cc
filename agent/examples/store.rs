//! How long it takes to open a database with many machines:
//! `cargo run --release --example store -- 100000`.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use hearth::machine::{Census, Facts};
use hearth::store::Sqlite;

fn main() {
    let machines: u32 = std::env::args()
        .nth(1)
        .map_or(100_000, |count| count.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (store, contents) = Sqlite::open(folder.path()).unwrap();
    let (census, _) = Census::new(&contents, store);
    let began = Instant::now();
    for number in 0..machines {
        let [_, a, b, c] = number.to_be_bytes();
        let facts = Facts::parse(&format!(
            "uuid={number:08x}-0042-3510-8052-b4c04f4d3132&mac=5c-f3-00-{a:02x}-{b:02x}-{c:02x}\
             &mac1=5c-f3-01-{a:02x}-{b:02x}-{c:02x}&platform=efi&buildarch=x86_64&busid=01:14:e4:16:39\
             &ip=10.0.0.1&chip=SNP&version=1.21.1&serial=KQ{number:06}&manufacturer=IBM&product=x3550"
        ));
        census.meet(&facts, None, None, 1_700_000_000_000);
    }
    drop(census);
    println!(
        "{machines} machines met and written in {:?}",
        began.elapsed()
    );
    for _ in 0..5 {
        let began = Instant::now();
        let (store, contents) = Sqlite::open(folder.path()).unwrap();
        let opened = began.elapsed();
        let (census, _) = Census::new(&contents, store);
        println!("open {opened:?}, census {:?}", began.elapsed() - opened);
        assert_eq!(contents.machines.len() as u32, machines);
        drop(census);
    }
}
