//! What an owner does on the page, and what the member sees of it.

use super::*;

both!(
    a_suggestion_is_bound_by_an_owner_shown_to_the_member_and_opens_nothing_before_it_is_confirmed,
    a_member_is_chosen_by_search,
    an_account_is_marked_as_nobodys_and_that_is_undone,
    what_somebody_else_has_decided_meanwhile_is_said_at_the_account,
    members_without_a_seen_account_are_listed,
    filters_and_search_are_kept_over_a_press,
    the_page_stays_small_among_two_thousand_members,
);

/// Presses a button of the page: the fields beside `csrf`.
async fn press(test: &Test, session: &str, verb: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = test.get_as(session, "/profile").await.field("csrf");
    let form: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    test.post_as(session, &format!("{PAGE}/{verb}"), &form).await
}

async fn a_suggestion_is_bound_by_an_owner_shown_to_the_member_and_opens_nothing_before_it_is_confirmed(test: &Test) {
    let installation = attached(test).await;
    let lucia = test.member("Lucia Fernandez", "lucia@lumenpay.example", None).await;
    let session = test.session(&test.made.owner).await;
    let page = opened(test, &session, "?show=needs-attention").await;
    assert!(page.body.contains("Bind to Lucia Fernandez") && page.body.contains("same name"), "{}", page.body);
    let bound = press(test, &session, "bind", &[("account", LUCIA), ("member", lucia.id.as_str())]).await;
    assert_eq!((bound.status, bound.header("location")), (303, &*format!("{PAGE}?said=bound")));
    let page = test.get_as(&session, bound.header("location")).await;
    assert!(
        page.body.contains("Bound.") && page.body.contains("Aligned") && page.body.contains("not confirmed yet"),
        "{}",
        page.body
    );
    let known = account(test, LUCIA).await;
    assert_eq!((&known["bound_to"]["bound_by"], &known["bound_to"]["confirmed_at"]), (&json!("owner"), &json!(null)));
    let aligned = (test.made.owner.id.to_string(), "identity_aligned".to_owned(), lucia.id.to_string());
    assert_eq!(actions(test).await[0], aligned);
    let panel = test.panel(&installation, 87, LUCIA).await;
    assert!(panel.body.contains("Link your Bitbucket account"), "an owner's word opens no panel: {}", panel.body);
    let hers = test.session(&lucia).await;
    let profile = test.get_as(&hers, "/profile").await;
    assert!(profile.body.contains("Waiting for your confirmation"), "{}", profile.body);
    // She says that it is not her; nothing binds her again by itself.
    let unlinked = test.post_as(&hers, "/profile/account/remove", &[("csrf", &profile.field("csrf"))]).await;
    assert_eq!(unlinked.status, 303);
    opened(test, &session, "").await;
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
}

async fn a_member_is_chosen_by_search(test: &Test) {
    attached(test).await;
    for number in 0..25 {
        test.member(&format!("Colleague {number:02}"), &format!("c{number}@lumenpay.example"), None).await;
    }
    let wanted = test.member("Žofie Dvořák", "zofie@lumenpay.example", None).await;
    let session = test.session(&test.made.owner).await;
    let address = format!("{PAGE}/account?account={TOMASZ}");
    let page = test.get_as(&session, &address).await;
    assert!(page.body.contains("Whose is it?") && page.body.contains("7 more. Search"), "{}", page.body);
    assert!(!page.body.contains("Žofie") && !page.body.contains("Ingrid Solberg, "), "twenty are shown, whoever has one is not");
    let page = test.get_as(&session, &format!("{address}&q=dvorak")).await;
    assert!(page.body.contains("Bind to Žofie Dvořák"), "{}", page.body);
    let nobody = test.get_as(&session, &format!("{address}&q=dvorak+qq%00")).await;
    assert!(nobody.body.contains("Nobody found"), "{}", nobody.body);
    assert!(!nobody.body.contains('\0'), "no page holds what HTML may not");
    let bound = press(test, &session, "bind", &[("account", TOMASZ), ("member", wanted.id.as_str())]).await;
    assert_eq!(bound.status, 303, "{}", bound.body);
    let page = test.get_as(&session, &address).await;
    assert!(page.body.contains("Aligned with Žofie Dvořák") && !page.body.contains("Whose is it?"), "{}", page.body);
    let by_member = accounts(test, "?search=zofie").await;
    assert_eq!(by_member[0]["account_id"], TOMASZ, "an account is found by its member");
}

