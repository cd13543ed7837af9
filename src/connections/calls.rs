//! Calls of the Bitbucket API that members and their programs make: what is allowed. Doors call it.

pub mod allowed;
