//! Who is told of a run, and what is left of telling them.

use crate::scenario::Scenario;

/// A component that fails and needs an approval; a program is told, and does this with it.
fn told(program: &str) -> Scenario {
    let scenario = Scenario::new();
    let program = program.replace("DIR", &scenario.path("").display().to_string());
    scenario
        .settings("apiVersion: rollback/v1\ncontext: test\nnamespace: shop\napprovals:\n  - { level: component, by: the lead }\n")
        .component(
            "one",
            "methods:\n  flag:\n    steps:\n      - name: One\n        command: [\"false\"]\n  code:\n    \
             steps:\n      - name: Deploy\n        command: [\"true\"]\n",
        )
        .file(
            "runbooks/triggers.yaml",
            &format!(
                "apiVersion: rollback/v1\ntriggers:\n  seen: {{ title: Seen, severity: red, reported: seen, \
                 rollback: component one }}\nnotifications:\n  - {{ name: program, exec: [sh, -c, \
                 \"{program}\"] }}\n"
            ),
        )
}

#[test]
fn whoever_is_told_of_broken_glass_is_told_why_and_that_the_approval_is_missing() {
    let scenario = told("cat >> DIR/told; echo >> DIR/told");
    let glass = ["--break-glass", "nobody answers", "--trigger", "seen"];
    scenario.run(&[&["component", "one", "--yes"][..], &glass].concat()).exits(1);
    let text = std::fs::read_to_string(scenario.path("told")).expect("told");
    let messages: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let occasions: Vec<&str> =
        messages.iter().filter_map(|message| message["occasion"].as_str()).collect();
    assert!(occasions.contains(&"start") && occasions.contains(&"verdict"), "{occasions:?}");
    for message in &messages {
        assert_eq!(message["break_glass"], "nobody answers");
        let text = message["text"].as_str().expect("text");
        let said = "BREAK GLASS, without the approval that it needs (nobody answers): rollback of";
        assert!(text.starts_with(said), "{text}");
    }
    let records = scenario.records();
    let offered = records.iter().find(|it| it["type"] == "escalation_offered").expect("offered");
    let command = offered["command"].to_string();
    assert!(command.contains("\"--trigger\",\"seen\""), "{command}");
}

#[test]
fn a_program_that_is_told_and_hangs_does_not_outlive_the_run() {
    // A child of its own, so that its whole group must end.
    let scenario = told("echo $$ >> DIR/group; sleep 300; sleep 301");
    scenario.run(&["component", "one", "--yes", "--break-glass", "x"]).exits(1);
    let groups = std::fs::read_to_string(scenario.path("group")).expect("it was told");
    for group in groups.lines() {
        assert_eq!(living(group), Vec::<String>::new(), "group {group}");
    }
}

/// The processes of a group that have not ended; one that nobody has reaped has.
fn living(group: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let stats = entries.filter_map(|it| std::fs::read_to_string(it.path().join("stat")).ok());
    let ours = |stat: &String| {
        let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |it| it.1).split(' ').collect();
        fields.get(2) == Some(&group) && !matches!(fields[0], "Z" | "X")
    };
    stats.filter(ours).collect()
}
