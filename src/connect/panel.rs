//! The parameters in the signed address of the panel, all of them context parameters that Bitbucket filled in. For the
//! Connect door of the panel.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/context-parameters>

use uuid::Uuid;

use super::{
    identifiers::{parse_account_id, parse_pull_request, parse_repository_name, parse_uuid, single_line},
    query::Query,
};

const LONGEST_TITLE_CHARACTERS: usize = 512;

/// What a panel was opened on, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelParameters {
    /// `workspace`: the Bitbucket workspace.
    pub workspace: Uuid,
    /// `repository`: the repository.
    pub repository: Uuid,
    /// `repository_name`: its full name, `workspace/repository`.
    pub repository_name: String,
    /// `pull_request`: the number of the pull request, from one up.
    pub pull_request: u64,
    /// `account`: the Atlassian account id of the viewer; absent when nobody is signed in to Bitbucket.
    pub account: Option<String>,
    /// `author`: the Atlassian account id of the pull request's author; absent for deleted accounts.
    pub author: Option<String>,
    /// `title`: the title of the pull request, as one line, cut at 512 characters.
    pub title: Option<String>,
}

/// A parameter is missing, came twice or cannot be what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the parameter `{name}` is missing, repeated or not well formed")]
pub struct InvalidParameter {
    /// Which one.
    pub name: &'static str,
}

impl InvalidParameter {
    /// The stable code that answers and metrics carry.
    pub fn code(self) -> &'static str {
        "parameter_invalid"
    }
}

impl PanelParameters {
    /// Reads the parameters from the same pairs that were hashed.
    ///
    /// # Errors
    /// [`InvalidParameter`] for the first that is not as it should be.
    pub fn parse(query: &Query) -> Result<Self, InvalidParameter> {
        Ok(Self {
            workspace: required(query, "workspace", parse_uuid)?,
            repository: required(query, "repository", parse_uuid)?,
            repository_name: required(query, "repository_name", parse_repository_name)?.to_owned(),
            pull_request: required(query, "pull_request", pull_request)?,
            account: optional(query, "account", parse_account_id)?.map(str::to_owned),
            author: optional(query, "author", parse_account_id)?.map(str::to_owned),
            title: present(query, "title")?.and_then(|title| single_line(title, LONGEST_TITLE_CHARACTERS)),
        })
    }
}

fn required<'a, T>(
    query: &'a Query,
    name: &'static str,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, InvalidParameter> {
    optional(query, name, parse)?.ok_or(InvalidParameter { name })
}

fn optional<'a, T>(
    query: &'a Query,
    name: &'static str,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<Option<T>, InvalidParameter> {
    match present(query, name)? {
        Some(value) => parse(value).map(Some).ok_or(InvalidParameter { name }),
        None => Ok(None),
    }
}

fn present<'a>(query: &'a Query, name: &'static str) -> Result<Option<&'a str>, InvalidParameter> {
    query.parameter(name).or(Err(InvalidParameter { name }))
}

fn pull_request(value: &str) -> Option<u64> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| is_plain).and_then(parse_pull_request)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "workspace=%7Bacf54878-51be-473e-bf0b-0fbb12e011ad%7D\
        &repository=%7B1b08c6c1-51be-473e-bf0b-0fbb12e011ad%7D&repository_name=lumenpay%2Fledger-api&pull_request=11\
        &account=6059303e630024006fab8c2b&author=557058%3Aacf54878&title=Round+half+to+even&xdm_c=channel-1&jwt=a.b.c";

    fn parse(raw: &str) -> Result<PanelParameters, InvalidParameter> {
        PanelParameters::parse(&Query::parse(raw).expect("a query"))
    }

    #[test]
    fn the_address_of_a_panel_is_read() {
        assert_eq!(
            parse(ADDRESS),
            Ok(PanelParameters {
                workspace: Uuid::from_u128(0xacf54878_51be_473e_bf0b_0fbb12e011ad),
                repository: Uuid::from_u128(0x1b08c6c1_51be_473e_bf0b_0fbb12e011ad),
                repository_name: "lumenpay/ledger-api".to_owned(),
                pull_request: 11,
                account: Some("6059303e630024006fab8c2b".to_owned()),
                author: Some("557058:acf54878".to_owned()),
                title: Some("Round half to even".to_owned()),
            })
        );
    }

    #[test]
    fn a_viewer_who_is_not_signed_in_has_no_account() {
        for nobody in ["account=&", "account=%7Buser.account_id%7D&", ""] {
            let raw = ADDRESS.replace("account=6059303e630024006fab8c2b&", nobody);
            assert_eq!(parse(&raw).map(|parameters| parameters.account), Ok(None), "{nobody}");
        }
    }

    #[test]
    fn every_parameter_that_decides_something_must_be_there_once_and_well_formed() {
        for (from, to, name) in [
            ("%7Bacf54878-51be-473e-bf0b-0fbb12e011ad%7D", "%7Bworkspace.uuid%7D", "workspace"),
            ("%7B1b08c6c1-51be-473e-bf0b-0fbb12e011ad%7D", "..%2Fuser", "repository"),
            ("lumenpay%2Fledger-api", "lumenpay", "repository_name"),
            ("lumenpay%2Fledger-api", "%3Cb%3E%2Fledger", "repository_name"),
            ("pull_request=11", "pull_request=0", "pull_request"),
            ("pull_request=11", "pull_request=%2B11", "pull_request"),
            ("pull_request=11", "pull_request=-1", "pull_request"),
            ("pull_request=11", "pull_request=99999999999999999999", "pull_request"),
            ("pull_request=11", "pull_request=11&pull_request=12", "pull_request"),
            ("pull_request=11", "pull_request%5B%5D=11", "pull_request"),
            ("account=6059303e630024006fab8c2b", "account=a&account=b", "account"),
            ("account=6059303e630024006fab8c2b", "account=%00", "account"),
            ("author=557058%3Aacf54878", "author=%3Cscript%3E", "author"),
            ("title=Round", "title=x&title=Round", "title"),
        ] {
            assert_eq!(parse(&ADDRESS.replace(from, to)), Err(InvalidParameter { name }), "{to}");
        }
    }
}
