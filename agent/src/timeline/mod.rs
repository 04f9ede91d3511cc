//! What happened to a machine, boot by boot ([`boots()`]), what of it went wrong and what to do
//! ([`finding`]), and how people read it ([`render`]); what is wrong with fetches ([`fetch_findings()`]). Pure: events and a time go in.

pub mod boots;
mod fetches;
pub mod finding;
pub mod render;
mod rules;

pub use boots::{Boot, boots};
pub use fetches::{failing, fetch_findings};
pub use finding::{Context, Finding, findings};

#[cfg(test)]
mod tests;
