//! A file as a tree in which every node knows where it stands, built from guarded events.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::Event;

use super::guard::{Guard, is_plain};
use super::problem::{Problem, Source};

/// The most nodes that aliases may add.
const COPIED: usize = 5_000;

/// A range of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// First character, counted from the start of the file.
    pub start: usize,
    /// The character after the last one.
    pub end: usize,
}

impl From<saphyr_parser::Span> for Span {
    fn from(span: saphyr_parser::Span) -> Span {
        Span {
            line: span.start.line().max(1),
            column: span.start.col() + 1,
            start: span.start.index(),
            end: span.end.index(),
        }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node<'s> {
    /// What it is.
    pub kind: Kind<'s>,
    /// Where it stands; of a list or map, where it begins.
    pub span: Span,
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub struct Key<'s> {
    /// The word.
    pub text: Cow<'s, str>,
    /// Where it stands.
    pub span: Span,
}

/// What a value is, before anybody says what it should be.
#[derive(Debug, Clone)]
pub enum Kind<'s> {
    /// Nothing, `~` or `null`, without quotes.
    Null,
    /// A word, a number, a text.
    Scalar {
        /// As written, without quotes.
        text: Cow<'s, str>,
        /// Whether quotes (or a block) say that it is text.
        quoted: bool,
    },
    /// A list.
    Seq(Vec<Node<'s>>),
    /// A map, in the order of the file.
    Map(Vec<(Key<'s>, Node<'s>)>),
}

impl<'s> Node<'s> {
    /// The value of a key, where this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node<'s>> {
        self.entry(key).map(|(_, node)| node)
    }

    /// A key and its value.
    pub fn entry(&self, key: &str) -> Option<(&Key<'s>, &Node<'s>)> {
        self.entries().iter().find(|(name, _)| name.text == key).map(|(name, node)| (name, node))
    }

    /// The entries of a map; nothing for everything else.
    pub fn entries(&self) -> &[(Key<'s>, Node<'s>)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; nothing for everything else.
    pub fn items(&self) -> &[Node<'s>] {
        match &self.kind {
            Kind::Seq(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What it is, in words.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a value",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// How many nodes it has, itself included.
    fn size(&self) -> usize {
        match &self.kind {
            Kind::Seq(items) => 1 + items.iter().map(Node::size).sum::<usize>(),
            Kind::Map(entries) => {
                1 + entries.iter().map(|(_, node)| 1 + node.size()).sum::<usize>()
            }
            _ => 1,
        }
    }
}

/// The tree of a file, or everything that is wrong with its form.
pub fn build(source: Source<'_>) -> Result<Node<'_>, Vec<Problem>> {
    let mut builder =
        Builder { guard: Guard::new(source), source, anchors: HashMap::new(), copied: 0 };
    let root = builder.document();
    let mut problems = std::mem::take(&mut builder.guard.problems);
    match root {
        Some(root) if problems.is_empty() => Ok(root),
        _ => {
            if problems.is_empty() {
                problems.push(
                    Problem::of_file(source.file, "the file is empty")
                        .help("start it with `apiVersion: rollback/v1`, or remove it"),
                );
            }
            Err(problems)
        }
    }
}

struct Builder<'s> {
    guard: Guard<'s>,
    source: Source<'s>,
    anchors: HashMap<usize, Node<'s>>,
    copied: usize,
}

impl<'s> Builder<'s> {
    /// The one document; reads to the end, so that a second one is seen.
    fn document(&mut self) -> Option<Node<'s>> {
        let mut root = None;
        while let Some((event, span)) = self.guard.next() {
            match event {
                Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::MappingStart(..)
                | Event::Alias(_) => root = self.node(event, span),
                _ => {}
            }
        }
        root
    }

    /// One node; `None` once the guard has stopped.
    fn node(&mut self, event: Event<'s>, span: Span) -> Option<Node<'s>> {
        let (anchor, node) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let quoted = !is_plain(style);
                let null = !quoted && matches!(text.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let kind = if null { Kind::Null } else { Kind::Scalar { text, quoted } };
                (anchor, Node { kind, span })
            }
            Event::SequenceStart(anchor, _) => (anchor, self.sequence(span)?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping(span)?),
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => return None,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Some(node)
    }

    fn sequence(&mut self, mut span: Span) -> Option<Node<'s>> {
        let mut items: Vec<Node<'s>> = Vec::new();
        loop {
            match self.guard.next()? {
                (Event::SequenceEnd, _) => break,
                (event, at) => items.push(self.node(event, at)?),
            }
        }
        span.end = span.end.max(span.start + 1);
        Some(Node { kind: Kind::Seq(items), span })
    }

    fn mapping(&mut self, mut span: Span) -> Option<Node<'s>> {
        let mut entries: Vec<(Key<'s>, Node<'s>)> = Vec::new();
        loop {
            match self.guard.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(text, ..), at) => {
                    let (event, value) = self.guard.next()?;
                    entries.push((Key { text, span: at }, self.node(event, value)?));
                }
                _ => return None,
            }
        }
        if let Some((key, _)) = entries.first() {
            span = key.span;
        }
        span.end = span.end.max(span.start + 1);
        Some(Node { kind: Kind::Map(entries), span })
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<Node<'s>> {
        let Some(node) = self.anchors.get(&anchor) else {
            let problem = self.source.problem(span, "this alias stands inside what it names");
            self.guard.stop(problem.help("write the value out"));
            return None;
        };
        self.copied += node.size();
        if self.copied > COPIED {
            let message = format!("the aliases of this file add more than {COPIED} values");
            let problem = self.source.problem(span, message);
            self.guard.stop(problem.help("write the values out"));
            return None;
        }
        Some(Node { kind: node.kind.clone(), span })
    }
}
