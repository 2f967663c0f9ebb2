//! What a JSON schema says, in the words of the reference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::prose::Prose;

/// Where the definitions of the document stand.
const SCHEMAS: &str = "#/components/schemas/";
/// No schema of ours is deeper; one that were would be told to this depth.
const DEEPEST: usize = 12;

/// A schema as it is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// The words before the name of a shared object: `string`, `array of`.
    pub(super) kind: String,
    /// The object of [`Shared`] it is made of.
    pub(super) object: Option<String>,
    /// Whether it may be `null`.
    pub(super) nullable: bool,
    /// What bounds it.
    pub(super) limits: Vec<String>,
    /// What stands there when nothing is said: JSON.
    pub(super) default: Option<String>,
    /// The values it can have, if they are known: JSON, and what each means.
    pub(super) values: Vec<(String, Prose)>,
    /// Its members, or those of what the array holds.
    pub(super) members: Vec<Member>,
    /// The shapes it can have, if there are several.
    pub(super) variants: Vec<(Prose, Shape)>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) presence: Presence,
    pub(super) about: Prose,
    pub(super) shape: Shape,
}

/// Whether a member must be, or is, there. Readers are told what is not usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It need not be sent, or it is always answered.
    Usual,
    /// It must be sent.
    Required,
    /// It is not always answered.
    MayBeAbsent,
}

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To the server.
    In,
    /// From it.
    Out,
}

impl Presence {
    /// As it is shown.
    pub(super) const fn words(self) -> Option<&'static str> {
        match self {
            Self::Usual => None,
            Self::Required => Some("required"),
            Self::MayBeAbsent => Some("may be absent"),
        }
    }

    /// Of a member that a schema requires, or does not.
    pub(super) const fn of(required: bool, way: Way) -> Self {
        match (way, required) {
            (Way::In, true) => Self::Required,
            (Way::Out, false) => Self::MayBeAbsent,
            (Way::In, false) | (Way::Out, true) => Self::Usual,
        }
    }
}

/// The schemas of a document, and which of them a page explains once for all.
pub(super) struct Schemas<'d> {
    definitions: Option<&'d Map<String, Value>>,
    /// What is explained once, and whether it is sent: what is sent and answered is told as what is sent.
    shared: BTreeMap<&'d str, Way>,
}

/// How often a schema is used, and which way it goes.
type Uses<'d> = BTreeMap<&'d str, (usize, Way)>;

/// What remains of a schema once references are followed and `null` is taken out.
pub(super) struct Bare<'d> {
    pub(super) schema: &'d Value,
    pub(super) name: Option<&'d str>,
    pub(super) nullable: bool,
}

