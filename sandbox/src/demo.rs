//! A small world to try things in: one company, six people, three repositories, eight pull requests, and one personal workspace.

use crate::world::{
    Email, Membership, Project, PullRequest, PullRequestState, Repository, Review, Reviewer, User, Workspace,
    WorkspacePermission, World,
};
use chrono::{DateTime, Duration, Utc};

const LUMENPAY: &str = "{5f0c7a52-1d0e-4b8b-9a3e-6a1f0e5d2c11}";
const CHECKOUT: &str = "{a1c40e1b-52a4-4e58-8d6b-0b7b7c3a9f01}";
const LEDGER: &str = "{b2d51f2c-63b5-4f69-9e7c-1c8c8d4ba002}";
const HANDBOOK: &str = "{c3e6203d-74c6-407a-8f8d-2d9d9e5cb103}";

const PRIYA: &str = "712020:11f6a8b0-0c5a-4d1e-9a57-6a2f1c0d0001";
const AMARA: &str = "712020:22a7b9c1-1d6b-4e2f-8b68-7b3a2d1e0002";
const TOMASZ: &str = "712020:33b8cad2-2e7c-4f30-9c79-8c4b3e2f0003";
const LUCIA: &str = "712020:44c9dbe3-3f8d-4041-8d8a-9d5c4f300004";
const MEI: &str = "712020:55daecf4-409e-4152-9e9b-ae6d50410005";
const INGRID: &str = "712020:66ebfd05-51af-4263-8fac-bf7e61520006";

impl World {
    /// The workspace `lumenpay` and Priya Raman's personal workspace `priya-raman`. Dates count back from `now`.
    #[must_use]
    pub fn demo(now: DateTime<Utc>) -> Self {
        let users = users();
        let priya_uuid = users.first().map(|user| user.uuid.clone()).unwrap_or_default();
        let mut world = Self {
            workspaces: workspaces(priya_uuid),
            users,
            emails: emails(),
            memberships: owners(),
            projects: projects(),
            repositories: repositories(now),
            pull_requests: pull_requests(now),
            ..Self::default()
        };
        world.enable_pipelines(CHECKOUT, 12, now);
        world.branch_off(CHECKOUT, "release/2026-11");
        world
    }
}

fn workspaces(priya_uuid: String) -> Vec<Workspace> {
    vec![
        Workspace { uuid: LUMENPAY.into(), slug: "lumenpay".into(), name: "Lumen Pay".into(), personal: false },
        Workspace { uuid: priya_uuid, slug: "priya-raman".into(), name: "Priya Raman".into(), personal: true },
    ]
}

fn users() -> Vec<User> {
    [
        (PRIYA, "{d4f7314e-85d7-418b-909e-3eaeaf6dc204}", "Priya Raman"),
        (AMARA, "{e508425f-96e8-429c-81af-4fbfb07ed305}", "Amara Okafor"),
        (TOMASZ, "{f6195360-a7f9-43ad-92b0-50c0c18fe406}", "Tomasz Zieliński"),
        (LUCIA, "{072a6471-b80a-44be-83c1-61d1d290f507}", "Lucía Fernández"),
        (MEI, "{183b7582-c91b-45cf-94d2-72e2e3a10608}", "Mei Tanaka"),
        (INGRID, "{294c8693-da2c-46d0-85e3-83f3f4b21709}", "Ingrid Solberg"),
    ]
    .map(|(account_id, uuid, display_name)| User {
        account_id: account_id.into(),
        uuid: uuid.into(),
        display_name: display_name.into(),
    })
    .into()
}

/// Everybody has one at work; Tomasz has added another and not confirmed it.
fn emails() -> Vec<Email> {
    [
        (PRIYA, "priya@lumenpay.example", true),
        (AMARA, "Amara@LumenPay.example", true),
        (TOMASZ, "tomasz@lumenpay.example", true),
        (TOMASZ, "tomasz@zielinski.example", false),
        (LUCIA, "lucia@lumenpay.example", true),
        (MEI, "mei@lumenpay.example", true),
        (INGRID, "ingrid@lumenpay.example", true),
    ]
    .map(|(account_id, address, is_confirmed)| Email {
        account_id: account_id.into(),
        address: address.into(),
        is_confirmed,
        is_primary: is_confirmed,
    })
    .into()
}

fn owners() -> Vec<Membership> {
    vec![Membership { workspace: LUMENPAY.into(), account_id: INGRID.into(), permission: WorkspacePermission::Owner }]
}

