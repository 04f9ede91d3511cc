//! Switches machines on. Wake-on-LAN ([`wol`]) is the first way.

pub mod wol;
