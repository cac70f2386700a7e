//! Results with one cause, printed in one line: a wrong key must not print a line for each of its
//! sessions.

use std::collections::HashMap;

use crate::session::Summary;
use crate::text::counted_number;
use crate::ui::Cells;

/// Sessions of one cause that are listed each.
const LISTED: usize = 3;
/// Causes that are told apart. Reasons of a server's own wording may differ for every session.
const MOST: usize = 100;

/// Results that are worth a word, by cause.
#[derive(Default)]
pub struct Causes {
    groups: Vec<Group>,
    by_cause: HashMap<String, usize>,
    /// Sessions with causes beyond [`MOST`].
    others: u64,
}

/// Sessions with the same result for the same cause.
struct Group {
    /// Reason of the first of them, without its age.
    example: String,
    rows: Vec<Cells>,
    sessions: u64,
    lost_kid: Option<String>,
}

impl Causes {
    /// Takes in a result. `cells` are those of its row, the account first. Returns them where they
    /// are to be listed each.
    pub fn add(
        &mut self,
        session: &Summary<'_>,
        result: &str,
        reason: &str,
        cells: impl FnOnce() -> Cells,
    ) -> Option<&Cells> {
        let cause = general(reason, session);
        let kid = session.kid.as_deref().unwrap_or_default();
        let name = format!("{result}\n{kid}\n{cause}");
        let next = self.groups.len();
        if next == MOST && !self.by_cause.contains_key(&name) {
            self.others += 1;
            return None;
        }
        let index = *self.by_cause.entry(name).or_insert(next);
        if index == next {
            let lost_kid = session.lacks_key.then(|| kid.to_owned());
            let example = without_age(reason).to_owned();
            self.groups.push(Group { example, rows: Vec::new(), sessions: 0, lost_kid });
        }
        let group = &mut self.groups[index];
        group.sessions += 1;
        if group.rows.len() == LISTED {
            return None;
        }
        group.rows.push(cells());
        group.rows.last()
    }

    /// Returns the lines to print, by cause: each session of a few, of many one and their number.
    pub fn lines(&self) -> Vec<Cells> {
        let mut lines = Vec::new();
        for group in &self.groups {
            match group.rows.first() {
                Some(first) if group.sessions > LISTED as u64 => {
                    let mut cells = first.clone();
                    if let Some((account, _)) = cells.first_mut() {
                        let more = counted_number(group.sessions - 1);
                        account.push_str(&format!(" and {more} more"));
                    }
                    lines.push(cells);
                }
                _ => lines.extend(group.rows.iter().cloned()),
            }
        }
        lines
    }

    /// Returns the lines that are left to print where [`Self::add`] has told which to list.
    pub fn lines_left(&self) -> Vec<Cells> {
        let many = self.groups.iter().filter(|group| group.sessions > LISTED as u64);
        let line = |group: &Group| {
            let mut cells = group.rows.first()?.clone();
            let more = counted_number(group.sessions - LISTED as u64);
            cells.first_mut()?.0 = format!("and {more} more");
            Some(cells)
        };
        many.filter_map(line).collect()
    }

    /// Returns the number of sessions that [`Self::lines`] has no line for.
    pub fn left_out(&self) -> u64 {
        self.others
    }

    /// Returns the kids that are not in the key set, each with the number of its sessions.
    pub fn lost_kids(&self) -> impl Iterator<Item = (&str, u64)> {
        self.groups.iter().filter_map(|group| Some((group.lost_kid.as_deref()?, group.sessions)))
    }

    /// Returns the causes in words, the most frequent first, with their numbers if there are
    /// several: `4 refreshed less than 10m ago; 1 dead`.
    pub fn in_words(&self) -> String {
        let mut by_cause: Vec<(&str, u64)> = Vec::new();
        for group in &self.groups {
            let cause = group.example.as_str();
            match by_cause.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, sessions)) => *sessions += group.sessions,
                None => by_cause.push((cause, group.sessions)),
            }
        }
        by_cause.sort_by_key(|(_, sessions)| std::cmp::Reverse(*sessions));
        let others = (self.others > 0).then_some(("for other reasons", self.others));
        let all: Vec<_> = by_cause.into_iter().chain(others).collect();
        match all[..] {
            [(cause, _)] => cause.to_owned(),
            _ => all
                .iter()
                .map(|(cause, sessions)| format!("{} {cause}", counted_number(*sessions)))
                .collect::<Vec<_>>()
                .join("; "),
        }
    }
}

/// Returns the reason without ` (3m ago)` at its end.
fn without_age(reason: &str) -> &str {
    match reason.rsplit_once(" (") {
        Some((rest, age)) if age.ends_with(" ago)") => rest,
        _ => reason,
    }
}

