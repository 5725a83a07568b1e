//! Scripts: that bash accepts them, and that they do what the steps do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rollback::draft::Draft;
use rollback::runbook::Settings;
use rollback::runbook::parameters::Parameters;
use rollback::script::{script, shell_quote};

use super::support::{own, runbook, settings, with_steps, write};

fn bash(dir: &Path, text: &str, answers: &str) -> Output {
    let file = write(dir, "script.sh", text.as_bytes());
    let path = format!("{}:{}", dir.join("bin").display(), std::env::var("PATH").unwrap());
    let mut child = Command::new("bash")
        .arg(file)
        .env("PATH", path)
        .env("LOG", dir.join("log"))
        .env("HOME", dir)
        .env("API_TOKEN", "s3cret")
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), answers.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "init.defaultBranch=main"];
    let out = Command::new("git")
        .args(identity)
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// A stand-in for a program: writes its arguments to the log, then does `body`.
fn stub(dir: &Path, name: &str, body: &str) {
    let text = format!("#!/usr/bin/env bash\nprintf '%s\\n' \"{name} $*\" >>\"$LOG\"\n{body}\n");
    let file = write(dir, &format!("bin/{name}"), text.as_bytes());
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A repository with a stable branch, and a migration branch on top of it.
fn repository(dir: &Path) -> String {
    let work = dir.join("work");
    fs::create_dir(&work).unwrap();
    git(&work, &["init", "-q"]);
    let commit = |file: &str, text: &str, message: &str| {
        write(&work, file, text.as_bytes());
        git(&work, &["add", "."]);
        git(&work, &["commit", "-qm", message]);
    };
    commit("app/core.py", "old", "first");
    write(&work, "deploy.sh", b"cat app/core.py >deployed; cp deployed \"$1\"\n");
    commit("app/other.py", "other", "feat: the stable one");
    git(&work, &["branch", "stable"]);
    git(&work, &["checkout", "-qb", "migration"]);
    write(&work, "app/new.py", b"added by the migration");
    commit("app/core.py", "new", "migrate");
    commit("app/other.py", "unrelated", "unrelated work");
    git(dir, &["clone", "-q", "--bare", "work", "origin.git"]);
    dir.join("origin.git").display().to_string()
}

fn make(steps: &str, given: &[&str]) -> String {
    let runbook = runbook(&with_steps(steps));
    let settings: Settings = settings();
    let parameters = Parameters::parse(given).unwrap();
    script(&Draft::new(&runbook, &settings, None, &parameters).unwrap())
}

fn show(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn every_script_of_this_catalog_is_accepted_by_bash() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = own();
    for entry in catalog.entries() {
        let (runbook, settings) = catalog.runbook(&entry.target).unwrap();
        for method in &runbook.methods {
            let mut given = vec!["repository=https://git/netra"];
            if method.name == "code" && runbook.parameters.contains_key("migration_commit") {
                given.push("migration_commit=abcd1234");
            }
            let parameters = Parameters::parse(&given).unwrap();
            let draft = Draft::new(&runbook, &settings, Some(&method.name), &parameters).unwrap();
            let file = write(dir.path(), "s.sh", script(&draft).as_bytes());
            let out = Command::new("bash").arg("-n").arg(file).output().unwrap();
            assert!(out.status.success(), "{}: {}", entry.target, show(&out));
        }
    }
}

#[test]
fn a_script_restores_files_and_deploys_the_pushed_commit() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let deployed = dir.path().join("result");
    let text = make(
        &format!(
            "      - id: restore\n        name: It's a restore\n        restore_files: {{ branch: migration, from: stable, paths: [app/core.py], message: \"it's back\" }}\n      - name: Deploy\n        command: [bash, deploy.sh, {}]\n        checkout: restore\n",
            deployed.display()
        ),
        &[&format!("repository={repository}")],
    );
    let out = bash(dir.path(), &text, "y\n");
    assert!(out.status.success(), "{}", show(&out));
    let origin = Path::new(&repository);
    assert_eq!(git(origin, &["show", "migration:app/core.py"]), "old");
    assert_eq!(git(origin, &["show", "migration:app/other.py"]), "unrelated");
    assert_eq!(git(origin, &["show", "migration:app/new.py"]), "added by the migration");
    let message = git(origin, &["log", "-1", "--format=%B", "migration"]);
    assert!(message.starts_with("it's back\n\nRollback-Run: script-"), "{message}");
    assert!(message.ends_with("/restore"), "{message}");
    assert_eq!(fs::read_to_string(deployed).unwrap(), "old");
    let before = git(origin, &["rev-parse", "migration"]);
    let again = bash(dir.path(), &text, "y\n");
    assert!(again.status.success() && show(&again).contains("already so"), "{}", show(&again));
    assert_eq!(git(origin, &["rev-parse", "migration"]), before);
}

#[test]
fn a_script_restores_a_directory_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let text = make(
        "      - name: R\n        restore_files: { branch: migration, from: stable, paths: app, message: m }\n",
        &[&format!("repository={repository}")],
    );
    assert!(bash(dir.path(), &text, "y\n").status.success());
    let origin = Path::new(&repository);
    assert_eq!(
        git(origin, &["rev-parse", "migration:app"]),
        git(origin, &["rev-parse", "stable:app"])
    );
}

