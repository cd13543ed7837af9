//! What each failure means to a person and what to do about it: the troubleshooting table, said at the moment it is needed. Pages and
//! REST show these sentences.

use std::borrow::Cow;

use super::{Barrier, Failure, Feature};

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// A call of the REST API.
    Calling,
    /// The first access token, for a code or for the consumer itself.
    FetchingToken,
    /// The next access token, for a refresh token.
    RefreshingToken,
}

impl Failure {
    /// What is the matter with a call, and what to do, in whole sentences.
    pub fn remedy(&self) -> Cow<'static, str> {
        self.remedy_when(Doing::Calling)
    }

    /// The same for what was being done.
    pub fn remedy_when(&self, doing: Doing) -> Cow<'static, str> {
        if let Some(sentences) = self.remedy_about_a_token(doing) {
            return Cow::Borrowed(sentences);
        }
        Cow::Borrowed(match self {
            Self::NotAuthorised => {
                "Bitbucket does not accept the credential: it has expired, was revoked or is of a kind that this call does not take. \
                 Connect again, or enter a new token."
            }
            Self::GrantEnded => "Bitbucket no longer takes this connection's consent. Connect again.",
            Self::MissingScopes { required, granted } => return Cow::Owned(missing(required, granted)),
            Self::Forbidden { because } => forbidden(*because),
            Self::NotFound => {
                "Bitbucket has no such thing, or it is private and the credential may not see it. \
                 Check the name, and that the credential's account has access to the repository."
            }
            Self::NotEnabled { what: Feature::Pipelines } => {
                "Pipelines are not switched on for this repository, or the credential may not see them. \
                 A repository admin switches them on in Bitbucket under Repository settings > Pipelines."
            }
            Self::NotEnabled { what: Feature::CodeSearch } => {
                "Code search is not available for this workspace. Switch it on at https://bitbucket.org/search; \
                 Atlassian has marked it as deprecated since 1 November 2026 and may have ended it."
            }
            Self::Removed { announcement: Some(address) } => {
                return Cow::Owned(format!(
                    "Atlassian has removed this from Bitbucket. What replaces it is announced at {address}."
                ));
            }
            Self::Removed { announcement: None } => {
                "Atlassian has removed this from Bitbucket. Bitbucket's changelog says what replaces it."
            }
            Self::WorkspaceDeleted => {
                "The Bitbucket workspace has been deleted. Disconnect it here, or ask Atlassian's support if it should still exist."
            }
            Self::RateLimited { after_seconds } => return Cow::Owned(wait(*after_seconds)),
            Self::Refused { status: 555, .. } => {
                "Bitbucket ran out of time over this: it is too large to compute. Ask for less, such as fewer files or a narrower path."
            }
            Self::Refused { message, fields, .. } => return Cow::Owned(refused(message.as_deref(), fields)),
            Self::TooLarge => {
                "Bitbucket's answer is larger than ClarityLoop reads. Ask for less, such as a smaller page or fewer fields."
            }
            Self::Down => {
                "Bitbucket does not answer at the moment. Try again in a minute; https://bitbucket.status.atlassian.com says how it fares."
            }
            Self::Malformed => {
                "Bitbucket's answer could not be read: it is not what its documentation says. Try again in a minute, \
                 and check that no proxy answers in Bitbucket's place."
            }
        })
    }

    fn remedy_about_a_token(&self, doing: Doing) -> Option<&'static str> {
        match (doing, self) {
            (Doing::FetchingToken, Self::NotAuthorised | Self::Forbidden { .. }) => Some(
                "No token could be fetched: Bitbucket does not accept the OAuth consumer. \
                 Check its key and secret, and for client credentials that it is marked as private.",
            ),
            (Doing::FetchingToken, Self::GrantEnded | Self::Refused { .. }) => Some(
                "No token could be fetched: Bitbucket does not take the code it sent you back with. \
                 Connect once more, and check that the consumer's callback address is this server's.",
            ),
            (Doing::RefreshingToken, Self::GrantEnded | Self::Refused { .. }) => Some(
                "The connection could not be refreshed: Bitbucket no longer takes its refresh token, \
                 because it was revoked or not used for three months. Connect again; nothing is lost.",
            ),
            (Doing::RefreshingToken, Self::NotAuthorised | Self::Forbidden { .. }) => Some(
                "The connection could not be refreshed: Bitbucket does not accept the OAuth consumer any more. \
                 Check its key and secret, then connect again.",
            ),
            _ => None,
        }
    }
}

fn missing(required: &[String], granted: &[String]) -> String {
    let lacking: Vec<&str> = required.iter().filter(|scope| !granted.contains(scope)).map(String::as_str).collect();
    let lacking = if lacking.is_empty() { required.join(", ") } else { lacking.join(", ") };
    format!(
        "The credential lacks the scope {lacking}. Give it that scope in Bitbucket, then connect again or enter the new token."
    )
}

fn forbidden(because: Barrier) -> &'static str {
    match because {
        Barrier::Unsaid => {
            "Bitbucket does not allow this with the credential. Its account needs the right permission in the repository or workspace; \
             a Bitbucket admin gives it."
        }
        Barrier::IpAllowList => {
            "The Bitbucket workspace takes calls from listed addresses only. A Bitbucket admin adds this server's address under \
             Workspace settings > Access controls."
        }
        Barrier::TwoStepVerification => {
            "The Bitbucket workspace wants two-step verification. Switch it on for the credential's Atlassian account, \
             or use an access token of the workspace."
        }
        Barrier::Plan => {
            "The plan of the Bitbucket workspace does not include this, or its user limit is reached. \
             A Bitbucket admin changes that under Workspace settings > Plan details."
        }
    }
}

fn wait(after_seconds: Option<u32>) -> String {
    match after_seconds {
        Some(seconds) if seconds > 90 => {
            format!("Bitbucket's limit of calls is reached. It goes on by itself; try again in {} minutes.", seconds.div_ceil(60))
        }
        _ => "Bitbucket's limit of calls is reached. It goes on by itself; try again in a minute.".to_owned(),
    }
}

fn refused(message: Option<&str>, fields: &[(String, String)]) -> String {
    let mut said: Vec<String> = message.iter().map(|text| text.trim_end_matches('.').to_owned()).collect();
    said.extend(
        fields.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("{name}: {}", text.trim_end_matches('.'))),
    );
    if said.is_empty() {
        "Bitbucket refused this, without saying why. Check what was sent.".to_owned()
    } else {
        format!("Bitbucket refused this: {}. Change that and try again.", said.join("; "))
    }
}
