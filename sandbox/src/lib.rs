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
//! | `oauth`, `access_tokens` | consumers, what people have granted them, tokens that people paste |
//! | `budget` | how often a credential may call |
//! | `bitbucket`, `calls`, `misbehaviour`, `secrets` | the shared state, the record of calls, the faults, what must stay secret |
//! | `lifecycle_payload`, `lifecycle`, `webhook`, `hook`, `frame` | what is sent to an app, and the addresses it is framed under |
//! | `forge` | the same by Forge: installations, signed invocations, events, the proxy of an app's pages |
//! | `openapi` | Bitbucket's own description of its API, and what is not as it says |
//! | `record`, `fault` | what surrounds the API, and how faults look |
//! | `downloads`, `multipart`, `storage` | files that are kept on another host, forms with files, that host |
//! | `api`, `pages`, `server`, `sandbox` | REST 2.0, pages for a browser, the routes, starting and stopping |
//!
//! # For tests of what calls the API
//!
//! ```text
//! // Consumers and people: a pair of tokens without a browser, or the consent page at /site/oauth2/authorize.
//! sandbox.add_consumer(Consumer { .. });
//! let pair = sandbox.grant_directly("key", AMARA, &["account", "repository"]);   // access_token, refresh_token
//! sandbox.make_consumer_private("key", "lumenpay");                              // client credentials
//! sandbox.answer_with_scopes(true); sandbox.tokens_live_seconds(60);             // switches of the token endpoint
//! sandbox.expire_access_tokens(); sandbox.revoke_grants("key", AMARA);
//!
//! // Tokens that are pasted.
//! sandbox.add_access_token(AccessToken::new("secret", Reach::Workspace("lumenpay".into()), &["repository", "webhook"]));
//! sandbox.add_api_token(ApiToken::new("secret", "amara@lumenpay.example", AMARA, &["read:repository:bitbucket"]));
//! sandbox.revoke_token("secret");
//!
//! // Who may what: owner, member, collaborator, none; admin, write, read, none.
//! sandbox.world(|world| world.enrol("lumenpay", PRIYA, WorkspacePermission::Owner));
//! sandbox.world(|world| world.permit("lumenpay/checkout", AMARA, Permission::None));
//!
//! // A budget for each credential, 1,000 calls an hour unless told; the clock is `set_now`.
//! sandbox.limit_calls(Resource::RepositoryData, 5); sandbox.answer_too_many_with(RetryAfter::Date);
//! sandbox.show_calls_left(true); sandbox.limit_no_calls(); sandbox.calls_of_last_hour(AMARA, Resource::RepositoryData);
//!
//! // Faults for paths with a prefix, also of the token endpoint: done but answered late or never, and many more.
//! sandbox.misbehave(Misbehaviour::on("/site/oauth2/access_token", Fault::LostAnswer).times(1));
//! sandbox.misbehave(Misbehaviour::on("/2.0/repositories/", Fault::NextElsewhere("https://elsewhere.example".into())));
//! sandbox.misbehave(Misbehaviour::on("/2.0/", Fault::Status(555))); sandbox.behave();
//!
//! // Webhooks that were made over REST.
//! sandbox.hooks(); sandbox.remove_hook(&uuid); sandbox.deliver_to_hooks("pullrequest:updated", "lumenpay/checkout", 412, AMARA).await;
//! let delivery = sandbox.delivery(&uuid, "repo:push", &body)?; sandbox.send(&delivery).await; hub_signature("secret", bytes);
//!
//! // Worlds: 5,000 repositories and 50,000 pull requests that take no memory, and what one repository holds.
//! sandbox.world(|world| world.populate("lumenpay", 5_000, 50_000, now));
//! sandbox.world(|world| world.crowd("lumenpay/ledger", 300, now));               // 300 pull requests more in one
//! sandbox.world(|world| world.push("lumenpay/ledger", "feature/x", LUCIA, "Message", now));
//! sandbox.world(|world| world.branch_off("lumenpay/ledger", "release/1"));
//! sandbox.world(|world| world.put_file("lumenpay/ledger", "src/lib.rs", b"..", &[]));
//! sandbox.world(|world| world.enable_pipelines("lumenpay/ledger", 20, now));
//! sandbox.world(|world| world.enable_code_search("lumenpay")); sandbox.remove_code_search(true);
//! sandbox.world(|world| world.add_default_reviewer("lumenpay/ledger", INGRID));
//!
//! // Whether what was asked is as Bitbucket's OpenAPI file has it.
//! sandbox.expect_misfits("made_up is no parameter"); assert_eq!(sandbox.misfits(), Vec::<String>::new());
//! // Whether anything of this lies open somewhere.
//! sandbox.secrets();
//!
//! // What was asked: method, path, query, body, status, whose credential of which kind.
//! sandbox.calls().iter().filter(|call| call.credential == Some(CredentialKind::OAuth));
//! ```

mod access_tokens;
mod api;
mod bitbucket;
mod budget;
mod calls;
mod demo;
mod descriptor;
mod downloads;
mod fault;
mod forge;
mod frame;
mod hook;
mod html;
mod installation;
mod lifecycle;
mod lifecycle_payload;
mod misbehaviour;
mod module;
mod multipart;
mod oauth;
pub mod openapi;
mod pages;
mod percent;
mod record;
mod registered_app;
mod resource;
mod sandbox;
mod secrets;
mod server;
mod signing;
mod storage;
mod token;
mod webhook;
mod world;

pub use access_tokens::{AccessToken, ApiToken, Reach};
pub use bitbucket::Bitbucket;
pub use budget::{Resource, RetryAfter};
pub use calls::{Call, CredentialKind, Sent};
pub use descriptor::{Descriptor, DescriptorRefused};
pub use forge::{
    ForgeCaller, ForgeInstall, ForgeInstallation, ForgePage, ForgeRoutes, ForgeToken, RemoteAnswer, RemoteFailed, RemoteRequest,
};
pub use hook::{Delivery, Hook, hub_signature};
pub use installation::{App, Installation, Missing};
pub use lifecycle::{ClientKey, Install, InstallFailed};
pub use lifecycle_payload::LifecyclePayload;
pub use misbehaviour::{Fault, Misbehaviour};
pub use oauth::{Consumer, TokenPair};
pub use percent::{percent_decode, percent_encode, query_pairs};
pub use sandbox::{Options, Sandbox};
pub use signing::{canonical_request, canonical_request_of_pairs, query_string_hash};
pub use token::{Token, is_signed_with, unverified_claims};
pub use world::{
    Branch, Comment, Commit, Crowd, Email, File, Membership, Permission, Pipeline, Project, PullRequest, PullRequestState,
    Repository, RepositoryPermission, Review, Reviewer, User, Workspace, WorkspacePermission, World,
};
