//! What members grant for themselves: reading and writing, each by a consent of its own, by the account that is theirs and by no other.

use clarityloop_bitbucket::connections::grants::{self, OwnGrant};
use clarityloop_bitbucket::connections::purposes;
use reqwest::Method;
use serde_json::{Value, json};

use super::{CONSUMER, consent, leave, listed, register};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, INGRID, LEDGER, LUCIA, PRIYA, Test};
use crate::sign_in::visitor::parameter;

both!(with super::CONSUMER =>
    a_member_grants_for_themselves_and_takes_it_back,
    writing_in_ones_own_name_is_a_consent_of_its_own_and_no_dead_end,
    a_grant_is_by_the_account_that_is_the_members,
    a_grant_of_an_account_that_is_theirs_no_more_is_not_used,
);

const GRANT: &str = "/profile/grant";
const WRITES: &[(&str, &str)] = &[("purpose", "writes")];

async fn own(test: &Test, who: &Person, which: OwnGrant) -> Option<purposes::Chosen> {
    let (app, viewer) = (&test.server.app, who.member.viewer());
    let own = app.read(move |connection| grants::own(connection, &viewer)).await.expect("grants");
    let own = own.into_iter().find(|own| own.serves(which.purpose()))?;
    purposes::own_grant(&app.parts(), &own, &app.now()).await.expect("an answer")
}

async fn call(test: &Test, who: &Person, body: Value) -> (u16, Value) {
    who.call(test, Method::POST, "/bitbucket/call", Some(body)).await
}

/// A member whose token may call Bitbucket.
async fn caller(test: &Test, name: &str) -> Person {
    let person = Person::new(test, name).await;
    let token = test.token(&person.member, "read,write,bitbucket").await;
    Person { token, ..person }
}

async fn a_member_grants_for_themselves_and_takes_it_back(test: &Test) {
    register(test);
    let amara = Person::new(test, "Amara Okafor").await;
    assert!(own(test, &amara, OwnGrant::Reading).await.is_none());
    let page = consent(test, &amara, GRANT, &[], AMARA).await;
    assert_eq!(page.header("location"), "/profile", "{}", page.body);
    assert!(amara.get(test, "/profile").await.body.contains("It may: account repository pullrequest pipeline"));
    let credential = own(test, &amara, OwnGrant::Reading).await.expect("a grant").credential;
    assert_eq!(test.server.app.bitbucket.account(&credential).await.expect("an account").account_id.as_deref(), Some(AMARA));
    assert_eq!(listed(test).await.len(), 0, "owners see the workspace's, not hers");
    assert_eq!(amara.post(test, &format!("{GRANT}/end"), &[]).await.status, 303);
    assert!(own(test, &amara, OwnGrant::Reading).await.is_none());
    assert_eq!(amara.post(test, &format!("{GRANT}/end"), &[]).await.status, 404, "there is none any more");
    assert_eq!(consent(test, &amara, GRANT, &[], AMARA).await.status, 303, "and may be given once more");
    assert_eq!(amara.post(test, GRANT, &[("purpose", "reading")]).await.status, 400, "there is no such grant");
}

