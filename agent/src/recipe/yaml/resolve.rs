//! What a YAML reader takes plain text for: yaml.v3 `resolve.go`.

/// Whether a reader would take the plain text for something else than a string.
pub(super) fn reads_as_other(value: &str) -> bool {
    const WORDS: [&str; 40] = [
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "y",
        "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
        "OFF", "<<", ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
        "-.inf", "-.Inf", "-.INF",
    ];
    WORDS.contains(&value) || number(value) || base_60(value) || timestamp(value)
}

fn number(value: &str) -> bool {
    if !value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return false;
    }
    let joined = value.replace('_', "");
    let unsigned = joined.strip_prefix(['+', '-']).unwrap_or(&joined);
    let radix = |prefix: [&str; 2], radix: u32| {
        prefix.iter().any(|prefix| {
            unsigned
                .strip_prefix(prefix)
                .is_some_and(|rest| u64::from_str_radix(rest, radix).is_ok())
        })
    };
    if radix(["0x", "0X"], 16) || radix(["0o", "0O"], 8) || radix(["0b", "0B"], 2) {
        return true;
    }
    decimal(unsigned)
}

/// `[0-9]+`, or `(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn decimal(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match value.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (value, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`, a number of YAML 1.1.
fn base_60(value: &str) -> bool {
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<_> = parts.collect();
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && !rest.is_empty()
        && rest.iter().all(|part| match part.as_bytes() {
            [low] => low.is_ascii_digit(),
            [high, low] => (b'0'..=b'5').contains(high) && low.is_ascii_digit(),
            _ => false,
        })
}

/// `2006-1-2`, alone or with a time behind it.
fn timestamp(value: &str) -> bool {
    let mut parts = value.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let within = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    let day: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let behind = &rest[day.len()..];
    year.len() == 4
        && within(year, 4)
        && within(month, 2)
        && within(&day, 2)
        && (behind.is_empty() || (behind.starts_with(['T', 't', ' ']) && behind.contains(':')))
}
