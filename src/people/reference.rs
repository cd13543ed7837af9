//! Pull requests as people and programs name them: by address, or by repository and number. Doors parse with it.

use uuid::Uuid;

use crate::error::{Error, Result};

/// A pull request as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where it is in Bitbucket, always on the configured site.
    pub url: String,
    /// Its number within the repository.
    pub number: i64,
    /// The Bitbucket workspace, when Bitbucket told it.
    pub bitbucket_workspace: Option<Uuid>,
    /// The repository, when Bitbucket or the caller told it.
    pub repository: Option<Uuid>,
    /// `workspace/repository`, when known.
    pub repository_name: Option<String>,
    /// Its title, when Bitbucket signed it.
    pub title: Option<String>,
    /// Its author's account id, when Bitbucket signed it.
    pub author_account_id: Option<String>,
}

/// Reads the address of a pull request on the configured Bitbucket site.
///
/// # Errors
/// `pull_request_url_invalid` (400), which says what kind of address it is instead, as far as its path can tell.
pub fn parse_url(web_url: &str, text: &str) -> Result<Reference> {
    let invalid = |what: &str| {
        let detail = format!("{what} Paste a pull request's address, such as {web_url}/workspace/repository/pull-requests/1.");
        Error::invalid("pull_request_url_invalid", "url", detail)
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid("There is no address yet."));
    }
    let path = text.strip_prefix(web_url).and_then(|rest| rest.strip_prefix('/'));
    let path = path.ok_or_else(|| invalid(&format!("This address is not on {web_url}.")))?;
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    let named = match segments.as_slice() {
        [workspace, repository, "pull-requests", number, ..] => by_path(web_url, workspace, repository, number),
        _ => None,
    };
    named.ok_or_else(|| invalid(other_page(&segments)))
}

fn by_path(web_url: &str, workspace: &str, repository: &str, number: &str) -> Option<Reference> {
    reference_by_name(web_url, &format!("{workspace}/{repository}"), number).or_else(|| {
        let uuid = parse_uuid(&repository.replace("%7B", "{").replace("%7D", "}"))?;
        parse_repository(web_url, &uuid.to_string(), parse_number(number)?).ok()
    })
}

/// What else an address on Bitbucket leads to.
fn other_page(segments: &[&str]) -> &'static str {
    match segments {
        [_, _, "commits", ..] => "This is the address of a commit.",
        [_, _, "branch" | "branches", ..] => "This is the address of a branch.",
        [_, _, "pull-requests"] | [_, _, "pull-requests", "new", ..] => "This is the address of a list of pull requests.",
        [_, _, "pull-requests", ..] => "This is not the address of a pull request.",
        [_, _] | [_, _, "src" | "downloads" | "pipelines" | "overview", ..] => "This is the address of a repository.",
        [_] | [_, "workspace", ..] => "This is the address of a workspace.",
        _ => "This is not the address of a pull request.",
    }
}

/// Names a pull request by its repository, `workspace/repository` or a UUID, and its number.
///
/// # Errors
/// `repository_invalid` (400).
pub fn parse_repository(web_url: &str, repository: &str, number: i64) -> Result<Reference> {
    let by_uuid = || {
        let uuid = parse_uuid(repository)?;
        let url = format!("{web_url}/%7B%7D/%7B{uuid}%7D/pull-requests/{number}");
        let unknown = Reference {
            url,
            number,
            bitbucket_workspace: None,
            repository: Some(uuid),
            repository_name: None,
            title: None,
            author_account_id: None,
        };
        (number >= 1).then_some(unknown)
    };
    let by_name = || reference_by_name(web_url, repository, &number.to_string());
    let detail = "A repository is workspace/repository or a UUID, a pull request a number from 1.";
    by_uuid().or_else(by_name).ok_or_else(|| Error::invalid("repository_invalid", "repository", detail))
}

/// A UUID as Bitbucket writes it, with or without braces.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let bare = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text);
    (bare.len() == 36).then(|| Uuid::try_parse(bare).ok()).flatten()
}

