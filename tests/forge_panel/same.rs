//! The Forge app's panel is the panel of Bitbucket's frame: the same person on the same pull request reads the same, state by state.

use bitbucket_sandbox::{ForgeInstallation, Installation};
use reqwest::Method;
use serde_json::{Value, json};

use super::{amara_and_lucia, open, send};
use crate::both;
use crate::harness::forge::FORGE;
use crate::harness::{AMARA, LEDGER, Page, TOMASZ, Test};

both!(with super::FORGE => both_doors_show_the_same_panel_in_every_state);

/// The panel in a page of the frame, with the addresses that the other door's forms have and without the frame's token.
fn of_frame(page: &Page) -> String {
    let (_, body) = page.body.split_once("<div class=\"panel-body\">").unwrap_or_else(|| panic!("no panel in {}", page.body));
    let (body, _) = body.split_once("</main>").expect("an end");
    let mut pieces = body.split("<input type=\"hidden\" name=\"token\" value=\"");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text += piece.split_once("\">").expect("the end of a field").1;
    }
    let mut pieces = text.split("/connect/panel/links/");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (_link, rest) = piece.split_once("/remove").expect("an undo");
        plain += &format!("/forge/panel/links/remove{rest}");
    }
    format!("<div class=\"panel-body\">{}", plain.replace("/connect/panel", "/forge/panel").trim_end())
}

/// Opens both panels as `viewer`; they must be the same, and hold this.
async fn same(test: &Test, frame: &Installation, app: &ForgeInstallation, viewer: &str, text: &str) {
    let (framed, forge) = (test.panel(frame, 87, viewer).await, open(test, app, viewer).await);
    assert_eq!((framed.status, forge.status), (200, 200), "{forge:?}");
    assert_eq!(of_frame(&framed), forge.html().trim_end());
    assert!(forge.html().contains(text), "{text} is not in {}", forge.html());
}

/// Sends the same form, which must not be taken, at both doors.
async fn same_refusal(test: &Test, frame: &Installation, app: &ForgeInstallation, viewer: &str, form: &str, fields: Value) {
    let token = test.panel(frame, 87, viewer).await.field("token");
    let mut pairs = vec![("token", token.as_str())];
    pairs.extend(fields.as_object().expect("fields").iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text"))));
    let framed = test.post(&format!("/connect/panel/{form}"), &pairs).await;
    let forge = send(test, app, viewer, form, fields.clone()).await;
    assert_eq!(framed.status, forge.status, "{forge:?}");
    assert_eq!(of_frame(&framed), forge.html().trim_end());
    assert!(!forge.saved());
}

async fn made(test: &Test, token: &str, path: &str, body: Value) -> String {
    let answer = test.api_as(token, Method::POST, path).json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{path}");
    answer.json::<Value>().await.expect("what was made")["id"].as_str().expect("an id").to_owned()
}

async fn both_doors_show_the_same_panel_in_every_state(test: &Test) {
    let frame = test.installed().await;
    let app = test.install_forge().await;
    same(test, &frame, &app, AMARA, "Link your Bitbucket account").await;
    same_refusal(test, &frame, &app, TOMASZ, "code", json!({ "code": "ABCD-2345" })).await;
    same_refusal(test, &frame, &app, TOMASZ, "join", json!({ "name": "", "email": "t@lumenpay.example" })).await;

    amara_and_lucia(test).await;
    same(test, &frame, &app, AMARA, "New draft about Lucía Fernández").await;
    let amara = test.member_by_email("amara@lumenpay.example").await;
    let lucia = test.member_by_email("lucia@lumenpay.example").await;
    let token = test.token(&amara, "read,write").await;
    made(test, &token, "/feedback", json!({ "about": lucia.id, "body": "Clear.", "shared": false })).await;
    made(test, &token, "/one-on-ones", json!({ "with": lucia.id, "held_on": "2027-02-01" })).await;
    made(test, &token, "/requests", json!({ "asked": lucia.id, "question": "How did it go?" })).await;
    made(test, &token, "/goals", json!({ "title": "No payment is charged twice", "public": true })).await;
    same(test, &frame, &app, AMARA, "Your public goal").await;
    same_refusal(test, &frame, &app, AMARA, "links", json!({ "target": "new:author", "note": "x".repeat(2001) })).await;
    same_refusal(test, &frame, &app, AMARA, "links", json!({ "target": "", "note": "Why <b>not</b>" })).await;

    let saved = send(test, &app, AMARA, "links", json!({ "target": "new:author", "note": "Nice" })).await;
    assert!(saved.saved() && saved.shows("Saved to your draft about Lucía Fernández."), "{saved:?}");
    same(test, &frame, &app, AMARA, "Add to something else").await;
    let token = test.panel(&frame, 87, AMARA).await.field("token");
    let unfolded = test.post("/connect/panel/form", &[("token", &token)]).await;
    assert_eq!(of_frame(&unfolded), send(test, &app, AMARA, "form", json!({})).await.html().trim_end());

    assert!(send(test, &app, AMARA, "hide", json!({})).await.shows("You have hidden this panel."));
    same(test, &frame, &app, AMARA, "Show it again").await;
    // Bitbucket is soon told to frame the panel no more; one that is open already is asked once more.
    let framed = test.sandbox.panel_url(&frame.client_key, LEDGER, 87, AMARA).expect("a panel address");
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": false }))).await;
    let (framed, forge) = (test.get(&framed).await, open(test, &app, AMARA).await);
    assert!(forge.shows("PR Quick Action is switched off"), "{forge:?}");
    assert_eq!(of_frame(&framed), forge.html().trim_end());
    test.run_jobs().await;
}
