//! A machine: what it says of itself ([`facts`]), which declared one it is ([`identity`]), what is
//! known of it ([`record`]), where it is on its way ([`phase`]) and what people do with it
//! ([`action`]). [`registry`] finds it among all others, [`census`] keeps it on the disk. [`trust`]
//! says whether a request comes from the card that it claims.

pub mod action;
pub mod census;
pub mod facts;
pub mod identity;
pub mod phase;
mod query;
pub mod record;
pub mod registry;
mod serial;
pub mod trust;

pub use action::{Action, Refusal};
pub use census::{Census, Restored};
pub use facts::Facts;
pub use identity::{Identity, Known};
pub use phase::Phase;
pub use record::Record;
