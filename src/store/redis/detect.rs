//! Detects the layouts of a Redis. Evidence is taken from records and not only from keys, because
//! apps share prefixes, and DIDs contain the colons that separate them from the rest of a key.

use std::sync::Arc;

use super::client::command::{Command, Server};
use super::client::error::{ClientError, text};
use super::client::retry;
use super::records::OWN_PREFIX;
use super::scan::page;
use super::shape::{self, Shapes};
use crate::error::{Failure, usage};
use crate::session::Recognised;
use crate::store::codec::{Codec, Decoded};
use crate::store::layout::key::{KeyPattern, Subject};
use crate::store::layout::{Layout, usual_lock};
use crate::store::{Kind, RecordKey};
use crate::text::counted;

/// Numbers of keys examined: if there are records among them, and at most (a scan of a few
/// seconds).
const FEW_KEYS: usize = 10_000;
const MANY_KEYS: usize = 5_000_000;

/// Number of values read for the keys of a possible layout.
const SAMPLES: usize = 20;

/// Possible layout, with its evidence.
struct Candidate {
    layout: Arc<Layout>,
    sessions: Samples,
    logins: Samples,
}

/// Some of the keys that match a layout.
struct Samples {
    kind: Kind,
    keys: Vec<RecordKey>,
    /// Number of samples with matching records.
    fitting: usize,
}

/// Layouts of a Redis.
pub(super) struct DetectedLayouts {
    /// Layouts with records in the store.
    pub(super) layouts: Vec<Arc<Layout>>,
    /// Layouts that may have session keys in the store.
    pub(super) possible: Vec<Arc<Layout>>,
}

/// Returns the layouts with records in the store. The inner failure describes the contents of the
/// store, the outer error is one of the connection.
pub(super) async fn layouts(
    server: &dyn Server,
    all: &[Arc<Layout>],
) -> Result<Result<DetectedLayouts, Failure>, ClientError> {
    let mut survey = Survey::new(all, MANY_KEYS);
    survey.run(server).await?;
    let layouts: Vec<_> =
        best(&survey.candidates).iter().map(|one| Arc::clone(&one.layout)).collect();
    if !layouts.is_empty() {
        return Ok(Ok(DetectedLayouts { layouts, possible: survey.possible() }));
    }
    Ok(Err(if survey.shapes.is_empty() {
        empty(server).await?
    } else {
        unfit(server, survey.shapes).await?
    }))
}

