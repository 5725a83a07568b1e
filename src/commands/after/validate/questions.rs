//! What a person is asked about a tier, while its automatic items go on being watched.

use std::time::Instant;

use crate::after::{ItemPlan, TierPlan};
use crate::error::Result;
use crate::inbox::Answer;
use crate::run::ask;
use crate::terminal::soak_view;

use super::{Soak, pace};

impl Soak<'_> {
    /// Asks the person at the terminal; what is not answered stays open. The automatic items are
    /// watched meanwhile: false as soon as one of them does not hold.
    pub(super) fn questions(
        &mut self,
        tier: &TierPlan,
        items: &[&ItemPlan],
        asked: &[&ItemPlan],
    ) -> Result<bool> {
        for item in items {
            self.past.refresh()?;
            if self.past.state.after.items.get(&item.id).is_some_and(|seen| seen.holds) {
                continue;
            }
            let what = item.instruction().unwrap_or_default();
            self.say(&soak_view::question(item, what, &self.screen.err));
            let Some(answer) = self.answered(tier, asked)? else { return Ok(false) };
            match answer {
                Answer::Key('p') => self.judged(tier, item, true, "prompt", "")?,
                Answer::Key('f') => {
                    let why = match ask::text(&mut self.inbox, "What is wrong?") {
                        Answer::Text(text) => text,
                        _ => String::new(),
                    };
                    self.judged(tier, item, false, "prompt", &why)?;
                    return Ok(false);
                }
                Answer::Interrupted => {
                    self.stopped = true;
                    return Ok(false);
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// The answer to one question; none where an automatic item failed before it came.
    fn answered(&mut self, tier: &TierPlan, asked: &[&ItemPlan]) -> Result<Option<Answer>> {
        let keys = [('p', "pass".to_owned()), ('f', "fail".to_owned()), ('l', "later".to_owned())];
        let open = ask::open_menu(&mut self.inbox, " ", &keys);
        self.prompting = true;
        let answer = self.watched(&open, tier, asked);
        self.prompting = false;
        answer
    }

    /// Waits for the answer to a question that is open, asking the automatic items meanwhile.
    fn watched(
        &mut self,
        open: &ask::Open,
        tier: &TierPlan,
        asked: &[&ItemPlan],
    ) -> Result<Option<Answer>> {
        loop {
            if let Some(answer) = open.wait(&mut self.inbox, Instant::now() + pace(tier)) {
                return Ok(Some(answer));
            }
            if !asked.is_empty() && !self.pass(tier, asked)? {
                open.close(&mut self.inbox);
                return Ok(None);
            }
            self.sample()?;
        }
    }
}
