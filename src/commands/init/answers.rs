//! Answers for `init`: from options, else from the user, else from what was found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Args;
use super::draft::{Draft, document_of};
use super::found::AppEnvironment;
use super::look::SERVED;
use crate::context::Context;
use crate::error::{Failure, usage};
use crate::json;
use crate::keyring::KeySource;
use crate::oauth::client_metadata::{self, Severity, Site};
use crate::settings::app::FoundKeys;
use crate::store::LayoutChoice;

/// Usual callback path of apps made without Nuxt, and of apps made with it.
const CALLBACK: &str = "/oauth/callback";
const NUXT_CALLBACK: &str = "/api/auth/atproto";
/// Default file of the first key.
const KEY_FILE: &str = "client-key.json";
/// Conventional name of the document, in the app's public directory.
const METADATA_FILE: &str = "oauth-client-metadata.json";
const JWKS_FILE: &str = ".well-known/jwks.json";

/// Source of answers.
pub struct Interview<'a> {
    /// Context.
    pub context: &'a Context,
    /// True if the user can be asked.
    pub asks: bool,
    /// Data found about the app.
    pub app: &'a AppEnvironment,
}

/// Question.
pub struct Question<'q> {
    /// The question.
    pub text: &'q str,
    /// The option that answers it.
    pub flag: &'static str,
    /// Answer on the command line.
    pub given: Option<&'q str>,
    /// Default answer, for Enter and `--yes`.
    pub offered: Option<String>,
    /// True if the answer may be empty.
    pub optional: bool,
}

