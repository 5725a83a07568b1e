//! `${name}` in texts: strict, with `$${` for a literal `${`. Some names are late: they stay in
//! the text until the step runs (`run.id`, `run.stamp`, `steps.ID.OUTPUT`, secrets).

use std::borrow::Cow;
use std::fmt;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// This text.
    Value(Cow<'a, str>),
    /// Something that is known only when the step runs; the name stays.
    Late,
}

/// Why a text could not be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undefined {
    /// Nothing has this name.
    Name(String),
    /// `${` is not followed by a name and `}`.
    Malformed(String),
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undefined::Name(name) => write!(f, "`${{{name}}}` is not defined"),
            Undefined::Malformed(text) => {
                write!(f, "`{text}` is not `${{name}}`; write `$${{` for a literal `${{`")
            }
        }
    }
}

impl std::error::Error for Undefined {}

/// A part of a text.
enum Piece<'t> {
    Text(&'t str),
    Name(&'t str),
    Escape,
    Malformed(&'t str),
}

/// The parts of a text, in order.
struct Pieces<'t>(&'t str);

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let text = self.0;
        if text.is_empty() {
            return None;
        }
        if let Some(rest) = text.strip_prefix("$${") {
            self.0 = rest;
            return Some(Piece::Escape);
        }
        if let Some(rest) = text.strip_prefix("${") {
            let name = rest.find('}').map(|end| &rest[..end]).filter(|name| is_name(name));
            let Some(name) = name else {
                let end = text.char_indices().nth(20).map_or(text.len(), |(byte, _)| byte);
                self.0 = rest;
                return Some(Piece::Malformed(text[..end].lines().next().unwrap_or("${")));
            };
            self.0 = &rest[name.len() + 1..];
            return Some(Piece::Name(name));
        }
        let open = text.find("${").unwrap_or(text.len());
        let end = if open > 0 && text[..open].ends_with('$') && open < text.len() {
            open - 1
        } else {
            open
        };
        let end = if end == 0 { 1 } else { end };
        self.0 = &text[end..];
        Some(Piece::Text(&text[..end]))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// Whether a name is late whatever the parameters are.
pub fn is_late(name: &str) -> bool {
    name == "run.id" || name == "run.stamp" || name.starts_with("steps.")
}

/// The text with every name replaced that is not late.
pub fn resolve<'a>(
    text: &str,
    lookup: impl Fn(&str) -> Option<Meaning<'a>>,
) -> Result<String, Undefined> {
    let mut out = String::with_capacity(text.len());
    for piece in Pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Escape => out.push_str("${"),
            Piece::Malformed(text) => return Err(Undefined::Malformed(text.to_owned())),
            Piece::Name(name) => match lookup(name) {
                Some(Meaning::Value(value)) => out.push_str(&value),
                Some(Meaning::Late) => push_name(&mut out, name),
                None if is_late(name) => push_name(&mut out, name),
                None => return Err(Undefined::Name(name.to_owned())),
            },
        }
    }
    Ok(out)
}

fn push_name(out: &mut String, name: &str) {
    out.push_str("${");
    out.push_str(name);
    out.push('}');
}

/// The names that a text still holds.
pub fn late(text: &str) -> Vec<&str> {
    Pieces(text)
        .filter_map(|piece| match piece {
            Piece::Name(name) => Some(name),
            _ => None,
        })
        .collect()
}

/// The names of a text, or what in it is not a name.
pub fn references(text: &str) -> Result<Vec<&str>, Undefined> {
    let mut names = Vec::new();
    for piece in Pieces(text) {
        match piece {
            Piece::Name(name) => names.push(name),
            Piece::Malformed(text) => return Err(Undefined::Malformed(text.to_owned())),
            _ => {}
        }
    }
    Ok(names)
}

/// The names that a text escapes: `$${name}`. The loader refuses those that are late, so that
/// [`settle`] cannot mistake them.
pub fn escaped(text: &str) -> Vec<&str> {
    text.match_indices("$${")
        .filter_map(|(at, open)| {
            let rest = &text[at + open.len()..];
            rest.find('}').map(|end| &rest[..end]).filter(|name| is_name(name))
        })
        .collect()
}

/// A part of a draft's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'t> {
    /// Text.
    Text(&'t str),
    /// A late name, without `${` and `}`.
    Late(&'t str),
}

/// A draft's text, split at those names that are late; everything else is text by then.
pub fn parts(text: &str, late: impl Fn(&str) -> bool) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(open) = text[at..].find("${").map(|open| at + open) {
        let rest = &text[open + 2..];
        let name = rest.find('}').map(|end| &rest[..end]);
        match name.filter(|name| is_name(name) && late(name)) {
            Some(name) => {
                if open > from {
                    parts.push(Part::Text(&text[from..open]));
                }
                parts.push(Part::Late(name));
                from = open + name.len() + 3;
                at = from;
            }
            None => at = open + 2,
        }
    }
    if from < text.len() {
        parts.push(Part::Text(&text[from..]));
    }
    parts
}

/// The text of a draft with its late names replaced, when the step runs. What `lookup` does not
/// know stays as it is: by then it is text.
pub fn settle(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    for part in parts(text, |name| lookup(name).is_some()) {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Late(name) => out.push_str(&lookup(name).unwrap_or_default()),
        }
    }
    out
}

/// The parameters among `names` that a shell text mentions as `$name` or `${name…`.
pub fn mentioned<'n>(script: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let used: Vec<&str> = script
        .match_indices('$')
        .map(|(at, _)| {
            let rest = script[at + 1..].trim_start_matches('{');
            let rest = rest.trim_start_matches(['#', '!']);
            &rest[..rest.find(|c| !word(c)).unwrap_or(rest.len())]
        })
        .collect();
    names.into_iter().filter(|name| used.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<Meaning<'static>> {
        match name {
            "base_url" => Some(Meaning::Value("https://x".into())),
            "token" => Some(Meaning::Late),
            _ => None,
        }
    }

    #[test]
    fn names_are_replaced_and_late_names_stay() {
        let text = "${base_url}/a ${run.id} ${steps.restore-files.sha} ${token} $HOME $${X} $$ $";
        assert_eq!(
            resolve(text, lookup).unwrap(),
            "https://x/a ${run.id} ${steps.restore-files.sha} ${token} $HOME ${X} $$ $"
        );
    }

    #[test]
    fn an_undefined_or_malformed_name_is_an_error() {
        assert_eq!(resolve("${nope}", lookup), Err(Undefined::Name("nope".to_owned())));
        for text in ["${", "${}", "${a b}", "a ${x"] {
            assert!(matches!(resolve(text, lookup), Err(Undefined::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn late_names_are_settled_and_nothing_else_is() {
        let known = |name: &str| (name == "run.id").then(|| "7".to_owned());
        assert_eq!(settle("${run.id} ${HOME} ${ ${run.id", known), "7 ${HOME} ${ ${run.id");
    }

    #[test]
    fn what_a_script_mentions_is_found() {
        let script = "echo $project \"${base_url%/}\" $other ${#context}";
        let names = ["project", "base_url", "context", "unused"];
        assert_eq!(mentioned(script, names), ["project", "base_url", "context"]);
    }
}
