//! A confined thread, as the agent's are: what it may write, and that it starts nothing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;

use hearth::sys::confine::confine;

/// Does something in a thread that is confined to a folder; `None`: this kernel confines nothing.
fn confined<T: Send>(folder: &std::path::Path, what: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let folders = [folder.to_owned()];
        let confined = scope.spawn(move || confine(&folders).unwrap().then(what));
        confined.join().unwrap()
    })
}

#[test]
fn only_its_folders_are_written_and_nothing_is_started() {
    let place = tempfile::tempdir().unwrap();
    let (inside, outside) = (place.path().join("in"), place.path().join("out"));
    fs::create_dir_all(&inside).unwrap();
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("there"), "as it was").unwrap();
    symlink(&outside, inside.join("link")).unwrap();
    assert!(Command::new("true").status().unwrap().success(), "before");
    let refused = |result: std::io::Result<()>| {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
    };
    let done = confined(&inside, || {
        fs::write(inside.join("a"), "x").unwrap();
        fs::create_dir(inside.join("folder")).unwrap();
        fs::rename(inside.join("a"), inside.join("folder/b")).unwrap();
        fs::remove_dir_all(inside.join("folder")).unwrap();
        refused(fs::write(outside.join("new"), "x"));
        refused(fs::write(outside.join("there"), "x"));
        refused(fs::write(inside.join("link/new"), "x"));
        refused(fs::remove_file(outside.join("there")));
        refused(fs::create_dir(outside.join("folder")));
        refused(Command::new("/bin/true").status().map(drop));
        refused(
            Command::new(std::env::current_exe().unwrap())
                .status()
                .map(drop),
        );
        nix::unistd::mkfifo(&inside.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap_err();
        fs::OpenOptions::new()
            .write(true)
            .open("/dev/null")
            .unwrap();
        // It reads on, names are found, and sockets are as they were.
        assert_eq!(
            fs::read_to_string(outside.join("there")).unwrap(),
            "as it was"
        );
        let listener = TcpListener::bind("localhost:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
        // So is every thread that it starts.
        let later = outside.join("later");
        thread::spawn(move || fs::write(later, "x")).join().unwrap()
    });
    match done {
        Some(later) => refused(later),
        None => eprintln!("this kernel has no landlock"),
    }
    fs::write(outside.join("new"), "others go on").unwrap();
}
