//! A run while it happens. On a terminal: finished steps stay, and below them a few lines are
//! redrawn (the current step, the last output of its command, the budget). Elsewhere: the log form.
//!
//! A view never stops a run. Writes that fail make it go quiet; while a terminal is held (Ctrl-S)
//! or a reader is slow, lines wait here and the run goes on.

use std::collections::VecDeque;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::event::{Envelope, Live, Record};
use crate::plan::Plan;

use super::layout::{Page, duration};
use super::log_form::{LogForm, clock};
use super::mode::NoEcho;
use super::patient::{stderr_takes_more, write_patiently};
use super::screen_form::{Current, Frame, offered, permanent};
use super::style::{Mark, Stream, Style, columns};

/// How many of the last lines of a running command are shown.
const OUTPUT_LINES: usize = 5;

/// How often a log says that a silent step still runs.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// More waiting text than this, and lines of output are counted instead of kept.
const WAITING_CAP: usize = 256 * 1024;

/// How long [`LiveView::finish`] waits for a reader that is slow.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Shows a run while it happens.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub struct LiveView {
    style: Style,
    log: LogForm,
    out: Out,
    /// Text that could not be written yet.
    waiting: String,
    not_shown: usize,
    frame: Frame,
    last_said: Instant,
    ticks: usize,
    hidden: bool,
    dead: bool,
    over: bool,
    /// The last record said that the budget is used up.
    overran: bool,
}

/// Where the lines go.
enum Out {
    /// Redrawn lines below permanent ones, on standard error.
    Terminal { multi: MultiProgress, bar: Option<ProgressBar>, no_echo: Option<NoEcho> },
    /// Lines on standard error.
    Stderr,
    /// Lines elsewhere.
    Writer(Box<dyn Write + Send>),
}

