//! Options of addresses, also under the names that other programs use.

/// Options that enable encryption, in the form of [`plain`].
pub const TLS_OPTIONS: [&str; 3] = ["tls", "ssl", "usetls"];

/// Options of other programs, in the form of [`plain`], with their replacement.
const MEANT: [(&str, &str); 24] = [
    ("database", "write db"),
    ("dbindex", "write db"),
    ("sentineluser", "write sentinel_user"),
    ("sentinelusername", "write sentinel_user"),
    ("sentinelpassword", "write sentinel_password"),
    ("sentinelpass", "write sentinel_password"),
    ("user", "write it before the @: USER:PASSWORD@HOST"),
    ("username", "write it before the @: USER:PASSWORD@HOST"),
    ("pass", "write it before the @: USER:PASSWORD@HOST"),
    ("password", "write it before the @: USER:PASSWORD@HOST"),
    ("auth", "write it before the @: USER:PASSWORD@HOST"),
    ("master", "write it as the path: HOSTS/MASTER"),
    ("mastername", "write it as the path: HOSTS/MASTER"),
    ("mastergroup", "write it as the path: HOSTS/MASTER"),
    ("sentinelmasterid", "write it as the path: HOSTS/MASTER"),
    ("servicename", "write it as the path: HOSTS/MASTER"),
    (
        "sslcertreqs",
        "remove it: certificates are always checked; ca_file under [network] adds a private authority",
    ),
    (
        "rejectunauthorized",
        "remove it: certificates are always checked; ca_file under [network] adds a private authority",
    ),
    (
        "insecure",
        "remove it: certificates are always checked; ca_file under [network] adds a private authority",
    ),
    ("sslcacerts", "remove it, and set ca_file under [network] in oauthctl.toml"),
    ("sslcertfile", "remove it, and set cert_file under [store] in oauthctl.toml"),
    ("sslkeyfile", "remove it, and set key_file under [store] in oauthctl.toml"),
    ("keyprefix", "remove it; --layout determines the prefix of keys"),
    ("timeout", "remove it; oauthctl has its own limits"),
];

/// Normalises the name of an option for comparison: `sentinelPassword`, `sentinel-password` and
/// `SENTINEL_PASSWORD` are in use.
pub fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns the replacement of another program's option.
pub fn meant_by(name: &str) -> Option<&'static str> {
    let plain = plain(name);
    let known = MEANT.iter().find(|(known, _)| *known == plain);
    known
        .or_else(|| MEANT.iter().find(|(known, _)| known.len() > 5 && plain.ends_with(known)))
        .map(|(_, advice)| *advice)
}
