//! What must be true of every page.

mod of_settings;

use super::*;

const HOSTILE: &str = "\"><script>alert('x')</script>";

fn hostile() -> String {
    HOSTILE.to_owned()
}

fn person() -> Person {
    Person { name: hostile(), initials: hostile(), face: 1, email: hostile() }
}

fn shell() -> Shell {
    let banner = Banner { tone: Tone::Info, strong: hostile(), text: hostile() };
    Shell {
        workspace: hostile(),
        member: person(),
        is_owner: true,
        csrf: "anti-forgery".to_owned(),
        place: Place::Home,
        banner: Some(banner),
        days_are_utc: true,
    }
}

fn pull_request(known: Known) -> PullRequest {
    let url = format!("https://bitbucket.org/{HOSTILE}");
    let attached_at = day();
    PullRequest { url, known, remark: None, attached_by: hostile(), attached_at, note: hostile(), detach_action: Some(hostile()) }
}

fn day() -> Time {
    Time::Day(chrono::NaiveDateTime::default())
}

fn person_field() -> PersonField {
    PersonField {
        name: "about",
        label: "About whom",
        nobody: "Choose a person",
        is_required: true,
        people: Some(vec![(hostile(), hostile())]),
        sent: hostile(),
        wrong: Some(hostile()),
    }
}

fn pull_requests(rows: Vec<PullRequest>) -> PullRequests {
    let wrong = Some(WrongLink::Url(hostile()));
    PullRequests {
        rows,
        newest_href: Some(hostile()),
        older_href: Some(hostile()),
        said: Some(Said::Detached { url: hostile(), action: hostile() }),
        attach: Some(AttachForm { action: hostile(), example: hostile(), url: hostile(), note: hostile(), wrong }),
    }
}

fn at() -> chrono::NaiveDateTime {
    chrono::DateTime::UNIX_EPOCH.naive_utc()
}

fn token() -> TokenRow {
    TokenRow {
        id: hostile(),
        name: hostile(),
        scopes: hostile(),
        made: Time::Day(at()),
        ends: Some(Time::Day(at())),
        has_ended: true,
        last_used: None,
    }
}

fn people_pages() -> Vec<String> {
    let link = || Some(SignInLink { name: hostile(), happened: hostile(), url: hostile() });
    let form = || MemberForm { name: hostile(), email: hostile(), is_owner: true, wrong: Wrong::new("name", hostile()) };
    let waiting = || WaitingRow {
        href: hostile(),
        name: hostile(),
        email: hostile(),
        account: hostile(),
        pull_request: Address(format!("https://bitbucket.org/{HOSTILE}")),
        asked: Time::Moment(chrono::NaiveDateTime::MIN),
    };
    let field = |name, people| PersonField {
        name,
        label: "Who",
        nobody: "Nobody",
        is_required: false,
        people,
        sent: hostile(),
        wrong: Some(hostile()),
    };
    let row = ColleagueRow { person: person(), href: Some(hostile()), is_owner: true, is_you: true, manager: Some(hostile()) };
    let owner = OwnersPart { waiting: vec![waiting()], waiting_count: 1, invited: link(), form: form() };
    let people = PeoplePage {
        shell: shell(),
        find: hostile(),
        members: vec![row],
        next: Some(hostile()),
        is_later_page: true,
        owner: Some(owner),
    };
    let member = MemberPage {
        has_signed_in: false,
        shell: shell(),
        person: person(),
        href: hostile(),
        is_owner: true,
        is_you: false,
        account: hostile(),
        joined: Time::Day(chrono::NaiveDateTime::MIN),
        manager: field("manager", Some(vec![(hostile(), hostile())])),
        link: link(),
        wrong: Wrong::new("role", hostile()),
    };
    let remove = RemoveMemberPage {
        shell: shell(),
        name: hostile(),
        href: hostile(),
        is_you: true,
        open: Some(hostile()),
        successor: field("hand_over_to", None),
        wrong: Wrong::new("role", hostile()),
    };
    let joining = JoinRequestPage { shell: shell(), request: waiting(), form: form(), known: Some(hostile()) };
    [people.render(), member.render(), remove.render(), joining.render()].map(Result::unwrap).into()
}

