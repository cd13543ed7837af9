//! `/profile/tokens`: the member's API tokens, the form that makes one, and the question before one is revoked.

use askama::Template;

use super::{Shell, Time};

/// `/profile/tokens`.
#[derive(Template)]
#[template(path = "web/tokens.html")]
pub struct TokensPage {
    /// What stands around it.
    pub shell: Shell,
    /// The token just made. It is shown once, on the answer to the press of the button.
    pub made: Option<MadeToken>,
    /// The form for the next one, with what was typed.
    pub form: TokenForm,
    /// The tokens there are, the newest first.
    pub tokens: Vec<TokenRow>,
}

/// A token with its secret.
pub struct MadeToken {
    /// What its owner calls it.
    pub name: String,
    /// What a program sends.
    pub secret: String,
}

/// The form that makes a token.
pub struct TokenForm {
    /// The name as typed.
    pub name: String,
    /// What is wrong with it.
    pub wrong_name: Option<String>,
    /// What the token may be used for.
    pub scopes: Vec<ScopeChoice>,
    /// What is wrong with the choice.
    pub wrong_scopes: Option<String>,
    /// How long it lasts.
    pub lifetimes: Vec<LifetimeChoice>,
    /// What is wrong with the choice.
    pub wrong_lifetime: Option<String>,
}

/// A scope to tick.
pub struct ScopeChoice {
    /// Its word.
    pub word: &'static str,
    /// What it allows, in words.
    pub meaning: &'static str,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

/// A lifetime to choose.
pub struct LifetimeChoice {
    /// What the form sends.
    pub value: &'static str,
    /// What it says.
    pub label: &'static str,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// A token there is.
pub struct TokenRow {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The words of its scopes.
    pub scopes: String,
    /// When it was made.
    pub made: Time,
    /// When it ends, if ever.
    pub ends: Option<Time>,
    /// Whether that has passed.
    pub has_ended: bool,
    /// When it was last used, to the hour.
    pub last_used: Option<Time>,
}

/// `/profile/tokens/{id}/revoke`: the question.
#[derive(Template)]
#[template(path = "web/token_revoke.html")]
pub struct RevokeTokenPage {
    /// What stands around it.
    pub shell: Shell,
    /// The token.
    pub token: TokenRow,
}
