//! Branches and commits. Every repository has a main branch of forty commits; a branch stands on top of it.

use super::{PullRequestState, Repository, World};
use crate::signing::hexadecimal;
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};

const MAIN_COMMITS: u32 = 40;
const BRANCH_COMMITS: u32 = 2;

/// A branch beside the main one, or what was pushed to one.
#[derive(Clone, Debug)]
pub struct Branch {
    /// UUID of the repository.
    pub repository: String,
    /// Its name, which may hold slashes.
    pub name: String,
    /// What was pushed to it, the newest last.
    pub pushed: Vec<Commit>,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Forty digits.
    pub hash: String,
    /// When.
    pub date: DateTime<Utc>,
    /// What it says.
    pub message: String,
    /// Account id of its author; none when the address in it belongs to nobody.
    pub author: Option<String>,
    /// The commit before it; the first has none.
    pub parent: Option<String>,
}

impl World {
    /// Pushes a commit to a branch of a repository (UUID, slug or name in full), which is made if it is not there. Its hash.
    pub fn push(&mut self, repository: &str, branch: &str, author: &str, message: &str, now: DateTime<Utc>) -> Option<String> {
        let repository = self.repository(repository)?.clone();
        let parent = self.history(&repository, branch).or_else(|| self.history(&repository, repository.main_branch.as_deref()?));
        let parent = parent.and_then(|history| history.first().map(|commit| commit.hash.clone()));
        let hash = hash_of(&[&repository.uuid, branch, message, &now.to_rfc3339(), parent.as_deref().unwrap_or_default()]);
        let (author, message) = (Some(author.to_owned()), message.to_owned());
        let commit = Commit { hash: hash.clone(), date: now, message, author, parent };
        self.branch_mut(&repository, branch).pushed.push(commit);
        Some(hash)
    }

    /// Makes a branch of a repository where its main branch stands.
    pub fn branch_off(&mut self, repository: &str, branch: &str) {
        if let Some(repository) = self.repository(repository).cloned() {
            self.branch_mut(&repository, branch);
        }
    }

    fn branch_mut(&mut self, repository: &Repository, name: &str) -> &mut Branch {
        let known = self.branches.iter().position(|branch| branch.repository == repository.uuid && branch.name == name);
        let place = known.unwrap_or_else(|| {
            self.branches.push(Branch { repository: repository.uuid.clone(), name: name.to_owned(), pushed: Vec::new() });
            self.branches.len() - 1
        });
        &mut self.branches[place]
    }

    /// The names of a repository's branches: the main one, those that were made, and those of open pull requests.
    pub(crate) fn branch_names(&self, repository: &Repository) -> Vec<String> {
        let made = self.branches.iter().filter(|branch| branch.repository == repository.uuid).map(|branch| branch.name.clone());
        let open = self.pull_requests_of(repository).into_iter().filter(|listed| listed.state() == PullRequestState::Open);
        let sources = open.map(|listed| listed.whole(self).source_branch.clone());
        let mut names: Vec<String> = repository.main_branch.iter().cloned().chain(made).chain(sources).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The commits that a branch holds, the newest first.
    pub(crate) fn history(&self, repository: &Repository, branch: &str) -> Option<Vec<Commit>> {
        let main = repository.main_branch.as_deref()?;
        if !self.branch_names(repository).iter().any(|name| name == branch) {
            return None;
        }
        let made = self.branches.iter().find(|known| known.repository == repository.uuid && known.name == branch);
        let mut commits: Vec<Commit> = made.into_iter().flat_map(|made| made.pushed.iter().rev().cloned()).collect();
        if branch != main && made.is_none() {
            commits.extend(self.worked_out(repository, branch, BRANCH_COMMITS));
        }
        if branch != main {
            let pushed = self.branches.iter().find(|known| known.repository == repository.uuid && known.name == main);
            commits.extend(pushed.into_iter().flat_map(|pushed| pushed.pushed.iter().rev().cloned()));
        }
        commits.extend(self.worked_out(repository, main, MAIN_COMMITS));
        Some(commits)
    }

    /// The commit that this hash, its first seven digits or more, or the name of a branch without a slash stands for.
    pub(crate) fn commit(&self, repository: &Repository, revision: &str) -> Option<Commit> {
        if !revision.contains('/')
            && let Some(history) = self.history(repository, revision)
        {
            return history.into_iter().next();
        }
        let is_hash = revision.len() >= 7 && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        let names = if is_hash { self.branch_names(repository) } else { Vec::new() };
        let mut histories = names.iter().filter_map(|name| self.history(repository, name)).flatten();
        histories.find(|commit| commit.hash.starts_with(revision))
    }

    /// The hash at the tip of a branch, also of one that is gone.
    pub(crate) fn tip(&self, repository: &Repository, branch: &str) -> String {
        let made = self.branches.iter().find(|known| known.repository == repository.uuid && known.name == branch);
        match made.and_then(|made| made.pushed.last()) {
            Some(commit) => commit.hash.clone(),
            None if made.is_some() || repository.main_branch.as_deref() == Some(branch) => {
                let main = repository.main_branch.as_deref().unwrap_or_default();
                hash_of(&[&repository.uuid, main, &MAIN_COMMITS.to_string()])
            }
            None => hash_of(&[&repository.uuid, branch, &BRANCH_COMMITS.to_string()]),
        }
    }

    fn worked_out(&self, repository: &Repository, branch: &str, count: u32) -> Vec<Commit> {
        let is_main = repository.main_branch.as_deref() == Some(branch);
        let hash = |branch: &str, number: u32| hash_of(&[&repository.uuid, branch, &number.to_string()]);
        let commit = |number: u32| {
            let main = repository.main_branch.as_deref().unwrap_or_default();
            let parent = match number {
                1 if is_main => None,
                1 => Some(hash(main, MAIN_COMMITS)),
                _ => Some(hash(branch, number - 1)),
            };
            // The address in every seventh commit belongs to nobody.
            let author = self.users.get(number as usize % self.users.len().max(1)).filter(|_| !number.is_multiple_of(7));
            Commit {
                hash: hash(branch, number),
                date: repository.updated_on - Duration::hours(i64::from(count - number)),
                message: format!("Commit {number} of {branch}\n\nWhy it was made."),
                author: author.map(|user| user.account_id.clone()),
                parent,
            }
        };
        (1..=count).rev().map(commit).collect()
    }
}

/// Forty digits that depend on all of these.
pub(crate) fn hash_of(parts: &[&str]) -> String {
    hexadecimal(&Sha256::digest(parts.join("\n"))).chars().take(40).collect()
}
