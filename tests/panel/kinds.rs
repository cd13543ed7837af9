//! The panel with every kind of conversation: what is offered first, what is said of it, and the form that is asked for.

use chrono::TimeDelta;
use clarityloop_bitbucket::people::members::Member;
use clarityloop_bitbucket::storage::ids::{GoalId, OneOnOneId, RequestId};
use clarityloop_bitbucket::storage::schema::{goals, members, one_on_ones, requests};
use diesel::prelude::*;

use super::{LINKS, amara_at_lucias_pull_request, position, save};
use crate::both;
use crate::harness::{AMARA, LUCIA, TOMASZ, Test};

both!(
    what_is_between_the_viewer_and_the_author_comes_first,
    each_kind_is_attached_to_and_named_by_people_and_dates,
    the_form_is_folded_while_something_is_attached_and_asked_for_by_a_button,
    what_belongs_to_others_is_neither_offered_nor_taken,
    what_is_over_is_not_offered,
);

const SECRET: &str = "A text nobody shows on a shared screen";

/// A 1:1 of two members, so many days from today; the answer is the value of its choice.
async fn one_on_one(test: &Test, creator: &Member, other: &Member, in_days: i64) -> String {
    let now = test.server.app.now();
    let (id, workspace) = (OneOnOneId::new(&now), creator.workspace_id.clone());
    let (creator, other, made) = (creator.id.clone(), other.id.clone(), id.clone());
    let work = move |connection: &mut _| {
        let row = (
            one_on_ones::id.eq(&made),
            one_on_ones::workspace_id.eq(&workspace),
            one_on_ones::creator_id.eq(&creator),
            one_on_ones::other_id.eq(&other),
            one_on_ones::held_on.eq(now.at.date() + TimeDelta::days(in_days)),
            one_on_ones::created_at.eq(now.at),
            one_on_ones::updated_at.eq(now.at),
        );
        Ok(diesel::insert_into(one_on_ones::table).values(row).execute(connection)?)
    };
    test.server.app.write(work).await.expect("a 1:1");
    format!("one_on_one:{id}")
}

/// A request of `asker` to `asked` about the asker; the answer is the value of its choice.
async fn request(test: &Test, asker: &Member, asked: &Member, state: &'static str) -> String {
    let now = test.server.app.now();
    let (id, workspace) = (RequestId::new(&now), asker.workspace_id.clone());
    let (asker, asked, made) = (asker.id.clone(), asked.id.clone(), id.clone());
    let work = move |connection: &mut _| {
        let row = (
            requests::id.eq(&made),
            requests::workspace_id.eq(&workspace),
            requests::asker_id.eq(&asker),
            requests::asked_id.eq(&asked),
            requests::about_id.eq(&asker),
            requests::question.eq(SECRET),
            requests::state.eq(state),
            requests::answer.eq(""),
            requests::created_at.eq(now.at),
            requests::updated_at.eq(now.at),
        );
        Ok(diesel::insert_into(requests::table).values(row).execute(connection)?)
    };
    test.server.app.write(work).await.expect("a request");
    format!("request:{id}")
}

/// A goal of a member; the answer is the value of its choice.
async fn goal(test: &Test, owner: &Member, is_public: bool, is_closed: bool) -> String {
    let now = test.server.app.now();
    let (id, workspace) = (GoalId::new(&now), owner.workspace_id.clone());
    let (owner, made) = (owner.id.clone(), id.clone());
    let work = move |connection: &mut _| {
        let row = (
            goals::id.eq(&made),
            goals::workspace_id.eq(&workspace),
            goals::owner_id.eq(&owner),
            goals::title.eq("Lead a migration"),
            goals::why.eq(SECRET),
            goals::progress.eq(0),
            goals::is_public.eq(is_public),
            goals::closed_at.eq(is_closed.then_some(now.at)),
            goals::created_at.eq(now.at),
            goals::updated_at.eq(now.at),
        );
        Ok(diesel::insert_into(goals::table).values(row).execute(connection)?)
    };
    test.server.app.write(work).await.expect("a goal");
    format!("goal:{id}")
}

async fn people(test: &Test) -> (Member, Member, Member) {
    let tomasz = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", Some(TOMASZ)).await;
    let amara = test.member_by_email("amara@lumenpay.example").await;
    (amara, test.member_by_email("lucia@lumenpay.example").await, tomasz)
}

async fn what_is_between_the_viewer_and_the_author_comes_first(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let (amara, lucia, tomasz) = people(test).await;
    let with_tomasz = one_on_one(test, &tomasz, &amara, 1).await;
    let later = one_on_one(test, &amara, &lucia, 9).await;
    let sooner = one_on_one(test, &lucia, &amara, 3).await;
    let asked = request(test, &lucia, &amara, "open").await;
    let aim = goal(test, &amara, false, false).await;
    let page = test.panel(&installation, 87, AMARA).await;
    let places = [&sooner, &later, &with_tomasz].map(|value| position(&page, value));
    assert!(places.is_sorted(), "1:1s with the author first, the next one first: {places:?}");
    assert!(page.body.contains(&format!("value=\"{sooner}\" checked")), "the likeliest is chosen");
    let places = [&asked, "new:author", &aim, "new:someone"].map(|value| position(&page, value));
    assert!(places[0] < places[2] && places[1] < places[2], "{places:?}");
    assert!(
        page.body.contains("1:1 with Lucía Fernández") && page.body.contains("Request from Lucía Fernández about themselves")
    );
    assert!(!page.body.contains(SECRET), "people share their screens");
    let own = test.panel(&installation, 87, LUCIA).await;
    assert!(own.body.contains("Your request to Amara Okafor about yourself"), "{}", own.body);
}

