//! The API over HTTP, against real calls.

use serde_json::{Value, json};
use server::config::DistributorThread;

use super::support::*;

/// Two queues, two reasons, a supervisor, and an agent `lee` with a phone that registers.
const MORE: &str = r#"
[[agent]]
id = "lee"
name = "Lee"
password = "a-long-pass-77"
skills = { sales = 5 }
log_in = "desktop"
[[queue]]
name = "콜백 문의"
require = "sales"
[[entry]]
number = "15882000"
queue = "콜백 문의"
[[reason]]
id = "lunch"
name = "Lunch"
[[reason]]
id = "training"
name = "Training"
[[supervisor]]
id = "park"
"#;

fn agent(running: &server::shell::Running, id: &str) -> Value {
    ask(running, "GET", &format!("/api/v1/agents/{id}"), "").json()
}

fn wish(running: &server::shell::Running, id: &str, body: &Value) -> Answer {
    ask(running, "PUT", &format!("/api/v1/agents/{id}/presence"), &body.to_string())
}

#[test]
fn without_the_token_nothing_is_told_and_nothing_done() {
    let running = start(configuration(nobody(), MORE));
    for (method, path) in [
        ("GET", "/api/v1/agents"),
        ("GET", "/api/v1/agents/kim"),
        ("PUT", "/api/v1/agents/kim/presence"),
        ("GET", "/api/v1/interactions/1"),
        ("GET", "/api/v1/interactions.csv"),
        ("PATCH", "/api/v1/interactions/1"),
        ("GET", "/api/v1/queues/billing"),
    ] {
        for authorization in
            ["", "Authorization: Bearer wrong-token-of-16-chars\r\n", "Authorization: Basic a2lt\r\n"]
        {
            let head =
                format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n");
            let answer = request(&running, &head);
            assert_eq!(answer.status, 401, "{method} {path} {authorization}");
            assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
            assert!(answer.head.contains("content-type: application/problem+json"), "{}", answer.head);
            assert!(!answer.body.contains(TOKEN));
        }
    }
    eventually("kim is logged in", || (agent(&running, "kim")["presence"] == "ready").then_some(()));
    assert!(fetch(&running, "/metrics").body.contains("cordboard_api_unauthorized_total 21"));
    running.shut_down();
    let mut closed = configuration(nobody(), MORE);
    closed.http.token = None;
    let running = start(closed);
    let answer = ask(&running, "GET", "/api/v1/agents", "");
    assert_eq!(answer.status, 403, "no token is configured: nobody may");
    assert!(answer.json()["remedy"].as_str().is_some_and(|remedy| remedy.contains("`token` in [http]")));
    running.shut_down();
}

#[test]
fn an_agent_s_presence_is_set_and_told() {
    let running = start(configuration(nobody(), MORE));
    eventually("kim is logged in", || (agent(&running, "kim")["presence"] == "ready").then_some(()));
    let lunch = wish(&running, "kim", &json!({"presence": "not_ready", "reason": "lunch"}));
    assert_eq!(lunch.status, 200, "{}", lunch.body);
    assert_eq!((&lunch.json()["presence"], &lunch.json()["reason"]), (&json!("not_ready"), &json!("lunch")));
    assert_eq!(agent(&running, "kim")["reason"], "lunch", "whoever asks next is told the same");
    let board = eventually("the wallboard shows the reason", || {
        let board = fetch(&running, "/api/v1/wallboard").json();
        (board["agents"][0]["reason"] == "Lunch").then_some(board)
    });
    assert_eq!(board["agents"][0]["state"], "not_ready");
    for body in
        [json!({"presence": "logged_out"}), json!({"presence": "logged_out"}), json!({"presence": "ready"})]
    {
        assert_eq!(wish(&running, "kim", &body).json()["presence"], body["presence"]);
    }
    let all = eventually("the list follows", || {
        let all = ask(&running, "GET", "/api/v1/agents", "").json();
        (all["agents"][0]["presence"] == "ready").then_some(all)
    });
    assert_eq!(all["agents"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&all["agents"][0]["id"], &all["agents"][1]["presence"]),
        (&json!("kim"), &json!("logged_out"))
    );
    running.shut_down();
}

