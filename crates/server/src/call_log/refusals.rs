//! Lines about what was refused: how often, whose fault it is and what to do.

use b2bua::RefusalCause as CallCause;
use engine::{FurtherRefusals, REFUSAL_INTERVAL, Refusal, RefusalCause, RequestKind};
use sip::RefusalCause as SipCause;
use tracing::{info, warn};

use super::{CallLog, clean};

/// Who can end a refusal, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advice {
    /// Whoever sent it.
    Sender(&'static str),
    /// Whoever wrote the configuration, ours or theirs: the line asks for attention.
    Operator(&'static str),
    /// A bound is reached: the line asks for attention.
    Capacity(&'static str),
    /// Nobody has to: it is as somebody wanted it.
    Nobody(&'static str),
}

impl CallLog {
    pub(super) fn refusal(&self, refusal: &Refusal) {
        let Refusal { request, cause, status, remote, trunk, parties } = refusal;
        let (fault, remedy) = advice(*request, *cause).words();
        let trunk = trunk.map(|trunk| self.trunk(trunk));
        let caller = parties.as_ref().map(|parties| self.number(&parties.caller));
        let called = parties.as_ref().map(|parties| clean(&parties.called));
        let cause_word = cause.as_str();
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    caller,
                    called,
                    %remote,
                    trunk,
                    status,
                    cause = cause_word,
                    fault,
                    remedy,
                    "{}",
                    what(*request)
                )
            };
        }
        if advice(*request, *cause).is_urgent() { line!(warn) } else { line!(info) }
    }

    pub(super) fn further_refusals(&self, further: &FurtherRefusals) {
        let FurtherRefusals { request, cause, source, count } = further;
        let source = source.map_or_else(|| "many".to_owned(), |source| source.to_string());
        let (seconds, what) = (REFUSAL_INTERVAL.as_secs(), what(*request));
        info!(source, count, cause = cause.as_str(), "{what}, and more like it within {seconds} s");
    }
}

fn what(request: RequestKind) -> &'static str {
    match request {
        RequestKind::Call => "call refused",
        RequestKind::Registration => "registration refused",
        RequestKind::Other => "request refused",
    }
}

impl Advice {
    fn is_urgent(self) -> bool {
        match self {
            Advice::Sender(_) | Advice::Nobody(_) => false,
            Advice::Operator(_) | Advice::Capacity(_) => true,
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Advice::Sender(remedy) => ("sender", remedy),
            Advice::Operator(remedy) => ("configuration", remedy),
            Advice::Capacity(remedy) => ("capacity", remedy),
            Advice::Nobody(remedy) => ("none", remedy),
        }
    }
}

fn advice(request: RequestKind, cause: RefusalCause) -> Advice {
    match cause {
        RefusalCause::UnknownNumber => {
            Advice::Operator("add an [[entry]] for this number, or let the sender dial one that there is")
        }
        RefusalCause::Draining => {
            Advice::Nobody("none: this process was told to end, let calls go elsewhere")
        }
        RefusalCause::Full => {
            Advice::Capacity("raise waiting_max in [routing], or give the queues a max_length or max_wait")
        }
        RefusalCause::Call(cause) => of_call(cause),
        RefusalCause::Request(cause) => of_request(request, cause),
    }
}

fn of_call(cause: CallCause) -> Advice {
    match cause {
        CallCause::Calls => Advice::Capacity("raise calls_max in [sip.limits], and ports in [media] with it"),
        CallCause::NoPort => {
            Advice::Capacity("widen ports in [media]; cordboard_media_ports says how many are in use")
        }
        CallCause::NoMediaAddress => {
            Advice::Operator("add an address of the family of the caller's audio to address in [media]")
        }
        CallCause::LeadsToUs => Advice::Sender(
            "offer audio at an address of the peer; loopback needs `allow_loopback` in [media]",
        ),
        CallCause::NothingToRelay => Advice::Sender("offer audio as plain RTP (RTP/AVP)"),
        CallCause::NoDescription => Advice::Sender("put a session description into the body, or none"),
        CallCause::BadDescription => Advice::Sender("correct the session description (RFC 8866)"),
    }
}

