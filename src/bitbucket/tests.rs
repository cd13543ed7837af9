//! The client against a server that answers what each test says, byte by byte.

mod against_the_specification;
mod faults;
mod limits;
mod paging;
mod stub;
