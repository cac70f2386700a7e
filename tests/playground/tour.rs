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
            "oauthctl manages the OAuth keys of an atproto web app and the sessions of its users. This tour uses a fake app with users and \
             servers, on loopback and in a temporary directory.",
        );
        if !self.visit(before_the_users())? {
            return Ok(false);
        }
        self.world.settle()?;
        self.let_logins_grow_old()?;
        text::heading("Months later");
        text::say(
            "The app is deployed and publishes both documents. 25 users have logged in. Some of them use the app, others are away.",
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
            "Keys are replaced from time to time. This app keeps a set of keys in a file with mode 0600:",
            ["oauthctl gen-jwk --encoding jwks -o keys.json", "oauthctl keys list"],
        ),
        Stop::new(
            "Two documents",
            "The app publishes its public keys and its client metadata. (The settings are in oauthctl.toml. The profile `production` has \
             the https URL that real servers require.)",
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
            "Count the sessions",
            "oauthctl reads the sessions from the app's database while the app is running. `idle` is normal: the user is away, and the \
             session can be refreshed.",
            ["oauthctl sessions stats"],
        ),
        Stop::new(
            "Which sessions need attention?",
            "Each has a reason. Records that cannot be read are listed, too.",
            ["oauthctl sessions list --status suspect,blocked,dead,malformed,foreign"],
        ),
        Stop::new(
            "One session",
            "Tokens and keys are never shown.",
            [format!("oauthctl sessions show {ALICE}")],
        ),
        Stop::new(
            "From public to confidential",
            "Four users logged in before the app had a key. They do not have to log in again: one refresh with the key converts each \
             session, and its total lifetime grows from two weeks to up to two years.",
            ["oauthctl sessions upgrade --dry-run", "oauthctl sessions upgrade"],
        ),
        Stop::new(
            "Keeping sessions alive",
            "Refresh tokens expire if they are not used. A cron job refreshes due sessions, never twice and never with the wrong key. \
             One user had signed out elsewhere, which only the server knew. One session is bound to a lost key and needs attention, \
             so the exit status is not 0.",
            ["oauthctl sessions refresh --dry-run", "oauthctl sessions refresh"],
        ),
        Stop::new(
            "A token leaked",
            "The session is revoked at its server and then verified, because servers answer 200 even if they revoked nothing. Only then \
             is the record deleted.",
            [format!("oauthctl sessions revoke {ALICE} --yes")],
        ),
        Stop::new(
            "Remove ended sessions",
            "Dead sessions are removed. A session that looks too old may still be alive, so its server is asked once. Blocked sessions \
             and unreadable records are kept, unless an option says otherwise.",
            ["oauthctl sessions prune --dry-run", "oauthctl sessions prune"],
        ),
        Stop::new(
            "Unfinished logins",
            "The table does not contain their age, so oauthctl notes when it first saw each of them. A cron job saw three of these two \
             hours ago:",
            ["oauthctl states purge"],
        ),
        Stop::new(
            "Is the deployment right?",
            "One run compares settings, keys, published documents, store and clock. The session with the lost key remains a problem \
             until the key is found, and a network on loopback is for development only:",
            ["oauthctl doctor"],
        ),
        Stop::new(
            "Afterwards",
            "No user was logged out by accident. The key cannot be retired while sessions depend on it:",
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
