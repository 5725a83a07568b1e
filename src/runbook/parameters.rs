//! Parameters: what the operator gave (`--param`, `ROLLBACK_PARAM_…`), what the catalog says, and
//! the one value that comes of it. A given flag wins over the environment, that over the default.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::model::{Parameter, SecretSource};
use super::problem::printable;
use crate::error::{Error, Result, nearest};

/// The environment's form of a parameter starts with this.
pub const PREFIX: &str = "ROLLBACK_PARAM_";
/// Names that programs read from the environment in lower case; a script would see them.
pub const RESERVED: [&str; 5] = ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"];

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `--param name=value`.
    Flag,
    /// `ROLLBACK_PARAM_NAME`.
    Environment,
    /// The catalog's default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Origin::Flag => "--param",
            Origin::Environment => "environment",
            Origin::Default => "default",
        })
    }
}

/// What the operator gave.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    flags: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

/// The values of a run, and where its secrets come from.
#[derive(Debug, Clone, Default)]
pub struct Resolved {
    /// Value and origin of every parameter that is used and is no secret.
    pub values: BTreeMap<String, (String, Origin)>,
    /// The secrets that are used.
    pub secrets: BTreeMap<String, SecretSource>,
}

impl Parameters {
    /// Those that one runbook knows, where they were given for a whole catalog.
    #[must_use]
    pub fn only(&self, known: &BTreeMap<String, Parameter>) -> Parameters {
        let mut own = self.clone();
        own.flags.retain(|name, _| known.contains_key(name));
        own
    }

    /// What `--param name=value` gave, in order.
    pub fn parse<S: AsRef<str>>(pairs: &[S]) -> Result<Parameters> {
        let mut flags = BTreeMap::new();
        for pair in pairs {
            let pair = pair.as_ref();
            let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                let message = format!("`--param {}` is not `name=value`", printable(pair));
                return Err(Error::usage(message).hint("write `--param name=value`").into());
            };
            if flags.insert(name.to_owned(), value.to_owned()).is_some() {
                let message = format!("`--param {}` is given twice", printable(name));
                return Err(Error::usage(message).hint("give it once").into());
            }
        }
        Ok(Parameters { flags, environment: BTreeMap::new() })
    }

    /// The same with `ROLLBACK_PARAM_…` of these variables. A variable that no parameter has is
    /// no error: it may be meant for another runbook.
    #[must_use]
    pub fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Parameters {
        for (name, value) in variables {
            if let Some(name) = name.strip_prefix(PREFIX) {
                self.environment.insert(name.to_lowercase(), value);
            }
        }
        self
    }

    /// The same with this process's environment.
    #[must_use]
    pub fn with_environment(self) -> Parameters {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        self.with_variables(std::env::vars_os().filter_map(text))
    }

    /// Those of these parameters that the operator gave, with the values that count; no secrets.
    pub fn given<'a>(
        &'a self,
        known: &'a BTreeMap<String, Parameter>,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        known.iter().filter(|(_, parameter)| parameter.secret.is_none()).filter_map(|(name, _)| {
            let value = self.flags.get(name).or_else(|| self.environment.get(name))?;
            Some((name.as_str(), value.as_str()))
        })
    }

    /// Whether the operator gave this parameter.
    pub fn is_given(&self, name: &str) -> bool {
        self.flags.contains_key(name) || self.environment.contains_key(name)
    }

    /// One parameter's value, with its origin.
    fn find(&self, name: &str, parameter: &Parameter) -> Option<(String, Origin)> {
        let given = |map: &BTreeMap<String, String>, origin| {
            map.get(name).map(|value| (value.clone(), origin))
        };
        given(&self.flags, Origin::Flag)
            .or_else(|| given(&self.environment, Origin::Environment))
            .or_else(|| parameter.default.clone().map(|value| (value, Origin::Default)))
    }

    /// The values of the parameters that are used; everything that is wrong at once.
    pub fn resolve(
        &self,
        known: &BTreeMap<String, Parameter>,
        used: &BTreeSet<String>,
    ) -> Result<Resolved> {
        let mut wrong: Vec<String> = Vec::new();
        let mut hints: Vec<String> = Vec::new();
        for name in self.flags.keys().filter(|name| !known.contains_key(*name)) {
            wrong.push(format!("unknown parameter `{}`", printable(name)));
            let near = nearest(name, known.keys().map(String::as_str));
            hints.push(if let Some(near) = near {
                format!("did you mean `{near}`?")
            } else {
                let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
                format!("the parameters are: {}", names.join(", "))
            });
        }
        let mut resolved = Resolved::default();
        for (name, parameter) in known {
            let is_given = self.flags.contains_key(name) || self.environment.contains_key(name);
            if let Some(source) = &parameter.secret {
                if is_given {
                    wrong.push(format!("`{name}` is a secret and is never given as a value"));
                    hints.push(format!("it comes from {}", describe(source)));
                }
                if used.contains(name) {
                    resolved.secrets.insert(name.clone(), source.clone());
                }
                continue;
            }
            if !is_given && !used.contains(name) {
                continue;
            }
            let Some((value, origin)) = self.find(name, parameter) else {
                let what = parameter.description.as_deref().map(|text| format!(" ({text})"));
                wrong.push(format!("parameter `{name}` is required{}", what.unwrap_or_default()));
                hints.push(format!("give it: `--param {name}=VALUE`"));
                continue;
            };
            match fits(parameter, &value) {
                Err(why) => wrong.push(format!("parameter `{name}`: {why}")),
                Ok(()) if used.contains(name) => {
                    resolved.values.insert(name.clone(), (value, origin));
                }
                Ok(()) => {}
            }
        }
        if wrong.is_empty() {
            return Ok(resolved);
        }
        let error = Error::usage(wrong.join("\n"));
        Err(hints.into_iter().fold(error, Error::hint).into())
    }
}

