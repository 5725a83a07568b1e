//! PURE: what follows a run, frozen in its plan: the validation's items, the recovery plan, the
//! criteria of the way forward, who decides. It stands in the journal with the plan, so that all of
//! it can be read and ticked off with the cluster and the catalog out of reach. The digest does not
//! cover it: it changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::draft::{action_texts, ask_catalog, known};
use crate::runbook::after::is_placeholder;
use crate::runbook::parameters::Parameters;
use crate::runbook::template::{self, Meaning};
use crate::runbook::{
    Action, Authority, CommandForm, Contact, Criterion, Level, Parameter, Runbook, SecretSource,
    Settings, names,
};

/// The tier of an item that names none.
pub const DEFAULT_TIER: &str = "functional";
/// How long a tier is watched that only runbooks name.
const DEFAULT_TAKES: Duration = Duration::from_secs(300);

/// What follows a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct After {
    /// The tiers of the validation, in order.
    pub tiers: Vec<TierPlan>,
    /// The recovery plan.
    pub recovery: Vec<PhasePlan>,
    /// What must be so before the way forward is taken.
    pub criteria: Vec<Tick>,
    /// Who may decide, first to last.
    pub authority: Vec<Authority>,
    /// Who does what.
    pub contacts: Vec<Contact>,
    /// Where the secrets of the items come from.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Whether the run is not closed without its tiers.
    pub required: bool,
    /// When the runbook was last reviewed.
    pub reviewed: Option<String>,
}

/// A tier with its items.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TierPlan {
    /// `immediate`.
    pub name: String,
    /// For people.
    pub title: String,
    /// How long its automatic items are watched.
    pub takes: Duration,
    /// What is checked.
    pub items: Vec<ItemPlan>,
}

/// One item of a tier.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ItemPlan {
    /// Its name on the command line.
    pub id: String,
    /// What is checked.
    pub check: Criterion,
    /// Why it cannot be asked by itself, such as a parameter that was not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl ItemPlan {
    /// What a person does and should see; none for what is asked by itself.
    pub fn instruction(&self) -> Option<&str> {
        match &self.check.action {
            Action::Manual(manual) => Some(&manual.instruction),
            _ => None,
        }
    }
}

/// A phase of the recovery plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PhasePlan {
    /// What it is for.
    pub name: String,
    /// Its first day; the run's day is day 1.
    pub from_day: u32,
    /// Its last day.
    pub to_day: Option<u32>,
    /// What is to be done.
    pub items: Vec<Tick>,
}

/// Something that is ticked off.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tick {
    /// Its name on the command line.
    pub id: String,
    /// What it says.
    pub text: String,
}

impl After {
    /// What follows a run of this runbook.
    pub fn new(runbook: &Runbook, settings: &Settings, parameters: &Parameters) -> After {
        let mut after = After {
            authority: settings.decision_authority.clone(),
            contacts: settings.contacts.clone(),
            required: runbook.target.level == Level::System,
            reviewed: runbook.reviewed.clone().or_else(|| settings.reviewed.clone()),
            ..After::default()
        };
        let known = known(runbook, settings);
        let mut taken = BTreeSet::new();
        let mut item = |criterion: &Criterion, secrets: &mut BTreeMap<String, SecretSource>| {
            let mut criterion = criterion.clone();
            ask_catalog(&mut criterion.action, settings);
            resolved(&criterion, &known, parameters, secrets, unique(&criterion.name, &mut taken))
        };
        for tier in &settings.validation {
            let items = tier.items.iter().map(|it| item(it, &mut after.secrets)).collect();
            after.tiers.push(TierPlan {
                name: tier.name.clone(),
                title: tier.title.clone().unwrap_or_else(|| tier.name.clone()),
                takes: tier.takes,
                items,
            });
        }
        for criterion in &runbook.validation {
            let planned = item(criterion, &mut after.secrets);
            let name = criterion.tier.as_deref().unwrap_or(DEFAULT_TIER);
            if let Some(tier) = after.tiers.iter_mut().find(|tier| tier.name == name) {
                tier.items.push(planned);
            } else {
                after.tiers.push(TierPlan {
                    name: name.to_owned(),
                    title: name.to_owned(),
                    takes: DEFAULT_TAKES,
                    items: vec![planned],
                });
            }
        }
        after.tiers.retain(|tier| !tier.items.is_empty());
        let mut taken = BTreeSet::new();
        let mut tick = |text: &String| Tick { id: unique(text, &mut taken), text: text.to_owned() };
        after.criteria = settings.success_criteria.iter().map(&mut tick).collect();
        for phase in &settings.recovery {
            after.recovery.push(PhasePlan {
                name: phase.name.clone(),
                from_day: phase.from_day,
                to_day: phase.to_day,
                items: phase.items.iter().map(&mut tick).collect(),
            });
        }
        after
    }

