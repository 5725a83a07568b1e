//! Whatever bytes come in, the loader and the template answer and do not panic.

use proptest::prelude::*;
use rollback::runbook::template::{self, Meaning};

use super::support::{HEAD, load, with_steps};

/// Words that lead deep into the parser and the table.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "methods:",
        "flag:",
        "steps:",
        "- ",
        "name: A",
        "restart: ",
        "{",
        "}",
        "[",
        "]",
        "\n",
        "  ",
        "        ",
        "\"",
        "'",
        "&a ",
        "*a",
        "!x ",
        "|\n",
        ">\n",
        "#",
        ": ",
        "? ",
        "${",
        "}",
        "$${",
        "deployment/x",
        "timeout: 5m",
        "http: ",
        "url: https://a",
        "json: ",
        "---\n",
        "...\n",
        "ä",
        "\u{feff}",
        "\t",
        "\r",
        "\0",
        "%TAG",
        "<<: ",
        "~",
        "\u{1b}[2J",
        "flags: ",
        "wait: 1s",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_the_loader(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for problem in load(&bytes).problems {
            problem.render(true);
        }
    }

    #[test]
    fn broken_yaml_never_panics_the_loader(text in fragment(), deep in any::<bool>()) {
        let text = if deep { with_steps(&text) } else { format!("{HEAD}{text}") };
        let loaded = load(text.as_bytes());
        prop_assert!(loaded.value.is_some() || !loaded.problems.is_empty());
        for problem in loaded.problems {
            let shown = problem.render(false);
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics_the_loader(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = include_bytes!("../../../runbooks/components/tool-dispatcher.yaml").to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for problem in load(&bytes).problems {
            problem.render(false);
        }
    }

    #[test]
    fn arbitrary_text_never_panics_the_template(text in "(\\$|\\{|\\}|[a-z.]|\\PC){0,40}") {
        let known = |name: &str| (name == "a").then(|| Meaning::Value("b".into()));
        if let Ok(resolved) = template::resolve(&text, known) {
            template::late(&resolved);
            template::settle(&resolved, |_| Some("x".to_owned()));
        }
        let _ = template::references(&text);
        template::escaped(&text);
        template::mentioned(&text, ["a"]);
    }

    #[test]
    fn what_is_escaped_is_text_and_what_is_not_is_replaced_when_the_step_runs(
        parts in prop::collection::vec(
            prop_oneof![
                "[^$}]{0,8}".prop_map(|text| (text.clone(), text)),
                Just(("$${".to_owned(), "${".to_owned())),
                Just(("${run.id}".to_owned(), "r1".to_owned())),
                Just(("${a}".to_owned(), "b".to_owned())),
            ],
            0..12,
        )
    ) {
        let written: String = parts.iter().map(|part| part.0.as_str()).collect();
        let meant: String = parts.iter().map(|part| part.1.as_str()).collect();
        let known = |name: &str| (name == "a").then(|| Meaning::Value("b".into()));
        let resolved = template::resolve(&written, known).unwrap();
        let run_id = |name: &str| (name == "run.id").then(|| "r1".to_owned());
        prop_assert_eq!(rollback::late::replace(&resolved, run_id), meant.clone());
        prop_assert_eq!(template::settle(&resolved, run_id), meant);
    }

    #[test]
    fn text_without_names_is_left_as_it_is(text in "[^$]{0,40}") {
        prop_assert_eq!(template::resolve(&text, |_| None).unwrap(), text.clone());
        prop_assert_eq!(template::settle(&text, |_| Some("x".to_owned())), text);
    }
}
