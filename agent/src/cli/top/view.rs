//! What is on the screen beside what the agent says: which machine is chosen, what is looked for, which
//! page is open. Pure: keys and answers go in, [`Ask`] comes out.

use std::collections::VecDeque;

use super::snapshot::{Machine, Snapshot};
use crate::form::printable;

/// Rates that are kept for the curve, one for each look.
const HISTORY: usize = 120;
/// Characters of what is looked for.
const FILTER: usize = 64;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// An arrow, and so on.
    Up,
    /// See there.
    Down,
    /// See there.
    PageUp,
    /// See there.
    PageDown,
    /// See there.
    Home,
    /// See there.
    End,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Erase,
    /// Control-C.
    Interrupt,
    /// Control-Z.
    Suspend,
}

/// What a key asks of whoever runs the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Nothing but to be drawn anew.
    Nothing,
    /// To end.
    Quit,
    /// To be stopped, as any program by Control-Z.
    Suspend,
    /// This machine's timeline, again and again; `None`: no more.
    Timeline(Option<u64>),
}

/// The page that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// The machines.
    #[default]
    Machines,
    /// The same, while a person types what to look for.
    Filter,
    /// A machine's timeline.
    Timeline(Timeline),
    /// The keys.
    Help,
}

/// A machine's timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// The machine's number.
    pub machine: u64,
    /// What people call it.
    pub label: String,
    /// Its lines; `None`: they were not told yet.
    pub lines: Option<Vec<String>>,
    /// Lines above the first that is shown; more than there are: the last ones are shown.
    pub scroll: usize,
}

/// The whole.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What the agent said last.
    pub snapshot: Option<Snapshot>,
    /// Why it says nothing now.
    pub trouble: Option<String>,
    /// Milliseconds since its last answer.
    pub age: u64,
    /// What is looked for.
    pub filter: String,
    /// The page that is open.
    pub page: Page,
    /// Bytes a second at the last looks, the newest last.
    pub history: VecDeque<u64>,
    /// The place of the chosen machine among those that are shown.
    pub chosen: usize,
    /// The first machine that is on the screen.
    pub first: usize,
    /// Machines or lines that have room on the screen, as it was drawn last.
    pub room: usize,
    /// It is no terminal that it is drawn for: there is nothing to choose and to press.
    pub whole: bool,
    /// The chosen machine, by which it is found again when the order changes.
    key: Option<(Option<u64>, String)>,
}

impl View {
    /// Takes an answer.
    pub fn take(&mut self, snapshot: Snapshot) {
        self.history.push_back(snapshot.rate());
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        self.snapshot = Some(snapshot);
        (self.trouble, self.age) = (None, 0);
        let key = self.key.take();
        let same = |machine: &&Machine| {
            let (id, label) = machine.key();
            key.as_ref()
                .is_some_and(|key| (key.0, key.1.as_str()) == (id, label))
        };
        if let Some(place) = self.machines().iter().position(same) {
            self.chosen = place;
        }
        self.choose(self.chosen);
    }

    /// The agent does not answer: why.
    pub fn fail(&mut self, why: &str) {
        self.trouble = Some(printable(why));
    }

    /// Takes a machine's timeline, if it is still looked at.
    pub fn tell(&mut self, machine: u64, text: &str) {
        if let Page::Timeline(timeline) = &mut self.page
            && timeline.machine == machine
        {
            timeline.lines = Some(text.lines().map(printable).collect());
        }
    }

    /// The machines that are shown, in their order.
    pub fn machines(&self) -> Vec<&Machine> {
        let all = self.snapshot.iter().flat_map(|now| &now.machines);
        let text = self.filter.to_lowercase();
        all.filter(|machine| machine.mentions(&text)).collect()
    }

    /// The chosen machine.
    pub fn machine(&self) -> Option<&Machine> {
        self.machines().get(self.chosen).copied()
    }

