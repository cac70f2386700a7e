//! Tour: commands as an operator would type them, their real output, and short explanations.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use crate::program::Program;
use crate::signals::Signals;
use crate::text;
use crate::world::{ALICE, World};

/// State of the tour.
pub(crate) struct Tour<'a> {
    pub(crate) world: &'a World,
    pub(crate) program: &'a Program,
    pub(crate) signals: &'a Signals,
}

/// Stop of the tour.
struct Stop {
    title: &'static str,
    words: &'static str,
    commands: Vec<String>,
}

impl Tour<'_> {
    /// Shows everything. Returns false if a signal ended it early.
    pub(crate) fn run(&self) -> io::Result<bool> {
        text::say(
            "oauthctl looks after the OAuth keys of an atproto web app and the sessions of its users. Here is such an app \
             with its users and their servers: all of it fake, on loopback, in a temporary directory.",
        );
        if !self.visit(before_the_users())? {
            return Ok(false);
        }
        self.world.settle()?;
        self.let_logins_grow_old()?;
        text::heading("Months later");
        text::say(
            "The app is deployed and publishes both documents. 25 users have logged in, come back, gone away.",
        );
        self.visit(with_the_users())
    }

    fn visit(&self, stops: Vec<Stop>) -> io::Result<bool> {
        for stop in stops {
            text::heading(stop.title);
            text::say(stop.words);
            for line in stop.commands {
                self.show(&line)?;
                self.world.publish();
                if self.signals.came() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Runs a command on the terminal of the tour.
    fn show(&self, line: &str) -> io::Result<()> {
        text::prompt(line);
        if let Some(code @ 1..) = self.program.command(line, self.world).status()?.code() {
            println!("(exit status {code})");
        }
        println!();
        Ok(())
    }

    /// Makes three logins appear older than two hours, noted by the app's cron job, and adds two
    /// recent ones.
    fn let_logins_grow_old(&self) -> io::Result<()> {
        self.world.begin_logins(3)?;
        // The program is a debug build, whose clock can be set.
        let then = self.world.time(Duration::from_hours(2));
        let mut command = self.program.command("oauthctl states purge --quiet", self.world);
        command.env("OAUTHCTL_TEST_NOW", then).stdout(Stdio::null()).status()?;
        self.world.begin_logins(2)
    }
}

/// Returns the stops from an empty directory to a deployed app.
fn before_the_users() -> Vec<Stop> {
    vec![
        Stop::new(
            "A key",
            "The app signs with a private key. One line of JSON goes into an environment variable or a secret manager:",
            ["oauthctl gen-jwk"],
        ),
        Stop::new(
            "A key set",
            "Keys are replaced from time to time, so this app keeps a set of them, in a file that only its owner may read:",
            ["oauthctl gen-jwk --encoding jwks -o keys.json", "oauthctl keys list"],
        ),
        Stop::new(
            "Two documents",
            "The app publishes the public halves of its keys, and what kind of client it is. (The settings are in \
             oauthctl.toml. The profile `production` has the https address that real servers ask for.)",
            [
                "oauthctl jwks",
                "oauthctl jwks -o public/.well-known/jwks.json",
                "oauthctl --profile production metadata",
            ],
        ),
    ]
}

/// Returns the stops of daily operation.
fn with_the_users() -> Vec<Stop> {
    vec![
        Stop::new(
            "Who is there?",
            "The sessions in the app's database, which oauthctl reads beside the running app. `idle` is normal: the user \
             is away, and the session can be renewed.",
            ["oauthctl sessions stats"],
        ),
        Stop::new(
            "Who needs an operator?",
            "Each with the reason. A session that cannot be read is shown as well, never skipped.",
            ["oauthctl sessions list --status suspect,blocked,dead,malformed,foreign"],
        ),
        Stop::new(
            "One of them",
            "Tokens and keys are never shown.",
            [format!("oauthctl sessions show {ALICE}")],
        ),
        Stop::new(
            "From public to confidential",
            "Four users logged in before the app had a key. They need not log in again: one exchange with the key carries \
             each over, and two weeks of life become up to two years.",
            ["oauthctl sessions upgrade --dry-run", "oauthctl sessions upgrade"],
        ),
        Stop::new(
            "Keeping sessions alive",
            "Refresh tokens die of old age when nobody uses them. A cron job renews what is due, never twice, never with \
             the wrong key. One user had signed out elsewhere: only the server knew. One session is bound to a key that \
             was lost, and needs somebody to look, so the exit status is not 0.",
            ["oauthctl sessions refresh --dry-run", "oauthctl sessions refresh"],
        ),
        Stop::new(
            "A token leaked",
            "The session ends at the server, and that is proved, for servers answer 200 even where nothing \
             was revoked. Then its record goes.",
            [format!("oauthctl sessions revoke {ALICE} --yes")],
        ),
        Stop::new(
            "What has ended",
            "A dead session is of no use. One that looks too old may still live: the server is asked, once. Blocked sessions \
             stay, and so does what cannot be read, unless you say otherwise.",
            ["oauthctl sessions prune --dry-run", "oauthctl sessions prune"],
        ),
        Stop::new(
            "Logins that were begun and given up",
            "The table says nothing of their age, so oauthctl notes when it first saw each. The cron job of two hours ago \
             saw three of these:",
            ["oauthctl states purge"],
        ),
        Stop::new(
            "Is the deployment right?",
            "One run compares settings, keys, published documents, store and clock. The session with the lost key is a \
             problem until somebody finds that key, and a network on loopback is nothing for production:",
            ["oauthctl doctor"],
        ),
        Stop::new(
            "Afterwards",
            "Nobody was logged out who did not have to be. The key cannot go while sessions depend on it:",
            ["oauthctl keys list"],
        ),
    ]
}

impl Stop {
    fn new(
        title: &'static str,
        words: &'static str,
        commands: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self { title, words, commands: commands.into_iter().map(Into::into).collect() }
    }
}
