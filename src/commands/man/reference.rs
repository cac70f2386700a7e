//! Sections shared by all manual pages, and tables of the README.

/// Terms and their meaning.
pub(super) type Term = (&'static [&'static str], &'static str);

/// Exit statuses.
pub(super) const EXIT_STATUS: [Term; 5] = [
    (&["0"], "Everything was done, or there was nothing to do."),
    (&["1"], "The command failed and achieved nothing."),
    (&["2"], "The command line or the configuration is wrong. Nothing was attempted."),
    (&["3"], "Partly done, or not confirmed. Each item is named."),
    (
        &["129", "130", "131", "143"],
        "Stopped by SIGHUP (the terminal or connection closed), SIGINT (Ctrl-C), SIGQUIT or SIGTERM. \
         Work in progress was completed first.",
    ),
];

/// Environment variables.
pub(super) const ENVIRONMENT: [Term; 17] = [
    (&["OAUTHCTL_CONFIG"], "Settings file; same as --config."),
    (&["OAUTHCTL_PROFILE"], "Profile of the settings file; same as --profile."),
    (&["OAUTHCTL_STORE"], "Address of the store; same as --store."),
    (&["OAUTHCTL_LAYOUT"], "Layout of the store; same as --layout."),
    (&["OAUTHCTL_KEYS"], "Sources of private keys, separated by commas; same as --keys."),
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
        "The app's keys, used if no key source is configured. The first variable that is set is used; \
         if its name ends in a number (1, ONE), the following numbers are read, too.",
    ),
    (
        &["OAUTH_PRIVATE_KEY_PATH"],
        "Path of the file with the app's keys, used if none of the variables above is set.",
    ),
    (
        &["CLIENT_SECRET_KEY_ID", "BSKY_OAUTH_KID"],
        "Key ID for the key in the variable of the same name without this suffix, if the key has no kid. \
         The same holds for NAME_ID and NAME_KID of every NAME above.",
    ),
    (
        &["REDIS_URL", "VALKEY_URL", "REDIS_TLS_URL", "KV_URL"],
        "URL of the app's Redis, used if no store is configured.",
    ),
    (
        &["UPSTASH_KV_REST_API_URL", "KV_REST_API_URL", "UPSTASH_REDIS_REST_URL"],
        "URL of an Upstash Redis, used if no store is configured. The token comes from the variable \
         with `TOKEN` instead of `URL` in its name.",
    ),
    (
        &["DATABASE_PATH", "DB_PATH", "KV_DB_PATH"],
        "Path of the SQLite database, used if no store is configured. The last resort is `./app.db`.",
    ),
    (
        &["DATABASE_URL", "POSTGRES_URL", "DB_URL"],
        "URL or path of the app's database, used if no store is configured. Unsupported kinds of databases are \
         ignored. Commands that end sessions do not use these variables.",
    ),
    (
        &["PGHOST", "PGUSER", "PGPASSWORD"],
        "Parts that a PostgreSQL address leaves out, like the other variables of libpq. They select no store.",
    ),
    (
        &["SSL_CERT_FILE", "SSL_CERT_DIR"],
        "Certificates to trust in addition to the public ones. Ignored with a warning if other users \
         can write to them.",
    ),
    (
        &["HTTPS_PROXY", "ALL_PROXY"],
        "Used only if `network.proxy` in the settings file refers to them. NO_PROXY then lists hosts to \
         reach directly.",
    ),
    (&["NO_COLOR"], "Disables colour, unless --color is `always`."),
    (
        &["XDG_CONFIG_HOME", "XDG_STATE_HOME"],
        "Directories of the files below. Defaults: ~/.config and ~/.local/state.",
    ),
];

/// Files.
pub(super) const FILES: [Term; 10] = [
    (
        &["./oauthctl.toml", "$XDG_CONFIG_HOME/oauthctl/oauthctl.toml"],
        "Settings; the first file that exists is used. `oauthctl.toml` is also looked for in parent directories, up to \
         the first with .git, package.json or Cargo.toml, or the home directory.",
    ),
    (&["./app.db"], "The app's database, used if no store is configured."),
    (
        &["DATABASE.oauthctl"],
        "Notes of oauthctl about an SQLite database. The app's own tables are not changed.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/recovery/"],
        "New tokens that could not be stored yet; see `oauthctl sessions recover`.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/recovery/*.sent"],
        "Fingerprints of refresh tokens whose refresh was cut off, for example because the run was killed. Kept for 60 days.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/counts.json"],
        "Number of sessions in each store when `oauthctl sessions refresh` or `prune` last read it completely.",
    ),
    (
        &["$XDG_STATE_HOME/oauthctl/published.json"],
        "Time at which a staged key was first seen in the published key set.",
    ),
    (
        &["KEYS.retired-KID.json"],
        "A key that `oauthctl keys retire` removed from KEYS.json (mode 0600).",
    ),
    (&["FILE.replaced-KID"], "A private key that `oauthctl gen-jwk --force` replaced (mode 0600)."),
    (
        &[".oauthctl-*.tmp"],
        "Temporary file. If a run was killed, the next run that writes to the directory removes it.",
    ),
];

/// Introduction to the example of a settings file.
pub(super) const SETTINGS: &str = "All settings of oauthctl.toml. Any value can be env:NAME or file:PATH to read it \
    from there; a missing or empty target is an error. Options override environment variables, which override the \
    profile, which overrides the rest of the file.";

/// Every setting.
pub(super) const SETTINGS_EXAMPLE: &str = include_str!("oauthctl.toml");

/// Introduction to the layouts.
pub(super) const LAYOUTS: &str = "A layout defines where an app keeps sessions and pending logins in its store. `auto` \
    detects it from the records in the store.";
