//! Why a body that Bitbucket posted is refused. For the doors that take lifecycle calls and webhooks, which answer 400 with
//! the code.

/// A reason to refuse a body. It shows nothing of the body, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PayloadRefusal {
    /// Not a JSON object, or a field of the wrong type.
    #[error("the body is not the JSON that Bitbucket sends")]
    BodyMalformed,
    /// `productType` is not `bitbucket`.
    #[error("`productType` must be `bitbucket`")]
    ProductTypeUnknown,
    /// `key`, or the app that the client key names, is another app.
    #[error("the call is for another app: the key must be that of this app's descriptor")]
    AppKeyMismatch,
    /// `baseApiUrl` is not the configured `bitbucket.api_url`.
    #[error("`baseApiUrl` must be the `bitbucket.api_url` of this server")]
    ApiUrlMismatch,
    /// The event that the body names is not the one that the address or the header names.
    #[error("the body is of another event than the call")]
    EventTypeMismatch,
    /// A webhook names no event, neither in the body nor in `X-Event-Key`, or something that cannot be one.
    #[error("the call names no event")]
    EventKeyMalformed,
    /// The workspace's UUID is missing or not a UUID.
    #[error("the workspace must be named by its UUID")]
    WorkspaceUuidMalformed,
    /// The repository's UUID is not a UUID.
    #[error("the repository must be named by its UUID")]
    RepositoryUuidMalformed,
    /// The pull request's number is not one.
    #[error("the pull request must be named by its number")]
    PullRequestMalformed,
    /// `clientKey` is missing, too long, not printable ASCII, or a resource name that cannot be read.
    #[error("`clientKey` must be printable ASCII of at most 255 characters")]
    ClientKeyMalformed,
    /// The resource name in `clientKey` names another workspace than `principal`.
    #[error("`clientKey` and `principal` name different workspaces")]
    ClientKeyWorkspaceMismatch,
    /// `sharedSecret` is there, but empty, too long or not a text.
    #[error("`sharedSecret` must be a text of 1 to 512 characters")]
    SharedSecretMalformed,
}

impl PayloadRefusal {
    /// The stable code that answers and metrics carry.
    pub fn code(self) -> &'static str {
        match self {
            Self::BodyMalformed => "body_malformed",
            Self::ProductTypeUnknown => "product_type_unknown",
            Self::AppKeyMismatch => "app_key_mismatch",
            Self::ApiUrlMismatch => "api_url_mismatch",
            Self::EventTypeMismatch => "event_type_mismatch",
            Self::EventKeyMalformed => "event_key_malformed",
            Self::WorkspaceUuidMalformed => "workspace_uuid_malformed",
            Self::RepositoryUuidMalformed => "repository_uuid_malformed",
            Self::PullRequestMalformed => "pull_request_malformed",
            Self::ClientKeyMalformed => "client_key_malformed",
            Self::ClientKeyWorkspaceMismatch => "client_key_workspace_mismatch",
            Self::SharedSecretMalformed => "shared_secret_malformed",
        }
    }
}
