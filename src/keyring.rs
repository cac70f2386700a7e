//! Key sources: files, variables and standard input, in all known formats.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tracing::debug;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{Failure, usage};
use crate::input::{self, Unread};
use crate::jose::{ClientKey, KeyForm, KeySet, Kid, parse_keys};
use crate::settings::{app, dotenv};

/// Sign in front of a table of the store.
const TABLE: &str = "store:";

/// Sign between the place of a key and its kid.
const KID: &str = "#kid=";

/// Maximum size of a source. Prevents harm from a path to the wrong file.
const MAX_SOURCE_BYTES: u64 = 1 << 20;

/// Location of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// File.
    File {
        /// Path as given.
        named: String,
        /// Path with relative paths of a settings file resolved.
        path: PathBuf,
        /// Kid of its key, if the key has none itself.
        kid: Option<Kid>,
    },
    /// Environment variable.
    Variable {
        /// Name.
        name: String,
        /// Kid of its key, if the key has none itself.
        kid: Option<Kid>,
    },
    /// A table of the store in which the app keeps its keys. It is never written.
    Table {
        /// Name of the table.
        name: String,
    },
    /// Standard input.
    Stdin,
}

/// Source with its keys.
#[derive(Debug)]
pub struct LoadedSource {
    /// Source.
    pub source: KeySource,
    /// Form of the keys in the source.
    pub form: KeyForm,
    /// Keys, in order.
    pub keys: Vec<ClientKey>,
    /// Other members of a JWKS.
    around: Map<String, Value>,
    /// Permission bits of a file.
    mode: Option<u32>,
}

impl KeySource {
    /// Parses `PATH`, `file:PATH`, `env:NAME` or `-`, the first three also with `#kid=KID` for a key
    /// that does not hold its kid. Relative paths are relative to `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, Failure> {
        let Some((place, kid)) = text.rsplit_once(KID).filter(|_| !is_key(text)) else {
            return Self::parse_place(text, base);
        };
        let source = Self::parse_place(place, base)?;
        if matches!(source, Self::Stdin | Self::Table { .. }) {
            return Err(usage(format!("{source} takes no kid")).hint("put the key in a file"));
        }
        let kid = kid.trim().parse::<Kid>().map_err(|e| e.at(format!("{source}{KID}")))?;
        Ok(source.with_kid(Some(kid)))
    }

    fn parse_place(text: &str, base: &Path) -> Result<Self, Failure> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        let place = text.strip_prefix("env:").or(text.strip_prefix("file:")).unwrap_or(text);
        if is_key(place) {
            // Not quoted: it is a private key (which is in the shell's history already).
            return Err(usage("a key source is a place where a key is stored, not the key itself")
                .hint(
                    "put the key in a file or a variable, and use --keys FILE or --keys env:NAME",
                ));
        }
        if let Some(name) = text.strip_prefix("env:") {
            if variable_name(name) {
                return Ok(Self::Variable { name: name.to_owned(), kid: None });
            }
            // Quoted only if it looks like a name: it may be the contents of the variable.
            let is_meant = name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"_-. ".contains(&b));
            let wrong = |what: &str| usage(format!("{what} is not a valid variable name"));
            let refusal = if is_meant {
                wrong(&format!("{name:?}")).at(text)
            } else {
                wrong("the text after env:")
            };
            return Err(refusal.hint("use letters, digits and _"));
        }
        if let Some(name) = text.strip_prefix(TABLE) {
            let is_in_name = |b: u8| b.is_ascii_alphanumeric() || b"_.".contains(&b);
            if !name.is_empty() && name.bytes().all(is_in_name) {
                return Ok(Self::Table { name: name.to_owned() });
            }
            return Err(usage("the text after store: is not the name of a table")
                .hint("write store:TABLE, like store:oauth_keys"));
        }
        if text.is_empty() {
            return Err(usage("a key source must not be empty")
                .hint("a source is a path, file:PATH, env:NAME, store:TABLE or -"));
        }
        Ok(Self::File { named: text.to_owned(), path: base.join(place), kid: None })
    }

    /// Sets the kid of the source's only key, if the key has none itself.
    pub fn with_kid(mut self, named: Option<Kid>) -> Self {
        match &mut self {
            Self::File { kid, .. } | Self::Variable { kid, .. } => *kid = named,
            Self::Table { .. } | Self::Stdin => {}
        }
        self
    }

    /// Returns the kid configured for the source.
    pub fn kid(&self) -> Option<&Kid> {
        match self {
            Self::File { kid, .. } | Self::Variable { kid, .. } => kid.as_ref(),
            Self::Table { .. } | Self::Stdin => None,
        }
    }
}

