//! What a change did to a text, for the audit log: short, and in the form that everybody reads
//! (`-` and `+` before lines).

use crate::limits;

/// Lines around what changed that are compared one with each other; beyond that all of it counts as
/// another text.
const COMPARED: usize = 400;

/// A change of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    /// They themselves, at most [`limits::AUDIT_DIFF_BYTES`].
    pub text: String,
}

/// What became of `old`.
pub fn difference(old: &str, new: &str) -> Difference {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let front = old.iter().zip(&new).take_while(same).count();
    let behind = old[front..].iter().rev().zip(new[front..].iter().rev());
    let back = behind.take_while(same).count();
    let old = &old[front..old.len() - back];
    let new = &new[front..new.len() - back];
    let mut difference = Difference::default();
    let mut left = 0;
    for line in lines(old, new) {
        match line {
            Line::Same => continue,
            Line::Added(_) => difference.added += 1,
            Line::Removed(_) => difference.removed += 1,
        }
        let (Line::Added(text) | Line::Removed(text)) = line else {
            continue;
        };
        let mark = if matches!(line, Line::Added(_)) {
            '+'
        } else {
            '-'
        };
        if difference.text.len() + text.len() + 2 > limits::AUDIT_DIFF_BYTES {
            left += 1;
        } else {
            difference.text.push_str(&format!("{mark}{text}\n"));
        }
    }
    if left > 0 {
        difference
            .text
            .push_str(&format!("... and {left} lines more\n"));
    }
    difference
}

#[derive(Clone, Copy)]
enum Line<'t> {
    Same,
    Removed(&'t str),
    Added(&'t str),
}

/// The lines in their order, by the longest common subsequence where both are short enough.
fn lines<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Line<'t>> {
    let mut lines = Vec::new();
    let (mut i, mut j) = (0, 0);
    if old.len() <= COMPARED && new.len() <= COMPARED {
        // How long the subsequence is of what stands from i and j on.
        let mut common = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
        for i in (0..old.len()).rev() {
            for j in (0..new.len()).rev() {
                common[i][j] = match old[i] == new[j] {
                    true => common[i + 1][j + 1] + 1,
                    false => common[i + 1][j].max(common[i][j + 1]),
                };
            }
        }
        while i < old.len() && j < new.len() {
            if old[i] == new[j] {
                lines.push(Line::Same);
                (i, j) = (i + 1, j + 1);
            } else if common[i + 1][j] >= common[i][j + 1] {
                lines.push(Line::Removed(old[i]));
                i += 1;
            } else {
                lines.push(Line::Added(new[j]));
                j += 1;
            }
        }
    }
    lines.extend(old[i..].iter().map(|line| Line::Removed(line)));
    lines.extend(new[j..].iter().map(|line| Line::Added(line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(old: &str, new: &str) -> (usize, usize, String) {
        let told = difference(old, new);
        (told.added, told.removed, told.text)
    }

    #[test]
    fn only_what_changed_is_told() {
        assert_eq!(told("a\nb\nc\n", "a\nb\nc\n"), (0, 0, String::new()));
        assert_eq!(
            told("a\nb\nc\n", "a\nx\nc\n"),
            (1, 1, "-b\n+x\n".to_owned())
        );
        assert_eq!(
            told("a\nb\nc\nd\n", "a\nc\ne\nd\n"),
            (1, 1, "-b\n+e\n".to_owned())
        );
        assert_eq!(told("", "a\n"), (1, 0, "+a\n".to_owned()));
        assert_eq!(told("a\n", ""), (0, 1, "-a\n".to_owned()));
    }

    #[test]
    fn a_large_change_is_cut_and_counted() {
        let new: String = (0..5_000).map(|n| format!("line {n}\n")).collect();
        let told = difference("", &new);
        assert_eq!((told.added, told.removed), (5_000, 0));
        assert!(told.text.len() < limits::AUDIT_DIFF_BYTES + 100);
        let last = told.text.lines().last().unwrap();
        assert!(
            last.starts_with("... and ") && last.ends_with(" lines more"),
            "{last}"
        );
    }

    proptest! {
        #[test]
        fn the_counts_are_those_of_the_texts(old in "[ab\n]{0,30}", new in "[ab\n]{0,30}") {
            let told = difference(&old, &new);
            let (before, after) = (old.lines().count(), new.lines().count());
            prop_assert_eq!(before + told.added, after + told.removed);
            prop_assert_eq!(told.text.lines().count(), told.added + told.removed);
        }
    }
}
