//! `/requests` and `/requests/{id}`: requests for feedback, their answers and their pull requests.

use askama::Template;

use super::{PersonField, PullRequests, Reader, Shell, Time};

/// `/requests`: what waits, or one part of what there is.
#[derive(Template)]
#[template(path = "web/request_list.html")]
pub struct RequestList {
    /// What stands around it.
    pub shell: Shell,
    /// The parts that are not empty.
    pub sections: Vec<RequestSection>,
    /// The form that asks.
    pub form: AskForm,
}

/// A part of the list.
pub struct RequestSection {
    /// Names it in the page.
    pub id: &'static str,
    /// "To answer".
    pub heading: &'static str,
    /// Its first requests, or a later page of them.
    pub rows: Vec<RequestRow>,
    /// Where the next page is.
    pub more_href: Option<String>,
    /// Where the whole list is, when this is a later page.
    pub whole_href: Option<String>,
}

/// A request in a list: people and dates, never a text.
pub struct RequestRow {
    /// The path of its page.
    pub href: String,
    /// "Tomasz Zieliński asks about Priya Raman".
    pub title: String,
    /// When it was asked.
    pub asked_at: Time,
    /// How far it is.
    pub standing: Standing,
}

/// How far a request is, in a lozenge; a word followed by a day.
pub struct Standing {
    /// "Due", "Overdue", "Answered"; empty for an open one without a day.
    pub word: &'static str,
    /// The day that follows.
    pub on: Option<Time>,
    /// The class of the lozenge, after `is-`.
    pub tone: &'static str,
}

/// The form that asks for feedback; it posts `asked`, `about`, `question` and `due_on` to `/requests`.
pub struct AskForm {
    /// Who is asked.
    pub asked: PersonField,
    /// About whom.
    pub about: PersonField,
    /// What was typed.
    pub question: String,
    /// What is wrong with it.
    pub wrong_question: Option<String>,
    /// What was chosen.
    pub due_on: String,
    /// What is wrong with it.
    pub wrong_due_on: Option<String>,
}

/// `/requests/{id}`.
#[derive(Template)]
#[template(path = "web/request.html")]
pub struct RequestPage {
    /// What stands around it.
    pub shell: Shell,
    /// "Tomasz Zieliński asks about Priya Raman".
    pub title: String,
    /// Who asks.
    pub asker: String,
    /// When it was asked.
    pub asked_at: Time,
    /// How far it is.
    pub standing: Standing,
    /// What is asked.
    pub question: String,
    /// What was answered, or said when it was declined.
    pub answer: Option<Answer>,
    /// How whoever was asked decides, while it is open.
    pub decide: Option<Decide>,
    /// Where whoever asked closes it, while it is open.
    pub close_action: Option<String>,
    /// A text that could not be saved, because the request was over.
    pub unsaved: Option<String>,
    /// Who may see it.
    pub readers: Vec<Reader>,
    /// What is attached to it.
    pub pull_requests: PullRequests,
}

/// What whoever was asked said.
pub struct Answer {
    /// "Priya Raman answered", "You declined".
    pub heading: String,
    /// The words; empty when it was declined without.
    pub text: String,
}

/// The forms that answer, as `body`, and decline, as `word`.
pub struct Decide {
    /// Where the answer is posted to.
    pub answer_action: String,
    /// What was typed.
    pub body: String,
    /// What is wrong with it.
    pub wrong_body: Option<String>,
    /// Where the word is posted to.
    pub decline_action: String,
    /// What was typed.
    pub word: String,
    /// What is wrong with it.
    pub wrong_word: Option<String>,
}
