//! Removing a member: every way in ends at once, what was shared stays, open items go to whom the owner chooses.

use chrono::NaiveDate;
use clarityloop_bitbucket::people::handover::OpenItems;
use clarityloop_bitbucket::people::members::{self, Member};
use clarityloop_bitbucket::people::requests::State;
use clarityloop_bitbucket::storage::ids::{GoalId, MemberId, OneOnOneId, RequestId};
use clarityloop_bitbucket::storage::schema::{goals, members as member_rows, one_on_ones, requests};
use clarityloop_bitbucket::storage::statement::for_update;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::json;

use super::{owner, post};
use crate::both;
use crate::harness::{AMARA, LUCIA, Page, Test};

both!(
    a_removed_member_is_out_at_once_on_every_server,
    what_a_removed_member_shared_stays_readable,
    the_page_before_a_removal_says_what_it_does,
    open_items_are_handed_over_to_the_chosen_colleague,
    a_removal_waits_for_whoever_moves_a_one_on_one_of_theirs,
    a_removed_member_is_invited_again_and_comes_back_as_themselves,
    an_account_of_a_removed_member_can_be_anothers,
);

async fn remove(test: &Test, member: &Member, successor: &str) -> Page {
    let session = owner(test).await;
    post(test, &session, &format!("/people/{}/remove", member.id), &[("hand_over_to", successor)]).await
}

