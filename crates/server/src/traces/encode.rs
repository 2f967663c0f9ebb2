//! OTLP in its JSON encoding (OpenTelemetry Protocol §"JSON Protobuf Encoding"): ids as hexadecimal digits, whole numbers of 64 bits as
//! text.

use serde_json::{Value as Json, json};

use super::record::{Finished, Value};

/// An `ExportTraceServiceRequest`.
pub(super) fn request(service_name: &str, spans: &[Finished]) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        attribute("service.name", &Value::Text(service_name.to_owned())),
        attribute("service.version", &Value::Text(version.to_owned())),
    ];
    let spans: Vec<Json> = spans.iter().map(span).collect();
    let request = json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "trinco", "version": version }, "spans": spans }],
    }] });
    request.to_string().into_bytes()
}

fn span(span: &Finished) -> Json {
    const ERROR: u8 = 2;
    let attributes: Vec<Json> =
        span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    let mut json = json!({
        "traceId": format!("{:032x}", span.context.trace_id),
        "spanId": format!("{:016x}", span.context.span_id),
        "flags": 1,
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": span.begun.to_string(),
        "endTimeUnixNano": span.ended.to_string(),
        "attributes": attributes,
    });
    if let Some(parent) = span.parent {
        json["parentSpanId"] = format!("{parent:016x}").into();
    }
    if span.failed {
        json["status"] = json!({ "code": ERROR });
    }
    json
}

fn attribute(name: &str, value: &Value) -> Json {
    let value = match value {
        Value::Text(text) => json!({ "stringValue": text }),
        Value::Int(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": name, "value": value })
}