fn wrong(field: &'static str) -> WrongField {
    WrongField::new(field, hostile())
}

fn shared_work(unlinked: Option<Unlinked>) -> SharedWorkCard {
    let row = SharedRow {
        id: hostile(),
        url: format!("https://bitbucket.org/{HOSTILE}"),
        title: Some(hostile()),
        state: PullRequestState::Merged,
        place: Some(hostile()),
        parts: hostile(),
        is_attached: false,
    };
    SharedWorkCard {
        with: hostile(),
        unlinked,
        rows: vec![row],
        newest_href: Some(hostile()),
        older_href: Some(hostile()),
        attach_action: Some(hostile()),
    }
}

fn one_on_one(can_tick: bool) -> OneOnOnePage {
    let other = || Some(OtherDay { href: hostile(), day: hostile() });
    let item = AgendaRow {
        id: hostile(),
        body: hostile(),
        added_by: hostile(),
        is_done: false,
        can_tick,
        carried_from: Some(hostile()),
        carried_to: other(),
        is_own: true,
    };
    OneOnOnePage {
        shell: shell(),
        href: hostile(),
        with: hostile(),
        held_on: day(),
        when: hostile(),
        is_ahead: can_tick,
        previous: other(),
        next: other(),
        agenda: vec![item],
        open: 1,
        can_carry: true,
        added: hostile(),
        notes: hostile(),
        wrong: wrong(if can_tick { "body" } else { "notes" }),
        pull_requests: pull_requests(vec![]),
        shared_work: shared_work((!can_tick).then_some(Unlinked::Them)),
    }
}

fn one_on_ones() -> OneOnOneList {
    let held_on = day();
    let row = OneOnOneRow { href: hostile(), person: person(), held_on, when: hostile() };
    OneOnOneList {
        shell: shell(),
        sections: vec![OneOnOneSection { id: "coming", heading: "Coming", rows: vec![row], more_href: Some(hostile()) }],
        is_later_page: true,
        plan: PlanForm { person: person_field(), held_on: hostile(), wrong: wrong("held_on") },
    }
}

fn goal(is_own: bool) -> GoalPage {
    GoalPage {
        shell: shell(),
        href: hostile(),
        title: hostile(),
        owner: hostile(),
        why: hostile(),
        progress: 40,
        due_on: Some(day()),
        is_overdue: true,
        set_on: day(),
        closed_on: (!is_own).then(day),
        is_public: false,
        readers: vec![Reader { person: person(), why: hostile() }],
        is_own,
        typed_progress: hostile(),
        wrong: wrong("progress"),
        pull_requests: pull_requests(vec![]),
    }
}

fn goals() -> GoalList {
    let row = GoalRow {
        href: hostile(),
        title: hostile(),
        owner: Some(hostile()),
        progress: 40,
        due_on: Some(day()),
        is_overdue: false,
        is_public: true,
    };
    let section = GoalSection { id: "yours", heading: "Yours", rows: vec![row], more_href: Some(hostile()) };
    GoalList { shell: shell(), are_closed: false, sections: vec![section], is_later_page: true }
}

fn goal_form(field: &'static str) -> GoalForm {
    GoalForm {
        shell: shell(),
        href: (field == "title").then(hostile),
        title: hostile(),
        why: hostile(),
        due_on: hostile(),
        progress: hostile(),
        is_public: true,
        wrong: wrong(field),
    }
}

