//! `oauthctl sessions stats` counts sessions, for people and for programs.

use serde_json::{Value, json};

use crate::database::AppDatabase;
use crate::samples::{ALICE, BOB, KEY1, object, session};
use crate::sandbox::Sandbox;

/// Returns an app with sessions of all kinds.
fn app() -> Sandbox {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    let with = |name: &str, refreshed: &str, change: &dyn Fn(&mut Value)| {
        let mut record = session(&format!("did:web:{name}"), refreshed);
        change(&mut record);
        database.session(&record);
    };
    for (n, refreshed) in
        ["10m", "20m", "30m", "3h", "4h", "2d", "10d", "20d", "60d", "100d"].iter().enumerate()
    {
        with(&format!("user{n}"), refreshed, &|_| ());
    }
    with("public", "3h", &|s| s["authMethod"] = json!({"method": "none"}));
    with("other-key", "3h", &|s| s["authMethod"]["kid"] = json!("key2"));
    with("bsky", "3h", &|s| s["tokenSet"]["iss"] = json!("https://bsky.social"));
    with("dead", "3h", &|s| drop(s["tokenSet"].as_object_mut().unwrap().remove("refresh_token")));
    with("ageless", "3h", &|s| {
        s["tokenSet"]["access_token"] = json!("opaque");
        drop(s["tokenSet"].as_object_mut().unwrap().remove("expires_at"));
    });
    database.record("did:web:malformed", r#"{"tokenSet":{}}"#);
    database.close();
    sandbox
}

#[test]
fn people_see_bars() {
    insta::assert_snapshot!(app().run(["sessions", "stats"]), @"
    exit 0
    -- stdout --
    status
      fresh      3   18.8%  ████████
      idle       6   37.5%  ███████████████
      due        4   25.0%  ██████████
      suspect    1    6.3%  ███
      dead       1    6.3%  ███
      malformed  1    6.3%  ███
    last refreshed
      up to 1h   3   18.8%  ████████
      up to 1d   6   37.5%  ███████████████
      up to 7d   1    6.3%  ███
      up to 14d  1    6.3%  ███
      up to 30d  1    6.3%  ███
      up to 91d  1    6.3%  ███
      older      1    6.3%  ███
      unknown    2   12.5%  █████
    issuer
      https://auth.example.com  14   87.5%  ███████████████████████████████████
      https://bsky.social        1    6.3%  ███
      unknown                    1    6.3%  ███
    kid
      key1     13   81.3%  █████████████████████████████████
      key2      1    6.3%  ███
      none      1    6.3%  ███
      unknown   1    6.3%  ███
    auth method
      private_key_jwt  14   87.5%  ███████████████████████████████████
      none              1    6.3%  ███
      unknown           1    6.3%  ███
    end
      over        1    6.3%  ███
      within 30d  1    6.3%  ███
      within 90d  4   25.0%  ██████████
      later       7   43.8%  ██████████████████
      unknown     3   18.8%  ████████
    end by issuer
      https://auth.example.com within 90d  4   25.0%  ██████████
      https://auth.example.com over        1    6.3%  ███
      https://auth.example.com within 30d  1    6.3%  ███
    end by kid
      key1 within 90d  4   25.0%  ██████████
      key1 over        1    6.3%  ███
      none within 30d  1    6.3%  ███
    -- stderr --
    16 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn programs_get_one_json_document() {
    let output = app().run(["sessions", "stats", "--format", "json", "-q"]);
    insta::assert_snapshot!(output, @r#"
    exit 0
    -- stdout --
    {"total":16,"by_status":{"fresh":3,"idle":6,"due":4,"suspect":1,"blocked":0,"dead":1,"malformed":1,"foreign":0},"by_last_refreshed":{"up_to_1h":3,"up_to_1d":6,"up_to_7d":1,"up_to_14d":1,"up_to_30d":1,"up_to_91d":1,"older":1,"unknown":2},"by_issuer":{"https://auth.example.com":14,"https://bsky.social":1,"unknown":1},"by_kid":{"key1":13,"key2":1,"none":1,"unknown":1},"by_auth_method":{"private_key_jwt":14,"none":1,"unknown":1},"by_dpop_alg":{"ES256K":15,"unknown":1},"by_layout":{"statusphere":16},"by_end":{"over":1,"today":0,"within_7d":0,"within_30d":1,"within_90d":4,"later":7,"unknown":3},"by_end_by_issuer":{"https://auth.example.com later":6,"https://auth.example.com within 90d":4,"https://auth.example.com unknown":2,"https://auth.example.com over":1,"https://auth.example.com within 30d":1,"https://bsky.social later":1,"unknown unknown":1},"by_end_by_kid":{"key1 later":6,"key1 within 90d":4,"key1 unknown":2,"key1 over":1,"key2 later":1,"none within 30d":1,"unknown unknown":1},"missing_scope":{}}
    "#);
    assert_eq!(app().run(["sessions", "stats", "--format", "jsonl", "-q"]), output);
}

#[test]
fn spreadsheets_get_a_line_a_count() {
    insta::assert_snapshot!(app().run(["sessions", "stats", "--format", "csv", "-q"]), @r"
    exit 0
    -- stdout --
    aspect,value,sessions
    status,fresh,3
    status,idle,6
    status,due,4
    status,suspect,1
    status,blocked,0
    status,dead,1
    status,malformed,1
    status,foreign,0
    last_refreshed,up to 1h,3
    last_refreshed,up to 1d,6
    last_refreshed,up to 7d,1
    last_refreshed,up to 14d,1
    last_refreshed,up to 30d,1
    last_refreshed,up to 91d,1
    last_refreshed,older,1
    last_refreshed,unknown,2
    issuer,https://auth.example.com,14
    issuer,https://bsky.social,1
    issuer,unknown,1
    kid,key1,13
    kid,key2,1
    kid,none,1
    kid,unknown,1
    auth_method,private_key_jwt,14
    auth_method,none,1
    auth_method,unknown,1
    dpop_alg,ES256K,15
    dpop_alg,unknown,1
    layout,statusphere,16
    end,over,1
    end,today,0
    end,within 7d,0
    end,within 30d,1
    end,within 90d,4
    end,later,7
    end,unknown,3
    end_by_issuer,https://auth.example.com later,6
    end_by_issuer,https://auth.example.com within 90d,4
    end_by_issuer,https://auth.example.com unknown,2
    end_by_issuer,https://auth.example.com over,1
    end_by_issuer,https://auth.example.com within 30d,1
    end_by_issuer,https://bsky.social later,1
    end_by_issuer,unknown unknown,1
    end_by_kid,key1 later,6
    end_by_kid,key1 within 90d,4
    end_by_kid,key1 unknown,2
    end_by_kid,key1 over,1
    end_by_kid,key2 later,1
    end_by_kid,none within 30d,1
    end_by_kid,unknown unknown,1
    ");
}

#[test]
fn the_filters_of_sessions_hold_here_too() {
    let mut sandbox = app();
    sandbox.set("NUXT_OAUTH_JWK_ONE", KEY1);
    let total = |options: &[&str]| {
        let output =
            sandbox.result([&["sessions", "stats", "--format", "json", "-q"], options].concat());
        object(&output)["total"].as_u64().unwrap()
    };
    assert_eq!(total(&[]), 16);
    assert_eq!(total(&["--issuer", "https://bsky.social"]), 1);
    assert_eq!(total(&["--status", "blocked"]), 2);
    assert_eq!(total(&["--not-refreshed-for", "7d", "--limit", "3"]), 3);
    assert_eq!(total(&["did:web:user1", "did:web:user2"]), 2);
    insta::assert_snapshot!(sandbox.run(["sessions", "stats", "--status", "malformed"]), @"
    exit 0
    -- stdout --
    status
      malformed  1  100.0%  ████████████████████████████████████████
    last refreshed
      unknown  1  100.0%  ████████████████████████████████████████
    issuer
      unknown  1  100.0%  ████████████████████████████████████████
    kid
      unknown  1  100.0%  ████████████████████████████████████████
    auth method
      unknown  1  100.0%  ████████████████████████████████████████
    -- stderr --
    1 of 16 sessions in sqlite:app.db (layout statusphere)
    ");
}

#[test]
fn an_empty_store_has_nothing_to_count() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db")).close();
    insta::assert_snapshot!(sandbox.run(["sessions", "stats"]), @"
    exit 0
    -- stderr --
    0 sessions in sqlite:app.db (layout statusphere)
    ");
    let counts = object(&sandbox.run(["sessions", "stats", "--format", "json"]).stdout);
    assert_eq!((&counts["total"], &counts["by_issuer"]), (&json!(0), &json!({})));
}

#[test]
fn many_issuers_are_summed_for_people_and_listed_for_programs() {
    let sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("app.db"));
    for n in 0..30 {
        let mut record = session(&format!("did:web:user{n}"), "3h");
        record["tokenSet"]["iss"] =
            json!(format!("https://{n:02}.{}example.com", if n == 0 { "\u{1b}[31m" } else { "" }));
        database.session(&record);
    }
    let shown = sandbox.run(["sessions", "stats"]).stdout;
    assert!(shown.contains("18 others"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    let counts = object(&sandbox.run(["sessions", "stats", "--format", "json"]).stdout);
    assert_eq!(counts["by_issuer"].as_object().unwrap().len(), 30);
}

#[test]
fn a_terminal_shows_bars_in_the_colour_of_their_status() {
    let sandbox = Sandbox::new();
    AppDatabase::create(&sandbox.path("app.db"))
        .session(&session(ALICE, "10m"))
        .session(&session(BOB, "100d"));
    let shown = sandbox.on_a_terminal(["sessions", "stats"]);
    assert!(shown.contains("\u{1b}[32m") && shown.contains("\u{1b}[33m"), "{shown}");
}

#[test]
fn every_section_adds_up_to_the_total() {
    for options in [
        &[] as &[&str],
        &["--status", "idle,malformed"],
        &["--limit", "5"],
        &["--not-refreshed-for", "1d"],
    ] {
        let output =
            app().run([&["sessions", "stats", "--format", "json", "-q"], options].concat());
        let counts = object(&output.stdout);
        for (section, counted) in counts.iter().filter(|(name, _)| name.starts_with("by_")) {
            let sum: u64 = counted.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
            assert_eq!(Some(sum), counts["total"].as_u64(), "{section} of {options:?}");
        }
    }
}