impl<'d> Schemas<'d> {
    /// The schemas of `document`; what `used` refers to more than once is explained once.
    pub(super) fn of(document: &'d Value, used: impl Iterator<Item = (Way, &'d Value)>) -> Self {
        let definitions = document["components"]["schemas"].as_object();
        let schemas = Self { definitions, shared: BTreeMap::new() };
        let mut uses = Uses::new();
        for (way, schema) in used {
            schemas.count(schema, way, &mut uses);
        }
        let shared = uses.into_iter().filter(|(_, (count, _))| *count > 1);
        let shared = shared.map(|(name, (_, way))| (name, way));
        Self { definitions, shared: shared.collect() }
    }

    /// The objects that are explained once for all: name, what it is, its shape.
    pub(super) fn shared(&self) -> Vec<(String, Prose, Shape)> {
        let of_name = |(name, way): (&&'d str, &Way)| {
            let schema = &self.definitions?[*name];
            let shape = self.plain(self.bare(schema).schema, *way, DEEPEST);
            Some(((*name).to_owned(), about(schema), shape))
        };
        self.shared.iter().filter_map(of_name).collect()
    }

    /// What `schema` says.
    pub(super) fn shape(&self, schema: &'d Value, way: Way) -> Shape {
        self.shape_within(schema, way, DEEPEST)
    }

    /// What the schema named `name` says of an answer, whether it is shared or not.
    pub(super) fn named(&self, name: &str) -> Shape {
        let schema = self.definitions.and_then(|definitions| definitions.get(name));
        schema
            .map(|schema| self.plain(self.bare(schema).schema, Way::Out, DEEPEST))
            .unwrap_or_default()
    }

    /// Follows references and takes `null` out.
    pub(super) fn bare(&self, schema: &'d Value) -> Bare<'d> {
        let mut bare = Bare { schema, name: None, nullable: false };
        for _ in 0..DEEPEST {
            let schema = bare.schema;
            bare.nullable |= schema["nullable"] == true;
            if let Some(name) = schema["$ref"].as_str().and_then(|to| to.strip_prefix(SCHEMAS)) {
                let Some((name, schema)) =
                    self.definitions.and_then(|definitions| definitions.get_key_value(name))
                else {
                    break;
                };
                (bare.name, bare.schema) = (Some(name.as_str()), schema);
                continue;
            }
            let alternatives =
                ["allOf", "anyOf", "oneOf"].iter().find_map(|key| schema[*key].as_array());
            let Some(alternatives) = alternatives else { break };
            let mut some = alternatives.iter().filter(|one| !is_null(one));
            let (Some(only), None) = (some.next(), some.next()) else { break };
            // The one value of a list of values has a meaning of its own, which is told.
            if only.get("enum").is_some() {
                break;
            }
            bare.nullable |= alternatives.len() > 1;
            bare.schema = only;
        }
        bare
    }

    fn count(&self, schema: &'d Value, way: Way, uses: &mut Uses<'d>) {
        let bare = self.bare(schema);
        if let Some(name) = bare.name
            && has_members(bare.schema)
        {
            let (count, known) = uses.entry(name).or_insert((0, way));
            *count += 1;
            let is_new = *count == 1 || (way == Way::In && *known == Way::Out);
            if !is_new {
                return;
            }
            // What it holds goes the same way.
            *known = way;
        }
        inner(bare.schema).for_each(|schema| self.count(schema, way, uses));
    }

    fn shape_within(&self, schema: &'d Value, way: Way, depth: usize) -> Shape {
        let bare = self.bare(schema);
        let mut shape = match bare.name.filter(|name| self.shared.contains_key(name)) {
            Some(name) => Shape { object: Some(name.to_owned()), ..Shape::default() },
            None => self.plain(bare.schema, way, depth),
        };
        shape.nullable |= bare.nullable;
        let default = &schema["default"];
        shape.default = (!default.is_null()).then(|| default.to_string());
        shape
    }

    /// The shape of a schema that is no reference.
    fn plain(&self, schema: &'d Value, way: Way, depth: usize) -> Shape {
        let Some(depth) = depth.checked_sub(1) else {
            return Shape { kind: "any JSON".to_owned(), ..Shape::default() };
        };
        let mut shape = Shape { limits: limits(schema), ..Shape::default() };
        if let Some(alternatives) = alternatives(schema) {
            let mut rest = Vec::new();
            for one in alternatives {
                match one["enum"].as_array() {
                    _ if is_null(one) => shape.nullable = true,
                    Some(values) => {
                        let meaning = about(one);
                        let known = values.iter().map(|value| (value.to_string(), meaning.clone()));
                        shape.values.extend(known);
                    }
                    None => rest.push((about(one), self.shape_within(one, way, depth))),
                }
            }
            shape.kind = if rest.is_empty() { "string" } else { "one of several" }.to_owned();
            shape.variants = rest;
            return shape;
        }
        if let Some(parts) = schema["allOf"].as_array() {
            shape.kind = "object".to_owned();
            let of_parts =
                parts.iter().flat_map(|part| self.members(self.bare(part).schema, way, depth));
            shape.members = of_parts.collect();
            return shape;
        }
        if let Some(values) = schema["enum"].as_array() {
            let values = values.iter().filter(|value| !value.is_null());
            shape.values = values.map(|value| (value.to_string(), Prose::default())).collect();
        }
        let (kind, nullable) = kind_of(schema);
        shape.nullable |= nullable;
        kind.clone_into(&mut shape.kind);
        match kind {
            "array" => {
                let items = self.shape_within(&schema["items"], way, depth);
                let held = match (items.kind.as_str(), items.nullable) {
                    (kind, true) if !kind.is_empty() => format!("{kind} or null"),
                    (kind, _) => kind.to_owned(),
                };
                shape.kind = format!("array of {held}").trim_end().to_owned();
                shape.limits.extend(items.limits.into_iter().map(|limit| format!("each {limit}")));
                shape.object = items.object;
                shape.values = items.values;
                shape.members = items.members;
                shape.variants = items.variants;
            }
            "object" => {
                shape.members = self.members(schema, way, depth);
                let others = &schema["additionalProperties"];
                if others.is_object() {
                    let held = self.shape_within(others, way, depth);
                    shape.kind = format!("object of {} by name", held.kind);
                    shape.object = held.object;
                    shape.variants = held.variants;
                    if shape.members.is_empty() {
                        shape.members = held.members;
                    }
                } else if !shape.members.is_empty() && *others == true {
                    shape.limits.push("with any further members".to_owned());
                }
            }
            _ => {}
        }
        shape
    }

    /// Those that are asked for first, then by name.
    fn members(&self, schema: &'d Value, way: Way, depth: usize) -> Vec<Member> {
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let member = |(name, schema): (&String, &'d Value)| Member {
            name: name.clone(),
            presence: Presence::of(required.contains(name.as_str()), way),
            about: self.about_member(schema),
            shape: self.shape_within(schema, way, depth),
        };
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut members: Vec<Member> = properties.map(member).collect();
        members.sort_by_key(|member| member.presence != Presence::Required);
        members
    }

    /// What is said of the member, or else of what it is made of.
    pub(super) fn about_member(&self, schema: &'d Value) -> Prose {
        let own = about(schema);
        if own.is_empty() { about(self.bare(schema).schema) } else { own }
    }
}

