//! Runs the README: all `sh` blocks in the app of the playground (`sh new`: in an empty directory),
//! one heading after the other. Other mentions of commands must at least be accepted by the parser,
//! and tables must agree with the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testbed::redis::Redis;

use crate::database::AppDatabase;
use crate::samples::{KEY1, counts};
use crate::sandbox::{OAUTHCTL, Sandbox};
use crate::world::World;

/// Replacement that avoids a wait of ten minutes.
const IMPATIENT: (&str, &str) = ("--wait", "--unpublished");

/// Kid of the playground's session that cannot be refreshed.
const LOST_KEY: &str = "1795420766438";

/// Fenced block.
pub(crate) struct Block {
    line: usize,
    heading: String,
    pub(crate) info: String,
    pub(crate) text: String,
}

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

pub(crate) fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut heading = String::new();
    let mut open: Option<Block> = None;
    for (number, line) in readme().lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(_), Some(block)) => blocks.push(block),
            (Some(info), None) => {
                let (heading, info) = (heading.clone(), info.to_owned());
                open = Some(Block { line: number + 1, heading, info, text: String::new() });
            }
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) if line.starts_with('#') => {
                line.trim_matches(['#', ' ']).clone_into(&mut heading);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Directory for the blocks below a heading.
enum Place {
    Empty(TempDir),
    App(World),
}

impl Place {
    fn empty() -> Self {
        let root = TempDir::with_prefix("oauthctl-readme-").unwrap();
        fs::create_dir_all(root.path().join("app")).unwrap();
        fs::create_dir_all(root.path().join("home")).unwrap();
        Self::Empty(root)
    }

    fn app() -> Self {
        let world = World::start().unwrap();
        let place = Self::App(world);
        place.run("oauthctl gen-jwk --encoding jwks --kid key-1 -o keys.json -q", None);
        place.run("oauthctl jwks -o public/.well-known/jwks.json -q", None);
        if let Self::App(world) = &place {
            world.settle().unwrap();
            // The app described here has never lost a key.
            AppDatabase::open(&world.directory().join("app.db"))
                .execute(&format!("DELETE FROM auth_session WHERE value LIKE '%\"{LOST_KEY}\"%'"));
            world.begin_logins(3).unwrap();
        }
        place
    }

    /// Runs a script. All commands must succeed, with 3 counting as success because some of the
    /// playground's sessions are blocked. `doctor` has findings.
    fn run(&self, script: &str, redis: Option<&Redis>) -> String {
        let (directory, home) = match self {
            Self::Empty(root) => (root.path().join("app"), root.path().join("home")),
            Self::App(world) => (world.directory(), world.home()),
        };
        let prelude = "set -euo pipefail\noauthctl() { command oauthctl \"$@\" || [ $? = 3 ] || [ $1 = doctor ]; }\n";
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            Path::new(OAUTHCTL).parent().unwrap().display()
        );
        let mut command = Command::new("bash");
        command
            .args(["-c", &format!("{prelude}{script}")])
            .current_dir(directory)
            .stdin(Stdio::null());
        command.env_clear().env("PATH", path).env("HOME", home);
        if let Some(redis) = redis {
            command.env("REDIS_URL", redis.url());
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{}\n{script}\n{text}", output.status);
        text
    }
}

#[test]
fn every_block_runs() {
    let mut count = 0;
    let mut place: Option<(String, String, Place)> = None;
    let redis = Redis::start();
    for block in blocks().iter().filter(|block| block.info.split(' ').next() == Some("sh")) {
        let fits = place
            .as_ref()
            .is_some_and(|(heading, info, _)| *heading == block.heading && *info == block.info);
        if !fits {
            let new = if block.info == "sh new" { Place::empty() } else { Place::app() };
            place = Some((block.heading.clone(), block.info.clone(), new));
        }
        let (_, _, place) = place.as_ref().unwrap();
        let said = place.run(
            &block.text.replace(IMPATIENT.0, IMPATIENT.1),
            Some(&redis).filter(|_| block.text.contains("REDIS_URL")),
        );
        println!("README.md:{} {}\n{said}", block.line, block.text);
        count += 1;
    }
    assert!(count > 10, "{count} blocks");
}

/// Returns the commands in prose, in crontabs, in units and in blocks that are not run.
fn mentions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let readme = readme();
    for line in readme.lines() {
        let line = line.trim_start_matches("ExecStart=/usr/bin/");
        if line.starts_with("oauthctl ") {
            found.insert(line.split(" | ").next().unwrap().to_owned());
        } else if let Some((_, command)) = line.split_once("&& oauthctl ") {
            found.insert(format!("oauthctl {command}"));
        }
        for span in line.split('`').skip(1).step_by(2) {
            let command = span.starts_with("oauthctl ").then(|| span.to_owned());
            let verb = ["sessions ", "states ", "keys "].iter().any(|noun| span.starts_with(noun));
            found.extend(command.or_else(|| verb.then(|| format!("oauthctl {span}"))));
        }
    }
    found
}

