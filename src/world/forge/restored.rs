//! Restored already, or just as broken?
//!
//! When the paths are the same on the branch as on the good one, that alone says nothing: the good
//! branch may hold the broken content as well. They count as restored only when the branch's own
//! history shows it: when the commit that gave them this content does not take a restore back, and
//! - carries a `Rollback-Run` trailer, or
//! - is not in the good branch's history, and either has exactly the subject that this step would
//!   write, or brought back content that is the good branch's own: the commit that first gave it to
//!   the branch is in the good branch's history, and what stood there in between the branch had not
//!   had before. (Had it, then that was the way back, and this content has landed a second time.)
//!
//! Anything else is told as what it is: the good branch has the same content, nothing to restore.

use crate::facts::Known;

use super::Commit;
use super::cache::Repo;
use super::propose::TRAILER;

/// What git writes into the message of a revert, and of the revert of a revert.
const REVERTS: &str = "This reverts commit ";

/// A commit that touched the paths, with what then stood there.
type Version = (Commit, Vec<String>);

impl Repo {
    /// The commit that gave the paths the content that they have, and the same once more where it
    /// is known to be a restore. The history is newest first.
    pub(super) fn bringer(
        &self,
        history: &[Version],
        from: &str,
        subject: &str,
    ) -> Known<(Option<Commit>, Option<Commit>)> {
        let Some((_, now)) = history.first() else { return Ok((None, None)) };
        let run = history.iter().take_while(|(_, content)| content == now).count();
        let Some((maker, _)) = history[..run].last() else { return Ok((None, None)) };
        let restored = !self.takes_a_restore_back(&maker.sha)?
            && (self.is_ours(&maker.sha)?
                || self.is_by_hand(maker, &history[run..], now, from, subject)?);
        Ok((Some(maker.clone()), restored.then(|| maker.clone())))
    }

    /// Whether somebody restored the paths without us; `before` is what was before that.
    fn is_by_hand(
        &self,
        maker: &Commit,
        before: &[Version],
        now: &[String],
        from: &str,
        subject: &str,
    ) -> Known<bool> {
        if self.contains(from, &maker.sha)? {
            return Ok(false);
        }
        if !subject.is_empty() && maker.subject.trim() == subject.trim() {
            return Ok(true);
        }
        // The first time that the branch had this content.
        let Some(first) = before.iter().rposition(|(_, content)| content == now) else {
            return Ok(false);
        };
        let (between, elder) = (&before[..first], &before[first + 1..]);
        let landed_again = between
            .iter()
            .filter(|(_, content)| content != now)
            .any(|(_, content)| elder.iter().any(|(_, other)| other == content));
        Ok(!landed_again && self.contains(from, &before[first].0.sha)?)
    }

    /// Whether a commit reverts one that was a revert itself, or ours.
    fn takes_a_restore_back(&self, sha: &str) -> Known<bool> {
        for reverted in reverted_by(&self.message(sha)?) {
            if self.has(&reverted)
                && (!reverted_by(&self.message(&reverted)?).is_empty()
                    || self.is_ours(&reverted)?)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_ours(&self, sha: &str) -> Known<bool> {
        let format = format!("--format=%(trailers:key={TRAILER},valueonly)");
        Ok(!self.git.line(&["log", "-n", "1", &format, sha])?.trim().is_empty())
    }

    fn message(&self, sha: &str) -> Known<String> {
        self.git.line(&["log", "-n", "1", "--format=%B", sha])
    }
}

/// The commits that a message says are reverted.
fn reverted_by(message: &str) -> Vec<String> {
    let shas = message.lines().filter_map(|line| {
        let rest = line.trim().strip_prefix(REVERTS)?;
        let sha: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        (sha.len() >= 7).then_some(sha)
    });
    shas.collect()
}

#[cfg(test)]
mod tests {
    use super::reverted_by;

    #[test]
    fn what_a_revert_reverts_is_read_from_its_message() {
        let message = "Reapply \"feat: it\"\n\nThis reverts commit 0123456789abcdef.\n    x";
        assert_eq!(reverted_by(message), ["0123456789abcdef"]);
        let merge = "Revert\n\nThis reverts commit 0123456789, reversing\nchanges made to 1.";
        assert_eq!(reverted_by(merge), ["0123456789"]);
        assert!(reverted_by("feat: this reverts commit soon").is_empty());
    }
}
