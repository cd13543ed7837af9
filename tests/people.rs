//! The members of a workspace: who sees them, inviting, roles and managers. Removing and the browser have files of their own.

mod pictures;
mod removal;

use clarityloop_bitbucket::people::members::{self, Member, Role};
use reqwest::Method;
use serde_json::{Value, json};

use crate::both;
use crate::harness::{Page, Test, make_workspace};

both!(
    everybody_sees_names_roles_and_managers_and_owners_see_addresses_too,
    people_are_found_by_part_of_a_name_and_listed_page_by_page,
    an_owner_invites_and_the_link_signs_in_once,
    an_invitation_that_cannot_be_taken_comes_back_as_it_was_typed,
    a_new_link_ends_the_earlier_unused_one,
    nobody_makes_a_link_for_who_has_signed_in,
    owners_promote_and_demote_and_the_last_one_stays,
    of_two_owners_who_demote_each_other_at_once_one_stays,
    owners_set_managers_and_nobody_leads_in_a_circle,
    a_manager_is_typed_where_there_are_too_many_to_choose_from,
    a_member_does_nothing_that_only_owners_may,
    members_of_another_workspace_do_not_exist_here,
    programs_change_members_by_the_same_rules,
);

async fn owner(test: &Test) -> String {
    test.session(&test.made.owner).await
}

/// Posts a form of the session's own, with what the session's forms carry.
async fn post(test: &Test, session: &str, path: &str, fields: &[(&str, &str)]) -> Page {
    let csrf = test.get_as(session, "/people").await.field("csrf");
    let form: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
    test.post_as(session, path, &form).await
}

/// Makes a member an owner, as the operator could.
async fn promote(test: &Test, member: &Member) {
    let (viewer, id, now) = (test.made.owner.viewer(), member.id.clone(), test.server.app.now());
    let work = move |connection: &mut _| members::change_role(connection, &viewer, &id, Role::Owner, &now);
    test.server.app.write(work).await.expect("a new owner");
}

async fn shown(test: &Test, member: &Member) -> Value {
    test.api_json(Method::GET, &format!("/members/{}", member.id), None).await
}

async fn everybody_sees_names_roles_and_managers_and_owners_see_addresses_too(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let session = owner(test).await;
    let manager = format!("/people/{}/manager", amara.id);
    assert_eq!(post(test, &session, &manager, &[("manager", priya.id.as_str())]).await.status, 303);
    let owners = test.get_as(&session, "/people").await;
    let members = test.get_as(&test.session(&amara).await, "/people").await;
    for page in [&owners, &members] {
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Amara Okafor") && page.body.contains("led by Priya Raman"), "{}", page.body);
        assert!(page.body.contains("Ingrid Solberg") && page.body.contains(">Owner</span>"), "{}", page.body);
    }
    assert!(owners.body.contains("priya@lumenpay.example") && owners.body.contains("Invite a colleague"), "{}", owners.body);
    assert!(!members.body.contains("@lumenpay.example") && !members.body.contains("Invite"), "{}", members.body);
    assert!(!members.body.contains("href=\"/people/0"), "a member's page is for owners: {}", members.body);
    let stranger = test.get(&format!("{}/people", test.url)).await;
    assert_eq!((stranger.status, stranger.header("location")), (303, "/sign-in"));
}

async fn people_are_found_by_part_of_a_name_and_listed_page_by_page(test: &Test) {
    for number in 0..60 {
        test.member(&format!("Member {number:02}"), &format!("member{number}@lumenpay.example"), None).await;
    }
    test.member("Łucja Fernández", "lucja@lumenpay.example", None).await;
    test.member("50% Off_Duty!", "off@lumenpay.example", None).await;
    let session = owner(test).await;
    let first = test.get_as(&session, "/people").await;
    assert!(first.body.contains("Ingrid Solberg") && first.body.contains("Member 10") && !first.body.contains("Member 55"));
    let next = test.get_as(&session, &format!("/people?find=&after={}", first.field("after"))).await;
    assert!(next.body.contains("Member 55") && !next.body.contains("Member 10"), "{}", next.body);
    assert!(next.body.contains("First page") && !next.body.contains("Next page"), "{}", next.body);
    for (typed, found) in [
        ("lucja", "Łucja"),
        ("FERNANDEZ", "Łucja"),
        ("%C5%81", "Łucja"),
        ("%25", "50% Off"),
        ("_d", "50% Off"),
        ("y!", "50% Off"),
    ] {
        let page = test.get_as(&session, &format!("/people?find={typed}")).await;
        assert!(page.body.contains(found) && !page.body.contains("Member 0"), "{typed}: {}", page.body);
    }
    for nothing in ["nobody", "%00", "%25%25%25", "___"] {
        let page = test.get_as(&session, &format!("/people?find={nothing}")).await;
        assert_eq!(page.status, 200);
        assert!(page.body.contains("Nobody is called like that") || nothing == "%00", "{nothing}: {}", page.body);
    }
    assert_eq!(test.get_as(&session, "/people?after=nonsense&find=a&find=b").await.status, 200);
}

