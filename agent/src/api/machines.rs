//! Machines: the list, one of them, what is done with it, and what happened to it.

use serde_json::{Value, json};

use super::problem::Problem;
use super::{Api, Asked, view};
use crate::config::{Config, Name, Recipe};
use crate::event::{Event, Word};
use crate::id::MachineId;
use crate::limits;
use crate::machine::{Action, Phase, Record};
use crate::timeline::{Context, findings, render};

impl Api {
    /// `phase`, `profile`, `tag` and `q` (anywhere in what it is called and says of itself) choose,
    /// `after` and `limit` turn pages.
    pub(super) fn machines(&self, query: &str, _: &Config) -> Result<Value, Problem> {
        let pairs = view::pairs(query);
        let phase = match pairs.get("phase") {
            None => None,
            Some(text) => Some(phase(text)?),
        };
        let filter = view::filter(query)?;
        let after = MachineId(filter.after.unwrap_or(0));
        let text = pairs.get("q").map(|text| text.to_lowercase());
        let wanted = |record: &Record| {
            let tag = |tag: &String| record.wishes.tags.iter().any(|one| one.as_str() == tag);
            let profile =
                |wanted: &String| profile_of(record).is_some_and(|name| name.as_str() == wanted);
            phase.is_none_or(|phase| record.phase.word() == phase)
                && pairs.get("tag").is_none_or(tag)
                && pairs.get("profile").is_none_or(profile)
                && text.as_ref().is_none_or(|text| mentions(record, text))
        };
        let shown = |record: &Record| wanted(record).then(|| record.clone());
        let (found, next) = self.census.page(after, filter.limit, shown);
        let machines: Vec<_> = found.iter().map(view::machine).collect();
        Ok(view::page(&machines, next))
    }

    pub(super) fn machine(&self, name: &str, config: &Config) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let events = self.story(&record)?;
        let mut value = view::machine(&record);
        value["findings"] = json!(findings(&events, &self.context(&record, config)));
        Ok(value)
    }

    fn named(&self, name: &str) -> Result<Record, Problem> {
        self.census
            .named(name)
            .ok_or_else(|| Problem::no_machine(name))
    }

    pub(super) fn act(&self, name: &str, asked: &Asked, _: &Config) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let action: Action = serde_json::from_slice(asked.body)
            .map_err(|error| Problem::wrong(&format!("the body is no action: {error}")))?;
        let after = self.keeper.act(record.id, &action, asked.who)?;
        let mut what = serde_json::to_value(&action).unwrap_or_default();
        what["machine"] = record.id.0.into();
        what["label"] = record.label().into();
        self.audited(asked.who, what)?;
        Ok(view::machine(&after))
    }

    pub(super) fn wake(&self, name: &str, asked: &Asked) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let done = (self.wake)(&record.macs);
        let event = Event::Power {
            driver: "wake-on-lan".to_owned(),
            what: done.clone().unwrap_or_else(|_| "wake".to_owned()),
            error: done.as_ref().err().cloned(),
        };
        self.keeper.tell(record.id, event);
        let what = json!({ "action": "wake", "machine": record.id, "label": record.label() });
        self.audited(asked.who, what)?;
        match done {
            Ok(what) => Ok(json!({ "label": record.label(), "what": what })),
            Err(why) => Err(Problem::conflict(&why)),
        }
    }

    pub(super) fn events_of(&self, name: &str, query: &str) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let mut filter = view::filter(query)?;
        filter.machine = Some(record.id);
        self.events(filter)
    }

    pub(super) fn timeline(&self, name: &str, config: &Config) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let events = self.story(&record)?;
        let found = findings(&events, &self.context(&record, config));
        let mut value = render::programs(&events, &found);
        value["label"] = record.label().into();
        value["text"] = render::people(&record.label(), &events, &found, 1).into();
        value["all"] = render::people(&record.label(), &events, &found, usize::MAX).into();
        Ok(value)
    }

    /// What findings rest on beside events.
    pub(super) fn context(&self, record: &Record, config: &Config) -> Context {
        let installing = match &record.phase {
            Phase::Installing(installing) => installing.last_file.clone(),
            _ => None,
        };
        Context {
            now: (self.now)(),
            ours: config.server.addresses.clone(),
            hears_dhcp: (self.hears_dhcp)(),
            phase: record.phase.word(),
            phase_reason: match &record.phase {
                Phase::Failed { reason } => reason.clone(),
                _ => String::new(),
            },
            last_file: installing,
            nic: card(record, config),
        }
    }
}

/// The profile that a machine is on its way to, or has.
fn profile_of(record: &Record) -> Option<&Name> {
    match &record.phase {
        Phase::Installing(installing) => Some(&installing.profile),
        Phase::Installed { profile } => Some(profile),
        _ => record.wishes.profile.as_ref(),
    }
}

fn phase(text: &str) -> Result<Word, Problem> {
    let found = Word::ALL.into_iter().find(|word| word.as_str() == text);
    found.ok_or_else(|| {
        let words: Vec<_> = Word::ALL.iter().map(|word| word.as_str()).collect();
        Problem::wrong(&format!(
            "there is no phase {text:?}; there are {}",
            words.join(", ")
        ))
    })
}

/// Whether a text in small letters stands in what a machine is called or says of itself.
fn mentions(record: &Record, text: &str) -> bool {
    let facts = &record.facts;
    let texts = [&facts.manufacturer, &facts.product, &facts.serial];
    let mut names = record.name().into_iter();
    let is_number = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '-');
    // Written out only for who looks for one.
    let numbers = || {
        let macs = record.macs.iter().map(ToString::to_string);
        let uuid = record.uuid.iter().map(ToString::to_string);
        macs.chain(uuid)
            .chain(record.address.map(|address| address.to_string()))
    };
    texts.into_iter().any(|one| has(one, text))
        || names.any(|name| has(name.as_str(), text))
        || text.chars().all(is_number) && numbers().any(|number| number.contains(text))
        || record.macs.is_empty() && has(&record.label(), text)
}

/// Whether a text stands in another, whose capitals do not count.
fn has(text: &str, part: &str) -> bool {
    match text.is_ascii() {
        true => {
            let mut places = text.as_bytes().windows(part.len().max(1));
            part.is_empty() || places.any(|place| place.eq_ignore_ascii_case(part.as_bytes()))
        }
        false => text.to_lowercase().contains(part),
    }
}

/// What is known of a machine's network card, for a system that found no address.
fn card(record: &Record, config: &Config) -> Option<String> {
    let nic = record.facts.nic()?;
    let talos = profile_of(record)
        .and_then(|profile| config.profiles.get(profile))
        .and_then(|profile| config.images.get(&profile.image))
        .is_some_and(|image| matches!(image.recipe, Recipe::Talos(_)));
    let bytes = limits::FACT_BYTES;
    let chip: String = record.facts.chip.chars().take(bytes).collect();
    talos.then(|| {
        format!(
            "its network card is {nic} {chip}: see whether Talos needs a system extension for it \
             (`hearth talos extensions` lists them), and put it into the image's extensions"
        )
    })
}
