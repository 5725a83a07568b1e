//! Reading a journal back. A torn tail (a last line that was never finished) is dropped; any other
//! damage is refused, with what can still be read. Never panics, whatever the bytes.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{FILE, sum_of};
use crate::error::{Error, Exit, Result};
use crate::event::{Envelope, Record, VERSION};

/// A journal larger than this is not one of ours.
const CAP: u64 = 256 * 1024 * 1024;

/// What a journal held.
#[derive(Debug, Clone, Default)]
pub struct Read {
    /// The records, in order.
    pub records: Vec<Envelope>,
    /// Bytes of whole, valid lines.
    pub valid: u64,
    /// Bytes of an unfinished last line.
    pub torn: u64,
}

/// Damage: what is wrong, and the records before it.
#[derive(Debug, Clone)]
pub struct Damage {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
    /// What could be read before it.
    pub before: Vec<Envelope>,
}

/// Reads a journal; damage is an error that says where and how much can still be read.
pub fn read(path: &Path) -> Result<Read> {
    let bytes = load(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&bytes).and_then(Read::of_one_run).map_err(|damage| {
        if damage.why.starts_with(NEWER) {
            let text = format!("the journal cannot be read: {}: {}", path.display(), damage.why);
            let hint = "the run is not lost: go on with the version of rollback that wrote it";
            return Error::new(Exit::Unknown, text).hint(hint).into();
        }
        Error::new(
            Exit::Unknown,
            format!("the journal is damaged: {}:{}: {}", path.display(), damage.line, damage.why),
        )
        .hint(format!("{} records before the damage can still be read", damage.before.len()))
        .hint("a damaged journal is not resumed: look at the world, then start a new run")
        .into()
    })
}

/// How the sentence about a journal of the future begins.
const NEWER: &str = "it has format version";

fn load(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = super::own_file(&mut super::options(), path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(CAP).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Read {
    /// The same records, where they are those of one run from its start on.
    fn of_one_run(self) -> std::result::Result<Read, Damage> {
        let damaged = |line: usize, why: &str| {
            Err(Damage { line, why: why.to_owned(), before: self.records[..line - 1].to_vec() })
        };
        let Some(first) = self.records.first() else { return Ok(self) };
        if !matches!(first.record, Record::RunStarted(_)) {
            return damaged(1, "it is not the start of a run");
        }
        for (index, envelope) in self.records.iter().enumerate() {
            if envelope.run_id != first.run_id {
                return damaged(index + 1, "it belongs to another run");
            }
            if index > 0 && matches!(envelope.record, Record::RunStarted(_)) {
                return damaged(index + 1, "the run starts a second time");
            }
        }
        Ok(self)
    }
}

/// Parses the bytes of a journal.
pub fn parse(bytes: &[u8]) -> std::result::Result<Read, Damage> {
    let mut read = Read::default();
    let mut rest = bytes;
    let mut number = 0;
    while !rest.is_empty() {
        number += 1;
        let damaged =
            |why: String, read: &Read| Damage { line: number, why, before: read.records.clone() };
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            // No line end: torn, unless all of a record is there and only its line end is wrong.
            let whole = std::str::from_utf8(rest).is_ok_and(|text| line(text).is_ok());
            let spoilt = !whole
                && std::str::from_utf8(&rest[..rest.len() - 1])
                    .is_ok_and(|text| line(text).is_ok());
            if spoilt {
                return Err(damaged("its line end is spoilt".to_owned(), &read));
            }
            read.torn = rest.len() as u64;
            break;
        };
        let text = std::str::from_utf8(&rest[..end])
            .map_err(|_| damaged("it is not UTF-8".to_owned(), &read))?;
        let envelope = line(text).map_err(|why| damaged(why, &read))?;
        let expected = read.records.last().map_or(1, |last| last.seq + 1);
        if envelope.seq != expected {
            return Err(damaged(
                format!("it is record {} where {expected} should be", envelope.seq),
                &read,
            ));
        }
        read.records.push(envelope);
        read.valid += end as u64 + 1;
        rest = &rest[end + 1..];
    }
    Ok(read)
}

fn line(text: &str) -> std::result::Result<Envelope, String> {
    const TAIL: usize = r#","sum":"0123456789abcdef"}"#.len();
    let cut = text.len().checked_sub(TAIL).filter(|cut| text.is_char_boundary(*cut));
    let (body, tail) = cut.map(|cut| text.split_at(cut)).ok_or("it has no checksum")?;
    if tail != format!(",\"sum\":\"{}\"}}", sum_of(body)) {
        return Err("its checksum is wrong".to_owned());
    }
    let whole = format!("{body}}}");
    let version = serde_json::from_str::<Version>(&whole).map_err(|error| error.to_string())?;
    if version.v > VERSION {
        return Err(format!(
            "{NEWER} {}, this rollback reads up to {VERSION}: use a newer rollback",
            version.v
        ));
    }
    let mut envelope: Envelope = serde_json::from_str(&whole).map_err(|error| error.to_string())?;
    // Shown everywhere, cut at fixed places: a forged one must not hold escape sequences.
    envelope.ts = crate::terminal::sanitize::line(&envelope.ts);
    Ok(envelope)
}

#[derive(serde::Deserialize)]
struct Version {
    v: u32,
}

/// A run on the disk: its id, and its records or why they cannot be read.
pub struct Stored {
    /// The run.
    pub run_id: String,
    /// Its directory.
    pub dir: PathBuf,
    /// Its records.
    pub read: Result<Read>,
}

/// Reads the journal of a run, which must be where it belongs and the run's own.
pub fn read_run(state: &Path, run_id: &str) -> Result<Read> {
    let dir = super::run_dir(state, run_id);
    super::own_dirs(state, &dir)
        .with_context(|| format!("run {run_id} is not where it should be"))?;
    let read = read(&dir.join(FILE))?;
    match read.records.first() {
        Some(first) if first.run_id != run_id => Err(Error::new(
            Exit::Unknown,
            format!("the journal below {run_id} is that of another run"),
        )
        .into()),
        _ => Ok(read),
    }
}

/// All runs of a state directory, newest first.
pub fn runs(state: &Path) -> Result<Vec<Stored>> {
    let mut ids = run_ids(state)?;
    ids.reverse();
    Ok(ids
        .into_iter()
        .map(|run_id| {
            let dir = super::run_dir(state, &run_id);
            Stored { read: read_run(state, &run_id), run_id, dir }
        })
        .collect())
}

/// The ids of all runs of a state directory, oldest first.
pub fn run_ids(state: &Path) -> Result<Vec<String>> {
    let dir = state.join("runs");
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", dir.display())),
    };
    let mut ids: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join(FILE).is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_run_id(name))
        .collect();
    ids.sort();
    Ok(ids)
}

