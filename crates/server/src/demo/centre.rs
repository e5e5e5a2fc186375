//! The built-in contact centre: who works there, which queues there are, who is called how.

use std::fmt::Write as _;

use sim::chance::Chance;

/// An agent of the demo: the account, the name, the skills.
pub(super) struct Person {
    pub(super) account: &'static str,
    pub(super) name: &'static str,
    pub(super) skills: &'static str,
}

const fn person(account: &'static str, name: &'static str, skills: &'static str) -> Person {
    Person { account, name, skills }
}

/// Twelve agents: three experts, some generalists, some who are still learning.
pub(super) const AGENTS: [Person; 12] = [
    person("kim", "Kim Minji", "billing = 9, english = 4"),
    person("lee", "Lee Junho", "technical = 9"),
    person("park", "Park Seoyeon", "sales = 9, english = 9"),
    person("choi", "Choi Dohyun", "billing = 7, sales = 4"),
    person("jung", "Jung Haeun", "billing = 6, technical = 3"),
    person("kang", "Kang Jiwoo", "technical = 7, billing = 3"),
    person("cho", "Cho Yuna", "sales = 6, english = 5"),
    person("yoon", "Yoon Taeyang", "technical = 6"),
    person("jang", "Jang Sumin", "billing = 4, sales = 5"),
    person("lim", "Lim Nari", "billing = 3, technical = 2, sales = 2"),
    person("han", "Han Gyeol", "technical = 4, english = 6"),
    person("oh", "Oh Eunchae", "sales = 3, billing = 2"),
];

/// The numbers that callers dial, by how often they do (weights).
pub(super) const NUMBERS: [(u64, &str); 3] = [(5, "15881000"), (3, "15882000"), (2, "15883000")];

const QUEUES: &str = r#"
[[queue]]
name = "billing"
require = "billing >= 7"
steps = [
  { after = "4s", require = "billing >= 4" },
  { after = "10s", require = "billing" },
]
strategy = "most-skilled"
service_level = { target = "80%", within = "10s" }
ring_timeout = "6s"
after_call_work = "4s"
waiting = "music"

[[queue]]
name = "technical"
require = "technical >= 6"
steps = [{ after = "8s", require = "technical >= 2" }]
strategy = "longest-idle"
service_level = { target = "80%", within = "20s" }
ring_timeout = "6s"
after_call_work = "5s"
max_wait = { after = "50s", then = "queue:billing" }
waiting = "music"

[[queue]]
name = "sales"
require = "sales >= 4"
steps = [{ after = "6s", require = "sales or english >= 5" }]
strategy = "least-skilled"
service_level = { target = "90%", within = "10s" }
ring_timeout = "6s"
after_call_work = "3s"
waiting = "ringback"

[[reason]]
id = "lunch"
name = "Lunch"

[[reason]]
id = "training"
name = "Training"

[[entry]]
number = "15881000"
queue = "billing"

[[entry]]
number = "15882000"
queue = "technical"

[[entry]]
number = "15883000"
queue = "sales"
"#;

/// The configuration of the demo, and the password of each agent. Passwords and the API's token are drawn anew
/// each time, so that nobody on this machine can register as one of them.
pub(super) fn configuration(chance: &mut Chance) -> (String, Vec<String>) {
    let passwords: Vec<String> = AGENTS.iter().map(|_| format!("{:016x}", chance.number())).collect();
    let mut text = format!(
        "[sip]\ndomain = \"demo.cordboard.invalid\"\nlisten = [\"udp:127.0.0.1:5060\", \"tcp:127.0.0.1:5060\"]\n\
         [sip.limits]\ncalls_max = 100\n\
         [media]\naddress = [\"127.0.0.1\"]\nbind = [\"127.0.0.1\"]\nports = \"12000-12399\"\n\
         [http]\ntoken = \"{:016x}\"\n\
         [log]\nlevel = \"warn\"\n\
         [[trunk]]\nname = \"town\"\nfrom = \"127.0.0.0/8\"\n",
        chance.number()
    );
    for (person, password) in AGENTS.iter().zip(&passwords) {
        let Person { account, name, skills } = person;
        write!(
            text,
            "[[agent]]\nid = \"{account}\"\nname = \"{name}\"\npassword = \"{password}\"\nskills = {{ {skills} }}\n"
        )
        .expect("a String takes everything");
    }
    text.push_str(QUEUES);
    (text, passwords)
}
