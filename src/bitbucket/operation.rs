//! What is known of each kind of call: its name in metrics, the bounds of its answer, whether it may be repeated. For the typed calls.

use reqwest::Method;

use super::{Barrier, Call, Failure, Feature};

const MEBIBYTE: usize = 1024 * 1024;

/// A kind of call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// In metrics.
    pub(super) name: &'static str,
    /// The largest answer that is read, unpacked.
    pub(super) largest_bytes: usize,
    /// How long the answer may take, whole.
    pub(super) seconds: u64,
    /// How many entries Bitbucket puts on one page at most, for a list.
    pub(super) page_size: u32,
    /// Whether it is made at once and once: not held back by the budget, not repeated, not shared.
    pub(super) is_at_once: bool,
    /// Whether making it twice is the same as once, although it writes.
    pub(super) is_idempotent: bool,
    /// What is off when there is no such thing.
    feature: Option<Feature>,
}

impl Operation {
    /// An ordinary call: 10 seconds, 4 MiB, pages of a hundred.
    pub(super) const fn named(name: &'static str) -> Self {
        Self {
            name,
            largest_bytes: 4 * MEBIBYTE,
            seconds: 10,
            page_size: 100,
            is_at_once: false,
            is_idempotent: false,
            feature: None,
        }
    }

    /// One whose answer may be large, and which Bitbucket computes for a while.
    pub(super) const fn large(name: &'static str) -> Self {
        Self { largest_bytes: 16 * MEBIBYTE, seconds: 30, ..Self::named(name) }
    }

    /// A call that somebody chose.
    pub(super) fn of_any_call(call: &Call) -> Self {
        if call.method == Method::GET { Self::large("call_read") } else { Self::large("call_write") }
    }

    /// The same with another size of pages.
    pub(super) const fn paged_by(self, page_size: u32) -> Self {
        Self { page_size, ..self }
    }

    /// The same, for whoever cannot wait and must not be answered with somebody else's answer.
    pub(super) const fn at_once(self) -> Self {
        Self { is_at_once: true, ..self }
    }

    /// The same for a write that may be repeated.
    pub(super) const fn idempotent(self) -> Self {
        Self { is_idempotent: true, ..self }
    }

    /// The same for what may be switched off.
    pub(super) const fn of_feature(self, feature: Feature) -> Self {
        Self { feature: Some(feature), ..self }
    }

    /// What a failure means for this kind of call.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        match (self.feature, &failure) {
            (Some(what), Failure::NotFound | Failure::Removed { .. } | Failure::Forbidden { because: Barrier::Unsaid }) => {
                Failure::NotEnabled { what }
            }
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_because_it_is_off_is_called_off() {
        let pipelines = Operation::named("pipelines").of_feature(Feature::Pipelines);
        let off = Failure::NotEnabled { what: Feature::Pipelines };
        assert_eq!(pipelines.explain(Failure::NotFound), off);
        assert_eq!(pipelines.explain(Failure::Forbidden { because: Barrier::Unsaid }), off);
        assert_eq!(pipelines.explain(Failure::Down), Failure::Down);
        assert_eq!(Operation::named("user").explain(Failure::NotFound), Failure::NotFound);
    }
}
