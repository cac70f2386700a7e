//! Property tests of key templates, layouts and addresses.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::codec::Codec;
use super::layout::{CUSTOM_MEMBERS, KeyPattern};
use super::*;
use crate::arbitrary::{damage, message_of, shows, text};

const DID: &str = "did:(plc:[a-z2-7]{24}|web:[a-z]{1,8}[.][a-z]{2,4})";
/// Literal parts of templates, including all special characters of globs.
const LITERAL: &str = "[a-z:*?\\[\\]^\\\\/_.é-]{0,8}";

/// Checks whether a Redis glob of escaped characters and `*` matches. Simplest possible definition.
fn matches(glob: &[char], key: &[char]) -> bool {
    match glob {
        [] => key.is_empty(),
        ['*', rest @ ..] => (0..=key.len()).any(|at| matches(rest, &key[at..])),
        ['\\', c, rest @ ..] | [c, rest @ ..] => key.first() == Some(c) && matches(rest, &key[1..]),
    }
}

fn glob_matches(glob: &str, key: &str) -> bool {
    let [glob, key] = [glob, key].map(|text| text.chars().collect::<Vec<_>>());
    matches(&glob, &key)
}

/// Returns an address of any form with this password in it.
fn address(password: &str) -> impl Strategy<Value = String> {
    let password = password.to_owned();
    let scheme =
        select(vec!["redis", "rediss", "valkey", "valkeys", "redis+sentinel", "rediss+cluster"]);
    let hosts =
        vec(("[a-z]{1,8}([.][a-z]{2,4})?|\\[::1\\]|127[.]0[.]0[.]1", option::of(1_u16..)), 1..3);
    (scheme, option::of("[a-z]{1,8}"), hosts, option::of(0_u32..16)).prop_map(
        move |(scheme, user, hosts, database)| {
            let one = usize::from(!scheme.contains('+'));
            let hosts =
                hosts.iter().take(if one == 1 { 1 } else { 2 }).map(|(host, port)| match port {
                    Some(port) => format!("{host}:{port}"),
                    None => host.clone(),
                });
            let hosts = hosts.collect::<Vec<_>>().join(",");
            let path = match (scheme, database) {
                ("redis+sentinel", Some(database)) => format!("/main/{database}"),
                ("redis+sentinel", None) => "/main".to_owned(),
                ("rediss+cluster", _) | (_, None) => String::new(),
                (_, Some(database)) => format!("/{database}"),
            };
            format!("{scheme}://{}:{password}@{hosts}{path}", user.unwrap_or_default())
        },
    )
}

fn without_password(text: &str) -> Result<StoreUrl, Failure> {
    StoreUrl::parse(text, Path::new("/base"))
}

