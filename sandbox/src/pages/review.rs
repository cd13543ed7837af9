//! The buttons of a pull request page: each changes the world and delivers the matching webhook to the workspace's apps and to the webhooks
//! that were made over REST.

use super::{
    layout::{self, pull_request_address},
    refused, see_other,
};
use crate::{
    bitbucket::Bitbucket,
    world::{PullRequestState, Review},
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Form, Path},
};
use serde::Deserialize;

/// Who presses, and what they typed.
#[derive(Deserialize)]
pub(crate) struct Pressed {
    /// Account id.
    #[serde(rename = "as")]
    viewer: String,
    title: Option<String>,
}

/// `POST /{workspace}/{repository}/pull-requests/{id}/{action}`.
pub(crate) async fn act(
    bitbucket: Data<Bitbucket>,
    path: Path<(String, String, u64, String)>,
    pressed: Form<Pressed>,
) -> HttpResponse {
    let (workspace, repository, id, action) = path.into_inner();
    let repository = format!("{workspace}/{repository}");
    let now = bitbucket.now();
    let event_key = bitbucket.world(|world| {
        let viewer = layout::viewer(world, Some(&pressed.viewer));
        let pull_request = world.pull_request_mut(&repository, id)?;
        let is_open = pull_request.state == PullRequestState::Open;
        match (action.as_str(), &pressed.title) {
            ("approve", _) if is_open => pull_request.review(&viewer, Review::Approved, now),
            ("merge", _) if is_open => pull_request.close(PullRequestState::Merged, &viewer, now),
            ("decline", _) if is_open => pull_request.close(PullRequestState::Declined, &viewer, now),
            ("retitle", Some(title)) => pull_request.retitle(title, now),
            _ => return None,
        }
        event_of(&action)
    });
    let Some(event_key) = event_key else {
        return refused(StatusCode::NOT_FOUND, "That cannot be done with this pull request.");
    };
    for installation in bitbucket.installations() {
        let is_here = bitbucket.world(|world| world.workspace(&workspace).is_some_and(|it| it.uuid == installation.workspace));
        if installation.active && is_here {
            // As at Bitbucket, a person's click succeeds whether or not an app hears of it; the deliveries are in `sent`.
            let _ = bitbucket.deliver_by(&installation.client_key, event_key, &repository, id, &pressed.viewer).await;
        }
    }
    let _ = bitbucket.deliver_to_hooks(event_key, &repository, id, &pressed.viewer).await;
    see_other(&pull_request_address(&format!("{repository}/pull-requests/{id}"), &pressed.viewer))
}

fn event_of(action: &str) -> Option<&'static str> {
    match action {
        "approve" => Some("pullrequest:approved"),
        "merge" => Some("pullrequest:fulfilled"),
        "decline" => Some("pullrequest:rejected"),
        "retitle" => Some("pullrequest:updated"),
        _ => None,
    }
}
