//! Sign in with Bitbucket: who is let in as whom, and what others try with the way back.

use bitbucket_sandbox::{Email, Fault, Misbehaviour};
use clarityloop_bitbucket::people::identities::{self, AccountId};
use clarityloop_bitbucket::people::members::Member;
use diesel::prelude::*;

use super::visitor::{CONSUMER, Visitor, answer, parameter, register};
use crate::both;
use crate::harness::{AMARA, INGRID, Page, TOMASZ, Test, make_workspace};

const MEI: &str = "712020:55daecf4-409e-4152-9e9b-ae6d50410005";

both!(with super::CONSUMER =>
    a_linked_member_signs_in,
    somebody_invited_is_linked_by_a_confirmed_address,
    an_address_on_a_later_page_counts_too,
    an_address_that_is_not_confirmed_lets_nobody_in,
    an_address_does_not_take_over_a_member_who_is_linked,
    an_address_links_nobody_where_the_account_is_somebody_elses,
    what_an_owner_aligned_is_confirmed_where_the_address_agrees,
    what_an_owner_aligned_alone_opens_no_session,
    who_is_signed_in_already_confirms_what_an_owner_aligned,
    a_removed_member_is_not_let_in,
    who_is_known_in_several_workspaces_chooses,
    a_choice_is_the_browsers_own_and_made_once,
    who_was_unlinked_in_the_meantime_is_not_let_in,
    the_way_back_is_for_the_browser_that_began_and_works_once,
    a_code_works_once,
    ten_minutes_are_enough,
    who_denies_is_told_how_to_go_on,
    whatever_is_wrong_with_bitbucket_is_a_sentence,
);

async fn identity(test: &Test, member: &Member) -> Option<(String, bool)> {
    let (viewer, id) = (member.viewer(), member.id.clone());
    let found = test.server.app.read(move |connection| identities::of(connection, &viewer, &id)).await.expect("an answer");
    found.map(|identity| (identity.account_id, identity.confirmed_at.is_some()))
}

async fn align(test: &Test, owner: &Member, member: &Member, account: &str) {
    let (owner, id, account) = (owner.viewer(), member.id.clone(), AccountId::parse(account).expect("an account id"));
    let now = test.server.app.now();
    let work = move |connection: &mut _| identities::align(connection, &owner, &id, &account, None, &now);
    test.server.app.write(work).await.expect("an alignment");
}

fn asked_of_bitbucket(test: &Test) -> Vec<String> {
    test.sandbox.calls().into_iter().map(|call| call.path).collect()
}

fn assert_not_in(page: &Page, status: u16, words: &str) {
    assert!(page.status == status && page.body.contains(words), "{} {}", page.status, page.body);
    assert!(page.body.contains("Sign in with Bitbucket"), "the next step is on the page: {}", page.body);
    let mut cookies = page.headers.get_all("set-cookie").iter();
    assert!(cookies.all(|cookie| !cookie.as_bytes().starts_with(b"clarityloop=")), "{:?}", page.headers);
}

async fn a_linked_member_signs_in(test: &Test) {
    register(test);
    test.member("Amara Okafor", "amara@elsewhere.example", Some(AMARA)).await;
    let mut browser = Visitor::new();
    let page = browser.get(test, "/sign-in").await;
    assert!(page.body.contains("action=\"/sign-in/bitbucket\""), "{}", page.body);
    let address = browser.start(test).await;
    assert_eq!(parameter(&address, "scope"), "account email", "and nothing more");
    assert_eq!(parameter(&address, "response_type"), "code");
    let back = answer(test, &address, AMARA, "grant").await;
    let page = browser.get(test, &back).await;
    assert_eq!((page.status, page.header("location")), (303, "/"), "{}", page.body);
    assert!(browser.get(test, "/").await.body.contains("Welcome, Amara Okafor"));
    assert_eq!(asked_of_bitbucket(test), ["/site/oauth2/access_token", "/2.0/user"], "her addresses are nobody's business");
}

async fn somebody_invited_is_linked_by_a_confirmed_address(test: &Test) {
    register(test);
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let mut browser = Visitor::new();
    assert_eq!(browser.sign_in(test, AMARA).await.status, 303);
    assert_eq!(identity(test, &amara).await, Some((AMARA.to_owned(), true)));
    let profile = browser.get(test, "/profile").await;
    assert!(profile.body.contains("by signing in with Bitbucket") && profile.body.contains(AMARA), "{}", profile.body);
    let installation = test.installed().await;
    assert!(test.panel(&installation, 87, AMARA).await.body.contains("Attach to"), "the panel knows her from now on");
}

