//! Purge of abandoned logins, compared with redis-cli, which knows nothing about them.

use std::path::Path;

use testbed::redis::{Answer, Redis};

use crate::measure::{self, best, oauthctl, run};
use crate::seed;

pub fn report(count: usize, runs: usize) {
    let redis = Redis::start();
    let purge = ["states", "purge", "--older-than", "10m", "--layout", "npmx"];
    let ours = best(runs, || {
        seed::stale_states(&redis, count);
        let run = oauthctl(&redis.url(), &purge);
        assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(0), "every login is purged");
        run
    });
    measure::line("states purge", count, &ours);
    let script = format!(
        "redis-cli -p {0} --scan --pattern 'atproto:oauth:state:*' | xargs -L 1000 redis-cli -p {0} unlink",
        redis.port()
    );
    let cli = best(runs, || {
        seed::stale_states(&redis, count);
        let run = run("sh", &["-c", &script], Path::new("."));
        assert_eq!(redis.ask(&["DBSIZE"]), Answer::Number(0), "every login is purged");
        // The shell itself does nothing, and its children are not measured.
        run.of_others()
    });
    measure::line("redis-cli --scan | xargs unlink", count, &cli);
    println!(
        "    oauthctl takes {:.2} times as long",
        ours.wall.as_secs_f64() / cli.wall.as_secs_f64()
    );
}
