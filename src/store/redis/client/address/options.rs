//! Options of addresses, under the names of other programs, too.

/// Options that say whether connections are encrypted, without case and separators.
pub const TLS_OPTIONS: [&str; 3] = ["tls", "ssl", "usetls"];

/// Options of other programs, without case and separators, and what takes their place.
const MEANT: [(&str, &str); 24] = [
    ("database", "write db"),
    ("dbindex", "write db"),
    ("sentineluser", "write sentinel_user"),
    ("sentinelusername", "write sentinel_user"),
    ("sentinelpassword", "write sentinel_password"),
    ("sentinelpass", "write sentinel_password"),
    ("user", "write it in front of the @: USER:PASSWORD@HOST"),
    ("username", "write it in front of the @: USER:PASSWORD@HOST"),
    ("pass", "write it in front of the @: USER:PASSWORD@HOST"),
    ("password", "write it in front of the @: USER:PASSWORD@HOST"),
    ("auth", "write it in front of the @: USER:PASSWORD@HOST"),
    ("master", "write it as the path: HOSTS/MASTER"),
    ("mastername", "write it as the path: HOSTS/MASTER"),
    ("mastergroup", "write it as the path: HOSTS/MASTER"),
    ("sentinelmasterid", "write it as the path: HOSTS/MASTER"),
    ("servicename", "write it as the path: HOSTS/MASTER"),
    (
        "sslcertreqs",
        "leave it out: certificates are always checked; ca_file under [network] adds a private authority",
    ),
    (
        "rejectunauthorized",
        "leave it out: certificates are always checked; ca_file under [network] adds a private authority",
    ),
    (
        "insecure",
        "leave it out: certificates are always checked; ca_file under [network] adds a private authority",
    ),
    ("sslcacerts", "leave it out, and name the file as ca_file under [network] in oauthctl.toml"),
    ("sslcertfile", "leave it out, and name the file as cert_file under [store] in oauthctl.toml"),
    ("sslkeyfile", "leave it out, and name the file as key_file under [store] in oauthctl.toml"),
    ("keyprefix", "leave it out; --layout says how keys begin"),
    ("timeout", "leave it out; oauthctl has its own limits"),
];

/// Returns the name of an option as it is compared: people write `sentinelPassword`,
/// `sentinel-password` and `SENTINEL_PASSWORD`.
pub fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What an option of another program is here.
pub fn meant_by(name: &str) -> Option<&'static str> {
    let plain = plain(name);
    let known = MEANT.iter().find(|(known, _)| *known == plain);
    known
        .or_else(|| MEANT.iter().find(|(known, _)| known.len() > 5 && plain.ends_with(known)))
        .map(|(_, advice)| *advice)
}