async fn an_owner_invites_and_the_link_signs_in_once(test: &Test) {
    let session = owner(test).await;
    let fields = [("name", "Amara Okafor"), ("email", "amara@lumenpay.example"), ("role", "member")];
    let page = post(test, &session, "/people", &fields).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Amara Okafor is invited") && page.body.contains("It is shown only now"), "{}", page.body);
    let link = link_on(test, &page);
    assert!(!test.get_as(&session, "/people").await.body.contains(&link), "it is shown once");
    let asked = test.get(&format!("{}{link}", test.url)).await;
    let signed_in = test.post(&link, &[("csrf", &asked.field("csrf"))]).await;
    assert_eq!(signed_in.status, 303, "{}", signed_in.body);
    assert_eq!(test.post(&link, &[("csrf", &asked.field("csrf"))]).await.status, 409, "it works once");
    assert_eq!(test.member_by_email("amara@lumenpay.example").await.role, Role::Member);
}

/// The path of the sign-in link that a page shows.
fn link_on(test: &Test, page: &Page) -> String {
    let marker = format!("value=\"{}/sign-in/", test.url);
    let (_, rest) = page.body.split_once(&marker).unwrap_or_else(|| panic!("no link in {}", page.body));
    format!("/sign-in/{}", rest.split('"').next().unwrap_or_default())
}

async fn an_invitation_that_cannot_be_taken_comes_back_as_it_was_typed(test: &Test) {
    let session = owner(test).await;
    let cases = [
        ("", "amara@lumenpay.example", 400, "A name has 1 to 100 characters"),
        ("Amara <Okafor>", "amara", 400, "This is not an e-mail address"),
        ("Ingrid again", "INGRID@lumenpay.example", 409, "is in the workspace already"),
    ];
    for (name, email, status, sentence) in cases {
        let page = post(test, &session, "/people", &[("name", name), ("email", email), ("role", "owner")]).await;
        assert_eq!(page.status, status, "{}", page.body);
        assert!(page.body.contains(sentence) && page.body.contains("aria-invalid=\"true\""), "{}", page.body);
        assert!(page.body.contains(&format!("value=\"{email}\"")), "{}", page.body);
        assert!(page.body.contains("value=\"owner\" selected"), "the role is given back: {}", page.body);
    }
    let listed = test.api_json(Method::GET, "/members", None).await;
    assert_eq!(listed["entries"].as_array().map(Vec::len), Some(1), "nobody was added");
    let forged = test.post_as(&session, "/people", &[("csrf", "x"), ("name", "A"), ("email", "a@b.example")]).await;
    assert_eq!(forged.status, 403);
}

async fn a_new_link_ends_the_earlier_unused_one(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = owner(test).await;
    let path = format!("/people/{}/link", amara.id);
    let first = link_on(test, &post(test, &session, &path, &[]).await);
    let second = link_on(test, &post(test, &session, &path, &[]).await);
    assert_eq!(test.get(&format!("{}{first}", test.url)).await.status, 404);
    let asked = test.get(&format!("{}{second}", test.url)).await;
    assert!(asked.status == 200 && asked.body.contains("Amara Okafor"), "{}", asked.body);
}

