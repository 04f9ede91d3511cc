//! `hearth serve`: opens everything, then serves until a signal.