/// What its doc comment says.
pub(super) fn about(schema: &Value) -> Prose {
    schema["description"].as_str().map(Prose::of).unwrap_or_default()
}

/// The alternatives of a schema, where there are any.
pub(super) fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    ["anyOf", "oneOf"].iter().find_map(|key| schema[*key].as_array())
}

/// The schemas directly inside.
fn inner(schema: &Value) -> impl Iterator<Item = &Value> {
    let several = ["allOf", "anyOf", "oneOf"].iter().filter_map(|key| schema[*key].as_array());
    let one = ["items", "additionalProperties"].iter().map(|key| &schema[*key]);
    let members = schema["properties"].as_object().into_iter().flat_map(Map::values);
    several.flatten().chain(one.filter(|schema| schema.is_object())).chain(members)
}

fn has_members(schema: &Value) -> bool {
    schema["properties"].as_object().is_some_and(|members| !members.is_empty())
        || ["allOf", "anyOf", "oneOf"].iter().any(|key| {
            let parts = schema[*key].as_array().into_iter().flatten();
            parts.filter(|part| !is_null(part)).any(|part| part.get("enum").is_none())
        })
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
        || schema["enum"].as_array().is_some_and(|values| values.iter().all(Value::is_null))
}

/// The type, and whether `null` stands beside it.
pub(super) fn kind_of(schema: &Value) -> (&str, bool) {
    let of_values = || match schema["enum"].as_array().and_then(|values| values.first()) {
        Some(Value::String(_)) => "string",
        _ => "any JSON",
    };
    match &schema["type"] {
        Value::String(kind) => (kind, false),
        Value::Array(kinds) => {
            let mut others = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let kind = others.next().unwrap_or("any JSON");
            (kind, kinds.iter().any(|kind| kind == "null"))
        }
        _ if schema["properties"].is_object() => ("object", false),
        _ => (of_values(), false),
    }
}

/// What bounds a value, a phrase each.
fn limits(schema: &Value) -> Vec<String> {
    let range = |low: &str, high: &str, one: &str, many: &str| {
        let (low, high) = (schema[low].as_number(), schema[high].as_number());
        let unit = |number: &str| match (many, number) {
            ("", _) => String::new(),
            (_, "1") => format!(" {one}"),
            _ => format!(" {many}"),
        };
        match (low.map(ToString::to_string), high.map(ToString::to_string)) {
            (Some(low), Some(high)) if low == high => Some(format!("exactly {low}{}", unit(&low))),
            (Some(low), Some(high)) => Some(format!("{low} to {high}{}", unit(&high))),
            (Some(low), None) => Some(format!("at least {low}{}", unit(&low))),
            (None, Some(high)) => Some(format!("at most {high}{}", unit(&high))),
            (None, None) => None,
        }
    };
    let mut limits: Vec<String> = [
        range("minLength", "maxLength", "character", "characters"),
        range("minimum", "maximum", "", ""),
        range("minItems", "maxItems", "item", "items"),
        range("minProperties", "maxProperties", "member", "members"),
    ]
    .into_iter()
    .flatten()
    .collect();
    // The widths of integers are ours, the forms of texts are the reader's.
    if let Some(format) = schema["format"].as_str().filter(|_| schema["type"] == "string") {
        limits.push(format!("as {format}"));
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        limits.push(format!("matches {pattern}"));
    }
    if schema["uniqueItems"] == true {
        limits.push("no two the same".to_owned());
    }
    limits
}