async fn nobody_makes_a_link_for_who_has_signed_in(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    test.session(&amara).await;
    let session = owner(test).await;
    let hers = format!("/people/{}", amara.id);
    let refused = post(test, &session, &format!("{hers}/link"), &[]).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(!refused.body.contains("/sign-in/"), "{}", refused.body);
    let page = test.get_as(&session, &hers).await;
    assert!(page.body.contains("has signed in before") && !page.body.contains("New sign-in link"), "{}", page.body);
    assert_eq!(post(test, &session, &format!("{hers}/remove"), &[("sure", "yes")]).await.status, 303);
    let form = [("name", "Amara Okafor"), ("email", "amara@lumenpay.example"), ("role", "member")];
    let back = post(test, &session, "/people", &form).await;
    assert!(back.status == 200 && back.body.contains("Amara Okafor is back."), "{}", back.body);
    assert!(!back.body.contains("/sign-in/"), "removing and inviting again is no way into their drafts: {}", back.body);
}

async fn owners_promote_and_demote_and_the_last_one_stays(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = owner(test).await;
    let (own, hers) = (format!("/people/{}", test.made.owner.id), format!("/people/{}", amara.id));
    for path in [format!("{own}/role"), format!("{own}/remove")] {
        let refused = post(test, &session, &path, &[("role", "member")]).await;
        assert_eq!(refused.status, 409, "{}", refused.body);
        assert!(
            refused.body.contains("Ingrid Solberg is the last owner. Make somebody else an owner first."),
            "{}",
            refused.body
        );
    }
    let promoted = post(test, &session, &format!("{hers}/role"), &[("role", "owner")]).await;
    assert_eq!((promoted.status, promoted.header("location")), (303, format!("{hers}?done=role").as_str()));
    assert!(test.get_as(&session, &format!("{hers}?done=role")).await.body.contains("Saved."));
    let amaras = test.session(&amara).await;
    assert_eq!(post(test, &amaras, &format!("{own}/role"), &[("role", "member")]).await.status, 303);
    assert_eq!(test.get_as(&session, &own).await.status, 403, "whoever was demoted is no owner at once");
    assert_eq!(test.api(Method::GET, "/installations").send().await.expect("an answer").status(), 403, "nor is their token");
    assert_eq!(post(test, &amaras, &format!("{hers}/role"), &[("role", "king")]).await.status, 400);
    assert_eq!(post(test, &amaras, &format!("{hers}/role"), &[("role", "member")]).await.status, 409);
}

async fn of_two_owners_who_demote_each_other_at_once_one_stays(test: &Test) {
    for (number, verb) in ["role", "remove", "role", "remove"].into_iter().enumerate() {
        let name = format!("Owner {number}");
        let made = make_workspace(&test.server, &name, "First Owner", &format!("first{number}@example.com")).await;
        let token = made.token.clone();
        let new = json!({ "name": "Second Owner", "email": format!("second{number}@example.com"), "role": "owner" });
        let second: Value =
            test.api_as(&token, Method::POST, "/members").json(&new).send().await.expect("an answer").json().await.expect("JSON");
        let second = test.member_by_email(second["email"].as_str().expect("an address")).await;
        let (of_first, of_second) = (test.session(&made.owner).await, test.session(&second).await);
        let (first_path, second_path) = (format!("/people/{}/{verb}", made.owner.id), format!("/people/{}/{verb}", second.id));
        let (first_csrf, second_csrf) =
            (test.get_as(&of_first, "/people").await.field("csrf"), test.get_as(&of_second, "/people").await.field("csrf"));
        let (first_form, second_form) =
            ([("csrf", first_csrf.as_str()), ("role", "member")], [("csrf", second_csrf.as_str()), ("role", "member")]);
        let (one, other) =
            tokio::join!(test.post_as(&of_first, &second_path, &first_form), test.post_as(&of_second, &first_path, &second_form));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses[0], 303, "{statuses:?}");
        let mut owners = 0;
        for session in [&of_first, &of_second] {
            owners += usize::from(test.get_as(session, "/people").await.body.contains("Invite a colleague"));
        }
        assert_eq!(owners, 1, "{verb}: {statuses:?}");
    }
}

