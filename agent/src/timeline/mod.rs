//! What happened to a machine, boot by boot ([`boots()`]), what of it went wrong and what to do
//! ([`finding`]), and how people read it ([`render`]); and the boots that are under way ([`live`]). Pure:
//! events and a time go in.

pub mod boots;
pub mod finding;
pub mod live;
pub mod render;
mod rules;

pub use boots::{Boot, boots};
pub use finding::{Context, Finding, findings};

#[cfg(test)]
mod tests;
