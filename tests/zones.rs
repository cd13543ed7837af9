//! Days are counted where the viewer is: pages by the cookie that their script writes, the panel by its own script.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::browser::{sign_in, with_browser};
use crate::harness::people::Person;
use crate::harness::{AMARA, Page, Test};

both!(
    days_are_counted_in_the_zone_of_the_cookie,
    what_is_no_zone_counts_as_utc_and_is_said,
    the_audit_is_filtered_by_days_of_the_zone
);

const AUCKLAND: &str = "780";
const LOS_ANGELES: &str = "-480";

/// Moves the clocks to the next time that it is so late in UTC.
fn pass_until(test: &Test, hour: u32, minute: u32) -> DateTime<Utc> {
    let now = test.now();
    let time = NaiveTime::from_hms_opt(hour, minute, 0).expect("a time");
    let today = now.date_naive().and_time(time).and_utc();
    let next = if today > now { today } else { today + Days::new(1) };
    test.pass_seconds((next - now).num_seconds() + 1);
    next
}

/// A page, with what the browser's script has said of the zone.
async fn get_from(test: &Test, person: &Person, zone: &str, path: &str) -> Page {
    let cookies = format!("clarityloop={}; clarityloop-zone={zone}", person.session);
    let request = test.http.get(format!("{}{path}", test.url)).header("cookie", cookies);
    let page = Page::read(request.send().await.expect("an answer")).await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    page
}

/// Amara's 1:1 with Tomasz, his request to her and her goal, all for that day; the paths of the three.
async fn all_on(test: &Test, amara: &Person, tomasz: &Person, day: NaiveDate) -> [String; 3] {
    let made = async |person: &Person, path: &str, body: serde_json::Value| {
        let (status, answer) = person.call(test, Method::POST, path, Some(body)).await;
        assert_eq!(status, 201, "{answer}");
        format!("{path}/{}", answer["id"].as_str().expect("an id"))
    };
    [
        made(amara, "/one-on-ones", json!({ "with": tomasz.member.id.to_string(), "held_on": day })).await,
        made(tomasz, "/requests", json!({ "asked": amara.member.id.to_string(), "question": "How?", "due_on": day })).await,
        made(amara, "/goals", json!({ "title": "A goal", "why": "", "due_on": day })).await,
    ]
}

async fn days_are_counted_in_the_zone_of_the_cookie(test: &Test) {
    let (tomasz, amara) = (Person::new(test, "Tomasz Zieliński").await, Person::new(test, "Amara Okafor").await);
    // Half an hour past midnight in Auckland, early in the morning in Los Angeles.
    let day = pass_until(test, 11, 30).date_naive();
    let [one_on_one, request, goal] = all_on(test, &amara, &tomasz, day).await;
    for (zone, today, distance, is_over) in
        [("0", day, "Today", false), (AUCKLAND, day + Days::new(1), "Yesterday", true), (LOS_ANGELES, day, "Today", false)]
    {
        let get = async |path: &str| get_from(test, &amara, zone, path).await.body;
        let home = get("/").await;
        assert!(home.contains(&format!("datetime=\"{today}\"")), "{zone}: {home}");
        assert_eq!(home.contains("1:1s ahead"), !is_over, "{zone}: {home}");
        let list = get("/one-on-ones").await;
        assert!(list.contains(distance), "{zone}: {list}");
        assert_eq!(list.contains("id=\"past\""), is_over, "{zone}: {list}");
        let page = get(&one_on_one).await;
        assert!(page.contains(distance), "{zone}: {page}");
        for path in ["/requests", &request, "/"] {
            assert_eq!(get(path).await.contains("Overdue since"), is_over, "{path} {zone}");
        }
        for path in ["/goals", &goal] {
            assert_eq!(get(path).await.contains("Overdue"), is_over, "{path} {zone}");
        }
    }
    // Late on the evening before in Los Angeles.
    let day = pass_until(test, 7, 30).date_naive();
    let [one_on_one, ..] = all_on(test, &amara, &tomasz, day).await;
    for (zone, distance) in [("", "Today"), (LOS_ANGELES, "Tomorrow"), (AUCKLAND, "Today")] {
        for path in ["/", "/one-on-ones", &one_on_one] {
            let page = get_from(test, &amara, zone, path).await.body;
            assert!(page.contains(distance), "{zone} {path}: {page}");
        }
    }
}

async fn what_is_no_zone_counts_as_utc_and_is_said(test: &Test) {
    let amara = Person::new(test, "Amara Okafor").await;
    let day = pass_until(test, 11, 30).date_naive();
    let note = "Days are counted in UTC";
    for zone in ["", "841", "-99999999999999999999", "Pacific/Auckland", "780%0d%0aSet-Cookie:x=y", "<script>", "\"780\"x"] {
        let home = get_from(test, &amara, zone, "/").await.body;
        assert!(home.contains(&format!("datetime=\"{day}\"")) && home.contains(note), "{zone}: {home}");
    }
    assert!(amara.get(test, "/").await.body.contains(note), "nor does no cookie at all");
    assert!(!get_from(test, &amara, AUCKLAND, "/").await.body.contains(note));
}

