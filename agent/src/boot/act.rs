//! What a person or program does with a machine, from the API or the command line.

use crate::boot::gate::Keeper;
use crate::clock::now_ms;
use crate::event::Event;
use crate::id::MachineId;
use crate::machine::registry::Registry;
use crate::machine::{Action, Record, Refusal};
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
        let done = self.act_all(id, who, |_| true, |_| vec![action.clone()]);
        done.map(|(record, _)| record)
    }

    /// Does several things at once, or none of them. `choose` sees the record as it is, and nobody
    /// comes in between; what it chose comes back too. `has_seen` says whether that record is the one
    /// that whoever acts knows.
    ///
    /// # Errors
    /// As [`Keeper::act`], and [`Refusal::Changed`]; as RFC 9110 section 13.2.1 wants it, that only
    /// where nothing else is wrong.
    pub fn act_all(
        &self,
        id: MachineId,
        who: &str,
        has_seen: impl FnOnce(&Record) -> bool,
        choose: impl FnOnce(&Record) -> Vec<Action>,
    ) -> Result<(Record, Vec<Action>), Refusal> {
        let none = || Refusal::NoMachine(format!("there is no machine {id}: see the list of them"));
        let site = self.site();
        let change = |registry: &Registry, record: &mut Record| {
            let actions = choose(record);
            let (mut after, mut events) = (record.clone(), Vec::new());
            for action in &actions {
                is_free(registry, id, action)?;
                events.extend(action.apply(&mut after, &site.config, now_ms())?);
            }
            if !has_seen(record) {
                return Err(Refusal::Changed);
            }
            record.clone_from(&after);
            Ok((after, actions, events))
        };
        let (changed, pending) = self.census.transact(id, change).ok_or_else(none)?;
        let (record, actions, events) = changed?;
        let pending = match actions.contains(&Action::Forget) {
            true => self.census.forget(id).map(|(_, pending)| pending),
            false => pending,
        };
        let told = actions.iter().map(|action| Event::Action {
            who: who.to_owned(),
            what: action.what(),
        });
        for event in told.chain(events) {
            self.sink.event_of(id, event);
        }
        match pending.map_or(Ok(()), Pending::wait) {
            Ok(()) => Ok((record, actions)),
            Err(error) => {
                let what: Vec<_> = actions.iter().map(Action::what).collect();
                Err(Refusal::NotKept(format!(
                    "{} of {} is in force, but not on the disk: {error}",
                    what.join(", "),
                    record.label()
                )))
            }
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
