//! Checks of single documents, published or not: `metadata --check` and `jwks --check`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::findings;
use crate::checks::{Finding, jwks, metadata};
use crate::context::Context;
use crate::error::{Exit, Failure, usage};
use crate::input;
use crate::oauth::{LookupError, Published};

/// Larger than any server reads.
const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Place of a document that is checked.
#[derive(Clone, Debug)]
pub enum Location {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// Address at which it is published.
    Url(String),
}

impl From<&str> for Location {
    fn from(text: &str) -> Self {
        match text {
            "-" => Self::Stdin,
            url if url.starts_with("https://") || url.starts_with("http://") => {
                Self::Url(url.to_owned())
            }
            path => Self::File(path.into()),
        }
    }
}

/// Document and how it was read.
enum Found {
    Local(Value),
    Published(Box<Result<Published, LookupError>>),
}

impl Location {
    fn name(&self) -> String {
        match self {
            Self::Stdin => "standard input".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Url(url) => url.clone(),
        }
    }

    fn read(&self, context: &Context) -> anyhow::Result<Found> {
        Ok(match self {
            Self::Stdin => {
                Found::Local(read(&mut io::stdin().lock()).map_err(|e| e.at("standard input"))?)
            }
            Self::File(path) => Found::Local(read_file(path).map_err(|e| e.at(path.display()))?),
            Self::Url(url) => {
                let network = context.network()?;
                Found::Published(Box::new(context.runtime()?.block_on(network.look(url))))
            }
        })
    }
}

/// Checks client metadata by the rules of servers. `served_at` is the address at which it is, or is
/// going to be, published; without one it is that of the settings.
pub fn metadata(context: &Context, at: &Location, served_at: Option<&str>) -> anyhow::Result<Exit> {
    let development = is_for_development(context);
    let found = at.read(context)?;
    let (mut findings, document) = match (&found, at) {
        (Found::Published(answer), Location::Url(url)) => {
            metadata::check_published(answer, served_at.unwrap_or(url), development)
        }
        (Found::Published(answer), _) => metadata::check_published(answer, "", development),
        (Found::Local(document), _) => {
            (metadata::check_document(document, served_at, development), Some(document))
        }
    };
    if served_at.is_none()
        && let (Ok(client_id), Some(document)) = (context.client_id(), document)
    {
        findings.extend(metadata::compare_client_id(document, &client_id));
    }
    finish(context, at, findings)
}

/// Checks a key set by the rules of servers.
pub fn jwks(context: &Context, at: &Location) -> anyhow::Result<Exit> {
    let findings = match at.read(context)? {
        Found::Published(answer) => jwks::check_published(&answer),
        Found::Local(document) => jwks::check_document(&document),
    };
    finish(context, at, findings)
}

/// Prints the findings. A document that is wrong is a result, and makes the command fail.
fn finish(context: &Context, at: &Location, findings: Vec<Finding>) -> anyhow::Result<Exit> {
    let verdict = findings::verdict(&findings);
    let (_, exit) = findings::print(context, findings)?;
    context.ui.note(format!("{}: {verdict}", at.name()));
    Ok(exit)
}

/// Checks whether the settings allow addresses that no public server would ask.
fn is_for_development(context: &Context) -> bool {
    let network = context.settings().and_then(crate::settings::Settings::network);
    network.is_ok_and(|network| network.allow_http || network.allow_private_hosts)
}

/// Reads a document from a file.
pub fn read_file(file: &Path) -> Result<Value, Failure> {
    let unreadable = |e| usage("cannot read the document").because(e).hint("check the path");
    read(&mut std::fs::File::open(file).map_err(unreadable)?)
}

fn read(input: &mut dyn Read) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    input
        .take(MAX_DOCUMENT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| usage("cannot read the document").because(e).hint("check the path"))?;
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(usage("is larger than 1 MiB and not such a document"));
    }
    let text = input::decode(&bytes)?;
    serde_json::from_str(text).map_err(|e| {
        usage("is not JSON")
            .because(e)
            .hint("servers answer with an HTML page if the path is wrong")
    })
}
