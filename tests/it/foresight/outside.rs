//! The rows of the table whose fault is in git, on this machine or behind a URL.

use super::super::forge::remote::{FILE, GOOD};
use super::row::{Known, RESTORE, Row, row};

const REVERT: &str = "      - { id: fault, name: Revert, revert_commits: { branch: feat/migration, commits: [\"@BROKEN\"] } }\n";
const BRANCH: &str = "      - { id: fault, name: Branch, rollback_branch: { branch: back-1, on: develop, subject: Start } }\n";
const DEPLOY: &str = "      - { id: restore, name: Restore, restore_files: { branch: feat/migration, from: develop, paths: [app/dispatcher.py], message: \"rollback: it\" } }\n      - { id: fault, name: Deploy, command: [sh, scripts/deploy.sh], checkout: restore }\n";

pub fn rows() -> Vec<Row> {
    let mut rows = git();
    rows.extend(here());
    rows
}

fn git() -> Vec<Row> {
    use Known::{Blocked, Nothing};
    vec![
        row("restore_files", "all is well", RESTORE, Nothing, |_| {}),
        row(
            "restore_files",
            "the branch is gone",
            "      - { id: fault, name: Restore, restore_files: { branch: feat/migratio, from: develop, paths: [app/dispatcher.py], message: m } }\n",
            Blocked,
            |_| {},
        ),
        row(
            "restore_files",
            "the good branch is gone",
            "      - { id: fault, name: Restore, restore_files: { branch: feat/migration, from: develo, paths: [app/dispatcher.py], message: m } }\n",
            Blocked,
            |_| {},
        ),
        row(
            "restore_files",
            "the path is misspelt",
            "      - { id: fault, name: Restore, restore_files: { branch: feat/migration, from: develop, paths: [app/dispatchr.py], message: m } }\n",
            Blocked,
            |_| {},
        ),
        row("restore_files", "the good branch is just as broken", RESTORE, Blocked, |stage| {
            let broken = super::super::forge::remote::BROKEN;
            stage.remote().elsewhere("develop", FILE, broken, "feat: merged");
        }),
        row("revert_commits", "all is well", REVERT, Nothing, |_| {}),
        row(
            "revert_commits",
            "the commit is unknown",
            "      - { id: fault, name: Revert, revert_commits: { branch: feat/migration, commits: [\"deadbeefdeadbeefdeadbeefdeadbeefdeadbeef\"] } }\n",
            Blocked,
            |_| {},
        ),
        row("revert_commits", "a later commit conflicts", REVERT, Blocked, |stage| {
            stage.remote().elsewhere("feat/migration", FILE, "def other(): pass\n", "On top");
        }),
        row(
            "revert_commits",
            "the repository is gone",
            "      - { id: fault, name: Revert, revert_commits: { branch: x, commits: [abcdef1], repository: \"@DIR/none.git\" } }\n",
            Blocked,
            |_| {},
        ),
        row("rollback_branch", "all is well", BRANCH, Nothing, |_| {}),
        row(
            "rollback_branch",
            "no commit has the subject",
            "      - { id: fault, name: Branch, rollback_branch: { branch: back-1, on: develop, subject: Stop } }\n",
            Blocked,
            |_| {},
        ),
        row("rollback_branch", "two commits have the subject", BRANCH, Blocked, |stage| {
            stage.remote().elsewhere("develop", "b", GOOD, "Start");
        }),
        row(
            "rollback_branch",
            "the branch exists elsewhere",
            "      - { id: fault, name: Branch, rollback_branch: { branch: back-1, on: feat/migration, commit: \"@BROKEN\" } }\n",
            Blocked,
            |stage| {
                stage.remote().elsewhere("develop", "b", GOOD, "Other");
                stage.remote().push("back-1");
            },
        ),
        row(
            "rollback_branch",
            "the branch it looks on is gone",
            "      - { id: fault, name: Branch, rollback_branch: { branch: back-1, on: develo, subject: Start } }\n",
            Blocked,
            |_| {},
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn here() -> Vec<Row> {
    use Known::{Blocked, CannotBeChecked, Nothing};
    vec![
        row(
            "command",
            "all is well",
            "      - { id: fault, name: Run, command: [\"true\"] }\n",
            Nothing,
            |_| {},
        ),
        row(
            "command",
            "the program is not installed",
            "      - { id: fault, name: Run, command: [no-such-program] }\n",
            Blocked,
            |_| {},
        ),
        row(
            "command",
            "its directory is gone",
            "      - { id: fault, name: Run, command: [\"true\"], cwd: none }\n",
            Blocked,
            |_| {},
        ),
        row(
            "command",
            "the script is not there",
            "      - { id: fault, name: Run, command: [sh, deploy.sh], cwd: src }\n",
            Blocked,
            |_| {},
        ),
        row(
            "command",
            "its own relative path is not there",
            "      - { id: fault, name: Run, command: [./deploy.sh], cwd: src }\n",
            Blocked,
            |_| {},
        ),
        row("command", "the checkout has the script", DEPLOY, Nothing, |stage| {
            stage.remote().elsewhere("feat/migration", "scripts/deploy.sh", "exit 0\n", "Add it");
        }),
        row("command", "the checkout has no such script", DEPLOY, Blocked, |_| {}),
        row(
            "command",
            "its probe cannot be started",
            "      - { id: fault, name: Run, command: [\"true\"], probe: [no-such-probe] }\n",
            CannotBeChecked,
            |_| {},
        ),
        row(
            "shell",
            "all is well",
            "      - { id: fault, name: Run, shell: \"exit 0\" }\n",
            Nothing,
            |_| {},
        ),
        row(
            "shell",
            "its directory is gone",
            "      - { id: fault, name: Run, shell: \"exit 0\", cwd: none }\n",
            Blocked,
            |_| {},
        ),
        row(
            "http",
            "all is well",
            "      - { id: fault, name: Ask, http: { url: \"@URL/health\" } }\n",
            Nothing,
            |_| {},
        ),
        row(
            "http",
            "the name does not resolve",
            "      - { id: fault, name: Ask, timeout: 300ms, http: { url: \"http://no-such-host.invalid/\" } }\n",
            CannotBeChecked,
            |_| {},
        ),
        row(
            "http",
            "nobody listens",
            "      - { id: fault, name: Ask, timeout: 300ms, http: { url: \"http://127.0.0.1:1/\" } }\n",
            CannotBeChecked,
            |_| {},
        ),
        row(
            "http",
            "TLS fails",
            "      - { id: fault, name: Ask, timeout: 300ms, http: { url: \"@TLS/\" } }\n",
            CannotBeChecked,
            |_| {},
        ),
        row(
            "http",
            "it wants a login",
            "      - { id: fault, name: Ask, timeout: 300ms, http: { url: \"@URL/login\" } }\n",
            CannotBeChecked,
            |stage| stage.endpoint.answers(|_| (302, String::new())),
        ),
        row(
            "http",
            "it is no URL",
            "      - { id: fault, name: Ask, timeout: 300ms, http: { url: \"http:///\" } }\n",
            Blocked,
            |_| {},
        ),
    ]
}
