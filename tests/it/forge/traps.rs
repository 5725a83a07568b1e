//! The operator's own repository and configuration: booby-trapped, and never set off. Environments
//! are prepared from outside: the inner tests run in a process of their own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rollback::facts::Unread;
use rollback::world::forge::{Forge, GitFact, Proposal, Proposed, Pushed, Question, Stamp, pushed};
use rollback::world::process::capture;

use super::remote::{FILE, Remote, executable};
use super::{ask, restore, revert};

/// Runs an inner test of this file in a process with another environment.
fn inner(name: &str, remote: &Remote, cwd: &Path, env: &[(&str, String)]) -> Output {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", &format!("forge::traps::{name}"), "--ignored", "--nocapture"])
        .current_dir(cwd)
        .env("ROLLBACK_TEST_REMOTE", remote.url())
        .env("ROLLBACK_TEST_CACHE", remote.cache())
        .envs(env.iter().map(|(name, value)| (*name, value.clone())))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// What an inner test works with; none when nobody prepared it.
fn prepared() -> Option<(String, Forge)> {
    let url = std::env::var("ROLLBACK_TEST_REMOTE").ok()?;
    let cache = std::env::var("ROLLBACK_TEST_CACHE").ok()?;
    Some((url, Forge::new(cache.into())))
}

/// Every file under a directory with its content.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                found.push((path.to_string_lossy().into_owned(), fs::read(&path).expect("read")));
            }
        }
    }
    found.sort();
    found
}

/// A configuration in which everything that can run a program does.
fn trapped_config(trap: &str, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "[user]\n name = Op\n email = op@test\n\
         [core]\n hooksPath = {dir}/hooks\n fsmonitor = {trap}\n attributesFile = {dir}/attributes\n\
         \tsshCommand = {trap}\n pager = {trap}\n editor = {trap}\n gitProxy = {trap}\n\
         \talternateRefsCommand = {trap}\n askPass = {trap}\n\
         [filter \"trap\"]\n clean = {trap}\n smudge = {trap}\n required = true\n\
         [merge \"trap\"]\n driver = {trap}\n\
         [diff]\n external = {trap}\n[diff \"trap\"]\n textconv = {trap}\n command = {trap}\n\
         [uploadpack]\n packObjectsHook = {trap}\n[init]\n templateDir = {dir}/template\n\
         [gpg]\n program = {trap}\n[commit]\n gpgSign = true\n[push]\n gpgSign = if-asked\n\
         [credential]\n helper = {trap}\n[sequence]\n editor = {trap}\n"
    )
}

#[test]
fn a_booby_trapped_operator_is_never_set_off() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "develop"]);
    remote.write(".gitattributes", "* filter=trap merge=trap diff=trap\n");
    remote.commit("chore: attributes");
    remote.push("develop");
    remote.git(&["checkout", "-q", "feat/migration"]);
    remote.git(&["merge", "-q", "-m", "Merge develop", "develop"]);
    remote.push("feat/migration");

    let home = remote.dir.path().join("home");
    let witness = remote.dir.path().join("witness");
    let trap = home.join("trap");
    executable(&trap, &format!("echo \"$0 $*\" >> '{}'; cat", witness.display()));
    for hook in
        ["post-checkout", "pre-push", "reference-transaction", "pre-commit", "post-index-change"]
    {
        for place in ["hooks", "template/hooks"] {
            executable(
                &home.join(place).join(hook),
                &format!("echo {hook} >> '{}'", witness.display()),
            );
        }
    }
    fs::write(home.join("attributes"), "* filter=trap merge=trap diff=trap\n").expect("written");
    let config = trapped_config(&trap.display().to_string(), &home);
    fs::write(home.join(".gitconfig"), &config).expect("written");
    // The operator's own tree, with uncommitted work and the same traps in its own configuration.
    let tree = remote.dir.path().join("operator");
    remote.run(remote.dir.path(), &["clone", "-q", &remote.url(), "operator"]);
    fs::write(tree.join("uncommitted"), "precious").expect("written");
    let own = fs::read_to_string(tree.join(".git/config")).expect("read");
    fs::write(tree.join(".git/config"), own + &config).expect("written");

    let env = [("HOME", home.display().to_string())];
    // The traps are live: ordinary git sets them off.
    let _ = Command::new("git")
        .args(["status"])
        .current_dir(&tree)
        .envs(env.clone())
        .env_remove("GIT_CONFIG_GLOBAL")
        .output();
    assert!(fs::read_to_string(&witness).is_ok_and(|text| text.contains("trap")), "no live traps");
    fs::remove_file(&witness).expect("removed");

    let before = contents(&tree);
    inner("inner_the_whole_life_of_a_step", &remote, &tree, &env);
    assert_eq!(fs::read_to_string(&witness).unwrap_or_default(), "", "something ran");
    assert!(contents(&tree) == before, "the operator's tree changed");
}

