//! The pages: sign-in, profile, feedback, claiming. Doors for people in a browser; rules are in `people` and `connections`.

pub mod assets;
pub mod claim;
pub mod conversation_links;
pub mod conversations;
pub mod failure;
pub mod feedback;
pub mod home;
pub mod page;
pub mod profile;
pub mod session;
pub mod sign_in;
pub mod static_files;
