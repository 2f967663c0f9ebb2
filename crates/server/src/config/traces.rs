//! Where traces go, and which requests are traced.

use std::collections::BTreeMap;

use url::Url;

use super::sources::Given;
use super::{Setting, read as setting};

/// Where traces go, and which requests are traced.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TracesSettings {
    /// Takes OTLP over HTTP.
    pub(crate) endpoint: Url,
    pub(crate) service_name: String,
    pub(crate) sampler: Sampler,
}

/// Which requests are traced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampler {
    /// The part of those that are decided on here, from 0 to 1.
    pub(crate) ratio: f64,
    /// Whether the caller decides when it says anything.
    pub(crate) parent_based: bool,
}

/// The names OpenTelemetry has for samplers; with their ratio, unless an argument tells it.
const SAMPLERS: [(&str, Option<f64>); 3] =
    [("always_on", Some(1.0)), ("always_off", Some(0.0)), ("traceidratio", None)];
const PARENT_BASED: &str = "parentbased_";
const LONGEST_NAME: usize = 255;

/// The settings of traces; `None` when there is nowhere to send them.
pub(super) fn read(given: &BTreeMap<Setting, Given>) -> Result<Option<TracesSettings>, String> {
    let base = setting(given, Setting::OtlpEndpoint, |text| url(text).map(below))?;
    let whole = setting(given, Setting::OtlpTracesEndpoint, url)?;
    let service_name = setting(given, Setting::ServiceName, name)?;
    let ratio = setting(given, Setting::TracesSamplerArg, ratio)?;
    let sampler = setting(given, Setting::TracesSampler, |text| sampler(text, ratio))?;
    Ok(whole.or(base).map(|endpoint| TracesSettings {
        endpoint,
        service_name: service_name.unwrap_or_else(|| "trinco".to_owned()),
        sampler: sampler.unwrap_or(Sampler { ratio: 1.0, parent_based: false }),
    }))
}

/// OTLP §"Endpoint URLs for OTLP/HTTP": the signal's own path is appended to the base.
fn below(mut base: Url) -> Url {
    let path = format!("{}/v1/traces", base.path().trim_end_matches('/'));
    base.set_path(&path);
    base
}

fn url(text: &str) -> Result<Url, String> {
    let url =
        Url::parse(text).map_err(|_| "is not a URL such as http://localhost:4318".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("must begin with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user name or password".to_owned());
    }
    Ok(url)
}

fn name(text: &str) -> Result<String, String> {
    if text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        return Err(format!("must be a name of at most {LONGEST_NAME} characters"));
    }
    Ok(text.to_owned())
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| format!("{text:?} is not a number from 0 to 1"))
}

fn sampler(text: &str, argument: Option<f64>) -> Result<Sampler, String> {
    let own = text.strip_prefix(PARENT_BASED);
    let known = SAMPLERS.into_iter().find(|(name, _)| *name == own.unwrap_or(text));
    let Some((_, ratio)) = known else {
        return Err(format!(
            "{text:?} is not a sampler; choose always_on, always_off, traceidratio, or parentbased_ and one of these"
        ));
    };
    let ratio = ratio.or(argument).unwrap_or(1.0);
    Ok(Sampler { ratio, parent_based: own.is_some() })
}
