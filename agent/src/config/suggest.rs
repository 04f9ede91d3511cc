//! "Did you mean": the known word nearest to one that is not known.

/// The nearest of `known`, if it is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody's typing error is this long, and the distance takes time with the square of it.
    if word.len() > 80 {
        return None;
    }
    let word = word.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|one| {
            let plain = one.to_lowercase().replace('-', "_");
            (distance(&word, &plain), one)
        })
        .filter(|(distance, one)| *distance <= one.len().max(word.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, one)| one)
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut last_but_one: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous = None;
    for (row, letter) in from.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in to.iter().enumerate() {
            let mut cost = (last[column] + usize::from(letter != *other))
                .min(last[column + 1] + 1)
                .min(line[column] + 1);
            let swapped = column > 0 && previous == Some(*other) && to[column - 1] == letter;
            if swapped && letter != *other {
                cost = cost.min(last_but_one[column - 1] + 1);
            }
            line.push(cost);
        }
        last_but_one = std::mem::replace(&mut last, line);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        let known = ["addresses", "http_port", "tftp_port", "root", "run"];
        for (slip, meant) in [
            ("adresses", "addresses"),
            ("adress", "addresses"),
            ("http-port", "http_port"),
            ("HTTP_Port", "http_port"),
            ("tftp_prot", "tftp_port"),
            ("rot", "root"),
        ] {
            assert_eq!(nearest(slip, known), Some(meant), "{slip}");
        }
    }

    #[test]
    fn another_word_finds_nothing() {
        for other in ["", "netmask", "x", &"a".repeat(100)] {
            assert_eq!(nearest(other, ["addresses", "http_port", "root"]), None);
        }
    }

    #[test]
    fn swapped_neighbours_are_one_step() {
        assert_eq!(distance("prot", "port"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
