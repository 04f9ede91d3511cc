//! Fetches what configuration and recipes want, and keeps only what is true.
