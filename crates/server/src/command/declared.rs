//! `trinco export` and `trinco apply`.

use std::fmt::Write as _;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use trinco_core::declared::{self, Action, Cause, Change, Failure, Kind, MemberChange, Plan, With};
use trinco_core::{Error, Tenant};

use super::{Output, refusal};

/// What a file holds besides the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Part {
    /// Organizations and their members.
    Organizations,
    /// Users, and what refers to them.
    Users,
    /// Secrets of applications, digests of passwords, environment variables of scripts.
    Secrets,
}

/// A tenant to write down.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExportTenant {
    pub(crate) tenant: String,
    pub(crate) with: Vec<Part>,
}

/// A file to apply.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ApplyFile {
    pub(crate) tenant: String,
    pub(crate) text: String,
    pub(crate) dry_run: bool,
    pub(crate) prune: bool,
    /// The answer as JSON.
    pub(crate) json: bool,
}

pub(super) async fn export(tenant: &Tenant, wanted: &ExportTenant) -> Result<Output, Error> {
    let has = |part| wanted.with.contains(&part);
    let with = With {
        organizations: has(Part::Organizations),
        users: has(Part::Users),
        secrets: has(Part::Secrets),
    };
    let text = declared::export(tenant, with).await?;
    Ok(Output::File { text, is_secret: with.secrets })
}

pub(super) async fn apply(
    tenant: &Tenant,
    wanted: &ApplyFile,
    stop: &watch::Receiver<bool>,
) -> Result<Output, String> {
    let plan = applied(tenant, wanted, stop).await.map_err(|failure| sentences(&failure))?;
    let shown = if wanted.json {
        let mut report = plan.to_json();
        report["dryRun"] = wanted.dry_run.into();
        format!("{report}\n")
    } else {
        text(&plan, wanted.dry_run)
    };
    Ok(Output::Applied { shown, is_pending: wanted.dry_run && !plan.changes.is_empty() })
}

async fn applied(
    tenant: &Tenant,
    wanted: &ApplyFile,
    stop: &watch::Receiver<bool>,
) -> Result<Plan, Failure> {
    let mut told = stop.clone();
    let plan = tokio::select! {
        plan = declared::plan(tenant, &wanted.text, wanted.prune) => plan?,
        // Nothing has been written yet.
        _ = told.wait_for(|stop| *stop) => return Err(Failure::Stopped { done: 0, of: 0 }),
    };
    if !wanted.dry_run {
        declared::carry_out(tenant, &plan, &|| *stop.borrow()).await?;
    }
    Ok(plan)
}

/// What is wrong, a line for each mistake of the file.
fn sentences(failure: &Failure) -> String {
    match failure {
        Failure::Before(error) => format!("nothing was changed: {}", refusal::sentence(error)),
        Failure::Unrecorded(error) => format!(
            "everything was applied, but the audit log has no entry about it: {}",
            refusal::sentence(error)
        ),
        Failure::Stopped { done: 0, .. } => "stopped before anything was changed".to_owned(),
        Failure::Stopped { done, of } => format!(
            "stopped: of {of} changes {done} were made; applying the file again goes on from there"
        ),
        Failure::Half { change, error, done, of } => format!(
            "{} {} could not be {}: {}. Of {of} changes {done} were made before; applying the file again goes on from there",
            change.kind.noun(),
            visible(&change.key),
            match change.action {
                Action::Create => "created",
                Action::Change => "changed",
                Action::Delete => "deleted",
            },
            visible(refusal::sentence(error).trim_end_matches('.')),
        ),
        Failure::File(problems) => {
            let mut lines = String::from("the file cannot be applied, and nothing was changed");
            for problem in problems {
                let said = match &problem.cause {
                    Cause::Phrase(phrase) => phrase.clone(),
                    Cause::Rule(error) => refusal::sentence(error),
                };
                let separator = if problem.place.is_empty() { "" } else { ": " };
                let (place, said) = (visible(&problem.place), visible(&said));
                write!(lines, "\n  line {}: {place}{separator}{said}", problem.line)
                    .expect("writing to a string works");
            }
            lines
        }
    }
}

fn text(plan: &Plan, is_dry_run: bool) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        describe(change, &mut text);
    }
    let (created, changed, deleted) = plan.counts();
    let tense = if is_dry_run { "would be " } else { "" };
    let unchanged = plan.unchanged;
    writeln!(
        text,
        "{created} {tense}created, {changed} {tense}changed, {deleted} {tense}deleted, {unchanged} as the file says"
    )
    .expect("writing to a string works");
    if !plan.left.is_empty() {
        let count = |(kind, count): (&Kind, &usize)| format!("{count} {}", plural(*kind));
        let counts: Vec<String> = plan.left.iter().map(count).collect();
        writeln!(text, "not in the file and left alone: {}", counts.join(", "))
            .expect("writing to a string works");
    }
    text
}

fn plural(kind: Kind) -> String {
    match kind {
        Kind::CustomClaims => "scripts for custom claims".to_owned(),
        kind => format!("{}(s)", kind.noun()),
    }
}

fn describe(change: &Change, text: &mut String) {
    let sign = match change.action {
        Action::Create => '+',
        Action::Change => '~',
        Action::Delete => '-',
    };
    let line = format!("{sign} {} {}", change.kind.noun(), visible(&change.key));
    writeln!(text, "{}", line.trim_end()).expect("writing to a string works");
    for member in &change.members {
        let MemberChange { path, old, new, secret } = member;
        let path = visible(path);
        let shown = match (old, new) {
            _ if *secret && change.action == Action::Create => "set, not shown".to_owned(),
            _ if *secret => "changed, not shown".to_owned(),
            (Some(old), Some(new)) => format!("{} → {}", value(old), value(new)),
            (Some(old), None) => format!("{} → absent", value(old)),
            (None, Some(new)) if change.action == Action::Create => value(new),
            (None, new) => format!("absent → {}", new.as_ref().map(value).unwrap_or_default()),
        };
        writeln!(text, "    {path}: {shown}").expect("writing to a string works");
    }
}

/// In one line, and cut where nobody reads on: JSON has it whole.
fn value(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = visible(&value.to_string());
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Nothing that a file holds steers the terminal it is shown on, or turns round what stands there.
fn visible(text: &str) -> String {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}
