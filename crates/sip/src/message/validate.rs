//! What RFC 3261 demands of the headers that every element looks at.

use super::{Fault, Message};

pub(super) fn validate(message: &Message) -> Result<(), Fault> {
    message.top_via()?;
    message.cseq()?;
    Ok(())
}