fn parse_number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| *number >= 1 && number.to_string() == text)
}

fn reference_by_name(web_url: &str, full_name: &str, number: &str) -> Option<Reference> {
    let is_slug = |slug: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=100).contains(&slug.len()) && slug.bytes().all(fits) && slug != "." && slug != ".."
    };
    let (workspace, repository) = full_name.split_once('/')?;
    let parsed = parse_number(number)?;
    (is_slug(workspace) && is_slug(repository)).then(|| Reference {
        url: format!("{web_url}/{full_name}/pull-requests/{parsed}"),
        number: parsed,
        bitbucket_workspace: None,
        repository: None,
        repository_name: Some(full_name.to_owned()),
        title: None,
        author_account_id: None,
    })
}

/// The address of the pull request that the panel of a signed request is about: by its repository's name, where that is known.
pub fn signed_url(
    web_url: &str,
    bitbucket_workspace: Uuid,
    repository: Uuid,
    repository_name: Option<&str>,
    number: i64,
) -> String {
    match repository_name.and_then(|name| reference_by_name(web_url, name, &number.to_string())) {
        Some(reference) => reference.url,
        None => format!("{web_url}/%7B{bitbucket_workspace}%7D/%7B{repository}%7D/pull-requests/{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "https://bitbucket.org";

    #[test]
    fn an_address_is_read_with_whatever_follows_the_number() {
        let reference = parse_url(WEB, "https://bitbucket.org/lumenpay/ledger/pull-requests/12/diff?w=1#comment-3").unwrap();
        assert_eq!((reference.url.as_str(), reference.number), ("https://bitbucket.org/lumenpay/ledger/pull-requests/12", 12));
    }

    #[test]
    fn anything_but_a_pull_request_of_the_configured_site_is_refused() {
        for bad in [
            "https://bitbucket.org.evil.example/a/b/pull-requests/1",
            "http://bitbucket.org/a/b/pull-requests/1",
            "https://bitbucket.org/a/b/pull-requests/0",
            "https://bitbucket.org/a/b/pull-requests/01",
            "https://bitbucket.org/a/../pull-requests/1",
            "https://bitbucket.org/a/b/commits/1",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(parse_url(WEB, bad).unwrap_err().code, "pull_request_url_invalid", "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_what_kind_of_address_it_is() {
        for (text, said) in [
            ("", "no address yet"),
            ("https://github.com/a/b/pull/1", "not on https://bitbucket.org"),
            ("https://bitbucket.org/lumenpay", "of a workspace"),
            ("https://bitbucket.org/lumenpay/ledger/", "of a repository"),
            ("https://bitbucket.org/lumenpay/ledger/src/main/README.md", "of a repository"),
            ("https://bitbucket.org/lumenpay/ledger/commits/4f5e6a7", "of a commit"),
            ("https://bitbucket.org/lumenpay/ledger/pull-requests/", "of a list of pull requests"),
        ] {
            let refusal = parse_url(WEB, text).unwrap_err();
            assert!(refusal.detail.contains(said), "{text}: {}", refusal.detail);
        }
    }

    #[test]
    fn an_address_by_uuid_is_one_too() {
        let url = "https://bitbucket.org/%7B%7D/%7B11111111-2222-3333-4444-555555555555%7D/pull-requests/3";
        assert_eq!(parse_url(WEB, url).unwrap().url, url);
    }

    #[test]
    fn a_repository_is_named_by_its_full_name_or_uuid() {
        assert_eq!(
            parse_repository(WEB, "lumenpay/ledger", 3).unwrap().url,
            "https://bitbucket.org/lumenpay/ledger/pull-requests/3"
        );
        assert!(parse_repository(WEB, "{11111111-2222-3333-4444-555555555555}", 3).unwrap().repository.is_some());
        assert_eq!(parse_repository(WEB, "ledger", 3).unwrap_err().code, "repository_invalid");
    }
}
