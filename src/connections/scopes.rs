//! Which scopes each purpose needs, in the words of OAuth, and whether what was granted covers them. The consent page, the check of a
//! pasted token and the choice of a credential ask here. <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#oauth-2-0-scopes>

use super::purposes::Purpose;

/// A scope, with what it is for in words that follow its name.
pub type Needed = (&'static str, &'static str);

const READING: &[Needed] = &[
    ("account", "to know which workspaces and people there are"),
    ("repository", "to list repositories, branches and commits"),
    ("pullrequest", "for states, reviewers, approvals and times of pull requests"),
    ("pipeline", "for results and durations of pipelines and deployments"),
    ("webhook", "to hear of changes at once; without it they are asked for regularly"),
];
const TOOLS: &[Needed] = &[
    ("account", "to know which workspaces and people there are"),
    ("repository", "to read files, branches and commits that an agent asks for"),
    ("pullrequest", "to read pull requests that an agent asks for"),
    ("pipeline", "to read pipelines that an agent asks for"),
];
const WRITES: &[Needed] = &[
    ("account", "to know which workspaces and people there are"),
    ("repository:write", "to write branches and commits"),
    ("repository:admin", "to create repositories and change their settings"),
    ("repository:delete", "to delete repositories"),
    ("pullrequest:write", "to open and change pull requests"),
    ("pipeline:write", "to start and stop pipelines"),
];

/// What a purpose asks for at consent.
pub fn asked_for(purpose: Purpose) -> &'static [Needed] {
    match purpose {
        Purpose::ReadingActivity => READING,
        Purpose::AgentTools => TOOLS,
        Purpose::Writes => WRITES,
    }
}

/// What a purpose cannot do without: less than it asks for, because data can come by polling and writes can be few.
fn least(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::ReadingActivity => &["repository", "pullrequest"],
        Purpose::AgentTools => &["repository"],
        Purpose::Writes => &["repository:write"],
    }
}

/// What a scope brings along.
fn implied(scope: &str) -> &'static [&'static str] {
    match scope {
        "account:write" => &["account"],
        "repository:write" => &["repository"],
        "pullrequest" => &["repository"],
        "pullrequest:write" => &["pullrequest", "repository:write", "repository"],
        "pipeline:write" => &["pipeline"],
        "pipeline:variable" => &["pipeline:write", "pipeline"],
        "project:admin" => &["project"],
        _ => &[],
    }
}

/// An API token's scope in the words of OAuth: `read:repository:bitbucket` is `repository`.
pub fn in_words_of_oauth(scope: &str) -> String {
    let Some(middle) = scope.strip_suffix(":bitbucket") else { return scope.to_owned() };
    match middle.split_once(':') {
        Some(("read", "user" | "workspace")) => "account".to_owned(),
        Some(("read", "webhook") | ("write", "webhook") | ("delete", "webhook")) => "webhook".to_owned(),
        Some(("read", noun)) => noun.to_owned(),
        Some((verb, noun)) => format!("{noun}:{verb}"),
        None => scope.to_owned(),
    }
}

/// Whether `granted`, separated by blanks, covers a scope.
pub fn covers(granted: &str, scope: &str) -> bool {
    granted.split_whitespace().map(in_words_of_oauth).any(|held| held == scope || implied(&held).contains(&scope))
}

/// Whether `granted` suffices for a purpose. What Bitbucket does not tell is believed until a call is refused.
pub fn suffice(granted: Option<&str>, purpose: Purpose) -> bool {
    granted.is_none_or(|granted| least(purpose).iter().all(|scope| covers(granted, scope)))
}

/// Whether hooks can be made with it. What Bitbucket does not tell is believed until it refuses.
pub fn may_hook(granted: Option<&str>) -> bool {
    granted.is_none_or(|granted| covers(granted, "webhook"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_what_it_implies_and_nothing_more() {
        assert!(covers("pullrequest", "repository"));
        assert!(covers("account pullrequest:write", "repository:write"));
        assert!(!covers("repository:admin", "repository"), "admin is a right of its own at Bitbucket");
        assert!(!covers("pullrequest", "pullrequest:write"));
        assert!(covers("read:repository:bitbucket write:pullrequest:bitbucket", "pullrequest"));
        assert!(!covers("read:repository:bitbucket", "repository:write"));
    }

    #[test]
    fn what_is_asked_for_suffices_and_a_reading_consent_does_not_write() {
        for purpose in Purpose::ALL {
            let asked: Vec<&str> = asked_for(purpose).iter().map(|(scope, _)| *scope).collect();
            assert!(suffice(Some(&asked.join(" ")), purpose), "{purpose:?}");
        }
        let reading: Vec<&str> = asked_for(Purpose::ReadingActivity).iter().map(|(scope, _)| *scope).collect();
        assert!(!suffice(Some(&reading.join(" ")), Purpose::Writes));
        assert!(suffice(None, Purpose::Writes), "unknown is believed until a call is refused");
    }

    #[test]
    fn a_token_without_the_webhook_scope_is_fine_for_reading() {
        assert!(suffice(Some("repository pullrequest"), Purpose::ReadingActivity));
        assert!(!suffice(Some("account webhook"), Purpose::ReadingActivity));
    }
}
