//! Connecting by consent: what is asked for, what comes back once and to whom, and which workspace it is for.

use bitbucket_sandbox::WorkspacePermission;
use clarityloop_bitbucket::connections::purposes::{self, Purpose};
use clarityloop_bitbucket::people::members::{self, Role};
use serde_json::json;

use super::{CONNECTIONS, CONSUMER, connected, consent, consumer, leave, listed, owner, register, works};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, INGRID, PRIYA, Test, make_workspace};
use crate::sign_in::visitor::{answer, parameter};

both!(with super::CONSUMER =>
    an_owner_connects_by_consent_and_the_card_shows_what_it_may,
    the_way_back_is_for_the_session_that_began_and_works_once,
    whoever_denies_connects_nothing,
    of_several_workspaces_the_owner_chooses_one_that_is_reached,
    a_bitbucket_workspace_belongs_to_one_clarityloop_workspace,
    what_is_disconnected_or_never_was_by_consent_is_not_granted_anew,
    who_is_no_owner_any_more_connects_nothing,
    writing_is_a_consent_of_its_own,
    an_owners_own_consumer_is_used_and_may_act_as_itself,
);

async fn an_owner_connects_by_consent_and_the_card_shows_what_it_may(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    assert_eq!(parameter(&address, "scope"), "account repository pullrequest pipeline webhook", "and nothing that writes");
    assert_eq!(parameter(&address, "redirect_uri"), format!("{}/sign-in/bitbucket/callback/consent", test.url));
    let id = connected(test, &ingrid).await;
    let connection = &listed(test).await[0];
    assert_eq!((&connection["state"], &connection["kind"]), (&json!("connected"), &json!("oauth")));
    assert_eq!(connection["bitbucket_workspace_slug"], "lumenpay", "the one workspace that Ingrid reaches");
    assert_eq!(connection["purposes"], json!(["reading"]));
    assert_eq!(works(&test.server, &id).await, Some(true));
    let page = ingrid.get(test, CONNECTIONS).await;
    for words in
        ["Connected", "<code>pipeline</code>", "for results and durations", "the narrowest credential that serves reading"]
    {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let audit = ingrid.get(test, "/settings/audit").await;
    assert!(audit.body.contains("made the connection"), "{}", audit.body);
}

async fn the_way_back_is_for_the_session_that_began_and_works_once(test: &Test) {
    register(test);
    let (ingrid, elsewhere) = (owner(test).await, owner(test).await);
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    let back = answer(test, &address, INGRID, "grant").await;
    let amara = Person::new(test, "Amara Okafor").await;
    for (who, whose) in [(&amara, "another member"), (&elsewhere, "another session")] {
        let page = who.get(test, &back).await;
        assert_eq!(page.status, 400, "{whose}: {}", page.body);
    }
    assert_eq!(ingrid.get(test, &back).await.status, 303);
    let page = ingrid.get(test, &back).await;
    assert!(page.status == 400 && page.body.contains("Begin again"), "{}", page.body);
    assert_eq!(listed(test).await.len(), 1);
    // Ten minutes are enough.
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    let late = answer(test, &address, INGRID, "grant").await;
    test.pass_seconds(601);
    assert_eq!(ingrid.get(test, &late).await.status, 400);
}

async fn whoever_denies_connects_nothing(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "agents")]).await;
    let back = answer(test, &address, INGRID, "deny").await;
    let page = ingrid.get(test, &back).await;
    assert_eq!(page.header("location"), format!("{CONNECTIONS}?done=denied"));
    assert!(ingrid.get(test, page.header("location")).await.body.contains("Nothing is connected."));
    assert_eq!(listed(test).await.len(), 0);
}

