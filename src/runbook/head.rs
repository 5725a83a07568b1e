//! The first look at a runbook, for `list` and for finding a target: level, name, title, methods
//! with their budgets. Reads plain lines; a file written in another way goes through the parser.

use std::path::Path;
use std::time::Duration;

use super::model::{Level, Target};
use super::problem::{Problem, Source};
use super::tree::{self, Node};
use super::{duration, guard};

/// What a list shows of a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it rolls back.
    pub target: Target,
    /// For people.
    pub title: String,
    /// The methods in order, with their budgets.
    pub methods: Vec<(String, Option<Duration>)>,
}

/// The head of a file, or why there is none.
pub fn read(file: &Path, bytes: &[u8]) -> Result<Head, Problem> {
    let text = guard::text(file, bytes)?;
    if let Some(head) = lines(text) {
        return Ok(head);
    }
    let source = Source { file, text };
    let root = tree::build(source).map_err(|mut problems| problems.swap_remove(0))?;
    of_tree(&root).ok_or_else(|| {
        source
            .problem(
                root.span,
                "this is no runbook: `level`, `name` or `title` is missing or wrong",
            )
            .help("run `rollback lint`, or move the file out of the catalog")
    })
}

fn level(text: &str) -> Option<Level> {
    Level::ALL.into_iter().find(|level| level.as_str() == text)
}

fn head(
    level: Level,
    name: Option<&str>,
    title: &str,
    methods: Vec<(String, Option<Duration>)>,
) -> Option<Head> {
    let name = match (level, name) {
        (Level::System, None) => "system",
        (_, name) => name?,
    };
    let target = Target { level, name: name.to_owned() };
    Some(Head { target, title: title.to_owned(), methods })
}

fn of_tree(root: &Node<'_>) -> Option<Head> {
    let text = |key: &str| root.get(key).and_then(Node::text);
    let budget = |method: &Node<'_>| duration::parse(method.get("budget")?.text()?).ok();
    let methods = root.get("methods").map(Node::entries).unwrap_or_default();
    let methods = methods.iter().map(|(key, value)| (key.text.to_string(), budget(value)));
    head(level(text("level")?)?, text("name"), text("title")?, methods.collect())
}

/// Where the lines are.
enum Section {
    Other,
    Methods { indent: Option<usize>, inner: Option<usize> },
}

/// The head of a file that is written plainly, one key a line; `None` for any other.
fn lines(text: &str) -> Option<Head> {
    let (mut found, mut name, mut title) = (None, None, None);
    let mut methods: Vec<(String, Option<Duration>)> = Vec::new();
    let mut section = Section::Other;
    // A value on its key's line goes on below it where the next line is indented.
    let mut open = false;
    for line in text.lines() {
        let rest = line.trim_start_matches(' ');
        if rest.is_empty() || rest.starts_with('#') {
            continue;
        }
        let depth = line.len() - rest.len();
        if depth > 0 {
            if open {
                return None;
            }
            if let Section::Methods { indent, inner } = &mut section {
                method_line(depth, rest, indent, inner, &mut methods)?;
            }
            continue;
        }
        open = false;
        if rest.starts_with("- ") && matches!(section, Section::Other) {
            continue;
        }
        let (key, value) = entry(rest)?;
        section = Section::Other;
        match key {
            "level" => found = Some(level(scalar(value)?)?),
            "name" => name = Some(scalar(value)?),
            "title" => title = Some(scalar(value)?),
            "methods" if value.is_empty() && methods.is_empty() => {
                section = Section::Methods { indent: None, inner: None };
            }
            "methods" => return None,
            _ => {}
        }
        open = matches!(key, "level" | "name" | "title");
        if !methods.is_empty() && title.is_some() && name.is_some() && found.is_some() {
            break;
        }
    }
    head(found?, name, title?, methods)
}

fn method_line(
    depth: usize,
    rest: &str,
    indent: &mut Option<usize>,
    inner: &mut Option<usize>,
    methods: &mut Vec<(String, Option<Duration>)>,
) -> Option<()> {
    let outer = *indent.get_or_insert(depth);
    if depth < outer {
        return None;
    }
    if depth == outer {
        let (key, value) = entry(rest)?;
        *inner = None;
        methods.push((key.to_owned(), None));
        return value.is_empty().then_some(());
    }
    if depth == *inner.get_or_insert(depth) && rest.starts_with("budget") {
        let (_, value) = entry(rest)?;
        methods.last_mut()?.1 = Some(duration::parse(scalar(value)?).ok()?);
    }
    Some(())
}

/// `key: value` with a plain key; the value without a comment.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if key.is_empty() || !key.chars().all(word) || !(value.is_empty() || value.starts_with(' ')) {
        return None;
    }
    let value = value.trim();
    Some((key, if value.starts_with('#') { "" } else { value }))
}

/// A scalar that needs no parser.
fn scalar(value: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            let inner = rest.strip_suffix(quote)?;
            return (!inner.contains([quote, '\\'])).then_some(inner);
        }
    }
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    let plain = !value.is_empty()
        && !value.starts_with(|c: char| "&*!|>%@`[]{},?-~".contains(c))
        && !value.contains(": ")
        && !value.ends_with(':')
        && value != "null";
    plain.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "\
# yaml-language-server: $schema=x
apiVersion: rollback/v1
level: component
name: tool-dispatcher   # the name
title: \"Tool Dispatcher\"
parameters:
  name:
    default: x
methods:
  flag:
    budget: 30s
    steps:
    - name: a
      budget: 9s
  code:
    steps: []
recovered_when:
- http: { url: x }
";

    fn by_tree(text: &str) -> Option<Head> {
        let source = Source { file: Path::new("x.yaml"), text };
        of_tree(&tree::build(source).ok()?)
    }

    #[test]
    fn plain_lines_say_what_the_parser_says() {
        let head = lines(PLAIN).unwrap();
        assert_eq!(Some(&head), by_tree(PLAIN).as_ref());
        assert_eq!(head.methods[0], ("flag".to_owned(), Some(Duration::from_secs(30))));
        assert_eq!(head.methods[1], ("code".to_owned(), None));
    }

    #[test]
    fn what_is_not_plain_goes_through_the_parser() {
        for text in [
            "{level: component, name: a, title: A, methods: {flag: {budget: 30s}}}",
            "level: component\nname: a\ntitle: >\n  folded\nmethods:\n  flag: {budget: 1m}\n",
            "level: component\nname: a\ntitle: two\n  lines\nmethods:\n  flag:\n    budget: 1m\n",
            "\"level\": component\nname: a\ntitle: A\nmethods: {flag: {}}\n",
        ] {
            assert_eq!(lines(text), None, "{text}");
            let head = read(Path::new("x.yaml"), text.as_bytes()).unwrap();
            assert_eq!(head.target.name, "a");
            assert_eq!(head.methods.len(), 1);
        }
    }
}
