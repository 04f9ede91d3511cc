//! A machine as it presents itself: what it says of itself ([`facts`]), and which declared machine
//! that is ([`identity`]).

pub mod facts;
pub mod identity;
mod query;

pub use facts::Facts;
pub use identity::{Identity, Known};
