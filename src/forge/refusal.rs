//! Why a call of Forge is refused. For the verifier and for the doors, which answer with the status and the code.

/// A reason to refuse an invocation token, or what it is used for. It holds nothing of the token, so that logs and answers
/// cannot either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// There is no `Authorization` header.
    #[error("the call is not signed: make it through Forge, with `invokeRemote`")]
    Missing,
    /// More than one `Authorization` header came with the call.
    #[error("the call carries more than one token: send exactly one")]
    Repeated,
    /// Not three base64url parts of JSON and signature, too long, an unusual header, or another scheme than `Bearer`.
    #[error("the token cannot be read: send a Forge invocation token with the scheme `Bearer`")]
    Malformed,
    /// Another algorithm than RS256.
    #[error("the token must be signed with RS256")]
    Algorithm,
    /// Forge publishes no RSA key of this `kid`.
    #[error("the key that the token names is none of Forge's: check `forge.jwks_url`")]
    KeyUnknown,
    /// No key of Forge is known, because its key set cannot be had.
    #[error("the keys of Forge cannot be had at the moment: try again in a minute, and check `forge.jwks_url`")]
    KeysUnavailable,
    /// The key that the token names did not make this signature.
    #[error("the signature is not Forge's")]
    Signature,
    /// `iss` is not `forge/invocation-token`.
    #[error("the token was not issued as a Forge invocation token")]
    Issuer,
    /// `aud` is not this app.
    #[error("the token is meant for another app: check `forge.app_id`")]
    Audience,
    /// `app.id` is not the audience.
    #[error("the token is of another app: check `forge.app_id`")]
    App,
    /// A claim is missing or of the wrong type.
    #[error("the token lacks a claim, or one cannot be read")]
    Claims,
    /// `exp` is long after `iat`, or before it.
    #[error("the token lives longer than an invocation, or ends before it begins")]
    Lifetime,
    /// `exp` is past.
    #[error("the token has expired: try again, and check that this server's clock is right")]
    Expired,
    /// `iat` is in the future.
    #[error("the token was issued in the future: check that this server's clock is right")]
    IssuedInFuture,
    /// `nbf` is in the future.
    #[error("the token is not valid yet: check that this server's clock is right")]
    NotYetValid,
    /// The token is of a Forge environment that is not in `forge.environments`.
    #[error(
        "this server does not serve the app's Forge environment: install the production app, or add it to `forge.environments`"
    )]
    Environment,
    /// The token is of an isolated cloud (`icLabel`).
    #[error("this server does not serve isolated clouds")]
    IsolatedCloud,
    /// The call is not made by a person on a pull request.
    #[error("only the app's panel and action on a pull request may ask this")]
    NotOfPanel,
    /// The call is not made by a person on the app's settings page.
    #[error("only the app's settings page may ask this")]
    NotOfSettings,
    /// The call is made by a person in a browser and not by Forge itself.
    #[error("only Forge itself may call this, not a page of the app")]
    NotOfPlatform,
}

impl Refusal {
    /// The stable code that answers and metrics carry.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Repeated => "token_repeated",
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::KeyUnknown => "token_key_unknown",
            Self::KeysUnavailable => "token_keys_unavailable",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::App => "token_app",
            Self::Claims => "token_claims",
            Self::Lifetime => "token_lifetime",
            Self::Expired => "token_expired",
            Self::IssuedInFuture => "token_issued_in_future",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Environment => "forge_environment_not_accepted",
            Self::IsolatedCloud => "forge_isolated_cloud_not_accepted",
            Self::NotOfPanel => "forge_call_not_of_panel",
            Self::NotOfSettings => "forge_call_not_of_settings",
            Self::NotOfPlatform => "forge_call_not_of_platform",
        }
    }

    /// The HTTP status of the answer. Forge reserves 401 for a token that does not verify; a genuine token that may not do
    /// what it was sent for is 403.
    pub fn status(self) -> u16 {
        match self {
            Self::KeysUnavailable => 503,
            Self::Environment | Self::IsolatedCloud | Self::NotOfPanel | Self::NotOfSettings | Self::NotOfPlatform => 403,
            _ => 401,
        }
    }
}
