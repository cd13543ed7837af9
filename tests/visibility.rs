//! Who may do what with which conversation, as one table: every kind and state, every role, every verb, at the REST door and in
//! what the panel reads.

use clarityloop_bitbucket::connections::panel_state::{self, Question};
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::schema::members as rows;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{LEDGER, Test, make_workspace};

both!(nobody_sees_or_does_more_than_the_table_says);

/// Done (+), no such thing (.), seen but not theirs (x), not in this state (!), not let in at all (0), nothing of the kind (blank).
/// Detach is tried on the link that the first person made. Change is another text, day or progress, or the answer of a request; end
/// is sharing feedback and closing a goal or a request. In every row the two people are led by "manager", and were led by "former manager".
const TABLE: &str = "
what                  who               list see links panel attach detach change end delete
feedback, draft       first             +    +   +     +     +      +      +      +   +
feedback, draft       second            .    .   .     .     .      .      .      .   .
feedback, draft       manager           .    .   .     .     .      .      .      .   .
feedback, draft       former manager    .    .   .     .     .      .      .      .   .
feedback, draft       colleague         .    .   .     .     .      .      .      .   .
feedback, draft       owner             .    .   .     .     .      .      .      .   .
feedback, draft       elsewhere         .    .   .     .     .      .      .      .   .
feedback, draft       removed           0    0   0     .     0      0      0      0   0
feedback, shared      first             +    +   +     +     +      +      !      +   !
feedback, shared      second            +    +   +     +     x      x      x      x   x
feedback, shared      manager           .    .   .     .     .      .      .      .   .
feedback, shared      former manager    .    .   .     .     .      .      .      .   .
feedback, shared      colleague         .    .   .     .     .      .      .      .   .
feedback, shared      owner             .    .   .     .     .      .      .      .   .
feedback, shared      elsewhere         .    .   .     .     .      .      .      .   .
feedback, shared      removed           0    0   0     .     0      0      0      0   0
feedback, manager too first             +    +   +     +     +      +      !      +   !
feedback, manager too second            +    +   +     +     x      x      x      x   x
feedback, manager too manager           +    +   +     +     x      x      x      x   x
feedback, manager too former manager    .    .   .     .     .      .      .      .   .
feedback, manager too colleague         .    .   .     .     .      .      .      .   .
feedback, manager too owner             .    .   .     .     .      .      .      .   .
feedback, manager too elsewhere         .    .   .     .     .      .      .      .   .
feedback, manager too removed           0    0   0     .     0      0      0      0   0
1:1                   first             +    +   +     +     +      +      +          +
1:1                   second            +    +   +     +     +      x      +          +
1:1                   manager           .    .   .     .     .      .      .          .
1:1                   former manager    .    .   .     .     .      .      .          .
1:1                   colleague         .    .   .     .     .      .      .          .
1:1                   owner             .    .   .     .     .      .      .          .
1:1                   elsewhere         .    .   .     .     .      .      .          .
1:1                   removed           0    0   0     .     0      0      0          0
goal, private         first             +    +   +     +     +      +      +      +   +
goal, private         second            .    .   .     .     .      .      .      .   .
goal, private         manager           +    +   +     +     x      x      x      x   x
goal, private         former manager    .    .   .     .     .      .      .      .   .
goal, private         colleague         .    .   .     .     .      .      .      .   .
goal, private         owner             .    .   .     .     .      .      .      .   .
goal, private         elsewhere         .    .   .     .     .      .      .      .   .
goal, private         removed           0    0   0     .     0      0      0      0   0
goal, public          first             +    +   +     +     +      +      +      +   +
goal, public          second            +    +   +     +     x      x      x      x   x
goal, public          manager           +    +   +     +     x      x      x      x   x
goal, public          former manager    +    +   +     +     x      x      x      x   x
goal, public          colleague         +    +   +     +     x      x      x      x   x
goal, public          owner             +    +   +     +     x      x      x      x   x
goal, public          elsewhere         .    .   .     .     .      .      .      .   .
goal, public          removed           0    0   0     .     0      0      0      0   0
goal, closed          first             +    +   +     +     !      +      !      +   +
goal, closed          second            .    .   .     .     .      .      .      .   .
goal, closed          manager           +    +   +     +     x      x      x      x   x
goal, closed          former manager    .    .   .     .     .      .      .      .   .
goal, closed          colleague         .    .   .     .     .      .      .      .   .
goal, closed          owner             .    .   .     .     .      .      .      .   .
goal, closed          elsewhere         .    .   .     .     .      .      .      .   .
goal, closed          removed           0    0   0     .     0      0      0      0   0
request, open         first             +    +   +     +     +      +      x      +
request, open         second            +    +   +     +     +      x      +      x
request, open         manager           .    .   .     .     .      .      .      .
request, open         former manager    .    .   .     .     .      .      .      .
request, open         colleague         .    .   .     .     .      .      .      .
request, open         owner             .    .   .     .     .      .      .      .
request, open         elsewhere         .    .   .     .     .      .      .      .
request, open         removed           0    0   0     .     0      0      0      0
request, answered     first             +    +   +     +     +      +      x      !
request, answered     second            +    +   +     +     +      x      !      x
request, answered     manager           .    .   .     .     .      .      .      .
request, answered     former manager    .    .   .     .     .      .      .      .
request, answered     colleague         .    .   .     .     .      .      .      .
request, answered     owner             .    .   .     .     .      .      .      .
request, answered     elsewhere         .    .   .     .     .      .      .      .
request, answered     removed           0    0   0     .     0      0      0      0
request, declined     first             +    +   +     +     !      +      x      !
request, declined     second            +    +   +     +     !      x      !      x
request, declined     manager           .    .   .     .     .      .      .      .
request, declined     former manager    .    .   .     .     .      .      .      .
request, declined     colleague         .    .   .     .     .      .      .      .
request, declined     owner             .    .   .     .     .      .      .      .
request, declined     elsewhere         .    .   .     .     .      .      .      .
request, declined     removed           0    0   0     .     0      0      0      0
request, closed       first             +    +   +     +     !      +      x      !
request, closed       second            +    +   +     +     !      x      !      x
request, closed       manager           .    .   .     .     .      .      .      .
request, closed       former manager    .    .   .     .     .      .      .      .
request, closed       colleague         .    .   .     .     .      .      .      .
request, closed       owner             .    .   .     .     .      .      .      .
request, closed       elsewhere         .    .   .     .     .      .      .      .
request, closed       removed           0    0   0     .     0      0      0      0
";

