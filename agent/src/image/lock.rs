//! `hearth.lock`: the sha256 of every downloaded byte.
