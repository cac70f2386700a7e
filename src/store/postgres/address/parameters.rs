//! Parameters of an address: those of libpq, and those that hosts and ORMs add.

use super::{Endpoint, PORT, PostgresAddress, SslMode};
use crate::error::{Failure, nearest, usage};
use crate::secret::Secret;

/// Supported parameters of libpq, with the variables of libpq that replace them.
pub(super) const FOLLOWED: [(&str, &str); 22] = [
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
    ("passfile", "PGPASSFILE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("keepalives", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("keepalives_count", ""),
    // Of ORMs.
    ("schema", ""),
    ("search_path", ""),
    ("connection_limit", ""),
];

/// Ignored parameters of libpq, poolers and ORMs, without relevance to oauthctl.
const PASSED_OVER: [&str; 23] = [
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "hostaddr",
    "load_balance_hosts",
    "sslcompression",
    "sslnegotiation",
    "sslsni",
    "sslcertmode",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "tcp_user_timeout",
    "pgbouncer",
    "pool_timeout",
    "pool_mode",
    "pool_size",
    "max_idle_connection_lifetime",
    "supa",
    "workaround",
    "statement_cache_size",
    "prepared_statements",
    "prepare",
    "socket_timeout",
];

/// Refused parameters of libpq, which would change the server or the role.
const REFUSED: [(&str, &str); 8] = [
    ("service", "write the settings of the service file into the address"),
    ("krbsrvname", "Kerberos is not supported: use a password or a certificate"),
    ("gsslib", "Kerberos is not supported: use a password or a certificate"),
    ("gssdelegation", "Kerberos is not supported: use a password or a certificate"),
    (
        "requirepeer",
        "remove it; the permissions of the socket's directory determine who can listen there",
    ),
    ("replication", "remove it: oauthctl reads tables"),
    ("sslcrl", "remove it: revocation of certificates is not checked"),
    ("sslpassword", "use an sslkey without a passphrase"),
];

impl PostgresAddress {
    pub(super) fn take_parameter(
        &mut self,
        name: &str,
        value: Secret<'static>,
    ) -> Result<(), Failure> {
        if let Some((known, _)) = FOLLOWED.iter().find(|(known, _)| *known == name) {
            self.add(known, value);
            return Ok(());
        }
        if let Some((_, hint)) = REFUSED.iter().find(|(known, _)| *known == name) {
            return Err(usage(format!("has the unsupported parameter {name:?}")).hint(*hint));
        }
        let mode = match (name, value.expose_secret()) {
            ("ssl", "true" | "1" | "require" | "no-verify")
            | ("sslaccept", "accept_invalid_certs") => Some("require"),
            ("ssl", "false" | "0" | "disable") => Some("disable"),
            ("sslaccept", "strict") => Some("verify-full"),
            ("ssl" | "sslaccept", _) => {
                return Err(usage(format!("has an unknown value of {name}"))
                    .hint("write sslmode=verify-full"));
            }
            _ => None,
        };
        if let Some(mode) = mode {
            // The stricter of two takes precedence.
            if name == "sslaccept" || !self.parameters.contains_key("sslmode") {
                self.add("sslmode", mode.to_owned());
            }
        } else if !PASSED_OVER.contains(&name) {
            let known = FOLLOWED
                .iter()
                .map(|(known, _)| *known)
                .chain(PASSED_OVER)
                .chain(["ssl", "sslaccept"]);
            let looks_like_a_name = name.len() <= 24
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            if !looks_like_a_name {
                return Err(usage("has an unknown parameter"));
            }
            let problem = usage(format!("has an unknown parameter {name:?}"));
            return Err(match nearest(name, known) {
                Some(known) => problem.hint(format!("did you mean {known}?")),
                None => problem.hint("remove it, since unknown parameters are not ignored"),
            });
        }
        self.passed_over.extend(mode.is_none().then(|| name.to_owned()));
        Ok(())
    }

    /// Evaluates the parameters.
    pub(super) fn settle(&mut self) -> Result<(), Failure> {
        let parse_mode = |text: &str| {
            Ok(match text {
                "disable" => SslMode::Disable,
                "allow" | "prefer" => SslMode::Prefer,
                "require" | "no-verify" => SslMode::Require,
                "verify-ca" => SslMode::VerifyCa,
                "verify-full" => SslMode::VerifyFull,
                _ => {
                    return Err(usage("has an unknown sslmode")
                        .hint("sslmode is disable, prefer, require, verify-ca or verify-full"));
                }
            })
        };
        self.ssl_mode = self.parameter("sslmode").map(parse_mode).transpose()?;
        // As in libpq: with the system's roots the host name is verified, too, and a root
        // certificate implies verification.
        self.ssl_mode = match (self.ssl_mode, self.parameter("sslrootcert")) {
            (None | Some(SslMode::Prefer | SslMode::Require), Some("system")) => {
                Some(SslMode::VerifyFull)
            }
            (Some(SslMode::Require), Some(_)) => Some(SslMode::VerifyCa),
            (mode, _) => mode,
        };
        for (name, known) in [
            ("channel_binding", &["disable", "prefer", "require"][..]),
            (
                "target_session_attrs",
                &["any", "read-write", "primary", "prefer-standby", "standby", "read-only"],
            ),
        ] {
            if self.parameter(name).is_some_and(|text| !known.contains(&text)) {
                return Err(usage(format!("has an unknown value of {name}"))
                    .hint(format!("it is one of {}", known.join(", "))));
            }
        }
        for name in [
            "connect_timeout",
            "keepalives",
            "keepalives_idle",
            "keepalives_interval",
            "keepalives_count",
        ] {
            if self.parameter(name).is_some_and(|text| text.parse::<u32>().is_err()) {
                return Err(usage(format!("has a {name} that is not a number")));
            }
        }
        let ports: Vec<_> =
            self.parameter("port").unwrap_or_default().split(',').map(str::to_owned).collect();
        let hosts: Vec<_> = match self.parameter("host") {
            Some(hosts) => hosts.split(',').map(str::to_owned).collect(),
            None => vec!["/var/run/postgresql".to_owned()],
        };
        let port_of = |n: usize| {
            let text =
                if ports.len() == 1 { &ports[0] } else { ports.get(n).map_or("", |port| port) };
            // Not quoted: an invalid port may be a part of a password.
            if text.is_empty() {
                Ok(PORT)
            } else {
                text.parse().map_err(|_| usage("has a port that is not a number"))
            }
        };
        let endpoint = |(n, host): (usize, &String)| {
            let port = port_of(n)?;
            let is_host = |c: char| c.is_alphanumeric() || ".-_:".contains(c);
            match host.strip_prefix('/') {
                Some(_) => Ok(Endpoint::Socket(host.into(), port)),
                None if host.is_empty() => Err(usage("has no host")),
                None if host.chars().all(is_host) => Ok(Endpoint::Tcp(host.clone(), port)),
                None => Err(usage("has an invalid host")),
            }
        };
        self.hosts = hosts.iter().enumerate().map(endpoint).collect::<Result<_, _>>()?;
        Ok(())
    }
}