const ROLES: [&str; 8] = ["first", "second", "manager", "former manager", "colleague", "owner", "elsewhere", "removed"];

/// Every kind in every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Draft,
    Shared,
    SharedWithManager,
    OneOnOne,
    PrivateGoal,
    PublicGoal,
    ClosedGoal,
    Request(&'static str),
}

const ALL: [What; 11] = [
    What::Draft,
    What::Shared,
    What::SharedWithManager,
    What::OneOnOne,
    What::PrivateGoal,
    What::PublicGoal,
    What::ClosedGoal,
    What::Request("open"),
    What::Request("answered"),
    What::Request("declined"),
    What::Request("closed"),
];

impl What {
    fn name(self) -> String {
        match self {
            Self::Draft => "feedback, draft".to_owned(),
            Self::Shared => "feedback, shared".to_owned(),
            Self::SharedWithManager => "feedback, manager too".to_owned(),
            Self::OneOnOne => "1:1".to_owned(),
            Self::PrivateGoal => "goal, private".to_owned(),
            Self::PublicGoal => "goal, public".to_owned(),
            Self::ClosedGoal => "goal, closed".to_owned(),
            Self::Request(state) => format!("request, {state}"),
        }
    }

    /// Its kind in links, and its collection at the REST door.
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Self::Draft | Self::Shared | Self::SharedWithManager => ("feedback", "/feedback"),
            Self::OneOnOne => ("one_on_one", "/one-on-ones"),
            Self::PrivateGoal | Self::PublicGoal | Self::ClosedGoal => ("goal", "/goals"),
            Self::Request(_) => ("request", "/requests"),
        }
    }

    /// What changes it.
    fn change(self, day: &str) -> (Method, &'static str, Value) {
        match self {
            Self::Draft | Self::Shared | Self::SharedWithManager => (Method::PATCH, "", json!({"body": "Other words."})),
            Self::OneOnOne => (Method::PATCH, "", json!({"held_on": day})),
            Self::PrivateGoal | Self::PublicGoal | Self::ClosedGoal => (Method::PATCH, "", json!({"progress": 50})),
            Self::Request(_) => (Method::POST, "/answer", json!({"body": "Well."})),
        }
    }

    /// The last step of its kind, where it has one.
    fn end(self) -> Option<(Method, &'static str, Value)> {
        match self {
            Self::Draft | Self::Shared | Self::SharedWithManager => {
                Some((Method::POST, "/share", json!({"with_manager": false})))
            }
            Self::OneOnOne => None,
            Self::PrivateGoal | Self::PublicGoal | Self::ClosedGoal => Some((Method::PATCH, "", json!({"closed": true}))),
            Self::Request(_) => Some((Method::POST, "/close", json!({}))),
        }
    }
}

