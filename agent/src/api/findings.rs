//! What is wrong with machines at one moment.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::{Api, advise, of_fetches};
use crate::boot::site::Site;
use crate::config::Config;
use crate::event::{Stamped, UnderWay};
use crate::id::MachineId;
use crate::limits;
use crate::machine::{Phase, Record};
use crate::timeline::{self, Context};

/// A moment, of which everything that is found wrong is told.
pub(super) struct Moment {
    /// Milliseconds since 1970.
    pub now: u64,
    /// The machines that a file is on its way to.
    pub sent: HashSet<MachineId>,
}

impl Api {
    /// This moment. Events are to be read after it: what is not on its way any more is one of them.
    pub(super) fn moment(&self) -> Moment {
        let now = (self.now)();
        let under_way = (self.under_way)();
        let sent = {
            let registry = self.census.look();
            let to = |one: &UnderWay| registry.at_address(one.peer.ip().to_canonical());
            under_way.iter().filter_map(to).collect()
        };
        self.settle();
        Moment { now, sent }
    }

    pub(super) fn findings(&self, site: &Site) -> Value {
        let config = &*site.config;
        let moment = self.moment();
        let store = self.census.store();
        let of_fetches = of_fetches(&**store, site).into_iter().map(|finding| {
            let mut value = json!(finding);
            value["machine"] = Value::Null;
            value["label"] = "fetch".into();
            value
        });
        let heard = self.of_nobody().unwrap_or_default();
        let mut all: Vec<_> = of_fetches.collect();
        let mut after = Some(MachineId(0));
        while let Some(begin) = after.filter(|_| all.len() < limits::PAGE) {
            let whole = |record: &Record| Some(record.clone());
            let (records, next) = self.census.page(begin, limits::LOOK_AT_ONCE, whole);
            after = next;
            for record in records {
                let Ok(events) = self.whole_story(&record, &heard) else {
                    continue;
                };
                let context = self.context(&record, &events, config, &moment);
                let found = timeline::findings(&events, &context);
                for finding in found {
                    let mut value = serde_json::to_value(&finding).unwrap_or_default();
                    value["machine"] = record.id.0.into();
                    value["label"] = record.label().into();
                    all.push(value);
                }
                if all.len() >= limits::PAGE {
                    break;
                }
            }
        }
        json!({ "findings": all })
    }

    /// What findings rest on beside the events.
    pub(super) fn context(
        &self,
        record: &Record,
        events: &[Stamped],
        config: &Config,
        moment: &Moment,
    ) -> Context {
        let last_file = match &record.phase {
            Phase::Installing(installing) => installing.last_file.clone(),
            // One that is offered its profile at each boot, or chose it in its menu.
            _ => {
                let decided = timeline::decided(events);
                decided.and_then(|word| self.keeper.site().last_file(word, &record.facts))
            }
        };
        // What is meant for it has to be asked for only where something follows from it.
        let nic = record.facts.nic().map(|card| {
            let profile = self.profile_of(record);
            let image = advise::image(config, profile.as_ref());
            (
                advise::sentence(Some(card), &record.facts.chip, image),
                advise::lacks(Some(card), image),
            )
        });
        let (nic, nic_lacks) = nic.map_or((None, None), |(text, lacks)| (Some(text), lacks));
        Context {
            now: moment.now,
            is_sent: moment.sent.contains(&record.id),
            ours: config.server.addresses.clone(),
            hears_dhcp: config.observe.enabled,
            phase: record.phase.word(),
            phase_reason: match &record.phase {
                Phase::Failed { reason } => reason.clone(),
                _ => String::new(),
            },
            last_file,
            nic,
            nic_lacks,
        }
    }
}
