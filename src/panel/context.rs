//! Whose panel it is: the installation, the pull request and the account that looks at it. Every door of the panel makes one.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::connect::panel::PanelParameters;
use crate::connections::panel_state::Question;
use crate::people::pull_requests::{self, Reference};

/// What a door has proven about a panel request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The installation's client key.
    pub client_key: String,
    /// The viewer's Atlassian account id.
    pub account: String,
    /// The Bitbucket workspace.
    pub bitbucket_workspace: Uuid,
    /// The repository.
    pub repository: Uuid,
    /// `workspace/repository`, when the door knows it.
    pub repository_name: Option<String>,
    /// The pull request's number.
    pub number: i64,
    /// The author's account id, unless the account is gone or the door does not know it.
    pub author: Option<String>,
    /// The pull request's title, when the door knows it.
    pub title: Option<String>,
}

impl Context {
    /// From the parameters of a signed address; `None` when nobody is signed in to Bitbucket.
    pub fn of_signed(client_key: String, parameters: PanelParameters) -> Option<Self> {
        Some(Self {
            client_key,
            account: parameters.account?,
            bitbucket_workspace: parameters.workspace,
            repository: parameters.repository,
            repository_name: Some(parameters.repository_name),
            number: i64::try_from(parameters.pull_request).ok()?,
            author: parameters.author,
            title: parameters.title,
        })
    }

    /// The pull request, as it is linked.
    pub fn reference(&self, web_url: &str) -> Reference {
        Reference {
            url: self.url(web_url),
            number: self.number,
            bitbucket_workspace: Some(self.bitbucket_workspace),
            repository: Some(self.repository),
            repository_name: self.repository_name.clone(),
            title: self.title.clone(),
            author_account_id: self.author.clone(),
        }
    }

    /// What has to be read for it.
    pub fn question(&self, web_url: &str) -> Question {
        Question {
            client_key: self.client_key.clone(),
            account: self.account.clone(),
            author: self.author.clone().unwrap_or_default(),
            repository: self.repository.to_string(),
            number: self.number,
            url: self.url(web_url),
        }
    }

    fn url(&self, web_url: &str) -> String {
        let name = self.repository_name.as_deref();
        pull_requests::signed_url(web_url, self.bitbucket_workspace, self.repository, name, self.number)
    }
}
