//! `rollback flags`: every flag of the catalog, as it is in the live system.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::whole::{self, Asked, Drafted};
use super::{Format, json as pretty};
use crate::draft::Draft;
use crate::error::{Exit, Result};
use crate::facts::Read;
use crate::flags;
use crate::plan;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::terminal::flags_view::flags_text;
use crate::terminal::style::Style;

/// The flags, and whether all could be read: blocked where not.
pub fn flags(
    catalog: &Catalog,
    parameters: &Parameters,
    limit: Duration,
    format: Format,
    style: &Style,
) -> Result<(String, Exit)> {
    let all = whole::drafts(catalog, parameters);
    let mut environments: BTreeMap<(Option<String>, String), Vec<&Draft>> = BTreeMap::new();
    for draft in all.iter().filter_map(|drafted| drafted.draft.as_ref().ok()) {
        let place = (draft.context.clone(), draft.namespace.clone());
        if !flags::reads(&[draft]).is_empty() {
            environments.entry(place).or_default().push(draft);
        }
    }
    let (mut texts, mut values) = (Vec::new(), Vec::new());
    let mut exit = Exit::Success;
    for ((context, namespace), drafts) in environments {
        let reads = flags::reads(&drafts);
        let cluster = reads.iter().any(|read| !matches!(read, Read::Program(_)));
        let asked = Asked { reads, endpoints: Vec::new(), drafts: Vec::new(), cluster };
        let setting = plan::setting(drafts[0]);
        let facts = whole::look(&setting, asked, limit)?;
        let table = flags::table(&drafts, &facts);
        let mut problems = flags::problems(&facts);
        problems.extend(all.iter().filter_map(unresolved));
        if table.iter().any(|flag| !flag.problem.is_empty()) {
            exit = Exit::Blocked;
        }
        values.push(json!({
            "context": context,
            "namespace": namespace,
            "flags": table,
            "problems": problems,
        }));
        texts.push(flags_text(context.as_deref(), &namespace, &table, &problems, style));
    }
    let text = match format {
        Format::Json => pretty(&json!({"v": 1, "environments": Value::Array(values)}))?,
        Format::Text if texts.is_empty() => "no runbook of the catalog sets a flag\n".to_owned(),
        Format::Text => texts.join("\n"),
    };
    Ok((text, exit))
}

fn unresolved(drafted: &Drafted) -> Option<String> {
    let (why, _) = drafted.draft.as_ref().err()?;
    let why = why.lines().next().unwrap_or_default();
    Some(format!("{} {} was not looked at: {why}", drafted.target, drafted.method))
}
