//! How values of events look in JSON.

/// A duration as seconds with a fraction.
pub mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(time.as_secs_f64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}

/// A peer as its address: the port of a client means nothing once it is gone.
pub mod host {
    use std::net::{IpAddr, SocketAddr};

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(peer: &SocketAddr, serializer: S) -> Result<S::Ok, S::Error> {
        peer.ip().to_canonical().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
        IpAddr::deserialize(deserializer).map(|ip| SocketAddr::new(ip, 0))
    }
}
