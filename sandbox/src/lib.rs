//! A stand-in Bitbucket Cloud for tests, benches and the demo. It is never linked into the server and shares no code with it: it
//! signs with code of its own, so that two implementations that agree are the test.
//!
//! [`Sandbox::start`] runs it; everything it can do is on [`Bitbucket`]. The modules in reading order:
//!
//! | module | what lives there |
//! | --- | --- |
//! | `percent`, `html` | encodings |
//! | `signing`, `token` | canonical request, query string hash, JWT |
//! | `world`, `demo`, `resource` | what there is, an example of it, its JSON |
//! | `descriptor`, `module`, `registered_app`, `installation` | apps and where they are installed |
//! | `oauth` | consumers, and what people have granted them |
//! | `bitbucket`, `calls`, `misbehaviour` | the shared state, the record of calls, the faults |
//! | `lifecycle_payload`, `lifecycle`, `webhook`, `frame` | what is sent to an app, and the addresses it is framed under |
//! | `forge` | the same by Forge: installations, signed invocations, events, the proxy of an app's pages |
//! | `api`, `pages`, `server`, `sandbox` | REST 2.0, pages for a browser, the routes, starting and stopping |

mod api;
mod bitbucket;
mod calls;
mod demo;
mod descriptor;
mod forge;
mod frame;
mod html;
mod installation;
mod lifecycle;
mod lifecycle_payload;
mod misbehaviour;
mod module;
mod oauth;
mod pages;
mod percent;
mod registered_app;
mod resource;
mod sandbox;
mod server;
mod signing;
mod token;
mod webhook;
mod world;

pub use bitbucket::Bitbucket;
pub use calls::{Call, Sent};
pub use descriptor::{Descriptor, DescriptorRefused};
pub use forge::{
    ForgeCaller, ForgeInstall, ForgeInstallation, ForgePage, ForgeRoutes, ForgeToken, RemoteAnswer, RemoteFailed, RemoteRequest,
};
pub use installation::{App, Installation, Missing};
pub use lifecycle::{ClientKey, Install, InstallFailed};
pub use lifecycle_payload::LifecyclePayload;
pub use misbehaviour::{Fault, Misbehaviour};
pub use oauth::Consumer;
pub use percent::{percent_decode, percent_encode, query_pairs};
pub use sandbox::{Options, Sandbox};
pub use signing::{canonical_request, canonical_request_of_pairs, query_string_hash};
pub use token::{Token, is_signed_with, unverified_claims};
pub use world::{Email, PullRequest, PullRequestState, Repository, Review, Reviewer, User, Workspace, World};
