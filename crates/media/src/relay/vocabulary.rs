//! What goes into the relay and comes out of it, as plain values that cross threads.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::music::MusicId;
use crate::port::LocalPort;
use crate::stream::StreamDescription;

/// One leg's one media stream at the relay (H.248 calls it so). Made by the engine, never used
/// twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TerminationId(pub u64);

/// Whose packets may become a termination's source. The signalled address is always taken with its
/// first valid packet, and wins over any other whenever it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Latching {
    /// Only the signalled address and port.
    Strict,
    /// The signalled host on any port, or the host that the far end's signalling comes from, after
    /// [`crate::Settings::latch_window`]: works through address translators that give a phone one
    /// address.
    #[default]
    SameHost,
    /// Anybody, after [`crate::Settings::latch_window`], as long as nobody nearer speaks.
    Learn,
}

/// How a termination finds the source of its far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SourceRule {
    /// Whose packets may be taken.
    pub latching: Latching,
    /// Whence the far end's SIP comes, where that is known.
    pub signalling_host: Option<IpAddr>,
}

/// What the engine tells the relay. Whatever cannot be done is answered by [`Event::Refused`] and
/// changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A new termination on a port pair (from the [`crate::PortPool`]). It hears nothing yet.
    Open {
        /// Its name.
        termination: TerminationId,
        /// The RTP port of its pair (even).
        port: LocalPort,
        /// Whom to believe, for all its life.
        source: SourceRule,
        /// What is known of the stream; [`StreamDescription::waiting`] before the answer.
        stream: StreamDescription,
    },
    /// Offer and answer said something new: first answer, hold, resume, another address or codec.
    /// Where the signalled address is another one, the source is learned anew.
    Update {
        /// Which.
        termination: TerminationId,
        /// All that is agreed now.
        stream: StreamDescription,
    },
    /// Both hear each other from now on and nothing else; whoever was connected to either hears
    /// silence.
    Connect {
        /// One.
        a: TerminationId,
        /// The other.
        b: TerminationId,
    },
    /// It hears this music from its beginning and nothing else, and nobody hears it. While it is
    /// on hold or has no address the music runs on unheard.
    Play {
        /// Which.
        termination: TerminationId,
        /// Registered by [`crate::Relay::set_music`].
        music: MusicId,
    },
    /// Its end: RTCP BYE, sockets closed, [`Event::Closed`].
    Close {
        /// Which.
        termination: TerminationId,
    },
}

/// What the relay tells the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The termination is gone and its port pair can be released.
    Closed {
        /// Which.
        termination: TerminationId,
        /// Its port pair.
        port: LocalPort,
        /// The whole of its life.
        statistics: Statistics,
    },
    /// RTP was expected (the direction says so) and none came for [`crate::Settings::silence`].
    /// Said once; again only after RTP or an `Update` came in between.
    Silent {
        /// Which.
        termination: TerminationId,
    },
    /// The system refused the port pair. The termination stays, deaf and dumb, until `Close`;
    /// the engine quarantines the pair instead of releasing it.
    PortUnavailable {
        /// Which.
        termination: TerminationId,
        /// Its port pair.
        port: LocalPort,
    },
    /// A command changed nothing.
    Refused {
        /// Which.
        termination: TerminationId,
        /// Why.
        refusal: Refusal,
    },
}

/// Why a command changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No termination of that name (it may have been closed meanwhile).
    UnknownTermination,
    /// `Open` with a name that is in use.
    TerminationInUse,
    /// `Open` with a port that is in use, or is odd, or 0.
    PortInUse,
    /// `Open` beyond [`crate::Settings::terminations`].
    TooManyTerminations,
    /// `Play` with music that was never registered.
    UnknownMusic,
    /// `Play` to a far end that takes no G.711.
    NoG711,
    /// `Connect` of a termination with itself.
    SameTermination,
    /// `Connect` of two that share no codec: the relay does not transcode.
    NoSharedCodec,
}

/// A packet to be sent. Give `bytes` back with [`crate::Relay::recycle`] once it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The local port whose socket sends it.
    pub port: LocalPort,
    /// Where to.
    pub to: SocketAddr,
    /// The packet.
    pub bytes: Vec<u8>,
}

/// What the shell has to do with sockets. A `Close` comes before an `Open` of the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SocketRequest {
    /// Bind this UDP port; where it fails say so with [`crate::Relay::port_failed`].
    Open(LocalPort),
    /// Close it. What is still in its queue is lost and that is right.
    Close(LocalPort),
}

/// The life of a termination in numbers. "Received" is from the far end, "sent" is to it, `far_`
/// is what the far end's RTCP says about what it hears.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// RTP packets accepted from the far end.
    pub received_packets: u64,
    /// Their payload bytes, without headers and padding (RFC 3550 §6.4.1).
    pub received_octets: u64,
    /// RTP packets sent to the far end.
    pub sent_packets: u64,
    /// Their payload bytes.
    pub sent_octets: u64,
    /// Expected minus received (RFC 3550 A.3); below zero with duplicates.
    pub lost: i64,
    /// How often one or more packets in a row were missing.
    pub gaps: u64,
    /// Packets that came twice or after a later one.
    pub late: u64,
    /// Interarrival jitter (RFC 3550 A.8), microseconds.
    pub jitter_micros: u64,
    /// Packets from other sources than the taken one: stray, scan or injection.
    pub refused_source: u64,
    /// RTP of a source before it was taken: not passed on.
    pub refused_untaken: u64,
    /// Packets that are neither RTP nor RTCP, or too big.
    pub refused_malformed: u64,
    /// RTP with a payload number that was not agreed, or that the listener cannot take.
    pub refused_payload: u64,
    /// RTP that came while the direction said none should (hold).
    pub refused_direction: u64,
    /// RTCP packets accepted.
    pub rtcp_received: u64,
    /// RTCP packets sent.
    pub rtcp_sent: u64,
    /// Packets lost on the way to the far end, as it last said.
    pub far_lost: i32,
    /// Loss in the far end's last report interval, 1/256.
    pub far_fraction_lost: u8,
    /// Jitter at the far end, microseconds.
    pub far_jitter_micros: u64,
    /// Round trip between us and the far end; `None` before the first report that allows it.
    pub round_trip: Option<Duration>,
}

/// How many of each thing the relay holds, for leak tests and gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Open terminations.
    pub terminations: usize,
    /// Of these, how many hear another termination.
    pub connected: usize,
    /// Of these, how many hear music.
    pub playing: usize,
    /// Ports that the shell has been told to open and not yet to close.
    pub ports: usize,
    /// Deadlines.
    pub timers: usize,
    /// Outputs not fetched yet.
    pub queued: usize,
    /// Packets thrown away because outputs were not fetched, over all time.
    pub overflowed: u64,
}
