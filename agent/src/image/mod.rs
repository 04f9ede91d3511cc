//! What lies on the disk: the catalogue of names that can be asked for, and the lock that says
//! what each downloaded byte must be.

pub mod catalogue;
pub mod lock;
pub mod scan;
