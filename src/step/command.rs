//! `command` and `shell`: a Change where a probe can show the effect, a Check where it changes
//! nothing, else a Fire.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::facts::{Facts, Probe, Read};
use crate::journal::Permit;
use crate::late;
use crate::runbook::{Command, CommandForm};
use crate::step::{Doing, Done, Effect, Forecast, Nature, Outputs};
use crate::world::forge::Forge;
use crate::world::hands::Hands;
use crate::world::leftovers::Room;
use crate::world::process::{Ending, Invocation, capture, find_program, is_on_the_path};

/// How long a probe may take.
const PROBE: Duration = Duration::from_secs(10);
/// How many lines of a failed command's output are shown.
const DETAIL: usize = 12;

/// What it is to the world.
pub fn nature(spec: &Command) -> Nature {
    if spec.check {
        Nature::Check
    } else if spec.probe.is_some() {
        Nature::Change
    } else {
        Nature::Fire
    }
}

/// The argv that runs it.
pub fn argv(spec: &Command) -> Vec<String> {
    match &spec.form {
        CommandForm::Argv(argv) => argv.clone(),
        CommandForm::Shell(text) => {
            ["bash", "-euo", "pipefail", "-c", text].map(str::to_owned).to_vec()
        }
    }
}

/// Where its program is, and its probe's answer where it can be asked beforehand.
pub fn reads(spec: &Command) -> Vec<Read> {
    let mut reads = Vec::new();
    let argv = argv(spec);
    if let Some(program) = argv.first().filter(|program| !in_directory(spec, program)) {
        reads.push(Read::Program(program.clone()));
    }
    reads.extend(local_file(spec).map(Read::File));
    reads.extend(early_probe(spec).map(Read::Probe));
    reads
}

/// A relative path with a slash is looked for where the command runs.
fn in_directory(spec: &Command, program: &str) -> bool {
    let elsewhere = spec.checkout.is_some() || spec.cwd.is_some();
    elsewhere && program.contains('/') && !program.starts_with('/')
}

/// Whether a program cannot do without the file that its first argument names. A shell may look for
/// a bare name on the PATH as well, and node adds an extension.
fn reads_first_argument(program: &str, argument: &str) -> bool {
    match program.rsplit('/').next().unwrap_or(program) {
        "python" | "python3" | "ruby" | "perl" => true,
        "bash" | "sh" => argument.contains('/') || !is_on_the_path(argument),
        "node" => Path::new(argument).extension().is_some(),
        _ => false,
    }
}

/// The file without which the command cannot even start: itself, or the script of an interpreter.
pub(crate) fn needed_file(spec: &Command) -> Option<&str> {
    let CommandForm::Argv(argv) = &spec.form else { return None };
    let program = argv.first()?;
    let file = if in_directory(spec, program) {
        program
    } else {
        let word = argv.get(1).filter(|word| !word.is_empty() && !word.starts_with('-'))?;
        Some(word).filter(|word| reads_first_argument(program, word))?
    };
    late::names(file).is_empty().then_some(file)
}

/// That file, where it is one of this machine.
fn local_file(spec: &Command) -> Option<PathBuf> {
    let file = needed_file(spec)?;
    let cwd = spec.cwd.as_deref().unwrap_or_default();
    (spec.checkout.is_none() && late::names(cwd).is_empty()).then(|| Path::new(cwd).join(file))
}

/// Whether a file is there; the survey's read.
pub fn find_file(path: &Path) -> crate::facts::Known<()> {
    match std::fs::metadata(path) {
        Ok(meta) if meta.is_file() || path.join("__main__.py").is_file() => Ok(()),
        Ok(_) => {
            let text = format!("{} is not a file", path.display());
            Err(crate::facts::Unread::Missing(text, None))
        }
        Err(error) => {
            let text = format!("{} cannot be read: {error}", path.display());
            Err(crate::facts::Unread::Missing(text, None))
        }
    }
}

/// The probe, where it needs nothing that only exists during the run: no secret, no commit.
fn early_probe(spec: &Command) -> Option<Probe> {
    let argv = spec.probe.clone()?;
    let late = argv.iter().chain(spec.env.values()).any(|text| !late::names(text).is_empty());
    let (cwd, env) = (spec.cwd.clone(), spec.env.clone());
    (!late && spec.checkout.is_none()).then_some(Probe { argv, cwd, env })
}

