use super::*;

fn parsed(text: &str) -> Result<PostgresAddress, String> {
    PostgresAddress::parse(text, Path::new("/base")).unwrap().map_err(|e| e.in_one_line())
}

#[test]
fn every_form_is_read_and_shown_without_its_password() {
    for (text, shown) in [
        ("postgres://localhost", "postgres://localhost:5432/"),
        ("postgresql://u:pa%2Fsecret@h:1/app", "postgres://u@h:1/app"),
        ("POSTGRES://u:secret@[::1]:7/app?schema=oauth", "postgres://u@[::1]:7/app?schema=oauth"),
        ("postgres://u:secret@a,b:2/app", "postgres://u@a:5432,b:2/app"),
        ("postgres://u@%2Fvar%2Frun/app", "postgres://u@%2Fvar%2Frun:5432/app"),
        ("postgres:///app?host=/tmp&port=6&user=u&password=secret", "postgres://u@%2Ftmp:6/app"),
        ("postgres:", "postgres://%2Fvar%2Frun%2Fpostgresql:5432/"),
        (
            "postgres://u:secret@h/a%20b?sslmode=require&pgbouncer=true&connection_limit=1",
            "postgres://u@h:5432/a%20b",
        ),
    ] {
        let address = parsed(text).unwrap();
        assert_eq!(address.to_string(), shown);
        assert!(!format!("{address:?}").contains("secret"), "{text}");
        assert_eq!(parsed(shown).unwrap().to_string(), shown);
    }
    assert_eq!(parsed("postgres://u:p@ss@h").unwrap().parameter("password"), Some("p@ss"));
}

#[test]
fn encryption_is_demanded_in_the_words_of_libpq_and_of_orms() {
    for (query, mode) in [
        ("", None),
        ("sslmode=disable", Some(SslMode::Disable)),
        ("sslmode=allow", Some(SslMode::Prefer)),
        ("sslmode=require", Some(SslMode::Require)),
        ("sslmode=no-verify", Some(SslMode::Require)),
        ("sslmode=require&sslrootcert=ca.pem", Some(SslMode::VerifyCa)),
        ("sslrootcert=system", Some(SslMode::VerifyFull)),
        ("sslmode=verify-full", Some(SslMode::VerifyFull)),
        ("ssl=true", Some(SslMode::Require)),
        ("ssl=false", Some(SslMode::Disable)),
        ("sslmode=require&sslaccept=strict", Some(SslMode::VerifyFull)),
    ] {
        assert_eq!(parsed(&format!("postgres://h/d?{query}")).unwrap().ssl_mode(), mode, "{query}");
    }
    let address = parsed("postgres://h/d?sslrootcert=ca.pem&supa=base-pooler.x").unwrap();
    assert_eq!(address.path("sslrootcert"), Some("/base/ca.pem".into()));
    assert_eq!(address.passed_over(), ["supa"]);
}

#[test]
fn what_cannot_be_read_is_refused_without_being_quoted() {
    for (bad, why) in [
        ("postgres:secret", "has no // after its scheme"),
        ("postgres://u:sec/ret@host/d", "has an @ after its host"),
        ("postgres://u:secret@h:port/d", "has a port that is not a number"),
        ("postgres://u:secret@h/d/e", "has too many parts in its path"),
        ("postgres://u:secret@h/d?sslmode=yes", "sslmode is disable, prefer"),
        ("postgres://u:secret@h/d?service=main", "write the settings of the service file"),
        ("postgres://u:secret@h/d?krbsrvname=x", "Kerberos is not supported"),
        ("postgres://u:secret@h/d?sslmod=require", "did you mean sslmode?"),
        ("postgres://u:secret@h/d?conection_limit=1", "did you mean connection_limit?"),
        ("postgres://u:secret@h/d?frobnicate=1", "remove it"),
        ("postgres://u:secret@h/d?connect_timeout=soon", "connect_timeout that is not a number"),
        ("postgres://u:secret@a,/d", "has no host"),
    ] {
        let error = parsed(bad).unwrap_err();
        assert!(error.contains(why), "{bad}: {error}");
        assert!(!error.contains("secret") && !error.contains("sec/"), "{bad}: {error}");
    }
    assert!(PostgresAddress::parse("mysql://h", Path::new("")).is_none());
}

#[test]
fn variables_of_libpq_fill_what_the_address_leaves_open() {
    let variables = |name: &str| match name {
        "PGHOST" => Some("db.internal".to_owned()),
        "PGPORT" => Some("6000".to_owned()),
        "PGUSER" => Some("app".to_owned()),
        "PGDATABASE" => Some("oauth".to_owned()),
        "PGSSLMODE" => Some("disable".to_owned()),
        _ => None,
    };
    for (text, filled) in [
        ("postgres:", "postgres://app@db.internal:6000/oauth"),
        ("postgres://me@h/d", "postgres://me@h:5432/d"),
        ("postgres:///d", "postgres://app@db.internal:6000/d"),
    ] {
        let mut address = parsed(text).unwrap();
        address.fill(variables).unwrap();
        assert_eq!(address.to_string(), filled);
        assert_eq!(address.ssl_mode(), Some(SslMode::Disable));
    }
    let service = |name: &str| (name == "PGSERVICE").then(|| "main".to_owned());
    assert!(parsed("postgres:").unwrap().fill(service).is_err());
}

#[test]
fn one_database_has_one_simplest_address() {
    for address in [
        "postgres://127.0.0.1/d",
        "postgresql://u:p@LOCALHOST:5432/d?sslmode=require",
        "postgres://d@[::1]",
    ] {
        assert_eq!(
            parsed(address).unwrap().simplest().to_string(),
            "postgres://localhost:5432/d",
            "{address}"
        );
    }
}
