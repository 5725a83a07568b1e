//! The catalog: where it is, what is in it, and one runbook of it. A broken file never vetoes the
//! runbook next to it.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::find;
use super::head::{self, Head};
use super::load::{self, Loaded};
use super::model::{Level, Runbook, Settings, Target};
use super::names::Known;
use super::problem::{self, Problem};
use super::trusted::{by_all, read, unreadable, within, writable};
use super::watching::Watching;
use crate::error::{Error, Result, nearest};

/// The file that the runbooks of a catalog share.
pub const SETTINGS: &str = "rollback.yaml";
/// The file that says when to roll back.
pub const TRIGGERS: &str = "triggers.yaml";
/// How deep directories are looked into.
const DEPTH: usize = 8;
/// How many directories are held open while their files are read.
const OPEN_DIRS: usize = 64;
/// From so many files on, their heads are read on several threads.
const MANY: usize = 500;

/// A runbook as a list shows it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it rolls back.
    pub target: Target,
    /// For people.
    pub title: String,
    /// The methods in order, with their budgets.
    pub methods: Vec<(String, Option<Duration>)>,
    /// Its file.
    pub file: PathBuf,
}

/// A directory of runbooks.
#[derive(Debug, Clone)]
pub struct Catalog {
    dir: PathBuf,
    entries: Vec<Entry>,
    broken: Vec<Problem>,
    colour: bool,
}

impl Catalog {
    /// Where the catalog is: `--runbooks`, `$ROLLBACK_RUNBOOKS`, the nearest `runbooks/` upwards
    /// with a `rollback.yaml`, `$XDG_CONFIG_HOME/rollback/runbooks`.
    pub fn find(given: Option<&Path>) -> Result<PathBuf> {
        find::catalog(given)
    }

    /// What a command line needs to find this catalog again from here: nothing, where it is found
    /// by itself.
    pub fn flags(&self) -> Vec<String> {
        let real = |dir: &Path| fs::canonicalize(dir).ok();
        let by_itself = find::catalog(None).ok().and_then(|dir| real(&dir));
        if by_itself.is_some() && by_itself == real(&self.dir) {
            return Vec::new();
        }
        let dir = std::path::absolute(&self.dir).unwrap_or_else(|_| self.dir.clone());
        vec!["--runbooks".to_owned(), dir.display().to_string()]
    }

    /// What is in a directory: the head of every runbook, by level and name.
    pub fn open(dir: &Path) -> Result<Catalog> {
        let mut catalog =
            Catalog { dir: dir.to_owned(), entries: Vec::new(), broken: Vec::new(), colour: false };
        let root = fs::canonicalize(dir).and_then(|root| Ok((fs::metadata(&root)?, root)));
        let (meta, root) = match root {
            Ok((meta, root)) if meta.is_dir() => (meta, root),
            Ok(_) => {
                let message = format!("the catalog `{}` is not a directory", dir.display());
                return Err(Error::usage(message).hint("name the directory of runbooks").into());
            }
            Err(error) => {
                let message = format!("the catalog `{}` cannot be opened: {error}", dir.display());
                let hint = "name the directory of runbooks: `--runbooks DIR`";
                return Err(Error::usage(message).hint(hint).into());
            }
        };
        if let Some(problem) = writable(dir, by_all(&meta)) {
            return Err(problem::error(&[problem], false).into());
        }
        let mut found = Found::default();
        catalog.walk(dir, 0, &mut found);
        for head in found.heads(&root) {
            match head {
                Ok(entry) => catalog.entries.push(entry),
                Err(problem) => catalog.broken.push(problem),
            }
        }
        if catalog.entries.is_empty() && catalog.broken.is_empty() {
            let message = format!("the catalog `{}` has no runbooks", dir.display());
            let hint = format!(
                "add one, `{}` say, or name another catalog: `--runbooks DIR`",
                dir.join("components/NAME.yaml").display()
            );
            return Err(Error::invalid(message).hint(hint).into());
        }
        catalog.entries.sort_by(|a, b| (&a.target, &a.file).cmp(&(&b.target, &b.file)));
        catalog.broken.sort_by(|a, b| a.place.file.cmp(&b.place.file));
        Ok(catalog)
    }

