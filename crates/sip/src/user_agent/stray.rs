//! Answers to INVITEs of ours that are forgotten: the phone was picked up after everybody had left.

use timing::Instant;

use super::UserAgent;
use super::entropy::Reach;
use crate::dialog::Dialog;
use crate::transaction::ClientUser;
use crate::{Flow, Message, Method, Transmit};

/// Such answers a second that get their ACK and BYE; more wait for their own repetition. Only who was
/// sent an INVITE of ours can send one, but such a one could aim our BYEs by its Contact.
pub(super) const STRAYS_PER_SECOND: u32 = 100;

impl UserAgent {
    /// A response whose transaction is gone. RFC 3261 §13.2.2.4: a 2xx to an INVITE makes a call
    /// whenever it comes, so it is acknowledged and ended, from what stands in it alone. Our seal in the
    /// From tag shows that the INVITE was ours.
    pub(super) fn receive_stray(&mut self, now: Instant, flow: Flow, response: &Message, branch: &str) {
        let is_answer = (200..300).contains(&response.status()) && response.method() == Method::Invite;
        let ours = response.from_tag().zip(response.call_id()).filter(|_| is_answer);
        let reached = ours.and_then(|(tag, call_id)| Some((tag, call_id, self.seal.open(tag, call_id)?)));
        let Some((local_tag, call_id, reach)) = reached else {
            self.totals.stray += 1;
            return;
        };
        let remote_tag = response.to_tag().unwrap_or_default();
        if self.is_kept(local_tag, call_id, remote_tag)
            || self.is_full()
            || !self.stray_rate.take(now, STRAYS_PER_SECOND)
        {
            return;
        }
        let Ok(mut dialog) = Dialog::of_stray(response, flow, reach == Reach::Flow) else { return };
        let Some(way) = self.flow_of(dialog.hop()) else { return };
        let cseq = response.cseq().map_or(0, |(number, _)| number);
        if let Some((_, ack)) = self.finish_request(dialog.ack(cseq), &Method::Ack, &way) {
            let bytes = ack.bytes().clone();
            self.transactions.lower.transmits.push_back(Transmit { flow: way, bytes });
        }
        let branch = self.seal.bye_branch(branch, remote_tag);
        if self.transactions.find_client(&branch, &Method::Bye).is_some() {
            return;
        }
        let bye = dialog.request(Method::Bye);
        if let Some(bye) = self.finish_request_as(bye, &Method::Bye, &way, &branch) {
            self.send_request(now, &branch, ClientUser::Nobody, way, bye);
        }
    }

    /// Whether this is the call that we talk in: a copy of its 2xx that was very long on its way.
    fn is_kept(&self, local_tag: &[u8], call_id: &[u8], remote_tag: &[u8]) -> bool {
        let local_tag = std::str::from_utf8(local_tag).unwrap_or_default();
        let session = self.tags.get(local_tag).and_then(|id| self.sessions.get(id));
        session.is_some_and(|session| {
            session.is_confirmed() && session.dialogs.iter().any(|dialog| dialog.is_for(call_id, remote_tag))
        })
    }
}
