//! The rule under a simulated clock.

use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1000;

fn limits(remaining: u32, reset_seconds: u32) -> Limits {
    Limits { remaining: Some(remaining), reset_seconds: Some(reset_seconds), ..Limits::default() }
}

/// The most calls that fall into any rolling hour.
fn busiest_hour(calls: &[i64]) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (index, at) in calls.iter().enumerate() {
        while calls[first] + HOUR <= *at {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    most
}

/// Makes `count` background calls that take 150 milliseconds each, waiting whenever the rule says so; where `person` says so,
/// somebody asks in between, and must never wait.
fn page_through(count: usize, budget: &mut Budget, mut person: impl FnMut(usize) -> bool) -> (Vec<i64>, Vec<i64>) {
    let (mut at, mut all, mut background) = (0, Vec::new(), Vec::new());
    while background.len() < count {
        if person(all.len()) {
            assert_eq!(budget.take(Urgency::Person, at), Verdict::Go, "a person waits after {} calls", all.len());
            all.push(at);
        }
        match budget.take(Urgency::Background, at) {
            Verdict::Go => {
                all.push(at);
                background.push(at);
                at += 150;
            }
            Verdict::Wait { milliseconds } => {
                assert!(milliseconds > 0);
                at += milliseconds;
            }
        }
    }
    (all, background)
}

#[test]
fn a_workspace_of_5000_repositories_and_50000_pull_requests_pages_through_without_a_burst_above_the_budget() {
    // 50 pages of repositories, 1,000 pages of pull requests in 5,000 lists of at least one page, then activity and diffstat (two
    // requests, as it redirects) of each pull request that is read in detail: a tenth.
    let calls = 50 + 5_000 + 5_000 * 3;
    let mut budget = Budget::new(Resource::Data);
    let (all, background) = page_through(calls, &mut budget, |_| false);
    assert_eq!(background.len(), calls);
    assert_eq!(busiest_hour(&all), 800, "the whole share of the background is used, and no more");
    let hours = background.last().unwrap() / HOUR;
    assert_eq!(hours, i64::try_from((calls - 1) / 800).unwrap(), "and no time is lost");
}

#[test]
fn people_never_wait_for_the_background() {
    let mut budget = Budget::new(Resource::Data);
    let (all, _) = page_through(4_000, &mut budget, |calls| calls % 10 == 9);
    assert!(busiest_hour(&all) <= 1_000, "{}", busiest_hour(&all));
}

#[test]
fn whoever_uses_the_whole_budget_waits_until_the_first_call_is_an_hour_old() {
    let mut budget = Budget::new(Resource::Webhooks);
    for call in 0..1_000 {
        assert_eq!(budget.take(Urgency::Person, call * SECOND), Verdict::Go);
    }
    assert_eq!(budget.left(1_000 * SECOND), 0);
    assert_eq!(budget.take(Urgency::Person, 1_000 * SECOND), Verdict::Wait { milliseconds: HOUR - 1_000 * SECOND });
    assert_eq!(budget.take(Urgency::Person, HOUR), Verdict::Go);
}

#[test]
fn a_429_closes_the_budget_for_as_long_as_it_says_or_for_a_minute_and_more_each_time() {
    let mut budget = Budget::new(Resource::Data);
    assert_eq!(budget.refused(Some(300), 255, 0), 300);
    assert_eq!(budget.take(Urgency::Person, 299 * SECOND), Verdict::Wait { milliseconds: SECOND });
    assert_eq!(budget.take(Urgency::Person, 300 * SECOND), Verdict::Go);
    budget.answered(&Limits::default(), 300 * SECOND);

    let mut at = 1000 * SECOND;
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let pause = budget.refused(None, 0, at);
        assert_eq!(budget.refused(None, 0, at), pause, "calls refused together are one refusal");
        pauses.push(pause);
        at += i64::from(pause) * SECOND;
    }
    assert_eq!(pauses, [60, 120, 240, 480, 900, 900]);
    budget.answered(&Limits::default(), at);
    assert_eq!(budget.refused(None, 255, at), 89, "an answer begins anew, and jitter only makes it longer");
    assert_eq!(budget.left(at), 0);
}

