//! Channels, what interrupts what, and how much an agent takes at once.

use super::*;

/// The least file with chats: a queue of them that nobody leads to, and an agent who takes two beside a call.
fn chats() -> String {
    LEAST.replace("skills = {", "capacity = { chat = 2 }\nskills = {")
        + "[[channel]]\nname = \"chat\"\n[[channel]]\nname = \"voice\"\ninterrupts = [\"chat\"]\n\
           [[queue]]\nname = \"chats\"\nchannel = \"chat\"\n"
}

/// One error, which holds this.
fn one_error_in(text: &str, message: &str) {
    let told = refused(text);
    assert!(told.contains(message), "{message}\nnot in\n{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn without_channels_everybody_takes_one_call() {
    let config = loaded(LEAST).config;
    assert_eq!((config.channels.len(), config.queues[0].channel.as_str()), (0, VOICE));
    let capacity = capacity_of(&config.agents[0].capacity, &config.routing.capacity);
    assert_eq!(capacity, Capacity::from([(VOICE.to_owned(), 1)]));
}

#[test]
fn a_capacity_is_that_of_all_but_for_what_the_agent_has_of_its_own() {
    let text = chats() + "[routing]\ncapacity = { voice = 2, chat = 9 }\n";
    let config = loaded(&text).config;
    let capacity = capacity_of(&config.agents[0].capacity, &config.routing.capacity);
    assert_eq!(capacity, Capacity::from([(VOICE.to_owned(), 2), ("chat".to_owned(), 2)]));
    assert_eq!(config.channels[1].interrupts, ["chat"]);
    assert_eq!(config.queues[1].channel, "chat");
}

#[test]
fn a_channel_that_is_not_there_or_is_there_twice_is_an_error() {
    let unknown = refused(&LEAST.replace("name = \"billing\"", "name = \"billing\"\nchannel = \"chat\""));
    assert!(unknown.contains("queue \"billing\": there is no channel \"chat\""), "{unknown}");
    one_error("skills = {", "capacity = { chat = 1 }\nskills = {", "add a [[channel]] or correct the name");
    let twice = LEAST.to_owned() + "[[channel]]\nname = \"chat\"\n[[channel]]\nname = \"chat\"\n";
    one_error_in(&twice, "channel \"chat\" is there twice");
    let itself = LEAST.to_owned() + "[[channel]]\nname = \"chat\"\ninterrupts = [\"chat\"]\n";
    one_error_in(&itself, "channel \"chat\": `interrupts` names the channel itself");
}

#[test]
fn a_capacity_out_of_range_or_of_nothing_is_an_error() {
    one_error("skills = {", "capacity = { voice = 26 }\nskills = {", "so many at once are 0 to 25");
    one_error("skills = {", "capacity = { voice = 0 }\nskills = {", "leaves nothing that could be offered");
}

#[test]
fn more_channels_than_can_be_told_apart_are_an_error() {
    let some = |count: usize| {
        let channels = (1..=count).map(|number| format!("[[channel]]\nname = \"c{number}\"\n"));
        LEAST.to_owned() + &channels.collect::<String>()
    };
    loaded(&some(15));
    one_error_in(&some(16), "more than 15 channels beside \"voice\"");
}

#[test]
fn calls_and_chats_do_not_wait_in_each_others_queues() {
    loaded(&chats());
    one_error_in(
        &chats().replace("queue = \"billing\"", "queue = \"chats\""),
        "a call cannot wait in \"chats\"",
    );
    let leads = |then: &str| chats() + &format!("max_wait = {{ after = \"1m\", then = \"{then}\" }}\n");
    one_error_in(&leads("queue:billing"), "of channel \"chat\" leads to \"billing\" of another one");
    loaded(&leads("hang-up"));
    let trunk = leads("number:100").replace("from = [", "outbound_proxy = \"sip:192.0.2.3\"\nfrom = [");
    one_error_in(&trunk, "what is of channel \"chat\" cannot go to a telephone");
}

#[test]
fn a_file_that_is_to_run_is_told_that_chats_are_not_served_yet() {
    let folder = std::env::temp_dir().join(format!("cordboard-channels-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let path = folder.join("cordboard.toml");
    std::fs::write(&path, chats()).expect("a temporary file");
    let found = load(&path, Passwords::Strong).map(|loaded| loaded.warnings);
    std::fs::remove_dir_all(&folder).expect("our own folder");
    let warnings = found.expect("it may run");
    let told: Vec<&str> = warnings.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "queue \"chats\": nobody comes by channel \"chat\": calls alone are served so far; `cordboard simulate` plays it"
        ]
    );
    assert_eq!(loaded(&chats()).warnings, [], "a simulation plays them");
}
