//! Why a body that Forge posted is refused. For the doors that take events and lifecycle calls.

/// A reason to refuse a body. It shows nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PayloadRefusal {
    /// Not a JSON object.
    #[error("the body is not the JSON that Forge sends")]
    BodyMalformed,
    /// `eventType` is missing or cannot be one.
    #[error("the body names no event in `eventType`")]
    EventTypeMalformed,
    /// The event is none of this door.
    #[error("the event does not belong here: check the endpoints of the app's manifest")]
    EventTypeUnknown,
    /// The workspace is not named by a UUID.
    #[error("the workspace must be named by its UUID")]
    WorkspaceUuidMalformed,
    /// The repository is not named by a UUID.
    #[error("the repository must be named by its UUID")]
    RepositoryUuidMalformed,
    /// The pull request's number is not one.
    #[error("the pull request must be named by its number")]
    PullRequestMalformed,
    /// The installation is missing or not named by its id.
    #[error("the installation must be named by its id")]
    InstallationMalformed,
}

impl PayloadRefusal {
    /// The stable code that answers and metrics carry.
    pub fn code(self) -> &'static str {
        match self {
            Self::BodyMalformed => "body_malformed",
            Self::EventTypeMalformed => "event_type_malformed",
            Self::EventTypeUnknown => "event_type_unknown",
            Self::WorkspaceUuidMalformed => "workspace_uuid_malformed",
            Self::RepositoryUuidMalformed => "repository_uuid_malformed",
            Self::PullRequestMalformed => "pull_request_malformed",
            Self::InstallationMalformed => "installation_malformed",
        }
    }
}
