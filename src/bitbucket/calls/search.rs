//! Code search, which Atlassian has marked as deprecated since 1 November 2026: best effort, and `NotEnabled` when it is off or gone.

use super::{WorkspaceName, path};
use crate::bitbucket::answers::SearchResult;
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Call, Client, Credential, Failure, Feature, Pages};

impl Client {
    /// Files of a workspace that match, in the syntax of Bitbucket's own search box, such as `retry repo:ledger`. Results may repeat
    /// from page to page.
    ///
    /// # Errors
    /// `NotFound` for a workspace that cannot be one; each page has its own.
    pub fn code_search(
        &self,
        credential: &Credential,
        workspace: &WorkspaceName,
        search_query: &str,
    ) -> Result<Pages<SearchResult>, Failure> {
        let call = path(["workspaces", &workspace.segment(), "search", "code"]).map(|path| {
            // Without it nothing says which repository a file is in.
            Call::get(path).with("search_query", search_query).with("fields", "+values.file.commit.repository")
        });
        let operation = Operation::named("code_search").of_feature(Feature::CodeSearch).paged_by(50);
        Pages::new(self, operation, credential, call)
    }
}
