//! Where settings come from, and which of several wins.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::setting::{self, Setting};

/// The file that is read when none is named, from the working directory.
const DEFAULT_FILE: &str = "trinco.toml";
/// Bytes. No honest settings file is longer.
const FILE_LIMIT: u64 = 64 * 1024;

/// Everything that may hold settings.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) flags: Vec<(Setting, String)>,
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) file: Option<SettingsFile>,
}

/// A settings file, read but not understood yet.
pub(crate) struct SettingsFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// A value and where it stands.
pub(super) struct Given {
    pub(super) value: String,
    pub(super) place: Place,
}

/// Where a value stands.
#[derive(Clone)]
pub(super) enum Place {
    Flag(&'static str),
    Variable(String),
    File { path: PathBuf, line: usize, key: &'static str },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line, key } => write!(f, "{}:{line}: {key}", path.display()),
        }
    }
}

impl SettingsFile {
    /// Reads the named file, or `trinco.toml` when it exists.
    pub(crate) fn read(named: Option<&Path>) -> Result<Option<Self>, String> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        let mut text = String::new();
        let read =
            File::open(path).and_then(|file| file.take(FILE_LIMIT + 1).read_to_string(&mut text));
        match read {
            Ok(length) if length as u64 > FILE_LIMIT => {
                Err(format!("{}: the file is longer than 64 KiB", path.display()))
            }
            Ok(_) => Ok(Some(Self { path: path.to_owned(), text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
            Err(error) => Err(format!("{}: the file cannot be read: {error}", path.display())),
        }
    }

    fn line_at(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    fn settings(&self) -> Result<Vec<(Setting, Given)>, String> {
        let file = self.path.display();
        let table = DeTable::parse(&self.text).map_err(|error| {
            let line = error.span().map_or(1, |span| self.line_at(span.start));
            format!("{file}:{line}: {}", error.message())
        })?;
        let mut settings = Vec::new();
        for (name, at, value) in flat(table.into_inner()) {
            let line = self.line_at(at);
            let Some(key) = Setting::ALL.into_iter().find(|key| key.name() == name) else {
                let suggestion = setting::suggestion(&name, |key| format!("{:?}", key.name()));
                return Err(format!("{file}:{line}: unknown setting {name:?}; {suggestion}"));
            };
            if !key.is_allowed_in_file() {
                let other_way = match key {
                    Setting::MasterKey => ", or name a file of its own with master_key_file",
                    _ => "",
                };
                return Err(format!(
                    "{file}:{line}: {name} does not belong in a file that is copied around; set {} \
                     in the environment{other_way}",
                    key.variable()
                ));
            }
            let Some(value) = text_of(value, key) else {
                return Err(format!("{file}:{line}: {name} must be {}", key.shape()));
            };
            let place = Place::File { path: self.path.clone(), line, key: key.name() };
            settings.push((key, Given { value, place }));
        }
        Ok(settings)
    }
}

/// Every value with its name and where that stands. A table's values are named `table.value`.
fn flat(table: DeTable<'_>) -> Vec<(String, usize, DeValue<'_>)> {
    let mut values = Vec::new();
    for (name, value) in table {
        let (at, name) = (name.span().start, name.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) if Setting::is_table(&name) => {
                values.extend(inner.into_iter().map(|(inner, value)| {
                    let at = inner.span().start;
                    (format!("{name}.{}", inner.into_inner()), at, value.into_inner())
                }));
            }
            value => values.push((name, at, value)),
        }
    }
    values
}

/// The value as it would stand in the environment; `None` when it has another shape.
fn text_of(value: DeValue<'_>, key: Setting) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Array(entries) if key.is_list() => {
            let texts: Option<Vec<String>> = entries
                .into_iter()
                .map(|entry| match entry.into_inner() {
                    DeValue::String(text) => Some(text.into_owned()),
                    _ => None,
                })
                .collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

impl Sources {
    /// The winning value of each setting that is given anywhere: flag > environment > file.
    pub(super) fn gather(self) -> Result<BTreeMap<Setting, Given>, String> {
        let mut given = BTreeMap::new();
        if let Some(file) = &self.file {
            given.extend(file.settings()?);
        }
        given.extend(from_environment(self.variables)?);
        given.extend(self.flags.into_iter().map(|(key, value)| {
            let place = Place::Flag(key.flag().expect("only flags are given as flags"));
            (key, Given { value, place })
        }));
        Ok(given)
    }
}

/// A variable that is empty counts as absent: that is what `PORT=${PORT}` in a compose file makes of it.
fn from_environment(
    variables: Vec<(OsString, OsString)>,
) -> Result<BTreeMap<Setting, Given>, String> {
    let in_kubernetes = variables.iter().any(|(name, _)| name == "KUBERNETES_SERVICE_HOST");
    let mut own = BTreeMap::new();
    let mut aliases = BTreeMap::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().map(str::to_owned) else { continue };
        let alias = Setting::ALL.into_iter().find(|key| key.alias() == Some(&name));
        let known = Setting::ALL.into_iter().find(|key| key.variable() == name);
        if alias.is_none() && !name.starts_with("TRINCO_") {
            continue;
        }
        if in_kubernetes && is_service_link(&name, &value.to_string_lossy()) {
            continue;
        }
        let Some(key) = alias.or(known) else {
            let suggestion =
                setting::suggestion(&name["TRINCO_".len()..].to_lowercase(), Setting::variable);
            return Err(format!("{name}: unknown setting in the environment; {suggestion}"));
        };
        let value = value.into_string().map_err(|_| format!("{name}: the value is not UTF-8"))?;
        if !value.is_empty() {
            let table = if alias.is_some() { &mut aliases } else { &mut own };
            table.insert(key, Given { value, place: Place::Variable(name) });
        }
    }
    aliases.extend(own);
    Ok(aliases)
}

/// Kubernetes describes each Service to every pod: a Service named `trinco` becomes `TRINCO_PORT=tcp://10.0.0.1:3001`,
/// `TRINCO_SERVICE_HOST` and so on. Those are not settings.
fn is_service_link(name: &str, value: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"].iter().any(|part| name.contains(part))
        || (name.ends_with("_PORT") && ["tcp://", "udp://"].iter().any(|s| value.starts_with(s)))
}
