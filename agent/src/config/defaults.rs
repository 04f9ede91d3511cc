//! What holds where nothing is written. `hearth.example.toml` shows each of these, and a test keeps
//! the two equal.

use std::time::Duration;

use super::{Events, Fetch, Http, Installed, Log, LogTarget, Observe, Tftp, Unknown};
use crate::arch::Cpu;

/// TCP port of the boot side.
pub const HTTP_PORT: u16 = 8069;
/// UDP port of TFTP (RFC 1350).
pub const TFTP_PORT: u16 = 69;
/// TCP port of the API over TLS.
pub const API_PORT: u16 = 8070;
/// Where OPNsense's own TFTP plugin keeps its files, so that either can serve the other's.
pub const ROOT: &str = "/usr/local/tftp";
/// Where FreeBSD programs keep what they remember.
pub const STATE: &str = "/var/db/hearth";
/// The control socket's folder.
pub const RUN: &str = "/var/run/hearth";
/// Unknown machines get the menu, as a network without rules has it.
pub const UNKNOWN: Unknown = Unknown::Menu;
/// A person's own files below the root are served.
pub const OWN_FILES: bool = true;

/// `[tftp]`.
pub fn tftp() -> Tftp {
    Tftp {
        single_port: false,
        block_size: None,
        window: 16,
        transfers: 1_000,
        transfers_per_address: 64,
        timeout: Duration::from_secs(1),
    }
}

/// `[http]`.
pub fn http() -> Http {
    Http {
        connections: 1_000,
        retry_after: Duration::from_secs(5),
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(30),
        stall_timeout: Duration::from_secs(60),
    }
}

/// `[observe]`: where machines boot from is known.
pub fn observe() -> Observe {
    Observe {
        enabled: true,
        interfaces: Vec::new(),
    }
}

/// `[events]`: about a hundred boots of each machine, and about 300 MB in all.
pub fn events() -> Events {
    Events {
        keep: Duration::from_secs(90 * 24 * 3_600),
        per_machine: 2_000,
        in_all: 1_000_000,
    }
}

/// `[fetch]`.
pub fn fetch() -> Fetch {
    Fetch {
        proxy: None,
        tries: 5,
        size_limit: 8 << 30,
        keep_free: 512 << 20,
        timeout: Duration::from_secs(60),
    }
}

/// `[log]`.
pub fn log() -> Log {
    Log {
        level: log::LevelFilter::Info,
        target: LogTarget::Stderr,
    }
}

/// `menu.title`.
pub const MENU_TITLE: &str = "Network boot";
/// `menu.timeout`: time enough to reach for the keyboard.
pub const MENU_TIMEOUT: Duration = Duration::from_secs(10);
/// `menu.default`, where it is one of the items; else the first item is.
pub const MENU_DEFAULT: &str = "local";
/// What the menu has behind every profile.
pub const MENU_ITEMS: [&str; 5] = ["netboot.xyz", "memtest", "local", "shell", "reboot"];

/// `webhook.events`: what a person wants to be told.
pub const WEBHOOK_EVENTS: [&str; 3] = ["phase", "impostor", "shared"];

/// `loaders.origin`.
pub const LOADER_ORIGIN: &str = "https://boot.ipxe.org";
/// `loaders.architectures`: what homelabs and racks have today.
pub const LOADER_ARCHITECTURES: [Cpu; 2] = [Cpu::Amd64, Cpu::Arm64];

/// `image.architectures`, where the recipe has no reason for others.
pub const IMAGE_ARCHITECTURES: [Cpu; 1] = [Cpu::Amd64];
/// `image.architectures` of netboot.xyz, which chooses by itself and costs nothing to keep.
pub const NETBOOT_XYZ_ARCHITECTURES: [Cpu; 3] = [Cpu::I386, Cpu::Amd64, Cpu::Arm64];
/// `image.factory`.
pub const TALOS_FACTORY: &str = "https://factory.talos.dev";
/// `image.mirror`.
pub const DEBIAN_MIRROR: &str = "https://deb.debian.org/debian";
/// `image.url` of netboot.xyz; its own loaders come by plain HTTP, and stock iPXE for BIOS knows no HTTPS.
pub const NETBOOT_XYZ_URL: &str = "http://boot.netboot.xyz";
/// `image.url` of memtest.
pub const MEMTEST_URL: &str = "https://memtest.org/download/v8.00/mt86plus_8.00.binaries.zip";
/// `profile.tries`.
pub const TRIES: u32 = 3;
/// `profile.timeout`: installers fetch gigabytes over slow lines.
pub const INSTALL_TIMEOUT: Duration = Duration::from_secs(2 * 3600);
/// A policy is what a person said already.
pub const POLICY_APPROVAL: bool = false;
/// `default.ipxe` is readable to everybody, so no token is in it.
pub const OMNI_FALLBACK: bool = false;
/// `profile.installed`: nothing is remembered that nobody asked for.
pub const INSTALLED: Installed = Installed::Never;
