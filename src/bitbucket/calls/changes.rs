//! Commits, what they change, and files.

use super::RepositoryName;
use crate::bitbucket::answers::{Commit, FileChange, SourceEntry};
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Answer, Call, Client, Credential, Failure, Pages};

/// Which commits.
#[derive(Clone, Debug, Default)]
pub struct CommitQuery {
    /// Reachable from these branches, tags or hashes; all of the repository's when there are none.
    pub include: Vec<String>,
    /// And not from these.
    pub exclude: Vec<String>,
    /// That changed this file or folder.
    pub path: Option<String>,
}

impl Client {
    /// Commits, the newest first, a hundred a page.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn commits(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        query: &CommitQuery,
    ) -> Result<Pages<Commit>, Failure> {
        let call = repository.path(&["commits"]).map(|path| {
            let call = query.include.iter().fold(Call::get(path), |call, name| call.with("include", name));
            let call = query.exclude.iter().fold(call, |call, name| call.with("exclude", name));
            call.with_some("path", query.path.as_deref())
        });
        Pages::new(self, Operation::named("commits"), credential, call)
    }

    /// One commit, by its hash.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn commit(&self, credential: &Credential, repository: &RepositoryName, hash: &str) -> Result<Commit, Failure> {
        let call = Call::get(repository.path(&["commit", hash])?);
        self.get(Operation::named("commit"), credential, &call).await
    }

    /// What a commit changes against its first parent, or, for `with..base`, one side against where the other left it. Bitbucket names
    /// the side with the changes first, the reverse of git. There are no totals: whoever needs them adds up.
    ///
    /// # Errors
    /// `NotFound` for what cannot be one; each page has its own, `Refused` (555) for what is too large to compute.
    pub fn diffstat(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        spec: &str,
    ) -> Result<Pages<FileChange>, Failure> {
        let call = repository.path(&["diffstat", spec]).map(Call::get);
        Pages::new(self, Operation::large("diffstat").paged_by(500), credential, call)
    }

    /// What a pull request changes. Bitbucket answers with a redirect, so this costs two calls.
    ///
    /// # Errors
    /// As [`Client::diffstat`].
    pub fn pull_request_diffstat(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        number: i64,
    ) -> Result<Pages<FileChange>, Failure> {
        let call = repository.path(&["pullrequests", &number.to_string(), "diffstat"]).map(Call::get);
        Pages::new(self, Operation::large("pull_request_diffstat").paged_by(500), credential, call)
    }

    /// What is at a path of a commit (a hash): a file or a folder, its size, and whether it is text. Ask before reading it.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn source_entry(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        hash: &str,
        file: &str,
    ) -> Result<SourceEntry, Failure> {
        let call = Call::get(repository.source(hash, file)?).with("format", "meta");
        self.get(Operation::named("source_entry"), credential, &call).await
    }

    /// The entries of a folder of a commit (a hash), those of its folders included down to `depth`; an empty `folder` is the root.
    ///
    /// # Errors
    /// `NotFound` for what cannot be one; each page has its own, `Refused` (555) for what is too deep.
    pub fn source_folder(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        hash: &str,
        folder: &str,
        depth: u32,
    ) -> Result<Pages<SourceEntry>, Failure> {
        // The root is found only with a slash at its end.
        let call = repository.source(hash, folder).map(|path| Call::get(path.closed()).with("max_depth", depth.to_string()));
        Pages::new(self, Operation::large("source_folder"), credential, call)
    }

    /// The bytes of a file of a commit (a hash).
    ///
    /// # Errors
    /// A [`Failure`]; `TooLarge` above 4 MiB, `Refused` for what is kept in LFS.
    pub async fn source_file(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        hash: &str,
        file: &str,
    ) -> Result<Answer, Failure> {
        self.ask(Operation::named("source_file"), credential, &Call::get(repository.source(hash, file)?)).await
    }
}
