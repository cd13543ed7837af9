//! What a connection's card says of its webhooks: how it hears of changes and why so, what stands in the way, and what became of them.

use crate::config::Config;
use crate::connections::attention::remedy_of_code;
use crate::connections::grants::{Connection, State};
use crate::connections::hooks::farewell::Farewell;
use crate::connections::hooks::{self, Listening, Way};
use crate::connections::purposes::Purpose;
use crate::connections::scopes;
use crate::web::page::Time;
use crate::web::page::connections::Remark;
use crate::web::page::settings::Fact;

/// How it hears of changes.
pub(super) fn facts(connection: &Connection, listening: &Listening) -> Vec<Fact> {
    let mut facts = vec![Fact::text("Hears of changes", &way(connection, listening))];
    facts.extend(listening.delivered_at.map(|at| Fact::at("Last webhook", Time::Moment(at), "")));
    facts.extend(listening.secret_made_at.map(|at| Fact::at("Webhook secrets made", Time::Moment(at), &untold(listening))));
    facts
}

fn way(connection: &Connection, listening: &Listening) -> String {
    if connection.state == State::Displaced {
        return "Not at all: nothing is read with it any more".to_owned();
    }
    if !connection.serves(Purpose::ReadingActivity) {
        return "Not at all: it does not serve reading activity".to_owned();
    }
    if !scopes::may_hook(connection.scopes.as_deref()) {
        let former = match listening.all() {
            0 => String::new(),
            all => format!(". {} that a former token made can no longer be checked", count(all, "webhook")),
        };
        return format!("By asking regularly: it lacks the scope webhook, which is fine{former}");
    }
    let made = listening.working + listening.untold;
    match listening.way {
        Way::Workspace if made > 0 => "By a webhook of the whole workspace".to_owned(),
        Way::Repositories if made > 0 && made == listening.all() => {
            format!("By webhooks in {}", count(made, "chosen repository"))
        }
        Way::Repositories if made > 0 => {
            format!("By webhooks in {made} of {} chosen repositories; it asks for the others", listening.all())
        }
        Way::Repositories if listening.all() > 0 => "By asking regularly: no webhook can be made".to_owned(),
        Way::Repositories => "By asking regularly: it does not administer the workspace, and no repository is chosen".to_owned(),
        Way::Polling | Way::Workspace => match listening.code.as_deref() {
            Some("bitbucket_missing_scopes") => "By asking regularly: it lacks the scope webhook, which is fine".to_owned(),
            _ => "By asking regularly: no webhook can be made".to_owned(),
        },
        Way::Unknown => "By asking regularly, until webhooks are made in a minute".to_owned(),
    }
}

fn untold(listening: &Listening) -> String {
    match listening.untold {
        0 => String::new(),
        some => format!("; Bitbucket is yet to be told of {}", count(some, "one")),
    }
}

/// Why webhooks cannot be made or checked, each reason with what to do.
pub(super) fn troubles(listening: &Listening) -> Vec<String> {
    let whole = listening.code.as_deref().filter(|code| *code != "bitbucket_missing_scopes").map(remedy_of_code);
    let of_each = listening.failing.iter().map(|(code, count_of)| {
        let which = if *count_of == 1 { "One webhook" } else { "Several webhooks" };
        format!("{which} ({count_of}) cannot be made or checked. {}", remedy_of_code(code))
    });
    whole.into_iter().chain(of_each).collect()
}

/// What became of the webhooks of an ended connection, or what is being done.
pub(super) fn farewell(connection: &Connection, leaving: i64, config: &Config) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let Farewell { hooks_removed, hooks_left, code } = Farewell::of(connection.ending.as_deref()).unwrap_or_default();
    if hooks_removed > 0 {
        let words = format!("{} removed", count(hooks_removed, "webhook"));
        remarks.push(Remark { icon: "success", class: "is-good", words });
    }
    if leaving > 0 {
        let words = format!(
            "{} to be removed: within a minute where Bitbucket answers, within an hour at most",
            count(leaving, "webhook")
        );
        remarks.push(Remark { icon: "wait", class: "", words });
    }
    if hooks_left > 0 {
        let address = hooks::address(config, &connection.id);
        let words = format!(
            "{} could not be removed: {}. A Bitbucket admin deletes what is left under Workspace settings > Webhooks, or Repository \
             settings > Webhooks of each chosen repository: it delivers to {address}. Nothing that it delivers is taken any more.",
            count(hooks_left, "webhook"),
            why_left(code.as_deref().unwrap_or_default())
        );
        remarks.push(Remark { icon: "danger", class: "is-bad", words });
    }
    remarks
}

/// Why webhooks are left, by the stable code of the failure.
fn why_left(code: &str) -> &'static str {
    match code {
        "bitbucket_down" | "bitbucket_rate_limited" | "bitbucket_malformed" => {
            "Bitbucket did not answer as it should for an hour"
        }
        "bitbucket_not_authorised" | "bitbucket_grant_ended" => "Bitbucket takes its credential no more",
        "bitbucket_missing_scopes" => "its credential lacks the scope webhook",
        _ => "Bitbucket does not let its credential remove them",
    }
}

/// What becomes of the secrets of an ended connection.
pub(super) fn fate_of_secrets(leaving: i64) -> &'static str {
    if leaving > 0 { "Its secrets are deleted here with the last of its webhooks." } else { "Its secrets are deleted here." }
}

fn count(number: i64, noun: &str) -> String {
    match (number, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_what_they_count() {
        assert_eq!(count(1, "chosen repository"), "1 chosen repository");
        assert_eq!(count(3, "chosen repository"), "3 chosen repositories");
        assert_eq!(count(2, "webhook"), "2 webhooks");
    }
}
