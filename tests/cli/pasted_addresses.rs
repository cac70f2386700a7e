//! Addresses, tokens and certificates as operators paste them. Each hint is followed, and the error
//! must not occur again.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use testbed::redis::{Certificates, Redis, free_port};
use testbed::upstash::Front;

use crate::database::AppDatabase;
use crate::samples::{ALICE, KEY1, session};
use crate::sandbox::{Output, Sandbox};

const LIST: [&str; 3] = ["sessions", "list", "-q"];

/// Returns the error about an address in a variable.
fn refusal_of(address: &str) -> Output {
    let mut sandbox = Sandbox::new();
    sandbox.set("ADDRESS", address);
    let refusal = sandbox.refusal(["sessions", "list", "--store", "env:ADDRESS"]);
    assert!(!refusal.stderr.contains("hunter2"), "{refusal}");
    refusal
}

#[test]
fn a_hash_in_a_password_is_refused_with_its_escape() {
    for address in [
        "redis://default:hunter2#Wc@127.0.0.1",
        "rediss://default:57#hunter2@h.example",
        "redis://h#hunter2",
    ] {
        let refusal = refusal_of(address);
        assert!(refusal.code == 2 && refusal.stderr.contains("write %23"), "{refusal}");
    }
    // Followed: the password is complete.
    let redis = Redis::start_with(&["--requirepass", "57#Wc903z"]);
    let mut sandbox = Sandbox::new();
    sandbox.set("REDIS_URL", format!("redis://default:57%23Wc903z@127.0.0.1:{}", redis.port()));
    assert_eq!(sandbox.run(["sessions", "list", "--layout", "npmx"]).code, 0);
    // Rest of an unquoted value in a dotenv file.
    let refusal = refusal_of("redis://default:57");
    assert!(refusal.stderr.contains("was the address cut at a #"), "{refusal}");
}

#[test]
fn contradictory_parts_are_refused_with_both_readings() {
    for (address, part) in [
        ("redis://h/1?db=2", "database 1 in its path but database 2 in its option db"),
        ("redis://h?tls=true", "redis: is not encrypted, but its option tls is true"),
        ("rediss://h?ssl=false", "rediss: is encrypted, but its option ssl is false"),
        ("redis://u:hunter2@h?password=hunter2", "belongs before an @"),
    ] {
        let refusal = refusal_of(address);
        assert!(refusal.code == 2 && refusal.stderr.contains(part), "{address}: {refusal}");
    }
}

#[test]
fn options_of_other_programs_are_answered_with_the_right_ones() {
    for (address, part) in [
        ("redis+sentinel://h/main?sentinelPassword=hunter2", "write sentinel_password"),
        ("redis+sentinel://h/main?sentinel-username=u", "write sentinel_user"),
        ("rediss://h?ssl_cert_reqs=none", "ca_file under [network]"),
        ("redis://h?keyPrefix=app:", "--layout"),
    ] {
        let refusal = refusal_of(address);
        assert!(refusal.code == 2 && refusal.stderr.contains(part), "{address}: {refusal}");
    }
}

#[test]
fn what_is_probably_a_database_is_said_to_be_one() {
    let mut sandbox = Sandbox::new();
    sandbox.file("data/x", "");
    AppDatabase::create(&sandbox.path("data/app.db")).close();
    AppDatabase::create(&sandbox.path("data/store")).close();
    sandbox.sh("chmod 600 data/*");
    sandbox
        .set("PRISMA", "file:./data/app.db")
        .set("BARE", "./data/app.db")
        .set("QUERY", "sqlite:data/app.db?mode=ro");
    for (store, hint) in [
        ("file:./data/app.db", "sqlite:./data/app.db"),
        ("env:PRISMA", "sqlite:./data/app.db"),
        ("env:BARE", "sqlite:./data/app.db"),
        ("env:QUERY", "sqlite:data/app.db"),
        ("data/app.db?mode=ro", "sqlite:data/app.db"),
        ("data/store", "sqlite:data/store"),
    ] {
        let refusal = sandbox.refusal(["sessions", "list", "--store", store]);
        assert!(refusal.stderr.contains(&format!("write {hint}")), "{store}: {refusal}");
        assert_eq!(sandbox.run(["sessions", "list", "--store", hint]).code, 0, "{store}");
    }
}

