//! Reading the list from Bitbucket: whole, bounded, again, over a restart, and not after a disconnect.

use bitbucket_sandbox::{Fault, Misbehaviour, Repository};
use clarityloop_bitbucket::connections::repositories::listing;

use super::*;

both!(
    five_thousand_repositories_are_listed_within_the_budget_and_once_more_for_almost_nothing,
    renamed_moved_new_and_removed_repositories_are_told_apart,
    a_reading_goes_on_where_another_server_stopped,
    a_refusal_is_said_and_asked_again_after_an_hour,
    a_disconnect_in_the_middle_leaves_nothing,
);

const BRACED: &str = "{5f0c7a52-1d0e-4b8b-9a3e-6a1f0e5d2c11}";

/// Adds so many private repositories of project PEOPLE to Bitbucket.
fn add(test: &Test, count: usize) {
    let now = test.now();
    let new = (0..count).map(|number| {
        let braced = format!("{{{}}}", uuid(number));
        Repository::new(BRACED, "PEOPLE", &braced, &format!("service-{number:04}"), now)
    });
    let new: Vec<Repository> = new.collect();
    test.sandbox.world(|world: &mut World| world.repositories.extend(new));
}

/// How often the list was asked for.
fn calls(test: &Test) -> usize {
    let calls = test.sandbox.calls();
    calls
        .iter()
        .filter(|call| call.method == "GET" && call.path.ends_with("/repositories/%7B5f0c7a52-1d0e-4b8b-9a3e-6a1f0e5d2c11%7D"))
        .count()
}

/// What the server does every minute.
async fn look(test: &Test) -> bool {
    listing::enqueue_due(&test.server.app.database, &test.server.app.now()).await.expect("a look")
}

async fn reading(test: &Test) -> Value {
    let listed = test.api_json(Method::GET, "/bitbucket-workspaces", None).await;
    listed["entries"][0]["reading"].clone()
}

/// Works the reading off to its end; time passes while the budget refills.
async fn finish(test: &Test) {
    for _ in 0..100 {
        test.run_jobs().await;
        if reading(test).await["is_under_way"] == false {
            return;
        }
        test.pass_seconds(60);
    }
    panic!("the reading does not end: {}", reading(test).await);
}

async fn count(test: &Test) -> (i64, i64) {
    let read = |connection: &mut AnyConnection| {
        let gone = repositories::table.filter(repositories::gone_at.is_not_null());
        Ok((repositories::table.count().get_result(connection)?, gone.count().get_result(connection)?))
    };
    test.server.app.read(read).await.expect("a count")
}

/// One repository by its name, as the owner sees it.
async fn one(test: &Test, slug: &str) -> Value {
    let page = test.api_json(Method::GET, &below(&format!("/repositories?search=lumenpay/{slug}")), None).await;
    page["entries"][0].clone()
}

async fn five_thousand_repositories_are_listed_within_the_budget_and_once_more_for_almost_nothing(test: &Test) {
    test.installed().await;
    add(test, 5000);
    let mut all = 0;
    test.sandbox.world(|world: &mut World| {
        all = world.repositories.iter().filter(|repository| repository.workspace == BRACED).count();
    });
    assert!(look(test).await, "a new connection's list is due");
    assert!(!look(test).await, "and is not begun twice");
    finish(test).await;
    assert_eq!(count(test).await, (i64::try_from(all).expect("a number"), 0));
    assert_eq!(calls(test), all.div_ceil(100), "a call for each hundred, and none beside them");
    assert_eq!(reading(test).await["found"], json!(all));
    assert!(!is_chosen(test, 1).await, "without a rule nothing new is chosen");
    assert!(!look(test).await, "it is fresh");
    test.pass_seconds(24 * 3600);
    assert!(look(test).await, "once a day");
    let before = test.server.app.metrics.database_statements.get();
    finish(test).await;
    let pages = u64::try_from(all.div_ceil(100)).expect("a number");
    let statements = test.server.app.metrics.database_statements.get() - before;
    // A page holds a hundred repositories: whatever is asked goes by the page, never by the repository.
    assert!(statements < pages * 30, "{statements} statements for {pages} pages in which nothing has changed");
    assert_eq!(count(test).await, (i64::try_from(all).expect("a number"), 0));
}

