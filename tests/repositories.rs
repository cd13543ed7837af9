//! Repositories of a connected Bitbucket workspace: what is chosen of them, by whom and by which rule, and that it goes with the workspace.

use bitbucket_sandbox::World;
use clarityloop_bitbucket::connections::repositories as rules;
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::schema::{audit, repositories, repository_listings, repository_proposals, repository_rules};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::people::Person;
use crate::harness::{PRIYA, Page, Test};

mod browser;
mod listing;
mod page;
mod proposals;

both!(
    what_owners_choose_is_chosen_and_nothing_else,
    a_project_is_chosen_at_once_and_its_rule_counts_for_what_comes,
    the_list_is_searched_narrowed_and_turned_page_by_page,
    members_see_what_bitbucket_shows_them,
    what_cannot_be_meant_is_refused,
    a_disconnect_takes_the_list_and_what_was_decided_away,
);

/// The path of the Bitbucket workspace in the API.
fn below(path: &str) -> String {
    format!("/bitbucket-workspaces/{LUMENPAY_UUID}{path}")
}

/// The UUID of the repository with this number.
fn uuid(number: usize) -> String {
    format!("01990000-0000-4000-8000-{number:012}")
}

/// Lays so many repositories down as if Bitbucket had listed them: every fifth is in project PAY and public, the others in LED and private.
async fn lay(test: &Test, count: usize) {
    let (workspace_id, now) = (test.made.owner.workspace_id.clone(), test.now().naive_utc());
    let work = move |connection: &mut AnyConnection| {
        for number in 0..count {
            let is_pay = number % 5 == 0;
            let (key, project) = if is_pay { ("PAY", "Payments") } else { ("LED", "Ledger") };
            let name = format!("lumenpay/service-{number:04}");
            diesel::insert_into(repositories::table)
                .values((
                    repositories::workspace_id.eq(&workspace_id),
                    repositories::uuid.eq(uuid(number)),
                    repositories::bitbucket_workspace_uuid.eq(LUMENPAY_UUID),
                    repositories::full_name.eq(&name),
                    repositories::name.eq(&name),
                    repositories::folded.eq(format!("{name} {} {}", project.to_lowercase(), uuid(number))),
                    repositories::project_key.eq(key),
                    repositories::project_name.eq(Some(project)),
                    repositories::is_private.eq(!is_pay),
                    repositories::default_branch.eq(Some("main")),
                    repositories::is_chosen.eq(false),
                    repositories::decided_at.eq(now),
                    repositories::listed_at.eq(now),
                ))
                .execute(connection)?;
        }
        diesel::insert_into(repository_listings::table)
            .values((
                repository_listings::workspace_id.eq(&workspace_id),
                repository_listings::bitbucket_workspace_uuid.eq(LUMENPAY_UUID),
                repository_listings::begun_at.eq(now),
                repository_listings::is_under_way.eq(false),
                repository_listings::found.eq(i32::try_from(count).expect("a few")),
                repository_listings::listed_at.eq(Some(now)),
            ))
            .execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("repositories");
}

/// The names of the repositories by REST, a page of them.
async fn listed(test: &Test, query: &str) -> (Vec<String>, Option<String>) {
    let page = test.api_json(Method::GET, &below(&format!("/repositories{query}")), None).await;
    let names = page["entries"].as_array().expect("entries").iter();
    let names = names.map(|entry| entry["full_name"].as_str().expect("a name").to_owned()).collect();
    (names, page["next"].as_str().map(str::to_owned))
}

/// What a request of the owner is refused with.
async fn refused(test: &Test, method: Method, path: &str, body: Value) -> (u16, String) {
    let answer = Page::read(test.api(method, path).json(&body).send().await.expect("an answer")).await;
    (answer.status, answer.code())
}

async fn is_chosen(test: &Test, number: usize) -> bool {
    let (workspace_id, id) = (test.made.owner.workspace_id.clone(), Uuid::parse_str(&uuid(number)).expect("a UUID"));
    let by_id = test.server.app.read(move |connection| rules::is_chosen(connection, &workspace_id, id)).await.expect("an answer");
    let workspace_id = test.made.owner.workspace_id.clone();
    let name = format!("Lumenpay/Service-{number:04}");
    let by_name = test.server.app.read(move |connection| rules::is_chosen_by_name(connection, &workspace_id, &name));
    assert_eq!(by_name.await.expect("an answer").is_some(), by_id, "both ways of asking say the same");
    by_id
}

/// The actions in the audit, the newest first.
async fn actions(test: &Test) -> Vec<(String, String)> {
    let read = |connection: &mut AnyConnection| {
        let rows = audit::table.order(audit::id.desc()).select((audit::action, audit::detail));
        Ok(rows.load::<(String, String)>(connection)?)
    };
    test.server.app.read(read).await.expect("the audit")
}

async fn what_owners_choose_is_chosen_and_nothing_else(test: &Test) {
    test.installed().await;
    lay(test, 10).await;
    assert!(!is_chosen(test, 1).await, "nothing is, before an owner has chosen");
    let braced = format!("{{{}}}", uuid(2));
    let choice = json!({"chosen": [uuid(1), braced], "left_out": [uuid(3)]});
    let changed = test.api_json(Method::PUT, &below("/choice"), Some(choice.clone())).await;
    assert_eq!(changed, json!({"chosen": 2, "left_out": 0}), "what was not chosen cannot be left out");
    let again = test.api_json(Method::PUT, &below("/choice"), Some(choice)).await;
    assert_eq!(again, json!({"chosen": 0, "left_out": 0}), "a repetition changes nothing");
    assert!(is_chosen(test, 1).await && is_chosen(test, 2).await && !is_chosen(test, 3).await);
    assert_eq!(actions(test).await[0], ("repositories_chosen".to_owned(), "2 repositories".to_owned()));
    test.pass_seconds(1);
    test.api_json(Method::PUT, &below("/choice"), Some(json!({"left_out": [uuid(1)]}))).await;
    assert!(!is_chosen(test, 1).await && is_chosen(test, 2).await);
    assert_eq!(actions(test).await[0], ("repositories_left_out".to_owned(), "1 repository".to_owned()));
    // What Bitbucket does not list any more is not read either, whatever was chosen.
    let gone = test.now().naive_utc();
    let work = move |connection: &mut AnyConnection| {
        let row = repositories::table.filter(repositories::uuid.eq(uuid(2)));
        diesel::update(row).set(repositories::gone_at.eq(Some(gone))).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("it is gone");
    assert!(!is_chosen(test, 2).await);
    assert_eq!(listed(test, "?show=gone").await.0, ["lumenpay/service-0002"]);
    assert_eq!(listed(test, "?show=chosen").await.0, Vec::<String>::new());
}

async fn a_project_is_chosen_at_once_and_its_rule_counts_for_what_comes(test: &Test) {
    test.installed().await;
    lay(test, 20).await;
    let all = json!({"all": true, "project": "PAY"});
    assert_eq!(test.api_json(Method::PUT, &below("/choice"), Some(all)).await["chosen"], 4);
    let rule = json!({"project": "LED", "includes_new": true});
    let decided = test.api_json(Method::PUT, &below("/rule"), Some(rule)).await;
    let project = |key: &str, name: &str, count: i64, chosen: i64, rule: Value| json!({"key": key, "name": name, "repositories": count, "chosen": chosen, "includes_new": rule});
    let projects = [project("LED", "Ledger", 16, 0, json!(true)), project("PAY", "Payments", 4, 4, json!(null))];
    assert_eq!(decided, json!({"repositories": 20, "chosen": 4, "includes_new": false, "projects": projects}));
    assert!(!is_chosen(test, 1).await, "a rule changes nothing that is listed already");
    test.api_json(Method::PUT, &below("/rule"), Some(json!({"includes_new": true}))).await;
    let decided = test.api_json(Method::PUT, &below("/rule"), Some(json!({"project": "LED", "includes_new": null}))).await;
    assert_eq!((&decided["includes_new"], &decided["projects"][0]["includes_new"]), (&json!(true), &json!(null)));
    let (action, detail) = actions(test).await.remove(0);
    assert_eq!((action.as_str(), detail.as_str()), ("repository_rule_set", "one project: as in the whole workspace"));
    assert_eq!(test.api_json(Method::PUT, &below("/choice"), Some(json!({"all": false}))).await["left_out"], 4);
    assert_eq!(test.api_json(Method::PUT, &below("/choice"), Some(json!({"all": true}))).await["chosen"], 20);
}

async fn the_list_is_searched_narrowed_and_turned_page_by_page(test: &Test) {
    test.installed().await;
    lay(test, 120).await;
    let (mut names, mut query) = (Vec::new(), "?limit=50".to_owned());
    loop {
        let (page, next) = listed(test, &query).await;
        names.extend(page);
        let Some(next) = next else { break };
        query = format!("?limit=50&cursor={next}");
    }
    let expected: Vec<String> = (0..120).map(|number| format!("lumenpay/service-{number:04}")).collect();
    assert_eq!(names, expected, "every repository once, by name");
    assert_eq!(listed(test, "?search=SERVICE-011+payments").await.0, ["lumenpay/service-0110", "lumenpay/service-0115"]);
    assert_eq!(listed(test, "?project=PAY&search=service-000").await.0, ["lumenpay/service-0000", "lumenpay/service-0005"]);
    assert_eq!(listed(test, "?search=%25").await.0.len(), 50, "a wildcard is a letter like another");
    assert_eq!(listed(test, "?project=%00").await.0.len(), 50, "what no key holds narrows nothing");
    for wrong in ["?cursor=!", "?cursor=AA", "?limit=0", "?show=some", "?shown=all"] {
        let answer = test.api(Method::GET, &below(&format!("/repositories{wrong}"))).send().await.expect("an answer");
        assert_eq!(answer.status(), 400, "{wrong}");
    }
}

async fn members_see_what_bitbucket_shows_them(test: &Test) {
    let installation = test.installed().await;
    lay(test, 10).await;
    test.attached(&installation).await;
    let priya = Person::of(test, test.member_by_email("priya@lumenpay.example").await).await;
    let names = |page: &Value| -> Vec<Value> {
        page["entries"].as_array().expect("entries").iter().map(|entry| entry["full_name"].clone()).collect()
    };
    let (_, page) = priya.call(test, Method::GET, &below("/repositories"), None).await;
    assert_eq!(names(&page), ["lumenpay/service-0000", "lumenpay/service-0005"], "the public ones");
    // One of the private ones is the repository of the linked pull request.
    let ledger = ledger_uuid(test);
    let work = move |connection: &mut AnyConnection| {
        let row = repositories::table.filter(repositories::uuid.eq(uuid(1)));
        let folded = format!("lumenpay/ledger {ledger}");
        let named = (repositories::full_name.eq("lumenpay/ledger"), repositories::folded.eq(folded));
        diesel::update(row).set((repositories::uuid.eq(ledger), named)).execute(connection)?;
        Ok(())
    };
    test.server.app.write(work).await.expect("a row");
    let search = below("/repositories?search=lumenpay/ledger");
    let (_, before) = priya.call(test, Method::GET, &search, None).await;
    assert_eq!(names(&before), Vec::<Value>::new(), "a private one is not shown by what she types");
    assert_eq!(listed(test, "?search=lumenpay/ledger").await.0, ["lumenpay/ledger"], "an owner sees it");
    test.bind(&priya.member, PRIYA).await;
    assert_eq!(test.panel(&installation, 87, PRIYA).await.status, 200);
    test.run_jobs().await;
    let (_, after) = priya.call(test, Method::GET, &search, None).await;
    assert_eq!(names(&after), ["lumenpay/ledger"], "Bitbucket has shown her this one");
    let (status, _) = priya.call(test, Method::GET, &below("/choice"), None).await;
    assert_eq!(status, 403, "counts by project tell of what she may not see");
}

fn ledger_uuid(test: &Test) -> String {
    let mut uuid = String::new();
    test.sandbox.world(|world: &mut World| {
        let ledger = world.repository("lumenpay/ledger").expect("the ledger");
        uuid = ledger.uuid.trim_matches(['{', '}']).to_owned();
    });
    uuid
}

async fn what_cannot_be_meant_is_refused(test: &Test) {
    test.installed().await;
    lay(test, 2).await;
    let choice = below("/choice");
    let many: Vec<String> = (0..501).map(uuid).collect();
    for (body, code) in [
        (json!({}), "choice_unclear"),
        (json!({"all": true, "chosen": [uuid(1)]}), "choice_unclear"),
        (json!({"project": "LED", "chosen": [uuid(1)]}), "choice_unclear"),
        (json!({"chosen": ["lumenpay/ledger"]}), "repository_invalid"),
        (json!({"chosen": [uuid(1)], "left_out": [uuid(1)]}), "repository_contradictory"),
        (json!({ "chosen": many }), "repositories_too_many"),
    ] {
        assert_eq!(refused(test, Method::PUT, &choice, body).await, (400, code.to_owned()));
    }
    let elsewhere = format!("/bitbucket-workspaces/{}", uuid(9));
    for (path, body) in [("/choice", json!({"all": true})), ("/rule", json!({"includes_new": true})), ("/read", json!({}))] {
        let method = if path == "/read" { Method::POST } else { Method::PUT };
        assert_eq!(refused(test, method, &format!("{elsewhere}{path}"), body).await, (404, "not_found".to_owned()), "{path}");
    }
    let rule = json!({"project": "NONE", "includes_new": true});
    assert_eq!(refused(test, Method::PUT, &below("/rule"), rule).await, (404, "not_found".to_owned()));
    assert!(!is_chosen(test, 1).await, "nothing of it was done");
}

async fn a_disconnect_takes_the_list_and_what_was_decided_away(test: &Test) {
    let installation = test.installed().await;
    lay(test, 10).await;
    test.api_json(Method::PUT, &below("/choice"), Some(json!({"all": true}))).await;
    test.api_json(Method::PUT, &below("/rule"), Some(json!({"project": "LED", "includes_new": true}))).await;
    let priya = Person::new(test, "Priya Raman").await;
    let proposal = json!({"repository": "lumenpay/service-0001", "choose": false});
    assert_eq!(priya.call(test, Method::POST, "/repository-proposals", Some(proposal)).await.0, 201);
    assert_eq!(test.sandbox.uninstall(&installation.client_key).await, Ok(204));
    let left = |connection: &mut AnyConnection| {
        Ok([
            repositories::table.count().get_result::<i64>(connection)?,
            repository_rules::table.count().get_result(connection)?,
            repository_listings::table.count().get_result(connection)?,
            repository_proposals::table.count().get_result(connection)?,
        ])
    };
    assert_eq!(test.server.app.read(left).await.expect("counts"), [0; 4], "at once");
    test.run_jobs().await;
    assert!(actions(test).await.iter().any(|(action, detail)| action == "purge_proven" && detail == "nothing left"));
    let details: Vec<String> = actions(test).await.into_iter().map(|(_, detail)| detail).collect();
    assert!(!details.iter().any(|detail| detail.contains("service-") || detail.contains("LED")), "{details:?}");
}