    fn choose(&mut self, place: usize) {
        let machines = self.machines();
        let place = place.min(machines.len().saturating_sub(1));
        let key = machines.get(place).map(|machine| {
            let (id, label) = machine.key();
            (id, label.to_owned())
        });
        (self.chosen, self.key) = (place, key);
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key) -> Ask {
        match (key, &mut self.page) {
            (Key::Interrupt, _) => Ask::Quit,
            (Key::Suspend, _) => Ask::Suspend,
            (key, Page::Filter) => self.type_in(key),
            (Key::Char('q'), Page::Machines) => Ask::Quit,
            (key, Page::Machines) => self.in_machines(key),
            (key, Page::Help) => {
                if let Key::Char('q' | '?') | Key::Escape | Key::Enter = key {
                    self.page = Page::Machines;
                }
                Ask::Nothing
            }
            (Key::Char('q') | Key::Escape | Key::Erase, Page::Timeline(_)) => {
                self.page = Page::Machines;
                Ask::Timeline(None)
            }
            (key, Page::Timeline(timeline)) => {
                let lines = timeline.lines.as_ref().map_or(0, Vec::len);
                // What is drawn may have more lines than were told, because it is broken anew.
                timeline.scroll = moved(timeline.scroll, key, self.room, lines.max(1) * 4);
                Ask::Nothing
            }
        }
    }

    fn in_machines(&mut self, key: Key) -> Ask {
        match key {
            Key::Char('?' | 'h') => self.page = Page::Help,
            Key::Char('f' | '/') => self.page = Page::Filter,
            Key::Escape => {
                self.filter.clear();
                self.choose(self.chosen);
            }
            Key::Enter => {
                let chosen = self.machine();
                let known = chosen.and_then(|machine| Some((machine.machine?, &machine.label)));
                if let Some((machine, label)) = known {
                    self.page = Page::Timeline(Timeline {
                        machine,
                        label: label.to_string(),
                        lines: None,
                        // A timeline is read from its end, where its finding stands.
                        scroll: usize::MAX,
                    });
                    return Ask::Timeline(Some(machine));
                }
            }
            key => {
                let all = self.machines().len();
                self.choose(moved(self.chosen, key, self.room, all));
            }
        }
        Ask::Nothing
    }

    fn type_in(&mut self, key: Key) -> Ask {
        match key {
            Key::Enter => self.page = Page::Machines,
            Key::Escape => {
                self.filter.clear();
                self.page = Page::Machines;
            }
            Key::Erase => {
                self.filter.pop();
            }
            Key::Char(character) if self.filter.chars().count() < FILTER => {
                self.filter.push(character);
            }
            _ => {}
        }
        self.choose(self.chosen);
        Ask::Nothing
    }
}

