//! A member tries every page of the route table that is not theirs: the owners', and every other person's. So does a stranger, and
//! so does somebody of another workspace.

mod operations;
mod table;

use bitbucket_sandbox::Installation;
use reqwest::Method;
use serde_json::{Value, json};

use table::{Line, lines};

use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, LEDGER, LUCIA, Page, Test, make_workspace};

both!(pages_let_in_only_whom_the_table_names, what_is_somebody_elses_is_not_reached_through_ones_own,);

/// What nobody but the two people reads anywhere.
const SEALED: &str = "Sealed words.";

/// An item with a pull request attached.
struct Item {
    id: String,
    link: String,
}

/// Amara's items, with Priya where there are two, and what owners decide about.
struct Stage<'a> {
    test: &'a Test,
    amara: Person,
    priya: Person,
    feedback: Item,
    request: Item,
    one_on_one: Item,
    agenda_item: String,
    goal: Item,
    session: String,
    token: String,
    installation: String,
    connection: String,
    joining: String,
    proposal: String,
}

async fn made(test: &Test, who: &Person, path: &str, body: Value) -> String {
    let (status, made) = who.call(test, Method::POST, path, Some(body)).await;
    assert_eq!(status, 201, "{path}: {made}");
    made["id"].as_str().expect("an id").to_owned()
}

async fn item(test: &Test, who: &Person, path: &str, kind: &str, body: Value) -> Item {
    let id = made(test, who, path, body).await;
    let link = json!({"kind": kind, "target": id, "repository": LEDGER, "pull_request": 87, "note": SEALED});
    Item { link: made(test, who, "/links", link).await, id }
}

/// What stands in a page between these two.
fn between(page: &Page, before: &str, after: &str) -> String {
    let (_, rest) = page.body.split_once(before).unwrap_or_else(|| panic!("no {before} in {}", page.body));
    rest.split_once(after).expect("an end").0.to_owned()
}

async fn ask_to_join(test: &Test, installation: &Installation) {
    let token = test.panel(installation, 87, LUCIA).await.field("token");
    let form = [("token", token.as_str()), ("name", "Lucía Fernández"), ("email", "lucia@lumenpay.example")];
    assert_eq!(test.post("/connect/panel/join", &form).await.status, 200);
}

