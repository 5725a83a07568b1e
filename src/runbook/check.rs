//! The rules of values: what a scalar of each type may be. Every rule says what is wrong and what
//! to write.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bound::Bound;
use super::duration;
use super::model::{Parameter, Workload};
use super::parameters;
use super::problem::{Problem, Source, printable};
use super::schema::{Holds, Type};
use super::template;
use super::tree::Node;
use crate::error::nearest;

/// What `${name}` may mean in a value of this type; none where it is never looked at.
pub fn holds(ty: &Type) -> Option<Holds> {
    match ty {
        Type::Text(Holds::Nothing) => None,
        Type::Text(holds) => Some(*holds),
        Type::Word | Type::Path | Type::Url | Type::Workload | Type::Flag => Some(Holds::Names),
        _ => None,
    }
}

/// A list, a map or nothing where a scalar is due.
pub fn not_a_scalar(source: Source<'_>, node: &Node<'_>, ty: &Type, what: &str) -> Problem {
    let example = match ty {
        Type::Duration => "30s",
        Type::Date => "2026-11-23",
        Type::Bound => "\"> 10%\"",
        Type::Bool => "true",
        Type::Number(..) => "3",
        Type::Decimal => "0.05",
        Type::Workload => "deployment/NAME",
        Type::Choice(words) => words[0],
        Type::Url => "https://HOST/PATH",
        Type::Flag => "\"false\"",
        _ => "TEXT",
    };
    let message = match node.describe() {
        "nothing" => format!("`{what}` has no value"),
        other => format!("`{what}` is a single value, not {other}"),
    };
    source.problem(node.span, message).help(format!("write `{what}: {example}`"))
}

/// What is wrong with a scalar of this type.
pub fn scalar(
    source: Source<'_>,
    node: &Node<'_>,
    text: &str,
    quoted: bool,
    ty: &Type,
    what: &str,
) -> Vec<Problem> {
    let wrong = |message: String| source.problem(node.span, message);
    let shown = printable(text);
    let problem = match ty {
        Type::Bool if quoted || !matches!(text, "true" | "false") => {
            wrong(format!("`{what}` is `true` or `false`, not `{shown}`"))
                .help(format!("write `{what}: true` or `{what}: false`, without quotes"))
        }
        Type::Number(from, to)
            if quoted || !text.parse().is_ok_and(|number: u32| (*from..=*to).contains(&number)) =>
        {
            wrong(format!("`{what}` is a whole number from {from} to {to}, not `{shown}`"))
                .help(format!("write `{what}: {from}`, without quotes"))
        }
        Type::Date if super::after::day_number(text).is_none() => {
            wrong(format!("`{shown}` is not a day")).help(format!("write `{what}: 2026-11-23`"))
        }
        Type::Decimal if quoted || !text.parse().is_ok_and(|number: f64| number.is_finite()) => {
            wrong(format!("`{what}` is a number, not `{shown}`"))
                .help(format!("write `{what}: 0.05`, without quotes"))
        }
        Type::Duration => match duration::parse(text) {
            Err(error) => wrong(error.clone()).help(if error.contains("did you mean") {
                "the units are `d`, `h`, `m`, `s` and `ms`"
            } else {
                "durations are written `500ms`, `30s`, `5m`, `1m30s`, `2h`"
            }),
            Ok(zero) if zero.is_zero() && what != "backoff" => {
                wrong(format!("`{what}` must be longer than `{shown}`"))
                    .help(format!("write `{what}: 30s`"))
            }
            Ok(_) => return Vec::new(),
        },
        Type::Bound => match Bound::parse(text) {
            Err(error) => {
                wrong(error).help("bounds are written `> 10%`, `< 2s`, `> 300ms`, `== 0`")
            }
            Ok(_) => return Vec::new(),
        },
        Type::Choice(words) if !words.contains(&text) => {
            wrong(format!("`{shown}` is not a value of `{what}`"))
                .nearest(text, words.iter().copied())
                .help(format!("its values are: {}", words.join(", ")))
        }
        Type::Name if !is_name(text) => wrong(format!("`{shown}` is not a name"))
            .help("names have 1 to 63 of `a` to `z`, `0` to `9` and `-`"),
        Type::Workload => match workload(text) {
            Some((error, help)) => wrong(error).help(help),
            None => return Vec::new(),
        },
        Type::Flag if !quoted && looks_typed(text) => {
            wrong(format!("the flag `{what}` is `{shown}` without quotes, and flags are texts"))
                .help(format!("write `{what}: \"{shown}\"`"))
        }
        Type::Word | Type::Path => match word(text, matches!(ty, Type::Path)) {
            Some(why) => wrong(format!("`{shown}` {why}")).help(format!("correct `{what}`")),
            None => return Vec::new(),
        },
        Type::Url if !is_url(text) => wrong(format!("`{shown}` is not an address"))
            .help("write `https://HOST/PATH`, or start with a parameter: `${base_url}/PATH`"),
        Type::Text(_) | Type::Script if text.contains('\0') => {
            wrong(format!("`{what}` holds a NUL character")).help("remove it")
        }
        _ => return Vec::new(),
    };
    vec![problem]
}

/// `[a-z0-9-]{1,63}`.
pub fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
}

