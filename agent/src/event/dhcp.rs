//! What was heard of DHCP.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::mac::Mac;
use crate::uuid::Uuid;

/// A DHCP message as far as it matters to a boot (RFC 2131, RFC 2132, RFC 4578).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dhcp {
    /// Option 53.
    pub message: DhcpMessage,
    /// The client's card.
    pub mac: Mac,
    /// The transaction, the same in a request and its answers.
    pub xid: u32,
    /// Option 93, every value in order; empty: not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub architectures: Vec<u16>,
    /// Option 60 (bounded, one line).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor_class: String,
    /// Option 77 is `iPXE`, or option 175 is there.
    #[serde(default)]
    pub is_ipxe: bool,
    /// Option 97.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Uuid>,
    /// Who answers: option 54, else where the datagram came from. `None`: a client's message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<IpAddr>,
    /// `yiaddr` of an answer; of a request what it asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// `siaddr`, else option 66 (bounded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_server: Option<String>,
    /// `file`, else option 67 (bounded, escaped).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Options 66 or 67 are there beside the fields and say something else: some firmware takes those.
    #[serde(default)]
    pub has_options_66_67: bool,
}

impl Dhcp {
    /// An offer of a boot file without an address: another server gives that ("proxy DHCP", PXE 2.1).
    pub fn is_proxy_offer(&self) -> bool {
        self.message == DhcpMessage::Offer && self.address.is_none()
    }
}

/// Option 53 (RFC 2132 section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DhcpMessage {
    /// 1.
    Discover,
    /// 2.
    Offer,
    /// 3.
    Request,
    /// 4.
    Decline,
    /// 5.
    Ack,
    /// 6.
    Nak,
    /// 7.
    Release,
    /// 8.
    Inform,
}
