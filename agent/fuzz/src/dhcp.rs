//! A frame of anybody: what is read of it is bounded and harmless.
#![no_main]

use hearth::dhcp::packet;
use hearth::event::{Event, line};
use hearth::limits;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|frame: &[u8]| {
    let Some(heard) = packet::read(frame) else {
        return;
    };
    let dhcp = heard.dhcp;
    assert!(dhcp.architectures.len() <= limits::DHCP_ARCHITECTURES);
    assert!(dhcp.vendor_class.len() <= limits::FACT_BYTES);
    for name in [&dhcp.next_server, &dhcp.file].into_iter().flatten() {
        assert!(!name.is_empty() && name.len() <= limits::NAME_BYTES);
    }
    let line = line::line(&Event::Dhcp(dhcp));
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
});