#[test]
#[ignore = "run by a test that prepares its environment"]
fn inner_the_whole_life_of_a_step() {
    let Some((url, forge)) = prepared() else { return };
    let answer = ask(&forge, &restore(&url, "feat/migration", "develop"));
    let Ok(GitFact::Restore(preview)) = answer else { panic!("{answer:?}") };
    let culprit = &preview.tip.parents[0];
    ask(&forge, &revert(&url, "feat/migration", culprit)).expect("an answer");
    let Question::Restore(question) = restore(&url, "feat/migration", "develop").question else {
        panic!("not a restore")
    };
    let proposal = Proposal::Restore { question, message: "rollback: it".to_owned() };
    let stamp =
        Stamp { text: "run/step".to_owned(), started_at: "2026-11-23T02:14:05Z".to_owned() };
    let Ok(Proposed::Ready { sha, .. }) = forge.propose(&url, &proposal, &stamp) else {
        panic!("not ready")
    };
    let captured = capture(&forge.push(&url, &sha, "feat/migration").expect("a push"));
    assert_eq!(pushed(&captured, &url), Pushed::Arrived);
    let dir = tempfile::tempdir().expect("a directory");
    forge.checkout(&url, &sha, &dir.path().join("checkout")).expect("a checkout");
    let text = fs::read_to_string(dir.path().join("checkout").join(FILE)).expect("the file");
    assert!(text.contains("good"), "{text}");
}

#[test]
fn what_the_operator_needs_to_reach_a_remote_still_works() {
    let remote = Remote::new();
    let home = remote.dir.path().join("home");
    fs::create_dir(&home).expect("a directory");
    let config =
        format!("[url \"{}\"]\n insteadOf = https://git.invalid/team/x.git\n", remote.url());
    fs::write(home.join("more"), config).expect("written");
    let include = "[includeIf \"hasconfig:remote.*.url:https://git.invalid/**\"]\n path = more\n";
    fs::write(home.join(".gitconfig"), include).expect("written");
    let env = [("HOME", home.display().to_string())];
    inner("inner_an_address_is_rewritten", &remote, remote.dir.path(), &env);
}

#[test]
#[ignore = "run by a test that prepares its environment"]
fn inner_an_address_is_rewritten() {
    let Some((_, forge)) = prepared() else { return };
    let url = "https://git.invalid/team/x.git";
    ask(&forge, &restore(url, "feat/migration", "develop")).expect("an answer");
}

#[test]
fn git_that_is_too_old_or_not_there_is_a_clear_sentence() {
    let remote = Remote::new();
    let bin = remote.dir.path().join("bin");
    executable(&bin.join("git"), "echo git version 2.34.1");
    let path = |dir: &Path| [("PATH", dir.display().to_string())];
    inner("inner_git_is_too_old", &remote, remote.dir.path(), &path(&bin));
    let none = remote.dir.path().join("none");
    inner("inner_git_is_not_there", &remote, remote.dir.path(), &path(&none));
}

fn complaint() -> Option<(String, String)> {
    let (url, forge) = prepared()?;
    let answer = ask(&forge, &restore(&url, "feat/migration", "develop"));
    let Err(Unread::Missing(why, Some(hint))) = answer else { panic!("{answer:?}") };
    Some((why, hint))
}

#[test]
#[ignore = "run by a test that prepares its environment"]
fn inner_git_is_too_old() {
    let Some((why, hint)) = complaint() else { return };
    assert!(why.contains("git version 2.34.1 is too old"), "{why}");
    assert_eq!(hint, "install git 2.40 or newer");
}

#[test]
#[ignore = "run by a test that prepares its environment"]
fn inner_git_is_not_there() {
    let Some((why, _)) = complaint() else { return };
    assert!(why.contains("`git` is not on the PATH"), "{why}");
}

#[test]
fn ssh_is_told_not_to_prompt_and_uses_the_operators_command() {
    let remote = Remote::new();
    let home = remote.dir.path().join("home");
    let witness = remote.dir.path().join("witness");
    let ssh = home.join("bin/ssh");
    executable(&ssh, &format!("echo \"$*\" >> '{}'; exit 255", witness.display()));
    fs::write(home.join(".gitconfig"), format!("[core]\n sshCommand = {} -i key\n", ssh.display()))
        .expect("written");
    let env = [("HOME", home.display().to_string())];
    inner("inner_ssh_is_asked", &remote, remote.dir.path(), &env);
    let said = fs::read_to_string(&witness).expect("ssh was run");
    assert!(said.contains("-i key -oBatchMode=yes -oConnectTimeout=10"), "{said}");
}

#[test]
#[ignore = "run by a test that prepares its environment"]
fn inner_ssh_is_asked() {
    let Some((_, forge)) = prepared() else { return };
    let answer = ask(&forge, &restore("git@host.invalid:team/x.git", "a", "b"));
    assert!(answer.is_err());
}
