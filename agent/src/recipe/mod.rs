//! What Hearth knows of each operating system: which files it needs and from where, and how a
//! machine is told to start it. Pure: nothing here opens a file or a socket.

use crate::arch::{Cpu, Platform};
use crate::config::Image;
use crate::image::lock::Lock;

/// How an image is started on one kind of machine, in catalogue names.
#[derive(Clone, Debug, PartialEq)]
pub enum Bootable {
    /// A kernel (or EFI binary) with initrds and arguments.
    Kernel {
        /// Catalogue name.
        kernel: String,
        /// Catalogue names in order. `initrd=` names are made by the script, from the last path part.
        initrds: Vec<String>,
        /// The image's own arguments, in order (for Talos the factory's).
        arguments: Vec<String>,
    },
    /// Another boot program or menu at a URL.
    Chain {
        /// The URL.
        url: String,
    },
}

/// Why an image cannot be started on a machine.
#[derive(Clone, Debug, PartialEq)]
pub enum NotBootable {
    /// It is not kept for this processor.
    Architecture {
        /// What the machine is.
        wanted: Cpu,
        /// What the image is kept for.
        have: Vec<Cpu>,
    },
    /// These files were not fetched yet (remedy: `hearth fetch NAME`).
    Missing(Vec<String>),
    /// The publisher's kernel arguments hold a word that cannot go into a script.
    Arguments {
        /// The word, escaped.
        word: String,
        /// Why not.
        reason: String,
    },
}

/// How an image is started on a machine.
///
/// `have` tells whether a catalogue name can be asked for; `cpu` is what the processor can run, not
/// what iPXE was built for (a BIOS iPXE says i386 on 64-bit machines).
pub fn bootable(
    _image: &Image,
    _lock: &Lock,
    _have: &dyn Fn(&str) -> bool,
    _cpu: Cpu,
    _platform: Platform,
) -> Result<Bootable, NotBootable> {
    todo!()
}
