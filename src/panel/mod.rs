//! "Add to ClarityLoop": one panel for several doors, here the frame on a pull request page in Bitbucket.
//!
//! [`context`] is whose panel it is, proven by a signed address or by the panel's own [`token`]; [`actions`] are what it can do;
//! [`view`] puts what was read into words; [`page`] draws it; [`connect`] is the door.

pub mod actions;
pub mod connect;
pub mod context;
pub mod page;
pub mod token;
pub mod view;
pub mod wording;