async fn each_kind_is_attached_to_and_named_by_people_and_dates(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let (amara, lucia, tomasz) = people(test).await;
    let (meeting, asked) = (one_on_one(test, &amara, &lucia, 3).await, request(test, &amara, &lucia, "open").await);
    let (private, public) = (goal(test, &amara, false, false).await, goal(test, &amara, true, false).await);
    let (leader, led) = (tomasz.id.clone(), amara.id.clone());
    let lead = move |connection: &mut _| {
        Ok(diesel::update(members::table.find(led)).set(members::manager_id.eq(Some(leader))).execute(connection)?)
    };
    test.server.app.write(lead).await.expect("a manager");
    for (value, words, seen_by) in [
        (&meeting, "Saved to 1:1 with Lucía Fernández", "Seen by you and Lucía Fernández."),
        (&asked, "Saved to your request to Lucía Fernández about yourself.", "Seen by you and Lucía Fernández."),
        (&private, "Saved to your goal.", "Seen by you and Tomasz Zieliński."),
        (&public, "Saved to your goal.", "Seen by everybody in your workspace."),
    ] {
        let saved = save(test, &installation, AMARA, &[("target", value)]).await;
        assert_eq!(saved.status, 200, "{value}: {}", saved.body);
        assert!(saved.body.contains(words) && saved.body.contains(seen_by), "{value}: {}", saved.body);
    }
    let seen_by = async |account| {
        let page = test.panel(&installation, 87, account).await;
        page.body
            .split("class=\"row-title\"")
            .skip(1)
            .filter_map(|rest| rest.split('>').nth(1).map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(seen_by(AMARA).await.len(), 4);
    let lucias = seen_by(LUCIA).await;
    assert_eq!(lucias.len(), 3, "the 1:1, the request, the public goal: {lucias:?}");
    assert_eq!(seen_by(TOMASZ).await, ["Goal of Amara Okafor</a", "Goal of Amara Okafor</a"], "of who they lead");
    assert!(!test.panel(&installation, 87, TOMASZ).await.body.contains("Lead a migration"), "people share their screens");
    test.run_jobs().await;
}

async fn the_form_is_folded_while_something_is_attached_and_asked_for_by_a_button(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let saved = save(test, &installation, AMARA, &[("target", "new:author")]).await;
    assert!(saved.body.contains("Add to something else") && !saved.body.contains("<textarea"), "{}", saved.body);
    let token = test.panel(&installation, 87, AMARA).await.field("token");
    let form = test.post("/connect/panel/form", &[("token", &token)]).await;
    assert_eq!(form.status, 200);
    assert!(form.body.contains("<!doctype html>") && form.body.contains("<textarea"), "{}", form.body);
    assert!(form.body.contains("name=\"open\"") && !form.body.contains("Add to something else"), "{}", form.body);
    let stranger = test.post("/connect/panel/form", &[("token", "x")]).await;
    assert_eq!(stranger.status, 401);
}

async fn what_belongs_to_others_is_neither_offered_nor_taken(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let (_, lucia, tomasz) = people(test).await;
    let theirs = [
        (one_on_one(test, &tomasz, &lucia, 2).await, 404),
        (request(test, &tomasz, &lucia, "open").await, 404),
        (goal(test, &lucia, false, false).await, 404),
        (goal(test, &lucia, true, false).await, 403),
    ];
    let page = test.panel(&installation, 87, AMARA).await;
    let token = page.field("token");
    for (value, status) in theirs {
        assert!(!page.body.contains(&value), "{value}");
        let refused = test.post(LINKS, &[("token", &token), ("target", &value)]).await;
        assert_eq!(refused.status, status, "{value}: {}", refused.body);
    }
}

async fn what_is_over_is_not_offered(test: &Test) {
    let installation = amara_at_lucias_pull_request(test).await;
    let (amara, lucia, _) = people(test).await;
    let over = [
        // Yesterday's may not be over yet where the viewer is.
        (one_on_one(test, &amara, &lucia, -2).await, 200),
        (request(test, &amara, &lucia, "answered").await, 200),
        (request(test, &amara, &lucia, "declined").await, 409),
        (request(test, &amara, &lucia, "closed").await, 409),
        (goal(test, &amara, false, true).await, 409),
    ];
    let page = test.panel(&installation, 87, AMARA).await;
    let token = page.field("token");
    for (value, status) in over {
        assert!(!page.body.contains(&value), "{value}");
        let answer = test.post(LINKS, &[("token", &token), ("target", &value)]).await;
        assert_eq!(answer.status, status, "{value}: {}", answer.body);
    }
    test.run_jobs().await;
}