struct Who {
    member: Member,
    token: String,
    account: String,
}

/// The people, and what is counted so that every item has a day and pull requests of its own.
struct Stage<'a> {
    test: &'a Test,
    client_key: String,
    people: Vec<Who>,
    made: std::cell::Cell<u32>,
}

/// An item that the first person made, and their link on it.
struct Made {
    id: String,
    link: String,
    number: u32,
}

impl Stage<'_> {
    async fn new(test: &Test) -> Stage<'_> {
        let client_key = test.installed().await.client_key;
        let mut people = Vec::new();
        for role in ROLES {
            let email = format!("{}@lumenpay.example", role.replace(' ', "."));
            let account = format!("account-of-{}", role.replace(' ', "-"));
            let (member, token) = match role {
                "owner" => (test.made.owner.clone(), test.made.token.clone()),
                "elsewhere" => {
                    let made = make_workspace(&test.server, "Elsewhere", role, &email).await;
                    (made.owner, made.token)
                }
                _ => {
                    let member = test.member(role, &email, None).await;
                    let token = test.token(&member, "read,write").await;
                    (member, token)
                }
            };
            test.bind(&member, &account).await;
            people.push(Who { member, token, account });
        }
        Stage { test, client_key, people, made: std::cell::Cell::new(0) }
    }

    fn who(&self, role: &str) -> &Who {
        &self.people[ROLES.iter().position(|known| *known == role).unwrap()]
    }

    /// A number of its own for an item: its pull request, its day.
    fn count(&self) -> u32 {
        self.made.set(self.made.get() + 1);
        self.made.get()
    }

    async fn write(
        &self,
        work: impl FnOnce(&mut clarityloop_bitbucket::storage::AnyConnection) -> QueryResult<usize> + Send + 'static,
    ) {
        self.test.server.app.write(move |connection| Ok(work(connection)?)).await.expect("a change");
    }

    /// From now on this one leads the two people.
    async fn led_by(&self, role: &str) {
        let leader = self.who(role).member.id.clone();
        let led: Vec<_> = ["first", "second", "removed"].map(|role| self.who(role).member.id.clone()).into();
        self.write(move |connection| {
            let led = rows::table.filter(rows::id.eq_any(led));
            diesel::update(led).set(rows::manager_id.eq(Some(leader))).execute(connection)
        })
        .await;
    }

    async fn removed(&self, is_removed: bool) {
        let (id, at) = (self.who("removed").member.id.clone(), self.test.now().naive_utc());
        self.write(move |connection| {
            diesel::update(rows::table.find(id)).set(rows::removed_at.eq(is_removed.then_some(at))).execute(connection)
        })
        .await;
    }

    async fn ask(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.test.api_as(token, method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    async fn made(&self, token: &str, path: &str, body: Value) -> String {
        let (status, made) = self.ask(token, Method::POST, path, Some(body)).await;
        assert_eq!(status, 201, "{path}: {made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Makes an item of the two people for the one who is about to try everything with it.
    async fn make(&self, what: What, role: &str) -> Made {
        self.removed(false).await;
        self.led_by(if role == "former manager" { "former manager" } else { "manager" }).await;
        let first = self.who(if role == "removed" { "removed" } else { "first" });
        let second = &self.who("second").member;
        let number = self.count();
        let (kind, collection) = what.kind();
        let id = match what {
            What::Draft | What::Shared | What::SharedWithManager => {
                let body = json!({"about": second.id, "body": "Clear.", "shared": what != What::Draft});
                self.made(&first.token, "/feedback", body).await
            }
            What::OneOnOne => self.made(&first.token, "/one-on-ones", json!({"with": second.id, "held_on": day(number)})).await,
            What::PrivateGoal | What::PublicGoal | What::ClosedGoal => {
                self.made(&first.token, "/goals", json!({"title": "Retry", "public": what == What::PublicGoal})).await
            }
            What::Request(_) => {
                self.made(&first.token, "/requests", json!({"asked": second.id, "question": "How did it go?"})).await
            }
        };
        let link = json!({"kind": kind, "target": id, "repository": LEDGER, "pull_request": number});
        let link = self.made(&first.token, "/links", link).await;
        let seconds = &self.who("second").token;
        let (token, method, below, body) = match what {
            What::SharedWithManager => (&first.token, Method::POST, "/share", json!({"with_manager": true})),
            What::ClosedGoal => (&first.token, Method::PATCH, "", json!({"closed": true})),
            What::Request("answered") => (seconds, Method::POST, "/answer", json!({"body": "Well."})),
            What::Request("declined") => (seconds, Method::POST, "/decline", json!({"word": "No time."})),
            What::Request("closed") => (&first.token, Method::POST, "/close", json!({})),
            _ => (&first.token, Method::GET, "", Value::Null),
        };
        let (status, answer) = self.ask(token, method, &format!("{collection}/{id}{below}"), Some(body)).await;
        assert_eq!(status, 200, "{what:?}: {answer}");
        self.led_by("manager").await;
        self.removed(role == "removed").await;
        Made { id, link, number }
    }

    /// What one role can do with one item, as a line of the table.
    async fn line(&self, what: What, role: &str) -> String {
        let (who, made) = (self.who(role), self.make(what, role).await);
        let (kind, collection) = what.kind();
        let Made { id, link, number } = &made;
        let of_target = format!("/links?kind={kind}&target={id}");
        let list = holds(&self.ask(&who.token, Method::GET, &format!("{collection}?limit=100"), None).await, id);
        let see = mark(self.ask(&who.token, Method::GET, &format!("{collection}/{id}"), None).await.0);
        let links = holds(&self.ask(&who.token, Method::GET, &of_target, None).await, link);
        let panel = self.panel(who, *number, id).await;
        let new = json!({"kind": kind, "target": id, "repository": LEDGER, "pull_request": number + 1_000});
        let attach = mark(self.ask(&who.token, Method::POST, "/links", Some(new)).await.0);
        let step = async |(method, below, body): (Method, &str, Value)| {
            mark(self.ask(&who.token, method, &format!("{collection}/{id}{below}"), Some(body)).await.0)
        };
        let change = step(what.change(&day(number + 1_000))).await;
        let end = match what.end() {
            Some(end) => step(end).await,
            None => " ",
        };
        let delete = if matches!(what, What::Request(_)) {
            " "
        } else {
            let other = self.make(what, role).await;
            mark(self.ask(&who.token, Method::DELETE, &format!("{collection}/{}", other.id), None).await.0)
        };
        let detach = mark(self.ask(&who.token, Method::DELETE, &format!("/links/{link}"), None).await.0);
        let what = what.name();
        let line =
            format!("{what:<22}{role:<18}{list:<5}{see:<4}{links:<6}{panel:<6}{attach:<7}{detach:<7}{change:<7}{end:<4}{delete}");
        line.trim_end().to_owned()
    }

    /// Whether the panel on the item's pull request shows the link to this one.
    async fn panel(&self, who: &Who, number: u32, id: &str) -> &'static str {
        let question = Question {
            client_key: self.client_key.clone(),
            account: who.account.clone(),
            author: String::new(),
            repository: "01900000-0000-7000-8000-000000000000".to_owned(),
            number: i64::from(number),
            url: format!("{}/{LEDGER}/pull-requests/{number}", self.test.sandbox.url()),
        };
        let read = self.test.server.app.read(move |connection| panel_state::read(connection, question)).await.expect("a panel");
        if read.links.iter().any(|link| link.target_id == id) { "+" } else { "." }
    }
}

fn day(number: u32) -> String {
    let first = chrono::NaiveDate::from_ymd_opt(2027, 1, 1).unwrap();
    (first + chrono::TimeDelta::days(i64::from(number))).to_string()
}

fn mark(status: u16) -> &'static str {
    match status {
        200..=299 => "+",
        401 => "0",
        403 => "x",
        404 => ".",
        409 => "!",
        _ => "?",
    }
}

/// Whether a list that was answered holds an entry.
fn holds((status, list): &(u16, Value), id: &str) -> &'static str {
    let is_there = list["entries"].as_array().is_some_and(|entries| entries.iter().any(|entry| entry["id"] == id));
    match status {
        200 if is_there => "+",
        200 => ".",
        status => mark(*status),
    }
}

async fn nobody_sees_or_does_more_than_the_table_says(test: &Test) {
    let stage = Stage::new(test).await;
    let mut lines =
        vec!["what                  who               list see links panel attach detach change end delete".to_owned()];
    for what in ALL {
        for role in ROLES {
            lines.push(stage.line(what, role).await);
        }
    }
    let found = lines.join("\n");
    let wrong = TABLE.trim().lines().zip(found.lines()).filter(|(expected, found)| expected != found);
    let wrong: Vec<String> = wrong.map(|(expected, found)| format!("expected {expected}\n   found {found}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(TABLE.trim().lines().count(), lines.len());
    test.run_jobs().await;
}
