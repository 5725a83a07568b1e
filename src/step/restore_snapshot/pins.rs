//! PURE: what a forecast pins of a snapshot: what changes, and what is as in it already.

use serde_json::{Map, Value};

use crate::runbook::Workload;
use crate::step::Forecast;
use crate::step::claims::{self, Claim};

/// The pinned fact of what a ConfigMap's keys change from and to.
pub(super) fn keys_of(name: &str) -> String {
    format!("configmap/{name} keys")
}

pub(super) fn before_of(workload: &str) -> String {
    format!("{workload} template")
}

pub(super) fn wanted_of(workload: &str) -> String {
    format!("{workload} wanted template")
}

/// The pinned fact of what a ConfigMap holds already, by key.
pub(super) fn same_of(name: &str) -> String {
    format!("configmap/{name} same")
}

/// The pinned fact of a template that is the wanted one already.
pub(super) fn kept_of(workload: &str) -> String {
    format!("{workload} kept template")
}

/// The pinned fact that something of the snapshot could not be read, so that it is not restored.
pub(super) const UNREAD: &str = " unread";

/// The ConfigMaps that change, with their keys.
pub(super) fn pinned_configmaps(
    forecast: &Forecast,
) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    pinned_maps(forecast, " keys")
}

pub(super) fn pinned_maps<'f>(
    forecast: &'f Forecast,
    end: &'f str,
) -> impl Iterator<Item = (&'f str, &'f Map<String, Value>)> {
    forecast.pinned.iter().filter_map(move |(key, value)| {
        let name = key.strip_prefix("configmap/")?.strip_suffix(end)?;
        Some((name, value.as_object()?))
    })
}

/// The workloads that have the wanted template already.
pub(super) fn kept_workloads(forecast: &Forecast) -> impl Iterator<Item = (Workload, &Value)> {
    forecast.pinned.iter().filter_map(|(key, value)| {
        let name = key.strip_suffix(" kept template")?;
        Some((Workload::try_from(name.to_owned()).ok()?, value))
    })
}

/// What it changes: the keys and the templates that are not as in the snapshot.
pub(crate) fn claims(forecast: &Forecast) -> Vec<Claim> {
    let keys = pinned_configmaps(forecast)
        .flat_map(|(name, keys)| keys.keys().map(move |key| claims::key_of(name, key)));
    let templates =
        pinned_workloads(forecast).map(|(workload, _, _)| Claim::Template(workload.to_string()));
    keys.chain(templates).collect()
}

/// The workloads that change, with the digest that the plan saw and the template they get.
pub(super) fn pinned_workloads(
    forecast: &Forecast,
) -> impl Iterator<Item = (Workload, &str, &Value)> {
    forecast.pinned.iter().filter_map(|(key, value)| {
        let name = key.strip_suffix(" wanted template")?;
        let before = forecast.pinned.get(&before_of(name)).and_then(Value::as_str)?;
        Some((Workload::try_from(name.to_owned()).ok()?, before, value))
    })
}