/// What it will find.
pub fn forecast(spec: &Command, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let argv = argv(spec);
    if let Some(program) = argv.first()
        && let Some(Err(why)) = facts.programs.get(program)
    {
        forecast.block(
            why.sentence(),
            Some(format!("install {program}, or run from a machine that has it")),
        );
    }
    if let Some(cwd) = spec.cwd.as_deref().filter(|_| spec.checkout.is_none())
        && late::names(cwd).is_empty()
        && !Path::new(cwd).is_dir()
    {
        forecast.block(format!("its directory {cwd} does not exist"), None);
    } else if let Some(file) = local_file(spec)
        && let Some(Err(why)) = facts.files.get(&file)
    {
        let hint = match &spec.cwd {
            Some(cwd) => format!("paths are looked for in its directory, {cwd}"),
            None => "run from the directory that has it, or give the step a `cwd`".to_owned(),
        };
        forecast.block(why.sentence(), Some(hint));
    }
    if let (Some(_), Some(probe)) = (&spec.checkout, &spec.probe)
        && let Some(program) = probe.first().filter(|it| it.contains('/') && !it.starts_with('/'))
    {
        let why = format!("its probe {program} cannot start: a probe does not run in the checkout");
        forecast.block(why, Some("name a program of the PATH, or a whole path".to_owned()));
    }
    if let Some(step) = &spec.checkout {
        forecast.evidence.push(format!("in a fresh checkout of what step `{step}` pushes"));
    }
    if let Some(probe) = early_probe(spec) {
        match facts.probes.get(&probe) {
            Some(Ok(true)) => {
                forecast.already_there = true;
                forecast.evidence.push(format!("its probe passes: {}", probe.argv.join(" ")));
            }
            Some(Ok(false)) => {
                forecast.evidence.push(format!("its probe fails now: {}", probe.argv.join(" ")));
            }
            Some(Err(why)) => forecast.uncheckable(
                format!("its probe cannot be asked: {}", why.sentence()),
                Some("the step can still run; a resume will have to ask you".to_owned()),
            ),
            None => {}
        }
    }
    forecast
}

/// Runs it.
pub fn perform(spec: &Command, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let directory = match directory(spec, doing, hands) {
        Ok(directory) => directory,
        Err(done) => return done,
    };
    let mut invocation = Invocation::new(argv(spec), doing.timeout);
    invocation.cwd = Some(directory.path());
    invocation.env = environment(spec, doing);
    let captured = hands.run(permit, &[invocation]).remove(0);
    let shown = short(&argv(spec));
    match captured.ending {
        Ending::Exit(0) => Done::well(format!("{shown}: exit 0")),
        Ending::TimedOut => Done {
            outcome: crate::event::Outcome::TimedOut,
            why: format!(
                "`{shown}` did not end within {}; it was ended with all its children",
                humantime::format_duration(doing.limit)
            ),
            detail: last_lines(&captured.stderr, &captured.stdout),
            outputs: Outputs::new(),
        },
        Ending::Interrupted => Done {
            outcome: crate::event::Outcome::Interrupted,
            why: format!("`{shown}` was ended before it was done"),
            detail: last_lines(&captured.stderr, &captured.stdout),
            outputs: Outputs::new(),
        },
        ending => Done::badly(
            format!("`{shown}` failed: {}", ending.phrase()),
            last_lines(&captured.stderr, &captured.stdout),
        ),
    }
}

/// Asks its probe; a Fire has none.
pub fn look(spec: &Command, doing: &Doing) -> Effect {
    let Some(probe) = &spec.probe else {
        return Effect::Unanswerable("it has no probe, so nothing can tell".to_owned());
    };
    let mut invocation = Invocation::new(probe.clone(), PROBE);
    invocation.cwd = Some(here(spec)).filter(|_| spec.checkout.is_none());
    invocation.env = own_environment(spec, doing);
    let captured = capture(&invocation);
    let shown = short(probe);
    match captured.ending {
        Ending::Exit(0) => Effect::Present(format!("its probe passes: {shown}"), Outputs::new()),
        Ending::Exit(code) => Effect::Missing(format!("its probe says no (exit {code}): {shown}")),
        ending => Effect::Unanswerable(format!("its probe `{shown}`: {}", ending.phrase())),
    }
}

/// Where a command without a checkout runs: as in a script, where the operator is.
pub(crate) fn here(spec: &Command) -> PathBuf {
    let current = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    current.join(spec.cwd.as_deref().unwrap_or_default())
}

