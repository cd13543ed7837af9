//! The settings in every state, with markup in every text.

use askama::Template as _;

use super::{hostile, person, shell};
use crate::connections::self_test::Finding;
use crate::web::page::Time;
use crate::web::page::settings::{
    Attention, AuditPage, AuditRow, Card, CardState, Deletion, DisconnectPage, Fact, GroupChoice, Install, InstallCodePage,
    QuickAction, RefusePage, RetirePage, Scope, SettingsPage,
};

fn moment() -> Time {
    Time::Moment(chrono::NaiveDateTime::default())
}

fn finding() -> Finding {
    Finding { what: hostile(), since: None, remedy: Some(hostile()) }
}

fn card(state: CardState) -> Card {
    let attention = Attention {
        what: hostile(),
        since: Some(moment()),
        consequence: "",
        remedy: hostile(),
        leads_to_apps: true,
        apps_url: hostile(),
    };
    Card {
        id: hostile(),
        heading: hostile(),
        state,
        attention: Some(attention),
        facts: vec![
            Fact { href: Some(hostile()), after: hostile(), ..Fact::text("Door", &hostile()) },
            Fact::at("When", moment(), ""),
        ],
        scopes: vec![Scope { name: hostile(), why: "" }],
        findings: vec![finding()],
        deletion: Some(Deletion { counts: vec![(hostile(), 1)], deleted_at: moment(), proven_at: None }),
        removal: Some((hostile(), true)),
        keeps_key: false,
        is_retirable: true,
        retired: Some((hostile(), hostile(), true)),
        apps_url: hostile(),
    }
}

fn settings(cards: Vec<Card>) -> String {
    let row = AuditRow { person: Some(person()), actor: hostile(), does: hostile(), at: moment() };
    let page = SettingsPage {
        shell: shell(),
        setup: Some(finding()),
        move_to_forge: vec![hostile()],
        cards,
        quick_action: QuickAction { is_on: true, effects: vec![hostile()], state: Some(hostile()) },
        install: Install {
            heading: "Install",
            forge_link: Some(hostile()),
            connect_url: Some(hostile()),
            grant_url: Some(hostile()),
            is_registered: false,
            message: hostile(),
        },
        today: moment(),
        happened: vec![row],
    };
    page.render().unwrap()
}

fn audit() -> String {
    let page = AuditPage {
        shell: shell(),
        groups: vec![GroupChoice { word: "people", name: "People", is_chosen: true }],
        who: hostile(),
        from: hostile(),
        until: hostile(),
        problem: Some(("who", hostile())),
        is_filtered: true,
        rows: vec![AuditRow { person: None, actor: hostile(), does: hostile(), at: moment() }],
        older_href: Some(hostile()),
        is_first: false,
        newest_href: hostile(),
        export_href: hostile(),
    };
    page.render().unwrap()
}

/// Every page of the settings.
pub(super) fn pages() -> Vec<String> {
    let states = [CardState::Waiting, CardState::Connected, CardState::NeedsAttention, CardState::Disconnected];
    let disconnect = DisconnectPage {
        shell: shell(),
        name: hostile(),
        action: hostile(),
        links: 2,
        removes_itself: true,
        keeps_key: true,
        typed: hostile(),
        removes_links: true,
        problem: Some(hostile()),
    };
    vec![
        settings(states.into_iter().map(card).collect()),
        settings(Vec::new()),
        RefusePage { shell: shell(), name: hostile(), action: hostile() }.render().unwrap(),
        RetirePage { shell: shell(), name: hostile(), action: hostile() }.render().unwrap(),
        disconnect.render().unwrap(),
        InstallCodePage { shell: shell() }.render().unwrap(),
        audit(),
    ]
}