proptest! {
    #[test]
    fn templates_recognise_their_keys_and_globs_match_them(
        (prefix, separator, suffix) in (LITERAL, option::of("[:/*?\\[^]{1,3}"), LITERAL),
        (did, id, other) in (DID, "[a-zA-Z0-9]{1,12}", text()),
    ) {
        let sid = separator.map(|separator| format!("{separator}{{sid}}")).unwrap_or_default();
        let template = format!("{prefix}{{did}}{sid}{suffix}");
        let pattern: KeyPattern = template.parse().unwrap();
        prop_assert_eq!(&pattern.to_string(), &template);
        let id = Some(id.as_str()).filter(|_| pattern.has_many());
        let key = pattern.key(&did, id);
        prop_assert_eq!(pattern.parse_key(&key), Some((did.as_str(), id)));
        prop_assert!(glob_matches(&pattern.glob(None), &key) && glob_matches(&pattern.glob(Some(&did)), &key));
        // A recognised key must equal the generated one, and match the globs.
        for other in [other.clone(), format!("{key}{other}"), format!("{other}{key}"), key.replacen(':', "", 1)] {
            if let Some((subject, id)) = pattern.parse_key(&other) {
                prop_assert_eq!(pattern.key(subject, id), other.clone());
                prop_assert!(Did::is_valid(subject));
                prop_assert!(glob_matches(&pattern.glob(None), &other));
                prop_assert!(glob_matches(&pattern.glob(Some(subject)), &other));
            }
        }
    }

    #[test]
    fn damaged_templates_round_trip_or_are_refused(
        template in select(vec!["a:{did}", "a:{did}:{sid}", "s/{state}.json", "lock:{name}", "{state}:{sid}-x"]), damage in damage(4),
    ) {
        let text = damage.to(template);
        if let Ok(pattern) = text.parse::<KeyPattern>() {
            prop_assert_eq!(&pattern.to_string(), &text);
            prop_assert_eq!(&text.parse::<KeyPattern>().unwrap(), &pattern);
            prop_assert_eq!(text.contains("{sid}"), pattern.has_many());
        }
    }

    #[test]
    fn a_description_is_a_layout_of_what_it_says_or_refused(
        members in btree_map(
            select(CUSTOM_MEMBERS.to_vec()).prop_map(str::to_owned),
            prop_oneof![
                Just("a:{did}".to_owned()), Just("b:{state}".to_owned()), Just("l:{name}".to_owned()),
                Just("30m".to_owned()), Just("true".to_owned()), "[a-z]{1,6}", text(),
            ],
            0..8,
        ),
    ) {
        let described = BTreeMap::from([("mine".to_owned(), members.clone())]);
        match LayoutChoice::parse("mine", &described) {
            Ok(LayoutChoice::Named(layout, _)) => {
                let is_sql = !layout.has_keys();
                prop_assert_eq!(is_sql, members.contains_key("session_table"));
                if let Some(template) = members.get("session_key") {
                    prop_assert_eq!(&layout.session_pattern().to_string(), template);
                }
                prop_assert_eq!(layout.has_lock(), members.get("lock_key").is_some_and(|text| text != "none"));
                let is_wrapped = matches!(layout.codec, Codec::Envelope { .. });
                prop_assert_eq!(is_wrapped, members.get("envelope").is_some_and(|text| text == "true"));
            }
            Ok(LayoutChoice::Auto(_)) => prop_assert!(false, "a name is not auto"),
            Err(failure) => prop_assert!(message_of(&failure).contains("layouts.mine")),
        }
    }

    #[test]
    fn an_address_reads_back_as_it_is_shown_but_for_its_password(address in address("S3cretOfTheStore")) {
        let url = without_password(&address).unwrap();
        let (shown, debug) = (url.to_string(), format!("{url:?}"));
        prop_assert!(!shows(&shown, "S3cretOfTheStore") && !shows(&debug, "S3cretOfTheStore"));
        let again = without_password(&address.replacen(":S3cretOfTheStore", ":x", 1)).unwrap();
        prop_assert_eq!(again.to_string(), shown.clone());
        let bare = without_password(&shown).unwrap().to_string();
        // Without a password, the user is not shown either.
        prop_assert_eq!(bare.split_once("://").unwrap().1, shown.split_once("://").unwrap().1.rsplit('@').next().unwrap());
    }

    #[test]
    fn a_slip_in_an_address_does_not_show_its_password(address in address("S3cretOfTheStore"), damage in damage(1)) {
        match without_password(&damage.to(&address)) {
            Ok(url) => {
                let shown = format!("{url} {url:?}");
                prop_assert!(!shows(&shown, "S3cretOfTheStore"), "{}", shown);
            }
            Err(failure) => {
                let message = message_of(&failure);
                prop_assert!(!shows(&message, "S3cretOfTheStore"), "{}", message);
            }
        }
    }

    #[test]
    fn a_password_is_what_was_escaped(password in "[ -~é]{1,20}") {
        let escaped = percent_encoding::utf8_percent_encode(&password, percent_encoding::NON_ALPHANUMERIC).to_string();
        let url = format!("redis://user:{escaped}@host:1/2");
        let StoreUrl::Redis(address) = without_password(&url).unwrap() else { panic!("{url}") };
        prop_assert_eq!(address.password(), Some(password.as_str()));
    }

    #[test]
    fn any_text_is_an_address_that_reads_back_or_refused(
        text in prop_oneof![text(), "(redis|rediss|unix|redis\\+cluster|https|http|sqlite):/{0,3}[a-z0-9:@/?#&=%.,\\[\\]-]{0,24}"],
    ) {
        if let Ok(url) = without_password(&text) {
            let shown = url.to_string();
            let read = without_password(&shown).map(|url| url.to_string()).map_err(|e| message_of(&e));
            // Without a password, the user is not shown either.
            let (scheme, rest) = shown.split_once("://").unwrap_or(("", &shown));
            let bare = rest.rsplit('@').next().filter(|_| scheme.starts_with("redis")).unwrap_or(rest);
            prop_assert_eq!(read, Ok(shown.replacen(rest, bare, 1)));
        }
    }

    #[test]
    fn a_path_of_a_database_is_relative_to_what_names_it(path in "[a-zA-Z0-9_.-]{1,12}(/[a-zA-Z0-9_.-]{1,8}){0,2}") {
        for url in [format!("sqlite:{path}"), format!("sqlite://{path}")] {
            prop_assert_eq!(without_password(&url).unwrap(), StoreUrl::Sqlite(Path::new("/base").join(&path)));
        }
        prop_assert_eq!(without_password(&format!("sqlite:/{path}")).unwrap(), StoreUrl::Sqlite(format!("/{path}").into()));
    }
}
