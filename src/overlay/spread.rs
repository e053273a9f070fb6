//! Work spread over the cores, answers in the order of the questions.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Does `work` on every item, on all cores, and hands each answer to `each` in the order of the items, as soon as it and all
/// before it are there.
///
/// # Errors
/// The first error of `each`; what is not begun by then is left undone.
///
/// # Panics
/// When `work` panics, once the work that was begun is done.
pub fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut each: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 || items.len() < 2 {
        return items.iter().try_for_each(|item| each(work(item)));
    }
    let next = AtomicUsize::new(0);
    let (sender, answers) = mpsc::channel();
    let (next, work) = (&next, &work);
    thread::scope(|scope| {
        for _ in 0..cores.min(items.len()) {
            let sender = sender.clone();
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    // Nobody listens any more once `each` failed.
                    if sender.send((at, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        deliver(&answers, &mut each).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))
    })
}

fn deliver<R, E>(answers: &mpsc::Receiver<(usize, R)>, each: &mut impl FnMut(R) -> Result<(), E>) -> Result<(), E> {
    let mut early = BTreeMap::new();
    let mut awaited = 0;
    for (at, answer) in answers {
        early.insert(at, answer);
        while let Some(answer) = early.remove(&awaited) {
            each(answer)?;
            awaited += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let items: Vec<usize> = (0..500).collect();
        let mut seen = Vec::new();
        // The first items take longest.
        let slow = |item: &usize| (0..(500 - item) * 200).fold(*item, |sum, x| std::hint::black_box(sum ^ x ^ x));
        let note = |answer| {
            seen.push(answer);
            Ok::<(), ()>(())
        };
        in_order(&items, slow, note).unwrap();
        assert_eq!(seen, items);
    }

    #[test]
    fn an_error_ends_the_work() {
        let items: Vec<usize> = (0..10_000).collect();
        let done = AtomicUsize::new(0);
        let work = |item: &usize| {
            done.fetch_add(1, Ordering::Relaxed);
            *item
        };
        let stopped = in_order(&items, work, |answer| if answer < 3 { Ok(()) } else { Err(answer) });
        assert_eq!(stopped, Err(3));
    }
}
