//! What Bitbucket is asked about one webhook: to make it when it is not there, to mend it when it is not as it should be, to remove it. Each
//! may be done twice, so that an answer may get lost. Only `hooks` calls it.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-webhooks/>

use uuid::Uuid;

use super::EVENTS;
use super::rows::Prepared;
use crate::bitbucket::answers::Hook;
use crate::bitbucket::{Client, Credential, Failure, HookPlace, NewHook};

/// What people read beside it in Bitbucket's settings.
const DESCRIPTION: &str = "ClarityLoop: linked pull requests";
/// Nobody has as many in one place; ours are looked for among these.
const LISTED_AT_MOST: usize = 500;

/// Has a webhook that delivers to `address` as it should; its name at Bitbucket. Whichever is there already is taken: it may be the one whose
/// making was never answered. Of several one stays.
pub(super) async fn keep(
    bitbucket: &Client,
    credential: &Credential,
    place: &HookPlace,
    address: &str,
    prepared: &Prepared,
) -> Result<Uuid, Failure> {
    let mut ours = ours(bitbucket, credential, place, address, prepared.hook_uuid).await?.into_iter();
    let Some((uuid, hook)) = ours.next() else { return create(bitbucket, credential, place, address, prepared).await };
    for (double, _) in ours {
        remove_one(bitbucket, credential, place, double).await?;
    }
    let is_signed = prepared.is_told && hook.secret_set;
    if is_signed && is_as_wanted(&hook, address) {
        return Ok(uuid);
    }
    let secret = (!is_signed).then(|| prepared.secret.clone());
    match bitbucket.update_hook(credential, place, uuid, &NewHook { secret, ..wanted(address) }).await {
        Ok(_changed) => Ok(uuid),
        // Somebody has removed it at this moment.
        Err(Failure::NotFound) => create(bitbucket, credential, place, address, prepared).await,
        Err(failure) => Err(failure),
    }
}

/// Removes every webhook of ours in a place. That there is none, or no such place any more, is what is wanted.
pub(super) async fn remove(
    bitbucket: &Client,
    credential: &Credential,
    place: &HookPlace,
    address: &str,
    known: Option<Uuid>,
) -> Result<(), Failure> {
    match known {
        Some(uuid) => remove_one(bitbucket, credential, place, uuid).await,
        // Its making was never answered: it may be there under a name that we have not been told.
        None => match ours(bitbucket, credential, place, address, None).await {
            Ok(ours) => {
                for (uuid, _) in ours {
                    remove_one(bitbucket, credential, place, uuid).await?;
                }
                Ok(())
            }
            Err(failure) => gone(failure),
        },
    }
}

async fn remove_one(bitbucket: &Client, credential: &Credential, place: &HookPlace, uuid: Uuid) -> Result<(), Failure> {
    match bitbucket.delete_hook(credential, place, uuid).await {
        Ok(()) => Ok(()),
        Err(failure) => gone(failure),
    }
}

fn gone(failure: Failure) -> Result<(), Failure> {
    match failure {
        Failure::NotFound | Failure::Removed { .. } | Failure::WorkspaceDeleted => Ok(()),
        failure => Err(failure),
    }
}

async fn create(
    bitbucket: &Client,
    credential: &Credential,
    place: &HookPlace,
    address: &str,
    prepared: &Prepared,
) -> Result<Uuid, Failure> {
    let new = NewHook { secret: Some(prepared.secret.clone()), ..wanted(address) };
    bitbucket.create_hook(credential, place, &new).await?.uuid.ok_or(Failure::Malformed)
}

/// The webhooks of a place that are ours, by the name that we know or by where they deliver to; the known one first.
async fn ours(
    bitbucket: &Client,
    credential: &Credential,
    place: &HookPlace,
    address: &str,
    known: Option<Uuid>,
) -> Result<Vec<(Uuid, Hook)>, Failure> {
    let (listed, _has_more) = bitbucket.hooks(credential, place)?.at_most(LISTED_AT_MOST).await?;
    let is_ours = |hook: &Hook| hook.url.as_deref() == Some(address) || (known.is_some() && hook.uuid == known);
    let ours = listed.into_iter().filter(is_ours).filter_map(|hook| Some((hook.uuid?, hook)));
    let mut ours: Vec<(Uuid, Hook)> = ours.collect();
    ours.sort_by_key(|(uuid, _)| Some(*uuid) != known);
    Ok(ours)
}

fn wanted(address: &str) -> NewHook {
    NewHook {
        description: DESCRIPTION.to_owned(),
        url: address.to_owned(),
        active: true,
        secret: None,
        events: EVENTS.map(str::to_owned).into(),
    }
}

fn is_as_wanted(hook: &Hook, address: &str) -> bool {
    let listens = EVENTS.iter().all(|event| hook.events.iter().any(|listened| listened == event));
    hook.active && hook.url.as_deref() == Some(address) && listens && hook.events.len() == EVENTS.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_as_wanted_with_our_events_at_our_address_and_not_otherwise() {
        let hook = |url: &str, active: bool, events: &[&str]| -> Hook {
            serde_json::from_value(serde_json::json!({"url": url, "active": active, "events": events})).unwrap()
        };
        let address = "https://clarityloop.example/hooks/bitbucket/1";
        let mut other_way_round = EVENTS;
        other_way_round.reverse();
        assert!(is_as_wanted(&hook(address, true, &other_way_round), address));
        assert!(!is_as_wanted(&hook(address, false, &EVENTS), address), "switched off");
        assert!(!is_as_wanted(&hook("https://elsewhere.example/", true, &EVENTS), address));
        assert!(!is_as_wanted(&hook(address, true, &EVENTS[1..]), address), "an event is missing");
        let more: Vec<&str> = EVENTS.into_iter().chain(["repo:push"]).collect();
        assert!(!is_as_wanted(&hook(address, true, &more), address), "and no more than needed");
    }
}