async fn owners_set_managers_and_nobody_leads_in_a_circle(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
    let session = owner(test).await;
    let set = async |member: &Member, manager: &str| {
        post(test, &session, &format!("/people/{}/manager", member.id), &[("manager", manager)]).await
    };
    assert_eq!(set(&amara, priya.id.as_str()).await.status, 303);
    assert_eq!(set(&priya, tomasz.id.as_str()).await.status, 303);
    let circle = set(&tomasz, amara.id.as_str()).await;
    assert_eq!(circle.status, 409, "{}", circle.body);
    assert!(circle.body.contains("Tomasz Zieliński leads Amara Okafor already."), "{}", circle.body);
    assert!(circle.body.contains(&format!("value=\"{}\" selected", amara.id)), "the choice is given back: {}", circle.body);
    let own = set(&tomasz, tomasz.id.as_str()).await;
    assert!(own.status == 400 && own.body.contains("Nobody is their own manager."), "{}", own.body);
    let page = test.get_as(&session, &format!("/people/{}", tomasz.id)).await;
    assert!(!page.body.contains(&format!("<option value=\"{}\"", tomasz.id)), "one is not offered oneself: {}", page.body);
    assert_eq!(set(&tomasz, test.made.owner.id.as_str()).await.status, 303, "an owner leads too");
    assert_eq!(set(&amara, "").await.status, 303);
    assert_eq!(shown(test, &amara).await["manager"], Value::Null);
    assert_eq!(set(&tomasz, amara.id.as_str()).await.status, 303, "there is no circle any more");
    let (one, other) =
        (test.member("One", "one@lumenpay.example", None).await, test.member("Other", "other@lumenpay.example", None).await);
    let (first, second) = tokio::join!(set(&one, other.id.as_str()), set(&other, one.id.as_str()));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409], "nor when both are set at once");
}

async fn a_manager_is_typed_where_there_are_too_many_to_choose_from(test: &Test) {
    for number in 0..101 {
        test.member(&format!("Member {number}"), &format!("member{number}@lumenpay.example"), None).await;
    }
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = owner(test).await;
    let path = format!("/people/{}/manager", amara.id);
    assert_eq!(post(test, &session, &path, &[("manager", "Member 7")]).await.status, 303);
    let page = test.get_as(&session, &format!("/people/{}", amara.id)).await;
    assert!(
        page.body.contains("value=\"member7@lumenpay.example\"") && !page.body.contains("<option value=\"0"),
        "{}",
        page.body
    );
    let unknown = post(test, &session, &path, &[("manager", "Nobody <b>")]).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.contains("Nobody in your workspace is found by this."), "{}", unknown.body);
    assert!(unknown.body.contains("value=\"Nobody &#60;b&#62;\""), "{}", unknown.body);
}

async fn a_member_does_nothing_that_only_owners_may(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = test.session(&amara).await;
    for id in [test.made.owner.id.clone(), amara.id.clone()] {
        for path in [format!("/people/{id}"), format!("/people/{id}/remove"), format!("/people/joining/{id}")] {
            assert_eq!(test.get_as(&session, &path).await.status, 403, "{path}");
        }
        for verb in ["role", "manager", "link", "remove"] {
            let path = format!("/people/{id}/{verb}");
            let fields = [("role", "owner"), ("manager", ""), ("hand_over_to", "")];
            assert_eq!(post(test, &session, &path, &fields).await.status, 403, "{path}");
        }
        for verb in ["approve", "refuse"] {
            let fields = [("name", "A"), ("email", "a@lumenpay.example"), ("role", "owner")];
            let path = format!("/people/joining/{id}/{verb}");
            assert_eq!(post(test, &session, &path, &fields).await.status, 403, "{path}");
        }
    }
    let invited = post(test, &session, "/people", &[("name", "X"), ("email", "x@lumenpay.example"), ("role", "owner")]).await;
    assert_eq!(invited.status, 403);
    let token = test.token(&amara, "read,write").await;
    for (method, path) in [
        (Method::PATCH, format!("/members/{}", amara.id)),
        (Method::DELETE, format!("/members/{}", test.made.owner.id)),
        (Method::GET, "/join-requests".to_owned()),
    ] {
        let answer = test.api_as(&token, method, &path).json(&json!({ "role": "owner" })).send().await.expect("an answer");
        assert_eq!(answer.status(), 403, "{path}");
    }
    let seen = test.api_as(&token, Method::GET, &format!("/members/{}", test.made.owner.id)).send().await.expect("an answer");
    let seen: Value = seen.json().await.expect("JSON");
    assert_eq!((&seen["name"], &seen["email"]), (&json!("Ingrid Solberg"), &Value::Null));
}

