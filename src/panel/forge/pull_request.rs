//! What Forge's signed context lacks of a pull request, its title and author: from what is known here, else from one bounded question.

use std::time::Duration;

use crate::app::App;
use crate::bitbucket::{Credential, RepositoryName};
use crate::connections::forge_installations;
use crate::connections::panel_state::PanelState;
use crate::error::{Error, Result};
use crate::panel::actions;
use crate::panel::context::Context;
use crate::people::pull_requests::{self, Told};
use crate::people::text::one_line;
use crate::platform::forge::PanelCaller;
use crate::storage::AnyConnection;

/// Somebody waits for the panel: without an answer it offers members instead of the author.
const PATIENCE: Duration = Duration::from_secs(2);

/// When title and author are worth a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// When the viewer is shown what can be attached.
    WhenShown,
    /// Whenever the panel is in use here: what is asked for shows it.
    Always,
    /// Not at all.
    Never,
}

/// Whose panel a call is about. No call to Bitbucket is made for a pull request that is known.
pub(super) async fn context(app: &App, caller: &PanelCaller, need: Need) -> Result<Context> {
    let context = Context {
        client_key: forge_installations::client_key(&caller.invocation),
        account: caller.account.clone(),
        bitbucket_workspace: caller.invocation.workspace,
        repository: caller.repository,
        repository_name: None,
        number: i64::try_from(caller.pull_request).map_err(Error::internal)?,
        author: None,
        title: None,
    };
    let (state, told) = match look(app, &context).await {
        Err(error) if error.code == "token_issuer_unknown" => {
            meet(app, caller).await?;
            look(app, &context).await?
        }
        looked => looked?,
    };
    let told = match told {
        None if is_worth_a_question(&state, need) => ask(app, caller, context.number).await,
        told => told,
    };
    let Some(Told { repository_name, title, author_account_id }) = told else { return Ok(context) };
    Ok(Context { repository_name, title, author: author_account_id, ..context })
}

async fn look(app: &App, context: &Context) -> Result<(PanelState, Option<Told>)> {
    let (context, web_url) = (context.clone(), app.config.bitbucket_web_url.clone());
    let work = move |connection: &mut AnyConnection| {
        let state = actions::read(connection, &context, &web_url)?;
        let told = state.pull_request_id.as_ref().map(|id| pull_requests::told(connection, id)).transpose()?;
        Ok((state, told.flatten()))
    };
    app.read(work).await
}

/// Forge may show a page before its `installed` event is here: what it signed is enough to know the installation by.
async fn meet(app: &App, caller: &PanelCaller) -> Result<()> {
    let (invocation, now) = (caller.invocation.clone(), app.now());
    app.write(move |connection| forge_installations::of_page(connection, &invocation, &now).map(|_caller| ())).await
}

fn is_worth_a_question(state: &PanelState, need: Need) -> bool {
    let is_on = state.workspace.as_ref().is_some_and(|workspace| workspace.quick_action);
    match need {
        Need::WhenShown => state.viewer().is_some() && !state.is_hidden,
        Need::Always => is_on,
        Need::Never => false,
    }
}

/// Asks Bitbucket once, with the token that came with this call.
async fn ask(app: &App, caller: &PanelCaller, number: i64) -> Option<Told> {
    // A budget of its own: the token could be one that the page has planted, whose limits say nothing of the app's.
    let budget = format!("page:{}", caller.invocation.installation);
    let credential = Credential::bearer(budget, caller.token.as_ref()?.token.clone());
    let repository = RepositoryName::Uuid(caller.repository);
    let asked = app.bitbucket.pull_request(&credential, &repository, number);
    let answer = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()?;
    let repository = answer.destination.and_then(|destination| destination.repository);
    Some(Told {
        repository_name: repository.and_then(|repository| repository.full_name).map(|name| one_line(&name, 250)),
        title: answer.title.map(|title| one_line(&title, 500)),
        author_account_id: answer.author.and_then(|author| author.account_id),
    })
}