async fn a_removed_member_is_out_at_once_on_every_server(test: &Test) {
    let installation = test.installed().await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", Some(LUCIA)).await;
    let manager = json!({ "manager": amara.id });
    test.api_json(Method::PATCH, &format!("/members/{}", lucia.id), Some(manager)).await;
    let (session, token) = (test.session(&amara).await, test.token(&amara, "read,write").await);
    let (link, panel) = (test.sign_in_link(&amara).await, test.panel(&installation, 87, AMARA).await);
    let (other, url) = test.second_server().await;
    let at = |url: &str| (format!("{url}/people"), format!("{url}/api/v1/members"));
    let status_of = async |url: &str| {
        let (page, api) = at(url);
        let page = test.http.get(page).header("cookie", format!("clarityloop={session}")).send().await.expect("an answer");
        let api = test.http.get(api).bearer_auth(&token).send().await.expect("an answer");
        (page.status().as_u16(), api.status().as_u16())
    };
    for server in [test.url.as_str(), &url] {
        assert_eq!(status_of(server).await, (200, 200));
    }

    let removed = remove(test, &amara, "").await;
    assert_eq!((removed.status, removed.header("location")), (303, "/people?done=removed"));

    for server in [test.url.as_str(), &url] {
        assert_eq!(status_of(server).await, (303, 401), "{server}");
    }
    assert_eq!(test.get(&format!("{}/sign-in/{link}", test.url)).await.status, 404);
    let form = [("token", panel.field("token")), ("target", "new:author".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(test.post("/connect/panel/links", &form).await.status, 403, "a panel that is open already does nothing");
    assert!(test.panel(&installation, 87, AMARA).await.body.contains("Link your Bitbucket account"));
    let led = test.api_json(Method::GET, &format!("/members/{}", lucia.id), None).await;
    assert_eq!(led["manager"], serde_json::Value::Null, "whom they led has no manager");
    assert!(!test.get_as(&owner(test).await, "/people").await.body.contains("Amara Okafor"));
    other.stop().await;
}

async fn what_a_removed_member_shared_stays_readable(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", None).await;
    let token = test.token(&amara, "read,write").await;
    let mut written = Vec::new();
    for shared in [true, false] {
        let body = json!({ "about": lucia.id, "body": "Clear reviews.", "shared": shared });
        let made = test.api_as(&token, Method::POST, "/feedback").json(&body).send().await.expect("an answer");
        let made: serde_json::Value = made.json().await.expect("JSON");
        written.push(format!("/feedback/{}", made["id"].as_str().expect("an id")));
    }
    assert_eq!(remove(test, &amara, lucia.id.as_str()).await.status, 303);
    let session = test.session(&lucia).await;
    let shared = test.get_as(&session, &written[0]).await;
    assert!(shared.status == 200 && shared.body.contains("Feedback from Amara Okafor"), "{}", shared.body);
    for session in [session, owner(test).await] {
        assert_eq!(test.get_as(&session, &written[1]).await.status, 404, "a draft is nobody else's");
    }
}

/// One of each kind that is open with `member`, and one of each that is over; the day that it is must be before `ahead`.
pub async fn plan(test: &Test, member: &Member, other: &Member) {
    let (member, other, now) = (member.clone(), other.clone(), test.server.app.now());
    let work = move |connection: &mut _| {
        let ahead = now.at.date() + chrono::TimeDelta::days(3);
        let days: [NaiveDate; 3] = [ahead, ahead, now.at.date() - chrono::TimeDelta::days(3)];
        for (number, held_on) in days.into_iter().enumerate() {
            let (creator, guest) = if number == 1 { (&other, &member) } else { (&member, &other) };
            diesel::insert_into(one_on_ones::table)
                .values((
                    one_on_ones::id.eq(OneOnOneId::new(&now)),
                    one_on_ones::workspace_id.eq(&member.workspace_id),
                    one_on_ones::creator_id.eq(&creator.id),
                    one_on_ones::other_id.eq(&guest.id),
                    one_on_ones::held_on.eq(held_on),
                    one_on_ones::created_at.eq(now.at),
                    one_on_ones::updated_at.eq(now.at),
                ))
                .execute(connection)?;
        }
        for state in [State::Open, State::Answered] {
            diesel::insert_into(requests::table)
                .values((
                    requests::id.eq(RequestId::new(&now)),
                    requests::workspace_id.eq(&member.workspace_id),
                    requests::asker_id.eq(&other.id),
                    requests::asked_id.eq(&member.id),
                    requests::about_id.eq(&other.id),
                    requests::question.eq("How do my reviews read?"),
                    requests::state.eq(state),
                    requests::answer.eq(""),
                    requests::created_at.eq(now.at),
                    requests::updated_at.eq(now.at),
                ))
                .execute(connection)?;
        }
        for closed_at in [None, Some(now.at)] {
            diesel::insert_into(goals::table)
                .values((
                    goals::id.eq(GoalId::new(&now)),
                    goals::workspace_id.eq(&member.workspace_id),
                    goals::owner_id.eq(&member.id),
                    goals::title.eq("Fewer retries"),
                    goals::why.eq(""),
                    goals::progress.eq(0),
                    goals::is_public.eq(false),
                    goals::closed_at.eq(closed_at),
                    goals::created_at.eq(now.at),
                    goals::updated_at.eq(now.at),
                ))
                .execute(connection)?;
        }
        Ok(())
    };
    test.server.app.write(work).await.expect("open items");
}

async fn open_items(test: &Test, member: &Member) -> OpenItems {
    let (viewer, id, now) = (test.made.owner.viewer(), member.id.clone(), test.server.app.now());
    let read =
        move |connection: &mut _| clarityloop_bitbucket::people::handover::open_items(connection, &viewer, &id, now.at.date());
    test.server.app.read(read).await.expect("a count")
}

async fn the_page_before_a_removal_says_what_it_does(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let session = owner(test).await;
    let path = format!("/people/{}/remove", amara.id);
    let nothing_open = test.get_as(&session, &path).await;
    for sentence in ["API tokens end at once", "stays readable under their name", "Drafts and private notes stay private"] {
        assert!(nothing_open.body.contains(sentence), "{}", nothing_open.body);
    }
    assert!(!nothing_open.body.contains("hand_over_to"), "{}", nothing_open.body);
    let other = test.member("Lucía Fernández", "lucia@lumenpay.example", None).await;
    plan(test, &amara, &other).await;
    let page = test.get_as(&session, &path).await;
    assert!(page.body.contains("Open: 1 request, 2 1:1s, 1 goal."), "{}", page.body);
    assert!(page.body.contains(&format!("<option value=\"{}\">Lucía", other.id)), "{}", page.body);
    assert!(!page.body.contains("Fewer retries"), "owners do not read them: {}", page.body);
    let unknown = post(test, &session, &path, &[("hand_over_to", "Somebody else")]).await;
    assert_eq!(unknown.status, 400);
    assert!(unknown.body.contains("Nobody in your workspace is found by this."), "{}", unknown.body);
    assert_eq!(
        post(test, &session, &path, &[("hand_over_to", amara.id.as_str())]).await.status,
        400,
        "nobody inherits from themselves"
    );
    assert!(test.get_as(&session, "/people").await.body.contains("Amara Okafor"), "nothing was done");
}

async fn open_items_are_handed_over_to_the_chosen_colleague(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    plan(test, &amara, &lucia).await;
    plan(test, &amara, &priya).await;
    assert_eq!(remove(test, &amara, priya.id.as_str()).await.status, 303);
    // What Amara had with Priya herself stays: nobody talks to themselves.
    assert_eq!(open_items(test, &priya).await, OpenItems { requests: 1, one_on_ones: 4, goals: 2 });
    assert_eq!(open_items(test, &amara).await, OpenItems { requests: 1, one_on_ones: 2, goals: 0 });
    assert_eq!(open_items(test, &lucia).await, OpenItems { requests: 0, one_on_ones: 2, goals: 0 });
}

async fn a_removal_waits_for_whoever_moves_a_one_on_one_of_theirs(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", None).await;
    let priya = test.member("Priya Raman", "priya@lumenpay.example", None).await;
    plan(test, &amara, &lucia).await;
    let (holds, held) = tokio::sync::oneshot::channel();
    let (go_on, goes_on) = std::sync::mpsc::channel::<()>();
    let (people, day) = ([amara.id.clone(), lucia.id.clone()], test.now().date_naive() + chrono::Days::new(9));
    // As moving does it: its two people first, then the 1:1.
    let moves = test.server.app.write(move |connection| {
        let two = member_rows::table.filter(member_rows::id.eq_any(&people)).order(member_rows::id);
        let _locked: Vec<MemberId> = for_update(two.select(member_rows::id)).load(connection)?;
        holds.send(()).expect("somebody waits");
        goes_on.recv().expect("a word to go on");
        let theirs = one_on_ones::table.filter(one_on_ones::creator_id.eq(&people[0])).filter(one_on_ones::held_on.lt(day));
        Ok(diesel::update(theirs).set(one_on_ones::held_on.eq(day)).execute(connection)?)
    });
    let removes = async {
        held.await.expect("the two are held");
        tokio::join!(remove(test, &amara, priya.id.as_str()), async {
            // Long enough for the removal to reach what is held; PostgreSQL looks for a deadlock after a second.
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            go_on.send(()).expect("somebody waits");
        })
        .0
    };
    let (moved, removed) = tokio::join!(moves, removes);
    assert!(moved.expect("it is moved") > 0);
    assert_eq!(removed.status, 303, "{}", removed.body);
}

async fn a_removed_member_is_invited_again_and_comes_back_as_themselves(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let lucia = test.member("Lucía Fernández", "lucia@lumenpay.example", None).await;
    let change = json!({ "role": "owner", "manager": lucia.id });
    test.api_json(Method::PATCH, &format!("/members/{}", amara.id), Some(change)).await;
    let (former_session, former_token) = (test.session(&amara).await, test.token(&amara, "read").await);
    assert_eq!(remove(test, &amara, "").await.status, 303);
    let session = owner(test).await;
    let fields = [("name", "Amara Okafor-Diaz"), ("email", "Amara@lumenpay.example"), ("role", "member")];
    let back = post(test, &session, "/people", &fields).await;
    assert_eq!(back.status, 200, "{}", back.body);
    assert!(back.body.contains("Amara Okafor-Diaz is back."), "{}", back.body);
    let shown = test.api_json(Method::GET, &format!("/members/{}", amara.id), None).await;
    assert_eq!((&shown["name"], &shown["role"]), (&json!("Amara Okafor-Diaz"), &json!("member")));
    assert_eq!((&shown["manager"], &shown["identity"]), (&json!(null), &json!(null)));
    assert_eq!(test.get_as(&former_session, "/people").await.status, 303, "what ended stays ended");
    let answer = test.api_as(&former_token, Method::GET, "/members").send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    let by_operator = {
        let (viewer, id, now) = (test.made.owner.viewer(), amara.id.clone(), test.server.app.now());
        test.server.app.write(move |connection| members::remove(connection, &viewer, &id, None, &now)).await.expect("a removal");
        test.member("Amara Okafor", "amara@lumenpay.example", None).await
    };
    assert_eq!(by_operator.id, amara.id);
}

async fn an_account_of_a_removed_member_can_be_anothers(test: &Test) {
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    assert_eq!(remove(test, &amara, "").await.status, 303);
    let twin = test.member("Amara Twin", "twin@lumenpay.example", Some(AMARA)).await;
    let shown = test.api_json(Method::GET, &format!("/members/{}", twin.id), None).await;
    assert_eq!(shown["identity"]["account_id"], AMARA);
}