fn pages() -> Vec<String> {
    let aligned = Account::Aligned { account: hostile(), by: hostile() };
    let code = Some(LinkCode { code: hostile(), until: Time::Moment(at()) });
    let session = SessionRow { id: hostile(), browser: hostile(), since: Time::Moment(at()), is_this: false };
    let made = Some(MadeToken { name: hostile(), secret: hostile() });
    let form = TokenForm {
        name: hostile(),
        wrong_name: Some(hostile()),
        scopes: vec![ScopeChoice { word: "read", meaning: "read", is_chosen: true }],
        wrong_scopes: Some(hostile()),
        lifetimes: vec![LifetimeChoice { value: "30", label: "After 30 days", is_chosen: true }],
        wrong_lifetime: Some(hostile()),
    };
    let choice = WorkspaceChoice { workspace: hostile(), person: person(), member: hostile() };
    let details = Known::Details { title: hostile(), state: PullRequestState::Open, facts: vec![hostile()] };
    let row = FeedbackRow { href: hostile(), title: hostile(), shared_at: None, begun_at: day(), seen_by: hostile() };
    let (older_href, newest_href) = (Some(hostile()), Some(hostile()));
    let section = FeedbackSection { id: "drafts", heading: "Your drafts", rows: vec![row], older_href, newest_href };
    let feedback = FeedbackPage {
        shell: shell(),
        title: hostile(),
        author: hostile(),
        begun_at: day(),
        shared_at: Some(day()),
        body: hostile(),
        edit: Some(EditFeedback { action: hostile(), wrong: Some(hostile()), withdraw_href: hostile() }),
        unsaved: Some(hostile()),
        readers: vec![Reader { person: person(), why: hostile() }],
        share: Some(Share {
            action: hostile(),
            subject: hostile(),
            is_shared: false,
            manager: Some((hostile(), hostile())),
            is_manager_chosen: true,
            wrong: Some(hostile()),
        }),
        pull_requests: pull_requests(vec![pull_request(details), pull_request(Known::AddressOnly)]),
        shared_work: Some(shared_work(None)),
    };
    let links = ConversationLinksPage {
        shell: shell(),
        list: hostile(),
        list_href: hostile(),
        title: hostile(),
        href: hostile(),
        pull_requests: pull_requests(vec![pull_request(Known::AddressOnly)]),
    };
    let field = Field { name: hostile(), kind: hostile(), is_required: true, meaning: hostile() };
    let tables = vec![FieldTable { heading: hostile(), fields: vec![field] }];
    let operations = vec![Operation { method: hostile(), summary: hostile(), scope: hostile(), tables }];
    let (href, with) = (hostile(), hostile());
    let change = OneOnOneChangePage { shell: shell(), href, with, held_on: hostile(), wrong: wrong("held_on") };
    let (href, with, id) = (hostile(), hostile(), hostile());
    let item = AgendaItemPage { shell: shell(), href, with, id, body: hostile(), wrong: wrong("body") };
    let button = Some(Button { href: hostile(), label: hostile() });
    let standing = || Standing { word: "Due", on: Some(day()), tone: "quiet" };
    let row = RequestRow { href: hostile(), title: hostile(), asked_at: day(), standing: standing() };
    let (more_href, whole_href) = (Some(hostile()), Some(hostile()));
    let section_of_requests = RequestSection { id: "done", heading: "Done", rows: vec![row], more_href, whole_href };
    let ask = AskForm {
        asked: person_field(),
        about: person_field(),
        question: hostile(),
        wrong_question: Some(hostile()),
        due_on: hostile(),
        wrong_due_on: Some(hostile()),
    };
    let request = RequestPage {
        shell: shell(),
        title: hostile(),
        asker: hostile(),
        asked_at: day(),
        standing: standing(),
        question: hostile(),
        answer: Some(Answer { heading: hostile(), text: hostile() }),
        decide: Some(Decide {
            answer_action: hostile(),
            body: hostile(),
            wrong_body: Some(hostile()),
            decline_action: hostile(),
            word: hostile(),
            wrong_word: Some(hostile()),
        }),
        close_action: Some(hostile()),
        unsaved: Some(hostile()),
        readers: vec![Reader { person: person(), why: hostile() }],
        pull_requests: pull_requests(vec![]),
    };
    let home = HomePage {
        shell: shell(),
        today: day(),
        owner: Some(OwnerTasks {
            is_unconnected: true,
            waiting: vec![hostile()],
            attention: vec![(hostile(), hostile())],
            joining: vec![hostile()],
            has_more_joining: true,
            proposals: 2,
        }),
        bitbucket_linked: false,
        to_answer: vec![RequestRow { href: hostile(), title: hostile(), asked_at: day(), standing: standing() }],
        to_answer_count: 2,
        meetings: vec![MeetingRow { href: hostile(), with: hostile(), on: day(), distance: hostile() }],
        drafts: vec![],
        has_more_drafts: false,
        attached: vec![AttachedRow { name: hostile(), href: hostile(), icon: "goal", place: "to a goal", at: day() }],
        bitbucket_href: hostile(),
    };
    [
        RequestList { shell: shell(), sections: vec![section_of_requests], form: ask }.render(),
        request.render(),
        home.render(),
        ErrorPage { sentence: hostile(), next_step: hostile(), button, request_id: hostile() }.render(),
        ProfilePage {
            shell: shell(),
            role: hostile(),
            account: aligned,
            has_bitbucket: true,
            code,
            sessions: vec![session],
            tokens: 1,
            grants: vec![OwnGrant {
                word: "agents",
                name: "Reading",
                what: "",
                asked: hostile(),
                is_given: true,
                is_well: false,
                since: Some(day()),
                scopes: hostile(),
            }],
        }
        .render(),
        TokensPage { shell: shell(), made, form, tokens: vec![token()] }.render(),
        RevokeTokenPage { shell: shell(), token: token() }.render(),
        ChooseWorkspacePage { choices: vec![choice], csrf: "anti-forgery".to_owned() }.render(),
        ToBitbucketPage { address: hostile() }.render(),
        SignInPage { problem: Some(Problem { sentence: hostile(), next_step: hostile() }), has_bitbucket: false }.render(),
        FeedbackList { shell: shell(), sections: vec![section], about: person_field() }.render(),
        WithdrawFeedback { shell: shell(), subject: hostile(), href: hostile(), links: Some(hostile()) }.render(),
        feedback.render(),
        one_on_ones().render(),
        one_on_one(true).render(),
        one_on_one(false).render(),
        change.render(),
        item.render(),
        goals().render(),
        goal(true).render(),
        goal(false).render(),
        goal_form("title").render(),
        goal_form("due_on").render(),
        GoalRemovePage { shell: shell(), href: hostile(), title: hostile() }.render(),
        links.render(),
        ApiPage { document_href: hostile(), paths: vec![Path { path: hostile(), operations }] }.render(),
        OneTimeLinkPage { workspace: hostile(), person: person(), action: hostile(), csrf: "anti-forgery".to_owned() }.render(),
    ]
    .map(Result::unwrap)
    .into_iter()
    .chain(of_settings::pages())
    .collect()
}

#[test]
fn html_in_any_text_is_escaped_on_every_page() {
    for html in pages().into_iter().chain(people_pages()) {
        assert!(html.contains("&#60;script&#62;"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
    }
}

#[test]
fn every_form_carries_the_anti_forgery_value() {
    for html in pages().into_iter().chain(people_pages()) {
        let forms = html.matches(r#"method="post""#).count();
        assert_eq!(html.matches(r#"name="csrf" value="anti-forgery""#).count(), forms, "{html}");
    }
}

#[test]
fn no_page_has_inline_style_or_script() {
    for html in pages().into_iter().chain(people_pages()) {
        assert!(!html.contains("style=") && !html.contains("<style") && !html.contains("onclick"), "{html}");
    }
}
