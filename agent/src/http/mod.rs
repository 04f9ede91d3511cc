//! The boot side over HTTP.