impl Interview<'_> {
    /// Asks for everything except the layout, which may be detected in the store.
    pub fn draft(&self, args: &Args) -> Result<Draft, Failure> {
        let layout =
            self.context.overrides().layout.clone().or_else(|| self.variable("OAUTHCTL_LAYOUT"));
        if let Some(layout) = &layout {
            check_layout(layout).map_err(|e| e.at("--layout"))?;
        }
        let known = |member: &str| {
            self.app.document.as_ref().and_then(|(_, document)| text_of(document, member))
        };
        let client_uri = self.client_uri(args, known("client_uri"))?;
        let site = Site::parse(&client_uri)?;
        let client_name = self.answer(
            Question {
                text: "Name of the app, as users see it",
                flag: "--client-name",
                given: args.client_name.as_deref(),
                offered: known("client_name").or_else(|| self.app.name.clone()),
                optional: true,
            },
            |_| Ok(()),
        )?;
        let redirect_uris = self.redirect_uris(args, &site)?;
        let scope = self.answer(
            Question {
                text: "OAuth scope (for read and write access: atproto transition:generic)",
                flag: "--scope",
                given: args.scope.as_deref(),
                offered: Some(
                    known("scope").unwrap_or_else(|| client_metadata::DEFAULT_SCOPE.to_owned()),
                ),
                optional: false,
            },
            |text| check_member("scope", &site, |draft| text.clone_into(&mut draft.scope)),
        )?;
        let (store, store_variables) = self.store(args.offline)?;
        let keys = if args.public { Vec::new() } else { self.keys(args.new_key)? };
        let metadata_file = self.metadata_file(args)?;
        let jwks_file =
            if args.public { None } else { Some(self.jwks_file(args, &metadata_file)?) };
        let client_id = match args.client_id.clone().or_else(|| known("client_id")) {
            Some(id) => id,
            None => served_at(&metadata_file)
                .map_or_else(|| site.client_id(), |path| site.resolve(&path)),
        };
        let jwks_uri = jwks_file.as_ref().map(|file| {
            let found = known("jwks_uri");
            let served =
                || served_at(file).map_or_else(|| site.jwks_uri(), |path| site.resolve(&path));
            found.unwrap_or_else(served)
        });
        let draft = Draft {
            client_id,
            client_uri,
            client_name: Some(client_name).filter(|name| !name.is_empty()),
            redirect_uris,
            scope,
            jwks_uri,
            keys,
            store,
            store_variables,
            layout,
            metadata_file,
            jwks_file,
        };
        first_problem(&document_of(&draft), "").map_or(Ok(draft), Err)
    }

    /// Asks for the layout of a store in which none was detected.
    pub fn layout(&self) -> Result<String, Failure> {
        self.answer(
            Question {
                text: "Layout of the store (auto: detect it in each run)",
                flag: "--layout",
                given: None,
                offered: Some("auto".to_owned()),
                optional: false,
            },
            check_layout,
        )
    }

    /// Returns the answer: given on the command line, by a person, or the one that is offered.
    pub fn answer(
        &self,
        question: Question,
        check: impl Fn(&str) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        let Question { text, flag, given, offered, optional } = question;
        if let Some(given) = given {
            check(given).map_err(|e| e.at(flag))?;
            return Ok(given.to_owned());
        }
        if self.asks {
            let check = |answer: &str| match answer {
                "" if optional => Ok(()),
                "" => Err("an answer is required; Ctrl-C cancels".to_owned()),
                answer => check(answer).map_err(|e| e.in_one_line()),
            };
            return self.context.ui.ask_line(text, offered.as_deref(), optional, check);
        }
        match offered {
            Some(offered) => check(&offered).map_err(|e| e.at(flag)).map(|()| offered),
            None if optional => Ok(String::new()),
            None => Err(usage(format!("{flag} is required")).hint("see `oauthctl init --help`")),
        }
    }

    /// Returns a variable that is exported.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.context.environment().text(name).map(str::to_owned)
    }

    fn client_uri(&self, args: &Args, known: Option<String>) -> Result<String, Failure> {
        let check = |text: &str| {
            let site = Site::parse(text)?;
            check_member("client_uri", &site, |draft| text.clone_into(&mut draft.client_uri))?;
            check_member("client_id", &site, |_| {})
        };
        let found = self.app.site(|address| check(address).is_ok());
        if known.is_none()
            && args.client_uri.is_none()
            && let Some((address, name)) = &found
        {
            self.context.ui.note(format!("found {address} in {name}"));
        }
        let offered = known.or(found.map(|(address, _)| address));
        if args.client_uri.is_none() && offered.is_none() && !self.asks {
            return Err(usage(
                "--client-uri is required (the app's home page, e.g. https://app.example.com)",
            )
            .hint("use --client-uri https://app.example.com"));
        }
        let question = Question {
            text: "Home page of the app, like https://app.example.com",
            flag: "--client-uri",
            given: args.client_uri.as_deref(),
            offered,
            optional: false,
        };
        self.answer(question, check)
    }

    fn redirect_uris(&self, args: &Args, site: &Site) -> Result<Vec<String>, Failure> {
        let known = self.app.document.as_ref().and_then(|(_, document)| {
            let uris = json::member(document, "redirect_uris")
                .as_array()?
                .iter()
                .map(|uri| uri.as_str().map(str::to_owned));
            uris.collect::<Option<Vec<_>>>().map(|uris| uris.join(", "))
        });
        let callback = if self.app.is_nuxt { NUXT_CALLBACK } else { CALLBACK };
        let given = (!args.redirect_uri.is_empty()).then(|| args.redirect_uri.join(", "));
        let resolved = |text: &str| listed(text).map(|uri| site.resolve(uri)).collect::<Vec<_>>();
        let question = Question {
            text: "Callback path or URL (comma-separated)",
            flag: "--redirect-uri",
            given: given.as_deref(),
            offered: Some(known.unwrap_or_else(|| callback.to_owned())),
            optional: false,
        };
        let check = |text: &str| {
            check_member("redirect_uris", site, |draft| draft.redirect_uris = resolved(text))
        };
        self.answer(question, check).map(|text| resolved(&text))
    }

    /// Returns the key sources, or the place of the first key.
    fn keys(&self, new_key: bool) -> Result<Vec<String>, Failure> {
        let given = self.context.overrides().keys.clone();
        let said =
            if given.is_empty() { self.variable("OAUTHCTL_KEYS") } else { Some(given.join(", ")) };
        let FoundKeys { names, empty, ignored, .. } = self.found_keys(said.is_some(), new_key)?;
        let found = names;
        let offered = match found.as_slice() {
            [] => self.app.key_path().unwrap_or_else(|| KEY_FILE.to_owned()),
            names => names.iter().map(|name| format!("env:{name}")).collect::<Vec<_>>().join(", "),
        };
        if said.is_none() {
            for (name, why) in ignored {
                self.context.ui.note(format!("ignored {name}: it {why}"));
            }
            if !found.is_empty() {
                self.context.ui.note(format!("found the app's client key: {}", found.join(", ")));
            }
        }
        let empty = empty.as_deref().unwrap_or("NUXT_OAUTH_JWK_ONE");
        let text = if found.is_empty() && !Path::new(KEY_FILE).exists() {
            format!("Place for the new private key: a file, or env:{empty} for a line in .env")
        } else {
            "Sources of the private keys (files or env:NAME, comma-separated)".to_owned()
        };
        let question = Question {
            text: &text,
            flag: "--keys",
            given: said.as_deref(),
            offered: Some(offered),
            optional: false,
        };
        let check = |text: &str| {
            let sources = listed(text)
                .map(|source| KeySource::parse(source, Path::new("")))
                .collect::<Result<Vec<_>, _>>()?;
            if sources.contains(&KeySource::Stdin) {
                return Err(usage("standard input cannot be used in settings")
                    .hint("use a file or env:NAME"));
            }
            Ok(())
        };
        self.answer(question, check).map(|text| listed(&text).map(str::to_owned).collect())
    }

    /// Returns the app's own keys. Fails on an unreadable one, because a new key in its place would
    /// orphan the sessions bound to it.
    fn found_keys(&self, are_named: bool, new_key: bool) -> Result<FoundKeys, Failure> {
        const INSIST: &str =
            "fix it, or use --keys for the app's key; --new-key creates a new one anyway";
        let mut found = self.app.keys();
        if are_named {
            return Ok(found);
        }
        if new_key {
            found.names.clear();
            return Ok(found);
        }
        if let Some((name, failure)) = found.unreadable {
            let hint = failure
                .advice()
                .map_or_else(|| INSIST.to_owned(), |advice| format!("{advice}; or {INSIST}"));
            return Err(failure.at(name).hint(hint));
        }
        if let (true, Some((file, line))) = (found.names.is_empty(), self.app.unread_key_line()) {
            return Err(usage(format!(
                "line {line} starts with the name of a key but is not an assignment"
            ))
            .at(file)
            .hint(format!("write NAME='VALUE' there; or {INSIST}")));
        }
        Ok(found)
    }

    fn metadata_file(&self, args: &Args) -> Result<PathBuf, Failure> {
        let found = self.app.document.as_ref().map(|(path, _)| path.clone());
        let offered =
            found.unwrap_or_else(|| Path::new(self.app.served.unwrap_or("")).join(METADATA_FILE));
        self.file(
            "File for the client metadata document",
            "--metadata-file",
            args.metadata_file.as_deref(),
            &offered,
        )
    }

    fn jwks_file(&self, args: &Args, metadata_file: &Path) -> Result<PathBuf, Failure> {
        let offered = match self.app.served {
            Some(served) => Path::new(served).join(JWKS_FILE),
            None => metadata_file.with_file_name("jwks.json"),
        };
        self.file("File for the public keys", "--jwks-file", args.jwks_file.as_deref(), &offered)
    }

    fn file(
        &self,
        text: &str,
        flag: &'static str,
        given: Option<&Path>,
        offered: &Path,
    ) -> Result<PathBuf, Failure> {
        let given = given.map(|path| path.display().to_string());
        let (name, offered) =
            (offered.file_name().unwrap_or_default(), Some(offered.display().to_string()));
        let question = Question { text, flag, given: given.as_deref(), offered, optional: false };
        let check = |text: &str| {
            if Path::new(text).is_dir() || text.ends_with('/') {
                let example = Path::new(text).join(name);
                return Err(usage("is a directory")
                    .hint(format!("use the path of a file: {}", example.display())));
            }
            Ok(())
        };
        self.answer(question, check).map(PathBuf::from)
    }
}

