//! Several blocking questions at once, each on a thread of its own.

use std::panic::resume_unwind;

/// The answers to one question about each item, in the order of the items. A question that panics
/// panics here as well: no answer is left out in silence.
pub fn ask<T: Send, R: Send>(
    items: impl IntoIterator<Item = T>,
    question: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let mut items: Vec<T> = items.into_iter().collect();
    // The last one, often the only one, needs no thread.
    let Some(last) = items.pop() else { return Vec::new() };
    std::thread::scope(|scope| {
        let question = &question;
        let asked: Vec<_> =
            items.into_iter().map(|item| scope.spawn(move || question(item))).collect();
        let last = question(last);
        let mut answers: Vec<R> = asked
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect();
        answers.push(last);
        answers
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    #[test]
    fn questions_are_asked_at_once_and_answered_in_their_order() {
        // Each waits for all others: one after the other they would never end.
        let all = Barrier::new(3);
        let answers = super::ask([3, 1, 2], |number| {
            all.wait();
            number * 10
        });
        assert_eq!(answers, [30, 10, 20]);
    }

    #[test]
    #[should_panic(expected = "a bug")]
    fn a_question_that_panics_is_not_left_out() {
        super::ask([false, true, false], |bug| assert!(!bug, "a bug"));
    }
}