#[test]
fn a_script_reverts_a_commit_and_refuses_one_that_is_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let origin = Path::new(&repository).to_owned();
    let commit = git(&origin, &["rev-parse", "migration~1"]);
    let steps = |branch: &str| {
        format!(
            "      - name: R\n        revert_commits: {{ branch: {branch}, commits: {commit} }}\n"
        )
    };
    let given = format!("repository={repository}");
    let out = bash(dir.path(), &make(&steps("stable"), &[&given]), "y\n");
    assert!(!out.status.success() && show(&out).contains("is not on stable"), "{}", show(&out));
    let out = bash(dir.path(), &make(&steps("migration"), &[&given]), "y\n");
    assert!(out.status.success(), "{}", show(&out));
    assert_eq!(git(&origin, &["show", "migration:app/core.py"]), "old");
    assert_eq!(git(&origin, &["ls-tree", "migration", "app/new.py"]), "");
    assert_eq!(git(&origin, &["show", "migration:app/other.py"]), "unrelated");
}

#[test]
fn a_script_makes_a_branch_at_the_one_commit_with_the_subject() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let steps = |subject: &str| {
        format!(
            "      - name: R\n        rollback_branch: {{ branch: \"back-${{run.stamp}}\", on: migration, subject: \"{subject}\" }}\n"
        )
    };
    let given = format!("repository={repository}");
    let out = bash(dir.path(), &make(&steps("feat: the stable one"), &[&given]), "y\n");
    assert!(out.status.success(), "{}", show(&out));
    let origin = Path::new(&repository);
    let branches = git(origin, &["for-each-ref", "--format=%(refname:short)", "refs/heads/back-*"]);
    assert_eq!(branches.lines().count(), 1);
    assert_eq!(git(origin, &["rev-parse", &branches]), git(origin, &["rev-parse", "stable"]));
    let out = bash(dir.path(), &make(&steps("feat: the stable"), &[&given]), "y\n");
    assert!(show(&out).contains("no commit on migration has the subject"), "{}", show(&out));
}

#[test]
fn a_script_stops_when_a_branch_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let repository = repository(dir.path());
    let text = make(
        "      - name: R\n        restore_files: { branch: nope, from: stable, paths: app, message: m }\n      - name: After\n        command: [touch, after]\n",
        &[&format!("repository={repository}")],
    );
    let out = bash(dir.path(), &text, "y\n");
    assert!(!out.status.success() && show(&out).contains("cannot be fetched"), "{}", show(&out));
    assert!(!dir.path().join("after").exists());
}

#[test]
fn a_script_patches_only_the_keys_and_refuses_a_misspelt_one() {
    let dir = tempfile::tempdir().unwrap();
    let kubectl = "case \"$*\" in *'get configmap'*) printf 'A\\nB\\n' ;; esac";
    stub(dir.path(), "kubectl", kubectl);
    let text = |key: &str| {
        make(
            &format!(
                "      - name: F\n        set_flags: {{ configmap: flags, flags: {{ {key}: \"it's\" }} }}\n      - name: R\n        restart: [deployment/a, deployment/b]\n"
            ),
            &[],
        )
    };
    let out = bash(dir.path(), &text("A"), "y\n");
    assert!(out.status.success(), "{}", show(&out));
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    insta::assert_snapshot!(log);
    let out = bash(dir.path(), &text("C"), "y\n");
    assert!(show(&out).contains("configmap/flags has no key C (it has: A B)"), "{}", show(&out));
}

#[test]
fn a_script_asks_for_health_several_times_in_a_row() {
    let dir = tempfile::tempdir().unwrap();
    // Wrong once between right answers: the row starts again.
    stub(
        dir.path(),
        "curl",
        "n=$(grep -c '^curl' \"$LOG\")\nif [ \"$n\" -eq 2 ]; then printf 302; else printf 200; fi",
    );
    stub(dir.path(), "sleep", ":");
    let text = make(
        "      - name: H\n        http: { url: \"${base_url}/health\", consecutive: 2, headers: { Authorization: \"Bearer ${token}\" } }\n        timeout: 30s\n",
        &[],
    );
    let out = bash(dir.path(), &text, "y\n");
    assert!(out.status.success(), "{}", show(&out));
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    assert_eq!(log.lines().filter(|line| line.starts_with("curl")).count(), 4, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn a_script_asks_the_operator_and_takes_no_for_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let text = make(
        "      - name: Look\n        manual: Is it so?\n      - name: After\n        shell: touch \"after $project\"\n        on_failure: continue\n        retry: { attempts: 2 }\n",
        &[],
    );
    for answers in ["", "n\n", "y\nn\n"] {
        assert!(!bash(dir.path(), &text, answers).status.success());
        assert!(!dir.path().join("after netra").exists());
    }
    let out = bash(dir.path(), &text, "y\ny\n");
    assert!(out.status.success(), "{}", show(&out));
    assert!(dir.path().join("after netra").exists());
}

#[test]
fn quoted_words_come_back_from_bash_as_they_were() {
    for word in ["", "a b", "it's", "$HOME", "`id`", "a\nb", "\"", "\\", "-n", "ä*?[", "!x", "~"] {
        let script = format!("printf %s {}", shell_quote(word));
        let out = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(out.stdout).unwrap(), word);
    }
}