fn of_request(request: RequestKind, cause: SipCause) -> Advice {
    match cause {
        SipCause::Malformed => Advice::Sender("correct the message (RFC 3261); the SIP trace shows it"),
        SipCause::Unsupported => {
            Advice::Sender("do without what is asked for; the SIP trace shows the answer")
        }
        SipCause::Loop => Advice::Operator("a proxy sends the call in a circle or twice: correct its routes"),
        SipCause::NoSession => Advice::Sender("none: its call is over or never was"),
        SipCause::UnknownSource => Advice::Operator(
            "if it may call, add its network to from of a [[trunk]]; if not, let a firewall refuse it",
        ),
        SipCause::WrongIdentity => {
            Advice::Operator("let From (and To of a REGISTER) name the account whose password is used")
        }
        SipCause::WrongDomain => Advice::Operator("let the phone register at the domain of [sip]"),
        SipCause::NoCredentials => Advice::Operator("give the [[trunk]] a username and a password"),
        SipCause::WrongPassword => match request {
            RequestKind::Call => {
                Advice::Operator("give sender and [[trunk]] or [[agent]] the same name and password")
            }
            RequestKind::Registration | RequestKind::Other => {
                Advice::Operator("give the phone the id and password of its [[agent]]; else somebody guesses")
            }
        },
        SipCause::BackOff => {
            Advice::Operator("correct the password at the source, which must wait now; else somebody guesses")
        }
        SipCause::CallRate => Advice::Capacity("raise calls_per_second in [sip.limits], or add a machine"),
        SipCause::TrunkRate => {
            Advice::Capacity("raise calls_per_second of this [[trunk]], or let it send less")
        }
        SipCause::SessionRate => Advice::Sender("send fewer requests inside of one call"),
        SipCause::Sessions => Advice::Capacity("raise dialogs_max in [sip.limits], or add a machine"),
        SipCause::Transactions => {
            Advice::Capacity("raise transactions_max in [sip.limits], or add a machine")
        }
        SipCause::Registrations => {
            Advice::Capacity("raise registrations_max in [sip.limits] or contacts_max in [sip.registrar]")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::mpsc::{Sender, channel};

    use arc_swap::ArcSwap;
    use engine::{Notice, Parties};
    use report::Names;

    use super::*;

    #[derive(Clone)]
    struct Page(Sender<Vec<u8>>);

    impl Write for Page {
        fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
            self.0.send(octets.to_vec()).expect("the test reads");
            Ok(octets.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that these notices make.
    fn written(notices: &[Notice]) -> String {
        let log = CallLog {
            traces: None,
            clock: crate::clock::Clock::start(),
            names: Arc::new(ArcSwap::from_pointee(Names::default())),
            trunks: Arc::new(ArcSwap::from_pointee(BTreeMap::from([(sip::TrunkId(3), "pbx".to_owned())]))),
            remembered: Arc::new(crate::remembered::Remembered::new(1)),
            mask_numbers: true,
        };
        let (sender, receiver) = channel();
        let page = Page(sender);
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || page.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            notices.iter().cloned().for_each(|one| log.notice(one));
        });
        String::from_utf8(receiver.try_iter().flatten().collect()).expect("lines are text")
    }

    fn refusal(request: RequestKind, cause: RefusalCause, status: u16) -> Refusal {
        let remote = "192.0.2.7:5060".parse().expect("an address");
        Refusal { request, cause, status, remote, trunk: None, parties: None }
    }

    #[test]
    fn a_refused_call_says_whence_why_whose_fault_and_what_to_do() {
        let parties = Parties { caller: "01012345678".to_owned(), called: "1588\n1000".to_owned() };
        let cause = RefusalCause::Call(CallCause::Calls);
        let full = refusal(RequestKind::Call, cause, 503);
        let full = Refusal { trunk: Some(sip::TrunkId(3)), parties: Some(parties), ..full };
        let text = written(&[Notice::Refused(Box::new(full))]);
        for part in [
            "WARN",
            "call refused",
            "caller=\"0101234****\"",
            "called=\"1588_1000\"",
            "remote=192.0.2.7:5060",
            "trunk=\"pbx\"",
            "status=503",
            "cause=\"calls\"",
            "fault=\"capacity\"",
            "raise calls_max in [sip.limits]",
        ] {
            assert!(text.contains(part), "{part} is missing: {text}");
        }
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn a_call_that_comes_while_we_end_is_nobody_s_fault() {
        let draining = refusal(RequestKind::Call, RefusalCause::Draining, 503);
        let text = written(&[Notice::Refused(Box::new(draining))]);
        assert!(text.contains("INFO") && text.contains("fault=\"none\""), "{text}");
    }

    #[test]
    fn a_wrong_password_names_the_source_and_no_account() {
        let cause = RefusalCause::Request(SipCause::WrongPassword);
        let text = written(&[Notice::Refused(Box::new(refusal(RequestKind::Registration, cause, 401)))]);
        assert!(text.contains("WARN") && text.contains("registration refused"), "{text}");
        assert!(text.contains("192.0.2.7") && text.contains("password of its [[agent]]"), "{text}");
    }

    #[test]
    fn what_was_not_told_one_by_one_is_a_number() {
        let cause = RefusalCause::Request(SipCause::TrunkRate);
        let source = Some("192.0.2.7".parse().expect("an address"));
        let further = FurtherRefusals { request: RequestKind::Call, cause, source, count: 4_711 };
        let many = FurtherRefusals { source: None, ..further };
        let text = written(&[Notice::RefusedFurther(further), Notice::RefusedFurther(many)]);
        assert!(text.contains("count=4711") && text.contains("source=\"192.0.2.7\""), "{text}");
        assert!(text.contains("source=\"many\"") && text.contains("cause=\"trunk_rate\""), "{text}");
    }

    #[test]
    fn every_cause_has_its_advice() {
        for cause in RefusalCause::all() {
            for request in RequestKind::ALL {
                let (fault, remedy) = advice(request, cause).words();
                assert!(!fault.is_empty() && remedy.len() > 20, "{cause:?}");
            }
        }
    }
}
