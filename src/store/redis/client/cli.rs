//! Command lines of `redis-cli` for an operator to copy, without secrets.

use super::address::{Endpoint, Location, RedisAddress};
use super::rest::RestAddress;

/// Start of a command line for one Redis.
#[derive(Clone)]
pub struct Cli(String);

impl Cli {
    /// Builds the command for this address. redis-cli asks for the password.
    pub fn of(address: &RedisAddress) -> Self {
        let mut login = String::new();
        if address.tls {
            login.push_str(" --tls");
        }
        if let Some(user) = &address.login.user {
            login.push_str(&format!(" --user {}", quoted(user)));
        }
        if address.login.password.is_some() {
            login.push_str(" --askpass");
        }
        if address.database != 0 {
            login.push_str(&format!(" -n {}", address.database));
        }
        match &address.place {
            Location::Server(endpoint) => Self(format!("redis-cli{}{login}", at(endpoint))),
            Location::Cluster(seeds) => {
                Self(format!("redis-cli -c{}{login}", seeds.first().map(at).unwrap_or_default()))
            }
            Location::Sentinel { sentinels, master, login: of_sentinels } => {
                let mut asked = sentinels.first().map(at).unwrap_or_default();
                if of_sentinels.password.is_some() {
                    asked.push_str(" --askpass");
                }
                let ask =
                    format!("redis-cli{asked} SENTINEL GET-MASTER-ADDR-BY-NAME {}", quoted(master));
                Self(format!("set -- $({ask}); redis-cli -h \"$1\" -p \"$2\"{login}"))
            }
        }
    }

    /// Builds the command for the Redis behind a REST interface. Such services speak the Redis
    /// protocol on the same host, too.
    pub fn of_rest(address: &RestAddress) -> Self {
        Self(format!("redis-cli --tls --askpass -h {}", quoted(address.host())))
    }

    /// Returns the command line that deletes a key.
    pub fn del(&self, key: &str) -> String {
        format!("{} DEL {}", self.0, quoted(key))
    }
}

fn at(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Tcp(host, port) => format!(" -h {} -p {port}", quoted(host)),
        Endpoint::Socket(path) => format!(" -s {}", quoted(&path.to_string_lossy())),
    }
}

/// Quotes a shell word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_reaches_the_store_without_its_password() {
        for (address, line) in [
            ("redis://h:1", "redis-cli -h h -p 1 DEL 'a b'"),
            ("redis://:secret@h:1/3", "redis-cli -h h -p 1 --askpass -n 3 DEL 'a b'"),
            ("rediss://me:secret@h:1", "redis-cli -h h -p 1 --tls --user me --askpass DEL 'a b'"),
            ("unix:///run/redis.sock", "redis-cli -s /run/redis.sock DEL 'a b'"),
            ("redis+cluster://h:1,i:2/", "redis-cli -c -h h -p 1 DEL 'a b'"),
            (
                "redis+sentinel://h:1,i:2/m/0",
                "set -- $(redis-cli -h h -p 1 SENTINEL GET-MASTER-ADDR-BY-NAME m); redis-cli -h \"$1\" -p \"$2\" DEL 'a b'",
            ),
        ] {
            let address = RedisAddress::parse(address).unwrap().unwrap();
            assert_eq!(Cli::of(&address).del("a b"), line);
        }
        let rest = RestAddress::parse("https://x.example").unwrap().unwrap();
        assert_eq!(
            Cli::of_rest(&rest).del("it's"),
            r"redis-cli --tls --askpass -h x.example DEL 'it'\''s'"
        );
    }
}
