//! What Hearth knows of each operating system: which files it needs and from where, and how a
//! machine is told to start it.

use crate::arch::Cpu;

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
}
