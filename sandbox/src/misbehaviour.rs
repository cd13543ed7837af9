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
    /// The right answer, late: the work begins late too.
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
    /// The work is done at once, but the right answer comes late: time to die between the two.
    Late {
        /// How late.
        milliseconds: u64,
    },
    /// The work is done, and then the connection ends without an answer.
    LostAnswer,
    /// 429 whose `Retry-After` is a date.
    RateLimitedUntil {
        /// From now.
        seconds: u32,
    },
    /// 401 in plain text.
    PlainUnauthorised,
    /// 401 without a body.
    EmptyUnauthorised,
    /// 403 because the workspace lets in certain addresses only.
    IpAllowList,
    /// 403 because the workspace wants two-step verification.
    TwoStepRequired,
    /// 410 with the announcement of a removed API.
    Removed,
    /// 410 because the workspace is gone.
    WorkspaceDeleted,
    /// A page of HTML with this status.
    HtmlPage(u16),
    /// 200 and so many bytes.
    HugeBody {
        /// How many.
        bytes: usize,
    },
    /// 302 to this address.
    RedirectTo(String),
    /// The right page, but its `next` is this address.
    NextElsewhere(String),
    /// The right page, but its `next` is itself.
    NextIsItself,
    /// The right page without its `next`.
    NoNext,
    /// The right page, with everything on it twice.
    Repeated,
    /// The right page, the other way round.
    Reordered,
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