async fn writing_in_ones_own_name_is_a_consent_of_its_own_and_no_dead_end(test: &Test) {
    register(test);
    let amara = caller(test, "Amara Okafor").await;
    test.api_json(Method::PUT, "/bitbucket/allowed-operations", Some(json!({"groups": ["pull_requests"], "operations": []})))
        .await;
    let approve = || json!({"method": "POST", "path": format!("repositories/{LEDGER}/pullrequests/87/approve")});
    let words = json!({"content": {"raw": "Looks good."}});
    let comment = || json!({"method": "POST", "path": format!("repositories/{LEDGER}/pullrequests/87/comments"), "body": words});
    let (status, answer) = call(test, &amara, approve()).await;
    assert_eq!((status, &answer["code"]), (403, &json!("own_grant_needed")), "{answer}");
    assert!(answer["detail"].as_str().expect("a remedy").contains("grant that writes on your profile"), "{answer}");

    assert_eq!(consent(test, &amara, GRANT, &[], AMARA).await.status, 303);
    for write in [approve(), comment()] {
        let (status, answer) = call(test, &amara, write).await;
        assert_eq!((status, &answer["code"]), (403, &json!("own_grant_too_narrow")), "reading writes nothing: {answer}");
        assert!(answer["detail"].as_str().expect("a remedy").contains("the one that writes on your profile"), "{answer}");
    }
    let address = leave(test, &amara, GRANT, WRITES).await;
    let asked = parameter(&address, "scope");
    assert!(asked.contains("pullrequest:write") && !asked.contains("webhook"), "{asked}");
    assert_eq!(consent(test, &amara, GRANT, WRITES, AMARA).await.status, 303);
    for write in [approve(), comment()] {
        let (status, answer) = call(test, &amara, write).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["credential"].as_str().expect("why").contains("what they may do"), "{answer}");
    }
    let (_, answer) = call(test, &amara, json!({"method": "GET", "path": "user"})).await;
    assert!(answer["credential"].as_str().expect("why").contains("what they may see"), "the narrower one reads: {answer}");

    let page = amara.get(test, "/profile").await;
    assert!(page.body.contains("It may: account repository:write"), "{}", page.body);
    let audit = test.api_json(Method::GET, "/audit", None).await;
    assert!(audit.to_string().contains("let ClarityLoop write at Bitbucket in their own name"), "{audit}");
    // Each is taken back by itself.
    assert_eq!(amara.post(test, &format!("{GRANT}/end"), WRITES).await.status, 303);
    assert!(own(test, &amara, OwnGrant::Writing).await.is_none() && own(test, &amara, OwnGrant::Reading).await.is_some());
    assert_eq!(call(test, &amara, approve()).await.1["code"], "own_grant_too_narrow");
}

async fn a_grant_is_by_the_account_that_is_the_members(test: &Test) {
    register(test);
    let (amara, lucia) = (Person::new(test, "Amara Okafor").await, Person::new(test, "Lucía Fernández").await);
    assert!(amara.get(test, "/profile").await.body.contains("Not linked"));
    assert_eq!(consent(test, &amara, GRANT, &[], AMARA).await.status, 303);
    let page = amara.get(test, "/profile").await;
    assert!(page.body.contains(AMARA) && page.body.contains("by signing in with Bitbucket"), "the first links: {}", page.body);
    for fields in [&[][..], WRITES] {
        let page = consent(test, &amara, GRANT, fields, PRIYA).await;
        assert!(page.status == 409 && page.body.contains("another Bitbucket account"), "{}", page.body);
    }
    assert!(own(test, &amara, OwnGrant::Writing).await.is_none(), "nothing of it is kept");
    let credential = own(test, &amara, OwnGrant::Reading).await.expect("hers").credential;
    assert_eq!(credential.budget().as_ref(), format!("account:{AMARA}"), "hers stays what it was");
    let page = consent(test, &lucia, GRANT, &[], AMARA).await;
    assert!(page.status == 409 && page.body.contains("linked to another member"), "{}", page.body);
    assert!(own(test, &lucia, OwnGrant::Reading).await.is_none());
    // What an owner has aligned is confirmed by it, and by no other account.
    test.api_json(Method::PUT, &format!("/members/{}/identity", lucia.member.id), Some(json!({"account_id": LUCIA}))).await;
    assert_eq!(consent(test, &lucia, GRANT, &[], INGRID).await.status, 409);
    assert!(lucia.get(test, "/profile").await.body.contains("Waiting for your confirmation"));
    assert_eq!(consent(test, &lucia, GRANT, &[], LUCIA).await.status, 303);
    assert!(lucia.get(test, "/profile").await.body.contains("Linked"));
}

async fn a_grant_of_an_account_that_is_theirs_no_more_is_not_used(test: &Test) {
    register(test);
    let amara = caller(test, "Amara Okafor").await;
    let user = || json!({"method": "GET", "path": "user"});
    assert_eq!(consent(test, &amara, GRANT, &[], AMARA).await.status, 303);
    assert_eq!(call(test, &amara, user()).await.0, 200);
    assert_eq!(amara.post(test, "/profile/account/remove", &[]).await.status, 303);
    test.bind(&amara.member, LUCIA).await;
    assert_eq!(call(test, &amara, user()).await.1["code"], "own_grant_needed");
}