/// Checks whether the text is a key, or the start of one, in any known form.
fn is_key(text: &str) -> bool {
    /// Prefixes of base64 of a PEM, a JWK, an array of JWKs, and PKCS#8 of a P-256 key with and
    /// without its public half.
    const BASE64: [&str; 5] = ["LS0tLS1CRUdJTi", "eyJ", "W3si", "MIGHAgEAMB", "MEECAQAwEw"];
    /// Prefix of P-256 keys in multibase. A longer text is at least half of a key.
    const MULTIBASE: (&str, usize) = ("z42", 24);
    let text = input::trimmed(text).trim_start_matches(['\\', '"', '\'', '`']);
    is_bare(text)
        || text.starts_with(['{', '['])
        || text.contains("-----BEGIN")
        || BASE64.iter().any(|begin| text.starts_with(begin))
        || (text.starts_with(MULTIBASE.0) && text.len() > MULTIBASE.1 && !text.contains(['/', '.']))
}

/// Checks whether the text is probably the private number of a key alone: 32 bytes in base64url, which
/// few names look like.
fn is_bare(text: &str) -> bool {
    const LENGTH: usize = 43;
    let has = |is_one: fn(&u8) -> bool| text.as_bytes().iter().any(is_one);
    text.len() == LENGTH
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// Checks whether this is a valid variable name in shells and dotenv files.
pub fn variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { named, .. } => f.write_str(named),
            Self::Variable { name, .. } => write!(f, "env:{name}"),
            Self::Table { name } => write!(f, "{TABLE}{name}"),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

impl LoadedSource {
    /// Encodes the keys in the form of the source.
    pub fn encode(&self) -> Result<Zeroizing<String>, Failure> {
        self.form.encode_within(&self.around, &self.keys)
    }

    /// Checks whether all users of the machine can read the source.
    pub fn is_open_to_all(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o004 != 0)
    }

    /// Checks whether users of its group can read the source.
    pub fn is_open_to_group(&self) -> bool {
        self.mode.is_some_and(|mode| mode & 0o040 != 0)
    }

    /// Returns a warning about the source for its owner.
    pub fn warning(&self) -> Option<String> {
        (self.is_open_to_all() || self.is_open_to_group())
            .then(|| format!("{} can be read by other users; `chmod 600` it", self.source))
    }
}

/// Reads a source. The keys are well-formed, but not yet checked as a set.
pub fn load(source: KeySource, environment: &Environment) -> Result<LoadedSource, Failure> {
    let (text, mode) = match &source {
        KeySource::File { path, .. } => read_file(path).map_err(|e| e.at(&source))?,
        KeySource::Variable { name, .. } => {
            (Zeroizing::new(environment.required(name)?.to_owned()), None)
        }
        KeySource::Stdin => (read_text(io::stdin().lock()).map_err(|e| e.at(&source))?, None),
        KeySource::Table { .. } => {
            return Err(usage("is in the store, which is not open")
                .at(&source)
                .hint("name the store"));
        }
    };
    of_text(source, &text, mode, environment)
}

/// Reads what a table of the store holds.
pub fn of_table(source: KeySource, text: &str) -> Result<LoadedSource, Failure> {
    of_text(source, text, None, &Environment::default())
}

fn of_text(
    source: KeySource,
    text: &str,
    mode: Option<u32>,
    environment: &Environment,
) -> Result<LoadedSource, Failure> {
    let mut parsed = parse_keys(text).map_err(|e| e.at(&source))?;
    name_key(&mut parsed.keys, &source, environment).map_err(|e| e.at(&source))?;
    debug!("{} of {source}: {} key(s)", parsed.form.name(), parsed.keys.len());
    Ok(LoadedSource { source, form: parsed.form, keys: parsed.keys, around: parsed.around, mode })
}

