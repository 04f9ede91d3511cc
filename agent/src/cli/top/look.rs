//! How things look: colours, unless `NO_COLOR` is set, and characters that the terminal has.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours are wanted.
    pub colour: bool,
    /// It shows UTF-8.
    pub unicode: bool,
}

/// What a text is, which says how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// As it is.
    Plain,
    /// What is read first.
    Strong,
    /// What is read last.
    Faint,
    /// Under way.
    Busy,
    /// Went well.
    Good,
    /// Waits for a person.
    Waits,
    /// Went wrong.
    Bad,
    /// A bar across the screen.
    Bar,
    /// A warning across the screen.
    Alarm,
}

impl Look {
    /// From the environment: `NO_COLOR` (no-color.org) and the locale.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Look {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"));
        let locale = locale.unwrap_or_default().to_lowercase();
        Look {
            colour: set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb"),
            unicode: locale.contains("utf-8") || locale.contains("utf8"),
        }
    }

    /// The style of a text.
    pub fn style(self, ink: Ink) -> Style {
        let style = Style::new();
        let colour = |style: Style, colour| match self.colour {
            true => style.fg(colour),
            false => style,
        };
        match ink {
            Ink::Plain => style,
            Ink::Strong => style.add_modifier(Modifier::BOLD),
            Ink::Faint if self.colour => style.fg(Color::DarkGray),
            Ink::Faint => style.add_modifier(Modifier::DIM),
            Ink::Busy => colour(style, Color::Cyan),
            Ink::Good => colour(style, Color::Green),
            Ink::Waits => colour(style, Color::Yellow),
            Ink::Bad => colour(style, Color::Red).add_modifier(Modifier::BOLD),
            Ink::Bar => style.add_modifier(Modifier::REVERSED),
            Ink::Alarm if self.colour => style
                .fg(Color::White)
                .bg(Color::Red)
                .add_modifier(Modifier::BOLD),
            Ink::Alarm => style.add_modifier(Modifier::REVERSED | Modifier::BOLD),
        }
    }

    /// One of two characters.
    pub fn sign<'a>(self, unicode: &'a str, ascii: &'a str) -> &'a str {
        match self.unicode {
            true => unicode,
            false => ascii,
        }
    }

    /// A bar of so many columns of which a part is done.
    pub fn bar(self, done: u64, of: u64, columns: usize) -> (String, String) {
        const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let parts = match of {
            0 => 0,
            of => (u128::from(done.min(of)) * columns as u128 * 8 / u128::from(of)) as usize,
        };
        let (whole, part) = (parts / 8, PARTS[parts % 8]);
        let (full, empty) = (self.sign("█", "#"), self.sign("░", "."));
        let part = if self.unicode { part } else { "" };
        let rest = columns - whole - usize::from(!part.is_empty());
        (full.repeat(whole) + part, empty.repeat(rest))
    }

    /// The last values as a curve of so many columns, each as high as it is to the greatest.
    pub fn curve(
        self,
        values: impl DoubleEndedIterator<Item = u64> + Clone,
        columns: usize,
    ) -> String {
        const UNICODE: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
        const ASCII: [&str; 8] = ["_", "_", ".", ".", "-", "-", "^", "^"];
        let levels = if self.unicode { UNICODE } else { ASCII };
        let last = values.rev().take(columns);
        let greatest = last.clone().max().unwrap_or(0).max(1);
        let signs: Vec<&str> = last
            .map(|value| {
                let level = u128::from(value) * 7 / u128::from(greatest);
                levels[(level as usize).min(7)]
            })
            .collect();
        let curve: String = signs.iter().rev().copied().collect();
        format!("{}{curve}", " ".repeat(columns - signs.len()))
    }
}

/// Writes into a part of a screen.
pub struct Pen<'a> {
    /// What is written into.
    pub buffer: &'a mut Buffer,
    /// How.
    pub look: Look,
}

