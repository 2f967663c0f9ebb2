use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

/// Deeper than anything a person writes.
const DEEPEST: usize = 64;
/// What a file of the largest size sensibly holds; more would be memory for nothing.
const MOST_NODES: usize = 2_000_000;

/// The line, from 1, and what is wrong there.
pub(crate) type Mistake = (usize, String);

/// A value and the line it stands in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// A text, a number, true, false or null.
    Scalar(Value),
    /// `- …`
    Sequence(Vec<Node>),
    /// `key: …`
    Mapping(BTreeMap<String, Node>),
}

impl Node {
    /// The value without its lines.
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(nodes) => Value::Array(nodes.iter().map(Self::to_value).collect()),
            Content::Mapping(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, node)| (name.clone(), node.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// The line of what a path such as `signIn.methods[0].identifier` names, or of the nearest thing around it.
    pub(crate) fn line_of(&self, path: &str) -> usize {
        let mut node = self;
        let mut line = self.line;
        for step in path.split(['.', '[']) {
            let next = match &node.content {
                Content::Mapping(members) => members.get(step),
                Content::Sequence(nodes) => {
                    step.trim_end_matches(']').parse().ok().and_then(|at: usize| nodes.get(at))
                }
                Content::Scalar(_) => None,
            };
            let Some(next) = next else { break };
            line = next.line;
            node = next;
        }
        line
    }
}

/// Reads a document.
///
/// # Errors
/// The first mistake.
pub(crate) fn read(text: &str) -> Result<Node, Mistake> {
    let mut reader = Reader { parser: Parser::new_from_str(text), nodes: 0 };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if root.is_some() => {
                return Err((line(span), "a file holds one document".to_owned()));
            }
            Event::DocumentStart(_) => {
                let (event, span) = reader.next()?;
                root = Some(reader.node(event, span, 0)?);
            }
            _ => return Err((line(span), "a document is expected here".to_owned())),
        }
    }
    root.ok_or_else(|| (1, "the file is empty".to_owned()))
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    nodes: usize,
}

fn line(span: Span) -> usize {
    span.start.line().max(1)
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Mistake> {
        match self.parser.next() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err((error.marker().line().max(1), error.info().to_owned())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Mistake> {
        let line = line(span);
        let refuse = |sentence: &str| Err((line, sentence.to_owned()));
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return refuse("the file holds more than two million values");
        }
        if depth > DEEPEST {
            return refuse("this is nested too deep");
        }
        let (anchor, tag) = match &event {
            Event::Alias(_) => {
                return refuse("anchors and aliases are not read: write the value out");
            }
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => return refuse("a value is expected here"),
        };
        if anchor != 0 {
            return refuse("anchors and aliases are not read: write the value out");
        }
        if tag {
            return refuse("tags are not read");
        }
        let content = match event {
            Event::Scalar(text, style, ..) => match scalar(&text, style) {
                Some(value) => Content::Scalar(value),
                None => {
                    return refuse("the number is too large to be kept; put quotes around a text");
                }
            },
            Event::SequenceStart(..) => {
                let mut nodes = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    nodes.push(self.node(event, span, depth + 1)?);
                }
                Content::Sequence(nodes)
            }
            _ => Content::Mapping(self.members(depth)?),
        };
        Ok(Node { line, content })
    }

    fn members(&mut self, depth: usize) -> Result<BTreeMap<String, Node>, Mistake> {
        let mut members: BTreeMap<String, Node> = BTreeMap::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(members);
            }
            let at = line(span);
            let key = self.node(event, span, depth + 1)?;
            let Content::Scalar(Value::String(name)) = key.content else {
                return Err((at, "a key must be a text; put quotes around it".to_owned()));
            };
            if name == "<<" {
                return Err((at, "merge keys are not read: write the members out".to_owned()));
            }
            let (event, span) = self.next()?;
            let mut value = self.node(event, span, depth + 1)?;
            // Where people look for a mistake is where the member begins.
            value.line = at;
            if members.contains_key(&name) {
                return Err((at, format!("{name} stands here twice")));
            }
            members.insert(name, value);
        }
    }
}

/// YAML 1.2's core schema, without the spellings of numbers that JSON does not have. `None` for a number beyond all there are.
fn scalar(text: &str, style: ScalarStyle) -> Option<Value> {
    if style != ScalarStyle::Plain {
        return Some(Value::from(text));
    }
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        text => {
            let begins_so = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
            match serde_json::from_str::<Number>(text) {
                Ok(number) if begins_so && number.is_f64() => {
                    // The standard library reads back every digit that was written.
                    let exact = text.parse().ok().and_then(Number::from_f64);
                    Value::Number(exact.unwrap_or(number))
                }
                Ok(number) if begins_so => Value::Number(number),
                _ if begins_so && is_beyond(text) => return None,
                _ => Value::from(text),
            }
        }
    })
}

/// Whether a text is a number that no double reaches.
fn is_beyond(text: &str) -> bool {
    let is_of_numbers = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    text.chars().all(is_of_numbers) && text.parse::<f64>().is_ok_and(f64::is_infinite)
}
