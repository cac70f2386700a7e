//! Sections shared by all manual pages. They agree with the README (tests/cli/readme.rs).

/// Terms and their meaning.
pub(super) type Entry = (&'static [&'static str], &'static str);

/// Exit status.
pub(super) const EXIT_STATUS: [Entry; 5] = [
    (&["0"], "Everything was done, or there was nothing to do."),
    (&["1"], "It failed, and nothing was achieved."),
    (&["2"], "The command line or the configuration is wrong; nothing was attempted."),
    (&["3"], "Partly done or unconfirmed; each item is named."),
    (
        &["129", "130", "131", "143"],
        "Stopped by SIGHUP (the terminal or the connection went), SIGINT (Ctrl-C), SIGQUIT or SIGTERM, after what had \
         been begun had come to its end.",
    ),
];

/// Environment variables.
pub(super) const ENVIRONMENT: [Entry; 15] = [
    (&["OAUTHCTL_CONFIG"], "The settings file; also --config."),
    (&["OAUTHCTL_PROFILE"], "The profile of the settings file; also --profile."),
    (&["OAUTHCTL_STORE"], "The address of the store; also --store."),
    (&["OAUTHCTL_LAYOUT"], "The layout of the store; also --layout."),
    (&["OAUTHCTL_KEYS"], "Sources of private keys, separated by commas; also --keys."),
    (
        &[
            "NUXT_OAUTH_JWK_ONE",
            "OAUTH_JWK_ONE",
            "PRIVATE_KEYS",
            "PRIVATE_KEY",
            "OAUTH_JWK",
            "PRIVATE_KEY_JWK",
            "ATPROTO_JWK_PRIVATE",
            "ATPROTO_PRIVATE_KEY_JWK",
            "OAUTH_PRIVATE_KEYS",
            "OAUTH_PRIVATE_KEY",
            "OAUTH_PRIVATE_KEY_JWK",
            "OAUTH_PRIVATE_KEY_1",
            "PRIVATE_KEY_1",
            "JWK_1",
            "JOSE_PRIVATE_KEY_1",
            "BLUESKY_KEY_1",
            "BLUESKY_PRIVATE_KEY_1",
            "BLUESKY_PRIVATE_JWK",
            "BLUESKY_OAUTH_PRIVATE_KEY",
            "BSKY_OAUTH_PRIVATE_KEY",
            "BSKY_OAUTH_PRIVATE_KEY_PEM",
            "CLIENT_ASSERTION_KEY",
            "PRIVATE_KEY_ES256_B64",
            "FLASK_CLIENT_SECRET_JWK",
            "CLIENT_SECRET_KEY",
            "OAUTH_SIGNING_KEY",
            "KEY_1",
        ],
        "The app's own keys: the first of these that is there, when nothing else names a key source. \
         A name with a number or a number word goes on with the next.",
    ),
    (
        &["OAUTH_PRIVATE_KEY_PATH"],
        "The path of the file with the app's keys, when none of these is there.",
    ),
    (
        &["CLIENT_SECRET_KEY_ID", "BSKY_OAUTH_KID"],
        "The kid of the key in the variable with the same beginning, where that has none itself; \
         likewise NAME_ID and NAME_KID for every NAME above.",
    ),
    (
        &["REDIS_URL", "VALKEY_URL", "REDIS_TLS_URL", "KV_URL"],
        "The app's own Redis, when nothing else names a store.",
    ),
    (
        &["UPSTASH_KV_REST_API_URL", "KV_REST_API_URL", "UPSTASH_REDIS_REST_URL"],
        "The app's own Redis over REST, likewise; its token is in the variable with TOKEN in the place of URL.",
    ),
    (
        &["DATABASE_PATH", "DB_PATH"],
        "The app's own SQLite database, likewise; at last app.db in the working directory.",
    ),
    (
        &["SSL_CERT_FILE", "SSL_CERT_DIR"],
        "Certificates that are trusted besides the public ones; ignored with a warning where others may write them.",
    ),
    (
        &["HTTPS_PROXY", "ALL_PROXY"],
        "Not used, unless network.proxy in the settings file says so; NO_PROXY then lists hosts that are reached without it.",
    ),
    (&["NO_COLOR"], "No colour when set, unless --color always."),
    (
        &["XDG_CONFIG_HOME", "XDG_STATE_HOME"],
        "Where the files below lie, if not in ~/.config and ~/.local/state.",
    ),
];

/// Files read and written.
pub(super) const FILES: [Entry; 9] = [
    (
        &["./oauthctl.toml", "$XDG_CONFIG_HOME/oauthctl/oauthctl.toml"],
        "Settings: the first that is there. The former also in a directory above, up to the first with .git, package.json or \
         Cargo.toml, or the home directory.",
    ),
    (&["./app.db"], "The app's database, when nothing names another store."),
    (
        &["DATABASE.oauthctl"],
        "Notes of oauthctl beside an SQLite database; the app's own tables are left as they are.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/recovery/"],
        "Tokens that were exchanged and could not be stored; see `oauthctl sessions recover`.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/counts.json"],
        "How many sessions each store had when `oauthctl sessions refresh` or `prune` last read all of it.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/published.json"],
        "When a staged key was first seen in the published key set.",
    ),
    (
        &["KEYS.retired-KID.json"],
        "A key that `oauthctl keys retire` has taken out of KEYS.json, for its owner alone.",
    ),
    (
        &["FILE.replaced-KID"],
        "A private key that `oauthctl gen-jwk --force` has replaced, likewise.",
    ),
    (
        &[".oauthctl-*.tmp"],
        "A file that is being written. One that a killed run left goes with the next that writes there.",
    ),
];

/// Introduction to the example of a settings file.
pub(super) const SETTINGS: &str = "oauthctl.toml, with all that it may hold. Every value may also be env:NAME or \
    file:PATH, which say where the value is; one that is missing or empty there is an error. Options come before \
    variables, variables before the file, and a profile before the rest of the file.";

/// All settings, as in the README.
pub(super) const SETTINGS_EXAMPLE: &str = include_str!("oauthctl.toml");

/// Introduction to the layouts.
pub(super) const LAYOUTS: &str = "A layout says where an app keeps sessions and pending logins in its store. `auto` finds \
    it by what is there.";
