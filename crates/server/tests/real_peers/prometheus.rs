//! A real Prometheus server scrapes us and evaluates what `docs/metrics.md` promises.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::cordboard::{Cordboard, Plan};
use crate::http;
use crate::port::free_port;
use crate::process::{Process, eventually};
use crate::sipp::{Over, Run, phones};

/// A running Prometheus.
pub(crate) struct Prometheus {
    _process: Process,
    address: SocketAddr,
}

impl Prometheus {
    /// Scrapes once a second.
    fn scraping(cordboard: &Cordboard) -> Prometheus {
        Prometheus::evaluating(cordboard, &[])
    }

    /// The same, and evaluates these rules as often.
    pub(crate) fn evaluating(cordboard: &Cordboard, rules: &[PathBuf]) -> Prometheus {
        let folder = cordboard.folder.join("prometheus");
        std::fs::create_dir_all(&folder).expect("the test's folder is writable");
        let file = folder.join("prometheus.yml");
        let text = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: {rules:?}\nscrape_configs:\n  \
             - job_name: cordboard\n    static_configs:\n      - targets: ['{}']\n",
            cordboard.http
        );
        std::fs::write(&file, text).expect("the test's folder is writable");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        let process = Process::start("prometheus", &mut command, &folder.join("log"));
        let prometheus = Prometheus { _process: process, address };
        eventually(Duration::from_secs(30), "Prometheus has scraped", || {
            (prometheus.value("up{job=\"cordboard\"}")? == 1.0).then_some(())
        });
        prometheus
    }

    /// The single value of an instant query.
    fn value(&self, query: &str) -> Option<f64> {
        self.answer(query)?["data"]["result"].get(0)?["value"].get(1)?.as_str()?.parse().ok()
    }

    /// Whether an instant query has any result.
    pub(crate) fn finds(&self, query: &str) -> bool {
        self.answer(query).is_some_and(|answer| answer["data"]["result"].get(0).is_some())
    }

    /// What an instant query says; one that Prometheus does not understand fails the test.
    fn answer(&self, query: &str) -> Option<Value> {
        let (status, body) =
            http::get(self.address, &format!("/api/v1/query?query={}", http::escape(query)))?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        assert_eq!(status, 200, "{query}: {body}");
        Some(answer)
    }

    /// Waits until an instant query has this value.
    pub(crate) fn becomes(&self, query: &str, wanted: f64) {
        let mut last = None;
        eventually(Duration::from_secs(20), &format!("{query} is {wanted}"), || {
            let value = self.value(query);
            if value != last {
                println!("{query} = {value:?}");
                last = value;
            }
            value.is_some_and(|value| (value - wanted).abs() < 1e-6).then_some(())
        });
    }
}

#[test]
fn prometheus_scrapes_and_service_level_is_a_query() {
    let cordboard = Plan::new("prometheus")
        .agent("kim", "billing = 8")
        .queue(
            "billing",
            "100",
            "require = \"billing\"\nwaiting = \"ringback\"\nservice_level = { target = \"80%\", within = \"2s\" }",
        )
        .start();
    let prometheus = Prometheus::scraping(&cordboard);
    // Three answered within the threshold (a fifth of a second each), one abandoned after a second
    // because nobody is there, one abandoned later still counts as offered.
    Run::new("abandon").start(&cordboard.folder, cordboard.sip).succeeds();
    let agent = phones(&cordboard, &["kim"], "phone_answers", Over::Udp, 3);
    for _ in 0..3 {
        Run::new("call_briefly").start(&cordboard.folder, cordboard.sip).succeeds();
    }
    agent.succeeds();
    cordboard.nothing_is_left();
    let queue = "queue=\"billing\"";
    prometheus.becomes(&format!("cordboard_interactions_offered_total{{{queue}}}"), 4.0);
    prometheus.becomes(&format!("cordboard_interactions_total{{{queue},outcome=\"answered\"}}"), 3.0);
    let within = format!("cordboard_wait_seconds_bucket{{{queue},outcome=\"answered\",le=\"2\"}}");
    prometheus.becomes(&within, 3.0);
    // Answered within the threshold over all offered: the strictest variant.
    prometheus
        .becomes(&format!("sum({within}) / sum(cordboard_interactions_offered_total{{{queue}}})"), 0.75);
    // Abandons within the threshold left out of the denominator.
    prometheus.becomes(
        &format!(
            "sum({within}) / (sum(cordboard_interactions_offered_total{{{queue}}}) - \
             sum(cordboard_wait_seconds_bucket{{{queue},outcome=\"abandoned\",le=\"2\"}}))"
        ),
        1.0,
    );
    prometheus.becomes(&format!("cordboard_handle_time_seconds_count{{{queue}}}"), 3.0);
    cordboard.stop();
}

#[test]
fn promtool_finds_nothing_wrong_with_our_metrics() {
    let cordboard = Plan::new("promtool")
        .agent("kim", "billing = 8")
        .queue("billing", "100", "require = \"billing\"")
        .start();
    let (_, text) = http::get(cordboard.http, "/metrics").expect("cordboard answers HTTP");
    let file = cordboard.folder.join("metrics.txt");
    std::fs::write(&file, text).expect("the test's folder is writable");
    let output = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::fs::File::open(&file).expect("just written"))
        .output()
        .expect("promtool is installed with prometheus");
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
    cordboard.stop();
}