    /// The same, whose errors are rendered in colour.
    #[must_use]
    pub fn coloured(mut self, colour: bool) -> Catalog {
        self.colour = colour;
        self
    }

    /// Whether errors are rendered in colour.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The runbooks, by level and name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The files that could not even be listed, one problem each.
    pub fn broken(&self) -> &[Problem] {
        &self.broken
    }

    /// `rollback.yaml`; nothing is set where there is none.
    pub fn settings(&self) -> Result<Settings> {
        self.load_settings().into_result(self.colour)
    }

    /// `rollback.yaml`, with everything that is wrong with it.
    pub fn load_settings(&self) -> Loaded<Settings> {
        let file = self.dir.join(SETTINGS);
        if matches!(fs::symlink_metadata(&file), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
        {
            let mut settings = Settings::default();
            settings.place.file = file;
            return Loaded { value: Some(settings), problems: Vec::new() };
        }
        match self.bytes(&file) {
            Ok(bytes) => load::settings(&file, &bytes),
            Err(problem) => Loaded { value: None, problems: vec![problem] },
        }
    }

    /// `triggers.yaml`; nothing where there is none.
    pub fn watching(&self, settings: &Settings) -> Result<Watching> {
        self.load_watching(&Known::of(settings)).into_result(self.colour)
    }

    /// `triggers.yaml`, with everything that is wrong with it.
    pub fn load_watching(&self, known: &Known) -> Loaded<Watching> {
        let file = self.dir.join(TRIGGERS);
        if matches!(fs::symlink_metadata(&file), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
        {
            return Loaded { value: Some(Watching::default()), problems: Vec::new() };
        }
        match self.bytes(&file) {
            Ok(bytes) => load::watching(&file, &bytes, known),
            Err(problem) => Loaded { value: None, problems: vec![problem] },
        }
    }

    /// One runbook with what it shares; only these two files need to be valid.
    pub fn runbook(&self, target: &Target) -> Result<(Runbook, Settings)> {
        let mut found = self.entries.iter().filter(|entry| entry.target == *target);
        let entry = found.next().ok_or_else(|| self.unknown(target))?;
        if let Some(second) = found.next() {
            let message = format!(
                "two files say they are `{target}`: {} and {}",
                entry.file.display(),
                second.file.display()
            );
            return Err(Error::invalid(message).hint("rename or remove one of them").into());
        }
        let settings = self.settings()?;
        let bytes =
            self.bytes(&entry.file).map_err(|problem| problem::error(&[problem], self.colour))?;
        let loaded = load::runbook(&entry.file, &bytes, &Known::of(&settings));
        Ok((loaded.into_result(self.colour)?, settings))
    }

    /// A file of the catalog.
    pub fn bytes(&self, file: &Path) -> std::result::Result<Vec<u8>, Problem> {
        if fs::symlink_metadata(file).is_ok_and(|meta| meta.is_symlink()) {
            let root = fs::canonicalize(&self.dir).map_err(|error| unreadable(file, error))?;
            within(file, &root)?;
        }
        let mut bytes = Vec::new();
        read(rustix::fs::CWD, file, file, &mut bytes)?;
        Ok(bytes)
    }

    /// No runbook has this target: what the operator may have meant.
    fn unknown(&self, target: &Target) -> Error {
        let stem = |problem: &&Problem| {
            problem.place.file.file_stem().is_some_and(|stem| *stem == *target.name.as_str())
        };
        if let Some(problem) = self.broken.iter().find(stem) {
            let error = problem::error(std::slice::from_ref(problem), self.colour);
            return error.hint(format!("repair this file to roll back `{target}`"));
        }
        let mut error = Error::usage(format!("there is no runbook for `{target}`"));
        let same = |entry: &&Entry| entry.target.name == target.name;
        if let Some(entry) = self.entries.iter().find(same) {
            error = error.hint(format!("did you mean `{}`?", entry.target));
        } else {
            let names = |level: Option<Level>| {
                let here =
                    self.entries.iter().filter(move |e| level.is_none_or(|l| e.target.level == l));
                here.map(|entry| entry.target.name.as_str())
            };
            let near = nearest(&target.name, names(Some(target.level)))
                .or_else(|| nearest(&target.name, names(None)));
            if let Some(entry) =
                near.and_then(|near| self.entries.iter().find(|e| e.target.name == near))
            {
                error = error.hint(format!("did you mean `{}`?", entry.target));
            }
        }
        let targets: Vec<String> =
            self.entries.iter().take(20).map(|entry| entry.target.to_string()).collect();
        if !targets.is_empty() {
            let more = if self.entries.len() > 20 { ", … (`rollback list` has all)" } else { "" };
            error = error.hint(format!("the targets are: {}{more}", targets.join(", ")));
        }
        for problem in self.broken.iter().take(5) {
            error = error.hint(format!(
                "{} could not be read and was skipped: {}",
                problem.place.file.display(),
                problem.message
            ));
        }
        error
    }

    /// Every YAML file below a directory.
    fn walk(&mut self, dir: &Path, depth: usize, found: &mut Found) {
        let opened = File::open(dir).and_then(|handle| Ok((handle, fs::read_dir(dir)?)));
        let (handle, entries) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let message = format!("the directory cannot be read: {error}");
                return self.broken.push(Problem::of_file(dir, message).help("check its mode"));
            }
        };
        let here = (found.dirs.len() < OPEN_DIRS).then(|| {
            found.dirs.push(handle);
            found.dirs.len() - 1
        });
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            let path = dir.join(name);
            if kind.is_dir() {
                let by_all = entry.metadata().is_ok_and(|meta| by_all(&meta));
                match writable(&path, by_all) {
                    Some(problem) => self.broken.push(problem),
                    None if depth < DEPTH => self.walk(&path, depth + 1, found),
                    None => {}
                }
            } else if is_yaml(name) && !(depth == 0 && (name == SETTINGS || name == TRIGGERS)) {
                found.files.push(Candidate { path, dir: here, link: kind.is_symlink() });
            }
        }
    }
}