impl Stage<'_> {
    async fn new(test: &Test) -> Stage<'_> {
        let installation = test.installed().await;
        ask_to_join(test, &installation).await;
        let (amara, priya) = (Person::new(test, "Amara Okafor").await, Person::new(test, "Priya Raman").await);
        test.bind(&amara.member, AMARA).await;
        // A second session and a token, so that the pages name one to end.
        test.session(&amara.member).await;
        let with = &priya.member.id;
        let feedback = item(test, &amara, "/feedback", "feedback", json!({"about": with, "body": SEALED, "shared": false})).await;
        let request = item(test, &amara, "/requests", "request", json!({"asked": with, "question": SEALED})).await;
        let day = json!({"with": with, "held_on": "2027-02-01"});
        let one_on_one = item(test, &amara, "/one-on-ones", "one_on_one", day).await;
        let agenda = format!("/one-on-ones/{}/agenda", one_on_one.id);
        let agenda_item = made(test, &amara, &agenda, json!({ "body": SEALED })).await;
        let goal = item(test, &amara, "/goals", "goal", json!({"title": SEALED, "public": false})).await;
        let session = between(&amara.get(test, "/profile").await, "/profile/sessions/", "/end\"");
        let token = between(&amara.get(test, "/profile/tokens").await, "/profile/tokens/", "/revoke");
        let owner = test.session(&test.made.owner).await;
        let joining = between(&test.get_as(&owner, "/people").await, "/people/joining/", "\"");
        let listed = test.api_json(Method::GET, "/installations", None).await;
        let installation = listed["entries"][0]["id"].as_str().expect("an id").to_owned();
        let connection = test.connection(listed["entries"][0]["bitbucket_workspace"]["uuid"].as_str().expect("a UUID")).await;
        let proposed = json!({"repository": LEDGER, "choose": true});
        let proposal = made(test, &amara, "/repository-proposals", proposed).await;
        Stage {
            test,
            amara,
            priya,
            feedback,
            request,
            one_on_one,
            agenda_item,
            goal,
            session,
            token,
            installation,
            connection,
            joining,
            proposal,
        }
    }

    /// The address that a path of the table stands for here.
    fn address(&self, path: &str) -> String {
        let first = path.split('{').next().expect("a beginning");
        let (id, link) = match first {
            "/feedback/" => (self.feedback.id.as_str(), self.feedback.link.as_str()),
            "/requests/" => (&*self.request.id, &*self.request.link),
            "/one-on-ones/" => (&*self.one_on_one.id, &*self.one_on_one.link),
            "/goals/" => (&*self.goal.id, &*self.goal.link),
            "/profile/sessions/" => (&*self.session, ""),
            "/profile/tokens/" => (&*self.token, ""),
            "/people/joining/" => (&*self.joining, ""),
            "/people/" => (self.amara.member.id.as_str(), ""),
            "/settings/integrations/bitbucket/repositories/proposals/" => (&*self.proposal, ""),
            "/settings/integrations/bitbucket/installations/" => (&*self.installation, ""),
            "/settings/integrations/bitbucket/connections/" => (&*self.connection, ""),
            _ => ("", "0123456789abcdef0123456789abcdef"),
        };
        let query = if path.ends_with("/account") { format!("?account={AMARA}") } else { String::new() };
        path.replace("{id}", id).replace("{link}", link).replace("{item}", &self.agenda_item) + &query
    }

    /// Every field of every form: one that could be saved, and one in which everything is wrong that can be.
    fn forms(&self) -> [Vec<(&'static str, String)>; 2] {
        let long = "x".repeat(20_001);
        let member = self.amara.member.id.as_str();
        let pull_request = format!("{}/{LEDGER}/pull-requests/88", self.test.config.bitbucket_web_url);
        let fields = [
            ("body", "Other words.", long.as_str()),
            ("title", "Another title", ""),
            ("why", "", ""),
            ("progress", "50", "much"),
            ("public", "yes", "yes"),
            ("due_on", "", "soon"),
            ("held_on", "2027-03-01", "soon"),
            ("done", "yes", "yes"),
            ("notes", "Noted.", ""),
            ("word", "No time.", ""),
            ("url", &pull_request, "nowhere"),
            ("note", "", ""),
            ("workspace", "lumenpay", "elsewhere"),
            ("enabled", "false", "false"),
            ("choose", "true", "true"),
            ("rule", "chosen", ""),
            ("account", AMARA, "nobody"),
            ("member", member, "nobody"),
            ("manager", "", "nobody"),
            ("hand_over_to", "", "nobody"),
            ("name", "Somebody New", ""),
            ("email", "new@lumenpay.example", "nowhere"),
            ("role", "owner", "king"),
            ("purpose", "reading", "nothing"),
        ];
        let right = fields.iter().map(|(name, right, _)| (*name, (*right).to_owned())).collect();
        [right, fields.iter().map(|(name, _, wrong)| (*name, (*wrong).to_owned())).collect()]
    }

    /// What somebody is answered at an address, however they ask.
    async fn tries(&self, who: &Person, line: &Line, address: &str) -> Vec<(String, Page)> {
        let mut answers = Vec::new();
        for method in &line.methods {
            if *method == "GET" {
                answers.push((format!("GET {address}"), who.get(self.test, address).await));
                continue;
            }
            for (form, how) in self.forms().iter().zip(["POST", "POST, wrong,"]) {
                let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
                answers.push((format!("{how} {address}"), who.post(self.test, address, &form).await));
            }
        }
        answers
    }
}

/// What is wrong with answers that should all be of this status and say nothing of what is sealed.
fn faults(who: &str, expected: u16, answers: &[(String, Page)]) -> Vec<String> {
    let is_wrong = |page: &Page| page.status != expected || page.body.contains(SEALED) || page.body.contains("Amara Okafor");
    let wrong = answers.iter().filter(|(_, page)| is_wrong(page));
    wrong.map(|(what, page)| format!("{who} {what}: {} instead of {expected}", page.status)).collect()
}

/// A plain member whose session and token are from a time when they owned the workspace.
async fn former_owner(test: &Test) -> Person {
    let member = test.member("Jonas Weber", "jonas@lumenpay.example", None).await;
    let path = format!("/members/{}", member.id);
    test.api_json(Method::PATCH, &path, Some(json!({"role": "owner"}))).await;
    let owner = test.member_by_email("jonas@lumenpay.example").await;
    let token = test.token(&owner, "read,write,owner").await;
    let person = Person { token, ..Person::of(test, owner).await };
    assert_eq!(person.get(test, "/settings/audit").await.status, 200);
    assert_eq!(person.call(test, Method::GET, "/audit", None).await.0, 200);
    test.api_json(Method::PATCH, &path, Some(json!({"role": "member"}))).await;
    person
}