/// Returns the path under which the app serves a file, if known.
fn served_at(file: &Path) -> Option<String> {
    let path = SERVED.iter().find_map(|served| file.strip_prefix(served).ok())?;
    Some(format!("/{}", path.display()))
}

fn check_layout(text: &str) -> Result<(), Failure> {
    LayoutChoice::parse(text, &BTreeMap::new()).map(drop)
}

/// Returns the parts of an answer with several values.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn text_of(document: &Value, member: &str) -> Option<String> {
    json::text(document, member).map(str::to_owned)
}

/// Checks whether servers would accept a document with this answer.
fn check_member(member: &str, site: &Site, answer: impl FnOnce(&mut Draft)) -> Result<(), Failure> {
    let mut draft = Draft {
        client_id: site.client_id(),
        client_uri: site.resolve("/"),
        client_name: None,
        redirect_uris: vec![site.resolve(CALLBACK)],
        scope: client_metadata::DEFAULT_SCOPE.to_owned(),
        jwks_uri: Some(site.jwks_uri()),
        keys: Vec::new(),
        store: None,
        store_variables: Vec::new(),
        layout: None,
        metadata_file: PathBuf::new(),
        jwks_file: None,
    };
    answer(&mut draft);
    first_problem(&document_of(&draft), member).map_or(Ok(()), Err)
}

fn first_problem(document: &Value, member: &str) -> Option<Failure> {
    let findings = client_metadata::check(document, None);
    let problem = findings
        .into_iter()
        .find(|f| f.severity == Severity::Problem && f.member.starts_with(member))?;
    Some(usage(problem.rule).hint(problem.fix).at(problem.member))
}
