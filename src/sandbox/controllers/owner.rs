//! Owns the owners outside the cluster, such as Argo CD, which put objects back as they want them.

use std::time::Duration;

use serde_json::Value;

use crate::sandbox::kinds;
use crate::sandbox::operations::{self, Form, Strictness, Write};
use crate::sandbox::patch;
use crate::sandbox::state::{Job, State};
use crate::sandbox::store::Key;

/// Somebody who wants an object to be a certain way.
#[derive(Debug)]
pub(in crate::sandbox) struct Owner {
    pub(in crate::sandbox) manager: String,
    pub(in crate::sandbox) key: Key,
    /// The merge patch that makes it so.
    pub(in crate::sandbox) wanted: Value,
    /// How long it takes the owner to notice.
    pub(in crate::sandbox) delay: Duration,
    /// It has noticed and will act.
    pub(in crate::sandbox) alert: bool,
}

/// Lets every owner look whether its object is as it wants it.
pub(super) fn sync(state: &mut State) {
    for index in 0..state.owners.len() {
        let owner = &state.owners[index];
        let Some(object) = state.store.get(&owner.key) else {
            continue;
        };
        let mut wanted = (*object).clone();
        patch::merge(&mut wanted, &owner.wanted);
        if !owner.alert && wanted != *object {
            let delay = owner.delay;
            state.owners[index].alert = true;
            state.after(delay, Job::PutBack(index));
        }
    }
}

/// Puts the object back.
pub(super) fn put_back(state: &mut State, index: usize) {
    let Some(owner) = state.owners.get_mut(index) else {
        return;
    };
    owner.alert = false;
    let (key, wanted, manager) = (owner.key.clone(), owner.wanted.clone(), owner.manager.clone());
    let Some(kind) = kinds::by_plural(key.resource) else {
        return;
    };
    let mut write = Write::new(kind, &key.namespace, &key.name, &manager, Strictness::Ignore);
    // An object that has gone in the meantime is put back by nobody.
    let _ = operations::patch(state, &mut write, Form::Merge, &wanted);
}
