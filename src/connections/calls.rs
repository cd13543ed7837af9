//! Calls of the Bitbucket API that members and their programs make: what is asked, what owners allow, with whose right it is done, and
//! what is written down. Doors and `actions` call it.

mod access;
pub mod allowed;
mod asked;
pub(in crate::connections) mod kept;
mod own_grants;
mod perform;
mod permission;
mod place;
mod shown;

pub use access::Right;
pub use asked::{Asked, LARGEST_BODY_BYTES, LONGEST_QUERY_BYTES, MOST_PAIRS};
pub use kept::Kept;
pub use perform::{Answered, Manner, Outcome, Plan, make, refusal};
pub use permission::{Permissions, REMEMBERED_SECONDS};
pub use place::connected;
pub use shown::Shown;
