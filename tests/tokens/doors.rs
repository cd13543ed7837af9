//! The doors that Bitbucket signs its calls to, and what an attacker makes of Bitbucket's own token; for the tests of tokens.

use bitbucket_sandbox::{Installation, LifecyclePayload, Token, unverified_claims};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{AMARA, LEDGER, LUMENPAY, Page, Test};

/// A door that Bitbucket signs its calls to.
pub struct Door {
    pub method: Method,
    /// Absolute, with its query, without a token.
    pub url: String,
    pub body: Option<Value>,
    /// Whether an error is a problem document; the others answer with a page.
    pub is_for_programs: bool,
    pub takes: u16,
}

impl Door {
    pub fn token(&self, test: &Test, installation: &Installation) -> Token {
        test.sandbox.token(&installation.client_key, self.method.as_str(), &self.url, 300).expect("a token")
    }

    pub fn request(&self, test: &Test) -> RequestBuilder {
        self.request_with(test, "")
    }

    /// `parameters` follow the address's own, such as `jwt=…`.
    pub fn request_with(&self, test: &Test, parameters: &str) -> RequestBuilder {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let url = if parameters.is_empty() { self.url.clone() } else { format!("{}{separator}{parameters}", self.url) };
        let request = test.http.request(self.method.clone(), url);
        match &self.body {
            Some(body) => request.header("x-event-key", "pullrequest:updated").json(body),
            None => request,
        }
    }

    pub async fn must_refuse(&self, test: &Test, request: RequestBuilder, code: &str, attack: &str) -> Page {
        let attack = format!("{attack}, {} {}", self.method, self.url.split('?').next().unwrap_or_default());
        let before = refusals(test, code);
        let page = send(request).await;
        assert_eq!(page.status, 401, "{attack}: {}", page.body);
        assert_eq!(refusals(test, code), before + 1, "{attack} should count as {code}: {}", metrics(test));
        if self.is_for_programs {
            assert_eq!(page.code(), code, "{attack}");
        }
        page
    }
}

pub async fn send(request: RequestBuilder) -> Page {
    Page::read(request.send().await.expect("an answer")).await
}

fn metrics(test: &Test) -> String {
    String::from_utf8(test.server.app.metrics.render()).expect("text")
}

/// How many tokens `/metrics` says were refused with this code.
pub fn refusals(test: &Test, code: &str) -> u64 {
    let line = format!("clarityloop_token_refusals_total{{code=\"{code}\"}} ");
    metrics(test).lines().find_map(|candidate| candidate.strip_prefix(&line)).map_or(0, |count| count.parse().expect("a number"))
}

pub fn must_not_repeat(page: &Page, token: &str) {
    for part in token.split('.').filter(|part| part.len() > 8) {
        assert!(!page.body.contains(part), "{part} of the token in {}", page.body);
    }
    assert!(token.is_empty() || !format!("{:?}", page.headers).contains(token));
}

pub fn jwt(token: &str) -> String {
    format!("JWT {token}")
}

pub fn without_token(url: &str) -> String {
    url.split("&jwt=").next().unwrap_or_default().to_owned()
}

pub fn panel_door(test: &Test, installation: &Installation) -> Door {
    let url = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    Door { method: Method::GET, url: without_token(&url), body: None, is_for_programs: false, takes: 200 }
}

pub fn lifecycle_door(test: &Test, installation: &Installation, event: &'static str) -> Door {
    let payload = LifecyclePayload {
        event,
        workspace: LUMENPAY,
        app_key: &installation.app_key,
        client_key: &installation.client_key,
        actor: None,
        shared_secret: None,
    };
    let body = test.sandbox.lifecycle_payload(&payload).expect("a payload");
    let path = if event == "installed" { format!("{}/installed", test.made.install_code) } else { event.to_owned() };
    let url = format!("{}/connect/{path}", test.url);
    Door { method: Method::POST, url, body: Some(body), is_for_programs: true, takes: 204 }
}

