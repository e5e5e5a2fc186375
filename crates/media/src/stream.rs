//! What is agreed about one media stream, as the relay needs it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Which way media flows, as seen by the one who says it (RFC 3264 §5.1, §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Direction {
    /// Both ways: the default where nothing is said.
    #[default]
    SendRecv,
    /// The speaker only sends.
    SendOnly,
    /// The speaker only receives.
    RecvOnly,
    /// Neither way; RTCP still flows.
    Inactive,
}

impl Direction {
    /// From whether the speaker sends and whether it receives.
    pub const fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Whether the speaker sends.
    pub const fn sends(self) -> bool {
        match self {
            Direction::SendRecv | Direction::SendOnly => true,
            Direction::RecvOnly | Direction::Inactive => false,
        }
    }

    /// Whether the speaker receives.
    pub const fn receives(self) -> bool {
        match self {
            Direction::SendRecv | Direction::RecvOnly => true,
            Direction::SendOnly | Direction::Inactive => false,
        }
    }

    /// The same flow as the other side says it.
    pub const fn reversed(self) -> Direction {
        Direction::new(self.receives(), self.sends())
    }

    /// The flow that both allow, said by one and the same speaker.
    pub const fn and(self, other: Direction) -> Direction {
        Direction::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The name of the attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// The direction that an attribute's name says; `None` for any other attribute.
    pub fn from_name(name: &str) -> Option<Direction> {
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive]
            .into_iter()
            .find(|direction| direction.name() == name)
    }
}

/// The encoding name of RFC 4733 events.
const TELEPHONE_EVENT: &str = "telephone-event";

/// One RTP payload format with the number it has on one leg (`a=rtpmap`, `a=fmtp`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codec {
    /// RTP payload type, 0 to 127.
    pub payload_type: u8,
    /// Encoding name (`PCMU`, `opus`, `telephone-event`), compared without case. Empty where the
    /// description names a dynamic number without `a=rtpmap`.
    pub name: SmolStr,
    /// RTP clock rate in hertz; 0 where unknown.
    pub clock_rate: u32,
    /// Channels; 1 where nothing is said.
    pub channels: u8,
    /// The `a=fmtp` parameters, as written.
    pub parameters: Option<SmolStr>,
}

impl Codec {
    /// A codec without parameters, one channel.
    pub fn new(payload_type: u8, name: &str, clock_rate: u32) -> Codec {
        Codec { payload_type, name: name.into(), clock_rate, channels: 1, parameters: None }
    }

    /// G.711 µ-law, payload type 0.
    pub fn pcmu() -> Codec {
        Codec::new(0, "PCMU", 8_000)
    }

    /// G.711 A-law, payload type 8.
    pub fn pcma() -> Codec {
        Codec::new(8, "PCMA", 8_000)
    }

    /// DTMF events 0 to 15 (RFC 4733) at 8 kHz under a dynamic number.
    pub fn telephone_event(payload_type: u8) -> Codec {
        Codec {
            parameters: Some(SmolStr::new_static("0-15")),
            ..Codec::new(payload_type, TELEPHONE_EVENT, 8_000)
        }
    }

    /// Whether this is RFC 4733 telephone-event.
    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case(TELEPHONE_EVENT)
    }

    /// The G.711 law, where this is G.711 as we speak it (8 kHz, one channel).
    pub fn law(&self) -> Option<crate::Law> {
        if self.clock_rate != 8_000 || self.channels != 1 {
            return None;
        }
        match self.name.to_ascii_uppercase().as_str() {
            "PCMU" => Some(crate::Law::Mu),
            "PCMA" => Some(crate::Law::A),
            _ => None,
        }
    }

    /// Whether both are the same format under perhaps different numbers. Parameters do not count:
    /// they prefer one match over another, see [`PayloadMap::new`].
    pub fn same_format(&self, other: &Codec) -> bool {
        if self.name.is_empty() || other.name.is_empty() {
            return self.name == other.name && self.payload_type == other.payload_type;
        }
        self.name.eq_ignore_ascii_case(&other.name)
            && self.clock_rate == other.clock_rate
            && self.channels == other.channels
    }
}

/// Payload numbers as they arrive on one leg, to the numbers the other leg's far end expects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadMap {
    /// `(arriving, leaving)`, in the order of the arriving list.
    pairs: Vec<(u8, u8)>,
}

impl PayloadMap {
    /// Pairs every arriving codec with the same format in the leaving list: same parameters
    /// first, then same name, clock rate and channels. What has no partner cannot be relayed.
    pub fn new(arriving: &[Codec], leaving: &[Codec]) -> PayloadMap {
        let partner = |codec: &Codec| {
            let mut same = leaving.iter().filter(|other| codec.same_format(other));
            let first = same.clone().next()?;
            Some(same.find(|other| other.parameters == codec.parameters).unwrap_or(first).payload_type)
        };
        let pairs = arriving.iter().filter_map(|codec| Some((codec.payload_type, partner(codec)?))).collect();
        PayloadMap { pairs }
    }

    /// The number under which a packet that arrives as `payload_type` leaves.
    pub fn outgoing(&self, payload_type: u8) -> Option<u8> {
        self.pairs.iter().find(|&&(arriving, _)| arriving == payload_type).map(|&(_, leaving)| leaving)
    }

    /// Whether the legs share no format at all: then they must not be connected.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// One leg's one media stream as agreed: everything the relay has to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamDescription {
    /// Where the far end wants RTP. `None` while no answer is known, and where the far end said
    /// an address that nothing can be sent to (0.0.0.0, a host name, multicast).
    pub remote: Option<SocketAddr>,
    /// Where the far end wants RTCP: `a=rtcp`, else the RTP port + 1; the RTP address with mux.
    pub remote_rtcp: Option<SocketAddr>,
    /// Which way media flows as agreed by both, seen from us.
    pub direction: Direction,
    /// Formats with the numbers under which they arrive: those of our own description.
    pub receive: Vec<Codec>,
    /// Formats with the numbers under which we send: those of the far end's description.
    pub send: Vec<Codec>,
    /// Packet time the far end asked for, milliseconds.
    pub ptime_ms: Option<u16>,
    /// RTP and RTCP on one port (RFC 5761), agreed by both.
    pub mux: bool,
}

impl StreamDescription {
    /// A stream we have offered and not yet an answer to: nothing is sent and nothing accepted
    /// until an `Update` says where the far end is.
    pub fn waiting(receive: Vec<Codec>) -> StreamDescription {
        StreamDescription {
            remote: None,
            remote_rtcp: None,
            direction: Direction::SendRecv,
            receive,
            send: Vec::new(),
            ptime_ms: None,
            mux: false,
        }
    }
}
