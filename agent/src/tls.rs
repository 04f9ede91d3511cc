//! TLS, for everything that speaks it: rustls with ring, so that Hearth stays one file.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// What does the arithmetic.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// For requests to others, whose certificates the system's trust store vouches for.
pub fn client() -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(provider())
        .root_certs(RootCerts::PlatformVerifier)
        .build()
}
