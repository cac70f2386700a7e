//! Living sessions that are exchanged before suspects are asked about, so that a wrong
//! configuration shows on those first.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::assess::Assessor;
use crate::session::{Age, Status, Summary};
use crate::store::Stored;

/// For every group of sessions that stand or fall together: one that is likely to be alive.
/// Exchanged first, it proves the configuration right, so that the refusal of a suspect says
/// something about the suspect.
#[derive(Default)]
pub struct Witnesses(HashMap<(Option<String>, Option<String>), Witness>);

#[derive(Default)]
struct Witness {
    healthiest: Option<(SignedDuration, Stored)>,
    has_suspects: bool,
}

impl Witnesses {
    /// Considers a session. One that was renewed a short while ago is left alone, as it would be by
    /// a refresh.
    pub fn consider(
        &mut self,
        stored: &Stored,
        summary: &Summary<'_>,
        assessor: &Assessor,
        min_interval: Age,
        app_has_lock: bool,
    ) {
        let (Status::Fresh | Status::Idle | Status::Due, Some(at)) =
            (summary.status, summary.last_refreshed_at)
        else {
            return;
        };
        if assessor.too_recent(summary, min_interval, app_has_lock).is_some() {
            return;
        }
        let age = assessor.age(at).duration();
        let witness = self.group(summary);
        if witness.healthiest.as_ref().is_none_or(|(best, _)| age < *best) {
            witness.healthiest = Some((age, stored.clone()));
        }
    }

    /// Takes in that the server will be asked about this session.
    pub fn suspect(&mut self, summary: &Summary<'_>) {
        self.group(summary).has_suspects = true;
    }

    fn group(&mut self, summary: &Summary<'_>) -> &mut Witness {
        let text = |text: Option<&str>| text.map(str::to_owned);
        self.0.entry((text(summary.issuer.as_deref()), text(summary.kid.as_deref()))).or_default()
    }

    /// Returns the witnesses that are needed.
    pub fn needed(self) -> Vec<Stored> {
        let needed = self.0.into_values().filter(|witness| witness.has_suspects);
        needed.filter_map(|witness| witness.healthiest.map(|(_, stored)| stored)).collect()
    }
}