async fn members_of_another_workspace_do_not_exist_here(test: &Test) {
    let elsewhere = make_workspace(&test.server, "Elsewhere", "Lucía Fernández", "lucia@elsewhere.example").await;
    let theirs = elsewhere.owner.id.clone();
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = owner(test).await;
    assert!(!test.get_as(&session, "/people").await.body.contains("Lucía"));
    assert!(!test.get_as(&session, &format!("/people?after={theirs}")).await.body.contains("Lucía"));
    for path in [format!("/people/{theirs}"), format!("/people/{theirs}/remove"), "/people/nonsense".to_owned()] {
        assert_eq!(test.get_as(&session, &path).await.status, 404, "{path}");
    }
    for verb in ["role", "manager", "link", "remove"] {
        let fields = [("role", "member"), ("manager", ""), ("hand_over_to", "")];
        assert_eq!(post(test, &session, &format!("/people/{theirs}/{verb}"), &fields).await.status, 404, "{verb}");
    }
    let manager = post(test, &session, &format!("/people/{}/manager", amara.id), &[("manager", theirs.as_str())]).await;
    assert_eq!(manager.status, 400, "{}", manager.body);
    for (method, body) in [(Method::PATCH, json!({ "role": "member" })), (Method::DELETE, Value::Null)] {
        let answer = test.api(method, &format!("/members/{theirs}")).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 404);
    }
    let body = json!({ "manager": theirs });
    let answer = test.api(Method::PATCH, &format!("/members/{}", amara.id)).json(&body).send().await.expect("an answer");
    assert_eq!(Page::read(answer).await.code(), "manager_unknown");
}

async fn programs_change_members_by_the_same_rules(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    let path = format!("/members/{}", amara.id);
    let changed = test.api_json(Method::PATCH, &path, Some(json!({ "role": "owner", "manager": priya.id }))).await;
    assert_eq!((&changed["role"], &changed["manager"]), (&json!("owner"), &json!(priya.id)));
    let unchanged = test.api_json(Method::PATCH, &path, Some(json!({}))).await;
    assert_eq!((&unchanged["role"], &unchanged["manager"]), (&json!("owner"), &json!(priya.id)));
    let cleared = test.api_json(Method::PATCH, &path, Some(json!({ "role": "member", "manager": null }))).await;
    assert_eq!((&cleared["role"], &cleared["manager"]), (&json!("member"), &Value::Null));
    let refuse = async |member: &Member, body: Value| {
        let answer = test.api(Method::PATCH, &format!("/members/{}", member.id)).json(&body).send().await.expect("an answer");
        let page = Page::read(answer).await;
        (page.status, page.code())
    };
    assert_eq!(refuse(&amara, json!({ "manager": amara.id })).await, (400, "manager_is_self".to_owned()));
    assert_eq!(refuse(&amara, json!({ "manager": "nonsense" })).await, (400, "manager_unknown".to_owned()));
    assert_eq!(refuse(&amara, json!({ "role": "king" })).await, (400, "body_malformed".to_owned()));
    assert_eq!(refuse(&test.made.owner, json!({ "role": "member" })).await, (409, "last_owner".to_owned()));
    let half = json!({ "role": "owner", "manager": amara.id });
    assert_eq!(refuse(&amara, half).await.0, 400);
    assert_eq!(shown(test, &amara).await["role"], "member", "nothing is half done");
    let removal = test.api(Method::DELETE, &format!("{path}?hand_over_to={}", amara.id)).send().await.expect("an answer");
    assert_eq!(Page::read(removal).await.code(), "successor_unknown");
    assert_eq!(test.api(Method::DELETE, &path).send().await.expect("an answer").status(), 204);
    assert_eq!(test.api(Method::DELETE, &path).send().await.expect("an answer").status(), 404);
    promote(test, &priya).await;
    let own = format!("/members/{}", test.made.owner.id);
    assert_eq!(test.api(Method::DELETE, &own).send().await.expect("an answer").status(), 204, "an owner may leave");
    assert_eq!(test.api(Method::GET, "/members").send().await.expect("an answer").status(), 401, "and is out at once");
}
