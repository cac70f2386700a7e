//! Sessions of unknown age: keep-alive includes them once they have been seen for long enough.

use serde_json::{Value, json};
use testbed::LoginOptions;

use crate::app::{App, days_ago};
use crate::samples::{ALICE, object};

/// Returns an app whose server states neither the expiry nor the issue time of tokens.
fn ageless() -> App {
    let app = App::new();
    let mut record = app.net.login(LoginOptions { did: Some(ALICE.to_owned()), ..days_ago(2) });
    let tokens = record["tokenSet"].as_object_mut().unwrap();
    tokens.shift_remove("expires_at");
    tokens.insert("access_token".to_owned(), json!("opaque"));
    app.database.session(&record);
    app
}

fn status(app: &App) -> (Value, Value) {
    let row = object(&app.sandbox.run(["sessions", "list", "--format", "jsonl", "-q"]).stdout);
    (row["status"].clone(), row["last_refreshed_at"].clone())
}

#[test]
fn sessions_of_unknown_age_are_due_after_being_seen_long_enough() {
    let app = ageless();
    app.configure("keep_alive = \"2s\"\nmin_interval = \"0s\"");
    for command in ["list", "stats", "refresh --dry-run", "show did:plc:ewvi7nxzyoun6zhxrhs64oiz"] {
        assert_eq!(app.sessions(command).code, 0, "{command}");
    }
    assert_eq!(app.sandbox.run(["doctor", "--offline"]).code, 0);
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert_eq!(
        app.sessions("refresh").stdout,
        "refreshed 0 sessions\n",
        "nobody but a refresh notes it"
    );
    assert_eq!(status(&app), (json!("idle"), Value::Null));
    std::thread::sleep(std::time::Duration::from_millis(3100));
    assert_eq!(status(&app), (json!("due"), Value::Null));
    let output = app.sessions("refresh");
    assert_eq!((output.code, output.stdout.as_str()), (0, "refreshed 1 session\n"), "{output}");
    assert!(app.net.is_alive_with(&app.record(ALICE).unwrap()));
}

#[test]
fn a_session_that_changed_is_seen_anew() {
    let app = ageless();
    app.configure("keep_alive = \"2s\"");
    app.sessions("refresh");
    std::thread::sleep(std::time::Duration::from_millis(3100));
    let mut record = app.record(ALICE).unwrap();
    record["tokenSet"]["refresh_token"] = json!("another");
    app.database.execute("DELETE FROM auth_session");
    app.database.session(&record);
    assert_eq!(app.sessions("refresh").stdout, "refreshed 0 sessions\n");
    assert_eq!(status(&app).0, "idle");
    assert!(app.exchanges().is_empty());
}
