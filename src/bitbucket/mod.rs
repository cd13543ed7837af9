//! The client of the Bitbucket REST API. No SQL, no people; `connections` gives it credentials, jobs, pages and REST ask the questions.
//!
//! What is called is in <https://developer.atlassian.com/cloud/bitbucket/rest/intro/>. Calls go to the configured host only; a redirect or
//! a `next` is followed there and nowhere else, because it could carry the credential away.

mod answers;
mod call;
mod calls;
mod client;
mod credential;
mod failure;
pub mod grants;
pub mod oauth;
mod operation;
pub mod operations;
mod path;

pub use answers::{Membership, Page, Participant, PullRequest, Repository, User, Workspace};
pub use call::{Answer, Body, Call};
pub use calls::RepositoryName;
pub use client::{Client, Clock};
pub use credential::{Credential, Signer, Urgency};
pub use failure::{Barrier, Doing, Failure, Feature};
pub use path::{ApiPath, PathRefused};