async fn an_account_is_marked_as_nobodys_and_that_is_undone(test: &Test) {
    attached(test).await;
    test.member("Lucía Fernández", "lucia@lumenpay.example", None).await;
    let session = test.session(&test.made.owner).await;
    opened(test, &session, "").await;
    assert_eq!(press(test, &session, "not-a-member", &[("account", LUCIA)]).await.status, 303);
    let known = account(test, LUCIA).await;
    assert_eq!((&known["state"], &known["suggestions"]), (&json!("not_a_member"), &json!([])));
    assert!(accounts(test, "?show=needs-attention").await.iter().all(|account| account["account_id"] != LUCIA));
    let page = test.get_as(&session, &format!("{PAGE}?show=not-members")).await;
    assert!(page.body.contains("Undo that Lucía Fernández is not a member"), "{}", page.body);
    test.pass_seconds(1);
    assert_eq!(press(test, &session, "undo", &[("account", LUCIA)]).await.status, 303);
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
    let done: Vec<String> = actions(test).await.into_iter().take(2).map(|(_, action, _)| action).collect();
    assert_eq!(done, ["account_unmarked", "account_not_a_member"]);
    // The same by REST, each twice.
    let path = format!("/bitbucket-accounts/{LUCIA}/not-a-member");
    for method in [Method::PUT, Method::PUT, Method::DELETE, Method::DELETE] {
        assert_eq!(test.api(method.clone(), &path).send().await.expect("an answer").status(), 204);
        let expected = if method == Method::PUT { "not_a_member" } else { "unbound" };
        assert_eq!(account(test, LUCIA).await["state"], expected);
    }
}

async fn what_somebody_else_has_decided_meanwhile_is_said_at_the_account(test: &Test) {
    attached(test).await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = test.session(&test.made.owner).await;
    let taken = press(test, &session, "bind", &[("account", LUCIA), ("member", amara.id.as_str())]).await;
    assert_eq!(taken.status, 409, "{}", taken.body);
    assert!(taken.body.contains("Not saved.") && taken.body.contains("linked to another member"), "{}", taken.body);
    let other = press(test, &session, "bind", &[("account", TOMASZ), ("member", lucia.id.as_str())]).await;
    assert_eq!(other.status, 409, "{}", other.body);
    assert!(other.body.contains("linked to another Bitbucket account") && other.body.contains("Whose is it?"), "{}", other.body);
    let marked = press(test, &session, "not-a-member", &[("account", LUCIA)]).await;
    assert_eq!(marked.status, 409, "{}", marked.body);
    assert!(marked.body.contains("Linked to Lucía Fernández"), "{}", marked.body);
    let by_rest = test.api(Method::PUT, &format!("/bitbucket-accounts/{LUCIA}/not-a-member")).send().await.expect("an answer");
    assert_eq!(Page::read(by_rest).await.code(), "account_bound");
    assert_eq!(account(test, LUCIA).await["bound_to"]["id"], lucia.id.as_str(), "nothing has changed");
    // A confirmed account is unlinked on its own page, which says what that means.
    let page = test.get_as(&session, &format!("{PAGE}/account?account={LUCIA}")).await;
    assert!(page.body.contains("Unlinking closes the panel for them at once."), "{}", page.body);
    assert_eq!(press(test, &session, "unbind", &[("member", lucia.id.as_str())]).await.status, 303);
    assert_eq!(account(test, LUCIA).await["state"], "unbound");
}

