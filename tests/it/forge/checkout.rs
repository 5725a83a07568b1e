//! Checkouts: exactly the commit, in a directory of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rollback::error::{Error, Exit};
use rollback::world::forge::Forge;

use super::remote::{BROKEN, FILE, Remote, executable};

#[test]
fn a_checkout_holds_the_commit_and_knows_its_name() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "feat/migration"]);
    executable(&remote.work().join("deploy.sh"), "true");
    std::os::unix::fs::symlink("deploy.sh", remote.work().join("link")).expect("a link");
    let sha = remote.commit("feat: deploy");
    remote.push("feat/migration");
    let dir = remote.dir.path().join("private/checkout");
    let refs = remote.refs();
    let notes = Forge::new(remote.cache()).checkout(&remote.url(), &sha, &dir).expect("a checkout");
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(fs::read_to_string(dir.join(FILE)).expect("the file"), BROKEN);
    let mode = |path: &str| fs::metadata(dir.join(path)).expect("it is there").permissions().mode();
    assert_eq!(mode("deploy.sh") & 0o111, 0o111);
    assert_eq!(mode(".") & 0o777, 0o700);
    assert!(fs::symlink_metadata(dir.join("link")).expect("a link").is_symlink());
    assert_eq!(remote.run(&dir, &["rev-parse", "HEAD"]), sha);
    assert_eq!(remote.run(&dir, &["status", "--porcelain"]), "");
    assert_eq!(remote.refs(), refs);
}

#[test]
fn what_a_checkout_leaves_out_is_told() {
    let remote = Remote::new();
    remote.git(&["checkout", "-q", "feat/migration"]);
    remote.write(".gitattributes", "*.bin filter=lfs\n");
    remote.write("a.bin", "version https://git-lfs.github.com/spec/v1\n");
    let inner = remote.git(&["rev-parse", "HEAD"]);
    remote.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{inner},vendor/x")]);
    std::fs::create_dir_all(remote.work().join("vendor/x")).expect("a directory");
    remote.git(&["add", ".gitattributes", "a.bin"]);
    remote.git(&["commit", "-q", "-m", "feat: big files"]);
    let sha = remote.git(&["rev-parse", "HEAD"]);
    remote.push("feat/migration");
    let dir = remote.dir.path().join("checkout");
    let notes = Forge::new(remote.cache()).checkout(&remote.url(), &sha, &dir).expect("a checkout");
    assert!(notes[0].starts_with("1 submodules"), "{notes:?}");
    assert!(notes[1].contains("filters do not run"), "{notes:?}");
}

#[test]
fn a_checkout_overwrites_nothing_and_says_what_it_cannot_find() {
    let remote = Remote::new();
    let forge = Forge::new(remote.cache());
    let sha = remote.tip("develop");
    let dir = remote.dir.path().join("mine");
    fs::create_dir(&dir).expect("a directory");
    fs::write(dir.join("precious"), "x").expect("a file");
    let error = forge.checkout(&remote.url(), &sha, &dir).expect_err("it is not empty");
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(fs::read_dir(&dir).expect("a directory").count(), 1);
    let unknown = "0123456789012345678901234567890123456789";
    let other = remote.dir.path().join("other");
    let error = forge.checkout(&remote.url(), unknown, &other).expect_err("it is not there");
    let error = error.downcast_ref::<Error>().expect("an error of ours");
    assert_eq!(error.exit, Exit::StepFailed);
    assert!(error.message.contains("does not have this commit"), "{error}");
    assert!(forge.checkout(&remote.url(), "--help", &other).is_err());
}
