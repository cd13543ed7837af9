//! The pages: sign-in, home, the four kinds of conversation, people, profile, API tokens, claiming, settings. Doors for people in a browser; rules
//! are in `people` and `connections`.

pub mod assets;
pub mod bitbucket_sign_in;
pub mod browser;
pub mod calls;
pub mod claim;
pub mod conversation_links;
pub mod conversations;
pub mod cookies;
pub mod failure;
pub mod feedback;
pub mod feedback_list;
pub mod forms;
pub mod goals;
pub mod home;
pub mod identities;
pub mod one_on_ones;
pub mod owner;
pub mod page;
pub mod people;
pub mod profile;
pub mod repositories;
pub mod request_list;
pub mod requests;
pub mod session;
pub mod settings;
pub mod shared_work;
pub mod sign_in;
pub mod static_files;
pub mod tokens;
pub mod tries;
pub mod zone;
