//! Calls meet queues, told as stories, and random histories in which all books must agree.

mod agents;
mod answers;
mod exits;
mod histories;
mod identity;
mod world;
