//! What is generated from the table is in the repository as it would be generated now. To write
//! it anew: `ROLLBACK_WRITE_DOCS=1 cargo test documents`.

use std::fs;
use std::path::{Path, PathBuf};

use rollback::commands::schema::{Part, schema};
use rollback::runbook::schema::REFERENCE_MARK;

fn root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn is_current(file: &str, expected: &str) {
    let path = root(file);
    if std::env::var_os("ROLLBACK_WRITE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{file} is not current: ROLLBACK_WRITE_DOCS=1 cargo test documents");
}

#[test]
fn the_json_schemas_are_current() {
    is_current("docs/schema/runbook.json", &schema(Part::Runbook).unwrap());
    is_current("docs/schema/triggers.json", &schema(Part::Triggers).unwrap());
    is_current("docs/schema/rollback.json", &schema(Part::Settings).unwrap());
}

#[test]
fn the_reference_page_is_current() {
    let page = fs::read_to_string(root("docs/runbook-reference.md")).unwrap();
    let (introduction, _) =
        page.split_once(REFERENCE_MARK).expect("the mark of the generated part");
    is_current(
        "docs/runbook-reference.md",
        &format!("{introduction}{}", schema(Part::Reference).unwrap()),
    );
}

#[test]
fn every_runbook_names_its_schema() {
    let catalog = super::support::own();
    for entry in catalog.entries() {
        let text = fs::read_to_string(&entry.file).unwrap();
        let line = text.lines().next().unwrap();
        let schema = line.strip_prefix("# yaml-language-server: $schema=").unwrap();
        assert!(entry.file.parent().unwrap().join(schema).is_file(), "{}", entry.file.display());
    }
}

#[test]
fn every_example_of_the_guide_is_a_runbook_that_loads() {
    let guide = fs::read_to_string(root("docs/writing-runbooks.md")).unwrap();
    let examples: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|text| text.starts_with("apiVersion"))
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        super::support::runbook(example);
    }
}
