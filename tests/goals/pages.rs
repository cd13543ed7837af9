//! The pages of goals: setting, progress, changing, closing, deleting, and what comes back when something is wrong.

use crate::both;
use crate::harness::{Page, Test};

both!(
    a_goal_is_set_followed_closed_opened_and_deleted_with_forms,
    what_was_typed_comes_back_with_what_is_wrong,
    a_private_goal_is_hidden_and_a_public_one_only_shown,
    goals_are_listed_by_whose_they_are_and_page_by_page,
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

    /// Posts a form that must be saved; where the browser is sent, without what is said there.
    async fn save(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let page = self.post(path, fields).await;
        assert_eq!(page.status, 303, "{path}: {}", page.body);
        page.header("location").split('?').next().unwrap().to_owned()
    }
}

async fn ingrid_and_amara(test: &Test) -> (Browsing<'_>, Browsing<'_>) {
    test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    (Browsing::new(test, "ingrid@lumenpay.example").await, Browsing::new(test, "amara@lumenpay.example").await)
}

fn holds(page: &Page, texts: &[&str]) {
    for text in texts {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}

async fn a_goal_is_set_followed_closed_opened_and_deleted_with_forms(test: &Test) {
    let (ingrid, _amara) = ingrid_and_amara(test).await;
    holds(&ingrid.get("/goals").await, &["No goals yet", "Set a goal"]);
    holds(&ingrid.get("/goals/new").await, &["What you want to reach", "Everybody in Lumen Pay"]);
    let fields = [("title", "Retry <safely>"), ("why", "No double\r\ncharges."), ("due_on", "2020-01-31"), ("progress", "10")];
    let path = ingrid.save("/goals", &fields).await;
    let page = ingrid.get(&format!("{path}?said=set")).await;
    holds(
        &page,
        &["Set.", "Retry &#60;safely&#62;", "No double\ncharges.", "Overdue", "10 %", "Ingrid Solberg", "Close this goal"],
    );

    ingrid.save(&format!("{path}/progress"), &[("progress", "40")]).await;
    holds(&ingrid.get("/goals").await, &["40 %", "Yours", "Overdue"]);
    holds(&ingrid.get(&format!("{path}/change")).await, &[r#"value="2020-01-31""#, "No double\ncharges.</textarea>"]);
    let change = [("title", "Retry once"), ("why", ""), ("due_on", ""), ("public", "yes")];
    ingrid.save(&format!("{path}/change"), &change).await;
    holds(
        &ingrid.get(&path).await,
        &["Retry once", "No reason is written down.", "40 %", "Everybody in Lumen Pay, with its pull requests"],
    );

    ingrid.save(&format!("{path}/close"), &[]).await;
    let page = ingrid.get(&path).await;
    holds(&page, &["Closed", "Open again"]);
    assert!(
        !page.body.contains("Save progress") && !page.body.contains("pr-url"),
        "a closed goal only opens again: {}",
        page.body
    );
    assert_eq!(ingrid.post(&format!("{path}/progress"), &[("progress", "50")]).await.status, 409);
    holds(&ingrid.get("/goals").await, &["No goals yet"]);
    holds(&ingrid.get("/goals?show=closed").await, &["Retry once"]);
    ingrid.save(&format!("{path}/open"), &[]).await;
    holds(&ingrid.get("/goals").await, &["Retry once"]);

    holds(&ingrid.get(&format!("{path}/remove")).await, &["Delete “Retry once”?", "This cannot be undone."]);
    assert_eq!(ingrid.save(&format!("{path}/remove"), &[]).await, "/goals");
    assert_eq!(ingrid.get(&path).await.status, 404);
}

async fn what_was_typed_comes_back_with_what_is_wrong(test: &Test) {
    let (ingrid, _amara) = ingrid_and_amara(test).await;
    let long = "y".repeat(20_001);
    for (field, typed, sentence) in [
        ("title", " ", "Write 1 to 300 characters on one line."),
        ("due_on", "soon", "Give a date as year, month and day"),
        ("progress", "101", "Progress is a number from 0 to 100."),
        ("why", long.as_str(), "This is longer than 20000 characters."),
    ] {
        let fields = [("title", "Retry"), ("why", "Because"), ("public", "yes"), (field, typed)];
        // The field in question is sent once.
        let fields: Vec<_> = fields.iter().enumerate().filter(|(at, it)| *at == 3 || it.0 != field).map(|(_, it)| *it).collect();
        let page = ingrid.post("/goals", &fields).await;
        assert_eq!(page.status, 400, "{}", page.body);
        holds(&page, &[sentence, typed, r#"aria-invalid="true""#, r#"value="yes" checked"#]);
    }
    holds(&ingrid.get("/goals").await, &["No goals yet"]);
    let path = ingrid.save("/goals", &[("title", "Retry")]).await;
    let page = ingrid.post(&format!("{path}/progress"), &[("progress", "half")]).await;
    assert_eq!(page.status, 400);
    holds(&page, &["Progress is a number from 0 to 100.", r#"value="half""#]);
    let page = ingrid.post(&format!("{path}/change"), &[("title", ""), ("why", "Kept while typing")]).await;
    assert_eq!(page.status, 400);
    holds(&page, &["Write 1 to 300 characters on one line.", "Kept while typing"]);
    holds(&ingrid.get(&path).await, &["Retry", "No reason is written down."]);
}

async fn a_private_goal_is_hidden_and_a_public_one_only_shown(test: &Test) {
    let (ingrid, amara) = ingrid_and_amara(test).await;
    let private = ingrid.save("/goals", &[("title", "For me")]).await;
    let public = ingrid.save("/goals", &[("title", "For all"), ("public", "yes")]).await;
    for below in ["", "/change", "/remove", "/links"] {
        assert_eq!(amara.get(&format!("{private}{below}")).await.status, 404, "{below}");
    }
    let page = amara.get(&public).await;
    holds(&page, &["For all", "set by Ingrid Solberg"]);
    assert!(!page.body.contains("Close this goal") && !page.body.contains("pr-url"), "{}", page.body);
    for below in ["/change", "/remove"] {
        assert_eq!(amara.get(&format!("{public}{below}")).await.status, 403, "{below}");
    }
    for (below, fields) in [
        ("/change", vec![("title", "Mine")]),
        ("/progress", vec![("progress", "1")]),
        ("/close", vec![]),
        ("/open", vec![]),
        ("/remove", vec![]),
    ] {
        assert_eq!(amara.post(&format!("{private}{below}"), &fields).await.status, 404, "{below}");
        assert_eq!(amara.post(&format!("{public}{below}"), &fields).await.status, 403, "{below}");
    }
    let forged = test.post_as(&ingrid.session, &format!("{public}/remove"), &[("csrf", &amara.csrf)]).await;
    assert_eq!(forged.status, 403);
    assert_eq!(ingrid.get(&public).await.status, 200);
}

async fn goals_are_listed_by_whose_they_are_and_page_by_page(test: &Test) {
    let (ingrid, amara) = ingrid_and_amara(test).await;
    super::led_by(test, "amara@lumenpay.example", Some("ingrid@lumenpay.example")).await;
    test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let priya = Browsing::new(test, "priya@lumenpay.example").await;
    for number in 0..27 {
        ingrid.save("/goals", &[("title", &format!("Mine {number:02}"))]).await;
    }
    let amaras = amara.save("/goals", &[("title", "Learn Rust")]).await;
    priya.save("/goals", &[("title", "Conference talk"), ("public", "yes")]).await;
    priya.save("/goals", &[("title", "Secret plan")]).await;
    let page = ingrid.get("/goals").await;
    holds(&page, &["Of people you lead", "Learn Rust", "Conference talk", "Mine 26", "Mine 02"]);
    assert!(!page.body.contains("Secret plan") && !page.body.contains("Mine 01"), "{}", page.body);
    let begin = page.body.find("/goals?section=yours").expect("a way on");
    let more = ingrid.get(&page.body[begin..].split('"').next().unwrap().replace("&#38;", "&")).await;
    holds(&more, &["Mine 01", "Mine 00", "All goals"]);
    assert!(!more.body.contains("Learn Rust") && !more.body.contains("Mine 02"), "{}", more.body);
    holds(&ingrid.get(&amaras).await, &["leads Amara Okafor"]);
    assert_eq!(priya.get(&amaras).await.status, 404);
}