async fn the_audit_is_filtered_by_days_of_the_zone(test: &Test) {
    let day = pass_until(test, 11, 30).date_naive();
    let owner = Person::of(test, test.made.owner.clone()).await;
    let mei = json!({ "name": "Mei Tanaka", "email": "mei@lumenpay.example", "role": "member" });
    test.api_json(Method::POST, "/members", Some(mei)).await;
    for (zone, from, is_there) in [("0", day, true), (AUCKLAND, day + Days::new(1), true), ("0", day + Days::new(1), false)] {
        let page = get_from(test, &owner, zone, &format!("/settings/audit?from={from}&until={from}")).await.body;
        assert_eq!(page.contains("Mei Tanaka"), is_there, "{zone} {from}: {page}");
        let file = get_from(test, &owner, zone, &format!("/settings/audit.csv?from={from}&until={from}")).await.body;
        assert_eq!(file.contains("Mei Tanaka"), is_there, "{zone} {from}: {file}");
    }
    for far in ["+262142-12-31", "-262143-01-01", "0000-01-01"] {
        let asked = format!("/settings/audit?from={}", far.replace('+', "%2B"));
        let cookies = format!("clarityloop={}; clarityloop-zone={AUCKLAND}", owner.session);
        let answer = test.http.get(format!("{}{asked}", test.url)).header("cookie", cookies).send().await.expect("an answer");
        assert!(answer.status().as_u16() < 500, "{far}: {}", answer.status());
        let answer = test.api(Method::GET, &asked.replace("/settings", "")).send().await.expect("an answer");
        assert!(answer.status().as_u16() < 500, "{far} by REST: {}", answer.status());
    }
}

/// Nobody is further ahead of UTC, all year round.
const KIRITIMATI: &str = "Pacific/Kiritimati";

#[tokio::test]
async fn pages_count_days_where_the_browser_is() {
    with_browser(true, async |test, browser| {
        let tomasz = Person::new(test, "Tomasz Zieliński").await;
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        let day = pass_until(test, 10, 30).date_naive();
        let amaras = Person::of(test, amara.clone()).await;
        let [one_on_one, request, _] = all_on(test, &amaras, &tomasz, day + Days::new(1)).await;
        browser.move_to_zone(KIRITIMATI).await;
        sign_in(test, browser, &amara).await;
        assert_eq!(browser.text("#meetings ~ ul .lozenge, section[aria-labelledby='meetings'] .lozenge").await, "Today");
        assert_eq!(browser.count("main > p.faint").await, 0, "the page of the link has said the zone");
        browser.open(&format!("{}{one_on_one}", test.url)).await;
        assert!(browser.text(".head .lozenge").await.contains("Today"));
        browser.open(&format!("{}{request}", test.url)).await;
        browser.find_text("Due").await;
        browser.move_to_zone("UTC").await;
        // The first page after a journey still counts as before, and says the new zone.
        browser.open(&format!("{}/", test.url)).await;
        browser.open(&format!("{}/", test.url)).await;
        assert_eq!(browser.text("section[aria-labelledby='meetings'] .lozenge").await, "Tomorrow");
    })
    .await;
}

#[tokio::test]
async fn the_panel_tells_days_where_the_browser_is() {
    with_browser(true, async |test, browser| {
        test.installed().await;
        let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
        let tomasz = Person::new(test, "Tomasz Zieliński").await;
        let amara = Person::of(test, amara).await;
        let day = pass_until(test, 10, 30).date_naive();
        let draft = json!({ "about": tomasz.member.id.to_string(), "body": "A draft" });
        assert_eq!(amara.call(test, Method::POST, "/feedback", Some(draft)).await.0, 201);
        let address = format!("{}/lumenpay/ledger/pull-requests/87?as={AMARA}", test.sandbox.url());
        let said = |day: NaiveDate| format!("from {}", day.format("%-d %b"));
        for (zone, local) in [("UTC", day), (KIRITIMATI, day + Days::new(1))] {
            browser.move_to_zone(zone).await;
            browser.open(&address).await;
            browser.look_into("#panel-0").await;
            browser.find_text(&said(local)).await;
        }
        // What a form's answer brings is told as well: an hour later the link is not new any more.
        browser.press("input[value^='feedback:']").await;
        browser.press("#save").await;
        browser.find_text("just now").await;
        test.pass_seconds(3600);
        browser.press("#more").await;
        let local = (day + Days::new(1)).format("%-d %b").to_string();
        browser.find_text(&format!("by you, {local}")).await;
        test.run_jobs().await;
    })
    .await;
}
