//! The pages of 1:1s: planning, adding, ticking, noting, moving, cancelling, and what comes back when something is wrong.

use crate::both;
use crate::harness::{Page, Test};

both!(
    a_one_on_one_is_planned_talked_through_moved_and_cancelled_with_forms,
    what_was_typed_comes_back_with_what_is_wrong,
    a_stranger_finds_none_of_its_pages,
    coming_ones_stand_before_past_ones_and_each_has_its_pages,
    in_a_large_workspace_a_colleague_is_typed,
);

/// Somebody in a browser.
struct Browsing<'a> {
    test: &'a Test,
    session: String,
    csrf: String,
}

impl<'a> Browsing<'a> {
    async fn new(test: &'a Test, email: &str) -> Self {
        let session = test.session(&test.member_by_email(email).await).await;
        let csrf = test.get_as(&session, "/profile").await.field("csrf");
        Self { test, session, csrf }
    }

    async fn get(&self, path: &str) -> Page {
        self.test.get_as(&self.session, path).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let form: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", self.csrf.as_str())]).collect();
        self.test.post_as(&self.session, path, &form).await
    }

    /// Posts a form that must be saved; where the browser is sent.
    async fn save(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = self.post(path, fields).await;
        assert_eq!(page.status, 303, "{path}: {}", page.body);
        page.header("location").to_owned()
    }

    /// Plans a 1:1; the path of its page.
    async fn plan(&self, with: &str, held_on: &str) -> String {
        let to = self.save("/one-on-ones", &[("with", with), ("held_on", held_on)]).await;
        to.split('?').next().unwrap().to_owned()
    }
}

async fn two(test: &Test) -> (Browsing<'_>, Browsing<'_>, String) {
    test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let amara = Browsing::new(test, "amara@lumenpay.example").await;
    (amara, Browsing::new(test, "priya@lumenpay.example").await, priya.id.to_string())
}

fn in_days(test: &Test, days: i64) -> String {
    (test.now() + chrono::TimeDelta::days(days)).format("%Y-%m-%d").to_string()
}

