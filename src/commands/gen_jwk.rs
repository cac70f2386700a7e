//! `oauthctl gen-jwk`: generates a private key, or converts one from another form.

use std::path::Path;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{OutputArgs, add_variable, assignment, for_client, tidy};
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::files::{directory_of, is_open_to_others};
use crate::jose::{ClientKey, KeyForm, Kid};
use crate::keyring::KeySource;
use crate::ui::Format;

/// Generate or convert an ES256 private key
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl gen-jwk                                    one line of JSON, for a secret manager
  oauthctl gen-jwk -o client-key.json                 a file with mode 0600
  oauthctl gen-jwk --env NUXT_OAUTH_JWK_ONE -o .env   an additional line in a dotenv file
  oauthctl gen-jwk --from env:BLUESKY_KEY_1 --kid key1  an existing key as a JWK")]
pub struct Args {
    /// Key ID: `thumbprint` (RFC 7638), `timestamp` (epoch milliseconds) or any text
    /// [default: thumbprint]
    #[arg(long, value_name = "KID", allow_hyphen_values = true)]
    kid: Option<String>,
    /// Encoding of the key
    #[arg(long, value_enum, default_value_t = Encoding::Jwk)]
    encoding: Encoding,
    /// Print a NAME='…' line for a shell or dotenv file; with --output, add the line to the file
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Convert this key instead of generating one (a source as in --keys)
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Encoding {
    /// A JWK on one line
    Jwk,
    /// A JWK set on one line
    Jwks,
    /// PKCS#8 in PEM, without the kid
    Pem,
    /// Base64 of the PEM on one line, without the kid
    PemBase64,
    /// A multibase P-256 key, without the kid
    Multibase,
}

impl From<Encoding> for KeyForm {
    fn from(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Jwk => Self::Jwk,
            Encoding::Jwks => Self::Jwks,
            Encoding::Pem => Self::Pem,
            Encoding::PemBase64 => Self::PemBase64,
            Encoding::Multibase => Self::Multibase,
        }
    }
}

/// Generated keys, for programs.
#[derive(Serialize, JsonSchema)]
pub(super) struct Receipt<'r> {
    keys: Vec<KeyReceipt>,
    /// File that was written; none for stdout.
    file: Option<String>,
    /// Variable that holds the keys.
    variable: Option<&'r str>,
    /// The keys themselves, where no file was asked for.
    value: Option<&'r str>,
}

/// Generated key.
#[derive(Serialize, JsonSchema)]
struct KeyReceipt {
    kid: Option<String>,
    thumbprint: String,
}

impl<'r> Receipt<'r> {
    fn of(args: &'r Args, keys: &[ClientKey], value: Option<&'r str>) -> Self {
        let key = |key: &ClientKey| KeyReceipt {
            kid: key.kid().map(|kid| kid.as_str().to_owned()),
            thumbprint: key.thumbprint(),
        };
        Self {
            keys: keys.iter().map(key).collect(),
            file: args.output.file().map(|path| path.display().to_string()),
            variable: args.env.as_deref(),
            value,
        }
    }
}

/// Generates or converts a key, and prints it.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    let keys = match &args.from {
        Some(source) => convert(context, source, args.kid.as_deref(), args.encoding)?,
        None => vec![generate(context, args.kid.as_deref())?],
    };
    let encoded = KeyForm::from(args.encoding).encode(&keys)?;
    if let (Some(name), Some(path)) = (&args.env, args.output.file()) {
        let exit = add_to_file(context, args, path, name, &encoded)?;
        context.ui.receipt(&Receipt::of(args, &keys, None))?;
        return Ok(exit);
    }
    let mut text = zeroize::Zeroizing::new(match &args.env {
        Some(name) => assignment(name, &encoded)?,
        None => encoded.to_string(),
    });
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let is_file = args.output.file().is_some();
    if is_file || context.ui.format == Format::Table {
        args.output.write_key(context, text.as_bytes())?;
    }
    context.ui.receipt(&Receipt::of(args, &keys, (!is_file).then(|| text.trim_end())))?;
    if args.output.file().is_none() && context.ui.stdout_is_terminal() {
        context.ui.note("This is a private key: anybody who has it can act as your app. Keep it out of version control.");
    }
    Ok(Exit::Done)
}

/// Adds the variable to a dotenv file.
fn add_to_file(
    context: &Context,
    args: &Args,
    path: &Path,
    name: &str,
    value: &str,
) -> anyhow::Result<Exit> {
    if args.output.replaces() {
        return Err(usage(format!(
            "--force would replace {}, but --env adds a line to it",
            path.display()
        ))
        .hint("remove --force")
        .into());
    }
    tidy(context, directory_of(path));
    add_variable(path, name, value)?;
    context.ui.note(format!("added {name} to {}{}", path.display(), for_client(context)));
    if is_open_to_others(path) {
        context.ui.warn(format!("{0} can be read by other users; `chmod 600 {0}`", path.display()));
    }
    Ok(Exit::Done)
}

/// Returns a new key that is ready to sign.
pub(super) fn generate(context: &Context, kid: Option<&str>) -> Result<ClientKey, Failure> {
    let mut key = ClientKey::generate(&mut context.rng());
    let kid = chosen_kid(context, kid.unwrap_or("thumbprint"), &key)?;
    key.set_kid(kid);
    key.declare_purpose();
    key.set_created(context.now());
    Ok(key)
}

fn chosen_kid(context: &Context, choice: &str, key: &ClientKey) -> Result<Kid, Failure> {
    match choice {
        "thumbprint" => key.thumbprint().parse(),
        "timestamp" => context.now().as_millisecond().to_string().parse(),
        text => text.parse().map_err(|e: Failure| e.at("--kid")),
    }
}

/// Returns the keys of a source, in the form that client libraries sign with, each under its
/// existing kid. A changed kid would orphan all sessions bound to it.
fn convert(
    context: &Context,
    source: &str,
    kid: Option<&str>,
    encoding: Encoding,
) -> Result<Vec<ClientKey>, Failure> {
    let loaded = context.load_key_source(KeySource::parse(source, Path::new(""))?)?;
    let place = loaded.source;
    let mut keys = loaded.keys;
    match (kid, keys.as_mut_slice()) {
        (_, []) => return Err(usage("contains no key").at(place)),
        (Some(choice), [key]) if key.kid().is_none() => {
            let kid = chosen_kid(context, choice, key)?;
            key.set_kid(kid);
        }
        (Some(choice), _) => {
            let found =
                keys.iter().position(|key| key.kid().is_some_and(|kid| kid.as_str() == choice));
            let Some(index) = found else {
                return Err(usage(format!("contains no key with the kid {choice}")).at(place).hint(
                    "a key keeps its kid, because sessions are bound to it. Remove --kid, or use an existing kid",
                ));
            };
            keys = vec![keys.swap_remove(index)];
        }
        (None, _) => {}
    }
    let needs_kid = KeyForm::from(encoding).has_kid();
    if needs_kid && keys.iter().any(|key| key.kid().is_none()) {
        return Err(usage(
            "the key has no kid, but sessions are bound to the kid that the app uses for it",
        )
        .at(place)
        .hint(
            "set it with --kid NAME; you find the name in the app's code or in its published JWKS",
        ));
    }
    if keys.len() > 1 && encoding != Encoding::Jwks {
        return Err(usage(format!("holds {} keys", keys.len()))
            .at(place)
            .hint("choose one with --kid, or use --encoding jwks"));
    }
    for key in &mut keys {
        key.declare_purpose();
    }
    Ok(keys)
}
