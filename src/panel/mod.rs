//! "Add to ClarityLoop": one panel for several doors.
//!
//! [`context`] is whose panel it is, proven by a signed address or by the panel's own [`token`]; [`actions`] are what it can do;
//! [`flow`] is what happens when it is opened or a form of it is sent; [`view`] puts what was read into words; [`page`] draws it.
//! [`connect`] is the door of the frame on a pull request page in Bitbucket, [`forge`] that of the Forge app's page there.

pub mod actions;
pub mod connect;
pub mod context;
pub mod flow;
pub mod forge;
pub mod page;
pub mod token;
pub mod view;
pub mod wording;
