//! The addresses under which the app is framed.

use crate::app::{AMARA, CHECKOUT, installed};
use bitbucket_sandbox::{canonical_request, is_signed_with, query_pairs, query_string_hash, unverified_claims};
use serde_json::json;

fn query_of(url: &str) -> Vec<(String, String)> {
    query_pairs(url.split_once('?').unwrap().1)
}

#[tokio::test]
async fn a_panel_address_has_its_parameters_replaced_and_is_signed_as_a_whole() {
    let (sandbox, app, installation) = installed().await;
    let url = sandbox.panel_url(&installation.client_key, "lumenpay/checkout", 412, AMARA).unwrap();
    assert!(url.starts_with(&format!("{}/panel?pr=412&title=Retry%20declined", app.url)), "{url}");
    let pairs = query_of(&url);
    let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["pr", "title", "repository", "who", "issue", "xdm_c", "xdm_e", "crev", "jwt"]);
    assert_eq!((pairs[2].1.as_str(), pairs[3].1.as_str()), (CHECKOUT, AMARA));

    let token = &pairs[8].1;
    let claims = unverified_claims(token).unwrap();
    assert!(is_signed_with(token, &sandbox.secret_of(&installation.client_key).unwrap()));
    assert_eq!(claims["qsh"], json!(query_string_hash(&canonical_request("GET", "/panel", url.split_once('?').unwrap().1))));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
}

#[tokio::test]
async fn parameters_that_do_not_exist_or_are_not_allowed_stay_literal() {
    let (sandbox, app, installation) = installed().await;
    let url = sandbox.panel_url(&installation.client_key, CHECKOUT, 412, None).unwrap();
    assert!(url.contains("&who=%7Buser.account_id%7D&issue=%7Bissue.id%7D&"), "{url}");

    app.change(|behaviour| behaviour.descriptor["scopes"] = json!(["account", "repository"]));
    sandbox.install(&app.install_request()).await.unwrap();
    let url = sandbox.panel_url(&installation.client_key, CHECKOUT, 412, AMARA).unwrap();
    assert!(url.contains("?pr=%7Bpullrequest.id%7D&"), "{url}");
}

#[tokio::test]
async fn the_configure_page_knows_its_workspace() {
    let (sandbox, app, installation) = installed().await;
    let url = sandbox.configure_url(&installation.client_key).unwrap();
    assert!(url.starts_with(&format!("{}/configure?w=lumenpay&xdm_c=channel-", app.url)), "{url}");
}
