//! Hearth, the boot server of a network.
//!
//! This page walks the way of a boot, in the order in which things happen, and names the module
//! where each happens. Read them in this order; `docs/boot.md` tells the same with the reasons of
//! the wire.
//!
//! 1. **DHCP.** Hearth serves none. [`dhcp`] writes the fields that send a machine here, by its
//!    architecture ([`arch`]): a loader, and `default.ipxe` once it is iPXE. [`observe`] hears what
//!    servers and machines tell each other.
//! 2. **The loader** goes by [`tftp`] ([`tftp::packet`], [`tftp::transfer`]), or by [`http`] for
//!    UEFI HTTP boot. Both ask one gate, [`boot::gate`], what a name means for this client; the
//!    names are those of [`image::catalogue`], and a name that is not in it does not exist. A
//!    machine may be declared to get another loader than it asks for ([`boot::loader`]).
//! 3. **`default.ipxe`** comes the same way. [`boot::fallback`] wrote it: it sends iPXE on to
//!    `/script` with all it knows of the machine, and has a menu of its own for when HTTP is dead.
//! 4. **`/script`.** The gate reads the [`machine::facts`], finds the machine among all that were met
//!    ([`machine::registry`]) and declared ([`machine::identity`]), has [`boot::decide`] choose with the
//!    reason (a person's wish, the declared profile, a [`boot::policy`], what unknown ones get) and
//!    by the machine's [`machine::phase`], [`boot::command_line`] put together what is started and
//!    with which arguments, and [`boot::script`] write it. What that makes of the phase is in [`store`]
//!    before the answer leaves.
//! 5. **Kernel and initrd** go by [`http`] again. What they are is known to [`recipe`]; [`fetch`]
//!    brought them before, and [`image::lock`] pins every byte.
//!    An installation fetches its answer files by its token: [`answer`] fills them in for the machine,
//!    [`template`] says what a template may do.
//! 6. **Events** ([`event`]) of all this become log lines, the status ([`daemon`]) and the machine's
//!    [`timeline`], from which findings say what went wrong. An installation reports by its token
//!    ([`boot::token`]).
//! 7. **Next boot**: the local disk, by the method that fits the machine ([`boot::decide`] again).
//!
//! People and programs look at all this, and act, by [`api`], or are told by [`notify`]; [`power`]
//! switches machines on.
//!
//! [`boot::site`] is all of it at one moment: [`config`], lock and catalogue. [`daemon`] opens the
//! sockets, keeps the site and swaps it on reload; [`cli`] is what a person types. [`limits`] has
//! every bound, [`sys`] the only `unsafe`; [`mac`], [`uuid`], [`pci`], [`nic`], [`digest`], [`credential`], [`stamp`], [`clock`]
//! and [`log`]
//! are words that all share.
//!
//! # Layers
//!
//! Imports go downward only, and `tests/imports.rs` holds them to it:
//!
//! ```text
//! main > cli > daemon
//!      > tftp  http  fetch  observe  api  notify  power   edges: sockets, files, clocks; never each other
//!      > timeline                                   what happened, and why it failed
//!      > boot  answer  machine  image  recipe  event  dhcp   decisions
//!      > config  store
//!      > arch  clock  credential  digest  form  id  limits  log  mac  nic  pci  percent  stamp  sync  sys  template  tls  uuid
//! ```

pub mod answer;
pub mod api;
pub mod arch;
pub mod boot;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credential;
pub mod daemon;
pub mod dhcp;
pub mod digest;
pub mod event;
pub mod fetch;
mod form;
pub mod http;
pub mod id;
pub mod image;
pub mod limits;
pub mod log;
pub mod mac;
pub mod machine;
pub mod nic;
pub mod notify;
pub mod observe;
pub mod pci;
pub mod percent;
pub mod power;
pub mod recipe;
pub mod stamp;
pub mod store;
pub mod sync;
pub mod sys;
pub mod template;
pub mod tftp;
pub mod timeline;
pub mod tls;
pub mod uuid;
