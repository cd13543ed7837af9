//! A browser as far as signing in needs one: it keeps cookies, and goes to Bitbucket and back.

use std::collections::BTreeMap;

use bitbucket_sandbox::{Consumer, percent_decode, query_pairs};
use clarityloop_bitbucket::people::members::Member;
use reqwest::RequestBuilder;

use crate::harness::{Page, Test};

/// Settings for a server that is a consumer.
pub const CONSUMER: &[(&str, &str)] =
    &[("CLARITYLOOP__OAUTH__CLIENT_ID", "the-key"), ("CLARITYLOOP__OAUTH__CLIENT_SECRET", "the-secret")];

/// Makes the server of a test known to its Bitbucket.
pub fn register(test: &Test) {
    test.sandbox.add_consumer(Consumer {
        client_id: "the-key".to_owned(),
        client_secret: "the-secret".to_owned(),
        callback_url: format!("{}/sign-in/bitbucket/callback", test.url),
        scopes: ["account", "email", "repository"].map(str::to_owned).into(),
    });
}

/// Somebody with a browser of their own.
#[derive(Default)]
pub struct Visitor {
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// The secret of the session; empty when there is none.
    pub fn session(&self) -> String {
        self.cookies.get("clarityloop").cloned().unwrap_or_default()
    }

    pub async fn get(&mut self, test: &Test, path: &str) -> Page {
        self.send(test.http.get(format!("{}{path}", test.url))).await
    }

    pub async fn post(&mut self, test: &Test, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(test.http.post(format!("{}{path}", test.url)).form(form)).await
    }

    async fn send(&mut self, request: RequestBuilder) -> Page {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let page = Page::read(request.header("cookie", cookies.join("; ")).send().await.expect("an answer")).await;
        for set in page.headers.get_all("set-cookie") {
            let (pair, flags) = set.to_str().expect("a cookie").split_once(';').expect("flags");
            let (name, value) = pair.split_once('=').expect("a cookie");
            assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Lax"), "{flags}");
            if flags.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.set_cookie(name, value);
            }
        }
        page
    }

    /// Signs in with a new one-time link.
    pub async fn use_link(&mut self, test: &Test, member: &Member) {
        let path = format!("/sign-in/{}", test.sign_in_link(member).await);
        let csrf = self.get(test, &path).await.field("csrf");
        assert_eq!(self.post(test, &path, &[("csrf", &csrf)]).await.status, 303);
    }

    /// Presses the button; the answer is where Bitbucket asks.
    pub async fn start(&mut self, test: &Test) -> String {
        let page = self.post(test, "/sign-in/bitbucket", &[]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let (_, rest) = page.body.split_once("<a class=\"button button-primary\" href=\"").expect("a link");
        rest.split('"').next().unwrap_or_default().replace("&#38;", "&")
    }

    /// Goes to Bitbucket, grants as the person with this account, and comes back.
    pub async fn sign_in(&mut self, test: &Test, account: &str) -> Page {
        let address = self.start(test).await;
        let back = answer(test, &address, account, "grant").await;
        self.get(test, &back).await
    }
}

/// What Bitbucket answers to a person's press of a button on its page: a path of ours.
pub async fn answer(test: &Test, address: &str, account: &str, answer: &str) -> String {
    let asked = address.strip_prefix(&format!("{}/site/oauth2/authorize?", test.sandbox.url())).expect("Bitbucket's page");
    let mut fields = query_pairs(asked);
    fields.push(("as".to_owned(), account.to_owned()));
    fields.push(("answer".to_owned(), answer.to_owned()));
    let asked = test.http.post(format!("{}/site/oauth2/authorize", test.sandbox.url())).form(&fields);
    let answer = Page::read(asked.send().await.expect("an answer")).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").strip_prefix(&test.url).expect("an address of ours").to_owned()
}

/// The value of a parameter of an address.
pub fn parameter(address: &str, name: &str) -> String {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let found = query_pairs(query).into_iter().find(|(given, _)| given == name);
    percent_decode(&found.unwrap_or_else(|| panic!("no {name} in {address}")).1)
}
