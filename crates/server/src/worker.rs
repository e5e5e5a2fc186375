//! What the shell holds of each of its threads: a way to stop it, to ask whether it lives, and to join it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::doorbell::Doorbell;

/// How often somebody who waits for an answer looks for it.
const LOOK: Duration = Duration::from_micros(200);

/// Told when a thread ended by a panic: a bug of ours, after which the process must not pretend to be well.
#[derive(Debug, Default)]
pub struct Casualties {
    any: AtomicBool,
    noticed: Notify,
}

impl Casualties {
    /// Whether a thread has died.
    pub fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Waits until a thread has died.
    pub async fn first(&self) {
        while !self.any() {
            self.noticed.notified().await;
        }
    }

    /// Runs a task whose panic counts like that of a thread.
    pub async fn watch(self: Arc<Self>, task: impl Future<Output = ()>) {
        let _alarm = Alarm(self);
        task.await;
    }

    fn report(&self) {
        self.any.store(true, Ordering::Release);
        self.noticed.notify_one();
    }
}

/// The shell's side of a thread, shared with it.
#[derive(Debug)]
pub struct Link {
    name: &'static str,
    doorbell: Arc<Doorbell>,
    stop: AtomicBool,
    asked: AtomicU64,
    answered: AtomicU64,
}

impl Link {
    /// A link to a thread that will be called `name` and answers to `doorbell`.
    pub fn new(name: &'static str, doorbell: Arc<Doorbell>) -> Arc<Link> {
        Arc::new(Link {
            name,
            doorbell,
            stop: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        })
    }

    /// The thread's name, as in `ps -L` and in `/healthz`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What wakes the thread.
    pub fn doorbell(&self) -> &Arc<Doorbell> {
        &self.doorbell
    }

    /// Asks the thread for a sign of life; [`Link::has_answered`] takes the number.
    pub fn ask(&self) -> u64 {
        let question = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.doorbell.ring();
        question
    }

    /// Whether the thread has turned since the question was asked.
    pub fn has_answered(&self, question: u64) -> bool {
        self.answered.load(Ordering::Acquire) >= question
    }

    /// Asks, and waits for the answer up to `patience`; whether it came. Blocks: for the shell's own thread
    /// only.
    pub fn ask_and_wait(&self, patience: Duration) -> bool {
        let question = self.ask();
        let clock = Clock::start();
        while !self.has_answered(question) {
            if clock.uptime() >= patience {
                return false;
            }
            std::thread::park_timeout(LOOK);
        }
        true
    }

    /// The question that is open. The thread takes it at the start of a turn, before it looks into its rings,
    /// so that its answer also says: what was in a control ring before the question has been done.
    pub fn question(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// The thread answers at the end of the turn.
    pub fn answer(&self, question: u64) {
        if self.answered.load(Ordering::Relaxed) != question {
            self.answered.store(question, Ordering::Release);
        }
    }

    /// Whether nobody wants anything of the thread itself: no question is open and it need not stop.
    pub fn is_quiet(&self) -> bool {
        !self.must_stop() && self.answered.load(Ordering::Relaxed) == self.asked.load(Ordering::SeqCst)
    }

    /// Whether the thread shall come to its end.
    pub fn must_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Tells the thread to come to its end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.doorbell.ring();
    }
}

/// A running thread. Dropping it stops the thread and waits for its end, so that nothing outlives the shell.
#[derive(Debug)]
pub struct Worker {
    link: Arc<Link>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread that runs `body` until its link says stop.
    ///
    /// # Errors
    /// Where the operating system refuses the thread.
    pub fn spawn(
        link: Arc<Link>,
        casualties: Arc<Casualties>,
        body: impl FnOnce(&Link) + Send + 'static,
    ) -> std::io::Result<Worker> {
        let inside = Arc::clone(&link);
        let thread = std::thread::Builder::new().name(format!("cb-{}", link.name)).spawn(move || {
            let _alarm = Alarm(casualties);
            inside.doorbell.answer_here();
            body(&inside);
        })?;
        Ok(Worker { link, thread: Some(thread) })
    }

    /// Something that runs on another worker's thread: only told to stop.
    pub fn without_thread(link: Arc<Link>) -> Worker {
        Worker { link, thread: None }
    }

    /// The link to the thread.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Stops the thread and waits for its end.
    pub fn join(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.link.stop();
        if let Some(thread) = self.thread.take() {
            // A panic was already reported by the hook and by `Casualties`.
            let _ended = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reports the thread that drops it while panicking.
struct Alarm(Arc<Casualties>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.report();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_answers_while_it_turns_and_ends_when_told() {
        let link = Link::new("test", Arc::new(Doorbell::for_thread()));
        let casualties = Arc::new(Casualties::default());
        let worker = Worker::spawn(Arc::clone(&link), Arc::clone(&casualties), |link| {
            while !link.must_stop() {
                link.answer(link.question());
                link.doorbell().park(None, || link.is_quiet());
            }
        })
        .expect("a thread starts");
        for _ in 0..1_000 {
            let question = link.ask();
            while !link.has_answered(question) {
                std::thread::yield_now();
            }
        }
        worker.join();
        assert!(!casualties.any());
    }

    #[test]
    fn a_thread_that_dies_is_noticed() {
        let link = Link::new("doomed", Arc::new(Doorbell::for_thread()));
        let casualties = Arc::new(Casualties::default());
        let worker =
            Worker::spawn(link, Arc::clone(&casualties), |_| panic!("on purpose")).expect("it starts");
        worker.join();
        assert!(casualties.any());
    }
}
