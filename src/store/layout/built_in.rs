//! Layouts of known apps.

use std::sync::Arc;
use std::time::Duration;

use super::{AdvisoryKey, Codec, KeyPattern, Layout, Location, LockRule, Records, Table};
use crate::session::{Age, Atcute, Node};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Time after which npmx tries its lock a second time, and then continues without it.
const NPMX_WAITS: Duration = Duration::from_millis(100);

/// Layouts of Redis. If several match a store, the first applies.
pub(super) fn redis() -> Vec<Layout> {
    vec![
        // https://github.com/npmx-dev/npmx.dev
        Layout {
            name: "npmx".into(),
            sessions: keys("atproto:oauth:sessions:{did}", 179 * DAY),
            logins: keys("atproto:oauth:state:{state}", 30 * MINUTE),
            lock: lock("oauth:lock:{name}", 30),
            app_waits: Some(NPMX_WAITS),
            ..bare()
        },
        // npmx once it uses atcute. Provisional: as of March 2026 its main branch does not.
        Layout {
            name: "npmx-v2".into(),
            sessions: keys("atproto:oauth:sessions:v2:{did}", 179 * DAY),
            logins: keys("atproto:oauth:state:{state}", 30 * MINUTE),
            lock: lock("oauth:lock:{name}", 30),
            app_waits: Some(NPMX_WAITS),
            ..atcute()
        },
        // First draft of npmx, with one session per browser.
        Layout {
            name: "npmx-browser".into(),
            sessions: keys("atproto:oauth:sessions:{did}:{sid}", 179 * DAY),
            logins: keys("atproto:oauth:state:{state}:{sid}", 30 * MINUTE),
            lock: lock("oauth:lock:{name}", 30),
            ..bare()
        },
        // Generic layouts.
        Layout {
            name: "oauth".into(),
            sessions: keys("oauth:session:{did}", 0),
            logins: keys("oauth:state:{state}", HOUR),
            lock: lock("oauth:lock:{name}", 30),
            is_generic: true,
            ..bare()
        },
        // Nuxt's `useStorage`.
        Layout {
            name: "atproto".into(),
            sessions: keys("atproto:session:{did}", 0),
            logins: keys("atproto:state:{state}", 0),
            ..bare()
        },
        Layout {
            name: "auth-camel".into(),
            sessions: keys("authSession:{did}", 0),
            logins: keys("authState:{state}", 0),
            lock: lock("sessionLock:{name}", 10),
            ..bare()
        },
        Layout {
            name: "sequoia".into(),
            sessions: keys("oauth_session:{did}", 14 * DAY),
            logins: keys("oauth_state:{state}", 10 * MINUTE),
            ..bare()
        },
        Layout {
            name: "hypercerts".into(),
            sessions: keys("session:{did}", DAY),
            logins: keys("oauth-state:{state}", 10 * MINUTE),
            ..bare()
        },
        // https://github.com/OpenMeet-Team/openmeet-api
        Layout {
            name: "openmeet".into(),
            sessions: keys("bluesky:session:{did}", 0),
            logins: keys("auth:bluesky:state:{state}", 10 * MINUTE),
            lock: lock("bluesky:lock:{name}", 45),
            ..bare()
        },
        // https://github.com/barazo-forum/barazo-api
        Layout {
            name: "barazo".into(),
            sessions: keys("barazo:oauth:session:{did}", 7 * DAY),
            logins: keys("barazo:oauth:state:{state}", 5 * MINUTE),
            lock: lock("barazo:oauth:lock:{name}", 10),
            ..bare()
        },
        Layout {
            name: "authproto".into(),
            sessions: keys("authproto:session:{did}", 0),
            logins: keys("authproto:state:{state}", 0),
            ..bare()
        },
        // `oauth` with `lastUpdatedAt` in the record.
        Layout {
            name: "oauth-stamped".into(),
            sessions: keys("oauth:session:{did}", 0),
            logins: keys("oauth:state:{state}", HOUR),
            lock: lock("oauth:lock:{name}", 30),
            codec: Codec::Stamped,
            is_generic: true,
            ..bare()
        },
    ]
}

