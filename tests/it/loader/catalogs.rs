//! Catalogs: finding, listing, one runbook of it, lint.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rollback::commands::history::History;
use rollback::commands::{Format, lint, list, show};
use rollback::error::Exit;
use rollback::runbook::catalog::Catalog;
use rollback::runbook::find::{Surroundings, catalog_in};
use rollback::runbook::parameters::Parameters;

use super::support::{HEAD, SETTINGS, component, directory, failure, own, with_steps, write};

const STEP: &str = "      - name: Look\n        manual: look\n";

fn named(name: &str) -> String {
    with_steps(STEP).replace("tool-dispatcher", name)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_typo_elsewhere_does_not_veto_a_rollback() {
    let dir = directory(&[
        ("rollback.yaml", SETTINGS),
        ("components/tool.yaml", &named("tool-dispatcher")),
        ("components/typo.yaml", &named("other").replace("manual", "manaul")),
        ("components/torn.yaml", "level: [\n"),
        ("components/twice.yaml", "apiVersion: rollback/v1\napiVersion: x\n"),
    ]);
    let catalog = Catalog::open(dir.path()).unwrap();
    let (runbook, settings) = catalog.runbook(&component("tool-dispatcher")).unwrap();
    assert_eq!(runbook.target, component("tool-dispatcher"));
    assert_eq!(settings.context.as_deref(), Some("staging"));
    assert_eq!(catalog.broken().len(), 2);
    let (exit, text) = failure(catalog.runbook(&component("other")));
    assert_eq!(exit, 3);
    assert!(text.contains("did you mean `manual`?"), "{text}");
}

#[test]
fn a_target_whose_file_is_broken_is_not_called_unknown() {
    let dir = directory(&[("a.yaml", &named("alpha")), ("beta.yaml", "level: [\n")]);
    let catalog = Catalog::open(dir.path()).unwrap();
    let (exit, text) = failure(catalog.runbook(&component("beta")));
    assert_eq!(exit, 3);
    assert!(text.contains("beta.yaml:") && text.contains("repair this file"), "{text}");
    let (exit, text) = failure(catalog.runbook(&component("gamma")));
    assert_eq!(exit, 2);
    assert!(text.contains("beta.yaml could not be read and was skipped"), "{text}");
}

#[test]
fn an_unknown_target_is_answered_with_the_ones_there_are() {
    let (exit, text) = failure(own().runbook(&component("tool-dipsatcher")));
    assert_eq!(exit, 2);
    insta::assert_snapshot!(text);
    let (_, text) = failure(own().runbook(&component("netra-backend")));
    assert!(text.contains("did you mean `service netra-backend`?"), "{text}");
}

#[test]
fn a_misspelt_level_is_answered_with_the_nearest() {
    let (exit, text) = failure(show::target("componet", Some("x")));
    assert_eq!((exit, text.contains("did you mean `component`?")), (2, true));
    assert!(show::target("system", None).is_ok());
    assert!(show::target("system", Some("other")).is_err());
    assert!(show::target("service", None).is_err());
}

#[test]
fn an_empty_catalog_is_one_clear_error() {
    let dir = directory(&[("rollback.yaml", SETTINGS), ("README.md", "x"), (".hidden.yaml", "x")]);
    let (exit, text) = failure(Catalog::open(dir.path()));
    assert_eq!(exit, 3);
    assert!(text.contains("has no runbooks"), "{text}");
    let (exit, _) = failure(Catalog::open(Path::new("/does/not/exist")));
    assert_eq!(exit, 2);
}

#[test]
fn what_everybody_may_write_is_not_carried_out() {
    let dir = directory(&[("a.yaml", &named("alpha")), ("b.yaml", &named("beta"))]);
    mode(&dir.path().join("a.yaml"), 0o666);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert_eq!(catalog.entries().len(), 1);
    assert!(catalog.broken()[0].help[0].starts_with("run: chmod o-w "));
    mode(dir.path(), 0o777);
    let (exit, text) = failure(Catalog::open(dir.path()));
    assert_eq!((exit, text.contains("chmod o-w")), (3, true), "{text}");
    mode(dir.path(), 0o755);
    write(dir.path(), "rollback.yaml", SETTINGS.as_bytes());
    mode(&dir.path().join("rollback.yaml"), 0o602);
    assert!(Catalog::open(dir.path()).unwrap().runbook(&component("beta")).is_err());
}

#[test]
fn a_link_out_of_the_catalog_is_refused_and_one_within_is_followed() {
    let outside = directory(&[("a.yaml", &named("alpha"))]);
    let dir = directory(&[("shelf/.kept/b.yaml", &named("beta"))]);
    symlink(outside.path().join("a.yaml"), dir.path().join("a.yaml")).unwrap();
    symlink("shelf/.kept/b.yaml", dir.path().join("b.yaml")).unwrap();
    let catalog = Catalog::open(dir.path()).unwrap();
    assert_eq!(catalog.entries()[0].target, component("beta"));
    assert!(catalog.broken()[0].message.contains("link out of the catalog"));
    assert!(catalog.runbook(&component("beta")).is_ok());
}

#[test]
fn the_catalog_is_found_as_git_finds_its_root() {
    let dir = directory(&[
        ("work/runbooks/rollback.yaml", SETTINGS),
        ("work/deep/er/x", ""),
        ("work/deep/runbooks/no-settings.yaml", ""),
        ("config/rollback/runbooks/x.yaml", ""),
    ]);
    let at = |cwd: &str| Surroundings {
        variable: None,
        cwd: dir.path().join(cwd),
        config: Some(dir.path().join("config")),
    };
    assert_eq!(catalog_in(&at("work")).unwrap(), Path::new("runbooks"));
    assert_eq!(catalog_in(&at("work/deep/er")).unwrap(), Path::new("../../runbooks"));
    let variable = Surroundings { variable: Some("/else".into()), ..at("work") };
    assert_eq!(catalog_in(&variable).unwrap(), Path::new("/else"));
    assert_eq!(catalog_in(&at("config")).unwrap(), dir.path().join("config/rollback/runbooks"));
    let nothing = Surroundings { config: None, ..at("config") };
    assert_eq!(failure(catalog_in(&nothing)).0, 2);
}

#[test]
fn two_files_for_one_target_are_refused() {
    let dir = directory(&[("a.yaml", &named("alpha")), ("b.yaml", &named("alpha"))]);
    let catalog = Catalog::open(dir.path()).unwrap();
    let (exit, text) = failure(catalog.runbook(&component("alpha")));
    assert_eq!((exit, text.contains("two files say they are `component alpha`")), (3, true));
}

#[test]
fn lint_reports_all_files_at_once_and_ends_with_3() {
    let dir = directory(&[
        (
            "rollback.yaml",
            "apiVersion: rollback/v1\nnamepsace: x\ncontacts:\n  - { team: a, role: Lead, contact: \"[CONTACT]\" }\n",
        ),
        ("a.yaml", &format!("{}service: netra-bakend\n", named("alpha"))),
        ("b.yaml", &named("alpha")),
        ("c.yaml", "level: [\n"),
        ("s.yaml", &named("netra-backend").replace("component", "service")),
        (
            "t.yaml",
            &format!(
                "{HEAD}methods:\n  flag:\n    budget: 30s\n    steps:\n      - name: Flags\n        set_flags: {{ configmap: c, flags: {{ A: \"x\" }} }}\n      - name: Run\n        command: [x]\n        timeout: 2m\nrecovered_when:\n  - manual: look\n"
            ),
        ),
    ]);
    let catalog = Catalog::open(dir.path()).unwrap();
    let linted = lint::lint(&catalog, Format::Text).unwrap();
    assert_eq!(linted.exit, Exit::InvalidRunbook);
    insta::assert_snapshot!(linted.text.replace(&*dir.path().to_string_lossy(), "DIR"));
    let json = lint::lint(&catalog, Format::Json).unwrap().text;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["errors"], 4);
}