/// Where a secret comes from, in words.
pub fn describe(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(name) => format!("the environment variable `{name}`"),
        SecretSource::File(path) => format!("the file `{}`", path.display()),
        SecretSource::Command(argv) => format!("the command `{}`", argv.join(" ")),
    }
}

/// Whether a parameter may have this value; the error says why not and what it may be.
pub fn fits(parameter: &Parameter, value: &str) -> std::result::Result<(), String> {
    let shown = printable(value).replace('\n', "\\n");
    if !parameter.choices.is_empty() && !parameter.choices.iter().any(|choice| choice == value) {
        let choices: Vec<String> =
            parameter.choices.iter().map(|choice| format!("`{choice}`")).collect();
        let near = nearest(value, parameter.choices.iter().map(String::as_str))
            .map(|near| format!("; did you mean `{near}`?"));
        return Err(format!(
            "`{shown}` is not one of {}{}",
            choices.join(", "),
            near.unwrap_or_default()
        ));
    }
    if value.contains("${") {
        return Err(format!("`{shown}` holds `${{`: a value cannot refer to other values"));
    }
    if value.contains('\0') {
        return Err("the value holds a NUL character: remove it".to_owned());
    }
    let shape = parameter.shape.as_deref().unwrap_or("line");
    if shape == "text" {
        return Ok(());
    }
    if value.starts_with('-') {
        return Err(format!("`{shown}` starts with `-` and would be read as an option"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("`{shown}` holds a control character or a line end: give one line"));
    }
    let name = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    match shape {
        "name" if value.is_empty() || !value.chars().all(name) => {
            Err(format!("`{shown}` is not a name: use letters, digits, `.`, `_`, `/`, `-`"))
        }
        "url" if !is_url(value) => {
            Err(format!("`{shown}` is not an address: write `https://host/path`"))
        }
        "commit"
            if !(4..=64).contains(&value.len())
                || !value.chars().all(|c| c.is_ascii_hexdigit()) =>
        {
            Err(format!("`{shown}` is not a commit: give 4 to 64 hexadecimal digits"))
        }
        _ => Ok(()),
    }
}

/// `http://` or `https://`, a host, and no spaces.
fn is_url(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && !value.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> BTreeMap<String, Parameter> {
        let shape = |shape: &str, default: Option<&str>| Parameter {
            shape: Some(shape.to_owned()),
            default: default.map(str::to_owned),
            ..Parameter::default()
        };
        BTreeMap::from([
            ("commit".to_owned(), shape("commit", None)),
            ("base_url".to_owned(), shape("url", Some("https://staging"))),
            (
                "token".to_owned(),
                Parameter {
                    secret: Some(SecretSource::Env("TOKEN".to_owned())),
                    ..Parameter::default()
                },
            ),
        ])
    }

    fn used(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn fails(pairs: &[&str], names: &[&str]) -> Error {
        let error = Parameters::parse(pairs)
            .and_then(|parameters| parameters.resolve(&known(), &used(names)))
            .unwrap_err();
        error.downcast::<Error>().unwrap()
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_default() {
        let variables = || [("ROLLBACK_PARAM_BASE_URL".to_owned(), "https://env".to_owned())];
        let names = used(&["base_url"]);
        let value = |parameters: Parameters| {
            parameters.resolve(&known(), &names).unwrap().values["base_url"].clone()
        };
        let given = Parameters::parse(&["base_url=https://flag"]).unwrap();
        assert_eq!(
            value(given.with_variables(variables())),
            ("https://flag".to_owned(), Origin::Flag)
        );
        let environment = Parameters::default().with_variables(variables());
        assert_eq!(value(environment), ("https://env".to_owned(), Origin::Environment));
        assert_eq!(value(Parameters::default()).1, Origin::Default);
    }

    #[test]
    fn a_required_parameter_is_asked_for_only_when_it_is_used() {
        assert!(Parameters::default().resolve(&known(), &used(&["base_url"])).is_ok());
        let error = fails(&[], &["commit"]);
        assert_eq!(error.message, "parameter `commit` is required");
        assert_eq!(error.hints, ["give it: `--param commit=VALUE`"]);
        assert_eq!(error.exit, crate::error::Exit::Usage);
    }

    #[test]
    fn wrong_parameters_are_refused_all_at_once() {
        let error = fails(&["comit=abcd", "base_url=ftp://x", "token=s"], &["base_url"]);
        assert_eq!(error.message.lines().count(), 3, "{}", error.message);
        assert!(error.hints.contains(&"did you mean `commit`?".to_owned()));
    }

    #[test]
    fn hostile_values_are_refused() {
        for value in ["--force", "a\nb", "a\u{1b}[2J", "${run.id}", "xyz"] {
            fails(&[&format!("commit={value}")], &["commit"]);
        }
    }
}
