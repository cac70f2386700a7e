//! Deployment of an app: settings, a key, published documents, and a store with one session.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use serde_json::{Value, json};
use testbed::{LoginOptions, Network, keys};

use crate::database::AppDatabase;
use crate::sandbox::{Output, Sandbox};

/// Confidential app with one key and one user, its documents published, its sessions in SQLite.
pub(crate) struct Deployment {
    pub(crate) sandbox: Sandbox,
    pub(crate) net: Network,
    pub(crate) database: AppDatabase,
    settings: String,
}

impl Deployment {
    pub(crate) fn new() -> Self {
        let net = Network::start_blocking().unwrap();
        let mut sandbox = Sandbox::new();
        // The servers use the machine's own time.
        sandbox.set("OAUTHCTL_TEST_NOW", now().to_string());
        sandbox.file("keys.json", net.signing_key().unwrap().to_string());
        let database = AppDatabase::create(&sandbox.path("app.db"));
        fs::set_permissions(sandbox.path("app.db"), fs::Permissions::from_mode(0o600)).unwrap();
        database.session(&net.login(LoginOptions::default()));
        let (id, app) = (net.client_id(), net.app_url());
        let settings = format!(
            "keys = [\"keys.json\"]\n\
             [client]\nclient_id = \"{id}\"\nclient_uri = \"{app}\"\nclient_name = \"Testbed\"\n\
             redirect_uris = [\"/api/auth/atproto\"]\nscope = \"atproto transition:generic\"\n\
             [network]\nplc_directory = \"{}\"\nallow_http = true\nallow_private_hosts = true\n\
             [store]\nurl = \"sqlite:app.db\"\n",
            net.plc_url()
        );
        let deployment = Self { sandbox, net, database, settings };
        deployment.configure("", "");
        deployment
    }

    /// Writes the settings with a part replaced.
    pub(crate) fn configure(&self, part: &str, by: &str) {
        assert!(self.settings.contains(part), "{}", self.settings);
        self.sandbox.file("oauthctl.toml", self.settings.replace(part, by));
    }

    /// Moves the app's sessions to another store.
    pub(crate) fn store_at(&self, url: &str) {
        self.configure("sqlite:app.db", url);
    }

    pub(crate) fn metadata_with(&self, member: &str, value: Value) {
        let mut metadata = self.net.metadata();
        metadata[member] = value;
        self.net.publish_metadata(&metadata);
    }

    pub(crate) fn public_key(&self) -> Value {
        keys::public(&self.net.signing_key().unwrap())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (Output, Vec<Value>) {
        let output = self.sandbox.run([&["doctor", "--format", "json"], arguments].concat());
        let findings =
            serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}\n{output}"));
        (output, findings)
    }

    /// Returns doctor's first finding, which must be a problem with a reason and a fix.
    #[track_caller]
    pub(crate) fn first_problem_with(&self, arguments: &[&str]) -> String {
        let (output, findings) = self.run(arguments);
        let first = &findings[0];
        assert_eq!((output.code, &first["severity"]), (1, &json!("problem")), "{output}");
        assert!(first["why"].is_string() && first["fix"].is_string(), "{first}");
        format!("{}: {}", first["topic"].as_str().unwrap(), first["what"].as_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn first_problem(&self) -> String {
        self.first_problem_with(&[])
    }

    /// Returns the warnings about a deployment without a problem, except for that about development
    /// settings.
    #[track_caller]
    pub(crate) fn warnings(&self) -> Vec<String> {
        let (output, findings) = self.run(&[]);
        assert_eq!(output.code, 0, "{output}");
        let warnings = findings.iter().filter(|finding| finding["severity"] != "ok");
        let said = warnings.map(|finding| finding["what"].as_str().unwrap().to_owned());
        said.filter(|what| {
            what != "set for development: network.allow_http, network.allow_private_hosts"
        })
        .collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the fake servers go by the machine's clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