/// Every signed door; taking the right token at the last one ends the installation.
pub fn doors(test: &Test, installation: &Installation) -> Vec<Door> {
    let configure = without_token(&test.sandbox.configure_url(&installation.client_key).expect("a page"));
    let event = test.sandbox.event_data("pullrequest:updated", LEDGER, 87, AMARA).expect("an event");
    let webhooks = format!("{}/connect/webhooks", test.url);
    vec![
        panel_door(test, installation),
        Door { method: Method::GET, url: configure, body: None, is_for_programs: false, takes: 200 },
        Door { method: Method::POST, url: webhooks, body: Some(event), is_for_programs: true, takes: 204 },
        lifecycle_door(test, installation, "installed"),
        lifecycle_door(test, installation, "uninstalled"),
    ]
}

/// What an attacker makes of Bitbucket's own token, and the code it is refused with.
pub fn attacks(right: &Token, secret: &str, now: i64) -> Vec<(&'static str, String, &'static str)> {
    let signed = |token: Token| token.sign(secret);
    let with = |name: &str, value: Value| right.clone().claim(name, value).sign(secret);
    let without = |name: &str| right.clone().without(name).sign(secret);
    let lasting = |from: i64, to: i64| right.clone().issued_at(from).expires_at(to).sign(secret);
    let good = right.sign(secret);
    let (input, signature) = good.rsplit_once('.').expect("a signature");
    let (header, _) = input.split_once('.').expect("a payload");
    let longer = with("exp", json!(now + 3600));
    let other_payload = longer.split('.').nth(1).expect("a payload");
    vec![
        ("alg none", signed(right.clone().algorithm("none")), "token_algorithm"),
        ("alg None with a signature", signed(right.clone().algorithm("None")), "token_algorithm"),
        ("alg RS256", signed(right.clone().algorithm("RS256")), "token_algorithm"),
        ("alg HS384", signed(right.clone().algorithm("HS384")), "token_algorithm"),
        ("alg HS512", signed(right.clone().algorithm("HS512")), "token_algorithm"),
        ("alg hs256", signed(right.clone().algorithm("hs256")), "token_algorithm"),
        ("a critical extension", signed(right.clone().header("crit", json!(["exp"]))), "token_malformed"),
        ("another payload under the same signature", format!("{header}.{other_payload}.{signature}"), "token_signature"),
        ("no signature", format!("{input}."), "token_signature"),
        ("a cut signature", good[..good.len() - 3].to_owned(), "token_signature"),
        ("another secret", right.sign("another secret"), "token_signature"),
        ("an empty secret", right.sign(""), "token_signature"),
        ("no token", "no-token".to_owned(), "token_malformed"),
        ("not base64", "a.b.c".to_owned(), "token_malformed"),
        ("four parts", format!("{good}.{signature}"), "token_malformed"),
        ("a token of 8 KiB", with("padding", json!("x".repeat(5_000))), "token_malformed"),
        ("no qsh", without("qsh"), "query_string_hash_missing"),
        ("qsh of nothing", with("qsh", json!("")), "query_string_hash_mismatch"),
        ("qsh as a list", with("qsh", json!([unverified_claims(&good).expect("claims")["qsh"]])), "query_string_hash_mismatch"),
        ("the qsh of context tokens", with("qsh", json!("context-qsh")), "query_string_hash_mismatch"),
        ("no exp", without("exp"), "token_claims"),
        ("exp as text", with("exp", json!((now + 300).to_string())), "token_claims"),
        ("exp null", with("exp", Value::Null), "token_claims"),
        ("no iat", without("iat"), "token_claims"),
        ("iat as text", with("iat", json!("now")), "token_claims"),
        ("iat null", with("iat", Value::Null), "token_claims"),
        ("iat in an hour", lasting(now + 3600, now + 3900), "token_issued_in_future"),
        ("more than a day", lasting(now, now + 24 * 3600 + 1), "token_lifetime"),
        ("exp beyond every calendar", with("exp", json!(1e300)), "token_lifetime"),
        ("exp before iat", lasting(now, now - 1), "token_lifetime"),
        ("expired", lasting(now - 7200, now - 3600), "token_expired"),
        ("not before an hour", with("nbf", json!(now + 3600)), "token_not_yet_valid"),
        ("another audience", with("aud", json!("connection:1")), "token_audience"),
        ("one audience too many", with("aud", json!([&unverified_claims(&good).expect("claims")["aud"], "x"])), "token_audience"),
        ("no audience in a list", with("aud", json!([])), "token_audience"),
    ]
}
