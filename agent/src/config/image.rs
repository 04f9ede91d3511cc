//! What is true of an image: its recipe with the keys that belong to it.

use std::collections::BTreeMap;

use super::{Argument, Name, Url};
use crate::arch::Cpu;
use crate::digest::Sha256;

/// `[[image]]`: one operating system version.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Its name.
    pub name: Name,
    /// Where its files are and how it boots.
    pub recipe: Recipe,
    /// The processors it is kept for.
    pub architectures: Vec<Cpu>,
}

/// `image.recipe` with the keys that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    /// `talos`: kernel and initramfs of an image factory.
    Talos(Talos),
    /// `debian`: the installer's netboot kernel and initrd.
    Debian(Debian),
    /// `netboot.xyz`: chains to its menu.
    NetbootXyz {
        /// What is chained to.
        url: Url,
    },
    /// `memtest`: memtest86+ as one binary.
    Memtest {
        /// Where its zip or binary comes from, by platform-independent name.
        url: Url,
        /// What it must be.
        sha256: Option<Sha256>,
    },
    /// `custom`: any kernel with any initrds.
    Custom(Custom),
}

/// The keys of a Talos image.
#[derive(Clone, Debug, PartialEq)]
pub struct Talos {
    /// Talos version with its `v`, for example `v1.11.2`.
    pub version: String,
    /// The image factory.
    pub factory: Url,
    /// Official system extensions, for example `siderolabs/bnx2-bnx2x`.
    pub extensions: Vec<String>,
    /// Arguments that become part of the schematic.
    pub extra_kernel_arguments: Vec<Argument>,
    /// A single-board computer's overlay.
    pub overlay: Option<Overlay>,
    /// Initial META values.
    pub meta: Vec<Meta>,
}

/// `image.overlay`.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// The overlay's container image.
    pub image: String,
    /// The overlay's name.
    pub name: String,
    /// Options as the factory takes them.
    pub options: BTreeMap<String, toml::Value>,
}

/// One META value.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// The key's number.
    pub key: u8,
    /// Its value.
    pub value: String,
}

/// The keys of a Debian image.
#[derive(Clone, Debug, PartialEq)]
pub struct Debian {
    /// The suite: `bookworm`, `trixie`, ...
    pub version: String,
    /// The mirror, down to the folder that holds `dists`.
    pub mirror: Url,
}

/// The keys of a custom image.
#[derive(Clone, Debug, PartialEq)]
pub struct Custom {
    /// The kernel, or an EFI binary.
    pub kernel: Source,
    /// The initrds in order.
    pub initrds: Vec<Source>,
    /// Arguments that every profile of it gets.
    pub arguments: Vec<Argument>,
}

/// A file to be fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// From where.
    pub url: Url,
    /// What it must be; without it the first fetch pins it.
    pub sha256: Option<Sha256>,
}
