//! `oauthctl metadata`: prints the client metadata document, for the app to publish at its
//! `client_id`, or checks one.

use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

use super::check::{self, Location};
use super::output::OutputArgs;
use super::publish::PublishArgs;
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::oauth::client_metadata::{
    self, Authentication, ClientMetadata, DEFAULT_SCOPE, Finding, PublishedKeys, Severity, Site,
    loopback_client_id,
};
use crate::session::AuthMethod;
use crate::ui::counted;

/// Places for the members of the document.
const PLACES: &str = "with an option (see --help) or in oauthctl.toml under [client]";
/// Most common port of development servers.
const DEVELOPMENT_PORT: &str = "3000";

/// Print the client metadata document, or check one
///
/// Values without an option come from the section `client` of oauthctl.toml. The client is public with
/// --public, or as `auth_method` says there; otherwise it is confidential if a key source is configured,
/// and public if not.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  oauthctl metadata --client-uri https://app.example.com --redirect-uri /api/auth/atproto
  oauthctl metadata -o public/oauth-client-metadata.json --force     settings from oauthctl.toml
  oauthctl metadata --loopback --redirect-uri /api/auth/atproto      for development
  oauthctl metadata --check https://app.example.com/oauth-client-metadata.json")]
pub struct Args {
    /// URL of the document [default: /oauth-client-metadata.json at the client URI]
    #[arg(long, value_name = "URL")]
    client_id: Option<String>,
    /// Home page of the app
    #[arg(long, value_name = "URL")]
    client_uri: Option<String>,
    /// Name of the app, as users see it
    #[arg(long, value_name = "NAME")]
    client_name: Option<String>,
    /// Callback of the app: a URL, or a path below the client URI (repeatable)
    #[arg(long, value_name = "URL|PATH")]
    redirect_uri: Vec<String>,
    /// OAuth scope that the app may request [default: atproto, which identifies users]
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// URL of the public keys [default: /.well-known/jwks.json at the client URI]
    #[arg(long, value_name = "URL", conflicts_with_all = ["public", "loopback"])]
    jwks_uri: Option<String>,
    /// Place of the public keys: a URL of their own, or the document [default: uri]
    #[arg(long, value_enum, conflicts_with_all = ["public", "loopback"])]
    jwks: Option<KeyPlace>,
    /// Describe a public client, even if keys are configured
    #[arg(long)]
    public: bool,
    /// Describe a development client that listens on this port of 127.0.0.1 [default: 3000]
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = DEVELOPMENT_PORT,
        conflicts_with_all = ["client_id", "client_uri"])]
    loopback: Option<u16>,
    /// Check this document instead, and list all errors; `-` is stdin. --client-id is the URL at
    /// which it is published
    #[arg(long, value_name = "FILE|URL", value_hint = clap::ValueHint::FilePath, conflicts_with_all =
        ["client_uri", "client_name", "redirect_uri", "scope", "jwks_uri", "jwks", "public", "loopback", "output"])]
    check: Option<Location>,
    #[command(flatten)]
    publish: PublishArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyPlace {
    /// At `jwks_uri`
    Uri,
    /// In the document
    Inline,
}

/// Prints or checks a document.
pub fn run(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    match &args.check {
        Some(at) => check::metadata(context, at, args.client_id.as_deref()),
        None => print(context, args),
    }
}

