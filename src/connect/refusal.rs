//! Why a signed request is refused. For the verifier and for the doors, which answer 401 with the code.

/// A reason to refuse a token. It holds nothing of the token, so that logs and answers cannot either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Neither header nor parameter holds a token.
    #[error("the request is not signed: open the page from Bitbucket, or send `Authorization: JWT <token>`")]
    Missing,
    /// More than one token came with the request.
    #[error("the request carries more than one token: send exactly one")]
    Repeated,
    /// Not three base64url parts of JSON and signature, too long, an unusual header, or another scheme than `JWT`.
    #[error("the token cannot be read: send a JSON web token with the scheme `JWT`")]
    Malformed,
    /// Another algorithm than HS256.
    #[error("the token must be signed with HS256")]
    Algorithm,
    /// No installation has this client key. The doors say so after their look-up.
    #[error("no installation has this issuer: install the app again")]
    IssuerUnknown,
    /// The token is of another installation than the one it is used for.
    #[error("the token is of another installation: sign with the secret of this one")]
    IssuerMismatch,
    /// No key of the installation made this signature.
    #[error("the signature is not of this installation: sign with the shared secret last sent with `installed`")]
    Signature,
    /// `exp` is past.
    #[error("the token has expired: reload the page in Bitbucket")]
    Expired,
    /// `iat` is in the future.
    #[error("the token was issued in the future: set the clock of the signer")]
    IssuedInFuture,
    /// `nbf` is in the future.
    #[error("the token is not valid yet: set the clock of the signer")]
    NotYetValid,
    /// `exp` is more than a day after `iat`, or before it.
    #[error("the token lives longer than a day, or ends before it begins: sign anew for each request")]
    Lifetime,
    /// `aud` is not the client key.
    #[error("the token is meant for another audience")]
    Audience,
    /// `iss`, `iat`, `exp` or `nbf` is missing or of the wrong type.
    #[error("the token needs the claims `iss`, `iat` and `exp`, times as numbers of seconds")]
    Claims,
    /// There is no `qsh`.
    #[error("the token needs the claim `qsh`, the hash of the request")]
    QueryStringHashMissing,
    /// `qsh` is the hash of another request.
    #[error("the token was made for another request: sign method, path and every parameter as they are sent")]
    QueryStringHashMismatch,
}

impl Refusal {
    /// The stable code that answers and metrics carry.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "token_missing",
            Self::Repeated => "token_repeated",
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::IssuerUnknown => "token_issuer_unknown",
            Self::IssuerMismatch => "token_issuer_mismatch",
            Self::Signature => "token_signature",
            Self::Expired => "token_expired",
            Self::IssuedInFuture => "token_issued_in_future",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Lifetime => "token_lifetime",
            Self::Audience => "token_audience",
            Self::Claims => "token_claims",
            Self::QueryStringHashMissing => "query_string_hash_missing",
            Self::QueryStringHashMismatch => "query_string_hash_mismatch",
        }
    }
}
