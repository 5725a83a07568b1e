//! What a survey reads of a remote, and what it says when it cannot.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rollback::facts::Unread;
use rollback::world::forge::{Built, Forge, GitFact, Limits, PushRight};

use super::remote::{BROKEN, FILE, GOOD, PATIENCE, Remote};
use super::{ask, branch, restore, revert};
use crate::scenario::Endpoint;

#[test]
fn a_survey_answers_every_question_and_changes_no_ref_of_the_remote() {
    let remote = Remote::new();
    let url = remote.url();
    let culprit = remote.tip("feat/migration");
    let before = remote.refs();
    let reads = [
        restore(&url, "feat/migration", "develop"),
        revert(&url, "feat/migration", &culprit[..7]),
        branch(&url, "feat/migration", &culprit),
    ];
    let answers = Forge::new(remote.cache()).read(&reads);
    assert_eq!(remote.refs(), before);
    let Ok(GitFact::Restore(restored)) = &answers[0] else { panic!("{:?}", answers[0]) };
    let Ok(GitFact::Revert(reverted)) = &answers[1] else { panic!("{:?}", answers[1]) };
    let Ok(GitFact::Branch(branch)) = &answers[2] else { panic!("{:?}", answers[2]) };
    let (Built::Change(a), Built::Change(b)) = (&restored.built, &reverted.built) else {
        panic!("no change")
    };
    assert_eq!((&a.tree, &a.patch_id), (&b.tree, &b.patch_id));
    assert_eq!((a.files.len(), a.files[0].lines), (1, Some((1, 1))));
    assert_eq!(reverted.commits[0].subject, "feat: migrate the dispatcher");
    assert_eq!(restored.push, PushRight::Open);
    assert_eq!((&branch.commit.sha, branch.contained), (&culprit, true));
}

#[test]
fn a_second_survey_sees_what_changed_meanwhile() {
    let remote = Remote::new();
    let forge = Forge::new(remote.cache());
    let read = restore(&remote.url(), "feat/migration", "develop");
    ask(&forge, &read).expect("an answer");
    let tip = remote.elsewhere("feat/migration", "new", "new\n", "feat: new");
    let Ok(GitFact::Restore(preview)) = ask(&forge, &read) else { panic!("no answer") };
    assert_eq!(preview.tip.sha, tip);
    // Taken back by force: the old tip is no longer what counts.
    remote.bare(&["update-ref", "refs/heads/feat/migration", &format!("{tip}^")]);
    let Ok(GitFact::Restore(preview)) = ask(&forge, &read) else { panic!("no answer") };
    assert_ne!(preview.tip.sha, tip);
}

#[test]
fn good_content_can_come_from_a_tag_or_from_a_commit_that_no_asked_branch_has() {
    let remote = Remote::new();
    remote.git(&["tag", "-a", "v1", "-m", "v1", "origin/develop"]);
    remote.git(&["push", "-q", "origin", "v1"]);
    let elder = remote.elsewhere("develop", FILE, BROKEN, "feat: broken here too");
    let good = remote.bare(&["rev-parse", &format!("{elder}^")]);
    let aside = remote.elsewhere("feat/migration", FILE, GOOD, "aside");
    remote.bare(&["update-ref", "refs/heads/aside", &aside]);
    remote.bare(&["update-ref", "refs/heads/feat/migration", &format!("{aside}^")]);
    let forge = Forge::new(remote.cache());
    for from in ["v1", &good, &good[..9], &aside[..9], &aside] {
        let answer = ask(&forge, &restore(&remote.url(), "feat/migration", from));
        let Ok(GitFact::Restore(preview)) = answer else { panic!("{from}: {answer:?}") };
        assert!(matches!(preview.built, Built::Change(_)), "{from}: {:?}", preview.built);
    }
    let unknown = "0123456789012345678901234567890123456789";
    let answer = ask(&forge, &restore(&remote.url(), "feat/migration", unknown));
    assert!(matches!(answer, Err(Unread::Missing(..))), "{answer:?}");
}

