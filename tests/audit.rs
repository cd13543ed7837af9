//! The audit: what stands there, by group, person and time, a page at a time, as a table for a spreadsheet, and by REST.

use clarityloop_bitbucket::people::audit;
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::lifecycle::LUMENPAY_UUID;
use crate::harness::{Page, Test};

both!(
    what_owners_and_the_app_did_stands_there_in_words,
    it_is_filtered_by_group_person_and_day,
    a_filter_that_cannot_be_read_comes_back_with_a_message,
    it_goes_on_page_by_page,
    the_export_has_every_entry_and_no_formula,
    programs_read_it_with_the_same_filters,
);

async fn shown(test: &Test, query: &str) -> Page {
    let session = test.session(&test.made.owner).await;
    test.get_as(&session, &format!("/settings/audit{query}")).await
}

/// What stands on the page, a line for each entry, without the markup.
fn lines(page: &Page) -> Vec<String> {
    let rows = page.body.split("<div class=\"row-text\"><span><b>").skip(1);
    rows.map(|row| row.split("</span>").next().unwrap_or_default().replace("</b>", "")).collect()
}

async fn what_owners_and_the_app_did_stands_there_in_words(test: &Test) {
    test.installed().await;
    let member = json!({ "name": "Priya Raman", "email": "priya@lumenpay.example", "role": "member" });
    test.api_json(Method::POST, "/members", Some(member)).await;
    test.api_json(Method::PUT, "/quick-action", Some(json!({ "enabled": false }))).await;
    test.run_jobs().await;
    let expected = [
        "Ingrid Solberg switched PR Quick Action off",
        "Ingrid Solberg added Priya Raman (priya@lumenpay.example)",
        "Ingrid Solberg confirmed the Bitbucket workspace lumenpay",
        "ClarityLoop took in an installation of the Bitbucket workspace lumenpay",
        "ClarityLoop made a new install code",
    ];
    assert_eq!(lines(&shown(test, "").await), expected);
    let listed = test.api_json(Method::GET, "/installations", None).await;
    let path = format!("/installations/{}/disconnect", listed["entries"][0]["id"].as_str().expect("an id"));
    test.api_json(Method::POST, &path, Some(json!({ "workspace": "lumenpay" }))).await;
    test.run_jobs().await;
    let after = lines(&shown(test, "?group=data").await);
    assert_eq!(after, [format!("ClarityLoop looked for data of the Bitbucket workspace {LUMENPAY_UUID} and found nothing left")]);
    let page = shown(test, "").await;
    assert!(!page.body.contains("workspace lumenpay"), "the name is gone with the rest: {}", page.body);
}

async fn it_is_filtered_by_group_person_and_day(test: &Test) {
    test.installed().await;
    test.pass_seconds(2 * 24 * 3600);
    let member = json!({ "name": "Priya Raman", "email": "priya@lumenpay.example", "role": "member" });
    test.api_json(Method::POST, "/members", Some(member)).await;
    let today = test.now().format("%Y-%m-%d").to_string();
    let yesterday = (test.now() - chrono::TimeDelta::days(1)).format("%Y-%m-%d").to_string();
    for (query, count) in [
        ("?group=&who=&from=&until=".to_owned(), 4),
        ("?group=people".to_owned(), 1),
        ("?group=bitbucket".to_owned(), 3),
        ("?who=app".to_owned(), 2),
        ("?who=operator".to_owned(), 0),
        ("?who=Ingrid+Solberg".to_owned(), 2),
        ("?who=INGRID%40lumenpay.example".to_owned(), 2),
        ("?who=priya%40lumenpay.example".to_owned(), 0),
        (format!("?from={today}"), 1),
        (format!("?until={yesterday}"), 3),
        (format!("?who=Ingrid+Solberg&group=bitbucket&until={today}"), 1),
    ] {
        let page = shown(test, &query).await;
        assert_eq!((page.status, lines(&page).len()), (200, count), "{query}: {}", page.body);
    }
    assert!(shown(test, "?group=people").await.body.contains("<option value=\"people\" selected>"));
    assert!(shown(test, "?who=operator").await.body.contains("Nothing fits what you asked for."));
}