/// The name of an object of the cluster; what is late in it is not looked at.
pub fn is_object_name(text: &str) -> bool {
    let text = plain(text);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    text.len() <= 253
        && text.chars().all(fits)
        && !text.split('.').any(|part| part.starts_with('-') || part.is_empty() && text.len() > 1)
}

/// What YAML readers take for something other than text.
fn looks_typed(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "false") || text.parse::<f64>().is_ok()
}

/// What is wrong with a workload, and what to write.
fn workload(text: &str) -> Option<(String, String)> {
    match Workload::try_from(text.to_owned()) {
        Err(error) => {
            let kind = text.split('/').next().unwrap_or_default();
            let near = nearest(kind, ["deployment", "statefulset", "daemonset"]);
            let help = near.map_or_else(
                || "write `deployment/NAME`".to_owned(),
                |near| match text.split_once('/') {
                    Some((_, name)) => format!("did you mean `{near}/{name}`?"),
                    None => format!("write `{near}/NAME`"),
                },
            );
            Some((error, help))
        }
        Ok(workload) => {
            let literal = plain(&workload.name);
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            (workload.name.is_empty() || !literal.chars().all(good) || literal.starts_with('-'))
                .then(|| {
                    let message = format!("`{}` is not the name of a workload", workload.name);
                    (message, "names have `a` to `z`, `0` to `9`, `-` and `.`".to_owned())
                })
        }
    }
}

/// A text without its `${name}`.
fn plain(text: &str) -> String {
    template::settle(text, |_| Some(String::new()))
}

fn word(text: &str, path: bool) -> Option<&'static str> {
    let literal = plain(text);
    if text.is_empty() {
        Some("is empty")
    } else if literal.starts_with('-') && text.starts_with('-') {
        Some("starts with `-` and would be read as an option")
    } else if literal.chars().any(char::is_control) {
        Some("holds a control character")
    } else if path && (literal.starts_with('/') || text.split('/').any(|part| part == "..")) {
        Some("leads elsewhere: paths are relative and have no `..`")
    } else if !path && literal.contains(char::is_whitespace) {
        Some("holds a space")
    } else {
        None
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    (text.starts_with("${") || rest.is_some_and(|rest| !rest.is_empty()))
        && !plain(text).contains(|c: char| c.is_whitespace() || c.is_control())
}

/// What a criterion is called where it has no name.
pub fn criterion_name(node: &Node<'_>) -> String {
    let short = |text: &str| {
        let line = text.trim().lines().next().unwrap_or_default();
        let cut: String = line.chars().take(60).collect();
        if cut.len() < text.trim().len() { format!("{cut}…") } else { cut }
    };
    let url = node.get("http").and_then(|http| http.get("url")).and_then(Node::text);
    if let Some(query) = node.get("metric").and_then(|metric| metric.get("query")) {
        return short(query.text().unwrap_or_default());
    }
    let argv: Vec<&str> = node
        .get("command")
        .map(|command| command.items().iter().filter_map(Node::text).collect())
        .unwrap_or_default();
    let text = ["manual", "shell"].iter().find_map(|key| node.get(key).and_then(Node::text));
    url.map(str::to_owned).or_else(|| text.map(short)).unwrap_or_else(|| short(&argv.join(" ")))
}

/// A number that must hold for longer than it is asked at all: it could never pass.
pub fn hold(source: Source<'_>, node: &Node<'_>, key: &str, default: Duration) -> Option<Problem> {
    let length = |node: &Node<'_>| duration::parse(node.text()?).ok();
    let node_of_hold = node.get("metric")?.get("for")?;
    let hold = length(node_of_hold)?;
    let limit = match node.get(key) {
        Some(given) => length(given)?,
        None => default,
    };
    if hold < limit {
        return None;
    }
    let (hold, limit) = (duration::format(hold), duration::format(limit));
    let message =
        format!("it must hold for {hold} and is asked for {limit} (`{key}`): never passes");
    let help = format!("raise `{key}` above {hold}, or shorten `for`");
    Some(source.problem(node_of_hold.span, message).help(help))
}

/// A whole number that no reader of JSON keeps whole; none where it is none.
pub fn too_large(source: Source<'_>, node: &Node<'_>, text: &str) -> Option<Problem> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
    if !whole || text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return None;
    }
    let message = format!("`{}` has more than 64 bits and cannot be compared", printable(text));
    let help = "write it in quotes where it is a text; or look for it with `contains`";
    Some(source.problem(node.span, message).help(help))
}

/// What is wrong with a parameter beyond its keys.
pub fn parameter(
    source: Source<'_>,
    node: &Node<'_>,
    texts: &BTreeMap<String, Vec<String>>,
) -> Vec<Problem> {
    let one = |key: &str| texts.get(key).and_then(|texts| texts.first().cloned());
    let parameter = Parameter {
        choices: texts.get("choices").cloned().unwrap_or_default(),
        shape: one("shape"),
        ..Parameter::default()
    };
    let (Some(default), Some(value)) = (node.get("default"), one("default")) else {
        return Vec::new();
    };
    if node.get("secret").is_some() {
        let problem = source.problem(default.span, "a secret has no default");
        return vec![problem.help("remove `default`; the value comes from `secret`")];
    }
    match parameters::fits(&parameter, &value) {
        Ok(()) => Vec::new(),
        Err(why) => vec![source.problem(default.span, why).help("correct `default`")],
    }
}
