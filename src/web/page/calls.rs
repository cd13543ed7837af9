//! `/bitbucket/call`: the page to try calls of the Bitbucket API.

use askama::Template;

use super::Shell;

/// The page.
#[derive(Template)]
#[template(path = "web/call.html")]
pub struct CallPage {
    /// What stands around it.
    pub shell: Shell,
    /// Every operation, by group.
    pub groups: Vec<GroupOfCalls>,
    /// The one that was chosen, or that was called.
    pub chosen: Option<ChosenCall>,
    /// What stands in the form.
    pub typed: TypedCall,
    /// Why nothing came of it.
    pub problem: Option<CallProblem>,
    /// What would be sent.
    pub plan: Option<CallPlan>,
    /// What Bitbucket answered.
    pub answer: Option<CallAnswer>,
}

/// A group of operations to choose from.
pub struct GroupOfCalls {
    /// Its name.
    pub name: &'static str,
    /// Its operations.
    pub operations: Vec<CallChoice>,
}

/// An operation to choose.
pub struct CallChoice {
    /// Method and path.
    pub key: String,
    /// What it does.
    pub summary: &'static str,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// What is said of the operation that was chosen.
pub struct ChosenCall {
    /// What it does.
    pub summary: &'static str,
    /// Whether it deletes, or cannot be taken back.
    pub is_destructive: bool,
    /// What an OAuth grant needs.
    pub oauth_scopes: String,
    /// What an API token needs.
    pub token_scopes: String,
    /// The parameters of its query.
    pub query: String,
    /// What to know of one that is on its way out.
    pub notice: Option<&'static str>,
    /// Whether it may be called.
    pub is_allowed: bool,
}

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct TypedCall {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The parameters, one in each line.
    pub query: String,
    /// The body.
    pub body: String,
    /// The name that confirms.
    pub confirm: String,
}

/// Why nothing came of a call.
pub struct CallProblem {
    /// The stable code.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub sentence: String,
    /// The field that is wrong.
    pub field: Option<&'static str>,
}

/// What a call would send.
pub struct CallPlan {
    /// The method.
    pub method: String,
    /// The whole address.
    pub address: String,
    /// The body; empty for none.
    pub body: String,
    /// With whose right.
    pub why: String,
    /// What confirms it, where it must be confirmed.
    pub confirm: Option<String>,
}

/// What Bitbucket answered.
pub struct CallAnswer {
    /// The status.
    pub status: u16,
    /// The headers that matter.
    pub headers: Vec<(String, String)>,
    /// What the body is.
    pub kind: &'static str,
    /// The body; empty for none.
    pub body: String,
    /// Whether only its beginning is here.
    pub is_cut: bool,
    /// How many calls are left.
    pub budget_left: Option<u32>,
    /// With whose right.
    pub why: String,
}

impl CallPage {
    /// Whether this field is what is wrong.
    fn wrong(&self, field: &str) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.field == Some(field))
    }
}
