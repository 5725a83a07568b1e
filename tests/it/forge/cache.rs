//! Our clones: private, shared between processes, rebuilt when broken.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use rollback::facts::Unread;
use rollback::world::forge::{Forge, Limits};

use super::remote::Remote;
use super::{ask, restore};

/// A way to break a clone.
type Breakage = fn(PathBuf);

fn clone_of(remote: &Remote) -> PathBuf {
    fs::read_dir(remote.cache())
        .expect("the cache")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.extension().is_some_and(|extension| extension == "git"))
        .expect("a clone")
}

#[test]
fn clones_are_private_and_hold_no_hooks() {
    let remote = Remote::new();
    let forge = Forge::new(remote.cache());
    assert!(!remote.cache().exists(), "made before it was needed");
    ask(&forge, &restore(&remote.url(), "feat/migration", "develop")).expect("an answer");
    for path in [remote.cache(), clone_of(&remote)] {
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{}", path.display());
    }
    assert!(!clone_of(&remote).join("hooks").exists());
}

#[test]
fn a_broken_clone_is_made_again() {
    let remote = Remote::new();
    let read = restore(&remote.url(), "feat/migration", "develop");
    let expected = ask(&Forge::new(remote.cache()), &read).expect("an answer");
    let breakages: [(&str, Breakage); 5] = [
        ("no objects", |dir| {
            fs::remove_dir_all(dir.join("objects")).expect("removed");
            fs::create_dir(dir.join("objects")).expect("made");
        }),
        ("no HEAD", |dir| fs::remove_file(dir.join("HEAD")).expect("removed")),
        ("a config of nonsense", |dir| fs::write(dir.join("config"), "[[[").expect("written")),
        ("emptied refs", |dir| {
            let branch = dir.join("refs/remotes/origin/feat/migration");
            fs::write(branch, "").expect("written");
        }),
        ("a file in its place", |dir| {
            fs::remove_dir_all(&dir).expect("removed");
            fs::write(dir, "").expect("written");
        }),
    ];
    for (what, breaks) in breakages {
        breaks(clone_of(&remote));
        let answer = ask(&Forge::new(remote.cache()), &read);
        assert_eq!(answer.as_ref(), Ok(&expected), "{what}");
    }
}

#[test]
fn objects_cut_short_are_fetched_again() {
    let remote = Remote::new();
    let read = restore(&remote.url(), "feat/migration", "develop");
    let expected = ask(&Forge::new(remote.cache()), &read).expect("an answer");
    let mut dirs = vec![clone_of(&remote).join("objects")];
    let mut cut = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
                fs::write(&path, "").expect("cut");
                cut += 1;
            }
        }
    }
    assert!(cut > 0);
    assert_eq!(ask(&Forge::new(remote.cache()), &read).as_ref(), Ok(&expected));
}

#[test]
fn a_branch_that_became_a_directory_of_branches_is_no_obstacle() {
    let remote = Remote::new();
    let forge = Forge::new(remote.cache());
    remote.bare(&["branch", "topic", "feat/migration"]);
    ask(&forge, &restore(&remote.url(), "topic", "develop")).expect("an answer");
    remote.bare(&["branch", "-m", "topic", "topic/one"]);
    let answer = ask(&forge, &restore(&remote.url(), "topic/one", "develop"));
    assert!(answer.is_ok(), "{answer:?}");
}

#[test]
fn many_at_once_share_one_clone() {
    let remote = Remote::new();
    let read = restore(&remote.url(), "feat/migration", "develop");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let handles: Vec<_> =
            (0..6).map(|_| scope.spawn(|| ask(&Forge::new(remote.cache()), &read))).collect();
        handles.into_iter().map(|handle| handle.join().expect("no panic")).collect()
    });
    for answer in &answers {
        assert_eq!(answer.as_ref().ok(), answers[0].as_ref().ok(), "{answer:?}");
        assert!(answer.is_ok(), "{answer:?}");
    }
}

#[test]
fn a_clone_that_another_process_keeps_is_waited_for_only_so_long() {
    let remote = Remote::new();
    let read = restore(&remote.url(), "feat/migration", "develop");
    let limits = Limits { ask: Duration::from_secs(2), ..Limits::default() };
    let forge = Forge::with_limits(remote.cache(), limits);
    ask(&forge, &read).expect("an answer");
    let lock = fs::File::open(clone_of(&remote).with_extension("lock")).expect("the lock");
    lock.lock().expect("locked");
    let Err(Unread::Unreachable(why)) = ask(&forge, &read) else { panic!("it did not wait") };
    assert!(why.contains("another process is busy with the clone"), "{why}");
    drop(lock);
    ask(&forge, &read).expect("an answer");
}
