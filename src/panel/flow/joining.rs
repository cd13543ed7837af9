//! The panel's quieter forms: asking whether one may join, hiding the panel for oneself and showing it again.

use actix_web::http::StatusCode;
use serde::Deserialize;

use super::{Answer, Panel};
use crate::error::{Error, Result};
use crate::panel::actions::{self, AskedFor, joining};
use crate::panel::page::{TypedJoin, WrongJoin};
use crate::panel::view::Outcome;
use crate::people::text::{EmailAddress, Name};
use crate::storage::AnyConnection;

/// What the form that asks sends.
#[derive(Clone, Debug, Deserialize)]
pub struct Asking {
    /// As it was typed.
    #[serde(default)]
    pub name: String,
    /// As it was typed.
    #[serde(default)]
    pub email: String,
}

impl Panel<'_> {
    /// Asks the owners whether the viewer may join.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with; what is wrong with the question stands in the answer.
    pub async fn ask_to_join(&self, form: Asking) -> Result<Answer> {
        let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
        let tries = self.app.write(move |connection| joining::count(connection, &context, &web_url, &now)).await?;
        let parsed = tries.and_then(|()| Ok((Name::parse("name", &form.name)?, EmailAddress::parse(&form.email)?)));
        let asked = match parsed {
            Ok((name, email)) => {
                let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
                let work = move |connection: &mut AnyConnection| {
                    joining::ask(connection, &context, name, email, &web_url, &now)?;
                    actions::look(connection, &context, AskedFor::Links, &web_url, &now)
                };
                self.app.write(work).await
            }
            Err(error) => Err(error),
        };
        match asked {
            Ok(seen) => self.page(seen, Outcome::default(), StatusCode::OK).await,
            Err(error) => {
                let join = TypedJoin { name: form.name, email: form.email, wrong: Some(wrong(&error)) };
                self.again(error, Outcome { join, ..Outcome::default() }).await
            }
        }
    }

    /// Hides the panel for the viewer, or shows it again.
    ///
    /// # Errors
    /// What [`actions::read`] refuses with; `panel_not_available` (403).
    pub async fn set_hidden(&self, is_hidden: bool) -> Result<Answer> {
        let (context, web_url, now) = (self.context.clone(), self.web_url(), self.app.now());
        let work = move |connection: &mut AnyConnection| {
            joining::set_hidden(connection, &context, is_hidden, &web_url, &now)?;
            actions::look(connection, &context, AskedFor::Links, &web_url, &now)
        };
        let seen = self.app.write(work).await?;
        self.page(seen, Outcome::default(), StatusCode::OK).await
    }
}

fn wrong(error: &Error) -> WrongJoin {
    let sentence = error.detail.to_string();
    match error.field {
        Some("name") => WrongJoin::Name(sentence),
        Some("email") => WrongJoin::Email(sentence),
        _ => WrongJoin::Whole(sentence),
    }
}
