//! How often somebody may try to sign in, for each address and each account, on all servers together. Used by every way in.

use crate::app::App;
use crate::error::Result;
use crate::people::attempts;
use crate::platform::client_address::ClientAddress;

/// An office behind one address opens many links on its first morning; nobody guesses one in so few.
const OF_AN_ADDRESS_AT_MOST: i32 = 60;
const OF_AN_ACCOUNT_AT_MOST: i32 = 20;

/// Counts one try from an address.
///
/// # Errors
/// `too_many_tries` (429).
pub async fn count_address(app: &App, address: ClientAddress) -> Result<()> {
    count(app, format!("sign-in:{}", address.network()), OF_AN_ADDRESS_AT_MOST).await
}

/// Counts one try to sign in as `who`: a member's or an account's id.
///
/// # Errors
/// `too_many_tries` (429).
pub async fn count_account(app: &App, who: &str) -> Result<()> {
    count(app, format!("sign-in-as:{who}"), OF_AN_ACCOUNT_AT_MOST).await
}

async fn count(app: &App, subject: String, at_most: i32) -> Result<()> {
    let now = app.now();
    app.write(move |connection| attempts::count(connection, &subject, at_most, &now)).await?
}