/// A file that looks like a runbook.
struct Candidate {
    path: PathBuf,
    /// Its directory among the open ones.
    dir: Option<usize>,
    link: bool,
}

/// What a walk found. Files are opened by name in their open directory: over thousands of them
/// that is much of the time.
#[derive(Default)]
struct Found {
    dirs: Vec<File>,
    files: Vec<Candidate>,
}

impl Found {
    /// The heads of all files; of very many on several threads.
    fn heads(&self, root: &Path) -> Vec<std::result::Result<Entry, Problem>> {
        let threads = if self.files.len() < MANY {
            1
        } else {
            std::thread::available_parallelism().map_or(1, usize::from).min(4)
        };
        let some = |files: &[Candidate]| {
            let mut buffer = Vec::new();
            files.iter().map(|file| self.head(file, root, &mut buffer)).collect::<Vec<_>>()
        };
        if threads == 1 {
            return some(&self.files);
        }
        let (mine, others) = self.files.split_at(self.files.len().div_ceil(threads));
        std::thread::scope(|scope| {
            let chunks = others.chunks(mine.len());
            let workers: Vec<_> = chunks.map(|files| scope.spawn(move || some(files))).collect();
            let mut heads = some(mine);
            for worker in workers {
                match worker.join() {
                    Ok(more) => heads.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            heads
        })
    }

    fn head(
        &self,
        file: &Candidate,
        root: &Path,
        buffer: &mut Vec<u8>,
    ) -> std::result::Result<Entry, Problem> {
        if file.link {
            within(&file.path, root)?;
        }
        match (file.dir, file.path.file_name()) {
            (Some(dir), Some(name)) => {
                read(self.dirs[dir].as_fd(), Path::new(name), &file.path, buffer)?;
            }
            _ => read(rustix::fs::CWD, &file.path, &file.path, buffer)?,
        }
        let Head { target, title, methods } = head::read(&file.path, buffer)?;
        Ok(Entry { target, title, methods, file: file.path.clone() })
    }
}

fn is_yaml(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("yaml" | "yml"))
}
