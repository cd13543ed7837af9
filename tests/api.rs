//! REST for other systems, from outside.

use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{AMARA, PRIYA, Page, Test};

both!(
    an_owner_sees_confirms_and_switches_an_installation,
    members_are_listed_page_by_page,
    an_identity_is_aligned_once_and_unbound,
    feedback_is_written_shared_and_seen_by_its_two_people_only,
    a_link_by_address_shows_only_its_address,
    the_same_request_twice_creates_one_thing,
    a_member_cannot_do_what_only_owners_may,
    every_refusal_is_a_problem_document,
);

async fn an_owner_sees_confirms_and_switches_an_installation(test: &Test) {
    test.install().await;
    let listed = test.api_json(Method::GET, "/installations", None).await;
    let installation = &listed["entries"][0];
    assert_eq!((&installation["state"], &installation["door"]), (&json!("waiting"), &json!("connect")));
    assert_eq!(installation["bitbucket_workspace"]["slug"], "lumenpay");
    assert_eq!(installation["bitbucket_workspace"]["name"], "Lumen Pay");
    test.confirm().await;
    let listed = test.api_json(Method::GET, "/installations", None).await;
    assert_eq!(listed["entries"][0]["state"], "active");
    assert!(listed["entries"][0]["confirmed_at"].is_string());

    let switched = test.api_json(Method::PUT, "/quick-action", Some(json!({"enabled": false}))).await;
    assert_eq!(switched["enabled"], false);
    assert_eq!(switched["installations"][0]["state"], "pending");
    test.run_jobs().await;
    let read = test.api_json(Method::GET, "/quick-action", None).await;
    assert_eq!(read["installations"][0]["state"], "follows");
}

