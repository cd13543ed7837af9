//! Worlds of any size: pull requests that are worked out when they are asked for, so that fifty thousand of them take no memory.

use super::{Permission, Project, PullRequest, PullRequestState, Repository, Review, Reviewer, World};
use chrono::{DateTime, Duration, Utc};
use std::borrow::Cow;
use uuid::Uuid;

/// How far apart the pull requests of a crowd were opened.
const MINUTES_APART: i64 = 10;
const MINUTES_UNTIL_LAST_CHANGE: i64 = 300;

/// The pull requests 1 to `count` of a repository, which follow a pattern: of ten, one is open, one declined, and eight are merged.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// UUID of the repository.
    pub repository: String,
    /// How many.
    pub count: u64,
    /// When the newest was opened.
    pub newest: DateTime<Utc>,
}

/// A pull request in a list, of which a crowd's is worked out as far as it is looked at.
#[derive(Clone, Copy)]
pub(crate) enum Listed<'a> {
    Kept(&'a PullRequest),
    Crowded(&'a Crowd, u64),
}

impl Crowd {
    fn state(id: u64) -> PullRequestState {
        match id % 10 {
            0 => PullRequestState::Open,
            1 => PullRequestState::Declined,
            _ => PullRequestState::Merged,
        }
    }

    fn created_on(&self, id: u64) -> DateTime<Utc> {
        let younger = i64::try_from(self.count.saturating_sub(id)).unwrap_or(i64::MAX / 100);
        self.newest - Duration::minutes(younger * MINUTES_APART)
    }

    fn whole(&self, world: &World, id: u64) -> PullRequest {
        let person = |offset: u64| {
            let people = world.users.len().max(1) as u64;
            let place = usize::try_from((id + offset) % people).unwrap_or_default();
            world.users.get(place).map(|user| user.account_id.clone()).unwrap_or_default()
        };
        let (state, created_on) = (Self::state(id), self.created_on(id));
        let updated_on = created_on + Duration::minutes(MINUTES_UNTIL_LAST_CHANGE);
        let reviewer = |offset, review| Reviewer { account_id: person(offset), review, participated_on: Some(updated_on) };
        PullRequest {
            repository: self.repository.clone(),
            id,
            title: format!("Change number {id}"),
            description: String::new(),
            state,
            author: person(0),
            reviewers: vec![reviewer(1, Review::Approved), Reviewer { participated_on: None, ..reviewer(2, Review::Awaited) }],
            source_branch: format!("change/{id}"),
            destination_branch: "main".to_owned(),
            closed_by: (state != PullRequestState::Open).then(|| person(1)),
            comment_count: u32::try_from(id % 4).unwrap_or_default(),
            created_on,
            updated_on,
        }
    }
}

impl<'a> Listed<'a> {
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::Kept(pull_request) => pull_request.id,
            Self::Crowded(_, id) => *id,
        }
    }

    pub(crate) fn state(&self) -> PullRequestState {
        match self {
            Self::Kept(pull_request) => pull_request.state,
            Self::Crowded(_, id) => Crowd::state(*id),
        }
    }

    pub(crate) fn created_on(&self) -> DateTime<Utc> {
        match self {
            Self::Kept(pull_request) => pull_request.created_on,
            Self::Crowded(crowd, id) => crowd.created_on(*id),
        }
    }

    pub(crate) fn updated_on(&self) -> DateTime<Utc> {
        match self {
            Self::Kept(pull_request) => pull_request.updated_on,
            Self::Crowded(crowd, id) => crowd.created_on(*id) + Duration::minutes(MINUTES_UNTIL_LAST_CHANGE),
        }
    }

    pub(crate) fn whole(&self, world: &World) -> Cow<'a, PullRequest> {
        match self {
            Self::Kept(pull_request) => Cow::Borrowed(pull_request),
            Self::Crowded(crowd, id) => Cow::Owned(crowd.whole(world, *id)),
        }
    }
}

impl World {
    /// Fills a workspace (UUID or slug) with so many private repositories `service-00001` and on, in three projects, with so many
    /// pull requests spread over them.
    pub fn populate(&mut self, workspace: &str, repositories: u64, pull_requests: u64, now: DateTime<Utc>) {
        let Some(workspace) = self.workspace(workspace).map(|workspace| workspace.uuid.clone()) else { return };
        for key in ["A", "B", "C"] {
            let uuid = format!("{{{}}}", Uuid::new_v4());
            let (key, name) = (format!("CROWD{key}"), format!("Crowd {key}"));
            self.projects.push(Project { uuid, key, name, workspace: workspace.clone() });
        }
        for number in 1..=repositories {
            let uuid = format!("{{{}}}", Uuid::from_u128(0x5e41_ce00_0000_4000_8000_0000_0000_0000 + u128::from(number)));
            let project = ["CROWDA", "CROWDB", "CROWDC"][usize::try_from(number % 3).unwrap_or_default()];
            self.repositories.push(Repository::new(&workspace, project, &uuid, &format!("service-{number:05}"), now));
            let count = pull_requests / repositories + u64::from(number <= pull_requests % repositories);
            self.crowds.push(Crowd { repository: uuid, count, newest: now });
        }
    }

    /// Gives a repository (UUID, slug or name in full) the pull requests 1 to `count`, beside those that it has but in the place of a
    /// former crowd.
    pub fn crowd(&mut self, repository: &str, count: u64, newest: DateTime<Utc>) {
        let Some(repository) = self.repository(repository).map(|repository| repository.uuid.clone()) else { return };
        self.crowds.retain(|crowd| crowd.repository != repository);
        self.crowds.push(Crowd { repository, count, newest });
    }

    /// The pull request with this number, also one of a crowd.
    #[must_use]
    pub fn find_pull_request(&self, repository: &str, id: u64) -> Option<Cow<'_, PullRequest>> {
        if let Some(kept) = self.pull_request(repository, id) {
            return Some(Cow::Borrowed(kept));
        }
        let repository = &self.repository(repository)?.uuid;
        let crowd = self.crowds.iter().find(|crowd| crowd.repository == *repository)?;
        (1..=crowd.count).contains(&id).then(|| Cow::Owned(crowd.whole(self, id)))
    }

    /// Every pull request of a repository, the newest number first.
    pub(crate) fn pull_requests_of<'a>(&'a self, repository: &Repository) -> Vec<Listed<'a>> {
        let kept = self.pull_requests.iter().filter(|it| it.repository == repository.uuid);
        let mut listed: Vec<Listed<'a>> = kept.map(Listed::Kept).collect();
        if let Some(crowd) = self.crowds.iter().find(|crowd| crowd.repository == repository.uuid) {
            let known: Vec<u64> = listed.iter().map(Listed::id).collect();
            listed.extend((1..=crowd.count).filter(|id| !known.contains(id)).map(|id| Listed::Crowded(crowd, id)));
        }
        listed.sort_by_key(|listed| std::cmp::Reverse(listed.id()));
        listed
    }

    /// Whether somebody (an account id) may anything in a repository.
    #[must_use]
    pub fn can_see(&self, repository: &Repository, account_id: &str) -> bool {
        self.permission(repository, account_id) > Permission::None
    }
}