async fn of_several_workspaces_the_owner_chooses_one_that_is_reached(test: &Test) {
    register(test);
    test.sandbox.world(|world| world.enrol("lumenpay", PRIYA, WorkspacePermission::Member));
    let ingrid = owner(test).await;
    let page = consent(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")], PRIYA).await;
    let choice = page.header("location").to_owned();
    assert!(choice.ends_with("/workspace"), "{choice}: {}", page.body);
    let offered = ingrid.get(test, &choice).await;
    assert!(offered.body.contains("Choose lumenpay") && offered.body.contains("Choose priya-raman"), "{}", offered.body);
    assert!(ingrid.get(test, CONNECTIONS).await.body.contains("No Bitbucket workspace is chosen yet"));
    let elsewhere = "00000000-0000-4000-8000-000000000000";
    assert_eq!(ingrid.post(test, &choice, &[("workspace", elsewhere)]).await.status, 404, "not one that it reaches");
    let before = offered.body.split("Choose lumenpay").next().expect("a beginning");
    let uuid = before.rsplit("name=\"workspace\" value=\"").next().and_then(|rest| rest.split('"').next()).expect("a UUID");
    assert_eq!(ingrid.post(test, &choice, &[("workspace", uuid)]).await.status, 303);
    assert_eq!(listed(test).await[0]["bitbucket_workspace_slug"], "lumenpay");
    assert_eq!(ingrid.post(test, &choice, &[("workspace", uuid)]).await.status, 409, "it is chosen");
}

async fn a_bitbucket_workspace_belongs_to_one_clarityloop_workspace(test: &Test) {
    register(test);
    connected(test, &owner(test).await).await;
    let made = make_workspace(&test.server, "Elsewhere", "Maya Levi", "maya@elsewhere.example").await;
    let maya = Person::of(test, made.owner).await;
    let page = consent(test, &maya, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")], INGRID).await;
    assert!(page.status == 409 && page.body.contains("another ClarityLoop workspace"), "{}", page.body);
    assert!(maya.get(test, CONNECTIONS).await.body.contains("No connection"), "nothing of it is kept");
}

async fn what_is_disconnected_or_never_was_by_consent_is_not_granted_anew(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let id = connected(test, &ingrid).await;
    let again = format!("{CONNECTIONS}/{id}/consent");
    let address = leave(test, &ingrid, &again, &[]).await;
    let back = answer(test, &address, INGRID, "grant").await;
    assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/{id}/disconnect"), &[]).await.status, 303);
    let page = ingrid.get(test, &back).await;
    assert!(page.status == 409 && page.body.contains("disconnected already"), "{}", page.body);
    assert_eq!(listed(test).await[0]["state"], "disconnected");
    assert!(super::stored(test).await.is_empty(), "nothing of the consent is kept");
    let page = ingrid.post(test, &again, &[]).await;
    assert!(page.status == 409 && page.body.contains("disconnected already"), "not even begun: {}", page.body);

    let uuid = test.sandbox.world(|world| world.workspace("lumenpay").expect("lumenpay").uuid.clone());
    let pasted = test.connection(uuid.trim_matches(['{', '}'])).await;
    let page = ingrid.post(test, &format!("{CONNECTIONS}/{pasted}/consent"), &[]).await;
    assert!(page.status == 409 && page.body.contains("not by somebody"), "{}", page.body);
    test.run_jobs().await;
}

async fn who_is_no_owner_any_more_connects_nothing(test: &Test) {
    register(test);
    let amara = Person::new(test, "Amara Okafor").await;
    let as_role = async |role: Role| {
        let (viewer, id, now) = (test.made.owner.viewer(), amara.member.id.clone(), test.server.app.now());
        let work = move |connection: &mut _| members::change_role(connection, &viewer, &id, role, &now);
        test.server.app.write(work).await.expect("a role");
    };
    as_role(Role::Owner).await;
    let address = leave(test, &amara, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    let back = answer(test, &address, AMARA, "grant").await;
    as_role(Role::Member).await;
    assert_eq!(amara.get(test, &back).await.status, 403);
    assert_eq!(listed(test).await.len(), 0);
}

async fn writing_is_a_consent_of_its_own(test: &Test) {
    register(test);
    let ingrid = owner(test).await;
    let reading = connected(test, &ingrid).await;
    let form = json!({"name": "OAuth", "purposes": ["reading", "writes"]});
    let answer = test.api(reqwest::Method::PUT, &format!("/connections/{reading}")).json(&form).send().await.expect("an answer");
    assert_eq!(answer.status(), 400, "its scopes do not suffice for writes");
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "writes")]).await;
    assert!(parameter(&address, "scope").contains("pullrequest:write"), "{address}");
    consent(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "writes")], INGRID).await;
    let both = listed(test).await;
    assert_eq!((both.len(), &both[0]["purposes"]), (2, &json!(["writes"])));
    let uuid = both[0]["bitbucket_workspace_uuid"].as_str().expect("a UUID").parse().expect("a UUID");
    let (app, workspace) = (&test.server.app, &test.made.owner.workspace_id);
    let chosen =
        purposes::credential_for(&app.parts(), workspace, uuid, Purpose::Writes, None, &app.now()).await.expect("an answer");
    assert!(chosen.expect("a credential").why.contains("OAuth for writes"));
    let none =
        purposes::credential_for(&app.parts(), workspace, uuid, Purpose::AgentTools, None, &app.now()).await.expect("an answer");
    assert!(none.is_none(), "nobody has connected for agents");
}

async fn an_owners_own_consumer_is_used_and_may_act_as_itself(test: &Test) {
    test.sandbox.add_consumer(consumer(test, "own-key", "own-secret"));
    test.sandbox.make_consumer_private("own-key", "lumenpay");
    let ingrid = owner(test).await;
    let wrong = ingrid.post(test, &format!("{CONNECTIONS}/consumer"), &[("client_id", "own-key"), ("client_secret", "")]).await;
    assert!(wrong.status == 400 && wrong.body.contains("no consumer’s secret"), "{}", wrong.body);
    let alone = ingrid.post(test, &format!("{CONNECTIONS}/consumer/connect"), &[("purpose", "reading")]).await;
    assert_eq!(alone.status, 409, "none is entered");
    let fields = [("client_id", "own-key"), ("client_secret", "own-secret"), ("alone", "on")];
    assert_eq!(ingrid.post(test, &format!("{CONNECTIONS}/consumer"), &fields).await.status, 303);
    let page = ingrid.get(test, CONNECTIONS).await;
    assert!(page.body.contains("own-key") && !page.body.contains("own-secret"), "the secret is never shown again");
    let address = leave(test, &ingrid, &format!("{CONNECTIONS}/consent"), &[("purpose", "reading")]).await;
    assert_eq!(parameter(&address, "client_id"), "own-key");
    let alone = ingrid.post(test, &format!("{CONNECTIONS}/consumer/connect"), &[("purpose", "reading")]).await;
    assert_eq!(alone.status, 303, "{}", alone.body);
    let connection = &listed(test).await[0];
    assert_eq!(
        (&connection["kind"], &connection["bitbucket_workspace_slug"]),
        (&json!("client_credentials"), &json!("lumenpay"))
    );
    test.pass_seconds(3 * 3600);
    let id = connection["id"].as_str().expect("an id");
    assert!(works(&test.server, id).await.is_some(), "another token is asked for when one ends");
    assert_eq!(listed(test).await[0]["state"], "connected");
}