#[test]
fn a_supervisor_forces_a_presence_and_who_and_why_is_told_until_it_is_lifted() {
    let mut config = configuration(nobody(), MORE);
    config.routing.forced_presence = acd::ForcedPresence::HoldsUntilLifted;
    let running = start(config);
    eventually("kim is logged in", || (agent(&running, "kim")["presence"] == "ready").then_some(()));
    assert_eq!(agent(&running, "kim")["forced"], Value::Null);
    let forced =
        |presence: &str, reason: &str| json!({"presence": presence, "reason": reason, "forced_by": "park"});
    let answer = wish(&running, "kim", &forced("not_ready", "training"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let kim = answer.json();
    assert_eq!((&kim["presence"], &kim["reason"]), (&json!("not_ready"), &json!("training")));
    let told = &kim["forced"];
    assert_eq!(
        (&told["presence"], &told["by"], &told["reason"]),
        (&json!("not_ready"), &json!("park"), &json!("training"))
    );
    assert!(told["since"].is_string());
    let refused = wish(&running, "kim", &json!({"presence": "ready"}));
    assert_eq!(refused.status, 409, "it holds: {}", refused.body);
    assert!(refused.json()["remedy"].as_str().is_some_and(|remedy| remedy.contains("supervisor")));
    let out = wish(&running, "kim", &forced("logged_out", "lunch")).json();
    assert_eq!((&out["presence"], &out["forced"]["reason"]), (&json!("logged_out"), &json!("lunch")));
    let lift_by = |by: &str| ask(&running, "DELETE", &format!("/api/v1/agents/kim/presence/forced{by}"), "");
    assert_eq!((lift_by("?by=nobody").status, lift_by("?why=lunch").status), (422, 400));
    assert!(agent(&running, "kim")["forced"].is_object(), "neither has lifted it");
    for lift in [|| "?by=park", || ""] {
        let lift = || lift_by(lift());
        let lifted = lift();
        assert_eq!((lifted.status, &lifted.json()["forced"]), (200, &Value::Null));
        assert_eq!(lifted.json()["presence"], "logged_out", "the presence stays");
    }
    assert_eq!(wish(&running, "kim", &json!({"presence": "ready"})).status, 200);
    assert_eq!(ask(&running, "DELETE", "/api/v1/agents/nobody/presence/forced", "").status, 404);
    assert!(fetch(&running, "/metrics").body.contains("cordboard_presence_forced_total 2"));
    running.shut_down();
}

#[test]
fn a_wish_that_cannot_be_says_whose_fault_it_is_and_changes_nothing() {
    let running = start(configuration(nobody(), MORE));
    eventually("kim is logged in", || (agent(&running, "kim")["presence"] == "ready").then_some(()));
    for (id, body, status, remedy) in [
        ("kim", json!({"presence": "not_ready"}), 422, "lunch, training"),
        ("kim", json!({"presence": "not_ready", "reason": "golf"}), 422, "lunch, training"),
        ("kim", json!({"presence": "not_ready", "reason": "missed"}), 422, "lunch, training"),
        ("kim", json!({"presence": "ready", "reason": "lunch"}), 422, "leave `reason` out"),
        ("kim", json!({"presence": "logged_out", "forced_by": "park"}), 422, "lunch, training"),
        (
            "kim",
            json!({"presence": "logged_out", "reason": "lunch", "forced_by": "kim"}),
            422,
            "use one of: park",
        ),
        (
            "lee",
            json!({"presence": "ready", "reason": "lunch", "forced_by": "park"}),
            409,
            "register the phone",
        ),
        ("kim", json!({"presence": "asleep"}), 422, "openapi"),
        ("kim", json!({"presence": "ready", "because": 1}), 422, "openapi"),
        ("nobody", json!({"presence": "ready"}), 404, "/api/v1/agents"),
        ("lee", json!({"presence": "ready"}), 409, "register the phone"),
        ("kim", json!(["logged_out", null]), 422, "openapi"),
    ] {
        let answer = wish(&running, id, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        assert!(problem["remedy"].as_str().is_some_and(|said| said.contains(remedy)), "{problem}");
    }
    for (path, status) in [
        ("/api/v1/interactions?limit=0", 422),
        ("/api/v1/interactions?limit=501", 422),
        ("/api/v1/interactions?state=gone", 400),
        ("/api/v1/interactions?queue=nowhere", 404),
        ("/api/v1/interactions.csv?time_zone=Asia/Soul", 422),
        ("/api/v1/interactions.csv?date=yesterday", 422),
        ("/api/v1/interactions.csv?queue=billing", 400),
        ("/api/v1/interactions?agent=nobody", 404),
        ("/api/v1/interactions?sort=id", 400),
        ("/api/v1/interactions/1?by=park", 400),
        ("/api/v1/agents?state=idle", 400),
        ("/api/v1/agents/kim?by=park", 400),
        ("/api/v1/queues?line=3", 400),
        ("/api/v1/sip-trace?pattern=kim", 400),
        ("/api/v1/log-level?level=debug", 400),
        ("/api/v1/interactions/1", 404),
        ("/api/v1/interactions/one", 400),
        ("/api/v1/queues/billing?line=1001", 422),
        ("/api/v1/queues/nowhere", 404),
        ("/api/v1/agents/..%2f..%2fetc", 404),
        ("/api/v1/agent", 404),
        ("/api/v1/agents/kim/presence", 405),
    ] {
        let answer = ask(&running, "GET", path, "");
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.json()["remedy"].is_string(), "{path}: {}", answer.body);
    }
    assert_eq!(agent(&running, "kim")["presence"], "ready");
    assert_eq!(agent(&running, "lee")["presence"], "logged_out");
    let lunch = wish(&running, "lee", &json!({"presence": "not_ready", "reason": "lunch"}));
    assert_eq!(lunch.status, 200, "a break needs no phone");
    running.shut_down();
}

#[test]
fn after_call_work_that_is_not_there_cannot_be_ended_or_extended_and_why_is_told() {
    let running = start(configuration(nobody(), MORE));
    eventually("kim is logged in", || (agent(&running, "kim")["presence"] == "ready").then_some(()));
    let acw = |what: &str, body: &str| {
        ask(&running, "POST", &format!("/api/v1/agents/kim/after-call-work/{what}"), body)
    };
    assert_eq!(acw("end", "").status, 409);
    assert_eq!(acw("extend", r#"{"seconds": 30}"#).status, 409);
    assert_eq!(acw("extend", r#"{"seconds": 0}"#).status, 422);
    let negative = acw("extend", r#"{"seconds": -1}"#);
    assert_eq!(negative.status, 422);
    assert_eq!(negative.json()["detail"], "`seconds` is -1, and must be a whole number, not below 0");
    let other = acw("end", r#"{"interaction": 99}"#);
    assert_eq!(
        (other.status, &other.json()["detail"]),
        (409, &json!("agent `kim` is not wrapping up interaction 99"))
    );
    running.shut_down();
}

#[test]
fn who_waits_is_told_in_order_and_by_name() {
    let running = start(unstaffed(MORE));
    let mut callers: Vec<Phone> = ["0101", "0102", "0103"].map(|name| Phone::udp(name, udp(&running))).into();
    let answers: Vec<Message> = callers
        .iter_mut()
        .map(|caller| {
            let answer = caller.call("15882000", caller.name);
            eventually("it waits", || {
                let list = ask(
                    &running,
                    "GET",
                    "/api/v1/interactions?queue=%EC%BD%9C%EB%B0%B1%20%EB%AC%B8%EC%9D%98",
                    "",
                );
                list.body.contains(caller.name).then_some(())
            });
            answer
        })
        .collect();
    let path = "/api/v1/queues/%EC%BD%9C%EB%B0%B1%20%EB%AC%B8%EC%9D%98";
    let queue = eventually("the figures follow", || {
        let queue = ask(&running, "GET", path, "").json();
        (queue["waiting"] == 3).then_some(queue)
    });
    assert_eq!(queue["name"], "콜백 문의");
    let line: Vec<(&Value, &Value)> = queue["line"]
        .as_array()
        .expect("a line")
        .iter()
        .map(|one| (&one["position"], &one["caller"]))
        .collect();
    assert_eq!(line, [(&json!(1), &json!("0101")), (&json!(2), &json!("0102")), (&json!(3), &json!("0103"))]);
    let two = ask(&running, "GET", &format!("{path}?line=2"), "").json();
    assert_eq!(two["line"].as_array().map(Vec::len), Some(2));
    let first = ask(&running, "GET", "/api/v1/interactions?limit=2", "").json();
    assert_eq!(first["interactions"].as_array().map(Vec::len), Some(2));
    let rest = format!("/api/v1/interactions?limit=2&from={}", first["next"]);
    let rest = ask(&running, "GET", &rest, "").json();
    assert_eq!((rest["interactions"].as_array().map(Vec::len), &rest["next"]), (Some(1), &Value::Null));
    assert_eq!(rest["interactions"][0]["caller"], "0103");
    assert_eq!(rest["interactions"][0]["origin"]["trunk"], "pbx");
    for (caller, answer) in callers.iter_mut().zip(&answers) {
        let bye = caller.inside(answer, "BYE", 2);
        caller.send(&bye);
        caller.expect("200");
    }
    let ended = eventually("they are remembered", || {
        let ended = ask(&running, "GET", "/api/v1/interactions?state=ended", "").json();
        (ended["interactions"].as_array().map(Vec::len) == Some(3)).then_some(ended)
    });
    assert_eq!(ended["interactions"][0]["caller"], "0103", "newest first");
    assert!(
        ended["interactions"].as_array().expect("a list").iter().all(|one| one["outcome"] == "abandoned")
    );
    running.shut_down();
}

#[test]
fn a_call_is_followed_from_the_ring_to_the_end_of_after_call_work_and_says_why_this_agent() {
    follow_a_call(DistributorThread::Shared);
}

#[test]
fn a_call_is_followed_as_well_where_the_distributor_has_a_thread_of_its_own() {
    follow_a_call(DistributorThread::Own);
}

fn follow_a_call(thread: DistributorThread) {
    let mut agent_phone = Phone::udp("kim", nobody());
    let mut config = configuration(agent_phone.address(), MORE);
    config.routing.distributor_thread = thread;
    config.queues[0].after_call_work = std::time::Duration::from_secs(600);
    let running = start(config);
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15881000", "why");
    let invite = agent_phone.expect("INVITE");
    let ringing = ask(&running, "GET", "/api/v1/interactions?agent=kim", "").json();
    let (one, id) =
        (&ringing["interactions"][0], ringing["interactions"][0]["id"].as_u64().expect("a number"));
    assert_eq!((&one["state"], &one["attempts"][0]["result"]), (&json!("ringing"), &json!("ringing")));
    assert_eq!(agent(&running, "kim")["activity"], "reserved");
    let accepted = response(&invite, "200 OK", agent_phone.address(), "udp", &sdp());
    agent_phone.send(&accepted);
    agent_phone.expect("ACK");
    let path = format!("/api/v1/interactions/{id}");
    let talking = eventually("they talk", || {
        let one = ask(&running, "GET", &path, "").json();
        (one["state"] == "talking").then_some(one)
    });
    assert_eq!((&talking["agent"], &talking["queue"]), (&json!("kim"), &json!("billing")));
    let kim = agent(&running, "kim");
    let work = &kim["works"][0];
    assert_eq!((&work["interaction"], &work["state"]), (&json!(id), &json!("handling")), "{kim}");
    assert_eq!((&work["queue"], &work["channel"]), (&json!("billing"), &json!("voice")));
    let voice = json!({"channel": "voice", "capacity": 1, "used": 1, "free": 0});
    assert_eq!(kim["channels"], json!([voice]));
    let why = &talking["attempts"][0]["why"];
    assert_eq!(
        (&why["strategy"], &why["eligible"], &why["next"]),
        (&json!("longest_idle"), &json!(1), &json!([]))
    );
    assert_eq!(
        why["text"],
        "The only agent available who met the first requirement of the queue; nobody went on waiting."
    );
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let bye = agent_phone.expect("BYE");
    let done = response(&bye, "200 OK", agent_phone.address(), "udp", "");
    agent_phone.send(&done);
    let ended = eventually("it is over", || {
        let one = ask(&running, "GET", &path, "").json();
        (one["state"] == "ended").then_some(one)
    });
    assert_eq!((&ended["outcome"], &ended["end"]), (&json!("answered"), &json!("by_caller")));
    assert_eq!(
        (&ended["attempts"][0]["result"], &ended["visits"][0]["queue"]),
        (&json!("answered"), &json!("billing"))
    );
    assert_eq!(agent(&running, "kim")["activity"], "after_call_work");
    let acw = |what: &str, body: &str| {
        ask(&running, "POST", &format!("/api/v1/agents/kim/after-call-work/{what}"), body)
    };
    let before = agent(&running, "kim")["until"].clone();
    let extended = acw("extend", r#"{"seconds": 60}"#);
    assert_eq!(extended.status, 200, "{}", extended.body);
    assert_ne!(extended.json()["until"], before);
    let of = |interaction: u64| json!({"interaction": interaction}).to_string();
    assert_eq!(acw("end", &of(id + 1)).status, 409, "not the wrap-up of another one");
    let longer = acw("extend", &json!({"interaction": id, "seconds": 1}).to_string());
    assert_eq!(longer.status, 200, "{}", longer.body);
    assert_eq!(acw("end", "[]").status, 422);
    let free = acw("end", &of(id));
    assert_eq!((free.status, &free.json()["activity"]), (200, &json!("idle")));
    running.shut_down();
}

#[test]
fn an_agent_of_the_desktop_is_rung_only_after_they_have_logged_in() {
    let mut phone = Phone::udp("lee", nobody());
    let mut config = unstaffed(MORE);
    config.agents[1].reach = server::config::Reach::Contact(format!("sip:lee@{}", phone.address()));
    let running = start(config);
    eventually("a contact alone begins no shift here", || {
        (agent(&running, "lee")["presence"] == "logged_out").then_some(())
    });
    let training = wish(&running, "lee", &json!({"presence": "not_ready", "reason": "training"}));
    assert_eq!((training.status, &training.json()["reason"]), (200, &json!("training")));
    let mut caller = Phone::udp("01012345678", udp(&running));
    let answer = caller.call("15882000", "desktop");
    eventually("one waits", || {
        let list = ask(&running, "GET", "/api/v1/interactions", "").json();
        (list["interactions"][0]["state"] == "waiting").then_some(())
    });
    assert_eq!(wish(&running, "lee", &json!({"presence": "ready"})).status, 200);
    phone.expect("INVITE");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    assert_eq!(wish(&running, "lee", &json!({"presence": "logged_out"})).json()["presence"], "logged_out");
    running.shut_down();
}

/// A call to this number that waits, and the path of its interaction.
fn one_waits(running: &server::shell::Running, number: &str) -> (Phone, Message, String) {
    let mut caller = Phone::udp("01012345678", udp(running));
    let answer = caller.call(number, "changed");
    let id = eventually("one waits", || {
        let list = ask(running, "GET", "/api/v1/interactions", "").json();
        (list["interactions"][0]["state"] == "waiting").then(|| list["interactions"][0]["id"].clone())
    });
    (caller, answer, format!("/api/v1/interactions/{id}"))
}

#[test]
fn a_change_that_cannot_be_made_says_what_is_wrong_and_changes_nothing() {
    let running = start(unstaffed(MORE));
    let (mut caller, answer, path) = one_waits(&running, "15881000");
    for (body, said) in [
        (json!({}), "changes nothing"),
        (json!({"by": "park"}), "changes nothing"),
        (json!({"priority": 5, "queue": "nowhere"}), "no queue `nowhere`"),
        (json!({"priority": 5, "require": "sales and ("}), "the requirement ends where a skill"),
        (json!({"priority": 5, "require": "sales > 3 english"}), "at character 11, not `english`"),
        (json!({"priority": 5, "require": "greek"}), "no agent has a skill called `greek`"),
        (json!({"priority": 5, "by": "kim"}), "no supervisor `kim`"),
        (json!({"priority": 5, "band": 1}), "there is no `band` here; there is `priority`"),
        (json!({"priority": "high"}), "`priority` is \"high\", and must be a whole number"),
        (json!({"priority": 99_999}), "-2000 to 2000"),
    ] {
        let refused = ask(&running, "PATCH", &path, &body.to_string());
        assert_eq!(refused.status, 422, "{body}: {}", refused.body);
        let problem = refused.json();
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(said)), "{problem}");
        assert!(problem["remedy"].is_string(), "{problem}");
    }
    let one = ask(&running, "GET", &path, "").json();
    let left = (&one["priority"], &one["require"], &one["queue"], &one["changes"]);
    assert_eq!(left, (&json!(0), &Value::Null, &json!("billing"), &json!([])), "nothing was done");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let late = eventually("it is over", || {
        let late = ask(&running, "PATCH", &path, r#"{"priority": 1}"#);
        late.body.contains("`ended`").then_some(late)
    });
    assert_eq!(late.status, 409, "{}", late.body);
    for (id, status) in [("99", 404), ("one", 400)] {
        let path = format!("/api/v1/interactions/{id}");
        assert_eq!(ask(&running, "PATCH", &path, r#"{"priority": 1}"#).status, status);
    }
    running.shut_down();
}

#[test]
fn an_interaction_that_waits_is_changed_and_told_as_it_is_when_all_that_follows_is_done() {
    let mut phone = Phone::udp("lee", nobody());
    let mut config = unstaffed(MORE);
    config.agents[1].reach = server::config::Reach::Contact(format!("sip:lee@{}", phone.address()));
    let running = start(config);
    let (mut caller, answer, path) = one_waits(&running, "15881000");
    let change = |body: &Value| ask(&running, "PATCH", &path, &body.to_string());
    let all = json!({"priority": 5, "require": "sales >= 6", "queue": "콜백 문의", "by": "park"});
    let changed = change(&all);
    assert_eq!(changed.status, 200, "{}", changed.body);
    let one = changed.json();
    let now = (&one["priority"], &one["require"], &one["queue"], &one["state"]);
    assert_eq!(now, (&json!(5), &json!("sales >= 6"), &json!("콜백 문의"), &json!("waiting")));
    assert_eq!(
        (&one["changes"][0]["by"], &one["changes"][0]["queue"]),
        (&json!("park"), &json!("콜백 문의"))
    );
    assert_eq!((&one["changes_total"], &one["visits"][0]["overflow"]["cause"]), (&json!(1), &json!("moved")));
    assert_eq!(change(&all).json()["changes_total"], 1, "it is so already");
    assert_eq!(wish(&running, "lee", &json!({"presence": "ready"})).status, 200);
    assert_eq!(ask(&running, "GET", &path, "").json()["attempts_total"], 0, "lee has sales 5");
    let rings = change(&json!({"require": null})).json();
    let attempt = &rings["attempts"][0];
    assert_eq!((&rings["state"], &attempt["agent"]), (&json!("ringing"), &json!("lee")), "{rings}");
    let invite = phone.expect("INVITE");
    let refused = change(&json!({"priority": 7, "queue": "billing"}));
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("`ringing`"), "{}", refused.body);
    let raised = change(&json!({"priority": 7})).json();
    assert_eq!((&raised["priority"], &raised["changes_total"]), (&json!(7), &json!(3)));
    let busy = response(&invite, "486 Busy Here", phone.address(), "udp", "");
    phone.send(&busy);
    phone.expect("ACK");
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    let ended = eventually("it is over", || {
        let one = ask(&running, "GET", &path, "").json();
        (one["state"] == "ended").then_some(one)
    });
    assert_eq!(ended["changes"].as_array().map(Vec::len), Some(3));
    running.shut_down();
}

#[test]
fn the_last_changes_are_listed_and_all_are_counted() {
    let running = start(unstaffed(MORE));
    let (mut caller, answer, path) = one_waits(&running, "15881000");
    for points in 1..=20 {
        let body = json!({"priority": points, "by": "park"});
        assert_eq!(ask(&running, "PATCH", &path, &body.to_string()).status, 200);
    }
    let one = ask(&running, "GET", &path, "").json();
    let points: Vec<i64> = one["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| change["priority"].as_i64().expect("what was changed"))
        .collect();
    assert_eq!(points, (5..=20).collect::<Vec<i64>>(), "the first four are forgotten");
    assert_eq!((&one["changes_total"], &one["priority"]), (&json!(20), &json!(20)));
    let bye = caller.inside(&answer, "BYE", 2);
    caller.send(&bye);
    caller.expect("200");
    running.shut_down();
}
