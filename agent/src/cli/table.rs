//! Columns for people.

/// Rows under a heading, each column as wide as its widest cell; the last is not filled up.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let heading: Vec<String> = heading.iter().map(|&word| word.to_owned()).collect();
    let all = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| {
        let cells = all().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    all().map(line).collect()
}

/// Bytes as people read them: `1.4 MB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = bytes as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// Seconds as people read them: `2 d 3 h`, the two largest units.
pub fn time(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_without_blanks_at_the_end() {
        let rows = [["a", "b"], ["long", ""]];
        let rows: Vec<_> = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(table(&["X", "YY"], &rows), "X     YY\na     b\nlong\n");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_430_000), "1.4 MB");
        assert_eq!(bytes(999_990), "1.0 MB");
        assert_eq!(bytes(120_000_000_000), "120.0 GB");
        assert_eq!(time(59), "59 s");
        assert_eq!(time(3_725), "1 h 2 min");
        assert_eq!(time(180_000), "2 d 2 h");
    }
}
