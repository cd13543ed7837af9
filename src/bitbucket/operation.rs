//! What is known of each kind of call: its name in metrics, the limits of its answer, the budget it draws on. For the typed calls.

use reqwest::Method;

use super::Call;

/// A kind of call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    /// In metrics.
    pub(super) name: &'static str,
    /// The largest answer that is read, unpacked.
    pub(super) largest_bytes: usize,
    /// How long the answer may take, whole.
    pub(super) seconds: u64,
}

const MEBIBYTE: usize = 1024 * 1024;

impl Operation {
    /// An ordinary call: 10 seconds, 4 MiB.
    pub(super) const fn named(name: &'static str) -> Self {
        Self { name, largest_bytes: 4 * MEBIBYTE, seconds: 10 }
    }

    /// One whose answer may be large, and which Bitbucket computes for a while.
    pub(super) const fn large(name: &'static str) -> Self {
        Self { name, largest_bytes: 16 * MEBIBYTE, seconds: 30 }
    }

    /// A call that somebody chose.
    pub(super) fn of_any_call(call: &Call) -> Self {
        if call.method == Method::GET { Self::large("call_read") } else { Self::large("call_write") }
    }
}
