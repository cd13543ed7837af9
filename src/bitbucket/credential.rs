//! What authorises a call, whose rate-limit budget it draws on and how urgent it is. Whoever calls Bitbucket makes one.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::header::HeaderValue;

use super::Failure;
use crate::config::Secret;

/// Makes the `Authorization` header of one call from its method, its encoded path and its query pairs.
pub type Signer = Arc<dyn Fn(&str, &str, &[(&str, &str)]) -> Secret + Send + Sync>;

/// Who waits for the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Urgency {
    /// A person, who may use the whole budget.
    Person,
    /// A job, which leaves a share of the budget to people.
    Background,
}

#[derive(Clone)]
enum Authorization {
    Signed(Signer),
    Bearer(Secret),
    Basic { email: String, secret: Secret },
}

/// What a call is made with. Its `Debug` shows nothing that authorises.
#[derive(Clone)]
pub struct Credential {
    authorization: Authorization,
    budget: Arc<str>,
    urgency: Urgency,
}

/// Keys the fingerprints of this process, so that none of them says anything outside of it.
static FINGERPRINTS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Credential {
    /// Signs each call by itself, as a Connect app does. `budget` names whose rate limit the calls count against, such as
    /// `installation:<id>`: two credentials of one Bitbucket account name the same.
    pub fn signed(budget: impl Into<Arc<str>>, signer: Signer) -> Self {
        Self::new(budget.into(), Authorization::Signed(signer))
    }

    /// An access token: of OAuth 2.0, of Forge, of a workspace, a project or a repository.
    pub fn bearer(budget: impl Into<Arc<str>>, token: Secret) -> Self {
        Self::new(budget.into(), Authorization::Bearer(token))
    }

    /// An API token of a person, which goes with the e-mail address of their Atlassian account.
    pub fn basic(budget: impl Into<Arc<str>>, email: impl Into<String>, token: Secret) -> Self {
        Self::new(budget.into(), Authorization::Basic { email: email.into(), secret: token })
    }

    fn new(budget: Arc<str>, authorization: Authorization) -> Self {
        Self { authorization, budget, urgency: Urgency::Person }
    }

    /// The same credential for work that nobody waits for.
    #[must_use]
    pub fn in_background(self) -> Self {
        Self { urgency: Urgency::Background, ..self }
    }

    /// Whose rate limit the calls count against.
    pub fn budget(&self) -> &Arc<str> {
        &self.budget
    }

    /// Who waits for the answers.
    pub fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// The `Authorization` header for one call.
    pub(super) fn header(&self, method: &str, path: &str, pairs: &[(&str, &str)]) -> Result<HeaderValue, Failure> {
        let text = match &self.authorization {
            Authorization::Signed(signer) => signer(method, path, pairs),
            Authorization::Bearer(token) => Secret::new(format!("Bearer {}", token.expose())),
            Authorization::Basic { email, secret } => {
                Secret::new(format!("Basic {}", STANDARD.encode(format!("{email}:{}", secret.expose()))))
            }
        };
        // A token that is no header value is none that Bitbucket has made.
        let mut value = HeaderValue::from_str(text.expose()).map_err(|_not_ascii| Failure::NotAuthorised)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The same for two credentials only when they authorise alike: an answer to one may then be given to the other. Who signs each
    /// call shares with its own copies alone, because nothing tells whether another signer holds the same secret.
    pub(super) fn fingerprint(&self) -> u64 {
        match &self.authorization {
            Authorization::Signed(signer) => FINGERPRINTS.hash_one((&self.budget, Arc::as_ptr(signer).cast::<()>() as usize)),
            Authorization::Bearer(token) => FINGERPRINTS.hash_one((&self.budget, token.expose())),
            Authorization::Basic { email, secret } => FINGERPRINTS.hash_one((&self.budget, email, secret.expose())),
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Credential({}, {:?})", self.budget, self.urgency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(credential: &Credential) -> String {
        credential.header("GET", "/2.0/user", &[]).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_token_goes_as_bearer_and_an_api_token_with_its_persons_address() {
        assert_eq!(header(&Credential::bearer("connection:1", Secret::new("t"))), "Bearer t");
        let basic = Credential::basic("connection:1", "ada@example.com", Secret::new("t"));
        assert_eq!(header(&basic), format!("Basic {}", STANDARD.encode("ada@example.com:t")));
        assert!(basic.header("GET", "/2.0/user", &[]).unwrap().is_sensitive());
    }

    #[test]
    fn nothing_that_authorises_is_shown() {
        let shown = format!("{:?}", Credential::basic("connection:1", "ada@example.com", Secret::new("hunter2")).in_background());
        assert_eq!(shown, "Credential(connection:1, Background)");
    }

    #[test]
    fn credentials_that_may_differ_have_different_fingerprints() {
        let of = |budget: &str, token: &str| Credential::bearer(budget, Secret::new(token)).fingerprint();
        assert_eq!(of("a", "t"), of("a", "t"));
        assert_ne!(of("a", "t"), of("b", "t"));
        assert_ne!(of("a", "t"), of("a", "u"));
        let signed = || Credential::signed("a", Arc::new(|_, path, _: &[(&str, &str)]| Secret::new(path)));
        let one = signed();
        assert_eq!(one.fingerprint(), one.clone().fingerprint());
        assert_ne!(one.fingerprint(), signed().fingerprint());
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_not_authorised() {
        let broken = Credential::bearer("a", Secret::new("line\nbreak"));
        assert_eq!(broken.header("GET", "/", &[]).unwrap_err(), Failure::NotAuthorised);
    }
}
