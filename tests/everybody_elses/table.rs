//! Whose every page of the route table is, and that none is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Whose every page is. "Theirs" stands for one person's, or two people's, that nobody else may know of.
const TABLE: &str = "
anyone  GET       /sign-in
anyone  GET,POST  /sign-in/bitbucket
anyone  GET       /sign-in/bitbucket/callback
anyone  GET,POST  /sign-in/bitbucket/choose
member  GET       /sign-in/bitbucket/callback/consent
anyone  GET,POST  /sign-in/{link}
anyone  GET       /static/{hash}/{name}
member  GET       /
member  POST      /sign-out
member  GET       /profile
member  POST      /profile/code
member  POST      /profile/account/remove
member  POST      /profile/grant
member  POST      /profile/grant/end
member  POST      /profile/sessions/end-others
theirs  POST      /profile/sessions/{id}/end
member  GET,POST  /profile/tokens
theirs  GET,POST  /profile/tokens/{id}/revoke
member  GET,POST  /bitbucket/call
owners  GET,POST  /claim/{link}
owners  GET       /settings/integrations/bitbucket
owners  POST      /settings/integrations/bitbucket/quick-action
owners  GET,POST  /settings/integrations/bitbucket/install-code
owners  POST      /settings/integrations/bitbucket/installations/{id}/confirm
owners  POST      /settings/integrations/bitbucket/installations/{id}/test
owners  GET,POST  /settings/integrations/bitbucket/installations/{id}/refuse
owners  GET,POST  /settings/integrations/bitbucket/installations/{id}/disconnect
owners  POST      /settings/integrations/bitbucket/installations/{id}/remove
owners  GET,POST  /settings/integrations/bitbucket/installations/{id}/retire
owners  GET       /settings/integrations/bitbucket/identities
owners  GET       /settings/integrations/bitbucket/identities/account
owners  POST      /settings/integrations/bitbucket/identities/read
owners  POST      /settings/integrations/bitbucket/identities/bind
owners  POST      /settings/integrations/bitbucket/identities/unbind
owners  POST      /settings/integrations/bitbucket/identities/not-a-member
owners  POST      /settings/integrations/bitbucket/identities/undo
owners  GET,POST  /settings/integrations/bitbucket/changes
owners  GET       /settings/integrations/bitbucket/connections
owners  POST      /settings/integrations/bitbucket/connections/consent
owners  POST      /settings/integrations/bitbucket/connections/consumer
owners  POST      /settings/integrations/bitbucket/connections/consumer/connect
owners  GET,POST  /settings/integrations/bitbucket/connections/consumer/remove
owners  GET,POST  /settings/integrations/bitbucket/connections/token
owners  GET,POST  /settings/integrations/bitbucket/connections/{id}
owners  POST      /settings/integrations/bitbucket/connections/{id}/consent
owners  GET,POST  /settings/integrations/bitbucket/connections/{id}/workspace
owners  GET,POST  /settings/integrations/bitbucket/connections/{id}/token
owners  POST      /settings/integrations/bitbucket/connections/{id}/check
owners  POST      /settings/integrations/bitbucket/connections/{id}/hooks/rotate
owners  GET,POST  /settings/integrations/bitbucket/connections/{id}/disconnect
member  GET       /settings/integrations/bitbucket/repositories
owners  POST      /settings/integrations/bitbucket/repositories/read
owners  POST      /settings/integrations/bitbucket/repositories/choose
owners  POST      /settings/integrations/bitbucket/repositories/all
owners  POST      /settings/integrations/bitbucket/repositories/rule
member  POST      /settings/integrations/bitbucket/repositories/propose
owners  POST      /settings/integrations/bitbucket/repositories/proposals/{id}/approve
owners  POST      /settings/integrations/bitbucket/repositories/proposals/{id}/refuse
owners  GET       /settings/audit
owners  GET       /settings/audit.csv
member  GET,POST  /feedback
theirs  GET       /feedback/{id}
theirs  POST      /feedback/{id}/share
theirs  POST      /feedback/{id}/body
theirs  GET,POST  /feedback/{id}/withdraw
theirs  GET,POST  /feedback/{id}/links
theirs  POST      /feedback/{id}/links/{link}/remove
theirs  POST      /feedback/{id}/links/{link}/again
member  GET,POST  /requests
theirs  GET       /requests/{id}
theirs  POST      /requests/{id}/answer
theirs  POST      /requests/{id}/decline
theirs  POST      /requests/{id}/close
theirs  GET,POST  /requests/{id}/links
theirs  POST      /requests/{id}/links/{link}/remove
theirs  POST      /requests/{id}/links/{link}/again
member  GET,POST  /one-on-ones
theirs  GET       /one-on-ones/{id}
theirs  GET,POST  /one-on-ones/{id}/change
theirs  POST      /one-on-ones/{id}/cancel
theirs  POST      /one-on-ones/{id}/notes
theirs  POST      /one-on-ones/{id}/carry
theirs  POST      /one-on-ones/{id}/agenda
theirs  GET,POST  /one-on-ones/{id}/agenda/{item}
theirs  POST      /one-on-ones/{id}/agenda/{item}/tick
theirs  POST      /one-on-ones/{id}/agenda/{item}/remove
theirs  GET,POST  /one-on-ones/{id}/links
theirs  POST      /one-on-ones/{id}/links/{link}/remove
theirs  POST      /one-on-ones/{id}/links/{link}/again
member  GET,POST  /goals
member  GET       /goals/new
theirs  GET       /goals/{id}
theirs  GET,POST  /goals/{id}/change
theirs  POST      /goals/{id}/progress
theirs  POST      /goals/{id}/close
theirs  POST      /goals/{id}/open
theirs  GET,POST  /goals/{id}/remove
theirs  GET,POST  /goals/{id}/links
theirs  POST      /goals/{id}/links/{link}/remove
theirs  POST      /goals/{id}/links/{link}/again
member  GET       /people
owners  POST      /people
owners  GET       /people/joining/{id}
owners  POST      /people/joining/{id}/approve
owners  POST      /people/joining/{id}/refuse
owners  GET       /people/{id}
owners  POST      /people/{id}/role
owners  POST      /people/{id}/manager
owners  POST      /people/{id}/link
owners  GET,POST  /people/{id}/remove
";