fn projects() -> Vec<Project> {
    [
        ("{3a5d97a4-eb3d-47e1-96f4-940405c3281a}", "PAY", "Payments"),
        ("{4b6ea8b5-fc4e-48f2-87a5-a51516d4392b}", "PEOPLE", "People"),
    ]
    .map(|(uuid, key, name)| Project { uuid: uuid.into(), key: key.into(), name: name.into(), workspace: LUMENPAY.into() })
    .into()
}

fn repositories(now: DateTime<Utc>) -> Vec<Repository> {
    [
        (CHECKOUT, "checkout", "Checkout", "PAY", "typescript"),
        (LEDGER, "ledger", "Ledger", "PAY", "rust"),
        (HANDBOOK, "handbook", "Handbook", "PEOPLE", ""),
    ]
    .map(|(uuid, slug, name, project, language)| Repository {
        name: name.into(),
        private: slug != "handbook",
        language: language.into(),
        created_on: now - Duration::days(900),
        updated_on: now - Duration::days(1),
        ..Repository::new(LUMENPAY, project, uuid, slug, now)
    })
    .into()
}

fn pull_requests(now: DateTime<Utc>) -> Vec<PullRequest> {
    use PullRequestState::{Declined, Merged};
    use Review::{Approved, Awaited, ChangesRequested};
    let opened = |days_ago, repository, id, author, title, source_branch| {
        let created_on = now - Duration::days(days_ago);
        opened(created_on, repository, id, author, title, source_branch)
    };
    vec![
        opened(2, CHECKOUT, 412, AMARA, "Retry declined card payments once before telling the shopper", "retry-declined-cards")
            .described("A soft decline is retried after two seconds, with the same idempotency key.\n\nMeasured on staging: 31 % succeed.")
            .reviewed(&[(TOMASZ, Approved), (PRIYA, Awaited)]),
        opened(4, CHECKOUT, 409, TOMASZ, "Move the 3-D Secure challenge into its own frame", "three-d-secure-frame")
            .reviewed(&[(AMARA, ChangesRequested), (MEI, Approved)]),
        opened(6, CHECKOUT, 405, MEI, "Load the payment button without layout shift", "payment-button-shift")
            .reviewed(&[(LUCIA, Approved)])
            .closed(Merged, MEI),
        opened(9, CHECKOUT, 398, LUCIA, "Show prices in the shopper's currency", "shopper-currency")
            .reviewed(&[(AMARA, Approved), (PRIYA, Approved)])
            .closed(Merged, PRIYA),
        opened(1, LEDGER, 87, LUCIA, "Close the day's books in one transaction", "close-books-once")
            .reviewed(&[(INGRID, Awaited), (TOMASZ, Awaited)]),
        opened(5, LEDGER, 84, INGRID, "Reject postings that would unbalance an account", "balanced-postings")
            .reviewed(&[(LUCIA, Approved)]),
        opened(20, LEDGER, 71, TOMASZ, "Replace the nightly export with a stream", "export-stream")
            .reviewed(&[(INGRID, ChangesRequested)])
            .closed(Declined, TOMASZ),
        opened(3, HANDBOOK, 23, PRIYA, "How we review: small, kind, within a day", "how-we-review")
            .reviewed(&[(AMARA, Approved), (INGRID, Awaited)]),
    ]
}

fn opened(created_on: DateTime<Utc>, repository: &str, id: u64, author: &str, title: &str, source_branch: &str) -> PullRequest {
    PullRequest {
        repository: repository.into(),
        id,
        title: title.into(),
        description: String::new(),
        state: PullRequestState::Open,
        author: author.into(),
        reviewers: Vec::new(),
        source_branch: source_branch.into(),
        destination_branch: "main".into(),
        closed_by: None,
        comment_count: 2,
        created_on,
        updated_on: created_on + Duration::hours(5),
    }
}

impl PullRequest {
    fn described(mut self, description: &str) -> Self {
        self.description = description.into();
        self
    }

    fn reviewed(mut self, reviews: &[(&str, Review)]) -> Self {
        self.reviewers = reviews
            .iter()
            .map(|(account_id, review)| Reviewer {
                account_id: (*account_id).to_owned(),
                review: *review,
                participated_on: (*review != Review::Awaited).then_some(self.updated_on),
            })
            .collect();
        self
    }

    fn closed(mut self, state: PullRequestState, account_id: &str) -> Self {
        let updated_on = self.updated_on;
        self.close(state, account_id, updated_on);
        self
    }
}
