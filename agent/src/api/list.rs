//! The list of machines: chosen, sorted, by pages.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::problem::Problem;
use super::{Api, machines, view};
use crate::id::MachineId;
use crate::machine::Record;

/// By what machines are sorted: a word, and the text whose order it is.
type Key = (&'static str, fn(&Record) -> String);

const KEYS: [Key; 6] = [
    ("id", |record| number(record.id.0)),
    ("label", |record| record.label().to_lowercase()),
    ("phase", |record| record.phase.word().to_string()),
    ("address", |record| {
        record.address.map(in_order).unwrap_or_default()
    }),
    ("first_seen", |record| number(record.first_seen)),
    ("last_seen", |record| number(record.last_seen)),
];

/// As many digits as the largest has, so that texts are in the order of numbers.
fn number(number: u64) -> String {
    format!("{number:020}")
}

fn in_order(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("4{:08x}", v4.to_bits()),
        IpAddr::V6(v6) => format!("6{:032x}", v6.to_bits()),
    }
}

/// Where a page begins: behind the machine of this key and number. In a URL it is the number, a dot
/// and the key, so that a machine that is gone meanwhile is no hole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place(String, MachineId);

impl Place {
    fn parse(text: &str) -> Option<Place> {
        let (number, key) = text.split_once('.')?;
        Some(Place(key.to_owned(), MachineId(number.parse().ok()?)))
    }

    fn text(&self) -> String {
        format!("{}.{}", self.1, self.0)
    }
}

impl Api {
    /// `phase`, `profile`, `tag` and `q` (anywhere in what it is called and says of itself) choose,
    /// `sort` puts in order, `after` and `limit` turn pages.
    pub(super) fn machines(&self, query: &str) -> Result<Value, Problem> {
        let pairs = view::pairs(query);
        let chosen = machines::Chosen::of(&pairs)?;
        let sort = pairs.get("sort").map_or("id", String::as_str);
        let word = sort.trim_start_matches('-');
        let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == word) else {
            let words = KEYS.map(|(word, _)| word).join(", ");
            let why = format!("machines are sorted by {words}, and not by {word:?}");
            return Err(Problem::wrong(&why));
        };
        let backward = sort.starts_with('-');
        let after = match pairs.get("after").map(String::as_str) {
            None | Some("") => None,
            Some(text) => Some(Place::parse(text).ok_or_else(|| {
                Problem::wrong(&format!(
                    "after must be the `next` of a page, and is {text:?}"
                ))
            })?),
        };
        let limit = view::limit(&pairs)?;
        let is_behind = |place: &Place| match &after {
            None => true,
            Some(after) if backward => place < after,
            Some(after) => place > after,
        };
        if sort == "id" {
            let after = after.map_or(MachineId(0), |Place(_, id)| id);
            let chosen = |record: &Record| chosen.has(record).then(|| record.clone());
            let (found, next) = self.census.page(after, limit, chosen);
            let next = next.map(|id| Place(number(id.0), id).text());
            return Ok(page(&found, next));
        }
        let place = |record: &Record| {
            let place = chosen.has(record).then(|| Place(key(record), record.id));
            place.filter(is_behind)
        };
        let (mut places, _) = self.census.page(MachineId(0), usize::MAX, place);
        let order = |one: &Place, other: &Place| match backward {
            true => other.cmp(one),
            false => one.cmp(other),
        };
        let is_last = places.len() <= limit;
        if !is_last {
            places.select_nth_unstable_by(limit, order);
            places.truncate(limit);
        }
        places.sort_unstable_by(order);
        let next = places.last().filter(|_| !is_last).map(Place::text);
        let found: Vec<Record> = {
            let registry = self.census.look();
            let found = places.iter().filter_map(|place| registry.get(place.1));
            found.cloned().collect()
        };
        Ok(page(&found, next))
    }
}

/// Written out when nobody waits for it any more.
fn page(found: &[Record], next: Option<String>) -> Value {
    let shown: Vec<_> = found.iter().map(view::machine).collect();
    json!({ "machines": shown, "next": next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_their_own_order() {
        let order = |text: &str| in_order(text.parse().unwrap());
        let sorted = ["9.1.1.1", "10.0.0.2", "10.0.0.10", "fd00::1", "fd00::10"];
        assert!(sorted.map(order).is_sorted());
    }

    #[test]
    fn a_place_is_read_back_as_it_was_written() {
        let place = Place("a.b".to_owned(), MachineId(7));
        assert_eq!(Place::parse(&place.text()), Some(place));
        for bad in ["7", "x.a", "-1.a", "."] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }
}