#[test]
fn a_shallow_remote_is_refused() {
    let remote = Remote::new();
    remote.elsewhere("feat/migration", "README.md", "later\n", "docs: later");
    let culprit = remote.tip("feat/migration");
    let shallow = remote.dir.path().join("shallow.git").to_string_lossy().into_owned();
    let url = format!("file://{}", remote.url());
    remote.run(
        remote.dir.path(),
        &["clone", "-q", "--bare", "--depth", "1", "-b", "feat/migration", &url, &shallow],
    );
    let forge = Forge::new(remote.cache());
    for url in [shallow.clone(), format!("file://{shallow}")] {
        for _ in 0..2 {
            let answer = ask(&forge, &revert(&url, "feat/migration", &culprit));
            let Err(Unread::Missing(why, Some(_))) = answer else { panic!("{answer:?}") };
            assert!(why.contains("is a shallow clone"), "{why}");
        }
    }
}

#[test]
fn a_remote_that_never_answers_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let remote = Remote::new();
    let limits = Limits { ask: Duration::from_millis(700), ..Limits::default() };
    let forge = Forge::with_limits(remote.cache(), limits);
    let url = format!("http://someone:s3cr3t@127.0.0.1:{port}/x.git");
    let begun = Instant::now();
    let answer = ask(&forge, &restore(&url, "a", "b"));
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    let Err(Unread::Unreachable(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("in time") && !why.contains("s3cr3t"), "{why}");
}

#[test]
fn a_remote_that_is_not_there_is_told_from_one_that_refuses_connections() {
    let remote = Remote::new();
    let forge = Forge::new(remote.cache());
    let nowhere = remote.dir.path().join("nowhere.git").to_string_lossy().into_owned();
    let answer = ask(&forge, &restore(&nowhere, "a", "b"));
    assert!(matches!(answer, Err(Unread::Missing(..))), "{answer:?}");
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("its address").port()
    };
    let answer = ask(&forge, &restore(&format!("http://me:t0ken@127.0.0.1:{port}/x"), "a", "b"));
    let Err(Unread::Unreachable(why)) = answer else { panic!("{answer:?}") };
    assert!(!why.contains("t0ken"), "{why}");
    let answer = ask(&forge, &restore("ext::sh -c 'touch /tmp/never'", "a", "b"));
    assert!(matches!(answer, Err(Unread::Missing(..))), "{answer:?}");
}

#[test]
fn one_repository_that_fails_does_not_keep_the_others_from_answering() {
    let remote = Remote::new();
    let nowhere = remote.dir.path().join("nowhere.git").to_string_lossy().into_owned();
    let answers = Forge::new(remote.cache()).read(&[
        restore(&nowhere, "feat/migration", "develop"),
        restore(&remote.url(), "feat/migration", "develop"),
        restore(&remote.url(), "no-such", "develop"),
    ]);
    assert!(answers[0].is_err() && answers[1].is_ok() && answers[2].is_err(), "{answers:?}");
}

#[test]
fn an_empty_repository_has_no_branches() {
    let remote = Remote::empty();
    let answer = ask(&Forge::new(remote.cache()), &restore(&remote.url(), "main", "develop"));
    let Err(Unread::Missing(_, Some(hint))) = answer else { panic!("{answer:?}") };
    assert_eq!(hint, "the repository has no branches");
}

#[test]
fn a_repository_with_long_ids_is_a_repository() {
    let remote = Remote::with_format("sha256");
    let culprit = remote.tip("feat/migration");
    assert_eq!(culprit.len(), 64);
    let forge = Forge::new(remote.cache());
    let url = remote.url();
    for read in [
        restore(&url, "feat/migration", "develop"),
        revert(&url, "feat/migration", &culprit),
        branch(&url, "feat/migration", &culprit[..10]),
    ] {
        let answer = ask(&forge, &read);
        assert!(answer.is_ok(), "{answer:?}");
    }
}

#[test]
fn a_web_page_is_no_empty_repository_and_a_missing_login_is_said() {
    let remote = Remote::new();
    let forge = Forge::new(remote.cache());
    for page in ["<html><body>Sign in</body></html>", "<html>\n<body>Sign in</body>\n</html>\n", ""]
    {
        let server = Endpoint::new(move |_| (200, page.to_owned()));
        let answer = ask(&forge, &restore(&server.url("/x.git"), "a", "b"));
        let Err(Unread::Missing(why, Some(hint))) = answer else { panic!("{page}: {answer:?}") };
        assert!(why.contains("does not speak git"), "{why}");
        assert!(hint.contains("a login page"), "{hint}");
    }
    let server = Endpoint::status(401);
    let answer = ask(&forge, &restore(&server.url("/x.git"), "a", "b"));
    let Err(Unread::Forbidden(why)) = answer else { panic!("{answer:?}") };
    assert!(why.contains("refused us"), "{why}");
}