/// Layouts of SQL databases.
pub(super) fn sql() -> Vec<Layout> {
    vec![
        // https://github.com/bluesky-social/statusphere-example-app
        Layout {
            name: "statusphere".into(),
            sessions: rows(table("auth_session", ("key", "{did}"), "value")),
            logins: rows(table("auth_state", ("key", "{state}"), "value")),
            ..bare()
        },
        // https://github.com/cosmik-network/semble
        Layout {
            name: "semble".into(),
            sessions: rows(table("auth_session", ("key", "{did}"), "session")),
            logins: rows(Table {
                updated: Some("created_at".to_owned()),
                ..table("auth_state", ("key", "{state}"), "state")
            }),
            lock: lock("oauth:lock:{name}", 45),
            ..bare()
        },
        // First version of the tutorial, and its forks.
        Layout {
            name: "statusphere-legacy".into(),
            sessions: rows(table("auth_session", ("key", "{did}"), "session")),
            logins: rows(table("auth_state", ("key", "{state}"), "state")),
            ..bare()
        },
        Layout {
            name: "sveltekit-template".into(),
            sessions: rows(Table {
                only: Some(("storeName".to_owned(), "sessions".to_owned())),
                updated: Some("createdAt".to_owned()),
                ..table("keyValueStore", ("key", "{did}"), "value")
            }),
            logins: rows(Table {
                only: Some(("storeName".to_owned(), "states".to_owned())),
                updated: Some("createdAt".to_owned()),
                ..table("keyValueStore", ("key", "{state}"), "value")
            }),
            ..bare()
        },
        Layout {
            name: "adonis".into(),
            sessions: rows(Table {
                updated: Some("updated_at".to_owned()),
                ..table("oauth_sessions", ("sub", "{did}"), "value")
            }),
            logins: rows(Table {
                updated: Some("updated_at".to_owned()),
                ..table("oauth_states", ("key", "{state}"), "value")
            }),
            ..bare()
        },
        // https://github.com/nperez0111/bookhive
        Layout {
            name: "bookhive".into(),
            sessions: rows(with_times(table("auth_sessions", ("id", "{did}"), "value"))),
            logins: rows(with_times(table("auth_state", ("id", "{state}"), "value"))),
            lock: LockRule::Lease { table: "auth_refresh_lock", ttl: Age::from_secs(30) },
            app_waits: Some(Duration::from_secs(3)),
            ..atcute()
        },
        // https://github.com/graze-social/cocore
        Layout {
            name: "cocore".into(),
            sessions: rows(Table {
                updated: Some("updated_at".to_owned()),
                ..table("oauth_sessions", ("did", "{did}"), "data")
            }),
            logins: Records { location: Location::Memory(pattern("{state}")), ttl: None },
            ..atcute()
        },
    ]
}