/// Whether a name can be that of a run; anything else in the directory is not ours.
fn is_run_id(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The run whose id is, begins or ends with `text`; `last` or nothing is the newest.
pub fn find_run(state: &Path, text: Option<&str>) -> Result<String> {
    let ids = run_ids(state)?;
    let Some(newest) = ids.last() else {
        return Err(Error::usage("there is no run yet").hint("start one: rollback list").into());
    };
    let text = text.filter(|text| *text != "last");
    let Some(text) = text else { return Ok(newest.clone()) };
    let matching: Vec<&String> =
        ids.iter().filter(|id| id.starts_with(text) || id.ends_with(text)).collect();
    match matching.as_slice() {
        [id] => Ok((*id).clone()),
        [] => Err(Error::usage(format!("there is no run `{text}`"))
            .hint("see them: rollback runs")
            .into()),
        many => Err(Error::usage(format!("`{text}` fits {} runs", many.len()))
            .hint("give more of the id; see them: rollback runs")
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Record;
    use crate::journal::{Journal, run_dir};

    fn sample(dir: &Path) -> (Vec<u8>, usize) {
        let mut journal = Journal::create(dir, "r1").expect("created");
        let start = crate::event::RunStarted::default();
        journal.append(Record::RunStarted(Box::new(start))).expect("appended");
        for number in 0..5 {
            let text = format!("why {number} ✓");
            journal
                .append(Record::Decision {
                    step: text,
                    choice: crate::event::Choice::Retry,
                    by: "prompt".into(),
                })
                .expect("appended");
        }
        journal.sync().expect("synced");
        (std::fs::read(run_dir(dir, "r1").join(FILE)).expect("read"), 6)
    }

    #[test]
    fn a_journal_cut_at_any_byte_loses_no_finished_line() {
        let dir = tempfile::tempdir().expect("dir");
        let (bytes, count) = sample(dir.path());
        for cut in 0..=bytes.len() {
            let read =
                parse(&bytes[..cut]).unwrap_or_else(|damage| panic!("{cut}: {}", damage.why));
            let lines = bytes[..cut].split(|byte| *byte == b'\n').count() - 1;
            assert_eq!(read.records.len(), lines, "cut at {cut}");
            assert_eq!(read.valid + read.torn, cut as u64);
        }
        assert_eq!(parse(&bytes).expect("whole").records.len(), count);
    }

    #[test]
    fn no_flipped_bit_is_accepted_in_silence() {
        let dir = tempfile::tempdir().expect("dir");
        let (bytes, count) = sample(dir.path());
        let mut accepted = Vec::new();
        for index in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[index / 8] ^= 1 << (index % 8);
            if parse(&flipped).is_ok_and(|read| read.torn == 0 || read.records.len() == count) {
                accepted.push(index);
            }
            if let Ok(read) = parse(&flipped)
                && read.records.len() + 1 < count
            {
                accepted.push(index);
            }
        }
        assert_eq!(accepted, Vec::<usize>::new(), "of {} bits", bytes.len() * 8);
    }

    #[test]
    fn a_torn_tail_is_cut_off_before_the_run_goes_on() {
        let dir = tempfile::tempdir().expect("dir");
        let (bytes, count) = sample(dir.path());
        let path = run_dir(dir.path(), "r1").join(FILE);
        std::fs::write(&path, &bytes[..bytes.len() - 5]).expect("torn");
        let (mut journal, records) = Journal::resume(dir.path(), "r1").expect("resumed");
        assert_eq!(records.len(), count - 1);
        journal
            .append(Record::BudgetExceeded { budget_ms: 1 })
            .and_then(|_| journal.sync())
            .expect("appended");
        assert_eq!(read(&path).expect("whole").records.len(), count);
    }

    #[test]
    fn a_second_writer_is_refused() {
        let dir = tempfile::tempdir().expect("dir");
        let first = Journal::create(dir.path(), "r1").expect("created");
        let error = Journal::resume(dir.path(), "r1").expect_err("refused");
        assert!(error.to_string().contains("is going on in another process"), "{error}");
        drop(first);
        assert!(Journal::resume(dir.path(), "r1").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn reading_any_bytes_never_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