/// Checks whether there are records of any of the layouts, or of a client library under other keys.
pub(super) async fn has_records(
    server: &dyn Server,
    all: &[Arc<Layout>],
) -> Result<bool, ClientError> {
    let mut survey = Survey::new(all, MANY_KEYS);
    survey.run(server).await?;
    if !best(&survey.candidates).is_empty() {
        return Ok(true);
    }
    for (_, _, sample) in survey.shapes.most() {
        let (_, kind) = shape::describe(server, sample.as_bytes()).await?;
        if matches!(kind, Some(Recognised::Session(_) | Recognised::Login(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the layouts other than `named` that have sessions among the first keys of the store.
pub(super) async fn beside(
    server: &dyn Server,
    named: &Layout,
    all: &[Arc<Layout>],
) -> DetectedLayouts {
    let all: Vec<_> =
        all.iter().filter(|layout| !layout.shares_sessions_with(named)).cloned().collect();
    let mut survey = Survey::new(&all, FEW_KEYS);
    // If the store does not answer, any layout is possible.
    let is_known = survey.run(server).await.is_ok();
    let with_sessions = best(&survey.candidates).into_iter().filter(|one| one.sessions.fitting > 0);
    let layouts = with_sessions.map(|one| Arc::clone(&one.layout)).collect();
    DetectedLayouts { layouts, possible: if is_known { survey.possible() } else { all } }
}

/// Examination of the keys of a store.
struct Survey {
    candidates: Vec<Candidate>,
    shapes: Shapes,
    /// Maximum number of keys examined if none of them is a session's.
    most_keys: usize,
    /// True if all keys were examined.
    is_complete: bool,
}

impl Survey {
    fn new(all: &[Arc<Layout>], most_keys: usize) -> Self {
        let candidates =
            all.iter().filter(|layout| layout.has_keys()).map(Candidate::new).collect();
        Self { candidates, shapes: Shapes::default(), most_keys, is_complete: false }
    }

    async fn run(&mut self, server: &dyn Server) -> Result<(), ClientError> {
        let mut seen = 0;
        let is_enough = |candidates: &[Candidate], seen| {
            let found = candidates.iter().any(|candidate| !candidate.sessions.keys.is_empty());
            seen >= self.most_keys || (found && seen >= FEW_KEYS)
        };
        'all: {
            for shard in server.shards().await? {
                let mut cursor = b"0".to_vec();
                loop {
                    let (next, keys) =
                        page(&*shard.scan, "*", shard.limits.scan_count, &cursor).await?;
                    seen += keys.len();
                    for key in
                        keys.into_iter().filter(|key| !key.0.starts_with(OWN_PREFIX.as_bytes()))
                    {
                        self.shapes.add(&key.text());
                        for candidate in &mut self.candidates {
                            candidate.offer(&key);
                        }
                    }
                    cursor = next;
                    if cursor == b"0" {
                        break;
                    }
                    if is_enough(&self.candidates, seen) {
                        break 'all;
                    }
                }
            }
            self.is_complete = true;
        }
        for candidate in &mut self.candidates {
            candidate.read(server).await?;
        }
        Ok(())
    }

    /// Returns the layouts whose keys were seen or, unless all keys were examined, may exist.
    fn possible(&self) -> Vec<Arc<Layout>> {
        let possible =
            self.candidates.iter().filter(|one| !self.is_complete || !one.sessions.keys.is_empty());
        possible.map(|one| Arc::clone(&one.layout)).collect()
    }
}

impl Candidate {
    fn new(layout: &Arc<Layout>) -> Self {
        let [sessions, logins] =
            [Kind::Session, Kind::State].map(|kind| Samples { kind, keys: Vec::new(), fitting: 0 });
        Self { layout: Arc::clone(layout), sessions, logins }
    }

    /// Keeps the key if it matches this layout.
    fn offer(&mut self, key: &RecordKey) {
        // Keys that are not text are not an app's, and cannot be sent over REST.
        let Ok(text) = std::str::from_utf8(&key.0) else { return };
        for samples in [&mut self.sessions, &mut self.logins] {
            if samples.keys.len() < SAMPLES
                && self.layout.pattern(samples.kind).parse_key(text).is_some()
            {
                samples.keys.push(key.clone());
            }
        }
    }

    /// Reads the samples.
    async fn read(&mut self, server: &dyn Server) -> Result<(), ClientError> {
        for Samples { kind, keys, fitting } in [&mut self.sessions, &mut self.logins] {
            if keys.is_empty() {
                continue;
            }
            let commands: Vec<_> = keys.iter().map(|key| Command::new("GET", &key.0)).collect();
            let values = retry::read(server.wire(), &commands).await?;
            let fits = |(key, value): (&RecordKey, redis::Value)| match value {
                redis::Value::BulkString(value) => fits(&self.layout, *kind, &key.text(), value),
                _ => false,
            };
            *fitting =
                keys.iter().zip(values).filter(|(key, value)| fits((key, value.clone()))).count();
        }
        Ok(())
    }

    /// Checks whether the two layouts differ only in the stamp.
    fn is_twin(&self, other: &Self) -> bool {
        self.is_stamped() != other.is_stamped() && self.looks_like(other)
    }

    fn is_stamped(&self) -> bool {
        self.layout.codec.is_stamped()
    }

    fn looks_like(&self, other: &Self) -> bool {
        let (one, other) = (&self.layout, &other.layout);
        let is_wrapped = |layout: &Layout| matches!(layout.codec, Codec::Envelope { .. });
        one.sessions == other.sessions
            && one.logins == other.logins
            && is_wrapped(one) == is_wrapped(other)
    }
}

/// Checks whether a value is a record of this layout under this key.
fn fits(layout: &Layout, kind: Kind, key: &str, value: Vec<u8>) -> bool {
    let Some((subject, _)) = layout.pattern(kind).parse_key(key) else { return false };
    let Some(Decoded { value: record, .. }) = layout.codec.decode(value.into()) else {
        return false;
    };
    match kind {
        Kind::Session => {
            layout.codec.stamp_fits(&record) && layout.session_at(key, &record).is_ok()
        }
        // A state is random text without colons. A colon separates it from an ID.
        Kind::State => !subject.contains(':') && layout.format.login(&record).is_ok(),
    }
}

/// Returns the candidates with the strongest evidence. Sessions count more than states, which are
/// similar in many layouts.
fn best(candidates: &[Candidate]) -> Vec<&Candidate> {
    let with_sessions = candidates.iter().any(|candidate| candidate.sessions.fitting > 0);
    let fit = |candidate: &&Candidate| {
        if with_sessions { candidate.sessions.fitting > 0 } else { candidate.logins.fitting > 0 }
    };
    let fitting: Vec<_> = candidates.iter().filter(fit).collect();
    let is_best = |one: &&Candidate| {
        let at = |candidate: &Candidate| {
            fitting.iter().position(|other| std::ptr::eq(*other, candidate))
        };
        !fitting.iter().any(|other| {
            // Where an app has started to stamp its records, some have a stamp and some do not.
            // Without sessions nothing is stamped, and the plain layout suffices.
            let is_twin = one.is_twin(other)
                && (if with_sessions { other.is_stamped() } else { one.is_stamped() });
            // The operator's own description of a built-in layout takes precedence.
            let is_copy = one.is_stamped() == other.is_stamped()
                && one.looks_like(other)
                && at(other) < at(one);
            is_twin || is_copy
        })
    };
    fitting.iter().copied().filter(|candidate| is_best(candidate)).collect()
}

/// Returns the failure for a database without records.
async fn empty(server: &dyn Server) -> Result<Failure, ClientError> {
    let failure = usage("the store contains no records that show its layout");
    let others = other_databases(server).await;
    Ok(match others.as_str() {
        "" => failure.hint("choose the layout with --layout, or check that this is the app's store"),
        others => failure.hint(format!(
            "other databases of this server have keys ({others}): use redis://HOST/NUMBER for one of them, or choose the layout with --layout"
        )),
    })
}

/// Describes the other databases of the server: `db1: 20 keys`. Empty if there are none, or if the
/// server does not report them.
async fn other_databases(server: &dyn Server) -> String {
    let databases = databases(server).await.into_iter();
    let databases = databases.map(|(number, keys)| format!("db{number}: {}", counted(keys, "key")));
    databases.collect::<Vec<_>>().join(", ")
}

/// Returns the databases with keys, and their number of keys. Empty if the server does not report
/// them.
pub(super) async fn databases(server: &dyn Server) -> Vec<(u32, u64)> {
    let info =
        super::client::command::run_one(server.wire(), Command::keyless("INFO").arg("keyspace"))
            .await;
    let info = info.ok().and_then(|info| text(&info)).unwrap_or_default();
    let databases = info.lines().filter_map(|line| {
        let (number, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
        Some((number.parse().ok()?, rest.split(',').next()?.parse().ok()?))
    });
    databases.collect()
}

/// Returns the failure for a store that matches no layout, with a description of its contents.
async fn unfit(server: &dyn Server, shapes: Shapes) -> Result<Failure, ClientError> {
    let mut seen = Vec::new();
    let (mut session_key, mut state_key) = (None, None);
    for (shape, count, sample) in shapes.most() {
        let (what, kind) = shape::describe(server, sample.as_bytes()).await?;
        seen.push(format!("{shape} ({}, {what})", counted(count, "key")));
        match kind {
            Some(Recognised::Session(_)) => {
                session_key = session_key.or_else(|| template(&shape, Subject::Did));
            }
            Some(Recognised::Login(_)) => {
                state_key = state_key.or_else(|| template(&shape, Subject::State));
            }
            _ => {}
        }
    }
    let seen = seen.join("; ");
    let lines = description(session_key, state_key);
    Ok(usage(format!("no known layout matches the store; it contains {seen}")).hint(format!(
        "choose the layout with --layout, or define it in oauthctl.toml (lock_key is \"none\" if the app has no lock):\n{lines}"
    )))
}

/// Returns a key template for this shape, `None` if it has no place for the subject.
fn template(shape: &str, subject: Subject) -> Option<String> {
    let template = match subject {
        Subject::Did => shape.replace(":*", ":{sid}"),
        Subject::State | Subject::Name => shape.replacen('*', subject.placeholder(), 1),
    };
    let pattern: KeyPattern = template.parse().ok()?;
    (pattern.subject() == subject).then_some(template)
}

/// Returns the lines that describe a layout with these keys.
fn description(session_key: Option<String>, state_key: Option<String>) -> String {
    let lock_key = session_key.as_deref().and_then(usual_lock);
    let [session_key, state_key, lock_key] = [
        session_key.unwrap_or_else(|| "PREFIX:{did}".to_owned()),
        state_key.unwrap_or_else(|| "PREFIX:{state}".to_owned()),
        lock_key.unwrap_or_else(|| "PREFIX:{name}".to_owned()),
    ]
    .map(|template| serde_json::Value::from(template).to_string());
    format!(
        "[layouts.mine]\nsession_key = {session_key}\nstate_key = {state_key}\nlock_key = {lock_key}"
    )
}
