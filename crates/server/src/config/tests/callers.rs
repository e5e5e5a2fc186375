//! What queues remember of their callers, and whom numbers lead to by name.

use std::time::Duration;

use super::{LEAST, loaded, one_error};

#[test]
fn a_place_is_kept_for_a_time_and_for_so_many_callers() {
    one_error(
        "name = \"billing\"\n",
        "name = \"billing\"\nkeep_place = \"2d\"\n",
        "queue \"billing\": `keep_place`: 2d is out of range; choose from 1s to 1d",
    );
    one_error(
        "[media]",
        "[routing]\ncallers_max = 0\n[media]",
        "`callers_max`: 0 is out of range; choose from 1 to 1000000",
    );
    let config =
        loaded(&LEAST.replace("name = \"billing\"", "name = \"billing\"\nkeep_place = \"5m\"")).config;
    assert_eq!(
        (config.queues[0].keep_place, config.routing.callers_max),
        (Some(Duration::from_secs(300)), 100_000)
    );
    assert_eq!(loaded(LEAST).config.queues[0].keep_place, None);
}