fn print(context: &Context, args: &Args) -> anyhow::Result<Exit> {
    args.output.check_document()?;
    let metadata = describe(context, args)?;
    let is_meant =
        args.public || args.loopback.is_some() || context.settings()?.auth_method()?.is_some();
    let is_public_for_want_of_keys =
        matches!(metadata.authentication, Authentication::Public) && !is_meant;
    let document = metadata.to_document();
    let (problems, warnings): (Vec<_>, Vec<_>) = client_metadata::check(&document, None)
        .into_iter()
        .partition(|f| f.severity == Severity::Problem);
    if !problems.is_empty() {
        let mut refused = refused(&problems);
        if metadata.client_id.starts_with("http:") {
            refused = refused.hint(for_development(context, &metadata.client_id)?);
        }
        return Err(refused.into());
    }
    for warning in warnings {
        context.ui.warn(line(&warning));
    }
    if is_public_for_want_of_keys {
        if let Some(file) = args.output.file().filter(|file| describes_confidential(file)) {
            return Err(usage("describes a confidential client, but no key source is configured")
                .at(file.display())
                .hint("use --keys; as a public client (--public) the app could not refresh its sessions")
                .into());
        }
        context.ui.warn(format!(
            "no key source is configured, so this is a public client, whose sessions end after two weeks; {}use --keys for one",
            context.keys_nearby()?
        ));
    }
    if matches!(metadata.authentication, Authentication::Public) && args.loopback.is_none() {
        args.publish.check_public(context, args.output.file())?;
    }
    let text = context.ui.json_document(&document, args.output.file().is_some());
    args.output.write_document(context, &text)?;
    Ok(Exit::Done)
}

/// Checks whether the file is the document of a client with keys.
fn describes_confidential(file: &Path) -> bool {
    let document = check::read_file(file).ok();
    document.is_some_and(|document| {
        document.get("token_endpoint_auth_method") == Some(&json!("private_key_jwt"))
    })
}

/// Returns the error about a document that servers would refuse.
fn refused(problems: &[Finding]) -> Failure {
    if let [only] = problems {
        return usage(only.rule.as_str()).at(&only.member).hint(format!("{}, {PLACES}", only.fix));
    }
    let count = counted(problems.len() as u64, "rule");
    let failure =
        usage(format!("the document would violate {count}")).hint(format!("fix them {PLACES}"));
    // Causes are printed one per line, last added first.
    let all = problems.iter().rev().map(line).map(anyhow::Error::msg);
    match all.reduce(|below, above| below.context(above.to_string())) {
        Some(causes) => failure.because(causes),
        None => failure,
    }
}

fn line(finding: &Finding) -> String {
    format!("{}: {}; {}", finding.member, finding.rule, finding.fix)
}

