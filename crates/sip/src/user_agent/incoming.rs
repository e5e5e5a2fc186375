//! Answering an INVITE that began a session (RFC 3261 §13.3).

use timing::Instant;

use super::event::{Body, HeaderField, SessionId};
use super::session::Phase;
use super::write::{add_to_response, check};
use super::{Refused, UserAgent};
use crate::Name;
use crate::dialog::DialogState;
use crate::transaction::ServerId;

impl UserAgent {
    pub(super) fn answer_invite(
        &mut self,
        now: Instant,
        id: SessionId,
        status: u16,
        headers: &[HeaderField],
        body: Option<&Body>,
    ) -> Result<(), Refused> {
        check(headers, body)?;
        let session = self.sessions.get(&id).ok_or(Refused::UnknownSession)?;
        let server = match session.phase {
            Phase::Ringing { server } => server,
            Phase::Ending => return Err(Refused::UnknownSession),
            Phase::Locating { .. }
            | Phase::Calling(_)
            | Phase::Unacknowledged { .. }
            | Phase::Accepted { .. }
            | Phase::Confirmed => return Err(Refused::WrongState),
        };
        let tag = session.local_tag.clone();
        self.answer(now, server, status, &tag, headers, body)?;
        match status {
            ..200 => {}
            200..300 => {
                let session = self.sessions.get_mut(&id).expect("it was there just now");
                session.phase = Phase::Accepted { server, bye: None };
                if let Some(dialog) = session.dialog_mut() {
                    dialog.state = DialogState::Confirmed;
                }
            }
            _ => self.remove_session(now, id),
        }
        Ok(())
    }

    /// Sends a response of the application in a server transaction.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        server: ServerId,
        status: u16,
        tag: &str,
        headers: &[HeaderField],
        body: Option<&Body>,
    ) -> Result<(), Refused> {
        let bad = Refused::BadStatus(status);
        let held = self.transactions.server(server).ok_or(Refused::WrongState)?;
        let (flow, is_invite) = (held.flow, held.request.method() == crate::Method::Invite);
        let mut builder = self.response(&held.request, &flow, status, tag).ok_or(bad.clone())?;
        // RFC 3261 §12.1.1: what makes or keeps a dialog names where we are.
        if status < 300 {
            builder = builder.contact(&self.contact(&flow));
        }
        if (200..300).contains(&status) && is_invite {
            builder = builder.header(Name::Allow, self.allow());
            if !self.settings.supported.is_empty() {
                builder = builder.header(Name::Supported, self.settings.supported.join(", "));
            }
        }
        let builder = add_to_response(builder, headers, body);
        let response = builder.build().map_err(|_| bad)?;
        self.transactions.respond(now, server, status, response.bytes().clone());
        Ok(())
    }
}
