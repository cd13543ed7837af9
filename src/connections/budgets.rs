//! Whose rate limit at Bitbucket the calls of a connection count against. Whoever makes a credential for one asks here.
//!
//! Bitbucket counts a person's calls together, whatever they are made with: a consent for reading, one for writing, a member's own grant
//! and an API token of one account share one budget. An access token and a consumer that acts as itself are users of their own.
//! <https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>

use super::grants::Kind;
use crate::config::Secret;
use crate::storage::ids::ConsumerId;
use crate::storage::seal::hash_hex;

/// Enough of a hash to tell tokens apart.
const HASH_CHARACTERS: usize = 24;

/// The budget of a person's account.
pub(super) fn of_account(account_id: &str) -> String {
    format!("account:{account_id}")
}

/// The budget of a consumer that acts as itself.
pub(super) fn of_consumer(id: &ConsumerId) -> String {
    format!("consumer:{id}")
}

/// The budget of a token that is nobody's, or whose owner is not known yet. Its name is a hash, which gives nothing away of a random token.
pub(super) fn of_token(token: &Secret) -> String {
    let hash = hash_hex(token.expose().as_bytes());
    format!("token:{}", hash.get(..HASH_CHARACTERS).unwrap_or(&hash))
}

/// The budget of a connection made with a credential of this kind; `otherwise` names one of its own where neither account nor consumer is
/// known and the token changes.
pub(super) fn of(
    kind: Kind,
    account_id: Option<&str>,
    consumer_id: Option<&ConsumerId>,
    token: &Secret,
    otherwise: &str,
) -> String {
    match (kind, account_id, consumer_id) {
        (Kind::WorkspaceToken | Kind::ProjectToken | Kind::RepositoryToken, ..) => of_token(token),
        (Kind::ClientCredentials, _, Some(consumer)) => of_consumer(consumer),
        (Kind::OAuth | Kind::ApiToken, Some(account_id), _) => of_account(account_id),
        (Kind::ApiToken, None, _) => of_token(token),
        (Kind::OAuth | Kind::ClientCredentials, ..) => format!("connection:{otherwise}"),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::config::{Now, Random};

    fn budget(kind: Kind, account_id: Option<&str>, token: &str) -> String {
        of(kind, account_id, None, &Secret::new(token), "1")
    }

    #[test]
    fn whatever_a_person_has_granted_or_pasted_shares_one_budget() {
        let by_consent = budget(Kind::OAuth, Some("712020:a"), "access");
        assert_eq!(by_consent, "account:712020:a");
        assert_eq!(by_consent, budget(Kind::OAuth, Some("712020:a"), "another"));
        assert_eq!(by_consent, budget(Kind::ApiToken, Some("712020:a"), "ATATT"));
        assert_ne!(by_consent, budget(Kind::OAuth, Some("712020:b"), "access"));
    }

    #[test]
    fn an_access_token_is_somebody_of_its_own_wherever_it_is_pasted() {
        for kind in [Kind::WorkspaceToken, Kind::ProjectToken, Kind::RepositoryToken] {
            let one = budget(kind, Some("712020:a"), "ATCTT-one");
            assert!(one.starts_with("token:") && !one.contains("ATCTT"), "{one}");
            assert_eq!(one, of_token(&Secret::new("ATCTT-one")));
            assert_ne!(one, budget(kind, None, "ATCTT-two"));
        }
    }

    #[test]
    fn a_consumer_that_acts_as_itself_has_one_budget_and_who_is_unknown_has_their_connections() {
        let consumer = ConsumerId::new(&Now::new(Utc::now(), Random::system()));
        let token = Secret::new("t");
        assert_eq!(of(Kind::ClientCredentials, None, Some(&consumer), &token, "1"), format!("consumer:{consumer}"));
        assert_eq!(of(Kind::OAuth, None, Some(&consumer), &token, "1"), "connection:1");
    }
}
