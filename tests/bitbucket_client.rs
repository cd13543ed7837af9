//! The client of Bitbucket against the sandbox, which was written apart from it: every typed call with a real answer, each call as
//! Bitbucket's own OpenAPI file has it, a large workspace, and the budget that both count by themselves.

mod large_workspace;

use std::sync::Arc;

use bitbucket_sandbox::{AccessToken, Options, Reach, Resource, RetryAfter, Sandbox, openapi};
use chrono::DateTime;
use clarityloop_bitbucket::bitbucket::{
    Client, CommitQuery, Credential, Failure, Feature, HookPlace, NewHook, PullRequestQuery, PullRequestState, RepositoryName,
    RepositoryQuery, WorkspaceName,
};
use clarityloop_bitbucket::config::{Now, Random, Secret};
use clarityloop_bitbucket::telemetry::Metrics;
use uuid::Uuid;

use crate::harness::AMARA;

const CHECKOUT: &str = "lumenpay/checkout";

/// The sandbox and a client whose clock is the sandbox's.
struct Beside {
    sandbox: Arc<Sandbox>,
    client: Client,
}

impl Beside {
    async fn start() -> Self {
        let sandbox = Arc::new(Sandbox::start(Options::default()).await.expect("the sandbox starts"));
        let time = Arc::clone(&sandbox);
        let clock = Arc::new(move || Now::new(time.now(), Random::system()));
        let client = Client::new(sandbox.url(), Metrics::new().expect("metrics"), clock).expect("a client");
        Self { sandbox, client }
    }

    /// An access token of the workspace.
    fn token(&self, scopes: &[&str]) -> Credential {
        self.sandbox.add_access_token(AccessToken::new("t0ken", Reach::Workspace("lumenpay".to_owned()), scopes));
        Credential::bearer("connection:1", Secret::new("t0ken"))
    }

    /// What Amara has granted.
    fn amara(&self, scopes: &[&str]) -> Credential {
        let pair = self.sandbox.grant_directly("key", AMARA, scopes);
        Credential::bearer("connection:2", Secret::new(pair.access_token))
    }

    /// Fails on a call that the sandbox does not know or that is not as the OpenAPI file has it.
    fn assert_conforming(&self) {
        let unexpected = self.sandbox.unexpected_calls();
        assert!(unexpected.is_empty(), "{unexpected:?}");
        assert_eq!(openapi::check_requests(&self.sandbox.calls()).unwrap_or_default(), Vec::<String>::new());
    }
}

fn uuid(in_braces: &str) -> Uuid {
    Uuid::try_parse(in_braces.trim_matches(['{', '}'])).expect("a UUID")
}

#[tokio::test]
async fn what_a_person_reads_is_understood() {
    let beside = Beside::start().await;
    let (client, amara) = (&beside.client, beside.amara(&["account", "email", "repository", "project"]));
    let workspace = WorkspaceName::Slug("lumenpay".to_owned());
    assert_eq!(client.user(&amara).await.unwrap().account_id.as_deref(), Some(AMARA));
    assert_eq!(client.emails(&amara).unwrap().next_page().await.unwrap().unwrap().values.len(), 1);
    assert_eq!(client.workspaces(&amara).unwrap().next_page().await.unwrap().unwrap().values.len(), 1);
    client.workspace_permission(&amara, &workspace).await.unwrap();
    let own = client.own_repository_permissions(&amara, &workspace, Some("permission=\"write\"")).unwrap();
    assert_eq!(own.at_most(10).await.unwrap().0.len(), 3);
    assert_eq!(client.members(&amara, &workspace).unwrap().at_most(10).await.unwrap().0.len(), 6);
    let query = RepositoryQuery {
        q: Some("project.key=\"PAY\"".to_owned()),
        sort: Some("-updated_on".to_owned()),
        role: Some("member".to_owned()),
    };
    assert_eq!(client.repositories(&amara, &workspace, &query).unwrap().at_most(10).await.unwrap().0.len(), 2);
    assert_eq!(client.projects(&amara, &workspace).unwrap().at_most(10).await.unwrap().0.len(), 2);
    beside.assert_conforming();
}