/// A place among `all` after a key, with a page of `room`.
fn moved(place: usize, key: Key, room: usize, all: usize) -> usize {
    let page = room.max(1);
    let place = match key {
        Key::Up | Key::Char('k') => place.saturating_sub(1),
        Key::Down | Key::Char('j') => place.saturating_add(1),
        Key::PageUp => place.saturating_sub(page),
        Key::PageDown | Key::Char(' ') => place.saturating_add(page),
        Key::Home | Key::Char('g') => 0,
        Key::End | Key::Char('G') => usize::MAX,
        _ => place,
    };
    place.min(all.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(labels: &[&str]) -> View {
        let mut view = View::default();
        view.take(snapshot(labels));
        view
    }

    fn snapshot(labels: &[&str]) -> Snapshot {
        let machines: Vec<_> = labels
            .iter()
            .map(|label| {
                let id = label
                    .strip_prefix('m')
                    .and_then(|id| id.parse::<u64>().ok());
                json!({ "label": label, "machine": id })
            })
            .collect();
        Snapshot::of(json!({ "machines": machines })).unwrap()
    }

    fn chosen(view: &View) -> &str {
        view.machine().map_or("", |machine| &machine.label)
    }

    #[test]
    fn the_chosen_machine_stays_chosen_wherever_it_goes() {
        let mut view = view(&["m1", "m2", "02:00"]);
        assert_eq!(view.press(Key::Char('j')), Ask::Nothing);
        assert_eq!(chosen(&view), "m2");
        view.take(snapshot(&["m2", "m3", "m1"]));
        assert_eq!((chosen(&view), view.chosen), ("m2", 0));
        view.press(Key::End);
        assert_eq!(chosen(&view), "m1");
        view.take(snapshot(&["m2", "m3"]));
        assert_eq!(chosen(&view), "m3", "it is gone: what is in its place");
        view.take(snapshot(&[]));
        assert_eq!(view.press(Key::Enter), Ask::Nothing);
    }

    #[test]
    fn keys_move_within_what_there_is() {
        let mut view = view(&["m1", "m2", "m3", "m4", "m5"]);
        view.room = 3;
        for (key, expected) in [
            (Key::Up, "m1"),
            (Key::PageDown, "m4"),
            (Key::Char(' '), "m5"),
            (Key::Down, "m5"),
            (Key::Char('k'), "m4"),
            (Key::PageUp, "m1"),
            (Key::Char('G'), "m5"),
            (Key::Char('g'), "m1"),
        ] {
            view.press(key);
            assert_eq!(chosen(&view), expected, "{key:?}");
        }
    }

    #[test]
    fn what_is_typed_chooses_machines_and_escape_takes_it_back() {
        let mut view = view(&["m1", "m2", "m12"]);
        view.press(Key::Char('f'));
        for key in ['m', '2', 'q'] {
            assert_eq!(view.press(Key::Char(key)), Ask::Nothing);
        }
        assert!(view.machines().is_empty());
        view.press(Key::Erase);
        assert_eq!(chosen(&view), "m2");
        view.press(Key::Enter);
        assert_eq!((&view.page, view.filter.as_str()), (&Page::Machines, "m2"));
        view.press(Key::Escape);
        assert_eq!(view.machines().len(), 3);
        assert_eq!(view.press(Key::Char('q')), Ask::Quit);
    }

    #[test]
    fn a_timeline_is_asked_for_until_it_is_left() {
        let mut view = view(&["m1", "m2", "02:00"]);
        view.press(Key::Down);
        assert_eq!(view.press(Key::Enter), Ask::Timeline(Some(2)));
        view.tell(1, "another's");
        let lines = |view: &View| match &view.page {
            Page::Timeline(timeline) => timeline.lines.clone(),
            _ => None,
        };
        assert_eq!(lines(&view), None);
        view.tell(2, "one\n\u{1b}two\n");
        assert_eq!(lines(&view).unwrap(), ["one", "\\u{1b}two"]);
        assert_eq!(view.press(Key::Char('q')), Ask::Timeline(None));
        view.press(Key::End);
        assert_eq!(
            view.press(Key::Enter),
            Ask::Nothing,
            "nobody has met this one: it has no timeline"
        );
    }

    #[test]
    fn control_c_ends_it_on_every_page() {
        for keys in [&[][..], &['f'], &['?'], &['\n']] {
            let mut view = view(&["m1"]);
            for key in keys {
                view.press(match key {
                    '\n' => Key::Enter,
                    key => Key::Char(*key),
                });
            }
            assert_eq!(view.press(Key::Interrupt), Ask::Quit);
            assert_eq!(view.press(Key::Suspend), Ask::Suspend);
        }
    }

    #[test]
    fn trouble_ends_with_the_next_answer_and_is_harmless() {
        let mut view = view(&["m1"]);
        view.fail("no\u{1b}answer");
        assert_eq!(view.trouble.as_deref(), Some("no\\u{1b}answer"));
        view.take(snapshot(&["m1"]));
        assert_eq!(view.trouble, None);
        for _ in 0..500 {
            view.take(snapshot(&[]));
        }
        assert_eq!(view.history.len(), HISTORY);
    }
}