/// Where a command runs.
enum Directory {
    Given(PathBuf),
    /// Removed when the command has ended.
    Checkout(Room, PathBuf),
}

impl Directory {
    fn path(&self) -> PathBuf {
        match self {
            Directory::Given(path) => path.clone(),
            Directory::Checkout(dir, below) => dir.path().join("tree").join(below),
        }
    }
}

fn directory(spec: &Command, doing: &Doing, hands: &mut Hands) -> Result<Directory, Done> {
    let failed = |why: String| Done::badly(why, Vec::new());
    let Some(step) = &spec.checkout else {
        return Ok(Directory::Given(here(spec)));
    };
    let sha = doing.outputs.get(step).and_then(|outputs| outputs.get("sha")).ok_or_else(|| {
        failed(format!("step `{step}` has pushed no commit, so there is nothing to check out"))
    })?;
    let repository = doing
        .checkout
        .clone()
        .ok_or_else(|| failed(format!("no repository is named for step `{step}`")))?;
    hands.progress(&format!("checking out {}", sha.get(..8).unwrap_or(sha)));
    let dir = Room::new("checkout")
        .map_err(|error| failed(format!("no directory for the checkout: {error}")))?;
    let (forge, tree): (Forge, PathBuf) = (doing.reader.forge.clone(), dir.path().join("tree"));
    let commit = sha.clone();
    hands
        .aside(move || forge.checkout(&repository, &commit, &tree))
        .map_err(|ending| Done::called_off("the command was not started", &ending))?
        .map_err(|error| failed(format!("{sha} could not be checked out: {error:#}")))?;
    Ok(Directory::Checkout(dir, PathBuf::from(spec.cwd.clone().unwrap_or_default())))
}

/// What it is given beside the reduced environment; for a script also the parameters.
fn environment(spec: &Command, doing: &Doing) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    if matches!(spec.form, CommandForm::Shell(_)) {
        environment.extend(doing.parameters.clone());
    }
    environment.extend(own_environment(spec, doing));
    environment
}

/// Its own env with secrets filled in, which its probe has as well, and what names run and step.
fn own_environment(spec: &Command, doing: &Doing) -> BTreeMap<String, String> {
    let own = spec.env.iter().map(|(name, value)| {
        let value = late::replace(value, |secret| doing.secrets.get(secret).cloned());
        (name.clone(), value)
    });
    let mut environment = BTreeMap::from([
        ("ROLLBACK_RUN_ID".to_owned(), doing.mark.run_id.clone()),
        ("ROLLBACK_STEP".to_owned(), doing.mark.step_id.clone()),
    ]);
    environment.extend(own);
    environment
}

/// The argv as one line that fits.
pub fn short(argv: &[String]) -> String {
    let line = match argv {
        [bash, flags, option, c, script]
            if bash == "bash" && flags == "-euo" && option == "pipefail" && c == "-c" =>
        {
            format!("shell: {}", script.lines().next().unwrap_or_default())
        }
        _ => argv.join(" "),
    };
    let mut short: String = line.chars().take(60).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    short
}

/// What the command said last: its stderr, else its stdout.
fn last_lines(stderr: &[u8], stdout: &[u8]) -> Vec<String> {
    let said = if stderr.iter().all(u8::is_ascii_whitespace) { stdout } else { stderr };
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(DETAIL)..]
        .iter()
        .map(|line| crate::terminal::sanitize::line(line))
        .collect()
}

/// Where a program is; the survey's read.
pub fn locate(program: &str) -> crate::facts::Known<PathBuf> {
    find_program(program).ok_or_else(|| {
        let why = match Path::new(program) {
            path if path.is_file() => format!("`{program}` is not executable"),
            _ if program.contains('/') => format!("`{program}` is not there"),
            _ => format!("`{program}` is not on the PATH"),
        };
        crate::facts::Unread::Missing(why, None)
    })
}

/// A probe's answer; the survey's read.
pub fn ask(probe: &Probe) -> crate::facts::Known<bool> {
    let mut invocation = Invocation::new(probe.argv.clone(), PROBE);
    let current = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    invocation.cwd = Some(current.join(probe.cwd.as_deref().unwrap_or_default()));
    invocation.env.clone_from(&probe.env);
    match capture(&invocation).ending {
        Ending::Exit(code) => Ok(code == 0),
        ending => Err(crate::facts::Unread::Failed(ending.phrase())),
    }
}
