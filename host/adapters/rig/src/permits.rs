//! Permissions between the hook that decides and the tool that runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use hexgate_base::guarded::locked;
use hexgate_gate::Permitted;
use rig_core::effect::EffectId;

/// A call that may run. The run that it belongs to holds it: if the run ends first, it is recorded as cancelled.
pub(crate) type Slot = Arc<Mutex<Option<Permitted>>>;

/// The permissions of one agent by the effects that they are for. A bus gives each effect a number of its own.
#[derive(Debug, Default)]
pub(crate) struct Permits(Mutex<HashMap<EffectId, Weak<Mutex<Option<Permitted>>>>>);

impl Permits {
    pub(crate) fn keep(&self, id: EffectId, slot: &Slot) {
        let mut slots = locked(&self.0);
        slots.retain(|_, slot| slot.strong_count() > 0);
        slots.insert(id, Arc::downgrade(slot));
    }

    /// The permission for an effect. It is taken: what runs from it runs once.
    pub(crate) fn take(&self, id: EffectId) -> Option<Permitted> {
        let slot = locked(&self.0).remove(&id)?.upgrade()?;
        let permitted = locked(&slot).take();
        permitted
    }
}

/// The permissions of one run, in its scratchpad.
#[derive(Debug, Clone, Default)]
pub(crate) struct OfRun(Arc<Mutex<HashMap<EffectId, Slot>>>);

impl OfRun {
    pub(crate) fn keep(&self, id: EffectId, slot: Slot) {
        locked(&self.0).insert(id, slot);
    }

    /// The permission for an effect, if no tool took it.
    pub(crate) fn unused(&self, id: EffectId) -> Option<Permitted> {
        let slot = locked(&self.0).remove(&id)?;
        let permitted = locked(&slot).take();
        permitted
    }
}
