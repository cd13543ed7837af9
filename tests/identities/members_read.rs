//! Reading who belongs to the Bitbucket workspace: in the background, a page at a time, and where it is not allowed.

use super::*;

both!(
    opening_the_page_has_five_pages_of_members_read_in_the_background,
    a_list_is_read_again_after_an_hour_or_when_asked,
    whoever_left_the_workspace_is_forgotten_unless_needed,
    a_refusal_is_said_on_the_page_and_the_seen_ones_stay,
    a_next_page_elsewhere_is_not_followed,
    a_late_answer_brings_nothing_back_after_a_disconnect,
);

fn reads(test: &Test) -> usize {
    test.sandbox.calls().iter().filter(|call| call.path.ends_with("/members")).count()
}

fn people_join(test: &Test, count: u32) {
    let users = (0..count).map(|number| account_named(&format!("Person {number:04}"), number));
    test.sandbox.world(|world: &mut World| world.users.extend(users));
}

async fn opening_the_page_has_five_pages_of_members_read_in_the_background(test: &Test) {
    test.installed().await;
    people_join(test, 450);
    let session = test.session(&test.made.owner).await;
    let first = test.get_as(&session, PAGE).await;
    assert!(first.body.contains("The members of lumenpay are being read."), "{}", first.body);
    assert_eq!(reads(test), 0, "nothing is asked while a page is drawn");
    assert_eq!(test.get_as(&session, PAGE).await.status, 200);
    assert_eq!(test.jobs().await, ["read_workspace_members"], "once");
    test.run_jobs().await;
    assert_eq!(reads(test), 5);
    let mut cursor = String::new();
    let mut found = Vec::new();
    loop {
        let listed = test.api_json(Method::GET, &format!("/bitbucket-accounts?limit=100{cursor}"), None).await;
        found.extend(listed["entries"].as_array().expect("entries").iter().map(|account| account["display_name"].clone()));
        match listed["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 456, "each once");
    assert_eq!((&found[0], &found[455]), (&json!("Amara Okafor"), &json!("Tomasz Zieliński")), "by name");
    let page = test.get_as(&session, PAGE).await;
    assert!(page.body.contains("Members of lumenpay read ") && page.body.contains("member of lumenpay"), "{}", page.body);
    let next = page.body.split("Next page").next().and_then(|before| before.rsplit("href=\"").next()).expect("a next page");
    let next = next.split('"').next().expect("an address").replace("&#38;", "&").replace("&amp;", "&");
    let second = test.get_as(&session, &next).await;
    assert!(second.body.contains("Person 0047") && !second.body.contains("Amara Okafor"), "{}", second.body);
    let found = test.get_as(&session, &format!("{PAGE}?q=person+0312")).await;
    assert!(found.body.contains("Person 0312") && !found.body.contains("Person 0313"), "{}", found.body);
}

async fn a_list_is_read_again_after_an_hour_or_when_asked(test: &Test) {
    test.installed().await;
    let session = test.session(&test.made.owner).await;
    let page = opened(test, &session, "").await;
    assert_eq!(reads(test), 1);
    test.pass_seconds(3500);
    opened(test, &session, "").await;
    assert_eq!(reads(test), 1, "it is fresh for an hour");
    let again = test.post_as(&session, &format!("{PAGE}/read?show=bound"), &[("csrf", &page.field("csrf"))]).await;
    assert_eq!((again.status, again.header("location")), (303, &*format!("{PAGE}?show=bound&said=reading")));
    test.run_jobs().await;
    assert_eq!(reads(test), 2);
    test.pass_seconds(3601);
    opened(test, &session, "").await;
    assert_eq!(reads(test), 3);
}

async fn whoever_left_the_workspace_is_forgotten_unless_needed(test: &Test) {
    attached(test).await;
    let session = test.session(&test.made.owner).await;
    let page = opened(test, &session, "").await;
    assert_eq!(accounts(test, "").await.len(), 6);
    let csrf = page.field("csrf");
    let marked = test.post_as(&session, &format!("{PAGE}/not-a-member"), &[("csrf", &csrf), ("account", AMARA)]).await;
    assert_eq!(marked.status, 303);
    test.sandbox.world(|world: &mut World| world.users.retain(|user| user.account_id == INGRID));
    test.pass_seconds(3601);
    opened(test, &session, "").await;
    let left = accounts(test, "").await;
    let left: Vec<_> =
        left.iter().map(|it| (it["account_id"].as_str().expect("an id"), it["is_workspace_member"] == true)).collect();
    assert_eq!(left, [(AMARA, false), (INGRID, true), (LUCIA, false), (TOMASZ, false)]);
}

async fn a_refusal_is_said_on_the_page_and_the_seen_ones_stay(test: &Test) {
    attached(test).await;
    let path = format!("/2.0/workspaces/{{{LUMENPAY_UUID}}}/members");
    test.sandbox.misbehave(Misbehaviour::on(&path, Fault::Status(403)));
    let session = test.session(&test.made.owner).await;
    let page = opened(test, &session, "").await;
    assert!(
        page.body.contains("The members of lumenpay could not be read.") && page.body.contains("does not let the app"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Lucía Fernández") && page.body.contains("author of 1 linked pull request"), "{}", page.body);
    assert_eq!(accounts(test, "").await.len(), 3);
    opened(test, &session, "").await;
    assert_eq!(reads(test), 1, "a refusal is an answer for an hour");
    test.sandbox.behave();
    test.pass_seconds(3601);
    let page = opened(test, &session, "").await;
    assert!(!page.body.contains("could not be read"), "{}", page.body);
    assert_eq!(accounts(test, "").await.len(), 6);
}

async fn a_next_page_elsewhere_is_not_followed(test: &Test) {
    use clarityloop_bitbucket::connections::workspace_members::{READ_MEMBERS, ReadMembers};
    use clarityloop_bitbucket::jobs;
    use clarityloop_bitbucket::storage::ids::InstallationId;
    test.installed().await;
    let id = test.installations().await[0]["id"].as_str().and_then(InstallationId::parse).expect("an id");
    let elsewhere = test.sandbox.url().replace("127.0.0.1", "localhost");
    for next in [format!("{elsewhere}/2.0/workspaces/lumenpay/members?page=2"), format!("{}/site/", test.sandbox.url())] {
        let payload = ReadMembers { installation_id: id.clone(), begun_at: None, next: Some(next), pages: 1 };
        let now = test.server.app.now();
        let work = move |connection: &mut AnyConnection| jobs::enqueue(connection, READ_MEMBERS, None, &payload, &now);
        test.server.app.write(work).await.expect("a job");
    }
    test.run_jobs().await;
    assert_eq!(reads(test), 0);
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, PAGE).await;
    assert!(page.body.contains("Bitbucket does not answer as it should."), "{}", page.body);
    let work = |connection: &mut AnyConnection| {
        diesel::delete(clarityloop_bitbucket::storage::schema::jobs::table).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("the queue is emptied");
}

async fn a_late_answer_brings_nothing_back_after_a_disconnect(test: &Test) {
    let installation = attached(test).await;
    let session = test.session(&test.made.owner).await;
    assert_eq!(test.get_as(&session, PAGE).await.status, 200);
    test.sandbox.misbehave(Misbehaviour::on("/2.0/workspaces/", Fault::Slow { milliseconds: 700 }).times(1));
    let step = test.server.runner.step();
    let uninstall = async {
        test.until_a_job_is_taken_up().await;
        assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    };
    let (step, ()) = tokio::join!(step, uninstall);
    assert!(step.expect("a step"));
    test.run_jobs().await;
    assert!(accounts(test, "").await.is_empty());
    let page = test.get_as(&session, PAGE).await;
    assert!(page.body.contains("Bitbucket is not connected"), "{}", page.body);
    assert_eq!(test.jobs().await, Vec::<String>::new(), "there is nobody to ask");
}