async fn a_filter_that_cannot_be_read_comes_back_with_a_message(test: &Test) {
    for (query, words) in [
        ("?who=Nobody+%3Cb%3E", "Nobody in your workspace has this name or e-mail address."),
        ("?from=2026-13-01", "Write a day as 2026-11-20."),
        ("?until=soon", "Write a day as 2026-11-20."),
        ("?group=everything", "There is no such group."),
    ] {
        let page = shown(test, query).await;
        assert_eq!(page.status, 400, "{query}");
        assert!(page.body.contains(words) && page.body.contains("aria-invalid=\"true\""), "{query}: {}", page.body);
        assert!(!page.body.contains("<b>\""), "{}", page.body);
        let session = test.session(&test.made.owner).await;
        assert_eq!(test.get_as(&session, &format!("/settings/audit.csv{query}")).await.status, 400, "{query}");
    }
    assert!(shown(test, "?who=Nobody+%3Cb%3E").await.body.contains("value=\"Nobody &#60;b&#62;\""));
    assert_eq!(shown(test, "?before=nonsense").await.status, 400);
}

/// Records so many entries of the owner's.
async fn record(test: &Test, count: usize, detail: &'static str) {
    let (owner, now) = (test.made.owner.clone(), test.server.app.now());
    let work = move |connection: &mut _| {
        let (workspace_id, actor) = (&owner.workspace_id, owner.id.as_str());
        (0..count).try_for_each(|_| audit::record(connection, workspace_id, actor, "member_added", actor, detail, &now))
    };
    test.server.app.write(work).await.expect("entries");
}

async fn it_goes_on_page_by_page(test: &Test) {
    record(test, 120, "ada@example.com").await;
    let mut query = "?group=people".to_owned();
    let mut counts = Vec::new();
    loop {
        let page = shown(test, &query).await;
        counts.push(lines(&page).len());
        assert_eq!(page.body.contains("Newest entries"), counts.len() > 1);
        let Some((before, _)) = page.body.split_once("\">Older entries</a>") else { break };
        let href = before.rsplit("href=\"").next().unwrap_or_default().replace("&#38;", "&");
        query = href.strip_prefix("/settings/audit").expect("the same page").to_owned();
    }
    assert_eq!(counts, [50, 50, 20]);
}

async fn the_export_has_every_entry_and_no_formula(test: &Test) {
    record(test, 1_200, "=HYPERLINK(\"http://evil.example\")").await;
    let session = test.session(&test.made.owner).await;
    let export = test.get_as(&session, "/settings/audit.csv").await;
    assert_eq!((export.status, export.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert!(export.header("content-disposition").starts_with("attachment"), "{}", export.header("content-disposition"));
    let lines: Vec<&str> = export.body.split("\r\n").collect();
    assert_eq!(lines[0], "\"time\",\"who\",\"what\",\"action\",\"subject\",\"detail\",\"id\"");
    assert_eq!(lines.len(), 1 + 1_200 + 1 + 1, "headings, entries, the code made at the beginning, and the end");
    assert!(lines[1].contains(",\"Ingrid Solberg\",\"added themselves ("), "{}", lines[1]);
    assert!(lines[1].contains(",\"'=HYPERLINK(\"\"http://evil.example\"\")\","), "{}", lines[1]);
    let filtered = test.get_as(&session, "/settings/audit.csv?group=bitbucket").await;
    assert_eq!(filtered.body.split("\r\n").count(), 3);
}

async fn programs_read_it_with_the_same_filters(test: &Test) {
    test.installed().await;
    let read = async |query: &str| test.api_json(Method::GET, &format!("/audit{query}"), None).await;
    let all = read("").await;
    let actions: Vec<&Value> = all["entries"].as_array().expect("entries").iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["installation_confirmed", "installed", "install_code_made"]);
    assert_eq!(all["entries"][0]["actor_name"], "Ingrid Solberg");
    assert_eq!(all["entries"][1]["actor"], "app");
    let first = read("?who=app&limit=1").await;
    assert_eq!(first["entries"][0]["action"], "installed");
    let next = read(&format!("?who=app&limit=1&cursor={}", first["next"].as_str().expect("a next page"))).await;
    assert_eq!((&next["entries"][0]["action"], &next["next"]), (&json!("install_code_made"), &Value::Null));
    for bad in ["?group=nothing", "?who=nobody%40example.com", "?from=soon", "?since=2026-01-01"] {
        assert_eq!(test.api(Method::GET, &format!("/audit{bad}")).send().await.expect("an answer").status(), 400, "{bad}");
    }
    let token = test.token(&test.made.owner, "read").await;
    assert_eq!(test.api_as(&token, Method::GET, "/audit").send().await.expect("an answer").status(), 403, "the scope owner");
}
