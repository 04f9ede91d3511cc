//! What a person or program does with a machine, from the API or the command line.

use crate::boot::gate::{Keeper, now};
use crate::event::Event;
use crate::id::MachineId;
use crate::machine::{Action, Record, Refusal};

impl Keeper {
    /// Does what a person or program asked for: changes the record, tells it, and waits until the
    /// disk has it. `who` is a token's name or a user of this host.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed but for [`Refusal::NotKept`].
    pub fn act(&self, id: MachineId, action: &Action, who: &str) -> Result<Record, Refusal> {
        let none = || Refusal::NoMachine(format!("there is no machine {id}: see the list of them"));
        let site = self.site();
        let (record, events, pending) = {
            if let Action::Name { name: Some(name) } = action
                && let Some(other) = self.census.named(name.as_str())
                && other.id != id
            {
                return Err(Refusal::Conflict(format!(
                    "machine {} has the name {name}: choose another",
                    other.id
                )));
            }
            if *action == Action::Forget {
                let (record, pending) = self.census.forget(id).ok_or_else(none)?;
                (record, Vec::new(), pending)
            } else {
                let change = |record: &mut Record| {
                    let events = action.apply(record, &site.config, now())?;
                    Ok((record.clone(), events))
                };
                let (changed, pending) = self.census.change(id, change).ok_or_else(none)?;
                let (record, events) = changed?;
                (record, events, pending)
            }
        };
        let told = Event::Action {
            who: who.to_owned(),
            what: action.what(),
        };
        for event in std::iter::once(told).chain(events) {
            self.sink.event_of(id, event);
        }
        match pending.wait() {
            Ok(()) => Ok(record),
            Err(error) => Err(Refusal::NotKept(format!(
                "{} of {} is in force, but not on the disk: {error}",
                action.what(),
                record.label()
            ))),
        }
    }
}
