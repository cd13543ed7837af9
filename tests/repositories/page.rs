//! The page: owners choose, members see theirs and propose; it stays small and cheap over 5,000 repositories.

use super::*;

both!(
    an_owner_ticks_what_is_chosen_and_the_rest_of_the_page_is_not,
    a_project_is_looked_at_chosen_and_given_a_rule,
    a_member_proposes_on_the_page_and_an_owner_decides_there,
    the_page_says_what_is_missing,
    five_thousand_repositories_cost_no_more_than_fifty,
);

/// Where the page is.
pub(super) const PAGE: &str = "/settings/integrations/bitbucket/repositories";
/// What a page may ask of the database, the session's two questions included.
const QUESTIONS_AT_MOST: u64 = 12;

fn at(verb: &str, query: &str) -> String {
    format!("{PAGE}/{verb}?workspace={LUMENPAY_UUID}{query}")
}

async fn ingrid(test: &Test) -> Person {
    Person::of(test, test.made.owner.clone()).await
}

async fn an_owner_ticks_what_is_chosen_and_the_rest_of_the_page_is_not(test: &Test) {
    test.installed().await;
    lay(test, 60).await;
    let owner = ingrid(test).await;
    test.api_json(Method::PUT, &below("/choice"), Some(json!({"chosen": [uuid(2), uuid(55)]}))).await;
    let page = owner.get(test, PAGE).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(page.body.matches("name=\"shown\"").count(), 50);
    assert_eq!(page.body.matches(" checked").count(), 1, "{}", page.body);
    assert!(page.body.contains("2 of 60 chosen in this workspace") && page.body.contains("Next page"), "{}", page.body);
    let shown: Vec<String> = (0..50).map(uuid).collect();
    let (first, third) = (uuid(1), uuid(3));
    let mut form: Vec<(&str, &str)> = shown.iter().map(|uuid| ("shown", uuid.as_str())).collect();
    form.extend([("chosen", first.as_str()), ("chosen", third.as_str())]);
    let saved = owner.post(test, &at("choose", "&show=all"), &form).await;
    let location = format!("{PAGE}?workspace={LUMENPAY_UUID}&show=all&said=saved");
    assert_eq!((saved.status, saved.header("location")), (303, &*location));
    for (number, expected) in [(1, true), (2, false), (3, true), (55, true)] {
        assert_eq!(is_chosen(test, number).await, expected, "{number}: what is on another page stays");
    }
    let page = owner.get(test, &location).await;
    assert!(page.body.contains("Saved.") && page.body.contains("3 of 60 chosen"), "{}", page.body);
    let stale = test.post_as(&owner.session, &at("choose", ""), &[("csrf", "wrong"), ("shown", &first)]).await;
    assert_eq!(stale.status, 403);
    assert!(is_chosen(test, 1).await);
}

async fn a_project_is_looked_at_chosen_and_given_a_rule(test: &Test) {
    test.installed().await;
    lay(test, 20).await;
    let owner = ingrid(test).await;
    let page = owner.get(test, &format!("{PAGE}?project=PAY")).await;
    assert!(page.body.contains("0 of 4 chosen in project PAY") && page.body.contains("Choose all 4"), "{}", page.body);
    assert!(!page.body.contains("service-0001") && page.body.contains("service-0005"), "{}", page.body);
    assert_eq!(owner.post(test, &at("all", "&project=PAY"), &[("choose", "true")]).await.status, 303);
    assert_eq!(owner.post(test, &at("rule", "&project=PAY"), &[("rule", "chosen")]).await.status, 303);
    let page = owner.get(test, &format!("{PAGE}?project=PAY")).await;
    assert!(page.body.contains("4 of 4 chosen in project PAY"), "{}", page.body);
    assert!(page.body.contains("value=\"chosen\" selected") && page.body.contains("Leave all out"), "{}", page.body);
    assert!(page.body.contains("LED Ledger (0 of 16)") && page.body.contains("PAY Payments (4 of 4)"), "{}", page.body);
    let chosen = owner.get(test, &format!("{PAGE}?show=chosen")).await;
    assert_eq!(chosen.body.matches("name=\"shown\"").count(), 4);
    // What stands in an address is shown as text and leads nowhere else.
    let hostile =
        owner.get(test, &format!("{PAGE}?project=%22%3E%3Cb%3E&q=%22%3E%3Cb%3E&show=%3Cb%3E&workspace=%3Cb%3E&said=x")).await;
    assert!(hostile.status == 200 && !hostile.body.contains("\"><b>"), "{}", hostile.body);
    assert_eq!(owner.get(test, &format!("{PAGE}?after=%00")).await.status, 400);
}