async fn an_address_on_a_later_page_counts_too(test: &Test) {
    register(test);
    let address = |n| format!("tomasz{n}@lumenpay.example");
    let email = |n| Email { account_id: TOMASZ.to_owned(), address: address(n), is_confirmed: true, is_primary: false };
    test.sandbox.world(|world| world.emails.extend((0..25).map(email)));
    let tomasz = test.member("Tomasz Zieliński", &address(24), None).await;
    assert_eq!(Visitor::new().sign_in(test, TOMASZ).await.status, 303);
    assert_eq!(identity(test, &tomasz).await, Some((TOMASZ.to_owned(), true)));
}

async fn an_address_that_is_not_confirmed_lets_nobody_in(test: &Test) {
    register(test);
    let member = test.member("Tomasz Zieliński", "tomasz@zielinski.example", None).await;
    let page = Visitor::new().sign_in(test, TOMASZ).await;
    assert_not_in(&page, 403, "Nobody here has this Bitbucket account.");
    assert!(page.body.contains("Ask an owner of your workspace to invite you"), "{}", page.body);
    assert_eq!(identity(test, &member).await, None);
}

async fn an_address_does_not_take_over_a_member_who_is_linked(test: &Test) {
    register(test);
    let member = test.member("Amara Okafor", "amara@lumenpay.example", Some(MEI)).await;
    assert_not_in(&Visitor::new().sign_in(test, AMARA).await, 403, "Nobody here has this Bitbucket account.");
    assert_eq!(identity(test, &member).await, Some((MEI.to_owned(), true)));
    let other = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
    align(test, &test.made.owner, &other, MEI.replace("0005", "0099").as_str()).await;
    assert_not_in(&Visitor::new().sign_in(test, TOMASZ).await, 403, "Nobody here has this Bitbucket account.");
}

async fn an_address_links_nobody_where_the_account_is_somebody_elses(test: &Test) {
    register(test);
    let invited = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    let aligned = test.member("A. Okafor", "a.okafor@lumenpay.example", None).await;
    align(test, &test.made.owner, &aligned, AMARA).await;
    assert_not_in(&Visitor::new().sign_in(test, AMARA).await, 403, "Nobody here has this Bitbucket account.");
    assert_eq!(identity(test, &aligned).await, Some((AMARA.to_owned(), false)));
    assert_eq!(identity(test, &invited).await, None);
}

async fn what_an_owner_aligned_is_confirmed_where_the_address_agrees(test: &Test) {
    register(test);
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", None).await;
    align(test, &test.made.owner, &amara, AMARA).await;
    assert_eq!(identity(test, &amara).await, Some((AMARA.to_owned(), false)));
    let profile = test.get_as(&test.session(&amara).await, "/profile").await;
    assert!(profile.body.contains("Confirm it by signing in with Bitbucket, or with a code"), "{}", profile.body);
    assert_eq!(Visitor::new().sign_in(test, AMARA).await.header("location"), "/");
    assert_eq!(identity(test, &amara).await, Some((AMARA.to_owned(), true)));
}

async fn what_an_owner_aligned_alone_opens_no_session(test: &Test) {
    register(test);
    let victim = test.member("Priya Raman", "priya@elsewhere.example", None).await;
    align(test, &test.made.owner, &victim, AMARA).await;
    assert_not_in(&Visitor::new().sign_in(test, AMARA).await, 403, "Nobody here has this Bitbucket account.");
    assert_eq!(identity(test, &victim).await, Some((AMARA.to_owned(), false)), "else an owner could become anybody");
}

async fn who_is_signed_in_already_confirms_what_an_owner_aligned(test: &Test) {
    register(test);
    let priya = test.member("Priya Raman", "priya@elsewhere.example", None).await;
    align(test, &test.made.owner, &priya, AMARA).await;
    let mut visitor = Visitor::new();
    visitor.set_cookie("clarityloop", &test.session(&test.made.owner).await);
    assert_not_in(&visitor.sign_in(test, AMARA).await, 403, "Nobody here has this Bitbucket account.");
    visitor.set_cookie("clarityloop", &test.session(&priya).await);
    assert_eq!(visitor.sign_in(test, AMARA).await.header("location"), "/", "they hold the session and the account");
    assert_eq!(identity(test, &priya).await, Some((AMARA.to_owned(), true)));
}

