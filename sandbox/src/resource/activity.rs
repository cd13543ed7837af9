//! What happened to a pull request, and its comments.

use super::{Resources, markup, timestamp};
use crate::world::{Comment, PullRequest, PullRequestState, Review};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Something that happened, as far as it is needed to put it in order.
#[derive(Clone)]
pub(crate) struct Happening {
    pub(crate) at: DateTime<Utc>,
    what: What,
}

#[derive(Clone)]
enum What {
    Opened,
    Closed,
    /// By the reviewer at this place.
    Reviewed(usize),
    Commented(Box<Comment>),
}

impl Resources<'_> {
    /// Everything that happened, the newest first.
    pub(crate) fn happenings(&self, pull_request: &PullRequest) -> Vec<Happening> {
        let mut all = vec![Happening { at: pull_request.created_on, what: What::Opened }];
        for (place, reviewer) in pull_request.reviewers.iter().enumerate() {
            if let (Some(at), true) = (reviewer.participated_on, reviewer.review != Review::Awaited) {
                all.push(Happening { at, what: What::Reviewed(place) });
            }
        }
        let comments = self.world.comments_of(pull_request).into_iter().filter(|comment| !comment.deleted);
        all.extend(comments.map(|comment| Happening { at: comment.created_on, what: What::Commented(Box::new(comment)) }));
        if pull_request.state != PullRequestState::Open {
            all.push(Happening { at: pull_request.updated_on, what: What::Closed });
        }
        all.sort_by_key(|happening| std::cmp::Reverse(happening.at));
        all
    }

    /// An entry of an activity feed.
    pub(crate) fn happening(&self, pull_request: &PullRequest, happening: &Happening) -> Value {
        let short = self.short_pull_request(pull_request);
        let at = timestamp(happening.at);
        let update = |state: &str, author: &str, changes: Value| {
            json!({
                "state": state,
                "title": pull_request.title,
                "description": pull_request.description,
                "reason": "",
                "draft": false,
                "author": self.account(author),
                "date": at,
                "source": self.endpoint(pull_request, &pull_request.source_branch),
                "destination": self.endpoint(pull_request, &pull_request.destination_branch),
                "reviewers": [],
                "changes": changes,
            })
        };
        let (kind, entry) = match &happening.what {
            What::Opened => ("update", update("OPEN", &pull_request.author, json!({}))),
            What::Closed => {
                let author = pull_request.closed_by.as_deref().unwrap_or_default();
                let state = pull_request.state.as_str();
                ("update", update(state, author, json!({ "status": { "old": "open", "new": state.to_lowercase() } })))
            }
            What::Commented(comment) => ("comment", self.comment(pull_request, comment)),
            What::Reviewed(place) => {
                let reviewer = pull_request.reviewers.get(*place);
                let user = reviewer.map(|reviewer| self.account(&reviewer.account_id));
                let is_approval = reviewer.is_some_and(|reviewer| reviewer.review == Review::Approved);
                let kind = if is_approval { "approval" } else { "changes_requested" };
                (kind, json!({ "date": at, "user": user, "pullrequest": short }))
            }
        };
        json!({ "pull_request": short, kind: entry })
    }

    pub(crate) fn comment(&self, pull_request: &PullRequest, comment: &Comment) -> Value {
        let path = self.pull_request_path(pull_request, "pullrequests");
        let page = self.pull_request_path(pull_request, "pull-requests");
        let text = if comment.deleted { "" } else { &comment.text };
        json!({
            "type": "pullrequest_comment",
            "id": comment.id,
            "content": markup(text),
            "user": self.account(&comment.author),
            "created_on": timestamp(comment.created_on),
            "updated_on": timestamp(comment.created_on),
            "deleted": comment.deleted,
            "pending": false,
            "pullrequest": self.short_pull_request(pull_request),
            "links": {
                "self": self.api(&format!("repositories/{path}/comments/{}", comment.id)),
                "html": self.page(&format!("{page}/_/diff#comment-{}", comment.id)),
            },
        })
    }

    fn short_pull_request(&self, pull_request: &PullRequest) -> Value {
        json!({
            "type": "pullrequest",
            "id": pull_request.id,
            "title": pull_request.title,
            "draft": false,
            "links": {
                "self": self.api(&format!("repositories/{}", self.pull_request_path(pull_request, "pullrequests"))),
                "html": self.page(&self.pull_request_path(pull_request, "pull-requests")),
            },
        })
    }
}