fn holds(page: &Page, texts: &[&str]) {
    for text in texts {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}

async fn a_one_on_one_is_planned_talked_through_moved_and_cancelled_with_forms(test: &Test) {
    let (amara, priya, priyas_id) = two(test).await;
    holds(&amara.get("/one-on-ones").await, &["No 1:1s yet", &format!(r#"<option value="{priyas_id}">Priya Raman"#)]);
    let path = amara.plan(&priyas_id, &in_days(test, 3)).await;
    holds(
        &amara.get(&format!("{path}?said=planned")).await,
        &["Planned.", "In 3 days", "1:1 with Priya Raman", "Nothing on it yet"],
    );

    let to = priya.save(&format!("{path}/agenda"), &[("body", "Conference <b>talk</b>")]).await;
    let item = to.split("#item-").nth(1).unwrap().to_owned();
    amara.save(&format!("{path}/agenda"), &[("body", "Retry window")]).await;
    let page = amara.get(&path).await;
    holds(
        &page,
        &["Conference &#60;b&#62;talk&#60;/b&#62;", "added by Priya Raman", "added by you", "2 open", "1:1 with Priya Raman"],
    );
    assert!(!page.body.contains(&format!("{path}/agenda/{item}\"")), "only who added an item changes it");
    holds(&priya.get(&path).await, &[&format!("{path}/agenda/{item}\""), "1:1 with Amara Okafor"]);

    amara.save(&format!("{path}/agenda/{item}/tick"), &[("done", "yes")]).await;
    holds(&priya.get(&path).await, &[r#"aria-checked="true""#, "1 open"]);
    amara.save(&format!("{path}/agenda/{item}/tick"), &[("done", "no")]).await;
    holds(&priya.get(&path).await, &["2 open"]);
    holds(&priya.get(&format!("{path}/agenda/{item}")).await, &["Change an agenda item", "Conference"]);
    priya.save(&format!("{path}/agenda/{item}"), &[("body", "Which talk?")]).await;
    holds(&amara.get(&path).await, &["Which talk?"]);
    priya.save(&format!("{path}/agenda/{item}/remove"), &[]).await;
    assert!(!amara.get(&path).await.body.contains("Which talk?"));

    amara.save(&format!("{path}/notes"), &[("notes", "Ask before offering.\r\nThen wait.")]).await;
    holds(&amara.get(&path).await, &["Ask before offering.\nThen wait.</textarea>", "Only you see these."]);
    assert!(!priya.get(&path).await.body.contains("Ask before offering."), "notes are their writer's alone");

    holds(&priya.get(&format!("{path}/change")).await, &[&format!(r#"value="{}""#, in_days(test, 3))]);
    priya.save(&format!("{path}/change"), &[("held_on", &in_days(test, 1))]).await;
    holds(&amara.get(&path).await, &["Tomorrow"]);
    priya.save(&format!("{path}/cancel"), &[]).await;
    assert_eq!(amara.get(&path).await.status, 404);
    holds(&amara.get("/one-on-ones?said=cancelled").await, &["Cancelled.", "No 1:1s yet"]);
}

async fn what_was_typed_comes_back_with_what_is_wrong(test: &Test) {
    let (amara, _priya, priyas_id) = two(test).await;
    let day = in_days(test, 3);
    for (with, held_on, status, sentence) in [
        ("", day.as_str(), 400, "Choose a person."),
        ("01900000-0000-7000-8000-000000000000", &day, 400, "Nobody in your workspace is found by this."),
        (&priyas_id, "next week", 400, "Give a date as year, month and day"),
        (&amara.test.member_by_email("amara@lumenpay.example").await.id.to_string(), &day, 400, "A 1:1 is with somebody else."),
    ] {
        let page = amara.post("/one-on-ones", &[("with", with), ("held_on", held_on)]).await;
        assert_eq!(page.status, status, "{}", page.body);
        holds(&page, &[sentence, &format!(r#"value="{held_on}""#), r#"aria-invalid="true""#, "No 1:1s yet"]);
    }
    let path = amara.plan(&priyas_id, &day).await;
    let twice = amara.post("/one-on-ones", &[("with", &priyas_id), ("held_on", &day)]).await;
    assert_eq!(twice.status, 409);
    holds(&twice, &["You two have a 1:1 on that day already.", &format!(r#"<option value="{priyas_id}" selected>"#)]);

    let long = "x".repeat(301);
    let page = amara.post(&format!("{path}/agenda"), &[("body", &long)]).await;
    assert_eq!(page.status, 400);
    holds(&page, &["Write 1 to 300 characters on one line.", &long, "Nothing on it yet"]);
    let to = amara.save(&format!("{path}/agenda"), &[("body", "Retry window")]).await;
    let item = to.split("#item-").nth(1).unwrap();
    let page = amara.post(&format!("{path}/agenda/{item}"), &[("body", " ")]).await;
    assert_eq!(page.status, 400);
    holds(&page, &["Write 1 to 300 characters on one line.", r#"aria-invalid="true""#]);

    let long = "y".repeat(20_001);
    let page = amara.post(&format!("{path}/notes"), &[("notes", &long)]).await;
    assert_eq!(page.status, 400);
    holds(&page, &["This is longer than 20000 characters.", &long]);
    assert!(!amara.get(&path).await.body.contains("yyy"), "nothing is half-saved");

    let page = amara.post(&format!("{path}/change"), &[("held_on", "soon")]).await;
    assert_eq!(page.status, 400);
    holds(&page, &["Give a date as year, month and day", r#"value="soon""#]);
    holds(&amara.get(&path).await, &["In 3 days"]);
}

async fn a_stranger_finds_none_of_its_pages(test: &Test) {
    let (amara, priya, priyas_id) = two(test).await;
    let path = amara.plan(&priyas_id, &in_days(test, 3)).await;
    let to = amara.save(&format!("{path}/agenda"), &[("body", "Retry window")]).await;
    let item = format!("{path}/agenda/{}", to.split("#item-").nth(1).unwrap());
    let owner = Browsing::new(test, "ingrid@lumenpay.example").await;
    for page in [path.clone(), format!("{path}/change"), item.clone(), format!("{path}/links")] {
        assert_eq!(owner.get(&page).await.status, 404, "{page}");
    }
    let tick = format!("{item}/tick");
    let (remove, carry, cancel, notes) =
        (format!("{item}/remove"), format!("{path}/carry"), format!("{path}/cancel"), format!("{path}/notes"));
    let (agenda, change) = (format!("{path}/agenda"), format!("{path}/change"));
    let posts: [(&str, &[(&str, &str)]); 8] = [
        (&tick, &[("done", "yes")]),
        (&remove, &[]),
        (&carry, &[]),
        (&cancel, &[]),
        (&notes, &[("notes", "x")]),
        (&agenda, &[("body", "x")]),
        (&change, &[("held_on", "2026-12-01")]),
        (&item, &[("body", "x")]),
    ];
    for (page, fields) in posts {
        assert_eq!(owner.post(page, fields).await.status, 404, "{page}");
    }
    assert_eq!(priya.post(&item, &[("body", "x")]).await.status, 403, "the other of the two only ticks it");
    assert_eq!(priya.get(&item).await.status, 403);
    assert_eq!(priya.post(&remove, &[]).await.status, 403);
    let forged = test.post_as(&amara.session, &cancel, &[("csrf", &priya.csrf)]).await;
    assert_eq!(forged.status, 403, "a form of another session does nothing");
    holds(&amara.get(&path).await, &["Retry window", "1 open", "In 3 days"]);
}

async fn coming_ones_stand_before_past_ones_and_each_has_its_pages(test: &Test) {
    let (amara, _priya, priyas_id) = two(test).await;
    for days in -27..=27 {
        amara.plan(&priyas_id, &in_days(test, days)).await;
    }
    let page = amara.get("/one-on-ones").await;
    let at = |text: &str| page.body.find(text).unwrap_or_else(|| panic!("{text}: {}", page.body));
    assert!(at(">Today<") < at(">Tomorrow<") && at(">In 24 days<") < at(">Yesterday<"), "the soonest first, the past after it");
    assert!(at(">Yesterday<") < at(">25 days ago<"), "the latest past one first");
    for (section, last) in [("coming", ">In 27 days<"), ("past", ">27 days ago<")] {
        assert!(!page.body.contains(last));
        let begin = page.body.find(&format!("/one-on-ones?{section}=")).unwrap();
        let more = amara.get(page.body[begin..].split('"').next().unwrap()).await;
        holds(&more, &[last, "All 1:1s"]);
        assert!(!more.body.contains(">Today<") && !more.body.contains(">Yesterday<"), "{}", more.body);
    }
    assert_eq!(amara.get("/one-on-ones?past=x").await.status, 400);
}

async fn in_a_large_workspace_a_colleague_is_typed(test: &Test) {
    let (amara, _priya, _priyas_id) = two(test).await;
    for number in 0..100 {
        test.member(&format!("Member {number}"), &format!("m{number}@lumenpay.example"), None).await;
    }
    holds(
        &amara.get("/one-on-ones").await,
        &[r#"<input class="input" id="with" name="with""#, "Type an e-mail address or the exact name."],
    );
    let wrong = amara.post("/one-on-ones", &[("with", "Nobody <Known>"), ("held_on", "2026-11-27")]).await;
    assert_eq!(wrong.status, 400);
    holds(&wrong, &[r#"value="Nobody &#60;Known&#62;""#, "Nobody in your workspace is found by this."]);
    let path = amara.plan("Priya Raman", "2026-11-27").await;
    holds(&amara.get(&path).await, &["1:1 with Priya Raman"]);
    amara.plan("PRIYA@lumenpay.example", "2026-11-28").await;
}
