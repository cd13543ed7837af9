//! The client of the Bitbucket REST API. No SQL, no people; `connections` gives it credentials, jobs, pages and REST ask the questions.
//!
//! What is called is in <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>. Calls go to the configured host only; a redirect or
//! a `next` is followed there and nowhere else, because it could carry the credential away. What Bitbucket keeps on other hosts is fetched
//! without one (`elsewhere`).

pub mod answers;
mod budget;
mod call;
mod calls;
mod client;
mod credential;
mod elsewhere;
mod failure;
mod flights;
mod gate;
pub mod grants;
mod limits;
mod multipart;
pub mod oauth;
mod operation;
pub mod operations;
mod pages;
mod path;
mod repeat;

pub use answers::{Membership, Page, Participant, PullRequest, Repository, User, Workspace};
pub use call::{Answer, Body, Call};
pub use calls::{
    CommitQuery, HookPlace, NewHook, PullRequestQuery, PullRequestState, RepositoryName, RepositoryQuery, WorkspaceName,
};
pub use client::{Client, Clock};
pub use credential::{Credential, Signer, Urgency};
pub use failure::{Barrier, Doing, Failure, Feature};
pub use multipart::Part;
pub use pages::Pages;
pub use path::{ApiPath, PathRefused};

#[cfg(test)]
mod tests;
