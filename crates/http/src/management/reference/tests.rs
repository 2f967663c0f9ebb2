use http::Method;
use serde_json::{Value, json};

use super::page::{self, Contents, Operation, Shared};
use super::render::{Area, Frame, finished};
use super::schema::Presence;
use crate::management::permission::Needs;
use crate::pages::color::{AZULEJO, Palette};

const NASTY: &str = "\"><script>alert('1')</script>&`<b>";

fn needs(_: &Method, _: &str) -> Needs {
    Needs { scopes: vec!["all".to_owned()], sometimes_all: false }
}

fn document(operation: &Value, schemas: &Value) -> Value {
    json!({
        "servers": [{ "url": "https://id.example" }],
        "paths": { "/api/things/{id}": { "post": operation } },
        "components": { "schemas": schemas },
    })
}

fn operation(body: &Value) -> Value {
    json!({
        "operationId": "thingsCreate",
        "summary": "Create a thing",
        "tags": ["Things"],
        "parameters": [],
        "requestBody": { "required": true, "content": { "application/json": { "schema": body } } },
        "responses": { "204": { "description": "Done." } },
    })
}

fn read(document: &Value) -> (Vec<Operation>, Vec<Shared>) {
    page::area(document, "things", &needs)
}

fn html(document: &Value) -> String {
    let contents: Vec<Contents> = page::contents(document);
    let (operations, shared) = read(document);
    let frame = Frame {
        title: &contents[0].name,
        root: "/api/reference",
        document: "/api/swagger.json",
        contents: &contents,
        current: "things",
    };
    finished(&Area { frame, contents: &contents[0], operations: &operations, shared: &shared })
}

#[test]
fn whatever_the_document_says_runs_no_script() {
    let member = json!({
        "description": NASTY, "default": NASTY, "pattern": NASTY, "type": "string",
        "enum": [NASTY], "example": NASTY,
    });
    let body = json!({
        "type": "object", "description": NASTY, "required": [NASTY],
        "properties": { (NASTY): member, "one": { "oneOf": [
            { "enum": [NASTY], "description": NASTY },
            { "type": "object", "description": NASTY, "properties": { (NASTY): { "$ref": "#/components/schemas/Thing" } } },
            { "$ref": "#/components/schemas/Thing" },
        ] } },
    });
    let mut operation = operation(&body);
    operation["summary"] = NASTY.into();
    operation["operationId"] = NASTY.into();
    operation["parameters"] =
        json!([{ "name": NASTY, "in": NASTY, "required": true, "schema": member }]);
    operation["responses"][NASTY] = json!({
        "description": NASTY, "headers": { (NASTY): { "description": NASTY } },
        "content": { (NASTY): { "schema": { "$ref": "#/components/schemas/Thing" } } },
    });
    let thing =
        json!({ "type": "object", "description": NASTY, "properties": { (NASTY): member } });
    let document = document(&operation, &json!({ "Thing": thing }));
    let html = html(&document);
    assert!(html.contains("script&#62;alert("), "it is shown");
    assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    assert!(!html.contains("=\"\"&#62;") && html.matches("<html").count() == 1);
    let quoted_out = html.split('"').skip(1).step_by(2).any(|value| value.contains("<script"));
    assert!(!quoted_out);
}

#[test]
fn an_object_that_holds_itself_is_explained_once() {
    let tree = json!({
        "type": "object", "description": "A tree.", "required": ["name"],
        "properties": {
            "name": { "type": "string", "minLength": 1, "maxLength": 8 },
            "branches": { "type": "array", "items": { "$ref": "#/components/schemas/Tree" } },
        },
    });
    let body = json!({ "$ref": "#/components/schemas/Tree" });
    let (operations, shared) = read(&document(&operation(&body), &json!({ "Tree": tree })));
    let body = operations[0].body.as_ref().expect("a body");
    assert_eq!(body.shape.object.as_deref(), Some("Tree"));
    assert_eq!(shared.len(), 1);
    let members = &shared[0].2.members;
    assert_eq!((members[0].name.as_str(), members[0].presence), ("name", Presence::Required));
    assert_eq!(members[0].shape.limits, ["1 to 8 characters"]);
    assert_eq!(
        (members[1].shape.kind.as_str(), members[1].shape.object.as_deref()),
        ("array of", Some("Tree"))
    );
    assert!(operations[0].example.contains("\"name\": \"example\""), "{}", operations[0].example);
}

#[test]
fn what_is_used_once_stands_where_it_is_used() {
    let color = json!({ "type": "object", "properties": { "hex": { "type": "string" } } });
    let body = json!({ "type": "object", "properties": {
        "color": { "anyOf": [{ "$ref": "#/components/schemas/Color" }, { "enum": [null], "nullable": true }] },
        "kind": { "allOf": [{ "$ref": "#/components/schemas/Kind" }], "default": "a" },
        "also": { "$ref": "#/components/schemas/Kind" },
    } });
    let kind = json!({ "description": "Which.", "oneOf": [
        { "enum": ["a"], "type": "string", "description": "The first." }, { "enum": ["b"], "type": "string" },
    ] });
    let schemas = json!({ "Color": color, "Kind": kind });
    let (operations, shared) = read(&document(&operation(&body), &schemas));
    assert!(shared.is_empty(), "values are told where they stand: {shared:?}");
    let members = &operations[0].body.as_ref().expect("a body").shape.members;
    let member = |name: &str| members.iter().find(|member| member.name == name).expect("a member");
    let color = &member("color").shape;
    assert!(color.nullable && color.members[0].name == "hex", "{color:?}");
    let kind = &member("kind").shape;
    assert_eq!((kind.kind.as_str(), kind.default.as_deref()), ("string", Some("\"a\"")));
    assert_eq!(
        kind.values.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>(),
        ["\"a\"", "\"b\""]
    );
    assert!(!member("also").about.is_empty(), "what it is made of says what it is");
}

#[test]
fn the_stylesheet_has_the_colours_of_the_palette() {
    let css =
        std::str::from_utf8(crate::pages::assets::reference_stylesheet().bytes).expect("text");
    let (light, dark) = (Palette::light(AZULEJO).accent, Palette::dark(AZULEJO).accent);
    for accent in [light, dark] {
        assert!(css.contains(&format!("--accent: {accent};")), "no {accent}");
    }
}

#[test]
fn a_quote_does_not_end_the_body_of_a_call() {
    let body = json!({ "type": "object", "properties": { "name": { "type": "string", "example": "Ada's" } } });
    let (operations, _) = read(&document(&operation(&body), &json!({})));
    let example = &operations[0].example;
    assert!(example.contains(r#""name": "Ada'\''s""#), "{example}");
    assert!(example.starts_with("curl -X POST \"https://id.example/api/things/$ID\""), "{example}");
}

#[test]
fn areas_have_names_for_addresses() {
    assert_eq!(page::slug_of("API resources"), "api-resources");
    assert_eq!(page::slug_of("  Sign-in, and -- more"), "sign-in-and-more");
}