async fn a_removed_member_is_not_let_in(test: &Test) {
    register(test);
    let linked = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let invited = test.member("Tomasz Zieliński", "tomasz@lumenpay.example", None).await;
    remove(test, &linked).await;
    remove(test, &invited).await;
    for account in [AMARA, TOMASZ] {
        assert_not_in(&Visitor::new().sign_in(test, account).await, 403, "Nobody here has this Bitbucket account.");
    }
}

/// What removing leaves, whatever else it does.
pub async fn remove(test: &Test, member: &Member) {
    use clarityloop_bitbucket::storage::schema::members;
    let (id, at) = (member.id.clone(), test.server.app.now().at);
    let work = move |connection: &mut _| {
        Ok(diesel::update(members::table.find(id)).set(members::removed_at.eq(Some(at))).execute(connection)?)
    };
    assert_eq!(test.server.app.write(work).await.expect("an answer"), 1);
}

/// Amara is linked in the test's workspace and owns another one; her browser stands before the choice.
async fn before_the_choice(test: &Test) -> (Visitor, Member, Member) {
    register(test);
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let elsewhere = make_workspace(&test.server, "Evening School", "A. Okafor", "amara@school.example").await.owner;
    test.bind(&elsewhere, AMARA).await;
    let mut browser = Visitor::new();
    let page = browser.sign_in(test, AMARA).await;
    assert_eq!((page.status, page.header("location")), (303, "/sign-in/bitbucket/choose"), "{}", page.body);
    assert_eq!(browser.session(), "", "not before she has chosen");
    (browser, amara, elsewhere)
}

async fn who_is_known_in_several_workspaces_chooses(test: &Test) {
    let (mut browser, _, elsewhere) = before_the_choice(test).await;
    for _ in 0..2 {
        let page = browser.get(test, "/sign-in/bitbucket/choose").await;
        for words in ["Lumen Pay", "Evening School", "Sign in to Evening School as A. Okafor"] {
            assert!(page.body.contains(words), "{words} in {}", page.body);
        }
    }
    let csrf = browser.get(test, "/sign-in/bitbucket/choose").await.field("csrf");
    let chosen = browser.post(test, "/sign-in/bitbucket/choose", &[("csrf", &csrf), ("member", elsewhere.id.as_str())]).await;
    assert_eq!((chosen.status, chosen.header("location")), (303, "/"), "{}", chosen.body);
    assert!(browser.get(test, "/profile").await.body.contains("Evening School"));
}

async fn a_choice_is_the_browsers_own_and_made_once(test: &Test) {
    let (mut browser, amara, _) = before_the_choice(test).await;
    let csrf = browser.get(test, "/sign-in/bitbucket/choose").await.field("csrf");
    let form = [("csrf", csrf.as_str()), ("member", amara.id.as_str())];
    let other = Visitor::new().post(test, "/sign-in/bitbucket/choose", &form).await;
    assert_eq!((other.status, other.header("location")), (303, "/sign-in"), "another browser has nothing to choose");
    let forged = browser.post(test, "/sign-in/bitbucket/choose", &[("csrf", "0"), form[1]]).await;
    assert_eq!(forged.status, 403);
    let mut late = Visitor::new();
    late.set_cookie("clarityloop-sign-in", "made-up");
    assert_not_in(&late.get(test, "/sign-in/bitbucket/choose").await, 400, "This choice was made already");
    let owner = [("csrf", csrf.as_str()), ("member", test.made.owner.id.as_str())];
    let page = browser.post(test, "/sign-in/bitbucket/choose", &owner).await;
    assert_not_in(&page, 400, "This choice was made already");
    assert_eq!(browser.session(), "", "nobody becomes who was not offered");
}

async fn who_was_unlinked_in_the_meantime_is_not_let_in(test: &Test) {
    let (mut browser, amara, _) = before_the_choice(test).await;
    let csrf = browser.get(test, "/sign-in/bitbucket/choose").await.field("csrf");
    let (owner, id, now) = (test.made.owner.viewer(), amara.id.clone(), test.server.app.now());
    test.server.app.write(move |connection| identities::unbind(connection, &owner, &id, &now)).await.expect("unlinked");
    let page = browser.post(test, "/sign-in/bitbucket/choose", &[("csrf", &csrf), ("member", amara.id.as_str())]).await;
    assert_not_in(&page, 403, "Nobody here has this Bitbucket account.");
    assert_eq!(identity(test, &amara).await, None);
}