async fn a_member_proposes_on_the_page_and_an_owner_decides_there(test: &Test) {
    test.installed().await;
    lay(test, 10).await;
    let (priya, owner) = (Person::new(test, "Priya Raman").await, ingrid(test).await);
    let page = priya.get(test, PAGE).await;
    assert!(page.body.contains("service-0005") && !page.body.contains("service-0001"), "{}", page.body);
    assert!(!page.body.contains("name=\"shown\"") && !page.body.contains("Read again"), "{}", page.body);
    let wrong = priya.post(test, &at("propose", ""), &[("repository", "service"), ("choose", "true")]).await;
    assert!(
        wrong.status == 400 && wrong.body.contains("Not saved.") && wrong.body.contains("workspace/repository"),
        "{}",
        wrong.body
    );
    for name in ["lumenpay/service-0001", "lumenpay/service-0005"] {
        assert_eq!(priya.post(test, &at("propose", ""), &[("repository", name), ("choose", "true")]).await.status, 303);
    }
    let page = priya.get(test, PAGE).await;
    assert!(page.body.contains("Your proposals") && !page.body.contains("/approve"), "{}", page.body);
    let page = owner.get(test, PAGE).await;
    assert!(page.body.contains("Priya Raman proposes to choose lumenpay/service-0001"), "{}", page.body);
    let actions = page.body.split("action=\"").filter_map(|rest| rest.split('"').next());
    let approve: Vec<&str> = actions.filter(|action| action.ends_with("/approve")).collect();
    assert_eq!(owner.post(test, approve[0], &[]).await.status, 303);
    assert!(is_chosen(test, 5).await, "the newest stands on top");
    let again = owner.post(test, approve[0], &[]).await;
    assert!(again.status == 409 && again.body.contains("decided about this already"), "{}", again.body);
    assert_eq!(owner.post(test, &approve[1].replace("/approve", "/refuse"), &[]).await.status, 303);
    assert!(!is_chosen(test, 1).await);
    assert!(!owner.get(test, PAGE).await.body.contains("Proposed by members"));
}

async fn the_page_says_what_is_missing(test: &Test) {
    let (owner, priya) = (ingrid(test).await, Person::new(test, "Priya Raman").await);
    assert!(owner.get(test, PAGE).await.body.contains("No Bitbucket workspace is connected"));
    assert!(priya.get(test, PAGE).await.body.contains("Ask an owner to connect one"));
    test.installed().await;
    let page = owner.get(test, PAGE).await;
    assert!(page.body.contains("has not been read yet") && page.body.contains("No repositories"), "{}", page.body);
    lay(test, 3).await;
    assert!(owner.get(test, &format!("{PAGE}?q=nothing")).await.body.contains("Nothing found"));
    let work = |connection: &mut AnyConnection| {
        let failed = (repository_listings::error.eq(Some("bitbucket_missing_scopes")), repository_listings::found.eq(3));
        diesel::update(repository_listings::table).set(failed).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("a failure");
    let page = owner.get(test, PAGE).await;
    assert!(page.body.contains("could not be read") && page.body.contains("lacks the scope"), "{}", page.body);
    assert!(page.body.contains("service-0001"), "what was read before is still there");
}

async fn five_thousand_repositories_cost_no_more_than_fifty(test: &Test) {
    test.installed().await;
    lay(test, 5000).await;
    let (owner, priya) = (ingrid(test).await, Person::new(test, "Priya Raman").await);
    let search = format!("{PAGE}?q=service-49&project=LED");
    for (who, path) in [(&owner, PAGE), (&owner, search.as_str()), (&priya, PAGE)] {
        let before = test.server.app.metrics.database_statements.get();
        let page = who.get(test, path).await;
        let questions = test.server.app.metrics.database_statements.get() - before;
        assert_eq!(page.status, 200, "{path}");
        assert!(questions <= QUESTIONS_AT_MOST, "{path} asked {questions} questions");
        assert!(page.body.len() < 100_000, "{path} is {} bytes", page.body.len());
    }
    let page = owner.get(test, &search).await;
    assert!(page.body.contains("service-4901") && !page.body.contains("service-4900"), "{}", page.body);
    let before = test.server.app.metrics.database_statements.get();
    assert_eq!(owner.post(test, &at("all", ""), &[("choose", "true")]).await.status, 303);
    assert!(test.server.app.metrics.database_statements.get() - before < 20, "all are chosen in one statement");
    assert!(is_chosen(test, 4999).await);
}
