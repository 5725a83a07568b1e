//! What the monitor must remember across restarts: every rollback that it began, a JSON line each,
//! synced before the rollback starts. What cannot be read takes away the leave to act.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::decide::Fired;
use crate::journal::{own_file, private_dir};

/// The file of one environment.
#[derive(Debug)]
pub struct Memory {
    file: File,
    /// Where it is.
    pub path: PathBuf,
}

impl Memory {
    /// Opens the memory of an environment; gives what was done before.
    pub fn open(state: &Path, environment: &str) -> io::Result<(Memory, Vec<Fired>)> {
        let dir = state.join("watch");
        private_dir(state)?;
        private_dir(&dir)?;
        let safe: String = environment
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .collect();
        let path = dir.join(format!("{safe}.jsonl"));
        let file = own_file(OpenOptions::new().create(true).append(true).read(true), &path)?;
        // One monitor a catalog: two would each do what is to be done once.
        file.try_lock().map_err(io::Error::from)?;
        let mut text = fs::read_to_string(&path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            // The last line was cut off: its rollback may have begun.
            text.push('\n');
        }
        let fired = text.lines().map(line).collect::<io::Result<Vec<Fired>>>()?;
        File::open(&dir)?.sync_all()?;
        Ok((Memory { file, path }, fired))
    }

    /// Remembers a rollback, durably, before it begins.
    pub fn remember(&mut self, fired: &Fired) -> io::Result<()> {
        let line =
            json!({"v": 1, "trigger": fired.trigger, "revision": fired.revision, "at": fired.at});
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.file.sync_all()
    }
}

fn line(text: &str) -> io::Result<Fired> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "the monitor's memory is damaged");
    let value: Value = serde_json::from_str(text).map_err(|_| broken())?;
    let field = |name: &str| value[name].as_str().map(str::to_owned).ok_or_else(broken);
    if value["v"] != 1 {
        return Err(broken());
    }
    Ok(Fired {
        trigger: field("trigger")?,
        revision: field("revision")?,
        at: value["at"].as_u64().ok_or_else(broken)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_remembered_is_there_again_and_damage_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let state = dir.path().join("state");
        let fired = Fired { trigger: "errors".into(), revision: "app:1".into(), at: 7 };
        let (mut memory, before) = Memory::open(&state, "test/shop").expect("opened");
        assert!(before.is_empty());
        memory.remember(&fired).expect("remembered");
        let path = memory.path.clone();
        assert!(Memory::open(&state, "test/shop").is_err(), "there is one monitor");
        drop(memory);
        assert_eq!(Memory::open(&state, "test/shop").expect("opened").1, [fired]);
        fs::write(&path, "{\"v\":1,\"trig").expect("written");
        assert!(Memory::open(&state, "test/shop").is_err());
    }
}
