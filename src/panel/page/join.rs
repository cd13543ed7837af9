//! The way of a person who belongs to no member yet: to ask whether they may join; for the panel's page.

use super::Day;

/// What the panel says about joining.
pub enum Join {
    /// The form that asks.
    Form {
        /// Where it posts to.
        action: String,
        /// What it is filled with.
        typed: TypedJoin,
    },
    /// Asked, and not decided.
    Asked {
        /// On which day.
        on: Day,
        /// Some of the owners, by name.
        owners: Vec<String>,
    },
    /// Refused a short while ago.
    Refused {
        /// On which day.
        on: Day,
        /// From which day on one may ask again.
        again_on: Day,
    },
}

/// What a question that was not taken had in it, given back as it was.
#[derive(Default)]
pub struct TypedJoin {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// What is wrong with it.
    pub wrong: Option<WrongJoin>,
}

/// What is wrong with a question, and what to do about it.
pub enum WrongJoin {
    /// The name.
    Name(String),
    /// The e-mail address.
    Email(String),
    /// Neither.
    Whole(String),
}

impl TypedJoin {
    pub(super) fn wrong_name(&self) -> Option<&str> {
        match &self.wrong {
            Some(WrongJoin::Name(sentence)) => Some(sentence),
            _ => None,
        }
    }

    pub(super) fn wrong_email(&self) -> Option<&str> {
        match &self.wrong {
            Some(WrongJoin::Email(sentence)) => Some(sentence),
            _ => None,
        }
    }

    pub(super) fn wrong_whole(&self) -> Option<&str> {
        match &self.wrong {
            Some(WrongJoin::Whole(sentence)) => Some(sentence),
            _ => None,
        }
    }
}
