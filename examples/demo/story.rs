//! What the people of the demo have told each other: feedback, 1:1s, requests and goals, so that no page of it is empty.

use chrono::Days;
use clarityloop_bitbucket::config::Now;
use clarityloop_bitbucket::error::Result;
use clarityloop_bitbucket::people::feedback::{self, Audience, NewFeedback};
use clarityloop_bitbucket::people::goals::{self, Change, NewGoal, Progress};
use clarityloop_bitbucket::people::links::{Kind, Target};
use clarityloop_bitbucket::people::members::{self, Member};
use clarityloop_bitbucket::people::one_on_ones::{self, NewOneOnOne, agenda, notes};
use clarityloop_bitbucket::people::requests::{self, NewRequest};
use clarityloop_bitbucket::people::text::{Body, Line, Note};
use clarityloop_bitbucket::storage::AnyConnection;
use clarityloop_bitbucket::storage::ids::{FeedbackId, OneOnOneId};

use super::{BALANCED_POSTINGS, EXPORT_STREAM, HOW_WE_REVIEW, People, RETRY_CARDS, SHOPPER_CURRENCY};

/// What somebody attaches in the panel: who, which pull request, to what, and why it belongs there.
pub struct Attached {
    pub name: &'static str,
    pub pull_request: (&'static str, u64),
    pub target: Target,
    pub note: &'static str,
}

/// Writes all of it, and says which pull requests belong where.
pub fn write(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<Vec<Attached>> {
    lead(connection, people, now)?;
    let mut attached = write_feedback(connection, people, now)?;
    attached.extend(meet(connection, people, now)?);
    attached.extend(ask(connection, people, now)?);
    attached.extend(set_goals(connection, people, now)?);
    Ok(attached)
}

/// Ingrid leads Priya, who leads everybody else.
fn lead(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<()> {
    let People { ingrid, priya, amara, tomasz, mei } = people;
    for (member, manager) in [(priya, ingrid), (amara, priya), (tomasz, priya), (mei, priya)] {
        members::set_manager(connection, &ingrid.viewer(), &member.id, Some(&manager.id), now)?;
    }
    Ok(())
}

fn write_feedback(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<Vec<Attached>> {
    let People { ingrid, priya, amara, tomasz, mei } = people;
    let mut begin = |days_ago: i64, author: &Member, about: &Member, text: &str, shared: bool| {
        let new = NewFeedback { about: about.id.clone(), body: Body::parse(text)?, shared };
        feedback::create(connection, &author.viewer(), &new, &days_before(now, days_ago))
    };
    begin(30, ingrid, priya, "The team asks you first, and you answer with a question. Keep that.", true)?;
    begin(12, mei, ingrid, "You read the long design before the meeting, and it showed.", true)?;
    begin(9, priya, mei, "You take the dull tickets so that others can finish theirs. I notice.", true)?;
    begin(6, amara, mei, "The payment button no longer jumps, and nobody had to ask you twice.", true)?;
    begin(3, ingrid, tomasz, "The plan for the export was clear enough for finance to follow.", false)?;
    begin(2, priya, amara, "", false)?;
    begin(1, amara, tomasz, "", false)?;
    let text = "Your reviews say what you like as well as what to change. It makes me braver with big ones.";
    let about_reviews = begin(1, amara, priya, text, false)?;
    let text = "You thought of the shopper who presses twice before anybody asked. That saved us a refund day.";
    let about_retries = begin(1, tomasz, amara, text, false)?;
    let with_manager = Audience::SubjectAndManager(Some(priya.id.clone()));
    feedback::share(connection, &tomasz.viewer(), &about_retries, &with_manager, now)?;

    let on = |id: FeedbackId| Target { kind: Kind::Feedback, id: id.to_string() };
    let note = "One key for both tries: just right.";
    Ok(vec![
        Attached {
            name: "Amara Okafor",
            pull_request: HOW_WE_REVIEW,
            target: on(about_reviews),
            note: "You do what you wrote here.",
        },
        Attached { name: "Tomasz Zieliński", pull_request: RETRY_CARDS, target: on(about_retries), note },
    ])
}

/// The earlier 1:1s come first, so that what stayed open there is carried over.
fn meet(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<Vec<Attached>> {
    let People { ingrid, priya, amara, tomasz, .. } = people;
    let before = plan(connection, priya, amara, -12, now)?;
    let done = agenda::add(connection, &amara.viewer(), &before, &Line::parse("body", "Who covers the release on Friday")?, now)?;
    agenda::tick(connection, &priya.viewer(), &before, &done, true, now)?;
    add(connection, priya, &before, "A talk at the guild: which topic?", now)?;
    let next = plan(connection, priya, amara, 2, now)?;
    add(connection, amara, &next, "Retries: what the numbers on staging say", now)?;
    add(connection, priya, &next, "How reviews of the big ones went", now)?;
    let own_notes = "Ask how the on-call week was. Say thanks for the runbook.";
    notes::write(connection, &priya.viewer(), &next, &Body::parse(own_notes)?, now)?;
    notes::write(connection, &amara.viewer(), &next, &Body::parse("Bring up the conference in May.")?, now)?;

    let earlier = plan(connection, ingrid, priya, -7, now)?;
    add(connection, ingrid, &earlier, "Hiring: the second round", now)?;
    let soon = plan(connection, ingrid, priya, 1, now)?;
    add(connection, priya, &soon, "Review times in the last month", now)?;
    let design = plan(connection, amara, tomasz, 6, now)?;
    add(connection, tomasz, &design, "The frame on small screens", now)?;

    let on = |id: &OneOnOneId| Target { kind: Kind::OneOnOne, id: id.to_string() };
    let numbers = "Ready to talk about: 31 % of the second tries succeed.";
    let balance = "What finance asked for in October.";
    Ok(vec![
        Attached { name: "Amara Okafor", pull_request: RETRY_CARDS, target: on(&next), note: numbers },
        Attached { name: "Priya Raman", pull_request: SHOPPER_CURRENCY, target: on(&next), note: "" },
        Attached { name: "Ingrid Solberg", pull_request: BALANCED_POSTINGS, target: on(&soon), note: balance },
        Attached {
            name: "Tomasz Zieliński",
            pull_request: EXPORT_STREAM,
            target: on(&design),
            note: "What I would do otherwise today.",
        },
    ])
}

fn plan(connection: &mut AnyConnection, who: &Member, with: &Member, in_days: i64, now: &Now) -> Result<OneOnOneId> {
    let held_on = days_before(now, -in_days).at.date();
    one_on_ones::plan(connection, &who.viewer(), &NewOneOnOne { with: with.id.clone(), held_on }, now)
}

fn add(connection: &mut AnyConnection, who: &Member, one_on_one: &OneOnOneId, item: &str, now: &Now) -> Result<()> {
    agenda::add(connection, &who.viewer(), one_on_one, &Line::parse("body", item)?, now).map(drop)
}

fn ask(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<Vec<Attached>> {
    let People { ingrid, priya, amara, tomasz, mei } = people;
    let mut ask = |days_ago: i64, who: &Member, asked: &Member, about: &Member, question: &str, due_in: Option<u64>| {
        let due_on = due_in.and_then(|days| now.at.date().checked_add_days(Days::new(days)));
        let new = NewRequest { asked: asked.id.clone(), about: about.id.clone(), question: Body::parse(question)?, due_on };
        requests::ask(connection, &who.viewer(), &new, &days_before(now, days_ago))
    };
    ask(3, priya, amara, tomasz, "What helps you most in Tomasz's reviews, and what would help more?", Some(4))?;
    ask(2, mei, amara, mei, "Was my part of the payment button easy to review?", None)?;
    ask(1, amara, ingrid, amara, "How did my design of the retries read to somebody outside the team?", Some(10))?;
    let declined = ask(8, ingrid, mei, priya, "How do you find Priya's planning?", None)?;
    let answered = ask(9, amara, tomasz, amara, "Did the retries make sense to you as you read them?", None)?;

    let word = Note::parse("I am new here. Ask me in the spring.")?;
    requests::decline(connection, &mei.viewer(), &declined, &word, now)?;
    let answer = Body::parse("They did: the test for the second press says it all. I would name the two seconds.")?;
    requests::answer(connection, &tomasz.viewer(), &answered, &answer, now)?;
    let target = Target { kind: Kind::Request, id: answered.to_string() };
    Ok(vec![Attached { name: "Amara Okafor", pull_request: RETRY_CARDS, target, note: "This is the one I mean." }])
}

fn set_goals(connection: &mut AnyConnection, people: &People, now: &Now) -> Result<Vec<Attached>> {
    let People { ingrid, priya, amara, tomasz, .. } = people;
    let mut set = |days_ago: i64, who: &Member, title: &str, why: &str, due_in: Option<u64>, percent: i64, is_public: bool| {
        let due_on = due_in.and_then(|days| now.at.date().checked_add_days(Days::new(days)));
        let (title, why, progress) = (Line::parse("title", title)?, Body::parse(why)?, Progress::new(percent)?);
        goals::create(
            connection,
            &who.viewer(),
            &NewGoal { title, why, due_on, progress, is_public },
            &days_before(now, days_ago),
        )
    };
    let why = "A first answer within a day keeps work small, and people talking.";
    let within_a_day = set(60, priya, "Every pull request has its first review within a day", why, Some(40), 70, true)?;
    let why = "The books of a day must hold on their own.";
    set(50, ingrid, "Close the books by eight each morning", why, Some(70), 55, true)?;
    set(20, tomasz, "Give a talk about frames at the guild", "", Some(30), 20, false)?;
    let on_call = set(80, amara, "Take the first week on call", "To know what breaks, and how it feels.", None, 100, false)?;
    let why = "I want to carry a change from the first sketch to the shopper.";
    let payments = set(40, amara, "Own the card payments from design to numbers", why, Some(25), 60, false)?;
    let change = Change { is_closed: Some(true), ..Change::default() };
    goals::change(connection, &amara.viewer(), &on_call, &change, now)?;

    let on = |id: String| Target { kind: Kind::Goal, id };
    let (mine, ours) = (on(payments.to_string()), on(within_a_day.to_string()));
    Ok(vec![
        Attached { name: "Priya Raman", pull_request: HOW_WE_REVIEW, target: ours, note: "What we agreed on." },
        Attached { name: "Amara Okafor", pull_request: RETRY_CARDS, target: mine, note: "The first one from sketch to staging." },
    ])
}

/// That many days before now, or after it when negative.
fn days_before(now: &Now, days: i64) -> Now {
    Now { at: now.plus_seconds(-days * 24 * 3600), random: now.random.clone() }
}
