//! A run while it happens. On a terminal: finished steps stay, and below them a few lines are
//! redrawn (the current step, the last output of its command, the budget). Elsewhere: the log form.
//!
//! A view never stops a run. Writes that fail make it go quiet; while a terminal is held (Ctrl-S)
//! or a reader is slow, lines wait here and the run goes on.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::event::{Envelope, Live, Record};
use crate::plan::Plan;
use crate::state::Judged;

use super::layout::{Page, cut, duration, millis, width};
use super::log_form::{LogForm, choice_words, clock, effect_words, ended, skip_words};
use super::style::{Mark, Paint, Stream, Style, columns};
use super::verdict;

/// How many of the last lines of a running command are shown.
const OUTPUT_LINES: usize = 5;

/// How often a log says that a silent step still runs.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// More waiting text than this, and lines of output are counted instead of kept.
const WAITING_CAP: usize = 256 * 1024;

/// How long [`LiveView::finish`] waits for a reader that is slow.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where the columns of elapsed times end.
const TIME_COLUMN: usize = 52;

/// Shows a run while it happens.
pub struct LiveView {
    style: Style,
    budget: Option<Duration>,
    started: Instant,
    log: LogForm,
    out: Out,
    /// Text that could not be written yet.
    waiting: String,
    not_shown: usize,
    current: Option<Current>,
    /// Progress of something that is no step: the conditions of recovery.
    between: String,
    last_said: Instant,
    ticks: usize,
    hidden: bool,
    dead: bool,
    over: bool,
}

/// Where the lines go.
enum Out {
    /// Redrawn lines below permanent ones, on standard error.
    Terminal { multi: MultiProgress, bar: Option<ProgressBar> },
    /// Lines on standard error.
    Stderr,
    /// Lines elsewhere.
    Writer(Box<dyn Write + Send>),
}

/// The step that is under way.
struct Current {
    id: String,
    number: usize,
    name: String,
    attempt: u32,
    since: Instant,
    progress: String,
    output: VecDeque<String>,
}