/// Returns the reason without ` (no requests to … for 5 s)` at its end.
fn without_wait(reason: &str) -> &str {
    match reason.rsplit_once(" (") {
        Some((rest, wait)) if wait.starts_with("no requests to ") => rest,
        _ => reason,
    }
}

/// Returns the reason without what is the session's own: account, key, lengths of time and times.
fn general(reason: &str, session: &Summary<'_>) -> String {
    let mut reason = without_wait(reason).to_owned();
    for own in [session.did.as_deref(), Some(&*session.key)].into_iter().flatten() {
        if !own.is_empty() {
            reason = reason.replace(own, "…");
        }
    }
    let words: Vec<&str> = reason.split(' ').collect();
    let mut cause: Vec<&str> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let inner = word.trim_start_matches('(');
        let is_length = is_time(inner)
            || is_number(inner)
                && words.get(at + 1).is_some_and(|next| matches!(*next, "s" | "s:" | "s)"));
        let open = inner.len() < word.len();
        match (is_length, cause.last()) {
            (true, Some(&("…" | "(…"))) => {}
            (true, _) => cause.push(if open { "(…" } else { "…" }),
            (false, _) => cause.push(word),
        }
    }
    cause.join(" ")
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Returns whether a word is a length of time (`5m`) or a time (`2026-11-30T12:00:00Z`).
fn is_time(word: &str) -> bool {
    let word = word.trim_end_matches([')', ',', ';', ':']);
    let is_length = word
        .strip_suffix("ms")
        .or_else(|| word.strip_suffix(['s', 'm', 'h', 'd']))
        .is_some_and(is_number);
    is_length || word.len() >= 20 && word.ends_with('Z') && word.contains('T')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Role;

    fn session(did: &str, kid: &str) -> Summary<'static> {
        let lacks_key = kid == "lost";
        let (did, kid) = (did.to_owned(), kid.to_owned());
        Summary {
            key: format!("key-{did}").into(),
            did: Some(did.into()),
            kid: Some(kid.into()),
            lacks_key,
            ..Summary::default()
        }
    }

    fn of(results: &[(&str, &str, &str)]) -> Causes {
        let mut causes = Causes::default();
        for (did, kid, reason) in results {
            let cells = || vec![((*did).to_owned(), None), ("no".to_owned(), Some(Role::Warning))];
            let _ = causes.add(&session(did, kid), "no", reason, cells);
        }
        causes
    }

    fn accounts(causes: &Causes) -> Vec<String> {
        causes.lines().into_iter().map(|cells| cells[0].0.clone()).collect()
    }

    #[test]
    fn a_cause_of_many_is_one_line_and_of_few_one_each() {
        let many: Vec<_> =
            (0..1500).map(|n| (format!("did:{n}"), format!("cannot fetch did:{n}"))).collect();
        let mut results: Vec<_> = many.iter().map(|(did, why)| (&**did, "k", &**why)).collect();
        results.extend([("did:x", "lost", "no key"), ("did:y", "lost", "no key")]);
        let causes = of(&results);
        assert_eq!(accounts(&causes), ["did:0 and 1,499 more", "did:x", "did:y"]);
        assert_eq!(causes.lines_left()[0][0].0, "and 1,497 more");
        assert_eq!(causes.lost_kids().collect::<Vec<_>>(), [("lost", 2)]);
    }

    #[test]
    fn what_differs_from_session_to_session_is_no_cause_of_its_own() {
        for (reason, cause) in [
            ("refreshed less than 10m ago (3m 4s ago)", "refreshed less than … ago (… ago)"),
            ("no answer from a (no requests to a for 5 s)", "no answer from a"),
            ("the server answered with status 503", "the server answered with status 503"),
            ("cannot fetch DID document of did:x: gone", "cannot fetch DID document of …: gone"),
            (
                "its client key 1795420766438 is not there",
                "its client key 1795420766438 is not there",
            ),
            ("first seen 2026-11-30T12:00:00Z", "first seen …"),
        ] {
            assert_eq!(general(reason, &session("did:x", "k")), cause);
        }
    }

    #[test]
    fn causes_in_words_name_their_numbers_where_there_are_several() {
        let one = [("a", "k", "too young (3m ago)"), ("b", "l", "too young (1h 2m ago)")];
        assert_eq!(of(&one).in_words(), "too young");
        let two = [("a", "k", "dead"), one[0], one[1]];
        assert_eq!(of(&two).in_words(), "2 too young; 1 dead");
    }

    #[test]
    fn reasons_of_a_wording_of_their_own_do_not_fill_the_memory() {
        let many: Vec<_> = (0..150).map(|n| format!("reason {n}")).collect();
        let results: Vec<_> = many.iter().map(|why| ("did:x", "k", &**why)).collect();
        let causes = of(&results);
        assert_eq!((causes.lines().len(), causes.left_out()), (MOST, 50));
    }
}