#[test]
fn the_runbooks_of_this_repository_have_no_errors_and_only_the_source_s_own_gaps() {
    let catalog = own();
    assert!(catalog.broken().is_empty());
    assert_eq!(catalog.entries().len(), 7);
    for entry in catalog.entries() {
        catalog.runbook(&entry.target).unwrap_or_else(|error| panic!("{error}"));
    }
    let today = rollback::runbook::after::day_number("2026-11-24").unwrap();
    let found = rollback::runbook::lint::lint_on(&catalog, today);
    let messages: Vec<&str> = found.problems.iter().map(|p| p.message.as_str()).collect();
    // The source leaves its contacts and how its schema goes back open, and its review is overdue;
    // that is for its owners.
    let not_ready = "the method `database` cannot be run yet";
    let review = "reviewed on 2025-09-10; the next review was due on 2025-10-10";
    let contacts = "10 contacts say not how to reach them";
    assert_eq!(messages, [contacts, review, not_ready, not_ready]);
}

#[test]
fn the_list_has_eighty_columns_and_all_targets() {
    let text = list::list(&own(), Format::Text, &History::default()).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    insta::assert_snapshot!(text);
    let json: serde_json::Value =
        serde_json::from_str(&list::list(&own(), Format::Json, &History::default()).unwrap())
            .unwrap();
    assert_eq!(json["runbooks"][0]["methods"][0]["budget"], "30s");
}

#[test]
fn a_long_title_is_shortened_in_the_list() {
    let dir =
        directory(&[("a.yaml", &named("alpha").replace("Tool Dispatcher", &"Lang ".repeat(40)))]);
    let text =
        list::list(&Catalog::open(dir.path()).unwrap(), Format::Text, &History::default()).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn show_tells_what_a_runbook_does_and_what_it_still_needs() {
    let catalog = own();
    let target = component("agent-execution-core");
    let parameters = Parameters::parse(&["base_url=https://other"]).unwrap();
    let ask = show::Show { target: &target, method: None, parameters: &parameters, script: false };
    let text = show::show(&catalog, &ask, Format::Text).unwrap();
    let dir = env!("CARGO_MANIFEST_DIR");
    insta::assert_snapshot!(text.replace(dir, "DIR"));
    let json = show::show(&catalog, &ask, Format::Json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["drafts"][2]["steps"][0]["id"], "revert");
    assert_eq!(json["missing"][2][0], "migration_commit");
    let script = show::Show { method: Some("code"), script: true, ..ask };
    let (exit, text) = failure(show::show(&catalog, &script, Format::Text));
    assert_eq!(exit, 2);
    assert!(text.contains("--param migration_commit=VALUE"), "{text}");
}

#[test]
fn two_thousand_runbooks_are_listed_in_order() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..2000 {
        let name = format!("part-{number:04}");
        write(dir.path(), &format!("components/{name}.yaml"), named(&name).as_bytes());
    }
    let catalog = Catalog::open(dir.path()).unwrap();
    let names: Vec<&str> = catalog.entries().iter().map(|e| e.target.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() == 2000);
    let _: PathBuf = catalog.dir().to_owned();
}
