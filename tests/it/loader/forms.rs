//! What is said about the form of a file: encoding, YAML, keys, kinds.

use super::support::{HEAD, directory, load, said, said_of, with_steps, write};
use rollback::runbook::catalog::Catalog;

const MANUAL: &str = "      - name: Look\n        manual: look\n";

#[test]
fn a_file_that_is_not_plain_utf8_yaml_gets_one_clear_error() {
    let deep = format!("{HEAD}methods: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let mut latin = HEAD.as_bytes().to_vec();
    latin.extend(b"description: caf\xe9\n");
    let mut utf16: Vec<u8> = vec![0xff, 0xfe];
    utf16.extend(HEAD.encode_utf16().flat_map(u16::to_le_bytes));
    let shown = [
        ("nested", said(deep)),
        ("latin 1", said(latin)),
        ("utf-16", said(utf16)),
        ("empty", said("")),
        ("only a comment", said("# nothing\n")),
        ("two documents", said(format!("{}---\na: b\n", with_steps(MANUAL)))),
        ("a tab", said("apiVersion: rollback/v1\nmethods:\n\tflag: x\n")),
        ("an open quote", said("apiVersion: \"rollback/v1\nlevel: component\n")),
        ("a colon too many", said("title: a: b\n")),
        ("a list", said("- a\n- b\n")),
        ("a text", said("hello")),
        ("a tag", said(with_steps("      - name: !!str x\n        manual: !custom y\n"))),
        ("a merge key", said(format!("x: &x {{ a: b }}\n<<: *x\n{HEAD}"))),
        ("a list as a key", said("? [a]\n: b\n")),
        ("an escape sequence", said("apiVersion: rollback/v1\n\"\\e[2J\": x\n")),
    ];
    let text: Vec<String> =
        shown.iter().map(|(name, text)| format!("# {name}\n{text}\n")).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_file_of_ten_megabytes_is_refused_without_being_read() {
    let dir = directory(&[("ok.yaml", &with_steps(MANUAL))]);
    write(dir.path(), "large.yaml", "# padding\n".repeat(1 << 20).as_bytes());
    let catalog = Catalog::open(dir.path()).unwrap();
    assert_eq!(catalog.entries().len(), 1);
    assert_eq!(
        catalog.broken()[0].message,
        "the file has 10240 KiB; a file of the catalog has at most 1 MiB"
    );
}

#[test]
fn aliases_cannot_blow_a_file_up() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text.extend([format!("a{level}: &a{level} [{items}]\n")]);
    }
    let many = format!("x: &x 1\ny: [{}]\n", vec!["*x"; 101].join(", "));
    let shown = [said(text), said(many), said("a: &a [*a]\n")].join("\n\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_few_aliases_are_fine() {
    let text = with_steps(
        "      - { name: A, restart: &pods [deployment/a] }\n      - { name: B, restart: *pods }\n",
    );
    assert!(load(text.as_bytes()).value.is_some());
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_key() {
    let text = format!("\u{feff}{}", with_steps(MANUAL));
    assert!(load(text.as_bytes()).value.is_some());
}

#[test]
fn windows_line_ends_are_read_like_others() {
    let loaded = load(with_steps(MANUAL).replace('\n', "\r\n").as_bytes());
    assert_eq!(loaded.value.unwrap().title, "Tool Dispatcher");
}

#[test]
fn misspelt_and_misplaced_keys_are_named_with_what_was_meant() {
    let top = |line: &str| format!("{}{line}\n", with_steps(MANUAL));
    insta::assert_snapshot!(said_of(&[
        ("a key", top("servcie: x")),
        ("a key nothing is near to", top("zzz: x")),
        ("a key twice", top("title: again")),
        ("a method", format!("{HEAD}methods:\n  flags:\n    steps:\n{MANUAL}")),
        ("no methods", HEAD.to_owned()),
        ("methods as a list", format!("{HEAD}methods:\n  - flag\n")),
        ("no steps", format!("{HEAD}methods:\n  flag: {{}}\n")),
        ("empty steps", format!("{HEAD}methods:\n  flag:\n    steps: []\n")),
        ("a kind", with_steps("      - name: A\n        restrat: deployment/a\n")),
        ("a kind nothing is near to", with_steps("      - name: A\n        launch: x\n")),
        ("no kind", with_steps("      - name: A\n        timeout: 5s\n")),
        ("two kinds", with_steps("      - name: A\n        manual: x\n        wait: 5s\n")),
        ("a step that is a text", with_steps("      - restart\n")),
        ("a step without a name", with_steps("      - manual: x\n")),
        (
            "env beside a restart",
            with_steps("      - { name: A, restart: deployment/a, env: {A: b} }\n")
        ),
        ("a wait in a criterion", top("recovered_when:\n  - wait: 5s")),
        ("two checks", top("recovered_when:\n  - { manual: a, shell: b }")),
        ("a level", with_steps(MANUAL).replace("component", "componnent")),
        ("a version", with_steps(MANUAL).replace("v1", "v2")),
        ("a name", with_steps(MANUAL).replace("tool-dispatcher", "Tool_Dispatcher")),
        ("no name", with_steps(MANUAL).replace("name: tool-dispatcher\n", "")),
        ("a system with a name", with_steps(MANUAL).replace("component", "system"),),
        ("a service of a service", top("service: x").replace("component", "service"),),
    ]));
}

#[test]
fn every_error_of_a_file_is_reported_at_once() {
    let text = with_steps(
        "      - name: Réparer ${base_ulr}\n        restart: deploymnt/x\n        timeout: 5min\n\
         \x20     - naem: B\n        set_flags:\n          configmap: c\n          flags: { A: false }\n",
    );
    insta::assert_snapshot!(said(format!("{text}servcie: x\n")));
}

#[test]
fn an_error_in_colour_says_the_same() {
    let loaded = load(with_steps("      - name: A\n        wait: 5\n").as_bytes());
    let (plain, colour) = (loaded.problems[0].render(false), loaded.problems[0].render(true));
    assert!(!plain.contains('\u{1b}') && colour.contains('\u{1b}'));
    assert_eq!(console::strip_ansi_codes(&colour).replace(' ', ""), plain.replace(' ', ""));
}
