//! The server's `Doorbell` over the model's `park` and `unpark`, which remember a wake-up that comes before the sleep, as
//! `futex`, `eventfd` and tokio's `Notify` do. It never wakes by itself: a wake-up lost is a deadlock.

use super::announcement::Announcement;

#[derive(Debug)]
pub struct Doorbell {
    announcement: Announcement,
    consumer: loom::thread::Thread,
}

impl Doorbell {
    /// For the thread that calls it.
    pub fn for_thread() -> Doorbell {
        Doorbell { announcement: Announcement::new(), consumer: loom::thread::current() }
    }

    pub fn ring(&self) {
        if self.announcement.is_to_wake() {
            self.consumer.unpark();
        }
    }

    pub fn park(&self, idle: impl FnOnce() -> bool) {
        if self.announcement.lie_down(idle) {
            loom::thread::park();
            self.announcement.rise();
        }
    }
}
