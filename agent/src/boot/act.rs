//! What a person or program does with a machine, from the API or the command line.

use crate::boot::gate::Keeper;
use crate::event::Event;
use crate::id::MachineId;
use crate::machine::registry::Registry;
use crate::machine::{Action, Record, Refusal};
use crate::stamp::now_ms;
use crate::store::Pending;

impl Keeper {
    /// Tells of something that was done about a machine elsewhere.
    pub fn tell(&self, machine: MachineId, event: Event) {
        self.sink.event_of(machine, event);
    }

    /// Does what a person or program asked for: changes the record, tells it, and waits until the
    /// disk has it. `who` is a token's name or a user of this host.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed but for [`Refusal::NotKept`].
    pub fn act(&self, id: MachineId, action: &Action, who: &str) -> Result<Record, Refusal> {
        let none = || Refusal::NoMachine(format!("there is no machine {id}: see the list of them"));
        let site = self.site();
        let (record, events, pending) = if *action == Action::Forget {
            let (record, pending) = self.census.forget(id).ok_or_else(none)?;
            (record, Vec::new(), Some(pending))
        } else {
            let change = |registry: &Registry, record: &mut Record| {
                is_free(registry, id, action)?;
                let events = action.apply(record, &site.config, now_ms())?;
                Ok((record.clone(), events))
            };
            let (changed, pending) = self.census.transact(id, change).ok_or_else(none)?;
            let (record, events) = changed?;
            (record, events, pending)
        };
        let told = Event::Action {
            who: who.to_owned(),
            what: action.what(),
        };
        for event in std::iter::once(told).chain(events) {
            self.sink.event_of(id, event);
        }
        match pending.map_or(Ok(()), Pending::wait) {
            Ok(()) => Ok(record),
            Err(error) => Err(Refusal::NotKept(format!(
                "{} of {} is in force, but not on the disk: {error}",
                action.what(),
                record.label()
            ))),
        }
    }
}

/// A name that is given has no other machine.
fn is_free(registry: &Registry, id: MachineId, action: &Action) -> Result<(), Refusal> {
    let Action::Name { name: Some(name) } = action else {
        return Ok(());
    };
    match registry.named(name.as_str()) {
        Some(other) if other != id => Err(Refusal::Conflict(format!(
            "machine {other} has the name {name}: choose another"
        ))),
        _ => Ok(()),
    }
}
