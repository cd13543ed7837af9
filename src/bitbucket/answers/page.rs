//! A part of a list.

use serde::Deserialize;

use super::lenient;

/// A part of a list. Only `values` and `next` are promised.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Page<T> {
    /// The entries.
    #[serde(default = "Vec::new", deserialize_with = "lenient::list")]
    pub values: Vec<T>,
    /// The address of the next part; absent on the last.
    #[serde(default)]
    pub next: Option<String>,
    /// How many entries the whole list has.
    #[serde(default)]
    pub size: Option<u64>,
    /// The number of this part, from 1.
    #[serde(default)]
    pub page: Option<u64>,
    /// How many entries a part has at most.
    #[serde(default)]
    pub pagelen: Option<u64>,
}
