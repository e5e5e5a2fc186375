//! What the media of calls were like, by side, counted when a call is over.

use media::Statistics;
use prometheus::{Histogram, IntCounter};

use crate::Exposition;
use crate::series::{Definition, Group, Registration};

const PACKETS: Definition = Definition {
    name: "cordboard_rtp_packets_total",
    help: "RTP packets accepted from the side and sent to it, counted when the call is over.",
};
const OCTETS: Definition = Definition {
    name: "cordboard_rtp_payload_bytes_total",
    help: "Payload of these packets, without headers and padding.",
};
const LOST: Definition = Definition {
    name: "cordboard_rtp_lost_total",
    help: "RTP packets lost between the side and us: on the way here as we counted, on the way there as its RTCP said.",
};
const LATE: Definition = Definition {
    name: "cordboard_rtp_late_total",
    help: "RTP packets from the side that came twice or after a later one.",
};
const PACKETS_REFUSED: Definition = Definition {
    name: "cordboard_rtp_refused_total",
    help: "Packets at the side's ports that were not accepted, by cause.",
};
const LOSS: Definition = Definition {
    name: "cordboard_rtp_loss_ratio",
    help: "Share of a call's RTP packets that was lost, one observation a call and direction.",
};
const JITTER: Definition = Definition {
    name: "cordboard_rtp_jitter_seconds",
    help: "Interarrival jitter (RFC 3550) at the end of a call, one observation a call and direction.",
};
const ROUND_TRIP: Definition = Definition {
    name: "cordboard_rtp_round_trip_seconds",
    help: "Last round trip between the side and us by RTCP, one observation a call that has it.",
};

/// Edges as a share.
const LOSS_EDGES: [f64; 8] = [0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3];
/// Edges in seconds.
const JITTER_EDGES: [f64; 9] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3];
/// Edges in seconds.
const ROUND_TRIP_EDGES: [f64; 9] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 1.0];
/// In the order in which [`SideSeries::end`] names them.
const CAUSES: [&str; 5] = ["source", "untaken", "malformed", "payload", "direction"];

/// One direction between a side and us.
struct Way {
    packets: IntCounter,
    octets: IntCounter,
    lost: IntCounter,
    loss: Histogram,
    jitter: Histogram,
}

impl Way {
    fn new(group: &mut Group, direction: &str) -> Way {
        let labels = [("direction", direction)];
        Way {
            packets: group.counter(PACKETS, &labels),
            octets: group.counter(OCTETS, &labels),
            lost: group.counter(LOST, &labels),
            loss: group.histogram(LOSS, &LOSS_EDGES, &labels),
            jitter: group.histogram(JITTER, &JITTER_EDGES, &labels),
        }
    }

    /// The jitter is `None` where nobody measured at the receiving end, and then neither is the loss known.
    fn end(&self, packets: u64, octets: u64, lost: i64, expected: u64, jitter_micros: Option<u64>) {
        // Duplicates make the loss of RFC 3550 negative; a counter cannot fall.
        let lost = u64::try_from(lost).unwrap_or(0);
        self.packets.inc_by(packets);
        self.octets.inc_by(octets);
        self.lost.inc_by(lost);
        if let Some(jitter) = jitter_micros
            && expected > 0
        {
            self.loss.observe((lost as f64 / expected as f64).min(1.0));
            self.jitter.observe(jitter as f64 / 1e6);
        }
    }
}

/// The media between one side of calls and us.
pub(super) struct SideSeries {
    received: Way,
    sent: Way,
    late: IntCounter,
    refused: [IntCounter; CAUSES.len()],
    round_trip: Histogram,
    _registration: Registration,
}

impl SideSeries {
    pub(super) fn new(exposition: &Exposition, side: &'static str) -> SideSeries {
        let mut group = Group::new("side", side);
        SideSeries {
            received: Way::new(&mut group, "received"),
            sent: Way::new(&mut group, "sent"),
            late: group.counter(LATE, &[]),
            refused: CAUSES.map(|cause| group.counter(PACKETS_REFUSED, &[("cause", cause)])),
            round_trip: group.histogram(ROUND_TRIP, &ROUND_TRIP_EDGES, &[]),
            _registration: group.register(exposition.registry()),
        }
    }

    /// A call is over.
    pub(super) fn end(&self, statistics: &Statistics) {
        let expected = statistics.received_packets.saturating_add_signed(statistics.lost.max(0));
        let measured = (statistics.received_packets > 0).then_some(statistics.jitter_micros);
        self.received.end(
            statistics.received_packets,
            statistics.received_octets,
            statistics.lost,
            expected,
            measured,
        );
        // Without RTCP from there nobody knows what arrived.
        let measured = (statistics.rtcp_received > 0).then_some(statistics.far_jitter_micros);
        self.sent.end(
            statistics.sent_packets,
            statistics.sent_octets,
            statistics.far_lost.into(),
            statistics.sent_packets,
            measured,
        );
        self.late.inc_by(statistics.late);
        let refused = [
            statistics.refused_source,
            statistics.refused_untaken,
            statistics.refused_malformed,
            statistics.refused_payload,
            statistics.refused_direction,
        ];
        for (counter, packets) in self.refused.iter().zip(refused) {
            counter.inc_by(packets);
        }
        if let Some(round_trip) = statistics.round_trip {
            self.round_trip.observe(round_trip.as_secs_f64());
        }
    }
}