impl LiveView {
    /// On standard error, animated where the style says so. `started` is the moment from which the
    /// budget counts.
    pub fn new(style: Style, plan: &Plan, started: Instant) -> LiveView {
        let multi = style
            .animate
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)))
            // Hidden, it would swallow what it is given.
            .filter(|multi| !multi.is_hidden());
        let out = multi.map_or(Out::Stderr, |multi| Out::Terminal { multi, bar: None });
        LiveView::build(style, plan, started, out)
    }

    /// The log form, on a writer.
    pub fn on(style: Style, plan: &Plan, started: Instant, out: Box<dyn Write + Send>) -> LiveView {
        LiveView::build(style, plan, started, Out::Writer(out))
    }

    fn build(style: Style, plan: &Plan, started: Instant, out: Out) -> LiveView {
        LiveView {
            style,
            budget: plan.budget,
            started,
            log: LogForm::new(style, Some(plan)),
            out,
            waiting: String::new(),
            not_shown: 0,
            current: None,
            between: String::new(),
            last_said: Instant::now(),
            ticks: 0,
            hidden: false,
            dead: false,
            over: false,
        }
    }

    /// Whether it went quiet because nobody can read it any more.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// A record was written.
    pub fn record(&mut self, envelope: &Envelope) {
        let animated = matches!(self.out, Out::Terminal { .. });
        let text =
            if animated { self.permanent(&envelope.record) } else { self.log.record(envelope) };
        self.follow(&envelope.record);
        self.say(&text);
        self.draw();
    }

    /// Something happened that is only worth seeing now.
    pub fn live(&mut self, live: &Live) {
        let animated = matches!(self.out, Out::Terminal { .. });
        match live {
            Live::Output { step, stream: _, text } => {
                if let Some(current) = self.current.as_mut().filter(|now| now.id == *step) {
                    current.output.push_back(text.clone());
                    while current.output.len() > OUTPUT_LINES {
                        current.output.pop_front();
                    }
                }
                if self.waiting.len() > WAITING_CAP {
                    self.not_shown += 1;
                } else if !animated {
                    let text = self.log.live(live, "");
                    self.say(&text);
                }
            }
            Live::Progress { step, text } => {
                match self.current.as_mut().filter(|now| now.id == *step) {
                    Some(current) => current.progress.clone_from(text),
                    None => self.between = format!("{}: {text}", self.log.number(step)),
                }
                if !animated {
                    let text = self.log.live(live, &now());
                    self.say(&text);
                }
            }
            Live::Notice { text } => {
                let text = if animated {
                    let mut page = Page::new(&self.style);
                    page.headline(Mark::Warn, text);
                    page.finish()
                } else {
                    self.log.live(live, &now())
                };
                self.say(&text);
            }
        }
    }

    /// Time passed: redraws, writes what waited, and in a log says now and then that a silent step
    /// still runs. Ten times a second is right.
    pub fn tick(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        if matches!(self.out, Out::Terminal { .. }) {
            self.style.width = columns(Stream::Stderr).unwrap_or(self.style.width);
        } else if let Some(current) = &self.current
            && self.last_said.elapsed() >= HEARTBEAT
        {
            let text = format!(
                "{} {}: still running after {}\n",
                now(),
                self.log.number(&current.id),
                duration(Duration::from_secs(current.since.elapsed().as_secs()))
            );
            self.say(&text);
        }
        self.drain();
        self.draw();
    }

    /// Takes the redrawn lines away while something else uses the terminal.
    pub fn suspend<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.hide();
        let result = work();
        self.show();
        result
    }

    /// Takes the redrawn lines away until [`LiveView::show`]: for a prompt whose answer comes later.
    /// Lines that come meanwhile wait.
    pub fn hide(&mut self) {
        self.erase();
        self.hidden = true;
    }

    /// Shows again what [`LiveView::hide`] took away, and what came meanwhile.
    pub fn show(&mut self) {
        self.hidden = false;
        self.drain();
        self.draw();
    }

    /// The end: takes the redrawn lines away and writes what still waits, for two seconds at most.
    pub fn finish(&mut self) {
        self.over = true;
        self.hidden = false;
        self.current = None;
        self.erase();
        let until = Instant::now() + LAST_WORDS;
        self.drain();
        while !self.waiting.is_empty() && !self.dead && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
            self.drain();
        }
    }

    /// Which step is under way, after a record.
    fn follow(&mut self, record: &Record) {
        match record {
            Record::StepIntended { step, index, name, attempt, .. } => {
                self.between.clear();
                self.current = Some(Current {
                    id: step.clone(),
                    number: *index,
                    name: self.style.clean(name),
                    attempt: *attempt,
                    since: Instant::now(),
                    progress: String::new(),
                    output: VecDeque::new(),
                });
            }
            Record::StepEnded { .. } | Record::StepSkipped { .. } => self.current = None,
            Record::RunPaused { .. } | Record::RunFinished { .. } => {
                self.current = None;
                self.over = true;
            }
            Record::Resumed { .. } => self.over = false,
            Record::RunStarted(_)
            | Record::Confirmed { .. }
            | Record::SnapshotTaken { .. }
            | Record::ChildStarted { .. }
            | Record::CriterionAsked { .. }
            | Record::DoubtResolved { .. }
            | Record::Decision { .. }
            | Record::CriterionJudged { .. }
            | Record::BudgetExceeded { .. }
            | Record::EscalationOffered { .. } => {}
        }
    }

    /// The lines that stay on a terminal. The plan was shown before, the verdict comes after.
    fn permanent(&self, record: &Record) -> String {
        let mut page = Page::new(&self.style);
        match record {
            Record::RunStarted(_)
            | Record::Confirmed { .. }
            | Record::SnapshotTaken { .. }
            | Record::StepIntended { .. }
            | Record::ChildStarted { .. }
            | Record::CriterionAsked { .. }
            | Record::EscalationOffered { .. }
            | Record::RunPaused { .. }
            | Record::RunFinished { .. } => {}
            Record::StepEnded { step, outcome, effect, why, detail, elapsed_ms, .. } => {
                let (mark, word) = ended(*outcome, *effect);
                let took = match word {
                    "done in" => millis(*elapsed_ms),
                    other => format!("{other} {}", millis(*elapsed_ms)),
                };
                let indent = self.step_line(&mut page, mark, step, &took);
                if !why.is_empty() {
                    page.text(&indent, Paint::Plain, why);
                }
                verdict::detail(&mut page, &indent, detail);
            }
            Record::StepSkipped { step, why, detail } => {
                let indent = self.step_line(&mut page, Mark::Skipped, step, skip_words(*why));
                if !detail.is_empty() {
                    page.text(&indent, Paint::Dim, detail);
                }
            }
            Record::DoubtResolved { step, effect, by, why, .. } => {
                let word = format!("found {} (by the {by})", effect_words(*effect));
                let indent = self.step_line(&mut page, Mark::Doubt, step, &word);
                if !why.is_empty() {
                    page.text(&indent, Paint::Plain, why);
                }
            }
            Record::Decision { step, choice, by } => {
                let text = format!("{}: {} ({by})", self.log.number(step), choice_words(*choice));
                page.text("     ", Paint::Dim, &text);
            }
            Record::CriterionJudged { name, before, holds, why } => {
                let (name, why) = (name.clone(), why.clone());
                let judged = Judged { name, before: *before, holds: *holds, why };
                let mark = if *holds { Mark::Done } else { Mark::Failed };
                let lead = format!("{}    ", self.style.mark(mark));
                let paint = Style::paint_of(mark);
                page.marked(paint, &lead, Paint::Plain, &verdict::criterion_words(&judged));
            }
            Record::BudgetExceeded { budget_ms } => {
                let text =
                    format!("the budget of {} is used up; the run goes on", millis(*budget_ms));
                page.marked(Paint::Change, "!    ", Paint::Change, &text);
            }
            Record::Resumed { .. } => page.text("     ", Paint::Dim, "carrying on"),
        }
        page.finish()
    }

    /// `✓ 1  Turn the migration flag off            0.1s`; gives the indent of the lines below.
    fn step_line(&self, page: &mut Page, mark: Mark, step: &str, took: &str) -> String {
        let (number, name) = self.log.step(step).unwrap_or((0, step));
        let lead = format!("{} {number}  ", self.style.mark(mark));
        let name = self.style.clean(name);
        let paint = Style::paint_of(mark);
        let room = TIME_COLUMN.saturating_sub(width(&lead) + width(took));
        if width(&name) < room {
            let gap = " ".repeat(room - width(&name));
            page.push(&[
                (paint, &lead),
                (Paint::Plain, &name),
                (Paint::Plain, &gap),
                (paint, took),
            ]);
        } else {
            page.sides((paint, &lead), (Paint::Plain, &name), (paint, took));
        }
        " ".repeat(width(&lead))
    }

    /// The redrawn lines.
    fn frame(&self) -> String {
        let room = self.style.width.saturating_sub(1);
        let mut lines = Vec::new();
        let spinner = self.style.spinner(self.ticks);
        if let Some(current) = &self.current {
            let lead = format!("{spinner} {}  ", current.number);
            let since = duration(tenths(current.since.elapsed()));
            let again = if current.attempt > 1 {
                format!(" (try {})", current.attempt)
            } else {
                String::new()
            };
            let space = TIME_COLUMN.saturating_sub(width(&lead) + width(&since) + 1);
            let name = cut(&format!("{}{again}", current.name), space, &self.style);
            let gap = " ".repeat(space.saturating_sub(width(&name)) + 1);
            let line = format!("{lead}{name}{gap}{since}");
            let progress = self.style.clean(&current.progress);
            if width(&line) + 3 + width(&progress) <= room {
                lines.push(format!("{line}   {progress}").trim_end().to_owned());
            } else {
                lines.push(cut(&line, room, &self.style));
                lines.push(cut(&format!("     {progress}"), room, &self.style));
            }
            for text in &current.output {
                let text = cut(&format!("     | {}", self.style.clean(text)), room, &self.style);
                lines.push(self.style.paint(Paint::Dim, &text));
            }
        } else if !self.between.is_empty() {
            let text = format!("{spinner}    {}", self.style.clean(&self.between));
            lines.push(cut(&text, room, &self.style));
        }
        if let (Some(budget), false) = (self.budget, lines.is_empty()) {
            lines.push(self.budget_line(budget));
        }
        lines.join("\n")
    }

    fn budget_line(&self, budget: Duration) -> String {
        let gone = Duration::from_secs(self.started.elapsed().as_secs());
        let bar = self.style.bar(gone.as_millis(), budget.as_millis(), 20);
        let left = format!("     budget {} {bar}", duration(budget));
        let (paint, right) = match gone.checked_sub(budget) {
            Some(over) if !over.is_zero() => (Paint::Change, format!("{} over", duration(over))),
            _ => (Paint::Plain, format!("{} gone", duration(gone))),
        };
        let gap = TIME_COLUMN.saturating_sub(width(&left) + width(&right)).max(1);
        format!("{left}{}{}", " ".repeat(gap), self.style.paint(paint, &right))
    }

    fn draw(&mut self) {
        if self.dead || self.hidden || !self.writable() {
            return;
        }
        let frame = if self.over { String::new() } else { self.frame() };
        if frame.is_empty() {
            self.erase();
            return;
        }
        let Out::Terminal { multi, bar } = &mut self.out else { return };
        bar.get_or_insert_with(|| {
            let bar = multi.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("{msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar
        })
        .set_message(frame);
    }

    /// Takes the redrawn lines away.
    fn erase(&mut self) {
        let Out::Terminal { multi, bar } = &mut self.out else { return };
        if let Some(bar) = bar.take() {
            multi.remove(&bar);
            if multi.clear().is_err() {
                self.dead = true;
            }
        }
    }

    /// Adds permanent lines.
    fn say(&mut self, text: &str) {
        if text.is_empty() || self.dead {
            return;
        }
        self.last_said = Instant::now();
        self.waiting.push_str(text);
        self.drain();
    }

    /// Writes what waits, as far as the reader takes it.
    fn drain(&mut self) {
        if self.dead || self.hidden || self.waiting.is_empty() || !self.writable() {
            return;
        }
        if self.not_shown > 0 && self.waiting.len() < WAITING_CAP {
            let note = format!("  ({} lines of output not shown)\n", self.not_shown);
            self.waiting.push_str(&note);
            self.not_shown = 0;
        }
        self.erase();
        let text = std::mem::take(&mut self.waiting);
        let written = match &mut self.out {
            Out::Terminal { .. } | Out::Stderr => write_patiently(&text),
            Out::Writer(out) => {
                out.write_all(text.as_bytes()).and_then(|()| out.flush()).map(|()| text.len())
            }
        };
        match written {
            Ok(count) => text[count..].clone_into(&mut self.waiting),
            Err(_) => {
                self.dead = true;
                self.waiting = String::new();
            }
        }
    }

    fn writable(&self) -> bool {
        matches!(self.out, Out::Writer(_)) || stderr_takes_more()
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.erase();
    }
}

/// Writes to standard error as long as it takes more without waiting; gives how many bytes.
fn write_patiently(text: &str) -> io::Result<usize> {
    let mut err = io::stderr().lock();
    let mut written = 0;
    while written < text.len() && (written == 0 || stderr_takes_more()) {
        let mut end = text.len().min(written + 256);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        err.write_all(&text.as_bytes()[written..end])?;
        written = end;
    }
    err.flush()?;
    Ok(written)
}

/// Whether a write to standard error would not wait (a held terminal, a full pipe).
fn stderr_takes_more() -> bool {
    let err = io::stderr();
    let mut fds = [PollFd::new(&err, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // What cannot be asked is tried; an error shows itself in the write.
    poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0) || fds_unknown(&fds)
}

fn fds_unknown(fds: &[PollFd<'_>; 1]) -> bool {
    fds[0].revents().intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL)
}

/// A tenth of a second is as exact as a redrawn line should be; a full second stays `2.0s`.
fn tenths(span: Duration) -> Duration {
    let ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX) / 100 * 100;
    Duration::from_millis(ms)
}

/// The time of day, UTC.
fn now() -> String {
    clock(&humantime::format_rfc3339_seconds(SystemTime::now()).to_string())
}
