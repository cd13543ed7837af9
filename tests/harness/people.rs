//! A member of a workspace with everything a test needs to act as them: in a browser and by REST.

use clarityloop_bitbucket::people::members::Member;
use reqwest::Method;
use serde_json::Value;

use super::{Page, Test};

pub struct Person {
    pub member: Member,
    pub session: String,
    pub csrf: String,
    pub token: String,
}

impl Person {
    /// A new member of the test's workspace, `first-name@lumenpay.example`.
    pub async fn new(test: &Test, name: &str) -> Self {
        let first = name.split(' ').next().expect("a name").to_lowercase();
        let member = test.member(name, &format!("{first}@lumenpay.example"), None).await;
        Self::of(test, member).await
    }

    pub async fn of(test: &Test, member: Member) -> Self {
        let (session, token) = (test.session(&member).await, test.token(&member, "read,write").await);
        let csrf = test.get_as(&session, "/profile").await.field("csrf");
        Self { member, session, csrf, token }
    }

    pub async fn get(&self, test: &Test, path: &str) -> Page {
        test.get_as(&self.session, path).await
    }

    /// Posts a form of a page.
    pub async fn post(&self, test: &Test, path: &str, fields: &[(&str, &str)]) -> Page {
        let form: Vec<(&str, &str)> = [("csrf", self.csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        test.post_as(&self.session, path, &form).await
    }

    /// A REST request; status and body of the answer.
    pub async fn call(&self, test: &Test, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = test.api_as(&self.token, method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let page = Page::read(answer).await;
        (page.status, serde_json::from_str(&page.body).unwrap_or(Value::Null))
    }
}
