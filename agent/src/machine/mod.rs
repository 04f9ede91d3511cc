//! A machine as it presents itself: who it is, and what it says of itself.