/// Layouts of apps on PostgreSQL, and generic ones.
pub(super) fn postgres() -> Vec<Layout> {
    vec![
        // https://github.com/hyperlink-academy/leaflet
        Layout {
            name: "leaflet".into(),
            sessions: rows(table("oauth_session_store", ("key", "{did}"), "session")),
            logins: rows(table("oauth_state_store", ("key", "{state}"), "state")),
            lock: lock("{name}", 45),
            ..bare()
        },
        // https://github.com/lexicon-community/sill: two clients share the table.
        Layout {
            name: "sill".into(),
            sessions: rows(table("atproto_auth_session", ("key", "{client_id}::{did}"), "session")),
            logins: rows(table("atproto_auth_state", ("key", "{client_id}::{state}"), "state")),
            lock: LockRule::Advisory(AdvisoryKey::Hash31),
            ..bare()
        },
        // https://tangled.org/nekomimi.pet/wisp.place-monorepo
        Layout {
            name: "wisp".into(),
            sessions: lasting(
                30 * DAY,
                Table {
                    updated: Some("updated_at".to_owned()),
                    expires: Some("expires_at".to_owned()),
                    ..table("oauth_sessions", ("sub", "{did}"), "data")
                },
            ),
            logins: lasting(
                HOUR,
                Table {
                    updated: Some("created_at".to_owned()),
                    expires: Some("expires_at".to_owned()),
                    ..table("oauth_states", ("key", "{state}"), "data")
                },
            ),
            lock: LockRule::Advisory(AdvisoryKey::Sha256),
            ..bare()
        },
        // https://github.com/GainForest/bumicert-platform: named apps share the table.
        Layout {
            name: "gainforest".into(),
            sessions: rows(Table {
                only: Some(("app_id".to_owned(), "{app}".to_owned())),
                updated: Some("updated_at".to_owned()),
                did: Some("did".to_owned()),
                ..table("atproto_oauth_session", ("id", "{app}:{did}"), "value")
            }),
            logins: lasting(
                HOUR,
                Table {
                    only: Some(("app_id".to_owned(), "{app}".to_owned())),
                    updated: Some("created_at".to_owned()),
                    expires: Some("expires_at".to_owned()),
                    ..table("atproto_oauth_state", ("id", "{app}:{state}"), "value")
                },
            ),
            ..bare()
        },
        // onrepeat.fm
        Layout {
            name: "onrepeat".into(),
            sessions: rows(Table {
                updated: Some("updated_at".to_owned()),
                ..table("oauth_session", ("did", "{did}"), "session")
            }),
            logins: rows(Table {
                updated: Some("created_at".to_owned()),
                ..table("oauth_state", ("key", "{state}"), "state")
            }),
            lock: LockRule::Advisory(AdvisoryKey::HashText),
            ..bare()
        },
        // A branch of bookhive as of April 2026, not merged. Its lock is ineffective: it reads
        // a row, then writes it, and deletes it before the refresh has ended.
        Layout {
            name: "bookhive-postgres".into(),
            sessions: rows(with_times(table("kv_auth_sessions", ("id", "{did}"), "value"))),
            logins: rows(with_times(table("kv_auth_state", ("id", "{state}"), "value"))),
            ..atcute()
        },
        // Generic layouts.
        Layout {
            name: "kv-timed".into(),
            sessions: rows(Table {
                updated: Some("updated_at".to_owned()),
                ..table("oauth_session", ("key", "{did}"), "value")
            }),
            logins: rows(table("oauth_state", ("key", "{state}"), "value")),
            is_generic: true,
            ..bare()
        },
        Layout {
            name: "kv".into(),
            sessions: rows(table("oauth_session", ("key", "{did}"), "value")),
            logins: rows(table("oauth_state", ("key", "{state}"), "value")),
            is_generic: true,
            ..bare()
        },
    ]
}

/// Defaults of layouts of apps that use atcute.
fn atcute() -> Layout {
    Layout { format: &Atcute, has_one_format: true, ..bare() }
}

/// Defaults of most layouts, without name and records.
pub fn bare() -> Layout {
    let (sessions, logins) = (keys("{did}", 0), keys("{state}", 0));
    let (codec, lock) = (Codec::Plain, LockRule::None);
    Layout {
        name: String::new(),
        format: &Node,
        has_one_format: false,
        sessions,
        logins,
        codec,
        lock,
        app_waits: None,
        is_generic: false,
    }
}

/// Returns records under keys of this template. The TTL is in seconds, 0 for none.
pub fn keys(template: &str, ttl: i64) -> Records {
    Records {
        location: Location::Keys(pattern(template)),
        ttl: (ttl > 0).then(|| Age::from_secs(ttl)),
    }
}

fn rows(table: Table) -> Records {
    Records { location: Location::Rows(Arc::new(table)), ttl: None }
}

/// Returns records in a table with a TTL in seconds.
fn lasting(ttl: i64, table: Table) -> Records {
    Records { ttl: Some(Age::from_secs(ttl)), ..rows(table) }
}

/// Returns a table with these key and value columns and no others of significance.
fn table(name: &str, (key, template): (&str, &str), value: &str) -> Table {
    let [name, key, value] = [name, key, value].map(str::to_owned);
    Table {
        name,
        key,
        pattern: pattern(template),
        value,
        only: None,
        created: None,
        updated: None,
        expires: None,
        did: None,
    }
}

/// Adds the columns for the times of the first and last write.
fn with_times(table: Table) -> Table {
    Table {
        created: Some("created_at".to_owned()),
        updated: Some("updated_at".to_owned()),
        ..table
    }
}

fn lock(template: &str, ttl: i64) -> LockRule {
    LockRule::Key { pattern: pattern(template), ttl: Age::from_secs(ttl) }
}

fn pattern(template: &str) -> KeyPattern {
    template.parse().expect("the templates of this file are well-formed")
}