async fn renamed_moved_new_and_removed_repositories_are_told_apart(test: &Test) {
    test.installed().await;
    add(test, 4);
    look(test).await;
    finish(test).await;
    test.api_json(Method::PUT, &below("/choice"), Some(json!({"chosen": [uuid(0), uuid(1)]}))).await;
    test.api_json(Method::PUT, &below("/rule"), Some(json!({"project": "PEOPLE", "includes_new": true}))).await;
    let now = test.now();
    test.sandbox.world(|world: &mut World| {
        world.repositories.retain(|repository| repository.slug != "service-0001");
        let renamed = world.repositories.iter_mut().find(|repository| repository.slug == "service-0000").expect("it");
        (renamed.slug, renamed.name) = ("renamed".to_owned(), "Renamed".to_owned());
        let new = Repository::new(BRACED, "PEOPLE", &format!("{{{}}}", uuid(900)), "brand-new", now);
        world.repositories.push(new);
    });
    test.pass_seconds(60);
    assert_eq!(test.api_json(Method::POST, &below("/read"), None).await, json!({"begun": true}));
    assert_eq!(test.api_json(Method::POST, &below("/read"), None).await, json!({"begun": false}), "one at a time");
    finish(test).await;
    let renamed = one(test, "renamed").await;
    assert_eq!((&renamed["uuid"], &renamed["is_chosen"], &renamed["name"]), (&json!(uuid(0)), &json!(true), &json!("Renamed")));
    assert_eq!(one(test, "brand-new").await["is_chosen"], true, "by the project's rule");
    assert_eq!(one(test, "service-0002").await["is_chosen"], false, "what was listed before is not touched by a rule");
    assert_eq!(listed(test, "?show=gone").await.0, ["lumenpay/service-0001"]);
    assert!(!is_chosen(test, 1).await, "it is gone");
    // It comes back, and so does the choice.
    test.sandbox.world(|world: &mut World| {
        world.repositories.push(Repository::new(BRACED, "PEOPLE", &format!("{{{}}}", uuid(1)), "service-0001", now));
    });
    test.pass_seconds(60);
    test.api_json(Method::POST, &below("/read"), None).await;
    finish(test).await;
    assert!(is_chosen(test, 1).await);
    assert_eq!(listed(test, "?show=gone").await.0, Vec::<String>::new());
}

async fn a_reading_goes_on_where_another_server_stopped(test: &Test) {
    test.installed().await;
    add(test, 350);
    look(test).await;
    for _ in 0..2 {
        assert!(test.server.runner.step().await.expect("a step"));
    }
    assert_eq!(reading(test).await["found"], 200, "two pages");
    let (second, _) = test.second_server().await;
    while second.runner.step().await.expect("a step") {}
    second.stop().await;
    finish(test).await;
    let found = reading(test).await["found"].as_u64().expect("a number");
    assert!(found > 350, "{found}");
    assert_eq!(calls(test), usize::try_from(found.div_ceil(100)).expect("a number"), "no page was asked for twice");
}

async fn a_refusal_is_said_and_asked_again_after_an_hour(test: &Test) {
    test.installed().await;
    add(test, 3);
    let list = format!("/2.0/repositories/{BRACED}");
    test.sandbox.misbehave(Misbehaviour::on(&list, Fault::Status(403)));
    look(test).await;
    test.run_jobs().await;
    let failed = reading(test).await;
    assert_eq!((&failed["error"], &failed["is_under_way"]), (&json!("bitbucket_forbidden"), &json!(false)));
    let session = test.session(&test.made.owner).await;
    let page = test.get_as(&session, page::PAGE).await;
    assert!(page.body.contains("could not be read") && page.body.contains("asked again in an hour"), "{}", page.body);
    assert!(!look(test).await, "not at once");
    test.sandbox.behave();
    test.pass_seconds(3600);
    assert!(look(test).await);
    finish(test).await;
    assert_eq!(reading(test).await["error"], json!(null));
    assert!(count(test).await.0 >= 3);
}

async fn a_disconnect_in_the_middle_leaves_nothing(test: &Test) {
    let installation = test.installed().await;
    add(test, 350);
    look(test).await;
    assert!(test.server.runner.step().await.expect("a step"));
    assert_eq!(count(test).await.0, 100);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    test.run_jobs().await;
    assert_eq!(count(test).await.0, 0, "the rest of the reading brings nothing back");
    assert!(!look(test).await, "nothing is connected any more");
}
