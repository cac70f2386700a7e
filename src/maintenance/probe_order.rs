//! Orders a run: healthy sessions first, so that a misconfiguration is detected before doubtful
//! sessions are refreshed.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::assess::Assessor;
use crate::session::{Age, Issuer, Status, Summary};
use crate::store::Stored;

/// Probably living sessions, one per group. Refreshed first, it verifies the configuration, so that
/// the refusal of a suspect concerns the suspect alone.
#[derive(Default)]
pub struct ProbeOrder(HashMap<(Option<Issuer<'static>>, Option<String>), Probe>);

#[derive(Default)]
struct Probe {
    healthiest: Option<(SignedDuration, Stored)>,
    has_suspects: bool,
}

impl ProbeOrder {
    /// Considers a session. Skips a recently renewed one, as a refresh would.
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
        let probe = self.group(summary);
        if probe.healthiest.as_ref().is_none_or(|(best, _)| age < *best) {
            probe.healthiest = Some((age, stored.clone()));
        }
    }

    /// Records that the server will be asked about this session.
    pub fn suspect(&mut self, summary: &Summary<'_>) {
        self.group(summary).has_suspects = true;
    }

    fn group(&mut self, summary: &Summary<'_>) -> &mut Probe {
        let issuer = summary.issuer.as_ref().map(Issuer::to_owned);
        self.0.entry((issuer, summary.kid.as_deref().map(str::to_owned))).or_default()
    }

    /// Returns the sessions to refresh first.
    pub fn needed(self) -> Vec<Stored> {
        let needed = self.0.into_values().filter(|probe| probe.has_suspects);
        needed.filter_map(|probe| probe.healthiest.map(|(_, stored)| stored)).collect()
    }
}
