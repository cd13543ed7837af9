//! Which scopes each operation needs, by kind of credential.
//!
//! Source: the OpenAPI file, `security` and `x-atlassian-oauth2-scopes`; the tests compare.

/// Method, template below `/2.0` (`{R}` is a repository), scopes of OAuth and access tokens, scopes of API tokens and Forge, and
/// whether Forge may call it at all.
pub(super) type Needs = (&'static str, &'static str, &'static str, &'static str, bool);

const REPOSITORY: &str = "/repositories/{workspace}/{repo_slug}";

/// What an operation needs, by the pattern of its route. What is not in the table is for Connect apps alone.
pub(super) fn of(method: &str, pattern: &str) -> Option<&'static Needs> {
    let pattern = template(pattern);
    NEEDS.iter().find(|(needed, path, ..)| *needed == method && *path == pattern)
}

/// A route's pattern as the table has it.
fn template(pattern: &str) -> String {
    let below = pattern.strip_prefix("/2.0").unwrap_or(pattern).replace(":.*}", "}");
    let short = below.strip_prefix(REPOSITORY).map_or_else(|| below.clone(), |rest| format!("{{R}}{rest}"));
    if short.len() > 1 { short.trim_end_matches('/').to_owned() } else { short }
}

#[rustfmt::skip]
const NEEDS: &[Needs] = &[
    ("GET", "/user", "account", "read:user:bitbucket", false),
    ("GET", "/user/emails", "email", "read:user:bitbucket", false),
    ("GET", "/user/workspaces", "account", "read:workspace:bitbucket", true),
    ("GET", "/user/workspaces/{workspace}/permission", "account", "read:workspace:bitbucket", true),
    ("GET", "/user/workspaces/{workspace}/permissions/repositories", "account repository", "read:repository:bitbucket", true),
    ("GET", "/users/{selected_user}", "", "read:user:bitbucket", true),
    ("GET", "/workspaces/{workspace}", "", "read:workspace:bitbucket", true),
    ("GET", "/workspaces/{workspace}/hooks", "webhook", "read:webhook:bitbucket", false),
    ("POST", "/workspaces/{workspace}/hooks", "webhook", "read:webhook:bitbucket write:webhook:bitbucket", false),
    ("GET", "/workspaces/{workspace}/hooks/{uid}", "webhook", "read:webhook:bitbucket", false),
    ("PUT", "/workspaces/{workspace}/hooks/{uid}", "webhook", "read:webhook:bitbucket write:webhook:bitbucket", false),
    ("DELETE", "/workspaces/{workspace}/hooks/{uid}", "webhook", "delete:webhook:bitbucket", false),
    ("GET", "/workspaces/{workspace}/members", "account", "read:workspace:bitbucket", true),
    ("GET", "/workspaces/{workspace}/members/{member}", "account", "read:workspace:bitbucket", true),
    ("GET", "/workspaces/{workspace}/permissions", "account", "read:workspace:bitbucket", true),
    ("GET", "/workspaces/{workspace}/permissions/repositories", "account", "read:repository:bitbucket", true),
    ("GET", "/workspaces/{workspace}/permissions/repositories/{repo_slug}", "repository", "read:repository:bitbucket", true),
    ("GET", "/workspaces/{workspace}/projects", "project", "read:project:bitbucket", true),
    ("POST", "/workspaces/{workspace}/projects", "project:admin", "admin:project:bitbucket", true),
    ("GET", "/workspaces/{workspace}/projects/{project_key}", "project", "read:project:bitbucket", true),
    ("GET", "/workspaces/{workspace}/pullrequests/{selected_user}", "pullrequest", "read:pullrequest:bitbucket", false),
    ("GET", "/workspaces/{workspace}/search/code", "repository", "read:repository:bitbucket", false),
    ("GET", "/repositories/{workspace}", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}", "repository", "read:repository:bitbucket", true),
    ("POST", "{R}", "repository:admin", "admin:repository:bitbucket", true),
    ("PUT", "{R}", "repository:admin", "admin:repository:bitbucket", true),
    ("DELETE", "{R}", "repository:delete", "delete:repository:bitbucket", true),
    ("GET", "{R}/hooks", "webhook", "read:webhook:bitbucket", false),
    ("POST", "{R}/hooks", "webhook", "read:webhook:bitbucket write:webhook:bitbucket", false),
    ("GET", "{R}/hooks/{uid}", "webhook", "read:webhook:bitbucket", false),
    ("PUT", "{R}/hooks/{uid}", "webhook", "read:webhook:bitbucket write:webhook:bitbucket", false),
    ("DELETE", "{R}/hooks/{uid}", "webhook", "delete:webhook:bitbucket", false),
    ("GET", "{R}/refs/branches", "repository", "read:repository:bitbucket", true),
    ("POST", "{R}/refs/branches", "repository:write", "write:repository:bitbucket read:repository:bitbucket", true),
    ("GET", "{R}/refs/branches/{name}", "repository", "read:repository:bitbucket", true),
    ("DELETE", "{R}/refs/branches/{name}", "repository:write", "write:repository:bitbucket", true),
    ("GET", "{R}/commits", "repository", "read:repository:bitbucket", true),
    ("POST", "{R}/commits", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/commits/{revision}", "repository", "read:repository:bitbucket", true),
    ("POST", "{R}/commits/{revision}", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/commit/{commit}", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/commit/{commit}/statuses", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/commit/{commit}/pullrequests", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/diffstat/{spec}", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/src", "repository", "read:repository:bitbucket", true),
    ("POST", "{R}/src", "repository:write", "write:repository:bitbucket", true),
    ("GET", "{R}/src/{commit}/{path}", "repository", "read:repository:bitbucket", true),
    ("POST", "{R}/downloads", "repository:write", "write:repository:bitbucket", true),
    ("GET", "{R}/downloads/{filename}", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/pullrequests", "pullrequest", "read:pullrequest:bitbucket", true),
    ("POST", "{R}/pullrequests", "pullrequest:write", "read:pullrequest:bitbucket write:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/activity", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}", "pullrequest", "read:pullrequest:bitbucket", true),
    ("PUT", "{R}/pullrequests/{pull_request_id}", "pullrequest:write", "read:pullrequest:bitbucket write:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/activity", "pullrequest", "read:pullrequest:bitbucket", true),
    ("POST", "{R}/pullrequests/{pull_request_id}/approve", "pullrequest:write", "read:pullrequest:bitbucket write:pullrequest:bitbucket", true),
    ("DELETE", "{R}/pullrequests/{pull_request_id}/approve", "pullrequest:write", "write:pullrequest:bitbucket", true),
    ("POST", "{R}/pullrequests/{pull_request_id}/request-changes", "pullrequest:write", "read:pullrequest:bitbucket write:pullrequest:bitbucket", true),
    ("DELETE", "{R}/pullrequests/{pull_request_id}/request-changes", "pullrequest:write", "write:pullrequest:bitbucket", true),
    ("POST", "{R}/pullrequests/{pull_request_id}/decline", "pullrequest:write", "read:pullrequest:bitbucket write:pullrequest:bitbucket", true),
    ("POST", "{R}/pullrequests/{pull_request_id}/merge", "pullrequest:write", "read:pullrequest:bitbucket write:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/merge/task-status/{task_id}", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/comments", "pullrequest", "read:pullrequest:bitbucket", true),
    ("POST", "{R}/pullrequests/{pull_request_id}/comments", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/comments/{comment_id}", "pullrequest", "read:pullrequest:bitbucket", true),
    ("PUT", "{R}/pullrequests/{pull_request_id}/comments/{comment_id}", "pullrequest", "read:pullrequest:bitbucket", true),
    ("DELETE", "{R}/pullrequests/{pull_request_id}/comments/{comment_id}", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/commits", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/diffstat", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pullrequests/{pull_request_id}/statuses", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/pipelines", "pipeline", "read:pipeline:bitbucket", true),
    ("POST", "{R}/pipelines", "pipeline", "read:pipeline:bitbucket write:pipeline:bitbucket", true),
    ("POST", "{R}/pipelines/{pipeline_uuid}/stopPipeline", "pipeline:write", "write:pipeline:bitbucket", true),
    ("GET", "{R}/pipelines/{pipeline_uuid}", "pipeline", "read:pipeline:bitbucket", true),
    ("GET", "{R}/pipelines/{pipeline_uuid}/steps", "pipeline", "read:pipeline:bitbucket", true),
    ("GET", "{R}/pipelines/{pipeline_uuid}/steps/{step_uuid}/log", "pipeline", "read:pipeline:bitbucket", true),
    ("GET", "{R}/pipelines/{pipeline_uuid}/steps/{step_uuid}/logs/{log_uuid}", "pipeline", "read:pipeline:bitbucket", true),
    ("GET", "{R}/deployments", "pipeline", "read:pipeline:bitbucket", true),
    ("GET", "{R}/environments", "pipeline", "read:pipeline:bitbucket", true),
    ("GET", "{R}/default-reviewers", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/default-reviewers/{target_username}", "pullrequest", "read:pullrequest:bitbucket", true),
    ("PUT", "{R}/default-reviewers/{target_username}", "repository:admin", "admin:repository:bitbucket", true),
    ("DELETE", "{R}/default-reviewers/{target_username}", "repository:admin", "admin:repository:bitbucket", true),
    ("GET", "{R}/effective-default-reviewers", "pullrequest", "read:pullrequest:bitbucket", true),
    ("GET", "{R}/branching-model", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/effective-branching-model", "repository", "read:repository:bitbucket", true),
    ("GET", "{R}/permissions-config/users", "repository:admin", "read:repository:bitbucket", true),
    ("GET", "{R}/permissions-config/users/{selected_user_id}", "repository:admin", "read:repository:bitbucket", true),
    ("PUT", "{R}/permissions-config/users/{selected_user_id}", "repository:admin", "admin:repository:bitbucket write:permission:bitbucket", false),
    ("DELETE", "{R}/permissions-config/users/{selected_user_id}", "repository:admin", "admin:repository:bitbucket delete:permission:bitbucket", false),
];

#[cfg(test)]
mod tests {
    use super::{NEEDS, REPOSITORY};
    use crate::openapi::OpenApi;
    use serde_json::Value;

    #[test]
    fn the_table_is_that_of_the_openapi_file() {
        let Some(file) = OpenApi::load() else { return };
        let joined = |lists: Vec<&Value>| {
            let scopes = lists.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
            scopes.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
        };
        for (method, path, oauth, token, forge) in NEEDS {
            let path = path.replace("{R}", REPOSITORY);
            let found = file.operation(method, &path).unwrap_or_else(|| panic!("{method} {path}"));
            assert_eq!(found.path, path);
            let security = found.operation["security"].as_array().into_iter().flatten();
            assert_eq!(joined(security.map(|kind| &kind["oauth2"]).collect()), *oauth, "{method} {path}");
            let scopes = found.operation["x-atlassian-oauth2-scopes"].as_array().into_iter().flatten();
            assert_eq!(joined(scopes.map(|scheme| &scheme["scopes"]).collect()), *token, "{method} {path}");
            let kinds = found.operation["x-atlassian-auth-types"].as_array().into_iter().flatten();
            assert_eq!(kinds.filter(|kind| *kind == "forge-oauth2").count(), usize::from(*forge), "{method} {path}");
        }
    }
}