/// Merges options and settings.
fn describe(context: &Context, args: &Args) -> anyhow::Result<ClientMetadata> {
    let settings = context.settings()?;
    let text = |given: &Option<String>, member: &str| match given {
        Some(text) => Ok(Some(text.clone())),
        None => settings.client_text(member),
    };
    let scope = text(&args.scope, "scope")?.unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
    let mut about: Vec<(&'static str, Value)> = Vec::new();
    if let Some(name) = text(&args.client_name, "client_name")? {
        about.push(("client_name", json!(name)));
    }
    let client_uri = text(&args.client_uri, "client_uri")?;
    if let Some(uri) = client_uri.as_ref().filter(|_| args.loopback.is_none()) {
        about.push(("client_uri", json!(uri)));
    }
    for member in ["logo_uri", "tos_uri", "policy_uri"] {
        if let Some(uri) = settings.client_text(member)? {
            about.push((member, json!(uri)));
        }
    }
    if let Some(contacts) = settings.client_list("contacts")? {
        about.push(("contacts", json!(contacts)));
    }
    let grant_types = settings
        .client_list("grant_types")?
        .unwrap_or_else(|| ["authorization_code", "refresh_token"].map(str::to_owned).to_vec());
    if let Some(port) = args.loopback {
        let redirect_uris = loopback_redirect_uris(context, args, &Site::loopback(port))?;
        return Ok(ClientMetadata {
            client_id: loopback_client_id(&redirect_uris, &scope),
            about,
            redirect_uris,
            scope,
            grant_types,
            application_type: "native".to_owned(),
            authentication: Authentication::Public,
        });
    }
    let client_id = text(&args.client_id, "client_id")?;
    let site = site(context, client_uri.as_deref(), client_id.as_deref())?;
    let redirect_uris = match args.redirect_uri.as_slice() {
        [] => settings.client_list("redirect_uris")?.unwrap_or_default(),
        given => given.to_vec(),
    };
    Ok(ClientMetadata {
        client_id: client_id.unwrap_or_else(|| site.client_id()),
        about,
        redirect_uris: redirect_uris.iter().map(|uri| site.resolve(uri)).collect(),
        scope,
        grant_types,
        application_type: settings
            .client_text("application_type")?
            .unwrap_or_else(|| "web".to_owned()),
        authentication: authentication(context, args, &site)?,
    })
}

/// Returns the site of the app, the base of paths and conventional URLs.
fn site(
    context: &Context,
    client_uri: Option<&str>,
    client_id: Option<&str>,
) -> Result<Site, Failure> {
    match (client_uri, client_id) {
        (Some(uri), None) if uri.starts_with("http:") => {
            Err(usage("must be https").at("client_uri").hint(for_development(context, uri)?))
        }
        (Some(uri), _) => Site::parse(uri).map_err(|e| e.at("client_uri")),
        (None, Some(id)) => Site::parse(id).map_err(|e| e.at("client_id")),
        (None, None) => Err(usage(
            "--client-uri is required (the app's home page, e.g. https://app.example.com)",
        )
        .hint("use --client-uri, or set `client_uri` under [client] in oauthctl.toml")),
    }
}

/// Returns the options for an app on this machine, which servers do not accept as a web client.
fn for_development(context: &Context, address: &str) -> Result<String, Failure> {
    let port = url::Url::parse(address).ok().and_then(|url| url.port());
    let port = port.map_or_else(|| DEVELOPMENT_PORT.to_owned(), |port| port.to_string());
    let profiles = context.settings()?.profiles();
    let deployed = match profiles.first() {
        Some(profile) if context.overrides().profile.is_none() => {
            format!("; for the profile {profile}: `oauthctl --profile {profile} metadata`")
        }
        _ => String::new(),
    };
    Ok(format!("for an app on this machine: `oauthctl metadata --loopback={port}`{deployed}"))
}

/// Returns the callbacks of a development client. Those in the settings belong to the deployed app,
/// so only their paths are used.
fn loopback_redirect_uris(
    context: &Context,
    args: &Args,
    site: &Site,
) -> Result<Vec<String>, Failure> {
    if !args.redirect_uri.is_empty() {
        return Ok(args.redirect_uri.iter().map(|uri| site.resolve(uri)).collect());
    }
    let deployed = context.settings()?.client_list("redirect_uris")?.unwrap_or_default();
    Ok(deployed.iter().map(|uri| site.rehost(uri)).collect())
}

/// Returns the authentication method: public only if nothing indicates keys, because a public
/// document published by mistake locks a confidential app out.
fn authentication(context: &Context, args: &Args, site: &Site) -> anyhow::Result<Authentication> {
    let method = context.settings()?.auth_method()?;
    if args.public || method == Some(AuthMethod::None) {
        return Ok(Authentication::Public);
    }
    let place = args.jwks.unwrap_or(KeyPlace::Uri);
    if place == KeyPlace::Inline && args.jwks_uri.is_some() {
        return Err(usage(
            "--jwks-uri and --jwks inline cannot be combined: servers reject a document with both",
        )
        .hint("remove one of them")
        .into());
    }
    let jwks_uri = match &args.jwks_uri {
        Some(uri) => Some(uri.clone()),
        None => context.settings()?.client_text("jwks_uri")?,
    };
    let Some(keys) = context.key_set()? else {
        if jwks_uri.is_some() || args.jwks.is_some() || method.is_some() {
            return Err(usage("no key source is configured, so there are no keys to publish")
                .hint(
                    "use --keys env:NAME or --keys FILE; --public describes a client without keys",
                )
                .into());
        }
        return Ok(Authentication::Public);
    };
    if keys.is_empty() {
        return Err(usage("the key source contains no key, but a confidential client needs one")
            .hint("`oauthctl gen-jwk` creates one; --public describes a client without keys")
            .into());
    }
    if place == KeyPlace::Inline {
        args.publish.check(context, &keys, args.output.file())?;
    }
    Ok(Authentication::Confidential(match place {
        KeyPlace::Inline => PublishedKeys::Inline(keys.public()),
        KeyPlace::Uri => {
            PublishedKeys::At(jwks_uri.map_or_else(|| site.jwks_uri(), |uri| site.resolve(&uri)))
        }
    }))
}
