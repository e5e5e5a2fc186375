//! Real audio both ways, told apart by frequency.

use std::path::Path;
use std::time::Duration;

use crate::baresip::{Baresip, Phone};
use crate::cordboard::{Cordboard, Plan, password};
use crate::process::eventually;
use crate::raw::Caller;

const CALLER_TONE: u32 = 700;
const AGENT_TONE: u32 = 1_200;

/// How much of the last second of a 16-bit WAV file at 8 kHz is a tone of this frequency, 0 to 1.
fn share_of(file: &Path, frequency: u32) -> Option<f64> {
    let bytes = std::fs::read(file).ok()?;
    // The header is 44 bytes; a file that is still being written says nothing useful about its length.
    let samples: Vec<f64> = bytes
        .get(44..)?
        .chunks_exact(2)
        .map(|pair| f64::from(i16::from_le_bytes([pair[0], pair[1]])))
        .collect();
    let last = samples.get(samples.len().checked_sub(8_000)?..)?;
    let energy: f64 = last.iter().map(|sample| sample * sample).sum();
    if energy < 1.0 {
        return Some(0.0);
    }
    let step = 2.0 * std::f64::consts::PI * f64::from(frequency) / 8_000.0;
    let (sine, cosine) = last.iter().zip(0u32..).fold((0.0, 0.0), |(sine, cosine), (sample, index)| {
        let angle = step * f64::from(index);
        (sine + sample * angle.sin(), cosine + sample * angle.cos())
    });
    Some(2.0 * (sine * sine + cosine * cosine) / (energy * last.len() as f64))
}

fn hears(phone: &Baresip, frequency: u32, who: &str) {
    let mut best = 0.0_f64;
    eventually(Duration::from_secs(30), &format!("{who} hears {frequency} Hz"), || {
        let share = share_of(&phone.heard()?, frequency)?;
        if share > best {
            println!("{who}: {frequency} Hz is {share:.3} of the last second");
            best = share;
        }
        (share > 0.9).then_some(())
    });
}

/// kim's phone, which answers at once, when it has registered and kim is ready.
fn kims_phone(cordboard: &Cordboard, transport: &str) -> Baresip {
    let agent = start_kims_phone(cordboard, transport);
    cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "idle")], 1.0);
    agent
}

/// The same, before it has registered.
pub(crate) fn start_kims_phone(cordboard: &Cordboard, transport: &str) -> Baresip {
    let phone = Phone {
        name: "agent",
        account: format!(
            "<sip:kim@cc.test;transport={transport}>;outbound=\"sip:{};transport={transport}\";auth_user=kim;\
             auth_pass={};answermode=auto;regint=60",
            cordboard.sip,
            password("kim")
        ),
        tone: AGENT_TONE,
        dial: None,
    };
    Baresip::start(&cordboard.folder, &phone)
}

/// The agent's phone answers by itself within milliseconds; thirty callers give up 0 to 2.9 ms after their
/// INVITE. Whichever is first, each call has one end and nobody is left behind.
#[test]
fn callers_who_give_up_in_the_moment_of_the_answer_leave_nothing_behind() {
    let cordboard = Plan::new("cancel_race")
        .agent("kim", "billing = 8")
        .queue("billing", "100", "require = \"billing\"\nwaiting = \"ringback\"\nafter_call_work = \"0s\"")
        .start();
    let agent = kims_phone(&cordboard, "udp");
    for patience in (0..3_000).step_by(100) {
        let caller = Caller::new(cordboard.sip, &format!("race{patience}"));
        let race = caller.give_up_after(Duration::from_micros(patience));
        println!("gave up after {patience} µs: {race:?}");
        cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "idle")], 1.0);
    }
    // A phone that is there registers anew again and again.
    drop(agent);
    cordboard.nothing_is_left();
    let (answered, abandoned) = (cordboard.outcome("answered"), cordboard.outcome("abandoned"));
    println!("{answered} answered, {abandoned} abandoned");
    assert_eq!(answered + abandoned, 30.0);
    cordboard.stop();
}

/// A call to `100` whose caller and agent hear each other; it is over when this returns.
pub(crate) fn a_call_is_heard(cordboard: &Cordboard, transport: &str) {
    let agent = kims_phone(cordboard, transport);
    let caller = Baresip::start(
        &cordboard.folder,
        &Phone {
            name: "caller",
            account: "<sip:021234567@127.0.0.1>;regint=0".to_owned(),
            tone: CALLER_TONE,
            dial: Some(format!("sip:100@{}", cordboard.sip)),
        },
    );
    cordboard.await_metric("cordboard_agents", &[("queue", "billing"), ("state", "handling")], 1.0);
    hears(&agent, CALLER_TONE, "the agent");
    hears(&caller, AGENT_TONE, "the caller");
    drop(caller);
    drop(agent);
}

fn tones_travel(test: &'static str, waiting: &str, transport: &str) {
    let cordboard = Plan::new(test)
        .agent("kim", "billing = 8")
        .queue("billing", "100", &format!("require = \"billing\"\nwaiting = \"{waiting}\""))
        .start();
    a_call_is_heard(&cordboard, transport);
    cordboard.nothing_is_left();
    cordboard.stop();
}

#[test]
fn tones_travel_both_ways_after_ringback_to_a_phone_on_tcp() {
    tones_travel("audio_ringback", "ringback", "tcp");
}

#[test]
fn tones_travel_both_ways_after_music() {
    tones_travel("audio_music", "music", "udp");
}
