//! What else a repository has: files, comments, pipelines, default reviewers; and whether a workspace can be searched.

use super::{PullRequest, Repository, World};
use chrono::{DateTime, Duration, Utc};

/// A file, which every commit holds alike.
#[derive(Clone, Debug)]
pub struct File {
    /// UUID of the repository.
    pub repository: String,
    /// With slashes, without one at its start.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Some of `link`, `executable`, `subrepository`, `binary`, `lfs`.
    pub attributes: Vec<String>,
}

/// A comment on a pull request.
#[derive(Clone, Debug)]
pub struct Comment {
    /// UUID of the repository.
    pub repository: String,
    /// Number of the pull request.
    pub pull_request: u64,
    /// Its own number.
    pub id: u64,
    /// Account id.
    pub author: String,
    /// Markdown.
    pub text: String,
    /// When.
    pub created_on: DateTime<Utc>,
    /// A deleted comment stays in the list without its text.
    pub deleted: bool,
}

/// A run of Pipelines.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// In braces.
    pub uuid: String,
    /// UUID of the repository.
    pub repository: String,
    /// Counts up in the repository.
    pub build_number: u64,
    /// The branch that it ran for.
    pub branch: String,
    /// Account id of who started it.
    pub creator: String,
    /// `SUCCESSFUL`, `FAILED`, `ERROR` or `STOPPED`; none while it runs.
    pub result: Option<String>,
    /// When it began.
    pub created_on: DateTime<Utc>,
    /// How long it took.
    pub seconds: i64,
}

impl World {
    /// Puts a file into a repository (UUID, slug or name in full). The first takes the place of those that every repository has.
    pub fn put_file(&mut self, repository: &str, path: &str, bytes: &[u8], attributes: &[&str]) {
        let Some(repository) = self.repository(repository).map(|repository| repository.uuid.clone()) else { return };
        self.files.retain(|file| file.repository != repository || file.path != path);
        let attributes = attributes.iter().map(|attribute| (*attribute).to_owned()).collect();
        self.files.push(File { repository, path: path.to_owned(), bytes: bytes.to_vec(), attributes });
    }

    /// The files of a repository in the order of their paths; an empty one has none.
    pub(crate) fn files_of(&self, repository: &Repository) -> Vec<File> {
        if repository.main_branch.is_none() {
            return Vec::new();
        }
        let mut files: Vec<File> = self.files.iter().filter(|file| file.repository == repository.uuid).cloned().collect();
        if files.is_empty() {
            let file = |path: &str, bytes: &[u8], attributes: &[&str]| File {
                repository: repository.uuid.clone(),
                path: path.to_owned(),
                bytes: bytes.to_vec(),
                attributes: attributes.iter().map(|attribute| (*attribute).to_owned()).collect(),
            };
            files.push(file("README.md", format!("# {}\n\nWhat it is for.\n", repository.name).as_bytes(), &[]));
            files.push(file("docs/guide.md", b"# Guide\n\nHow to use it.\n", &[]));
            files.push(file("docs/logo.png", &[0x89, b'P', b'N', b'G', 0, 1, 2, 3], &["binary"]));
            files.push(file("src/main.rs", b"fn main() {\n    println!(\"hello\");\n}\n", &[]));
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files
    }

    /// Turns Pipelines on in a repository (UUID, slug or name in full), with so many runs, the newest an hour before `now`.
    pub fn enable_pipelines(&mut self, repository: &str, runs: u64, now: DateTime<Utc>) {
        let Some(repository) = self.repository(repository).map(|repository| repository.uuid.clone()) else { return };
        let creator = self.users.first().map(|user| user.account_id.clone()).unwrap_or_default();
        for build_number in 1..=runs {
            let result = if build_number.is_multiple_of(4) { "FAILED" } else { "SUCCESSFUL" };
            let hash = super::history::hash_of(&[&repository, "pipeline", &build_number.to_string()]);
            let uuid = [&hash[0..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..32]].join("-");
            self.pipelines.push(Pipeline {
                uuid: format!("{{{uuid}}}"),
                repository: repository.clone(),
                build_number,
                branch: "main".to_owned(),
                creator: creator.clone(),
                result: Some(result.to_owned()),
                created_on: now - Duration::hours(i64::try_from(runs - build_number).unwrap_or_default() + 1),
                seconds: 27,
            });
        }
        self.with_pipelines.push(repository);
    }

    /// Turns code search on in a workspace (UUID or slug).
    pub fn enable_code_search(&mut self, workspace: &str) {
        if let Some(workspace) = self.workspace(workspace).map(|workspace| workspace.uuid.clone()) {
            self.with_code_search.push(workspace);
        }
    }

    /// Makes somebody (an account id) a default reviewer of a repository (UUID, slug or name in full).
    pub fn add_default_reviewer(&mut self, repository: &str, account_id: &str) {
        let Some(repository) = self.repository(repository).map(|repository| repository.uuid.clone()) else { return };
        let reviewer = (repository, account_id.to_owned());
        if !self.default_reviewers.contains(&reviewer) {
            self.default_reviewers.push(reviewer);
        }
    }

    /// The comments of a pull request: as many as it counts, of which those that nobody has written are worked out.
    pub(crate) fn comments_of(&self, pull_request: &PullRequest) -> Vec<Comment> {
        let is_on = |comment: &&Comment| comment.repository == pull_request.repository && comment.pull_request == pull_request.id;
        let written: Vec<Comment> = self.comments.iter().filter(is_on).cloned().collect();
        let alive = written.iter().filter(|comment| !comment.deleted).count();
        let missing = (pull_request.comment_count as usize).saturating_sub(alive);
        let authors: Vec<&String> = std::iter::once(&pull_request.author)
            .chain(pull_request.reviewers.iter().map(|reviewer| &reviewer.account_id))
            .collect();
        let places =
            (0_usize..).filter(|place| !written.iter().any(|comment| comment.id == pull_request.id * 1000 + *place as u64));
        let worked_out: Vec<usize> = places.take(missing).collect();
        let worked_out = worked_out.into_iter().map(|place| Comment {
            repository: pull_request.repository.clone(),
            pull_request: pull_request.id,
            id: pull_request.id * 1000 + place as u64,
            author: authors.get(place % authors.len()).map(|author| (*author).clone()).unwrap_or_default(),
            text: format!("Comment {place} on *{}*", pull_request.title),
            created_on: pull_request.created_on + Duration::minutes(place as i64 * 7 + 1),
            deleted: false,
        });
        worked_out.chain(written).collect()
    }
}
