//! What must be true of the panel in every state.

use super::*;

const HOSTILE: &str = "\"><script>alert('x')</script>";

fn draw(state: &State) -> String {
    render(state, &Host::BodyOnly).unwrap()
}

fn day() -> Day {
    Day { at: chrono::NaiveDateTime::default(), now: chrono::NaiveDateTime::default() }
}

fn attach(links: Vec<Link>, form: Option<Form>) -> State {
    let (form_action, hide_action) = ("/more".to_owned(), "/connect/panel/hide".to_owned());
    State::Attach(Attach { token: "panel-token".to_owned(), banner: None, links, form, form_action, hide_action })
}

fn link(title: &str, note: &str, undo: Option<Undo>) -> Link {
    Link {
        kind: Kind::Feedback,
        title: title.to_owned(),
        href: "https://loop.example/feedback/1".to_owned(),
        by: "you".to_owned(),
        at: Made(day()),
        seen_by: "only you".to_owned(),
        note: note.to_owned(),
        undo,
    }
}

fn unknown(join: Join) -> State {
    let hostile = || HOSTILE.to_owned();
    State::Unknown(Unknown {
        action: hostile(),
        token: hostile(),
        profile_url: hostile(),
        problem: None,
        join,
        hide_action: hostile(),
    })
}

#[test]
fn html_in_any_text_is_escaped_in_every_state() {
    let hostile = || HOSTILE.to_owned();
    let people = About::OneOf(vec![Person { id: hostile(), name: hostile() }]);
    let named = Target { text: Some(hostile()), ..Target::own_draft(HOSTILE, HOSTILE, day()) };
    let targets = vec![named, Target::new_draft_about_someone("new", people, false)];
    let typed = Typed { target: hostile(), about: hostile(), note: hostile() };
    let form = Form::again(HOSTILE, targets, typed, Some(Wrong::Target(hostile())));
    let undo = Undo { action: hostile(), link_id: hostile() };
    let claimed_by = Some(Claimant { workspace: hostile(), owners: vec![hostile(), hostile()] });
    let refused = Refused { sentence: hostile(), next_step: hostile(), note: hostile(), request_id: Some(hostile()) };
    let states = [
        attach(vec![link(HOSTILE, HOSTILE, Some(undo))], Some(form)),
        unknown(Join::Form { action: hostile(), typed: TypedJoin { name: hostile(), email: hostile(), wrong: None } }),
        unknown(Join::Asked { on: day(), owners: vec![hostile(), hostile()] }),
        unknown(Join::Refused { on: day(), again_on: day() }),
        State::Hidden(ShowAgain { action: hostile(), token: hostile() }),
        State::Waiting(Waiting { bitbucket_workspace: hostile(), claimed_by }),
        State::Off { bitbucket_workspace: hostile() },
        State::Expired { note: hostile() },
        State::Refused(refused),
    ];
    for state in &states {
        let html = draw(state);
        assert!(html.contains("&#60;script&#62;"), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }
}

#[test]
fn every_form_carries_the_panel_token() {
    let undo = Undo { action: "/connect/panel/links/1/remove".to_owned(), link_id: "1".to_owned() };
    let form = Form::new("/connect/panel/links", vec![Target::new_draft("new", "Priya Raman")]);
    let html = draw(&attach(vec![link("Your draft", "", Some(undo))], Some(form)));
    assert_eq!(html.matches("<form").count(), 3);
    assert_eq!(html.matches(r#"name="token" value="panel-token""#).count(), 3);
}

#[test]
fn undo_stands_on_own_links_only() {
    assert!(!draw(&attach(vec![link("Another's", "", None)], None)).contains("Undo"));
}

#[test]
fn a_folded_form_is_a_button_that_asks_for_it() {
    let form = Form::new("/connect/panel/links", vec![Target::new_draft("new", "Priya Raman")]);
    let folded = draw(&attach(vec![link("Your draft", "", None)], None));
    assert!(folded.contains(r#"formaction="/more""#) && !folded.contains("<textarea"), "{folded}");
    let open = draw(&attach(vec![link("Your draft", "", None)], Some(form)));
    assert!(!open.contains(r#"formaction="/more""#) && open.contains("<textarea"), "{open}");
}

#[test]
fn the_document_frames_the_same_body_as_the_fragment() {
    let frame = ConnectFrame { tokens: "/t.css", looks: "/l.css", script: "/p.js", host_script: "https://b.example/all.js" };
    let document = render(&State::NoPerson, &Host::Connect(frame)).unwrap();
    assert!(document.contains(&draw(&State::NoPerson)));
    assert!(document.contains(r#"<script src="https://b.example/all.js""#));
    assert!(!document.contains("style="));
}