impl Pen<'_> {
    /// Writes at most so many columns, and a sign for what has no room; returns the column behind it.
    pub fn put(&mut self, (x, y): (u16, u16), text: &str, ink: Ink, columns: u16) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return x;
        }
        let text = match self.look.unicode {
            true => text,
            false => &text.replace(|c: char| !c.is_ascii(), "?"),
        };
        let style = self.look.style(ink);
        let room = usize::from(columns.min(area.right() - x));
        if width(text) <= room {
            return self.buffer.set_stringn(x, y, text, room, style).0;
        }
        let part = room.saturating_sub(1);
        let (end, _) = self.buffer.set_stringn(x, y, text, part, style);
        let more = self.look.sign("…", "~");
        self.buffer.set_stringn(end, y, more, room.min(1), style).0
    }

    /// The same, ending at a column.
    pub fn put_right(&mut self, (right, y): (u16, u16), text: &str, ink: Ink) {
        let columns = u16::try_from(width(text)).unwrap_or(u16::MAX);
        self.put((right.saturating_sub(columns), y), text, ink, columns);
    }

    /// Gives a whole line a style.
    pub fn line(&mut self, y: u16, ink: Ink) {
        let area = self.buffer.area;
        if y < area.bottom() {
            let line = ratatui::layout::Rect {
                y,
                height: 1,
                ..area
            };
            self.buffer.set_style(line, self.look.style(ink));
        }
    }
}

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    ratatui::text::Span::raw(text).width()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Look = Look {
        colour: true,
        unicode: true,
    };

    #[test]
    fn the_environment_says_what_the_terminal_shows() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.to_vec();
            let look = Look::of(|name| {
                let pair = pairs.iter().find(|(one, _)| *one == name);
                pair.map(|(_, value)| (*value).to_owned())
            });
            (look.colour, look.unicode)
        };
        assert_eq!(of(&[("LANG", "C.UTF-8")]), (true, true));
        assert_eq!(
            of(&[("LANG", "de_DE.utf8"), ("NO_COLOR", "")]),
            (true, true)
        );
        assert_eq!(of(&[("NO_COLOR", "1")]), (false, false));
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "C.UTF-8")]), (true, false));
        assert_eq!(of(&[("TERM", "dumb")]), (false, false));
    }

    #[test]
    fn without_colour_there_is_none() {
        let look = Look {
            colour: false,
            ..LOOK
        };
        for ink in [
            Ink::Faint,
            Ink::Busy,
            Ink::Good,
            Ink::Waits,
            Ink::Bad,
            Ink::Alarm,
        ] {
            let style = look.style(ink);
            assert_eq!((style.fg, style.bg), (None, None), "{ink:?}");
        }
    }

    #[test]
    fn a_bar_is_as_long_as_it_is_wide_whatever_is_done() {
        let bar = |done, of| {
            let (full, empty) = LOOK.bar(done, of, 4);
            full + &empty
        };
        assert_eq!(bar(0, 100), "░░░░");
        assert_eq!(bar(50, 100), "██░░");
        assert_eq!(bar(47, 100), "█▉░░");
        assert_eq!(bar(100, 100), "████");
        assert_eq!(bar(900, 100), "████", "more came than there is");
        assert_eq!(bar(5, 0), "░░░░");
        assert_eq!(bar(u64::MAX, u64::MAX), "████");
        let ascii = Look {
            unicode: false,
            ..LOOK
        };
        assert_eq!(ascii.bar(47, 100, 4), ("#".to_owned(), "...".to_owned()));
    }

    #[test]
    fn a_curve_shows_the_last_values_to_the_greatest_of_them() {
        let curve = |values: &[u64]| LOOK.curve(values.iter().copied(), 4);
        assert_eq!(curve(&[]), "    ");
        assert_eq!(curve(&[0]), "   ▁");
        assert_eq!(curve(&[900, 0, 5, 10, 10]), "▁▄██");
    }
}