async fn the_way_back_is_for_the_browser_that_began_and_works_once(test: &Test) {
    const NOT_BEGUN: &str = "This sign-in was not begun in this browser";
    register(test);
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let (mut attacker, mut victim) = (Visitor::new(), Visitor::new());
    let back = answer(test, &attacker.start(test).await, AMARA, "grant").await;
    assert_not_in(&victim.get(test, &back).await, 400, NOT_BEGUN);
    victim.start(test).await;
    assert_not_in(&victim.get(test, &back).await, 400, NOT_BEGUN);
    let code = parameter(&back, "code");
    for address in [format!("?code={code}"), format!("?code={code}&state="), format!("?code={code}&state=0"), String::new()] {
        let page = victim.get(test, &format!("/sign-in/bitbucket/callback{address}")).await;
        assert_not_in(&page, 400, NOT_BEGUN);
    }
    assert_eq!(asked_of_bitbucket(test), [""; 0], "nothing was asked of Bitbucket for any of them");
    assert_eq!(attacker.get(test, &back).await.header("location"), "/", "whoever began it comes back");
    assert_not_in(&Visitor::new().get(test, &back).await, 400, NOT_BEGUN);
    attacker.start(test).await;
    assert_not_in(&attacker.get(test, &back).await, 400, NOT_BEGUN);
}

async fn a_code_works_once(test: &Test) {
    register(test);
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let mut browser = Visitor::new();
    let back = answer(test, &browser.start(test).await, AMARA, "grant").await;
    assert_eq!(browser.get(test, &back).await.header("location"), "/");
    let state = parameter(&browser.start(test).await, "state");
    let again = format!("/sign-in/bitbucket/callback?code={}&state={state}", parameter(&back, "code"));
    assert_not_in(&browser.get(test, &again).await, 400, "Bitbucket no longer takes this sign-in.");
}

async fn ten_minutes_are_enough(test: &Test) {
    register(test);
    test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let mut browser = Visitor::new();
    let address = browser.start(test).await;
    test.pass_seconds(601);
    let back = answer(test, &address, AMARA, "grant").await;
    assert_not_in(&browser.get(test, &back).await, 400, "more than ten minutes ago");
}

async fn who_denies_is_told_how_to_go_on(test: &Test) {
    register(test);
    let mut browser = Visitor::new();
    let back = answer(test, &browser.start(test).await, AMARA, "deny").await;
    assert_not_in(&browser.get(test, &back).await, 403, "You did not let ClarityLoop see your Bitbucket account.");
    let state = parameter(&browser.start(test).await, "state");
    let path = format!("/sign-in/bitbucket/callback?error=server_error&state={state}");
    assert_not_in(&browser.get(test, &path).await, 400, "Bitbucket broke the sign-in off.");
}

async fn whatever_is_wrong_with_bitbucket_is_a_sentence(test: &Test) {
    const PASSING: &str = "Bitbucket does not answer as it should at the moment.";
    const OURS: &str = "Bitbucket does not accept this server as it is set up.";
    register(test);
    test.member("Ingrid at Bitbucket", "ingrid@elsewhere.example", Some(INGRID)).await;
    for (path, fault, words) in [
        ("/site/oauth2/access_token", Fault::Status(503), PASSING),
        ("/site/oauth2/access_token", Fault::DroppedConnection, PASSING),
        ("/site/oauth2/access_token", Fault::MalformedBody, PASSING),
        ("/site/oauth2/access_token", Fault::RateLimited { retry_after_seconds: Some(7) }, PASSING),
        ("/site/oauth2/access_token", Fault::Status(401), OURS),
        ("/2.0/user", Fault::Status(500), PASSING),
        ("/2.0/user", Fault::Status(403), OURS),
    ] {
        test.sandbox.misbehave(Misbehaviour::on(path, fault.clone()));
        let page = Visitor::new().sign_in(test, INGRID).await;
        assert_not_in(&page, 503, words);
        test.sandbox.behave();
    }
    test.sandbox.misbehave(Misbehaviour::on("/2.0/user/emails", Fault::Status(500)));
    assert_not_in(&Visitor::new().sign_in(test, TOMASZ).await, 503, PASSING);
    assert_eq!(Visitor::new().sign_in(test, INGRID).await.header("location"), "/", "her addresses were not needed");
}
