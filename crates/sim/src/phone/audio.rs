//! What a phone says about its audio, and what both agreed.

use bytes::Bytes;
use media::negotiate::{Author, agreed_streams, answer_ourselves, full_list, offer_ourselves};
use media::{Codec, Direction, LocalPort, sdp};
use serde::{Deserialize, Serialize};
use timing::Instant;

use super::Settings;
use super::voice::Sound;
use crate::chance::Chance;

/// The audio of one call.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Audio {
    author: Author,
    port: LocalPort,
    codecs: Vec<Codec>,
    /// What the person at this phone wants; less may be agreed.
    wants: Direction,
    remote: Option<sdp::Session>,
    pub(super) sound: Option<Sound>,
}

impl Audio {
    pub(super) fn new(now: Instant, settings: &Settings, chance: &mut Chance) -> Audio {
        Audio {
            author: Author::new(chance.number(), settings.media.ip()),
            port: LocalPort(settings.media.port()),
            codecs: full_list(),
            wants: Direction::SendRecv,
            remote: None,
            sound: settings.voice.as_ref().map(|voice| Sound::new(now, voice, chance)),
        }
    }

    /// Changes what the person wants: to hold, or to talk.
    pub(super) fn want(&mut self, wants: Direction) {
        self.wants = wants;
    }

    pub(super) fn is_holding(&self) -> bool {
        !self.wants.receives()
    }

    /// Whether the other side holds us.
    pub(super) fn is_held(&self) -> bool {
        self.remote.as_ref().is_some_and(sdp::Session::is_hold)
    }

    /// An offer of ours.
    pub(super) fn offer(&mut self) -> Bytes {
        let session = offer_ourselves(&mut self.author, self.port, &self.codecs, self.wants);
        Bytes::from(session.to_string())
    }

    /// Our answer to an offer; `None` where there is none to give.
    pub(super) fn answer(&mut self, now: Instant, offer: &[u8]) -> Option<Bytes> {
        let offer = sdp::Session::parse(offer, &sdp::Limits::default()).ok()?;
        let own = answer_ourselves(&mut self.author, &offer, self.port).ok()?;
        self.codecs = own.codecs;
        let direction = own.session.direction(&own.session.media[own.media]).and(self.wants);
        let session = self.author.sign(own.session.with_direction(direction));
        self.remote = Some(offer);
        self.agree(now);
        Some(Bytes::from(session.to_string()))
    }

    /// The other side's answer to an offer of ours. What cannot be read changes nothing.
    pub(super) fn answered(&mut self, now: Instant, answer: &[u8]) {
        if let Ok(answer) = sdp::Session::parse(answer, &sdp::Limits::default()) {
            self.remote = Some(answer);
            self.agree(now);
        }
    }

    fn agree(&mut self, now: Instant) {
        let (Some(local), Some(remote)) = (self.author.last(), &self.remote) else { return };
        let stream = agreed_streams(local, remote).into_iter().flatten().next();
        if let Some(sound) = &mut self.sound {
            sound.agree(now, stream);
        }
    }
}