/// Sets the kid of a source's only key from the settings, or from a variable of the app.
fn name_key(
    keys: &mut [ClientKey],
    source: &KeySource,
    environment: &Environment,
) -> Result<(), Failure> {
    let Some(kid) = source.kid() else {
        if let (KeySource::Variable { name, .. }, [key]) = (source, keys)
            && key.kid().is_none()
            && let Some((variable, text)) = app::kid_variables(name)
                .find_map(|known| Some((known.clone(), environment.text(&known)?)))
        {
            key.set_kid(text.parse().map_err(|e: Failure| e.at(variable))?);
        }
        return Ok(());
    };
    match keys {
        [key] if key.kid().is_none() => {
            key.set_kid(kid.clone());
            Ok(())
        }
        [key] if key.kid() == Some(kid) => Ok(()),
        [key] => {
            let own = key.kid().map(Kid::as_str).unwrap_or_default();
            Err(usage(format!("the key has the kid {own}, and is named {kid} beside its source"))
                .hint("take the kid beside the source out: a key keeps the kid that it has"))
        }
        _ => Err(usage(format!("holds {} keys, and one kid stands beside it", keys.len()))
            .hint("take the kid beside the source out; each key of a set has its own")),
    }
}

/// Refuses to change keys that the app keeps in a table of its own.
pub fn refuse_table(source: &KeySource) -> Failure {
    usage("is the app's own table of keys, which oauthctl does not change")
        .at(source)
        .hint("change the keys in the app")
}

/// Joins the keys of the sources, in order, into a checked set.
pub fn key_set(sources: &[LoadedSource]) -> Result<KeySet, Failure> {
    let place = sources.iter().map(|s| s.source.to_string()).collect::<Vec<_>>().join(", ");
    KeySet::new(sources.iter().flat_map(|s| s.keys.iter().cloned()).collect())
        .map_err(|e| e.at(place))
}

/// Private keys in a file of any kind: a key source, a dotenv file, or a set with some private
/// keys.
#[derive(Debug, Default)]
pub struct KeysInFile {
    /// True if there are any.
    pub is_some: bool,
    /// First kid.
    pub kid: Option<Kid>,
}

impl KeysInFile {
    /// Searches the file. An unreadable file counts as empty.
    pub fn find(path: &Path) -> Self {
        let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        let text =
            is_file.then(|| File::open(path).ok().and_then(|file| read_text(file).ok())).flatten();
        let Some(text) = text else { return Self::default() };
        let values = dotenv::parse(&text).into_iter().map(|(_, value)| Zeroizing::new(value));
        let keys: Vec<_> =
            std::iter::once(text.clone()).chain(values).flat_map(|text| keys_of(&text)).collect();
        let is_some =
            !keys.is_empty() || text.contains("PRIVATE KEY-----") || is_private_set(&text);
        Self { is_some, kid: keys.iter().find_map(ClientKey::kid).cloned() }
    }
}

/// Returns the keys in a text that consists of nothing else.
pub fn keys_of(text: &str) -> Vec<ClientKey> {
    parse_keys(text).map(|parsed| parsed.keys).unwrap_or_default()
}

/// Checks whether a JWK or a set has a private member, even if it is invalid.
fn is_private_set(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let set = document.get("keys").unwrap_or(&document);
    let keys = set.as_array().map_or(std::slice::from_ref(set), Vec::as_slice);
    keys.iter().any(|key| key.get("kty").is_some() && key.get("d").is_some())
}

/// Returns the text, and the permission bits unless the file is a pipe.
fn read_file(path: &Path) -> Result<(Zeroizing<String>, Option<u32>), Failure> {
    let file = File::open(path).map_err(|e| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        usage("cannot read the key file")
            .because(e)
            .hint(format!("check that it is {}, and that this user can read it", path.display()))
    })?;
    let metadata = file.metadata().map_err(|e| usage("cannot read the key file").because(e))?;
    if metadata.is_dir() {
        return Err(usage("is a directory, not a key file").hint("use the key file in it"));
    }
    Ok((read_text(file)?, metadata.is_file().then(|| metadata.mode() & 0o7777)))
}

fn read_text(source: impl io::Read) -> Result<Zeroizing<String>, Failure> {
    let bytes = input::read_bytes(source, MAX_SOURCE_BYTES).map_err(|unread| match unread {
        Unread::Refused(e) => usage("cannot read the key file").because(e),
        Unread::Unusable(_) => {
            usage("is larger than 1 MiB and not a key file").hint("use the key file")
        }
    })?;
    // DER begins with a sequence.
    if bytes.starts_with(b"\x30") && std::str::from_utf8(&bytes).is_err() {
        return Err(usage("is DER, but must be text")
            .hint("`openssl pkey -inform DER -in FILE` prints it as PEM"));
    }
    input::decode(&bytes).map(|text| Zeroizing::new(text.to_owned()))
}
