//! The DHCP fields that bring a machine to Hearth, as text for DHCP servers elsewhere.