#[test]
fn the_official_example_s_variable_names_the_database() {
    let mut sandbox = Sandbox::new();
    let database = AppDatabase::create(&sandbox.path("db.sqlite"));
    database.session(&session(ALICE, "3h"));
    database.close();
    let refusal = sandbox.refusal(LIST);
    assert!(
        refusal.stderr.contains("hint: db.sqlite is here: --store sqlite:db.sqlite"),
        "{refusal}"
    );
    sandbox.file(".env", "DB_PATH=\"db.sqlite\"    # The SQLite database path.\n");
    let refusal = sandbox.refusal(LIST);
    assert!(refusal.stderr.contains("hint: DB_PATH is in .env here"), "{refusal}");
    sandbox.file("oauthctl.toml", "env_file = \".env\"\n");
    assert!(sandbox.run(LIST).stdout.contains(ALICE));
    std::fs::remove_file(sandbox.path("oauthctl.toml")).unwrap();
    for value in ["db.sqlite", " db.sqlite\n", "file:db.sqlite", "sqlite:./db.sqlite"] {
        let listed = sandbox.set("DB_PATH", value).run(LIST);
        assert!(listed.stdout.contains(ALICE), "{value:?}: {listed}");
    }
}

#[test]
fn every_variable_of_a_redis_is_known() {
    let redis = Redis::start();
    for name in ["REDIS_URL", "VALKEY_URL", "REDIS_TLS_URL", "KV_URL"] {
        let mut sandbox = Sandbox::new();
        sandbox.set(name, format!("\u{feff}{}\r\n", redis.url()));
        assert_eq!(sandbox.run(["sessions", "list", "--layout", "npmx"]).code, 0, "{name}");
    }
    let mut sandbox = Sandbox::new();
    sandbox.set("MY_REDIS_URI", redis.url());
    let refusal = sandbox.refusal(LIST);
    assert!(
        refusal.stderr.contains("hint: set here: MY_REDIS_URI (--store env:MY_REDIS_URI)"),
        "{refusal}"
    );
    assert_eq!(
        sandbox.run(["sessions", "list", "--layout", "npmx", "--store", "env:MY_REDIS_URI"]).code,
        0
    );
}

#[test]
fn quotes_and_escapes_that_a_loader_has_left_are_named() {
    for (address, part) in [
        ("\"redis://:hunter2@h\"", "contains double quotes"),
        ("'redis://:hunter2@h'", "contains single quotes"),
        ("\\\"redis://:hunter2@h\\\"", "contains escaped quotes"),
        ("redis://:hunter2\\$x@h", "contains an escaped dollar sign"),
        ("redis://:hunter2@h\nredis://:hunter2@i", "a line break"),
    ] {
        let refusal = refusal_of(address);
        assert!(refusal.code == 2 && refusal.stderr.contains(part), "{address}: {refusal}");
    }
}

#[test]
fn white_space_around_a_token_is_no_part_of_it() {
    let redis = Redis::start();
    let front = Front::start(redis.port(), "the-token").unwrap();
    let mut sandbox = Sandbox::new();
    sandbox.set("UPSTASH_REDIS_REST_URL", format!("{}\n", front.url()));
    for token in ["the-token\n", "\u{feff}the-token\r\n", " the-token"] {
        let listed = sandbox
            .set("UPSTASH_REDIS_REST_TOKEN", token)
            .run(["sessions", "list", "--layout", "npmx"]);
        assert_eq!(listed.code, 0, "{token:?}: {listed}");
    }
    for (token, part) in [
        ("the\ntoken", "line break"),
        ("'the-token'", "single quotes"),
        ("the-töken", "not allowed in an HTTP header"),
    ] {
        let refusal = sandbox
            .set("UPSTASH_REDIS_REST_TOKEN", token)
            .refusal(["sessions", "list", "--layout", "npmx"]);
        assert!(refusal.code == 2 && refusal.stderr.contains(part), "{token:?}: {refusal}");
    }
    let missing =
        sandbox.unset("UPSTASH_REDIS_REST_TOKEN").refusal(["sessions", "list", "--layout", "npmx"]);
    assert!(missing.stderr.contains("hint: export UPSTASH_REDIS_REST_TOKEN"), "{missing}");
}