async fn members_without_a_seen_account_are_listed(test: &Test) {
    attached(test).await;
    test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    test.member("Noah Bennett", "noah@lumenpay.example", Some("712020:never-seen")).await;
    test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    let session = test.session(&test.made.owner).await;
    let page = opened(test, &session, "?show=members").await;
    assert!(page.body.contains("amara@lumenpay.example"), "Amara's account was seen, but it is not hers yet");
    assert!(page.body.contains("has 712020:never-seen, which has not been seen yet"), "{}", page.body);
    assert!(!page.body.contains("tomasz@lumenpay.example") && !page.body.contains("ingrid@lumenpay.example"));
    let found = test.get_as(&session, &format!("{PAGE}?show=members&q=NOAH")).await;
    assert!(found.body.contains("noah@lumenpay.example") && !found.body.contains("amara@lumenpay.example"), "{}", found.body);
    for number in 0..60 {
        test.member(&format!("Colleague {number:02}"), &format!("c{number}@lumenpay.example"), None).await;
    }
    let first = test.get_as(&session, &format!("{PAGE}?show=members")).await;
    let next = first.body.split("Next page").next().and_then(|before| before.rsplit("href=\"").next()).expect("a next page");
    let next = next.split('"').next().expect("an address").replace("&#38;", "&").replace("&amp;", "&");
    let second = test.get_as(&session, &next).await;
    assert!(second.body.contains("noah@lumenpay.example") && !second.body.contains("amara@lumenpay.example"), "{}", second.body);
}

async fn filters_and_search_are_kept_over_a_press(test: &Test) {
    attached(test).await;
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, &format!("{PAGE}?show=needs-attention&q=fernandez")).await;
    assert!(page.body.contains("not-a-member?show=needs-attention&#38;q=fernandez"), "{}", page.body);
    let marked = press(test, &session, "not-a-member?show=needs-attention&q=fernandez", &[("account", LUCIA)]).await;
    assert_eq!(marked.header("location"), format!("{PAGE}?show=needs-attention&q=fernandez&said=marked"));
    let page = test.get_as(&session, marked.header("location")).await;
    assert!(page.body.contains("Marked as not a member.") && page.body.contains("Nothing found"), "{}", page.body);
    // What stands in an address is shown as text and leads nowhere else.
    let hostile = test.get_as(&session, &format!("{PAGE}?show=%22%3E%3Cscript%3E&q=%22%3E%3Cb%3E&said=%3Cb%3E")).await;
    assert!(
        hostile.status == 200 && !hostile.body.contains("\"><script>") && !hostile.body.contains("\"><b>"),
        "{}",
        hostile.body
    );
    for wrong in ["?after=%00", "?after=AA", "?after=!"] {
        assert_eq!(test.get_as(&session, &format!("{PAGE}{wrong}")).await.status, 400, "{wrong}");
    }
    test.run_jobs().await;
}

async fn the_page_stays_small_among_two_thousand_members(test: &Test) {
    test.installed().await;
    let users = (0..2000).map(|number| account_named(&format!("Person {number:04}"), number));
    test.sandbox.world(|world: &mut World| world.users.extend(users));
    let (owner, now) = (test.made.owner.clone(), test.now().naive_utc());
    let work = move |connection: &mut AnyConnection| {
        for number in 0..2000 {
            let id = format!("01900000-0000-7000-8000-{number:012}");
            let email = format!("p{number}@lumenpay.example");
            diesel::insert_into(members::table)
                .values((
                    members::id.eq(id),
                    members::workspace_id.eq(owner.workspace_id.as_str()),
                    members::name.eq(format!("Person {number:04}")),
                    members::email.eq(&email),
                    members::email_folded.eq(&email),
                    members::role.eq("member"),
                    members::created_at.eq(now),
                ))
                .execute(connection)?;
        }
        Ok(())
    };
    test.server.app.write(work).await.expect("two thousand members");
    let session = test.session(&test.made.owner).await;
    opened(test, &session, "").await;
    let page = test.get_as(&session, &format!("{PAGE}?show=needs-attention")).await;
    assert_eq!(page.body.matches("Bind to Person").count(), 46, "fifty rows, four of other names: {}", page.body);
    assert!(page.body.len() < 200_000, "a page stays small: {}", page.body.len());
}
