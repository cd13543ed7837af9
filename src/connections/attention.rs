//! What needs somebody's attention about a connection, in plain words with the one thing to do. Its card and the owners' start page show it.

use super::faring::{self, Ending};
use super::grants::{Connection, Kind, State};
use crate::bitbucket::{Barrier, Doing, Failure};
use crate::config::Now;

/// What is wrong, or soon will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attention {
    /// What is the matter, without a full stop.
    pub what: String,
    /// The one thing to do.
    pub remedy: String,
}

/// What needs attention about a connection that is not ended; `None` when it is well.
pub fn of(connection: &Connection, now: &Now) -> Option<Attention> {
    match connection.state {
        State::Reconnect => return Some(to_reconnect(connection.kind)),
        State::Displaced => return Some(displaced()),
        State::Connected | State::Disconnected => {}
    }
    if connection.bitbucket_workspace_uuid.is_none() && connection.member_id.is_none() {
        return Some(attention("No Bitbucket workspace is chosen yet", "Choose one of those that it reaches."));
    }
    let ending = faring::ending(connection.kind, connection.expires_at, now);
    if ending == Some(Ending::Ended) {
        let remedy = "Make a new token in Bitbucket and put it in this one’s place; nothing is lost.";
        return Some(attention("The token has ended", remedy));
    }
    failing(connection, now).or_else(|| match ending? {
        Ending::Ended => None,
        Ending::Within(days) => {
            let when = if days == 1 { "within a day".to_owned() } else { format!("within {days} days") };
            let remedy = "Make a new token in Bitbucket and put it in this one’s place before; nothing is lost.";
            Some(attention(&format!("The token ends {when}"), remedy))
        }
    })
}

fn attention(what: &str, remedy: &str) -> Attention {
    Attention { what: what.to_owned(), remedy: remedy.to_owned() }
}

fn to_reconnect(kind: Kind) -> Attention {
    if kind.is_pasted() {
        let remedy = "Check it now: Bitbucket may have refused it in passing. If it stays so, make a new token in Bitbucket and put it in \
                      this one’s place; nothing is lost.";
        return attention("Bitbucket does not take this token any more: it has ended or was revoked", remedy);
    }
    let remedy = Failure::GrantEnded.remedy_when(Doing::RefreshingToken);
    attention("Bitbucket does not take this consent any more", &remedy)
}

fn displaced() -> Attention {
    let what = "An administrator of this Bitbucket workspace has connected it to another ClarityLoop workspace";
    let remedy = "Nothing is read here any more. Ask that administrator to disconnect it there, and let an administrator connect it here; or \
                  disconnect this, and what was read is deleted.";
    attention(what, remedy)
}

/// A failure that passes needs nobody, as long as the token still works.
fn failing(connection: &Connection, now: &Now) -> Option<Attention> {
    let code = connection.failing.code.as_deref()?;
    let call = connection.failing.call.as_deref().unwrap_or_default();
    let failure = of_code(code, connection.failing.missing_scopes.as_deref());
    let has_ended = !connection.kind.is_pasted() && connection.expires_at.is_some_and(|end| end <= now.at);
    if failure.as_ref().is_some_and(Failure::is_passing) && !(call == "refresh" && has_ended) {
        return None;
    }
    let doing = if call == "refresh" { Doing::RefreshingToken } else { Doing::Calling };
    let remedy =
        failure.map_or_else(|| "Check the connection; if it stays so, connect again.".into(), |it| it.remedy_when(doing));
    let what = match call {
        "refresh" => "The token could not be refreshed".to_owned(),
        call => format!("A call fails ({})", call.replace('_', " ")),
    };
    Some(attention(&what, &remedy))
}

/// What to do about a call that failed with this stable code.
pub fn remedy_of_code(code: &str) -> String {
    let otherwise = "Check the connection; if it stays so, connect again.".to_owned();
    of_code(code, None).map_or(otherwise, |failure| failure.remedy().into_owned())
}

/// The failure that left this code.
fn of_code(code: &str, missing_scopes: Option<&str>) -> Option<Failure> {
    let required = missing_scopes.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    [
        Failure::NotAuthorised,
        Failure::GrantEnded,
        Failure::MissingScopes { required, granted: Vec::new() },
        Failure::Forbidden { because: Barrier::Unsaid },
        Failure::Forbidden { because: Barrier::IpAllowList },
        Failure::Forbidden { because: Barrier::TwoStepVerification },
        Failure::Forbidden { because: Barrier::Plan },
        Failure::NotFound,
        Failure::Removed { announcement: None },
        Failure::WorkspaceDeleted,
        Failure::RateLimited { after_seconds: None },
        Failure::Refused { status: 400, message: None, fields: Vec::new() },
        Failure::TooLarge,
        Failure::Down,
        Failure::Malformed,
    ]
    .into_iter()
    .find(|failure| failure.code() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_is_stored_leads_back_to_its_remedy() {
        for failure in [Failure::NotAuthorised, Failure::Down, Failure::Forbidden { because: Barrier::IpAllowList }] {
            assert_eq!(of_code(failure.code(), None), Some(failure));
        }
        let lacking = of_code("bitbucket_missing_scopes", Some("pipeline")).unwrap();
        assert!(lacking.remedy().contains("pipeline"));
        assert_eq!(of_code("no_such_code", None), None);
    }
}