#[test]
fn a_hint_about_a_certificate_does_not_ask_for_what_was_done() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let redis = Redis::start_tls(&certificates, &[]);
    let url = format!("rediss://localhost:{}", redis.tls_port());
    let sandbox = Sandbox::new();
    sandbox.file("ca.pem", &others.ca);
    sandbox.file("oauthctl.toml", "[network]\nca_file = 'ca.pem'\n");
    let list = ["sessions", "list", "--layout", "npmx", "--store", &url];
    let wrong = sandbox.refusal(list);
    assert!(wrong.stderr.contains("is not the authority"), "{wrong}");
    sandbox.file("ca.pem", format!("{}\n{}", others.ca, certificates.ca));
    assert_eq!(sandbox.run(list).code, 0);
    for (text, part) in [
        (certificates.key.as_str(), "network.ca_file: contains no certificate, but PRIVATE KEY"),
        (
            "-----BEGIN CERTIFICATE-----\nMIIB\n",
            "network.ca_file: has a certificate that is damaged",
        ),
        ("nothing", "network.ca_file: contains no certificate"),
    ] {
        sandbox.file("ca.pem", text);
        let refusal = sandbox.refusal(list);
        assert!(refusal.stderr.contains(part) && !refusal.stderr.contains("[67, "), "{refusal}");
    }
    sandbox.file("ca.pem", format!("\u{feff}{}", certificates.ca.replace('\n', "\r\n")));
    assert_eq!(sandbox.run(list).code, 0);
}

#[test]
fn configured_self_signed_certificates_are_trusted() {
    let certificates = Certificates::of_its_own_authority();
    let redis = Redis::start_tls(&certificates, &[]);
    let sandbox = Sandbox::new();
    let list = |host: &str| {
        let url = format!("rediss://{host}:{}", redis.tls_port());
        sandbox.run(["sessions", "list", "--layout", "npmx", "--store", &url])
    };
    assert!(list("localhost").stderr.contains("set `ca_file`"), "{}", list("localhost"));
    sandbox.file("ca.pem", &certificates.ca);
    sandbox.file("oauthctl.toml", "[network]\nca_file = 'ca.pem'\n");
    assert_eq!(list("localhost").code, 0, "{}", list("localhost"));
    // Its name must still match.
    let other = list("127.0.0.1");
    assert!(other.code == 1 && other.stderr.contains("for another name"), "{other}");
}

#[test]
fn a_redis_that_wants_a_client_certificate_gets_it() {
    let certificates = Certificates::new();
    let redis = Redis::start_tls(&certificates, &["--tls-auth-clients", "yes"]);
    let sandbox = Sandbox::new();
    sandbox.file("ca.pem", &certificates.ca);
    sandbox.file("client.pem", &certificates.certificate);
    sandbox.file("client-key.pem", &certificates.key);
    let store = format!(
        "[network]\nca_file = 'ca.pem'\n[store]\nlayout = 'npmx'\nurl = 'rediss://localhost:{}'\n",
        redis.tls_port()
    );
    sandbox.file("oauthctl.toml", &store);
    let without = sandbox.refusal(LIST);
    assert!(without.stderr.contains("`cert_file` and `key_file`"), "{without}");
    sandbox.file(
        "oauthctl.toml",
        format!("{store}cert_file = 'client.pem'\nkey_file = 'client-key.pem'\n"),
    );
    let with = sandbox.run(LIST);
    assert_eq!(with.code, 0, "{with}");
    sandbox.file("client-key.pem", KEY1);
    let refusal = sandbox.refusal(LIST);
    assert!(
        refusal.stderr.contains("store.key_file: contains no readable private key"),
        "{refusal}"
    );
}

/// Starts a server before version 6 in front of this one: it accepts a password, and has no users.
fn without_users(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut upstream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut answers, mut back) =
                (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = client.read(&mut buffer) {
                    let sent = &buffer[..length];
                    if String::from_utf8_lossy(sent).to_uppercase().starts_with("*3\r\n$4\r\nAUTH")
                    {
                        let refusal = b"-ERR wrong number of arguments for 'auth' command\r\n-NOAUTH Authentication required.\r\n";
                        client.write_all(refusal).unwrap();
                    } else if upstream.write_all(sent).is_err() {
                        break;
                    }
                }
            });
        }
    });
    own
}

#[test]
fn a_redis_that_knows_no_users_takes_the_password_alone() {
    let redis = Redis::start_with(&["--requirepass", "hunter2"]);
    let port = without_users(redis.port());
    let sandbox = Sandbox::new();
    let list = |password: &str| {
        let url = format!("redis://default:{password}@127.0.0.1:{port}");
        sandbox.run(["sessions", "list", "--layout", "npmx", "--store", &url])
    };
    assert_eq!(list("hunter2").code, 0, "{}", list("hunter2"));
    assert_eq!(list("wrong").code, 2, "{}", list("wrong"));
}

#[test]
fn a_server_that_is_not_there_is_named_without_its_password() {
    let refusal = refusal_of(&format!("redis://default:hunter2@127.0.0.1:{}", free_port()));
    assert!(
        refusal.code == 1 && refusal.stderr.contains("cannot connect to the store"),
        "{refusal}"
    );
}