#[test]
fn every_command_that_is_mentioned_exists() {
    let sandbox = Sandbox::new();
    let mentions = mentions();
    assert!(mentions.len() > 15, "{mentions:?}");
    for command in mentions {
        let command = command
            .trim_end_matches(['\\', ' '])
            .split(" > ")
            .next()
            .unwrap()
            .split(" >> ")
            .next()
            .unwrap();
        let output = sandbox.sh(&format!("REDIS_URL=x; {command} --help"));
        assert_eq!(output.code, 0, "{command}: {output}");
    }
}

#[test]
fn every_settings_file_is_one() {
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.info == "toml") {
        let mut sandbox = Sandbox::new();
        AppDatabase::create(&sandbox.path("app.db")).close();
        let mut settings = block.text.clone();
        if !settings.contains("[client]") {
            settings.push_str("[client]\nclient_uri = 'https://app.example.com'\n");
        }
        sandbox.file("oauthctl.toml", settings);
        sandbox
            .set("NUXT_OAUTH_JWK_ONE", KEY1)
            .set("PREVIEW_KEY", KEY1)
            .set("OAUTHCTL_STORE", "sqlite:app.db");
        let commands = ["jwks", "sessions refresh --dry-run", "sessions prune --dry-run"];
        for command in commands {
            let output = sandbox.run(command.split(' '));
            assert_eq!(output.code, 0, "README.md:{} {command}: {output}", block.line);
        }
        if block.text.contains("[client]") {
            assert_eq!(sandbox.run(["metadata"]).code, 0);
            assert_eq!(sandbox.run(["jwks", "--profile", "preview"]).code, 0);
        }
        if block.text.contains("[layouts.mine]") {
            // A layout of Redis, while the store is not one.
            let output = sandbox.run(["sessions", "list", "--layout", "mine"]);
            assert!(!output.stderr.contains("unknown layout"), "{output}");
        }
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn its_fields_are_those_of_the_listing() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    let header = sandbox.run(["sessions", "list", "--format", "csv"]).stdout;
    let readme = readme();
    let (_, section) = readme.split_once("### JSON fields").unwrap();
    let section = section.split("\n### ").next().unwrap();
    let fields: Vec<_> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(fields.join(","), header.trim_end());
}

#[test]
fn its_counts_are_those_of_the_commands() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    sandbox.file(
        "oauthctl.toml",
        "[client]\nclient_uri = 'https://app.example.com'\n[store]\nurl = 'sqlite:app.db'\n",
    );
    let readme = readme();
    // An export of one session, that of an account that it is not of.
    let session = r#"{"did":"did:plc:a","key":"a","sid":null,"ttl":null,"last_refreshed_at":null,"record":{}}"#;
    for command in [
        "sessions refresh",
        "sessions revoke",
        "sessions prune",
        "sessions import",
        "sessions recover",
        "states purge",
    ] {
        let (_, row) = readme.split_once(&format!("\n| `{command}` | ")).unwrap();
        let row =
            row.split(" |\n").next().unwrap().replace(" (`sessions upgrade`: `upgraded`)", "");
        let mut named: Vec<_> = row.split('`').skip(1).step_by(2).collect();
        let arguments = match command {
            "sessions revoke" => "--all --yes",
            "sessions import" => "-",
            _ => "",
        };
        let output =
            sandbox.sh(&format!("oauthctl {command} {arguments} --format json <<<'{session}'"));
        let counts = counts(&output.stdout);
        let mut counts: Vec<_> = counts.keys().map(String::as_str).collect();
        named.sort_unstable();
        counts.sort_unstable();
        assert_eq!(named, counts, "{command}: {output}");
    }
}

#[test]
fn its_links_lead_somewhere() {
    let readme = readme();
    let anchors: Vec<String> = readme
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_matches(['#', ' ']).to_lowercase();
            let title: String = title
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .collect();
            format!("#{}", title.replace(' ', "-"))
        })
        .collect();
    let mut count = 0;
    for part in readme.split("](").skip(1) {
        let target = part.split(')').next().unwrap();
        if target.starts_with('#') {
            assert!(anchors.iter().any(|anchor| anchor == target), "{target}: {anchors:?}");
        } else if !target.starts_with("https://") {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(target).exists(), "{target}");
        }
        count += 1;
    }
    assert!(count > 20, "{count}");
}