async fn members_are_listed_page_by_page(test: &Test) {
    for number in 0..5 {
        let body = json!({"name": format!("Member {number}"), "email": format!("m{number}@lumenpay.example"), "role": "member"});
        test.api_json(Method::POST, "/members", Some(body)).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = test.api_json(Method::GET, &format!("/members?limit=2{cursor}"), None).await;
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 2);
        names.extend(entries.iter().map(|member| member["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, ["Member 4", "Member 3", "Member 2", "Member 1", "Member 0", "Ingrid Solberg"]);
    let again = json!({"name": "Twin", "email": "M1@lumenpay.example", "role": "member"});
    let refused = Page::read(test.api(Method::POST, "/members").json(&again).send().await.unwrap()).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "email_taken"));
}

async fn an_identity_is_aligned_once_and_unbound(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", Some(PRIYA)).await;
    let path = format!("/members/{}/identity", amara.id);
    let body = json!({"account_id": AMARA, "bitbucket_uuid": "{e508425f-96e8-429c-81af-4fbfb07ed305}"});
    let aligned = test.api_json(Method::PUT, &path, Some(body.clone())).await;
    assert_eq!(aligned["confirmed_at"], Value::Null);
    assert_eq!(aligned["bitbucket_uuid"], "e508425f-96e8-429c-81af-4fbfb07ed305");
    test.api_json(Method::PUT, &path, Some(body)).await;
    for (member, account, code) in [(&amara.id, PRIYA, "identity_taken"), (&test.made.owner.id, AMARA, "account_taken")] {
        let request = test.api(Method::PUT, &format!("/members/{member}/identity")).json(&json!({"account_id": account}));
        let refused = Page::read(request.send().await.unwrap()).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, code));
    }
    assert_eq!(test.api(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(test.api(Method::DELETE, &path).send().await.unwrap().status(), 404);
    let kept = test.api_json(Method::GET, &format!("/members/{}", priya.id), None).await;
    assert_eq!(kept["identity"]["account_id"], PRIYA);
}

async fn feedback_is_written_shared_and_seen_by_its_two_people_only(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let (amaras, priyas) = (test.token(&amara, "read,write").await, test.token(&priya, "read,write").await);
    let body = json!({"about": priya.id, "body": "Clear reviews."});
    let made = test.api_as(&amaras, Method::POST, "/feedback").json(&body).send().await.unwrap();
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.unwrap();
    let path = format!("/feedback/{}", made["id"].as_str().unwrap());
    let seen_by = async |token: &str| test.api_as(token, Method::GET, &path).send().await.unwrap().status().as_u16();
    assert_eq!([seen_by(&amaras).await, seen_by(&priyas).await, seen_by(&test.made.token).await], [200, 404, 404]);
    let shared = test.api_as(&priyas, Method::POST, &format!("{path}/share")).send().await.unwrap();
    assert_eq!(shared.status(), 404, "nobody shares what they cannot see");
    assert_eq!(test.api_as(&amaras, Method::POST, &format!("{path}/share")).send().await.unwrap().status(), 200);
    assert_eq!([seen_by(&amaras).await, seen_by(&priyas).await, seen_by(&test.made.token).await], [200, 200, 404]);
    let again = test.api_as(&priyas, Method::POST, &format!("{path}/share")).send().await.unwrap();
    assert_eq!(again.status(), 403, "only the author shares");
}

async fn a_link_by_address_shows_only_its_address(test: &Test) {
    test.installed().await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", Some(PRIYA)).await;
    let feedback = test.api_json(Method::POST, "/feedback", Some(json!({"about": priya.id, "body": ""}))).await;
    let url = format!("{}/lumenpay/ledger/pull-requests/87", test.sandbox.url());
    let body = json!({"kind": "feedback", "target": feedback["id"], "url": url, "note": "Why."});
    let link = test.api_json(Method::POST, "/links", Some(body.clone())).await;
    test.run_jobs().await;
    assert_eq!((&link["url"], &link["pull_request"]), (&json!(url), &Value::Null));
    let twice = Page::read(test.api(Method::POST, "/links").json(&body).send().await.unwrap()).await;
    assert_eq!((twice.status, twice.code().as_str()), (409, "already_linked"));
    assert_eq!(
        test.sandbox.calls().iter().filter(|call| call.path.contains("pullrequests")).count(),
        0,
        "nobody asked Bitbucket"
    );
    let path = format!("/links/{}", link["id"].as_str().unwrap());
    assert_eq!(test.api(Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(test.api(Method::GET, &path).send().await.unwrap().status(), 404);
}

async fn the_same_request_twice_creates_one_thing(test: &Test) {
    let body = json!({"name": "Amara Okafor", "email": "amara@lumenpay.example", "role": "member"});
    let send = || test.api(Method::POST, "/members").header("Idempotency-Key", "k1").json(&body).send();
    let answers = futures_util::future::join_all((0..6).map(|_| send())).await;
    let statuses: Vec<u16> = answers.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    assert!(statuses.iter().all(|status| [201, 409].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&201));
    let replayed = send().await.unwrap();
    assert_eq!((replayed.status().as_u16(), replayed.headers()["Idempotency-Replayed"].to_str().unwrap()), (201, "true"));
    let other = json!({"name": "Other", "email": "other@lumenpay.example", "role": "member"});
    let reused = test.api(Method::POST, "/members").header("Idempotency-Key", "k1").json(&other).send().await.unwrap();
    assert_eq!(Page::read(reused).await.code(), "idempotency_key_reused");
    let listed = test.api_json(Method::GET, "/members", None).await;
    assert_eq!(listed["entries"].as_array().unwrap().len(), 2);
}

async fn a_member_cannot_do_what_only_owners_may(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let token = test.token(&amara, "read,write").await;
    let member = json!({"name": "X", "email": "x@lumenpay.example", "role": "owner"});
    let identity = format!("/members/{}/identity", amara.id);
    for (method, path, body) in [
        (Method::GET, "/installations", Value::Null),
        (Method::POST, "/members", member),
        (Method::PUT, "/quick-action", json!({"enabled": false})),
        (Method::PUT, identity.as_str(), json!({"account_id": AMARA})),
    ] {
        let answer = test.api_as(&token, method, path).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
    let read_only = test.token(&amara, "read").await;
    let body = json!({"about": test.made.owner.id, "body": ""});
    let refused = Page::read(test.api_as(&read_only, Method::POST, "/feedback").json(&body).send().await.unwrap()).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "scope_missing"));
}

async fn every_refusal_is_a_problem_document(test: &Test) {
    for (request, status) in [
        (test.http.get(format!("{}/api/v1/members", test.url)), 401),
        (test.api_as("clb_wrong", Method::GET, "/members"), 401),
        (test.api(Method::GET, "/members?limit=0"), 400),
        (test.api(Method::GET, "/members?cursor=x"), 400),
        (test.api(Method::GET, "/members/none"), 404),
        (test.api(Method::GET, "/nothing"), 404),
        (test.api(Method::PATCH, "/members"), 405),
        (test.api(Method::POST, "/members").body("{"), 400),
        (test.api(Method::POST, "/members").json(&json!({"name": "x"})), 400),
        (test.api(Method::POST, "/members").header("content-type", "application/json").body("x".repeat(300_000)), 413),
    ] {
        let page = Page::read(request.send().await.unwrap()).await;
        assert_eq!(page.status, status, "{}", page.body);
        assert_eq!(page.header("content-type"), "application/problem+json");
        let problem: Value = serde_json::from_str(&page.body).unwrap();
        assert!(problem["code"].is_string() && problem["detail"].is_string());
        assert_eq!(problem["request_id"].as_str().unwrap().len(), 16);
    }
}
