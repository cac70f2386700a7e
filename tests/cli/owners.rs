//! Owners of files: root does not write next to a database of another user, and earlier files of
//! root are reported.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};

use crate::app::App;
use crate::samples::ALICE;

/// An ordinary user, and another one.
const NOBODY: u32 = 65534;
const GAMES: u32 = 5;

/// Returns an app whose files belong to an ordinary user. `None` unless the test runs as root.
fn app() -> Option<App> {
    let app = App::with_alice();
    chown(app.sandbox.path(""), Some(NOBODY), None).ok()?;
    for file in app.sandbox.files() {
        chown(app.sandbox.path(file), Some(NOBODY), None).ok()?;
    }
    Some(app)
}

/// Returns the files of the app with their owners.
fn owners(app: &App) -> BTreeMap<String, u32> {
    let owner = |name: String| (name.clone(), fs::metadata(app.sandbox.path(name)).unwrap().uid());
    app.sandbox.files().into_iter().map(owner).collect()
}

#[test]
fn root_writes_nothing_beside_another_users_database() {
    let Some(app) = app() else { return };
    let before = (owners(&app), app.records());
    for command in [
        "sessions refresh",
        "sessions refresh --dry-run",
        "sessions upgrade --unpublished",
        "sessions revoke --all --yes",
        "sessions prune",
        "sessions recover",
        "states purge",
    ] {
        let output = app.sandbox.run(command.split(' '));
        assert_eq!(output.code, 2, "{command}: {output}");
        assert!(
            output.stderr.contains("hint: run it as nobody: `sudo -u nobody oauthctl …`"),
            "{command}: {output}"
        );
    }
    for command in
        ["sessions list", "sessions stats", &format!("sessions show {ALICE}"), "states list"]
    {
        assert_eq!(app.sandbox.run(command.split(' ')).code, 0, "{command}");
    }
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert!(doctor.code == 1 && doctor.stdout.contains("sudo -u nobody oauthctl"), "{doctor}");
    assert_eq!((owners(&app), app.records()), before);
    assert!(app.net.requests().is_empty());
}

#[test]
fn a_file_that_belongs_to_somebody_else_is_a_problem() {
    let Some(app) = app() else { return };
    for name in ["app.db.oauthctl", "app.db.oauthctl-wal"] {
        app.sandbox.file(name, "");
        chown(app.sandbox.path(name), Some(GAMES), None).unwrap();
    }
    let doctor = app.sandbox.run(["doctor", "--offline"]);
    assert_eq!(doctor.code, 1, "{doctor}");
    let said = "app.db.oauthctl belongs to games, not to nobody";
    assert!(
        doctor.stdout.contains(said) && doctor.stdout.contains("`sudo chown 65534 '"),
        "{doctor}"
    );
}

#[test]
fn doctor_creates_nothing_beside_a_database() {
    let app = App::with_alice();
    let before = app.sandbox.files();
    app.sandbox.run(["doctor", "--offline"]);
    assert_eq!(app.sandbox.files(), before);
}
