//! What code search finds.

use serde::Deserialize;

use super::{Repository, lenient};

/// A file with matches.
#[derive(Clone, Debug, Deserialize)]
pub struct SearchResult {
    /// How many places match.
    #[serde(default)]
    pub content_match_count: Option<u64>,
    /// The places.
    #[serde(default, deserialize_with = "lenient::list")]
    pub content_matches: Vec<ContentMatch>,
    /// Where the path itself matches.
    #[serde(default, deserialize_with = "lenient::list")]
    pub path_matches: Vec<Segment>,
    /// Which file.
    #[serde(default)]
    pub file: Option<FoundFile>,
}

/// A place that matches, with lines around it.
#[derive(Clone, Debug, Deserialize)]
pub struct ContentMatch {
    /// The lines.
    #[serde(default, deserialize_with = "lenient::list")]
    pub lines: Vec<Line>,
}

/// A line of a file.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    #[serde(default)]
    pub line: Option<u64>,
    /// The line in pieces, those that match marked.
    #[serde(default, deserialize_with = "lenient::list")]
    pub segments: Vec<Segment>,
}

/// A piece of a line or path.
#[derive(Clone, Debug, Deserialize)]
pub struct Segment {
    /// The text.
    #[serde(default)]
    pub text: Option<String>,
    /// Whether it is what was looked for.
    #[serde(default, rename = "match", deserialize_with = "lenient::or_default")]
    pub is_match: bool,
}

/// A file that was found.
#[derive(Clone, Debug, Deserialize)]
pub struct FoundFile {
    /// From the root of the repository.
    #[serde(default)]
    pub path: Option<String>,
    /// The commit it was indexed at, with its repository.
    #[serde(default)]
    pub commit: Option<IndexedCommit>,
}

/// The commit a file was indexed at.
#[derive(Clone, Debug, Deserialize)]
pub struct IndexedCommit {
    /// The hash.
    #[serde(default)]
    pub hash: Option<String>,
    /// The repository, because our search asks for it.
    #[serde(default)]
    pub repository: Option<Repository>,
}
