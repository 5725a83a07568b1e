//! PURE: whether the run may take the lock of its environment, keep it and free it, as the access
//! reviews say. `docs/locks.md` tells what the run does where it may not.

use crate::facts::{Access, Facts, Read};
use crate::lock;
use crate::step::Obstacle;

const GROUP: &str = "coordination.k8s.io";
const RESOURCE: &str = "leases";

/// What it is asked for. A creation is not asked for by name: no rule can name what is not there yet.
fn access(verb: &str, namespace: &str) -> Access {
    let name = if verb == "create" { String::new() } else { lock::name(namespace) };
    Access { verb: verb.to_owned(), group: GROUP.to_owned(), resource: RESOURCE.to_owned(), name }
}

/// What the survey asks of the lock.
pub(super) fn reads(namespace: &str) -> impl Iterator<Item = Read> {
    let verbs = ["get", "create", "update", "delete"];
    verbs.into_iter().map(move |verb| Read::Access(access(verb, namespace)))
}

/// What of the lock will not go well; certain where a run that nobody sits at ends before it begins.
/// `without` is `--without-lock`.
pub(super) fn judge(namespace: &str, facts: &Facts, without: bool) -> Vec<Obstacle> {
    let denied = |verb: &str| facts.access.get(&access(verb, namespace)) == Some(&Ok(false));
    let who = match &facts.identity {
        Some(Ok(identity)) if !identity.user.is_empty() => format!(" as {}", identity.user),
        _ => String::new(),
    };
    let no = |verb: &str| format!("no permission to {verb} {RESOURCE}.{GROUP}{who}");
    let needs =
        format!("needs: get, create, update and delete on {RESOURCE}.{GROUP} in {namespace}");
    let warning = |why: String| Obstacle { why, hint: Some(needs.clone()), certain: false };
    if denied("create") {
        let why = no("create");
        return vec![if without {
            Obstacle {
                why: format!("{why}: it runs without its lock (--without-lock)"),
                hint: None,
                certain: false,
            }
        } else {
            Obstacle {
                why: format!("{why}: the lock cannot be taken"),
                hint: Some(format!(
                    "{needs}; or if nobody else is rolling it back, go on without: --without-lock"
                )),
                certain: true,
            }
        }];
    }
    let mut found = Vec::new();
    if denied("update") {
        let lasts = crate::runbook::duration::format(lock::DURATION);
        let why = no("update");
        found.push(warning(if without {
            format!("{why}: the lock cannot be renewed, and is not waited for (--without-lock)")
        } else {
            format!(
                "{why}: the lock cannot be renewed, and {lasts} after it was taken no further step \
                 starts; to go on then: --without-lock"
            )
        }));
    }
    if denied("get") {
        let why = no("get");
        found.push(warning(format!("{why}: if somebody holds the lock, nobody can say who")));
    }
    if denied("delete") && (denied("update") || denied("get")) {
        let why = no("delete");
        found.push(warning(format!(
            "{why}: the lock stays behind at the end, for `rollback unlock` to free"
        )));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(verbs: &[&str], flag: bool) -> Vec<Obstacle> {
        let mut facts = Facts::default();
        for verb in ["get", "create", "update", "delete"] {
            facts.access.insert(access(verb, "shop"), Ok(!verbs.contains(&verb)));
        }
        judge("shop", &facts, flag)
    }

    #[test]
    fn only_a_lock_that_cannot_be_taken_ends_the_run_before_it_begins() {
        let found = without(&["create"], false);
        assert!(matches!(&found[..], [one] if one.certain), "{found:?}");
        assert!(found[0].hint.as_ref().is_some_and(|hint| hint.contains("--without-lock")));
        assert!(!without(&["create"], true)[0].certain);
        let renew = without(&["update"], false);
        assert!(
            matches!(&renew[..], [one] if !one.certain && one.why.contains("15s")),
            "{renew:?}"
        );
        assert_eq!(without(&["delete"], false), [], "it is emptied instead");
        assert_eq!(without(&["delete", "update"], false).len(), 2);
        assert_eq!(without(&[], false), []);
        assert_eq!(
            judge("shop", &Facts::default(), false),
            [],
            "what was not answered says nothing"
        );
    }
}