impl LiveView {
    /// On standard error, animated where the style says so. `started` is the moment from which the
    /// budget counts.
    #[expect(clippy::disallowed_methods, reason = "the room of what moves")]
    pub fn new(style: Style, plan: &Plan, started: Instant) -> LiveView {
        let multi = style
            .animate
            .then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(20)))
            // Hidden, it would swallow what it is given.
            .filter(|multi| !multi.is_hidden());
        let out =
            multi.map_or(Out::Stderr, |multi| Out::Terminal { multi, bar: None, no_echo: None });
        LiveView::build(style, plan, started, out)
    }

    /// The log form, on a writer.
    pub fn on(style: Style, plan: &Plan, started: Instant, out: Box<dyn Write + Send>) -> LiveView {
        LiveView::build(style, plan, started, Out::Writer(out))
    }

    fn build(style: Style, plan: &Plan, started: Instant, out: Out) -> LiveView {
        LiveView {
            style,
            log: LogForm::new(style, Some(plan)),
            out,
            waiting: String::new(),
            not_shown: 0,
            frame: Frame { started, budget: plan.budget, current: None, between: String::new() },
            last_said: Instant::now(),
            ticks: 0,
            hidden: false,
            dead: false,
            over: false,
            overran: false,
        }
    }

    /// Whether it went quiet because nobody can read it any more.
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// A record was written.
    pub fn record(&mut self, envelope: &Envelope) {
        let animated = matches!(self.out, Out::Terminal { .. });
        let overran = std::mem::take(&mut self.overran);
        let text = match &envelope.record {
            // What is offered between two steps is a question, at the end it stands in the verdict's card.
            Record::EscalationOffered { .. } if animated && overran && self.waits() => {
                offered(&envelope.record, &self.style)
            }
            record if animated => permanent(record, &self.log, &self.style),
            _ => self.log.record(envelope),
        };
        self.overran = matches!(envelope.record, Record::BudgetExceeded { .. });
        self.follow(&envelope.record);
        self.say(&text);
        self.draw();
    }

    /// Whether a step or a check is under way.
    fn waits(&self) -> bool {
        self.frame.current.is_some() || !self.frame.between.is_empty()
    }

    /// Something happened that is only worth seeing now.
    pub fn live(&mut self, live: &Live) {
        let animated = matches!(self.out, Out::Terminal { .. });
        match live {
            Live::Output { step, stream: _, text } => {
                if let Some(current) = self.frame.current.as_mut().filter(|now| now.id == *step) {
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
                match self.frame.current.as_mut().filter(|now| now.id == *step) {
                    Some(current) => current.progress.clone_from(text),
                    None => self.frame.between = format!("{}: {text}", self.log.number(step)),
                }
                if !animated {
                    let text = self.log.live(live, &now());
                    self.say(&text);
                }
            }
            Live::Notice { text } => {
                let text = if animated {
                    let mut page = Page::new(&self.style);
                    page.headline(Mark::Warn, text, "");
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
        } else if let Some(current) = &self.frame.current
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
        self.echo();
        self.hidden = true;
    }

    /// Keys are echoed again.
    fn echo(&mut self) {
        if let Out::Terminal { no_echo, .. } = &mut self.out {
            *no_echo = None;
        }
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
        self.frame.current = None;
        let until = Instant::now() + LAST_WORDS;
        loop {
            self.erase();
            self.drain();
            let done = self.waiting.is_empty() && !self.drawn();
            if done || self.dead || Instant::now() >= until {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.echo();
    }

    /// Which step is under way, after a record.
    fn follow(&mut self, record: &Record) {
        match record {
            Record::StepIntended { step, index, name, attempt, .. } => {
                self.frame.between.clear();
                self.frame.current = Some(Current {
                    id: step.clone(),
                    number: *index,
                    name: self.style.clean(name),
                    attempt: *attempt,
                    since: Instant::now(),
                    progress: String::new(),
                    output: VecDeque::new(),
                });
            }
            Record::StepEnded { .. } | Record::StepSkipped { .. } => self.frame.current = None,
            Record::RunPaused { .. } | Record::RunFinished { .. } => {
                self.frame.current = None;
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
            | Record::LockWaived { .. }
            | Record::LockTakenOver(_)
            | Record::BudgetExceeded { .. }
            | Record::EscalationOffered { .. }
            | Record::MetricsSampled(_)
            | Record::Notified(_)
            | Record::ValidationStarted { .. }
            | Record::ItemJudged { .. }
            | Record::TierClosed { .. }
            | Record::RecoveryTicked { .. }
            | Record::CriterionTicked { .. }
            | Record::ForwardStarted { .. }
            | Record::RunClosed { .. } => {}
        }
    }

    fn draw(&mut self) {
        if self.dead || self.hidden || !self.writable() {
            return;
        }
        let frame =
            if self.over { String::new() } else { self.frame.text(&self.style, self.ticks) };
        if frame.is_empty() {
            self.erase();
            return;
        }
        let Out::Terminal { multi, bar, no_echo } = &mut self.out else { return };
        bar.get_or_insert_with(|| {
            if no_echo.is_none() {
                *no_echo = NoEcho::enter();
            }
            let bar = multi.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("{msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar
        })
        .set_message(frame);
    }

    /// Whether redrawn lines stand on the terminal.
    fn drawn(&self) -> bool {
        matches!(&self.out, Out::Terminal { bar: Some(_), .. })
    }

    /// Takes the redrawn lines away, unless that would wait for a held terminal.
    fn erase(&mut self) {
        if !self.drawn() || !self.writable() {
            return;
        }
        let Out::Terminal { multi, bar, .. } = &mut self.out else { return };
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
        if let Ok(count) = written {
            text[count..].clone_into(&mut self.waiting);
        } else {
            self.dead = true;
        }
    }

    fn writable(&self) -> bool {
        matches!(self.out, Out::Writer(_)) || stderr_takes_more()
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.erase();
        // What could not be erased must not be drawn once more on the way out.
        if let Out::Terminal { multi, bar: Some(_), .. } = &self.out {
            multi.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}

/// The time of day, UTC.
fn now() -> String {
    clock(&humantime::format_rfc3339_seconds(SystemTime::now()).to_string())
}
