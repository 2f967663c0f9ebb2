//! Filling `{placeholders}` and dropping `[optional parts]`.

use std::borrow::Cow;

/// Fills the placeholders of `template`. A bracketed part stays (without its brackets) when every
/// placeholder inside it has a value, and goes otherwise. Outside brackets an unknown placeholder
/// stays as written. Values are inserted verbatim and never read as templates.
pub(crate) fn interpolate<'t>(template: &'t str, values: &[(&str, &str)]) -> Cow<'t, str> {
    if !template.contains(['{', '[']) {
        return Cow::Borrowed(template);
    }
    let mut filled = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        fill(before, values, &mut filled);
        let (optional, tail) = after.split_once(']').unwrap_or((after, ""));
        let start = filled.len();
        if !fill(optional, values, &mut filled) {
            filled.truncate(start);
        }
        rest = tail;
    }
    fill(rest, values, &mut filled);
    Cow::Owned(filled)
}

/// Appends `part` with its placeholders filled; answers whether all of them had a value.
fn fill(part: &str, values: &[(&str, &str)], into: &mut String) -> bool {
    let mut complete = true;
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('{') {
        into.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            into.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => into.push_str(value),
            None => {
                complete = false;
                into.push('{');
                into.push_str(name);
                into.push('}');
            }
        }
        rest = tail;
    }
    into.push_str(rest);
    complete
}

/// The placeholders of a template, sorted, each once.
#[cfg(test)]
pub(crate) fn placeholders(template: &str) -> Vec<&str> {
    let mut names: Vec<&str> =
        template.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_replaced_by_its_value() {
        assert_eq!(interpolate("to continue to {app}", &[("app", "Acme")]), "to continue to Acme");
    }

    #[test]
    fn a_bracketed_part_goes_when_a_value_is_missing() {
        let text = "That name is taken[: {name}]. Choose another.";
        assert_eq!(interpolate(text, &[("name", "x")]), "That name is taken: x. Choose another.");
        assert_eq!(interpolate(text, &[]), "That name is taken. Choose another.");
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let filled = interpolate("[{a}] {b}", &[("a", "{b}[x]"), ("b", "2")]);
        assert_eq!(filled, "{b}[x] 2");
    }

    #[test]
    fn broken_templates_lose_no_text_outside_brackets() {
        assert_eq!(interpolate("a { b", &[]), "a { b");
        assert_eq!(interpolate("a {b} c", &[]), "a {b} c");
        assert_eq!(interpolate("a [b", &[]), "a b");
    }
}
