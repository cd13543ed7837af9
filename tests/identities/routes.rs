//! Who reaches what: strangers, members, and owners of another workspace, at every route.

use super::*;

both!(
    strangers_are_sent_to_sign_in_and_members_are_refused_at_every_route,
    a_form_of_another_session_does_nothing,
    accounts_and_members_of_another_workspace_are_not_there,
    the_rest_door_needs_the_scope_of_an_owner,
);

const PAGES: [&str; 2] = ["", "/account?account=x"];
const VERBS: [&str; 5] = ["read", "bind", "unbind", "not-a-member", "undo"];

async fn strangers_are_sent_to_sign_in_and_members_are_refused_at_every_route(test: &Test) {
    attached(test).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    let his = test.session(&tomasz).await;
    let csrf = test.get_as(&his, "/profile").await.field("csrf");
    for path in PAGES {
        let stranger = test.get(&format!("{}{PAGE}{path}", test.url)).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"), "{path}");
        let refused = test.get_as(&his, &format!("{PAGE}{path}")).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.body);
        assert!(!refused.body.contains("Lucía"), "{path}");
    }
    let form = [("csrf", csrf.as_str()), ("account", LUCIA), ("member", tomasz.id.as_str())];
    for verb in VERBS {
        let stranger = test.post(&format!("{PAGE}/{verb}"), &form).await;
        assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"), "{verb}");
        let refused = test.post_as(&his, &format!("{PAGE}/{verb}"), &form).await;
        assert_eq!(refused.status, 403, "{verb}: {}", refused.body);
    }
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
    assert_eq!(account(test, TOMASZ).await["state"], "bound");
    assert_eq!(test.jobs().await, Vec::<String>::new());
}

async fn a_form_of_another_session_does_nothing(test: &Test) {
    attached(test).await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let (session, other) = (test.session(&test.made.owner).await, test.session(&amara).await);
    let of_other = test.get_as(&other, "/profile").await.field("csrf");
    for verb in VERBS {
        for csrf in [of_other.as_str(), ""] {
            let form = [("csrf", csrf), ("account", LUCIA), ("member", amara.id.as_str())];
            assert_eq!(test.post_as(&session, &format!("{PAGE}/{verb}"), &form).await.status, 403, "{verb}");
        }
    }
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
}

async fn accounts_and_members_of_another_workspace_are_not_there(test: &Test) {
    attached(test).await;
    let other = make_workspace(&test.server, "Elsewhere", "Lucía Fernández", "lucia@elsewhere.example").await;
    let theirs = test.session(&other.owner).await;
    let page = test.get_as(&theirs, PAGE).await;
    assert!(page.status == 200 && page.body.contains("Bitbucket is not connected"), "{}", page.body);
    assert!(!page.body.contains("Tomasz"), "{}", page.body);
    assert_eq!(test.get_as(&theirs, &format!("{PAGE}/account?account={TOMASZ}")).await.status, 404);
    let csrf = page.field("csrf");
    let form = |account, member| [("csrf", csrf.as_str()), ("account", account), ("member", member)];
    let (ours, hers) = (test.made.owner.id.to_string(), other.owner.id.to_string());
    for (verb, account, member) in [
        ("bind", TOMASZ, hers.as_str()),
        ("bind", INGRID, ours.as_str()),
        ("unbind", INGRID, ours.as_str()),
        ("not-a-member", TOMASZ, ""),
        ("undo", TOMASZ, ""),
        ("bind", "a\0b", hers.as_str()),
        ("bind", TOMASZ, "nobody"),
    ] {
        let refused = test.post_as(&theirs, &format!("{PAGE}/{verb}"), &form(account, member)).await;
        assert_eq!(refused.status, 404, "{verb} {account:?} {member}: {}", refused.body);
    }
    // An owner here binds nobody from there, and is not offered them.
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, &format!("{PAGE}/account?account={LUCIA}")).await;
    assert!(!page.body.contains("lucia@elsewhere.example"), "{}", page.body);
    let csrf = page.field("csrf");
    let form = [("csrf", csrf.as_str()), ("account", LUCIA), ("member", hers.as_str())];
    assert_eq!(test.post_as(&session, &format!("{PAGE}/bind"), &form).await.status, 404);
    let listed = test.api_as(&other.token, Method::GET, "/bitbucket-accounts").send().await.expect("an answer");
    assert_eq!(Page::read(listed).await.body, r#"{"entries":[],"next":null}"#);
    for method in [Method::PUT, Method::DELETE] {
        let path = format!("/bitbucket-accounts/{TOMASZ}/not-a-member");
        assert_eq!(test.api_as(&other.token, method, &path).send().await.expect("an answer").status(), 404);
    }
    assert_eq!(account(test, TOMASZ).await["state"], "unbound");
    assert_eq!(account(test, INGRID).await["state"], "bound");
}

async fn the_rest_door_needs_the_scope_of_an_owner(test: &Test) {
    attached(test).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
    let (his, mine) = (test.token(&tomasz, "read,write").await, test.token(&test.made.owner, "read").await);
    for token in [&his, &mine] {
        let answer = test.api_as(token, Method::GET, "/bitbucket-accounts").send().await.expect("an answer");
        assert_eq!(Page::read(answer).await.code(), "scope_missing");
    }
    for query in ["?show=some", "?limit=101", "?cursor=%00", "?other=1"] {
        let answer = test.api(Method::GET, &format!("/bitbucket-accounts{query}")).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{query}");
    }
    for id in ["unknown", "%00", "a%2Fb"] {
        let answer = test.api(Method::PUT, &format!("/bitbucket-accounts/{id}/not-a-member")).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{id}");
    }
}
