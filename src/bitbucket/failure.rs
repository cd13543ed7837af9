//! What can go wrong with a call, as a closed set that a caller can act on. Used by whoever calls Bitbucket.

pub(super) mod body;
mod remedy;

use reqwest::StatusCode;

pub use remedy::Doing;

use self::body::ErrorBody;
use crate::error::{Error, Kind};

/// Why Bitbucket did not do what was asked. `Display` says nothing of what Bitbucket wrote, so that logs may have it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// 401: the credential is wrong or no longer good.
    #[error("Bitbucket does not accept the credential")]
    NotAuthorised,
    /// A refresh token or code that Bitbucket no longer takes: only a new consent helps.
    #[error("Bitbucket no longer takes the grant")]
    GrantEnded,
    /// 403: the credential is good and lacks scopes.
    #[error("the credential lacks scopes")]
    MissingScopes {
        /// What the call needs.
        required: Vec<String>,
        /// What the credential has.
        granted: Vec<String>,
    },
    /// 403: the credential is good and may not.
    #[error("Bitbucket does not allow this call ({because:?})")]
    Forbidden {
        /// What stands in the way, where Bitbucket says so.
        because: Barrier,
    },
    /// 404: no such thing, or not for this credential.
    #[error("Bitbucket has no such thing, or hides it from this credential")]
    NotFound,
    /// The workspace or repository has not switched this on.
    #[error("{what:?} is not switched on in Bitbucket")]
    NotEnabled {
        /// What is off.
        what: Feature,
    },
    /// 410: removed by Atlassian.
    #[error("Atlassian has removed this")]
    Removed {
        /// The address of the announcement.
        announcement: Option<String>,
    },
    /// 410: the whole workspace is gone.
    #[error("the Bitbucket workspace has been deleted")]
    WorkspaceDeleted,
    /// 429, or our own count of the budget says that it would be one.
    #[error("Bitbucket asks to wait")]
    RateLimited {
        /// For how long, when it is known.
        after_seconds: Option<u32>,
    },
    /// Any other 4xx, a redirect that is not followed, or 555: asking again would be answered the same.
    #[error("Bitbucket refused the call ({status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What Bitbucket says, one line, bounded; for the person who asked, never for logs.
        message: Option<String>,
        /// What Bitbucket says of single fields, the same way.
        fields: Vec<(String, String)>,
    },
    /// The answer is larger than we read.
    #[error("Bitbucket's answer is too large")]
    TooLarge,
    /// No answer, or 5xx.
    #[error("Bitbucket does not answer")]
    Down,
    /// An answer that is not what the documentation says.
    #[error("Bitbucket's answer cannot be read")]
    Malformed,
}

/// What stands in the way of a credential that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// Bitbucket does not say.
    Unsaid,
    /// The workspace takes calls from listed addresses only.
    IpAllowList,
    /// The workspace wants two-step verification of whoever calls.
    TwoStepVerification,
    /// The plan of the workspace does not include it.
    Plan,
}

/// What a workspace or repository may have switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Bitbucket Pipelines, by repository.
    Pipelines,
    /// Code search, by workspace; deprecated by Atlassian since 1 November 2026.
    CodeSearch,
}

impl Failure {
    /// Stable, for metrics and for people's rows.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAuthorised => "bitbucket_not_authorised",
            Self::GrantEnded => "bitbucket_grant_ended",
            Self::MissingScopes { .. } => "bitbucket_missing_scopes",
            Self::Forbidden { because: Barrier::Unsaid } => "bitbucket_forbidden",
            Self::Forbidden { because: Barrier::IpAllowList } => "bitbucket_ip_not_allowed",
            Self::Forbidden { because: Barrier::TwoStepVerification } => "bitbucket_two_step_needed",
            Self::Forbidden { because: Barrier::Plan } => "bitbucket_plan_limit",
            Self::NotFound => "bitbucket_not_found",
            Self::NotEnabled { what: Feature::Pipelines } => "bitbucket_pipelines_off",
            Self::NotEnabled { what: Feature::CodeSearch } => "bitbucket_code_search_off",
            Self::Removed { .. } => "bitbucket_gone",
            Self::WorkspaceDeleted => "bitbucket_workspace_deleted",
            Self::RateLimited { .. } => "bitbucket_rate_limited",
            Self::Refused { .. } => "bitbucket_refused",
            Self::TooLarge => "bitbucket_too_large",
            Self::Down => "bitbucket_down",
            Self::Malformed => "bitbucket_malformed",
        }
    }

    /// Whether the same call may work later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Down | Self::Malformed)
    }

    /// Whether it says that the credential itself must be mended: another one, or more scopes.
    pub fn is_about_the_credential(&self) -> bool {
        matches!(self, Self::NotAuthorised | Self::GrantEnded | Self::MissingScopes { .. })
    }

    pub(super) fn down(error: &reqwest::Error) -> Self {
        tracing::debug!(timeout = error.is_timeout(), connect = error.is_connect(), "Bitbucket did not answer");
        Self::Down
    }

    /// What an answer that is neither 2xx nor 429 means.
    pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Self {
        let said = ErrorBody::read(body);
        match status {
            StatusCode::UNAUTHORIZED => Self::NotAuthorised,
            StatusCode::BAD_REQUEST if said.is_about_the_client() => Self::NotAuthorised,
            StatusCode::BAD_REQUEST if said.is_about_the_grant() => Self::GrantEnded,
            StatusCode::PAYMENT_REQUIRED => Self::Forbidden { because: Barrier::Plan },
            StatusCode::FORBIDDEN if !said.required.is_empty() => {
                Self::MissingScopes { required: said.required, granted: said.granted }
            }
            StatusCode::FORBIDDEN => Self::Forbidden { because: said.barrier() },
            StatusCode::NOT_FOUND if said.says_search_is_off() => Self::NotEnabled { what: Feature::CodeSearch },
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::GONE if said.says_workspace_is_deleted() => Self::WorkspaceDeleted,
            StatusCode::GONE => Self::Removed { announcement: said.announcement },
            StatusCode::REQUEST_TIMEOUT => Self::Down,
            // Bitbucket's own: it ran out of time over a large diff, folder or merge, and would again.
            status if status.as_u16() == 555 => Self::refused(status, said),
            status if status.is_server_error() => Self::Down,
            status => Self::refused(status, said),
        }
    }

    fn refused(status: StatusCode, said: ErrorBody) -> Self {
        Self::Refused { status: status.as_u16(), message: said.message, fields: said.fields }
    }
}

/// A failure as the answer to whoever asked us. What may pass is said in one sentence for all; the rest says what to do about it.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let code = failure.code();
        if failure.is_passing() {
            let detail = "Bitbucket does not answer as it should at the moment. Try again in a minute.";
            let seconds = match failure {
                Failure::RateLimited { after_seconds } => after_seconds.unwrap_or(60),
                _ => 30,
            };
            let mut error = Self::new(Kind::Upstream, code, detail).because(failure);
            error.retry_after_seconds = Some(seconds);
            return error;
        }
        let kind = match &failure {
            Failure::MissingScopes { .. } | Failure::Forbidden { .. } => Kind::Forbidden,
            Failure::NotFound => Kind::NotFound,
            Failure::Refused { .. } | Failure::TooLarge => Kind::Invalid,
            // The caller's own credential is good; the one we call Bitbucket with, or what it reaches, is not.
            _ => Kind::Conflict,
        };
        Self::new(kind, code, failure.remedy()).because(failure)
    }
}

#[cfg(test)]
mod tests;
