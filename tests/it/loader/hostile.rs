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
    fn text_without_names_is_left_as_it_is(text in "[^$]{0,40}") {
        prop_assert_eq!(template::resolve(&text, |_| None).unwrap(), text.clone());
        prop_assert_eq!(template::settle(&text, |_| Some("x".to_owned())), text);
    }
}
