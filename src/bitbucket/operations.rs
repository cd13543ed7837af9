//! The operations of the Bitbucket API as a table, and how a path that somebody typed is matched with one or refused. `connections` decides who may call it.

mod path;
mod removed;
mod table;

pub use path::{LONGEST_PATH_BYTES, MOST_SEGMENTS, PathRefusal, RelativePath};
pub use removed::Removed;
pub use table::{Effect, Group, Operation, operations};

use super::path::{ApiPath, PathRefused};

/// The last parts of templates that take slashes: branch names, revisions and paths of files.
const TAKE_SLASHES: [&str; 5] = ["{path}", "{name}", "{spec}", "{revspec}", "{revision}"];

/// A path that has been found to be an operation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What would be done.
    pub operation: &'static Operation,
    /// What stands for each name in the template, decoded, in its order.
    pub arguments: Vec<(&'static str, String)>,
    ends_in_slash: bool,
}

/// Why a method and a path are no operation.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unknown {
    /// Atlassian has removed it.
    #[error("Atlassian removed it")]
    Removed(&'static Removed),
    /// There is such a path, with other methods.
    #[error("This path takes other methods")]
    OtherMethods(Vec<&'static str>),
    /// There is no such path.
    #[error("There is no such path")]
    Path,
}

impl Target {
    /// The operation that this method and path are about. Literal parts win over names, so `pullrequests/activity` is no pull request.
    ///
    /// # Errors
    /// An [`Unknown`].
    pub fn find(method: &str, path: &RelativePath) -> Result<Self, Unknown> {
        let fitting = |operation: &'static Operation| Some((operation, arguments(operation.template, path)?));
        let mut found: Vec<_> = operations().iter().filter_map(fitting).collect();
        // Fewer names are more literal parts; a name that swallowed slashes is the last choice.
        found.sort_by_key(|(operation, arguments)| (takes_slashes(operation.template), arguments.len()));
        let closest = found.first().map(|(operation, arguments)| (takes_slashes(operation.template), arguments.len()));
        if let Some(at) = found.iter().position(|(operation, _)| operation.method == method) {
            let (operation, arguments) = found.swap_remove(at);
            return Ok(Self { operation, arguments, ends_in_slash: path.ends_in_slash() });
        }
        if let Some(removed) = removed::find(method, path.segments()) {
            return Err(Unknown::Removed(removed));
        }
        let mut methods: Vec<&str> = found
            .iter()
            .filter(|(operation, arguments)| Some((takes_slashes(operation.template), arguments.len())) == closest)
            .map(|(operation, _)| operation.method)
            .collect();
        methods.dedup();
        if methods.is_empty() { Err(Unknown::Path) } else { Err(Unknown::OtherMethods(methods)) }
    }

    /// What stands for a name of the template.
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The `workspace` of the path, as it was named there.
    pub fn workspace(&self) -> Option<&str> {
        self.argument("workspace")
    }

    /// The workspace and the repository that the path names.
    pub fn repository(&self) -> Option<(&str, &str)> {
        Some((self.workspace()?, self.argument("repo_slug")?)).filter(|_| self.operation.is_about_a_repository())
    }

    /// The name of what would be changed, for people: what a confirmation must repeat.
    pub fn name(&self) -> String {
        let last_part = self.operation.template.rsplit('/').next();
        let is_named = last_part.is_some_and(|part| part.starts_with('{') && part != "{repo_slug}");
        match (self.repository(), self.arguments.last()) {
            (Some((workspace, repository)), _) if !is_named && self.arguments.len() == 2 => format!("{workspace}/{repository}"),
            (_, Some((_, last))) => last.clone(),
            (_, None) => self.operation.template.trim_start_matches('/').to_owned(),
        }
    }

    /// The same with another name for the workspace.
    #[must_use]
    pub fn with_workspace(&self, name: &str) -> Self {
        let renamed = |(known, value): &(&'static str, String)| {
            (*known, if *known == "workspace" { name.to_owned() } else { value.clone() })
        };
        Self { arguments: self.arguments.iter().map(renamed).collect(), ..self.clone() }
    }

    /// The path as it is sent. A slash within a branch's name is encoded; between the folders of a file's path it stays.
    ///
    /// # Errors
    /// When a name cannot stand in a path.
    pub fn path(&self) -> Result<ApiPath, PathRefused> {
        let mut segments: Vec<&str> = Vec::new();
        let mut arguments = self.arguments.iter();
        for part in self.operation.template.split('/').skip(1) {
            match arguments.as_slice().first().filter(|_| part.starts_with('{')) {
                Some((name, value)) => {
                    arguments.next();
                    if *name == "path" {
                        segments.extend(value.split('/').filter(|folder| !folder.is_empty()));
                    } else {
                        segments.push(value);
                    }
                }
                None => segments.push(part),
            }
        }
        let path = ApiPath::of(segments)?;
        Ok(if self.must_end_in_slash() { path.closed() } else { path })
    }

    /// The pipelines service answers its list with a slash at the end only; a folder keeps the one that was typed, and the root of a
    /// repository has one. Anywhere else a slash at the end may be answered 404.
    fn must_end_in_slash(&self) -> bool {
        let is_list_of_pipelines = self.operation.template.ends_with("/pipelines") && self.operation.is_read();
        let is_path = self.arguments.last().is_some_and(|(name, _)| *name == "path");
        is_list_of_pipelines || (is_path && self.ends_in_slash)
    }
}

fn takes_slashes(template: &str) -> bool {
    template.rsplit('/').next().is_some_and(|last| TAKE_SLASHES.contains(&last))
}

/// What the names of `template` stand for in `path`, when it fits.
fn arguments(template: &'static str, path: &RelativePath) -> Option<Vec<(&'static str, String)>> {
    let mut segments = path.segments().iter();
    let mut arguments = Vec::new();
    let mut parts = template.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            if segments.next()? == part {
                continue;
            }
            return None;
        };
        if parts.peek().is_none() && TAKE_SLASHES.contains(&part) {
            let rest: Vec<&str> = segments.by_ref().map(String::as_str).collect();
            // The root of a repository is a path of nothing, after a slash.
            if rest.is_empty() && !(part == "{path}" && path.ends_in_slash()) {
                return None;
            }
            arguments.push((name, rest.join("/")));
        } else {
            arguments.push((name, segments.next()?.clone()));
        }
    }
    segments.next().is_none().then_some(arguments)
}

#[cfg(test)]
mod tests;
