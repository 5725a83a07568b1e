//! Workloads as the cluster has them: the object, its pods, and the templates it has had.

use serde_json::Value;

use super::rest::Ask;
use super::{Cluster, encode, items, owner_uid, selector_of};
use crate::facts::{Known, Need, Unread, WorkloadFacts};
use crate::runbook::{Workload, WorkloadKind};

impl Cluster {
    /// The workload with its pods and ReplicaSets, or why not.
    pub fn workload(&self, workload: &Workload) -> Known<WorkloadFacts> {
        let object = self
            .workload_object(workload)
            .map_err(|why| self.with_nearest(why, workload.kind.plural(), &workload.name))?;
        let selector = encode(&selector_of(&object));
        let list = |plural: &str| {
            let path = format!("{}?labelSelector={selector}", self.collection(plural));
            self.get("list", plural, &path).map(|list| items(&list))
        };
        let beside = match workload.kind {
            WorkloadKind::Deployment => Some("replicasets"),
            WorkloadKind::DaemonSet => Some("controllerrevisions"),
            WorkloadKind::StatefulSet => None,
        };
        let (pods, mut sets) = std::thread::scope(|scope| {
            let beside = beside.map(|plural| scope.spawn(move || list(plural)));
            let pods = list("pods");
            let sets = beside.map_or(Ok(Vec::new()), |reading| {
                reading.join().unwrap_or_else(|_| {
                    Err(Unread::Failed("reading what the pods were made from failed".to_owned()))
                })
            });
            (pods, sets)
        });
        let mut pods = pods?;
        let own = |made: &Value| owner_uid(made) == object["metadata"]["uid"].as_str();
        if let Ok(sets) = &mut sets {
            sets.retain(own);
        }
        if workload.kind != WorkloadKind::Deployment {
            pods.retain(own);
            // Who may not read them still gets an answer, from the pods themselves.
            let revision = sets.ok().and_then(|sets| newest(&sets));
            return Ok(WorkloadFacts { object, pods, revision, ..WorkloadFacts::default() });
        }
        let replica_sets = sets?;
        let owners: Vec<&str> =
            replica_sets.iter().filter_map(|set| set["metadata"]["uid"].as_str()).collect();
        pods.retain(|pod| owner_uid(pod).is_some_and(|uid| owners.contains(&uid)));
        Ok(WorkloadFacts { object, pods, replica_sets, revision: None })
    }

    /// The templates that a StatefulSet or DaemonSet has had, as its `ControllerRevision` objects.
    pub fn revisions(&self, workload: &Workload) -> Known<Vec<Value>> {
        let object = self.workload_object(workload)?;
        let selector = encode(&selector_of(&object));
        let plural = "controllerrevisions";
        let path = format!("{}?labelSelector={selector}", self.collection(plural));
        let mut revisions = items(&self.get("list", plural, &path)?);
        revisions.retain(|revision| owner_uid(revision) == object["metadata"]["uid"].as_str());
        Ok(revisions)
    }

    /// Whether something that pods need is there, with its keys. Of all but ConfigMaps only the
    /// metadata is asked for; it tells a Secret's keys, and nothing of what they hold.
    pub(super) fn is_there(&self, need: &Need) -> Known<()> {
        let title = need.title();
        let path = format!("{}/{}", self.collection(&need.resource), need.name);
        let gone = |why| match why {
            Unread::Missing(..) => Unread::Missing(format!("{title} is not there"), None),
            why => why,
        };
        if need.resource != "configmaps" {
            let ask = Ask { verb: "get", what: &title, namespace: &self.inner.namespace };
            let found = self.rest().metadata(ask, &path).map_err(gone)?;
            return need.keys.iter().try_for_each(|key| has_noted(&found, &title, key));
        }
        let object = self.get("get", &title, &path).map_err(gone)?;
        let has = |key: &&String| {
            !object["data"][key.as_str()].is_null() || !object["binaryData"][key.as_str()].is_null()
        };
        match need.keys.iter().find(|key| !has(key)) {
            Some(key) => Err(Unread::Missing(format!("{title} has no key {key}"), None)),
            None => Ok(()),
        }
    }

    /// The workload's object alone.
    pub(crate) fn workload_object(&self, workload: &Workload) -> Known<Value> {
        let path = format!("{}/{}", self.collection(workload.kind.plural()), workload.name);
        self.get("get", &workload.to_string(), &path)
    }
}

/// Whether an object has a key in its data, by what its metadata notes of who wrote which field: every
/// key that is there has a writer. An object whose notes were taken away does not tell.
fn has_noted(found: &Value, title: &str, key: &str) -> Known<()> {
    let notes = found["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
    let field = format!("f:{key}");
    if notes.iter().any(|note| note["fieldsV1"]["f:data"].get(&field).is_some()) {
        return Ok(());
    }
    if notes.iter().all(|note| note["fieldsV1"].is_null()) {
        return Err(Unread::Failed("its metadata notes no keys".to_owned()));
    }
    Err(Unread::Missing(format!("{title} has no key {key}"), None))
}

/// The hash of the newest revision, which is the current template's: one that comes back is the
/// newest again.
fn newest(revisions: &[Value]) -> Option<String> {
    let newest = revisions.iter().max_by_key(|revision| revision["revision"].as_u64())?;
    newest["metadata"]["labels"]["controller-revision-hash"].as_str().map(str::to_owned)
}