/// A line of the table: whose, how, where.
pub struct Line {
    pub whose: &'static str,
    pub methods: Vec<&'static str>,
    pub path: &'static str,
}

pub fn lines() -> impl Iterator<Item = Line> {
    TABLE.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("three words");
        Line { whose: word(), methods: word().split(',').collect(), path: word() }
    })
}

#[test]
fn every_page_of_the_route_table_is_in_the_table() {
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server.rs");
    let text = fs::read_to_string(server).expect("the route table");
    let (_, pages) = text.split_once("// What people open.").expect("where pages begin");
    let (pages, _) = pages.split_once("// What programs call.").expect("where pages end");
    let mut routed: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for service in pages.split(".service(").skip(1) {
        let methods = [("GET", ".get("), ("POST", ".post(")];
        let methods: BTreeSet<&str> =
            methods.into_iter().filter(|(_, call)| service.contains(call)).map(|(name, _)| name).collect();
        for path in paths(service.trim_start()) {
            routed.entry(path).or_default().extend(&methods);
        }
    }
    let mut named: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for line in lines() {
        named.entry(line.path.to_owned()).or_default().extend(line.methods);
    }
    assert_eq!(routed, named);
}

/// The addresses that an entry of the route table is about.
fn paths(service: &str) -> Vec<String> {
    const SETTINGS: &str = "/settings/integrations/bitbucket";
    let after = |opening: &str| Some(service.strip_prefix(opening)?.split('"').next().unwrap_or_default());
    if let Some(path) = after("resource(\"") {
        return vec![path.to_owned()];
    }
    if let Some(path) = after("resource(&below(\"") {
        return vec![format!("{SETTINGS}{path}")];
    }
    if let Some(path) = after("resource(&format!(\"{IDENTITIES}") {
        return vec![format!("{SETTINGS}/identities{path}")];
    }
    if let Some(path) = after("resource(&format!(\"{REPOSITORIES}") {
        return vec![format!("{SETTINGS}/repositories{}", path.replace("{{", "{").replace("}}", "}"))];
    }
    if let Some(path) = after("one_on_one(\"") {
        return vec![format!("/one-on-ones/{{id}}{path}")];
    }
    if let Some(path) = after("conversation(\"") {
        return ["feedback", "one-on-ones", "requests", "goals"].map(|place| format!("/{place}/{{id}}{path}")).into();
    }
    match service.split(')').next() {
        Some("resource(settings::PATH") => vec![SETTINGS.to_owned()],
        Some("resource(REPOSITORIES") => vec![format!("{SETTINGS}/repositories")],
        Some("resource(IDENTITIES") => vec![format!("{SETTINGS}/identities")],
        _ => panic!("whose address is this? {service}"),
    }
}
