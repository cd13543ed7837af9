//! The ways in which the API can be told to fail, and the choice of the one that strikes a call.

use crate::{bitbucket::Bitbucket, percent::percent_decode};

/// A fault of the API for paths with a prefix, for so many calls or until it is cleared.
#[derive(Clone, Debug)]
pub struct Misbehaviour {
    /// Which paths, for instance `/2.0/workspaces/` or `/forge/`; UUIDs stand with their braces.
    pub path_prefix: String,
    /// What goes wrong.
    pub fault: Fault,
    /// How many calls are still struck; `None` is all of them.
    pub remaining_calls: Option<u32>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The right answer, late.
    Slow {
        /// How late.
        milliseconds: u64,
    },
    /// 429 in plain text, as Bitbucket's sometimes is.
    RateLimited {
        /// The header; Bitbucket does not always send it.
        retry_after_seconds: Option<u32>,
    },
    /// This status with Bitbucket's error body, for instance 410 or 503.
    Status(u16),
    /// The connection ends without a whole answer.
    DroppedConnection,
    /// 200 with a body that is not the JSON it claims to be.
    MalformedBody,
}

impl Misbehaviour {
    /// A fault for every call to paths with this prefix.
    #[must_use]
    pub fn on(path_prefix: &str, fault: Fault) -> Self {
        Self { path_prefix: path_prefix.to_owned(), fault, remaining_calls: None }
    }

    /// The same for so many calls only.
    #[must_use]
    pub fn times(self, calls: u32) -> Self {
        Self { remaining_calls: Some(calls), ..self }
    }
}

impl Bitbucket {
    /// From now on, misbehave so. Of several that fit a call, the one told first strikes.
    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        self.state().misbehaviours.push(misbehaviour);
    }

    /// Behave again.
    pub fn behave(&self) {
        self.state().misbehaviours.clear();
    }

    /// The fault for a call to this path (as it came), which counts as struck.
    pub(crate) fn strike(&self, path: &str) -> Option<Fault> {
        let path = percent_decode(path);
        let mut state = self.state();
        let strikes = |misbehaviour: &&mut Misbehaviour| {
            path.starts_with(&misbehaviour.path_prefix) && misbehaviour.remaining_calls != Some(0)
        };
        let misbehaviour = state.misbehaviours.iter_mut().find(strikes)?;
        misbehaviour.remaining_calls = misbehaviour.remaining_calls.map(|calls| calls - 1);
        Some(misbehaviour.fault.clone())
    }
}
