//! TFTP, read-only.