#[test]
fn what_bitbucket_says_is_left_counts_until_its_time_is_over() {
    let mut budget = Budget::new(Resource::Data);
    budget.answered(&limits(201, 60), 0);
    assert_eq!(budget.take(Urgency::Background, 0), Verdict::Go);
    assert_eq!(budget.take(Urgency::Background, 0), Verdict::Wait { milliseconds: 60 * SECOND }, "the rest is for people");
    for _ in 0..200 {
        assert_eq!(budget.take(Urgency::Person, 0), Verdict::Go);
    }
    assert_eq!(budget.left(0), 0);
    assert_eq!(budget.take(Urgency::Person, SECOND), Verdict::Wait { milliseconds: 59 * SECOND });
    assert_eq!(budget.take(Urgency::Person, 60 * SECOND), Verdict::Go);
}

#[test]
fn near_its_limit_the_background_keeps_its_distance_until_that_is_over() {
    let mut budget = Budget::new(Resource::Data);
    assert_eq!(budget.take(Urgency::Background, 0), Verdict::Go);
    budget.answered(&Limits { is_near: Some(true), ..Limits::default() }, 0);
    assert_eq!(budget.take(Urgency::Background, SECOND), Verdict::Wait { milliseconds: 59 * SECOND });
    assert_eq!(budget.take(Urgency::Person, SECOND), Verdict::Go);
    budget.answered(&Limits { is_near: Some(false), ..Limits::default() }, SECOND);
    assert_eq!(budget.take(Urgency::Background, SECOND), Verdict::Go);
}

#[test]
fn a_scaled_limit_is_used() {
    let mut budget = Budget::new(Resource::Data);
    budget.answered(&Limits { per_hour: Some(10_000), ..Limits::default() }, 0);
    assert_eq!(budget.left(0), 10_000);
    let (all, _) = page_through(9_000, &mut budget, |_| false);
    assert_eq!(busiest_hour(&all), 8_000);
}

#[test]
fn what_a_path_counts_against_is_told_by_the_path() {
    for (path, resource) in [
        ("/2.0/repositories/w/r/src/abc/README.md", Resource::RawFiles),
        ("/2.0/repositories/w/r/src/abc/README.md?format=meta", Resource::Data),
        ("/2.0/repositories/w/r/src/abc/docs/?max_depth=2", Resource::Data),
        ("/2.0/repositories/w/r/src", Resource::Data),
        ("/2.0/repositories/w/r/hooks", Resource::Webhooks),
        ("/2.0/workspaces/w/hooks/%7Bx%7D", Resource::Webhooks),
        ("/2.0/repositories/w/hooks", Resource::Data),
        ("/2.0/user", Resource::Data),
    ] {
        assert_eq!(Resource::of_target(path), resource, "{path}");
    }
}

proptest! {
    /// Whatever comes in whatever order, clocks set back included: no rolling hour holds more calls than the budget.
    #[test]
    fn no_hour_is_ever_overdrawn(steps in proptest::collection::vec((any::<bool>(), 0_i64..600_000), 1..400)) {
        let mut budget = Budget::new(Resource::Data);
        budget.per_hour = 20;
        let (mut at, mut calls) = (0, Vec::new());
        for (is_person, pause) in steps {
            at += pause;
            let urgency = if is_person { Urgency::Person } else { Urgency::Background };
            if budget.take(urgency, at) == Verdict::Go {
                calls.push(at);
            }
        }
        prop_assert!(busiest_hour(&calls) <= 20);
    }

    /// Whoever waits as long as the rule says may go then.
    #[test]
    fn a_wait_is_never_too_short(count in 1_usize..60, pause in 0_i64..400_000) {
        let mut budget = Budget::new(Resource::Data);
        budget.per_hour = 20;
        let mut at = 0;
        for _ in 0..count {
            at += pause;
            if let Verdict::Wait { milliseconds } = budget.take(Urgency::Background, at) {
                at += milliseconds;
                prop_assert_eq!(budget.take(Urgency::Background, at), Verdict::Go);
            }
        }
    }
}
