//! The only user of the YAML crate's decoder. Runbooks are read with their places by
//! [`runbook::tree`](crate::runbook::tree); what is left is a single scalar of theirs, and files that
//! are not ours.

use serde::de::DeserializeOwned;

/// A value from YAML.
#[expect(clippy::disallowed_methods, reason = "the room of the YAML crate")]
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}
