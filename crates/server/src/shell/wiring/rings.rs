//! Every ring, and who sleeps at its end.

use std::sync::Arc;

use engine::Notice;
use mio::{Poll, Waker};
use report::{Exposition, RingSeries};

use super::Placement;
use crate::doorbell::Doorbell;
use crate::inward::{Inward, Reply};
use crate::outward::Outward;
use crate::ring::{Consumer, Gauge, Producer, ring};
use crate::start_error::StartError;
use crate::threads::{self, INWARD_RING, RING, distributor, media};
use crate::worker::Link;

/// Orders of the shell that wait for a thread; one more is refused to whoever gives it.
const ORDERS: usize = 64;

/// Questions by HTTP that wait for a thread; one more is answered with 503.
const QUESTIONS: usize = 256;

/// The links of the three threads, and the doorbells of the tasks.
pub(super) struct Bells {
    pub(super) engine: Arc<Link>,
    pub(super) distributor: Arc<Link>,
    pub(super) media: Arc<Link>,
    pub(super) outward: Arc<Doorbell>,
    pub(super) notices: Arc<Doorbell>,
}

impl Bells {
    /// Bells that ring in the polls of the two threads that have sockets, and where the distributor is.
    pub(super) fn new(engine: &Poll, media: &Poll, placement: Placement) -> Result<Bells, StartError> {
        let waker = |poll: &Poll, token| {
            Waker::new(poll.registry(), token).map_err(StartError::resource("a way to wake a thread"))
        };
        let engine = Arc::new(Doorbell::for_poll(waker(engine, threads::engine::WAKE)?));
        let media = Doorbell::for_poll(waker(media, media::WAKE)?);
        let distributor = match placement {
            Placement::WithTheEngine => Arc::clone(&engine),
            Placement::OnItsOwn => Arc::new(Doorbell::for_thread()),
        };
        Ok(Bells {
            engine: Link::new("engine", engine),
            distributor: Link::new("distributor", distributor),
            media: Link::new("media", Arc::new(media)),
            outward: Arc::new(Doorbell::for_task()),
            notices: Arc::new(Doorbell::for_task()),
        })
    }
}

/// Where values go in.
pub(super) struct Producers {
    pub(super) engine_orders: Producer<threads::engine::Order>,
    pub(super) distributor_orders: Producer<distributor::Order>,
    pub(super) engine_asks: Producer<threads::engine::Ask>,
    pub(super) asks: Producer<distributor::Ask>,
    pub(super) music: Producer<media::Piece>,
    pub(super) commands: Producer<distributor::Sent>,
    pub(super) events: Producer<distributor::Told>,
    pub(super) media_commands: Producer<::media::Command>,
    pub(super) media_events: Producer<::media::Event>,
    pub(super) inward: Producer<Inward>,
    pub(super) replies: Producer<Reply>,
    pub(super) outward: Producer<Outward>,
    pub(super) notices: Producer<Notice>,
}

/// Where values come out, by who takes them.
pub(super) struct Consumers {
    pub(super) engine: EngineEnds,
    pub(super) distributor: DistributorEnds,
    pub(super) media: MediaEnds,
    pub(super) outward: Consumer<Outward>,
    pub(super) notices: Consumer<Notice>,
}

/// What the engine's thread takes.
pub(super) struct EngineEnds {
    pub(super) orders: Consumer<threads::engine::Order>,
    pub(super) asks: Consumer<threads::engine::Ask>,
    pub(super) events: Consumer<distributor::Told>,
    pub(super) media_events: Consumer<::media::Event>,
    pub(super) replies: Consumer<Reply>,
    pub(super) inward: Consumer<Inward>,
}

/// What the distributor's thread takes.
pub(super) struct DistributorEnds {
    pub(super) orders: Consumer<distributor::Order>,
    pub(super) asks: Consumer<distributor::Ask>,
    pub(super) commands: Consumer<distributor::Sent>,
}

/// What the media thread takes.
pub(super) struct MediaEnds {
    pub(super) music: Consumer<media::Piece>,
    pub(super) commands: Consumer<::media::Command>,
}

/// Makes every ring.
pub(super) fn rings(bells: &Bells) -> (Producers, Consumers) {
    let (engine, distributor) = (bells.engine.doorbell(), bells.distributor.doorbell());
    let engine_orders = ring(ORDERS, engine);
    let distributor_orders = ring(ORDERS, distributor);
    let engine_asks = ring(QUESTIONS, engine);
    let asks = ring(QUESTIONS, distributor);
    let music = ring(ORDERS, bells.media.doorbell());
    let commands = ring(RING, distributor);
    let events = ring(RING, engine);
    let media_commands = ring(RING, bells.media.doorbell());
    let media_events = ring(RING, engine);
    let inward = ring(INWARD_RING, engine);
    let replies = ring(INWARD_RING, engine);
    let outward = ring(RING, &bells.outward);
    let notices = ring(RING, &bells.notices);
    let producers = Producers {
        engine_orders: engine_orders.0,
        distributor_orders: distributor_orders.0,
        engine_asks: engine_asks.0,
        asks: asks.0,
        music: music.0,
        commands: commands.0,
        events: events.0,
        media_commands: media_commands.0,
        media_events: media_events.0,
        inward: inward.0,
        replies: replies.0,
        outward: outward.0,
        notices: notices.0,
    };
    let consumers = Consumers {
        engine: EngineEnds {
            orders: engine_orders.1,
            asks: engine_asks.1,
            events: events.1,
            media_events: media_events.1,
            replies: replies.1,
            inward: inward.1,
        },
        distributor: DistributorEnds { orders: distributor_orders.1, asks: asks.1, commands: commands.1 },
        media: MediaEnds { music: music.1, commands: media_commands.1 },
        outward: outward.1,
        notices: notices.1,
    };
    (producers, consumers)
}

impl Consumers {
    /// What `/metrics` says about the rings on the path of a call.
    pub(super) fn series(&self, exposition: &Exposition) -> Vec<(RingSeries, Gauge)> {
        let gauges: [(&'static str, Gauge); 8] = [
            ("commands", self.distributor.commands.gauge()),
            ("events", self.engine.events.gauge()),
            ("media_commands", self.media.commands.gauge()),
            ("media_events", self.engine.media_events.gauge()),
            ("inward", self.engine.inward.gauge()),
            ("replies", self.engine.replies.gauge()),
            ("outward", self.outward.gauge()),
            ("notices", self.notices.gauge()),
        ];
        gauges.into_iter().map(|(name, gauge)| (RingSeries::new(exposition, name), gauge)).collect()
    }
}