async fn pages_let_in_only_whom_the_table_names(test: &Test) {
    let stage = Stage::new(test).await;
    let jonas = former_owner(test).await;
    let ingrid = Person::of(test, test.made.owner.clone()).await;
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await.owner;
    let maya = Person::of(test, elsewhere).await;
    let nobody = Person { session: String::new(), csrf: String::new(), token: String::new(), member: jonas.member.clone() };
    let mut wrong = Vec::new();
    for line in lines().filter(|line| line.whose != "anyone") {
        let address = stage.address(line.path);
        let answers = stage.tries(&nobody, &line, &address).await;
        wrong.extend(faults("a stranger", 303, &answers));
        wrong.extend(
            answers
                .iter()
                .filter(|(_, page)| page.header("location") != "/sign-in")
                .map(|(what, _)| format!("{what} leads a stranger elsewhere")),
        );
        let is_about_one = line.path.contains('{');
        let tries: Vec<(&str, &Person, u16)> = match line.whose {
            "owners" if is_about_one => vec![("a member", &jonas, 403), ("an owner elsewhere", &maya, 404)],
            "owners" => vec![("a member", &jonas, 403)],
            "theirs" => {
                let others = [("a colleague", &jonas, 404), ("an owner", &ingrid, 404), ("an owner elsewhere", &maya, 404)];
                let is_amaras_alone = !line.path.starts_with("/requests") && !line.path.starts_with("/one-on-ones");
                others.into_iter().chain(is_amaras_alone.then_some(("its other person", &stage.priya, 404))).collect()
            }
            _ => Vec::new(),
        };
        for (who, person, expected) in tries {
            wrong.extend(faults(who, expected, &stage.tries(person, &line, &address).await));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    nothing_has_changed(&stage).await;
    test.run_jobs().await;
}

/// Everything that was tried is as Amara left it.
async fn nothing_has_changed(stage: &Stage<'_>) {
    for path in ["/feedback/{id}", "/requests/{id}", "/one-on-ones/{id}", "/goals/{id}"] {
        let page = stage.amara.get(stage.test, &stage.address(path)).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.body.matches(SEALED).count() >= 2, "{path}: {}", page.body);
        assert!(!page.body.contains("Other words.") && page.body.contains("pull-requests/87"), "{path}: {}", page.body);
    }
    let profile = stage.amara.get(stage.test, "/profile").await;
    assert!(profile.body.contains(&stage.session) && profile.body.contains(AMARA), "{}", profile.body);
    assert!(stage.amara.get(stage.test, "/profile/tokens").await.body.contains(&stage.token));
    let listed = stage.test.api_json(Method::GET, "/installations", None).await;
    assert_eq!(listed["entries"][0]["state"], "active");
    let members = stage.test.api_json(Method::GET, "/members", None).await;
    let members = members["entries"].as_array().expect("members");
    let owners = members.iter().filter(|member| member["role"] == "owner").count();
    assert_eq!((members.len(), owners), (4, 1), "Ingrid, Amara, Priya, Jonas: {members:?}");
    let waiting = stage.test.api_json(Method::GET, "/join-requests", None).await;
    assert_eq!(waiting["entries"][0]["id"], stage.joining.as_str());
}

async fn what_is_somebody_elses_is_not_reached_through_ones_own(test: &Test) {
    let stage = Stage::new(test).await;
    let jonas = Person::new(test, "Jonas Weber").await;
    let with = &stage.priya.member.id;
    let day = json!({"with": with, "held_on": "2027-02-02"});
    let own = [
        ("/feedback/", made(test, &jonas, "/feedback", json!({"about": with, "body": "Mine.", "shared": false})).await),
        ("/requests/", made(test, &jonas, "/requests", json!({"asked": with, "question": "Mine?"})).await),
        ("/one-on-ones/", made(test, &jonas, "/one-on-ones", day).await),
        ("/goals/", made(test, &jonas, "/goals", json!({"title": "Mine", "public": false})).await),
    ];
    let links = [&stage.feedback.link, &stage.request.link, &stage.one_on_one.link, &stage.goal.link];
    let mut wrong = Vec::new();
    for line in lines().filter(|line| line.whose == "theirs" && line.path.matches('{').count() == 2) {
        let (_, id) = own.iter().find(|(place, _)| line.path.starts_with(place)).expect("an own item");
        // Every link there is, not only that of the same kind.
        for link in links {
            let address = line.path.replace("{id}", id).replace("{link}", link).replace("{item}", &stage.agenda_item);
            wrong.extend(faults("a colleague", 404, &stage.tries(&jonas, &line, &address).await));
        }
    }
    for (place, id) in &own {
        for link in links {
            let page = jonas.get(test, &format!("{place}{id}?detached={link}")).await;
            assert_eq!(page.status, 200, "{place}");
            assert!(!page.body.contains("Detached.") && !page.body.contains("/again"), "{place}: {}", page.body);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    nothing_has_changed(&stage).await;
    test.run_jobs().await;
}
