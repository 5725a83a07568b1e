//! Drafts: methods, parameters, what stays late.

use rollback::draft::Draft;
use rollback::runbook::parameters::Parameters;
use rollback::runbook::{Action, Level, Target};

use super::support::{component, failure, own, runbook, settings, with_steps};

fn draft(target: &Target, method: Option<&str>, given: &[&str]) -> anyhow::Result<Draft> {
    let (runbook, settings) = own().runbook(target)?;
    Draft::new(&runbook, &settings, method, &Parameters::parse(given)?)
}

#[test]
fn the_first_method_is_drafted_with_the_defaults_of_the_catalog() {
    let draft = draft(&component("tool-dispatcher"), None, &[]).unwrap();
    assert_eq!((draft.method.as_str(), draft.namespace.as_str()), ("flag", "default"));
    assert_eq!(draft.context.as_deref(), Some("netra-staging"));
    assert_eq!(draft.repository, None);
    assert_eq!(draft.methods, ["flag", "config", "code"]);
    assert_eq!(draft.service.as_deref(), Some("netra-backend"));
    let Action::SetFlags(flags) = &draft.steps[0].action else { panic!() };
    assert_eq!(flags.configmap.as_deref(), Some("migration-flags"));
    let Action::Http(http) = &draft.recovered_when[0].action else { panic!() };
    assert_eq!(http.url, "https://staging.netra.ai/health/agents");
    assert!(!draft.parameters.contains_key("project"));
    let back: Draft = serde_json::from_value(serde_json::to_value(&draft).unwrap()).unwrap();
    assert_eq!(back.steps[0].id, "turn-the-migration-flag-off");
}

#[test]
fn what_only_the_run_knows_stays_in_the_texts() {
    let system = Target { level: Level::System, name: "system".to_owned() };
    let draft = draft(&system, Some("code"), &["repository=/srv/netra.git"]).unwrap();
    let Action::RollbackBranch(branch) = &draft.steps[0].action else { panic!() };
    assert_eq!(branch.branch, "migration-rollback-${run.stamp}");
    assert_eq!(draft.repository.as_deref(), Some("/srv/netra.git"));
}

#[test]
fn parameters_are_asked_for_only_by_the_method_that_uses_them() {
    let target = component("agent-execution-core");
    assert!(draft(&target, Some("flag"), &[]).is_ok());
    let (exit, text) = failure(draft(&target, Some("code"), &[]));
    assert_eq!(exit, 2);
    insta::assert_snapshot!(text);
    assert!(draft(&target, Some("code"), &["repository=/r", "migration_commit=abc1234"]).is_ok());
}

#[test]
fn wrong_parameters_and_methods_are_usage_errors_with_the_right_ones() {
    let target = component("agent-execution-core");
    let said = |method: &str, given: &[&str]| {
        let (exit, text) = failure(draft(&target, Some(method), given));
        assert_eq!(exit, 2);
        text
    };
    let shown = [
        said("cod", &[]),
        said("database", &[]),
        said("flag", &["base-url=https://x"]),
        said("flag", &["base_url=staging"]),
        said("flag", &["base_url"]),
        said("flag", &["context=a", "context=b"]),
        said("flag", &["context=--help"]),
        said("flag", &["context=a\nb"]),
        said("code", &["repository=--upload-pack=x", "migration_commit=HEAD"]),
    ];
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn a_script_gets_the_parameters_it_mentions_in_its_environment() {
    let runbook = runbook(&with_steps(
        "      - name: Run\n        shell: echo \"$project\" ${HOME} \"${base_url%/}\"\n        env: { TOKEN: \"${token}\" }\n",
    ));
    let draft = Draft::new(&runbook, &settings(), None, &Parameters::default()).unwrap();
    let Action::Command(command) = &draft.steps[0].action else { panic!() };
    assert_eq!(command.env["project"], "netra");
    assert_eq!(command.env["base_url"], "https://staging");
    assert_eq!(command.env["TOKEN"], "${token}");
    assert_eq!(command.env.len(), 3);
    assert!(draft.secrets.contains_key("token") && !draft.parameters.contains_key("token"));
}
