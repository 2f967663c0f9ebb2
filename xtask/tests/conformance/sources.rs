//! The tests of the repository, read from their sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use syn::visit::{self, Visit};

/// Files that were read, each once.
pub(crate) struct Sources {
    root: PathBuf,
    tests: BTreeMap<String, Result<BTreeSet<String>, String>>,
}

impl Sources {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, tests: BTreeMap::new() }
    }

    /// Whether `path.rs::function` or `path.spec.ts: title` is a test.
    pub(crate) fn find(&mut self, name: &str) -> Result<(), String> {
        let (path, test) = match name.split_once(".spec.ts: ") {
            Some((path, title)) => (format!("{path}.spec.ts"), title),
            None => name
                .split_once("::")
                .map(|(path, function)| (path.to_owned(), function))
                .ok_or("it is no name of a test")?,
        };
        let file = self.root.join(&path);
        let tests = self.tests.entry(path).or_insert_with_key(|path| {
            let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
            if path.ends_with(".rs") { rust_tests(&text) } else { Ok(browser_tests(&text)) }
        });
        match tests {
            Ok(tests) if tests.contains(test) => Ok(()),
            Ok(_) => Err("there is no such test".to_owned()),
            Err(reason) => Err(reason.clone()),
        }
    }
}

/// The functions with a `#[test]` of any kind, those of `proptest!` included.
fn rust_tests(text: &str) -> Result<BTreeSet<String>, String> {
    let syntax = syn::parse_file(text).map_err(|error| error.to_string())?;
    let mut tests = Tests(BTreeSet::new());
    tests.visit_file(&syntax);
    Ok(tests.0)
}

struct Tests(BTreeSet<String>);

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let is_test = |attribute: &syn::Attribute| {
            attribute.path().segments.last().is_some_and(|segment| segment.ident == "test")
        };
        if function.attrs.iter().any(is_test) {
            self.0.insert(function.sig.ident.to_string());
        }
        visit::visit_item_fn(self, function);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.segments.last().is_some_and(|segment| segment.ident == "proptest") {
            let text = call.tokens.to_string();
            let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            while let Some(word) = words.next() {
                if word == "fn"
                    && let Some(name) = words.find(|word| !word.is_empty())
                {
                    self.0.insert(name.to_owned());
                }
            }
        }
        visit::visit_macro(self, call);
    }
}

/// The titles of `test('…'` and `` test(`…` ``.
fn browser_tests(text: &str) -> BTreeSet<String> {
    let mut titles = BTreeSet::new();
    for rest in text.split("test(").skip(1) {
        let Some(quote) = rest.chars().next().filter(|quote| ['\'', '"', '`'].contains(quote))
        else {
            continue;
        };
        titles.extend(rest[1..].split(quote).next().map(str::to_owned));
    }
    titles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_of_every_kind_are_found_and_other_functions_are_not() {
        let text = "
            fn helper() {}
            #[test] fn plain() { fn inner() {} }
            mod tests {
                #[tokio::test] async fn with_a_runtime() {}
                proptest! { #[test] fn with_values(x in 0..1) { let f = 1; } }
                other! { #[test] fn of_another_macro() {} }
            }
        ";
        let found: Vec<String> = rust_tests(text).unwrap().into_iter().collect();
        assert_eq!(found, ["plain", "with_a_runtime", "with_values"]);
        assert!(rust_tests("fn (").is_err());
        let titles = browser_tests("test('one', x); test(`two`, y); retest(z)");
        assert_eq!(titles.into_iter().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn a_test_that_is_not_there_is_missed() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let mut sources = Sources::new(root);
        let here = "tests/conformance/sources.rs";
        assert_eq!(sources.find(&format!("{here}::a_test_that_is_not_there_is_missed")), Ok(()));
        assert!(sources.find(&format!("{here}::browser_tests")).is_err(), "it is no test");
        assert!(sources.find(&format!("{here}::nothing")).is_err());
        assert!(sources.find("tests/nowhere.rs::nothing").is_err());
        assert!(sources.find("nonsense").is_err());
    }
}
