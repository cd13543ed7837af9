//! Ids as columns: UUID v7 made by us, a type each, so that one cannot stand where another belongs. Anyone may use it.

use diesel::backend::Backend;
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{Output, ToSql};
use diesel::sql_types::Text;
use serde::{Deserialize, Serialize};

use crate::config::Now;

/// A new UUID v7 (RFC 9562, section 5.7): its time is `now`, so that ids sort as they were made.
pub fn new_uuid(now: &Now) -> uuid::Uuid {
    let millis = u64::try_from(now.at.and_utc().timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &now.random.bytes()).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta] $name:ident),+ $(,)?) => { $(
        #[$doc]
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow, Serialize, Deserialize, utoipa::ToSchema)]
        #[diesel(sql_type = Text)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id, never used before.
            pub fn new(now: &Now) -> Self {
                Self(new_uuid(now).to_string())
            }

            /// Reads an id that came from outside; `None` when it is not a UUID in its usual form.
            pub fn parse(text: &str) -> Option<Self> {
                let uuid = uuid::Uuid::try_parse(text).ok()?;
                (text.len() == 36).then(|| Self(uuid.to_string()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl<DB: Backend> FromSql<Text, DB> for $name
        where
            String: FromSql<Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                String::from_sql(bytes).map(Self)
            }
        }

        impl<DB: Backend> ToSql<Text, DB> for $name
        where
            str: ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.0.as_str().to_sql(out)
            }
        }
    )+ };
}

id! {
    /// A ClarityLoop workspace.
    WorkspaceId,
    /// A member of a workspace.
    MemberId,
    /// A person's question whether they may become a member.
    JoinRequestId,
    /// A feedback item.
    FeedbackId,
    /// A 1:1.
    OneOnOneId,
    /// An item on the agenda of a 1:1.
    AgendaItemId,
    /// A request for feedback.
    RequestId,
    /// A goal.
    GoalId,
    /// A pull request that somebody linked.
    PullRequestId,
    /// A link between a pull request and a conversation.
    LinkId,
    /// An installation of the app in a Bitbucket workspace.
    InstallationId,
    /// A connection by OAuth or by a token.
    ConnectionId,
    /// A webhook of a connection.
    HookId,
    /// An OAuth consumer that an owner has entered.
    ConsumerId,
    /// A member's proposal about a repository.
    ProposalId,
    /// A session of a member.
    SessionId,
    /// An API token.
    TokenId,
    /// A job in the queue.
    JobId,
}

/// A closed set of words as a text column: the macro writes the words once, for the column, JSON and parsing.
#[macro_export]
macro_rules! word_column {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
            serde::Serialize, serde::Deserialize)]
        #[diesel(sql_type = diesel::sql_types::Text)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// The word that stands in the database and in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word; `None` when it is none of the set.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        // Derived, the schema would name the variants: it does not see a word that comes through a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
                text.enum_values(Some([$($word),+])).build().into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $name
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(bytes: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                let word = String::from_sql(bytes)?;
                Self::parse(&word).ok_or_else(|| format!("{word:?} is not a {}", stringify!($name)).into())
            }
        }

        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $name
        where
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.as_str().to_sql(out)
            }
        }
    };
}