#[tokio::test]
async fn what_a_token_reads_of_a_repository_is_understood() {
    let beside = Beside::start().await;
    let (client, token) = (&beside.client, beside.token(&["account", "repository", "pullrequest", "pipeline"]));
    let name = RepositoryName::Full(CHECKOUT.to_owned());
    client.repository(&token, &name).await.unwrap();
    let branches = client.branches(&token, &name, Some("name ~ \"release\""), Some("-target.date")).unwrap();
    assert_eq!(branches.at_most(10).await.unwrap().0.len(), 1);
    client.branch(&token, &name, "release/2026-11").await.unwrap();
    client.branching_model(&token, &name).await.unwrap();
    let of_branch =
        CommitQuery { include: vec!["retry-declined-cards".to_owned()], exclude: vec!["main".to_owned()], path: None };
    let commits = client.commits(&token, &name, &of_branch).unwrap().at_most(100).await.unwrap().0;
    assert_eq!(commits.len(), 2);
    let all = client.commits(&token, &name, &CommitQuery::default()).unwrap().at_most(1000).await.unwrap();
    assert!(all.0.len() > 40 && !all.1);
    assert_eq!(client.pull_request_diffstat(&token, &name, 412).unwrap().at_most(10).await.unwrap().0.len(), 4);
    let states = vec![PullRequestState::Open, PullRequestState::Merged];
    let query = PullRequestQuery { states: states.clone(), updated_since: None };
    assert_eq!(client.pull_requests(&token, &name, &query).unwrap().at_most(10).await.unwrap().0.len(), 4);
    let since = PullRequestQuery { states, updated_since: DateTime::from_timestamp(1_000_000_000, 0) };
    assert_eq!(client.pull_requests(&token, &name, &since).unwrap().at_most(10).await.unwrap().0.len(), 4);
    client.pull_request(&token, &name, 412).await.unwrap();
    assert!(!client.pull_request_activity(&token, &name, 412).unwrap().at_most(50).await.unwrap().0.is_empty());
    assert!(!client.repository_activity(&token, &name).unwrap().at_most(50).await.unwrap().0.is_empty());
    assert_eq!(client.comment_count(&token, &name, 412).await.unwrap(), Some(2));
    assert_eq!(client.pipelines(&token, &name, Some("main")).unwrap().at_most(50).await.unwrap().0.len(), 12);
    let run = uuid(&beside.sandbox.world(|world| world.pipelines[0].uuid.clone()));
    client.pipeline(&token, &name, run).await.unwrap();
    assert_eq!(client.steps(&token, &name, run).unwrap().at_most(50).await.unwrap().0.len(), 2);
    assert!(!client.deployments(&token, &name).unwrap().at_most(50).await.unwrap().0.is_empty());
    assert_eq!(client.environments(&token, &name).unwrap().at_most(50).await.unwrap().0.len(), 3);
    let ledger = RepositoryName::Full("lumenpay/ledger".to_owned());
    let off = client.pipelines(&token, &ledger, None).unwrap().next_page().await;
    assert!(matches!(off, Err(Failure::NotEnabled { what: Feature::Pipelines })), "{off:?}");
    beside.assert_conforming();
}

#[tokio::test]
async fn a_hook_is_made_changed_and_removed_as_the_sandbox_wants_it() {
    let beside = Beside::start().await;
    let (client, token) = (&beside.client, beside.token(&["webhook", "pullrequest"]));
    let place = HookPlace::Repository(RepositoryName::Full(CHECKOUT.to_owned()));
    let wanted = NewHook {
        description: "ClarityLoop".to_owned(),
        url: "https://clarityloop.example.com/hooks/bitbucket/1".to_owned(),
        active: true,
        secret: Some(Secret::new("hook secret")),
        events: vec!["pullrequest:updated".to_owned()],
    };
    client.create_hook(&token, &place, &wanted).await.unwrap();
    let made = beside.sandbox.hooks().pop().expect("a hook");
    assert_eq!(made.secret.as_deref(), Some("hook secret"));
    let id = uuid(&made.uuid);
    client.update_hook(&token, &place, id, &NewHook { secret: None, active: false, ..wanted.clone() }).await.unwrap();
    let changed = beside.sandbox.hooks().pop().expect("a hook");
    assert_eq!((changed.active, changed.secret.as_deref()), (false, Some("hook secret")), "a secret that is not named stays");
    assert_eq!(client.hooks(&token, &place).unwrap().at_most(10).await.unwrap().0.len(), 1);
    client.delete_hook(&token, &place, id).await.unwrap();
    assert!(beside.sandbox.hooks().is_empty());
    let elsewhere = beside.token(&["repository"]);
    let refused = client.create_hook(&elsewhere, &place, &wanted).await;
    assert!(matches!(refused, Err(Failure::MissingScopes { .. })), "{refused:?}");
    beside.assert_conforming();
}

#[tokio::test]
async fn a_workspace_of_5000_repositories_pages_through_within_the_budget() {
    let beside = Beside::start().await;
    let (client, token) = (&beside.client, beside.token(&["repository", "pullrequest"]));
    let now = beside.sandbox.now();
    beside.sandbox.world(|world| world.populate("lumenpay", 5_000, 50_000, now));
    let workspace = WorkspaceName::Slug("lumenpay".to_owned());
    let repositories = client.repositories(&token, &workspace, &RepositoryQuery::default()).unwrap();
    assert_eq!(repositories.at_most(10_000).await.unwrap().0.len(), 5_003);
    assert_eq!(beside.sandbox.calls().len(), 51, "a hundred a page");
    let name = RepositoryName::Full("lumenpay/service-00007".to_owned());
    let every = vec![PullRequestState::Open, PullRequestState::Merged, PullRequestState::Declined];
    let query = PullRequestQuery { states: every, updated_since: None };
    assert_eq!(client.pull_requests(&token, &name, &query).unwrap().at_most(100).await.unwrap().0.len(), 10);
    assert_eq!(beside.sandbox.calls_of_last_hour("Sandbox token", Resource::RepositoryData), 52);
    beside.assert_conforming();
}

#[tokio::test]
async fn when_the_sandbox_says_too_many_the_client_stays_away() {
    let beside = Beside::start().await;
    let (client, token) = (&beside.client, beside.token(&["repository"]));
    beside.sandbox.answer_too_many_with(RetryAfter::Seconds);
    beside.sandbox.limit_calls(Resource::RepositoryData, 0);
    let name = RepositoryName::Full(CHECKOUT.to_owned());
    for _ in 0..3 {
        let refused = client.repository(&token.clone().in_background(), &name).await;
        assert!(matches!(refused, Err(Failure::RateLimited { .. })), "{refused:?}");
    }
    assert_eq!(beside.sandbox.calls().len(), 1, "it was told once and asked no more");
}