    /// All items, with their tiers.
    pub fn items(&self) -> impl Iterator<Item = (&TierPlan, &ItemPlan)> + Clone {
        self.tiers.iter().flat_map(|tier| tier.items.iter().map(move |item| (tier, item)))
    }

    /// All items of the recovery plan, with their phases.
    pub fn ticks(&self) -> impl Iterator<Item = (&PhasePlan, &Tick)> + Clone {
        self.recovery.iter().flat_map(|phase| phase.items.iter().map(move |item| (phase, item)))
    }

    /// Who decides, in one phrase; empty where the catalog says nothing.
    pub fn who_decides(&self) -> String {
        let words: Vec<String> = self
            .authority
            .iter()
            .map(|it| match it.contact.as_deref().filter(|text| !is_placeholder(text)) {
                Some(contact) => format!("{} ({}, {contact})", it.role, it.rank),
                None => format!("{} ({})", it.role, it.rank),
            })
            .collect();
        words.join(", then ")
    }
}

/// A name that can be typed, which no other item has.
fn unique(name: &str, taken: &mut BTreeSet<String>) -> String {
    let slug = names::slug(name).unwrap_or_else(|| "item".to_owned());
    let mut id = slug.clone();
    let mut number = 2;
    while !taken.insert(id.clone()) {
        id = format!("{slug}-{number}");
        number += 1;
    }
    id
}

/// An item with its parameters. What cannot be resolved is no reason not to roll back: the item
/// says so, and a person answers it.
fn resolved(
    criterion: &Criterion,
    known: &BTreeMap<String, Parameter>,
    parameters: &Parameters,
    secrets: &mut BTreeMap<String, SecretSource>,
    id: String,
) -> ItemPlan {
    let mut check = criterion.clone();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut note = |text: &mut String| {
        used.extend(template::late(text).into_iter().map(str::to_owned));
    };
    note(&mut check.name);
    action_texts(&mut check.action, &mut note);
    let mut script = BTreeSet::new();
    if let Action::Command(command) = &check.action
        && let CommandForm::Shell(text) = &command.form
    {
        let plain = known.iter().filter(|(_, it)| it.secret.is_none());
        let names = template::mentioned(text, plain.map(|(name, _)| name.as_str()));
        script.extend(names.into_iter().map(str::to_owned));
    }
    used.extend(script.iter().cloned());
    let values = match parameters.resolve(known, &used) {
        Ok(values) => values,
        Err(error) => {
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            return ItemPlan { id, check, problem: Some(why) };
        }
    };
    secrets.extend(values.secrets.clone());
    let lookup = |name: &str| {
        if values.secrets.contains_key(name) {
            return Some(Meaning::Late);
        }
        values.values.get(name).map(|(value, _)| Meaning::Value(value.as_str().into()))
    };
    let mut problem = None;
    let mut settle = |text: &mut String| match template::resolve(text, lookup) {
        Ok(done) => *text = done,
        Err(why) => problem = Some(why.to_string()),
    };
    settle(&mut check.name);
    action_texts(&mut check.action, &mut settle);
    if let Action::Command(command) = &mut check.action {
        for name in script {
            if let Some((value, _)) = values.values.get(&name) {
                command.env.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
    ItemPlan { id, check, problem }
}
