//! What Atlassian has taken out of the API, since when, and what stands in its place: told before a call that could only fail. `operations` asks it.

/// Something that is not there any more.
#[derive(Clone, Copy, Debug)]
pub struct Removed {
    method: Option<&'static str>,
    /// Parts of a path; `*` is any one part, `**` any rest, also none.
    pattern: &'static str,
    /// Since when, in words that follow "removed it".
    pub since: &'static str,
    /// What to do instead, in whole sentences.
    pub instead: &'static str,
    /// The announcement in <https://developer.atlassian.com/cloud/bitbucket/changelog/>, where there is one.
    pub announcement: Option<&'static str>,
}

const ISSUES: &str = "The issue tracker is gone from Bitbucket; use Jira and its own API for issues.";
const CHANGE_2770: Option<&str> = Some("https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-2770");
const CHANGE_3071: Option<&str> = Some("https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-3071");
const CHANGE_3081: Option<&str> = Some("https://developer.atlassian.com/cloud/bitbucket/changelog/#CHANGE-3081");
const APRIL: &str = "on 14 April 2026";
const AUGUST: &str = "on 20 August 2026";
const YEARS_AGO: &str = "years ago";

const fn removed(
    method: Option<&'static str>,
    pattern: &'static str,
    since: &'static str,
    instead: &'static str,
    announcement: Option<&'static str>,
) -> Removed {
    Removed { method, pattern, since, instead, announcement }
}

/// Asked only about what the table of operations does not have.
const REMOVED: &[Removed] = &[
    removed(None, "repositories/*/*/issues/**", AUGUST, ISSUES, CHANGE_3071),
    removed(None, "repositories/*/*/components/**", AUGUST, ISSUES, CHANGE_3071),
    removed(None, "repositories/*/*/milestones/**", AUGUST, ISSUES, CHANGE_3071),
    removed(None, "repositories/*/*/versions/**", AUGUST, ISSUES, CHANGE_3071),
    removed(
        None,
        "repositories/*/*/wiki/**",
        AUGUST,
        "Wikis are gone from Bitbucket; keep pages in Confluence, or as files in the repository.",
        CHANGE_3071,
    ),
    removed(
        Some("GET"),
        "repositories",
        APRIL,
        "Ask GET /user/workspaces, then GET /repositories/{workspace} for each workspace.",
        CHANGE_2770,
    ),
    removed(Some("GET"), "workspaces", APRIL, "Ask GET /user/workspaces.", CHANGE_2770),
    removed(
        Some("GET"),
        "user/permissions/workspaces",
        APRIL,
        "Ask GET /user/workspaces, then GET /user/workspaces/{workspace}/permission.",
        CHANGE_2770,
    ),
    removed(
        Some("GET"),
        "user/permissions/**",
        APRIL,
        "Ask GET /user/workspaces, then GET /user/workspaces/{workspace}/permissions/repositories for each workspace.",
        CHANGE_2770,
    ),
    removed(
        Some("GET"),
        "pullrequests/*",
        APRIL,
        "Ask GET /workspaces/{workspace}/pullrequests/{selected_user} for each workspace.",
        CHANGE_2770,
    ),
    removed(Some("GET"), "snippets", APRIL, "Ask GET /snippets/{workspace} for each workspace.", CHANGE_3081),
    removed(None, "teams/**", YEARS_AGO, "Teams became workspaces: use the same path below /workspaces/{workspace}.", None),
    removed(None, "users/*/repositories/**", YEARS_AGO, "Ask GET /repositories/{workspace}.", None),
    removed(None, "users/*/*/**", YEARS_AGO, "Use the paths below /workspaces/{workspace} and /user.", None),
    removed(
        None,
        "1.0/**",
        YEARS_AGO,
        "Version 1 of the API went with usernames and app passwords: use the paths of version 2.0.",
        None,
    ),
    removed(
        None,
        "groups/**",
        YEARS_AGO,
        "Groups belonged to version 1: use the permissions of a repository, a project or a workspace.",
        None,
    ),
];

/// What took the place of this path, when it is one that Atlassian has removed.
pub(super) fn find(method: &str, segments: &[String]) -> Option<&'static Removed> {
    REMOVED.iter().find(|removed| removed.method.is_none_or(|only| only == method) && fits(removed.pattern, segments))
}

fn fits(pattern: &str, segments: &[String]) -> bool {
    let mut rest = segments.iter();
    for part in pattern.split('/') {
        match part {
            "**" => return true,
            "*" if rest.next().is_some() => {}
            part if rest.next().is_some_and(|segment| segment == part) => {}
            _ => return false,
        }
    }
    rest.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Option<&'static str> {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        find(method, &segments).map(|removed| removed.since)
    }

    #[test]
    fn what_atlassian_removed_is_known_and_nothing_else_is() {
        assert_eq!(found("GET", "repositories/lumenpay/ledger/issues"), Some(AUGUST));
        assert_eq!(found("POST", "repositories/lumenpay/ledger/issues/7/comments"), Some(AUGUST));
        assert_eq!(found("GET", "repositories/lumenpay/ledger/wiki/Home"), Some(AUGUST));
        assert_eq!(found("GET", "repositories"), Some(APRIL));
        assert_eq!(found("POST", "repositories"), None);
        assert_eq!(found("GET", "user/permissions/repositories"), Some(APRIL));
        assert_eq!(found("GET", "pullrequests/someone"), Some(APRIL));
        assert_eq!(found("GET", "pullrequests"), None);
        assert_eq!(found("GET", "1.0/groups/lumenpay"), Some(YEARS_AGO));
        assert_eq!(found("GET", "repositories/lumenpay/ledger/issue"), None);
        assert_eq!(found("GET", "repositories/lumenpay/issues"), None);
    }
}
