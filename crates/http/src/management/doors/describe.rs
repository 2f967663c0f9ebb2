//! What the types of a handler tell.

use std::future::Future;

use axum::body::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::app::Here;
use crate::extract::{Json, Paged, Path, Query, QueryPairs};
use crate::failure::ApiError;
use crate::reply::{Checked, Listed, Put, Reply};

/// What is known of an operation by now.
pub(crate) struct Operation<'a> {
    inputs: &'a mut SchemaGenerator,
    outputs: &'a mut SchemaGenerator,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Content>,
    pub(super) answers: Vec<(u16, Option<Content>)>,
    pub(super) headers: Map<String, Value>,
}

/// A body of some type.
pub(crate) struct Content {
    pub(super) media_type: &'static str,
    pub(super) schema: Schema,
}

/// A part of a request.
pub(crate) trait Input {
    /// Says what is asked of the request.
    fn describe(operation: &mut Operation<'_>);
}

/// An answer.
pub(crate) trait Output {
    /// Says what is answered.
    fn describe(operation: &mut Operation<'_>);
}

/// A handler whose inputs and output are known.
pub(crate) trait Described<Inputs> {
    /// Says what is asked and what is answered.
    fn describe(operation: &mut Operation<'_>);
}

impl<'a> Operation<'a> {
    pub(super) fn new(inputs: &'a mut SchemaGenerator, outputs: &'a mut SchemaGenerator) -> Self {
        Self {
            inputs,
            outputs,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            headers: Map::new(),
        }
    }

    /// A parameter of the query, with its JSON schema.
    pub(crate) fn query(&mut self, name: &str, description: &str, schema: &Value) {
        self.parameters.push(json!({
            "name": name, "in": "query", "description": description, "schema": schema,
        }));
    }

    /// A header of the request, with its JSON schema.
    pub(crate) fn header(&mut self, name: &str, description: &str, schema: &Value) {
        self.parameters.push(json!({
            "name": name, "in": "header", "description": description, "schema": schema,
        }));
    }

    /// The body, of this media type.
    pub(crate) fn takes<T: JsonSchema>(&mut self, media_type: &'static str) {
        let schema = self.inputs.subschema_for::<T>();
        self.body = Some(Content { media_type, schema });
    }

    /// An answer without a body.
    pub(crate) fn answers_nothing(&mut self, status: u16) {
        self.answers.push((status, None));
    }

    /// An answer with a body of this type.
    pub(crate) fn answers<T: JsonSchema>(&mut self, status: u16, media_type: &'static str) {
        let schema = self.outputs.subschema_for::<T>();
        self.answers.push((status, Some(Content { media_type, schema })));
    }
}

impl Input for Here {
    fn describe(_: &mut Operation<'_>) {}
}

/// The parameters of a path are read from the path.
impl<T> Input for Path<T> {
    fn describe(_: &mut Operation<'_>) {}
}

/// Whoever reads pairs describes them beside.
impl Input for QueryPairs {
    fn describe(_: &mut Operation<'_>) {}
}

impl<T: JsonSchema> Input for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes::<T>("application/json");
    }
}

/// A body of any kind.
impl Input for Bytes {
    fn describe(operation: &mut Operation<'_>) {
        operation.takes::<String>("application/octet-stream");
    }
}

impl<T: JsonSchema> Input for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        // A query is a flat list: its schema is wanted here and now, not by reference, and as OpenAPI has it.
        let schema = operation.inputs.root_schema_for::<T>();
        let schema = schema.as_value();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let mut parameter = json!({ "name": name, "in": "query", "schema": member });
            if let Some(schema) = parameter["schema"].as_object_mut() {
                // A parameter is there or it is not; there is no null in a query.
                schema.remove("nullable");
                schema.remove("default");
                if let Some(description) = schema.remove("description") {
                    parameter["description"] = description;
                }
            }
            if required.contains(&name.as_str()) {
                parameter["required"] = true.into();
            }
            operation.parameters.push(parameter);
        }
    }
}

impl Input for Paged {
    fn describe(operation: &mut Operation<'_>) {
        let page = json!({ "type": "integer", "minimum": 1, "default": 1 });
        let size = json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 });
        operation.query("page", "Which page, from 1.", &page);
        operation.query("page_size", "How many on a page.", &size);
    }
}

impl<T: JsonSchema> Output for axum::Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(200, "application/json");
    }
}

impl<const STATUS: u16> Output for Reply<STATUS, ()> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers_nothing(STATUS);
    }
}

impl<const STATUS: u16, T: JsonSchema> Output for Reply<STATUS, axum::Json<T>> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(STATUS, "application/json");
    }
}

impl<T: JsonSchema> Output for Put<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(200, "application/json");
        operation.answers::<T>(201, "application/json");
    }
}

impl<T: JsonSchema> Output for Checked<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(200, "application/json");
        operation.answers::<T>(400, "application/json");
    }
}

impl<T: JsonSchema> Output for Listed<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answers::<T>(200, "application/json");
        let total = json!({ "description": "How many there are on all pages.", "schema": { "type": "integer" } });
        let link = json!({ "description": "The first, previous, next and last page (RFC 8288).", "schema": { "type": "string" } });
        operation.headers.insert("Total-Number".to_owned(), total);
        operation.headers.insert("Link".to_owned(), link);
    }
}

impl<T: Output> Output for Result<T, ApiError> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

macro_rules! described {
    ($($input:ident),*) => {
        impl<F, Answer, $($input,)*> Described<($($input,)*)> for F
        where
            F: FnOnce($($input),*) -> Answer,
            Answer: Future<Output: Output>,
            $($input: Input,)*
        {
            fn describe(operation: &mut Operation<'_>) {
                $($input::describe(operation);)*
                <Answer::Output as Output>::describe(operation);
            }
        }
    };
}

described!();
described!(A);
described!(A, B);
described!(A, B, C);
described!(A, B, C, D);
described!(A, B, C, D, E);
