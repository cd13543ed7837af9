//! Commits, what they change, and files.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{User, lenient};

/// A commit, whole or as far as another object names it. In pull requests the hash has 12 characters, elsewhere 40.
#[derive(Clone, Debug, Deserialize)]
pub struct Commit {
    /// The hash.
    #[serde(default)]
    pub hash: Option<String>,
    /// When it was committed.
    #[serde(default, deserialize_with = "lenient::moment")]
    pub date: Option<DateTime<Utc>>,
    /// The whole message.
    #[serde(default)]
    pub message: Option<String>,
    /// Who wrote it.
    #[serde(default)]
    pub author: Option<CommitAuthor>,
    /// The commits it follows; several for a merge.
    #[serde(default, deserialize_with = "lenient::list")]
    pub parents: Vec<CommitName>,
}

/// A commit by its hash alone.
#[derive(Clone, Debug, Deserialize)]
pub struct CommitName {
    /// The hash.
    #[serde(default)]
    pub hash: Option<String>,
}

/// Who wrote a commit.
#[derive(Clone, Debug, Deserialize)]
pub struct CommitAuthor {
    /// `Name <address>`, as git has it.
    #[serde(default)]
    pub raw: Option<String>,
    /// The account; absent when the address is no account's.
    #[serde(default)]
    pub user: Option<User>,
}

/// What happened to one file.
#[derive(Clone, Debug, Deserialize)]
pub struct FileChange {
    /// `added`, `removed`, `modified`, `renamed`, or what is yet to come.
    #[serde(default)]
    pub status: Option<String>,
    /// Lines that came.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub lines_added: u64,
    /// Lines that went.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub lines_removed: u64,
    /// Where it was; null for a new file.
    #[serde(default)]
    pub old: Option<FileName>,
    /// Where it is; null for one that is gone.
    #[serde(default)]
    pub new: Option<FileName>,
}

/// A file by its path alone.
#[derive(Clone, Debug, Deserialize)]
pub struct FileName {
    /// From the root of the repository.
    #[serde(default)]
    pub path: Option<String>,
}

/// A file or folder, without its contents.
#[derive(Clone, Debug, Deserialize)]
pub struct SourceEntry {
    /// `commit_file` or `commit_directory`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// From the root of the repository.
    #[serde(default)]
    pub path: Option<String>,
    /// In bytes; absent for a folder.
    #[serde(default)]
    pub size: Option<u64>,
    /// As its name suggests.
    #[serde(default)]
    pub mimetype: Option<String>,
    /// Of `link`, `executable`, `subrepository`, `binary`, `lfs`.
    #[serde(default, deserialize_with = "lenient::list")]
    pub attributes: Vec<String>,
}

impl SourceEntry {
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.kind.as_deref() == Some("commit_file")
    }

    /// Whether its contents are text that Bitbucket has itself: not binary, not in LFS, no link and no other repository.
    pub fn is_text(&self) -> bool {
        self.is_file() && !self.attributes.iter().any(|word| ["binary", "lfs", "link", "subrepository"].contains(&word.as_str()))
    }
}
