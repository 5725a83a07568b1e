//! What the table of the format is made of.

use super::METHODS;

/// What `${name}` means in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Nothing: the text is taken as it is.
    Nothing,
    /// Parameters and late names, but no secrets.
    Names,
    /// Secrets too: the value reaches a process or a server, never a screen.
    Secrets,
}

/// What the keys of a free map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Parameters: `[a-z][a-z0-9_]*`, which a shell can hold as well.
    Parameter,
    /// Methods, in order of escalation.
    Method,
    /// Environment variables.
    Variable,
    /// Keys of a ConfigMap, or environment variables.
    Flag,
    /// HTTP header names.
    Header,
    /// Annotations (`example.org/name`).
    Annotation,
    /// JSON pointers (`/status`).
    Pointer,
    /// Names of triggers and metrics.
    Signal,
}

impl Keys {
    /// What a key looks like, as a regular expression for the JSON Schema.
    pub fn pattern(self) -> &'static str {
        match self {
            Keys::Parameter => "^[a-z][a-z0-9_]{0,62}$",
            Keys::Method => "^[a-z]+$",
            Keys::Variable => "^[A-Za-z_][A-Za-z0-9_]*$",
            Keys::Flag => "^[A-Za-z0-9._-]{1,253}$",
            Keys::Header => "^[A-Za-z0-9-]+$",
            Keys::Annotation => "^[A-Za-z0-9./_-]+$",
            Keys::Pointer => "^(/.*)?$",
            Keys::Signal => "^[a-z][a-z0-9_-]{0,62}$",
        }
    }

    /// Whether a key is one; the same rules as [`Keys::pattern`].
    pub fn allows(self, key: &str) -> bool {
        let all = |rule: fn(char) -> bool| !key.is_empty() && key.chars().all(rule);
        match self {
            Keys::Parameter => {
                key.starts_with(|c: char| c.is_ascii_lowercase())
                    && key.len() <= 63
                    && all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            }
            Keys::Method => METHODS.contains(&key),
            Keys::Variable => {
                !key.starts_with(|c: char| c.is_ascii_digit())
                    && all(|c| c.is_ascii_alphanumeric() || c == '_')
            }
            Keys::Flag => {
                key.len() <= 253 && all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            }
            Keys::Header => all(|c| c.is_ascii_alphanumeric() || c == '-'),
            Keys::Annotation => all(|c| c.is_ascii_alphanumeric() || "./_-".contains(c)),
            Keys::Signal => {
                key.starts_with(|c: char| c.is_ascii_lowercase())
                    && key.len() <= 63
                    && all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
            }
            Keys::Pointer => key.is_empty() || key.starts_with('/'),
        }
    }

    /// What a key is called in errors.
    pub fn noun(self) -> &'static str {
        match self {
            Keys::Parameter => "a parameter's name (`[a-z][a-z0-9_]*`)",
            Keys::Method => "a method (`flag`, `config`, `code`, `database`)",
            Keys::Variable => "an environment variable's name",
            Keys::Flag => "a flag's key (letters, digits, `.`, `_`, `-`)",
            Keys::Header => "a header's name",
            Keys::Annotation => "an annotation's name",
            Keys::Pointer => "a JSON pointer (`/status`)",
            Keys::Signal => "the name of a trigger or a metric (`[a-z][a-z0-9_-]*`)",
        }
    }
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// A text.
    Text(Holds),
    /// A text without spaces that does not look like an option (`-x`).
    Word,
    /// A path inside a repository.
    Path,
    /// An `http://` or `https://` address.
    Url,
    /// A script; its `${name}` is the shell's own.
    Script,
    /// `[a-z0-9-]{1,63}`.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number within a range.
    Number(u32, u32),
    /// Any number.
    Decimal,
    /// `30s`, `5m`, `1m30s`.
    Duration,
    /// `2026-11-23`.
    Date,
    /// `> 10%`, `< 2s`, `== 0`.
    Bound,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// `kind/name`.
    Workload,
    /// A flag's value: a text, quoted where it looks like something else.
    Flag,
    /// Anything that JSON can say.
    Json,
    /// A list with at least one item.
    List(&'static Type),
    /// One value, or a list of them.
    OneOrList(&'static Type),
    /// A map whose keys the author chooses.
    Map(Keys, &'static Type),
    /// A map whose keys the table knows.
    Object(&'static Object),
    /// The same, of which exactly one key is given; the model has an enum for it.
    OneOf(&'static Object),
    /// A value that stands for the one key named here; or, where there is one, the whole object.
    Short(&'static str, &'static Type, Option<&'static Object>),
}

/// One key of an object.
#[derive(Debug)]
pub struct Key {
    /// The word.
    pub name: &'static str,
    /// What its value must be.
    pub ty: Type,
    /// Whether it must be there.
    pub required: bool,
    /// What holds where it is not given; empty where there is nothing to say.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Only allowed beside one of these keys.
    pub beside: &'static [&'static str],
}

/// A map whose keys the table knows.
#[derive(Debug)]
pub struct Object {
    /// Its name in the schema and in the reference.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// Of these keys, exactly one is given.
    pub one_of: &'static [&'static str],
}

impl Object {
    /// The key with this name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}
