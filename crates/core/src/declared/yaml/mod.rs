//! The little of YAML that a declarative file needs: mappings, sequences and plain values, every one with its line. Aliases, tags,
//! duplicate keys and several documents are refused, so that a file is what it looks like.

mod read;
mod write;

pub(super) use read::{Content, Node, read};
pub(super) use write::write;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn written(value: &Value) -> String {
        let mut text = String::new();
        write(value, &mut text);
        text
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            "[ -~]{0,12}",
            "\\PC{0,12}",
            "[ \n\ta#:'\"-]{0,12}",
            Just("null".to_owned()),
            Just("0x1f".to_owned()),
            Just("No".to_owned()),
            Just("1e3".to_owned()),
            Just("---".to_owned()),
            Just("\u{85}\u{2028}\u{feff}\r\n\0".to_owned()),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e300..1e300f64).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(text.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in values()) {
            let text = written(&json!({ "value": value }));
            let back = read(&text).map(|node| node.to_value());
            prop_assert_eq!(back, Ok(json!({ "value": value })), "{}", text);
        }

        #[test]
        fn nothing_that_is_read_panics(text in "([a-z]: |- |\\[|\\{|&a |\\*a |!t |\\||>|'|\"|#|\n|  |[a-z,:}\\]-]){0,40}") {
            let _ = read(&text);
        }
    }

    #[test]
    fn what_is_not_what_it_looks_like_is_refused_with_its_line() {
        let deep = "[".repeat(200);
        for (text, line, says) in [
            ("a: &x 1\nb: *x\n", 1, "anchors"),
            ("a: 1\nb: 2\na: 3\n", 3, "twice"),
            ("a: 1\nb: !!str 2\n", 2, "tags"),
            ("a: 1\n---\nb: 2\n", 2, "one document"),
            ("a: 1\n<<: {b: 2}\n", 2, "merge"),
            ("a:\n  - b\n c: 1\n", 3, ""),
            ("a: 1\n[x]: 2\n", 2, "text"),
            ("1: 2\n", 1, "text"),
            ("", 1, "empty"),
            (deep.as_str(), 1, "deep"),
            ("a: 1\nb: 1e999\n", 2, "too large"),
            ("a: [-1.5E+400]\n", 1, "too large"),
        ] {
            let (at, sentence) = read(text).map(|node| node.to_value()).unwrap_err();
            assert!(sentence.contains(says), "{text}: {sentence}");
            assert_eq!(at, line, "{text}: {sentence}");
        }
    }

    #[test]
    fn plain_words_are_texts_but_for_the_few_of_the_core_schema() {
        let text = "a: yes\nb: true\nc: 0o7\nd: ~\ne:\nf: 1_000\ng: -3\nh: 1.5\ni: '5'\nj: 012\nk: '1e999'\nl: 1e9x\n";
        let expected = json!({
            "a": "yes", "b": true, "c": "0o7", "d": null, "e": null, "f": "1_000", "g": -3, "h": 1.5, "i": "5", "j": "012",
            "k": "1e999", "l": "1e9x",
        });
        assert_eq!(read(text).unwrap().to_value(), expected);
    }

    #[test]
    fn long_texts_are_readable() {
        let script = "const f = () => {\n  return 1;\n};\n";
        let expected = "script: |\n  const f = () => {\n    return 1;\n  };\n";
        assert_eq!(written(&json!({ "script": script })), expected);
    }
}
