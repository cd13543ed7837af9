//! Answers in the shapes they really come in.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[test]
fn a_page_needs_values_and_next_only_and_null_is_as_good_as_missing() {
    for value in [json!({}), json!({"values": null, "next": null}), json!({"values": [null]})] {
        let page: Page<User> = read(value);
        assert!(page.values.is_empty() && page.next.is_none() && page.size.is_none());
    }
    let page: Page<User> =
        read(json!({"size": 3, "page": 1, "pagelen": 2, "next": "https://x/2.0/y?page=2", "values": [{}, {}]}));
    assert_eq!((page.values.len(), page.size, page.pagelen), (2, Some(3), Some(2)));
}

#[test]
fn an_empty_repository_has_no_main_branch() {
    let repository: Repository = read(json!({
        "uuid": "{21fa9bf8-b5b2-4891-97ed-d590bad0f871}", "full_name": "lumenpay/ledger", "mainbranch": null, "is_private": true,
        "project": {"key": "LED", "uuid": "not a uuid"}, "parent": null, "updated_on": "2026-10-07T18:39:55.551762+00:00"
    }));
    assert!(repository.mainbranch.is_none() && repository.uuid.is_some() && repository.slug.is_none());
    assert_eq!(repository.updated_on.unwrap().timestamp_subsec_micros(), 551_762);
    assert_eq!(repository.project.unwrap().uuid, None);
}

#[test]
fn a_pull_request_of_a_deleted_fork_and_account_is_read() {
    let pull_request: PullRequest = read(json!({
        "id": 87, "title": "t", "state": "MERGED", "author": null, "closed_by": null, "reviewers": [],
        "source": {"repository": null, "branch": {"name": "feature/x"}, "commit": null},
        "destination": {"repository": {"full_name": "a/b"}, "commit": {"hash": "9f733b96b98a", "type": "commit"}},
        "merge_commit": {"hash": "9f733b96b98a", "date": "2026-10-07T18:39:55+00:00"},
        "participants": [{"user": null, "role": "REVIEWER", "approved": null, "state": null, "participated_on": null}]
    }));
    let source = pull_request.source.unwrap();
    assert!(
        source.repository.is_none() && source.commit.is_none() && source.branch.unwrap().name.as_deref() == Some("feature/x")
    );
    assert!(!pull_request.participants.unwrap()[0].approved && pull_request.draft.is_none());
    assert!(pull_request.merge_commit.unwrap().date.is_some());
}

#[test]
fn each_kind_of_activity_is_told_and_one_that_is_yet_to_come_is_none() {
    let entries: Page<Activity> = read(json!({"values": [
        {"pull_request": {"id": 1}, "update": {"state": "MERGED", "date": "2026-10-07T18:39:55+00:00", "changes": {"status": {"new": "x"}}}},
        {"pull_request": {"id": 1}, "approval": {"date": "2026-10-07T18:39:55+00:00", "user": {"account_id": "a"}}},
        {"pull_request": {"id": 1}, "changes_requested": {"date": null, "user": null}},
        {"pull_request": {"id": 1}, "changes_request": {"date": "2026-10-07T18:39:55Z"}},
        {"pull_request": {"id": 1}, "comment": {"id": 5, "content": {"raw": "hello"}, "deleted": false}},
        {"pull_request": {"id": 1}, "teleport": {}}
    ]}));
    let kinds = entries.values.iter().map(|entry| {
        (entry.update.is_some(), entry.approval.is_some(), entry.changes_requested.is_some(), entry.comment.is_some())
    });
    let (no, kinds) = (false, kinds.collect::<Vec<_>>());
    assert_eq!(kinds[..3], [(true, no, no, no), (no, true, no, no), (no, no, true, no)]);
    assert_eq!(kinds[3..], [(no, no, true, no), (no, no, no, true), (no, no, no, no)]);
}

#[test]
fn a_pipelines_times_have_five_digits_and_words_that_are_unknown_are_kept() {
    let pipeline: Pipeline = read(json!({
        "uuid": "{21fa9bf8-b5b2-4891-97ed-d590bad0f871}", "build_number": 4, "creator": null,
        "target": {"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main", "commit": {"hash": "a"}},
        "trigger": {"name": "PUSH", "type": "pipeline_trigger_push"},
        "state": {"name": "COMPLETED", "type": "pipeline_state_completed", "result": {"name": "EVAPORATED"}},
        "created_on": "2023-02-20T08:58:19.14397Z", "completed_on": null, "build_seconds_used": 14
    }));
    assert_eq!(pipeline.created_on.unwrap().timestamp_subsec_micros(), 143_970);
    assert_eq!((pipeline.ran.build_seconds_used, pipeline.ran.completed_on), (Some(14), None));
    assert_eq!(pipeline.state.unwrap().result.unwrap().name.as_deref(), Some("EVAPORATED"));
}

#[test]
fn a_change_of_a_file_may_lack_one_side_and_its_counts() {
    let page: Page<FileChange> = read(json!({"values": [
        {"type": "diffstat", "status": "added", "lines_added": 3, "lines_removed": 0, "old": null, "new": {"path": "a"}},
        {"type": "diffstat", "status": "merge conflict", "lines_added": null, "old": {"path": "b"}}
    ]}));
    assert_eq!((page.values[0].lines_added, page.values[1].lines_added), (3, 0));
    assert!(page.values[0].old.is_none() && page.values[1].new.is_none());
}

#[test]
fn only_a_file_that_bitbucket_has_itself_is_text() {
    let entry =
        |kind: &str, attributes: &[&str]| read::<SourceEntry>(json!({"type": kind, "path": "p", "attributes": attributes}));
    assert!(entry("commit_file", &["executable"]).is_text());
    for attribute in ["binary", "lfs", "link", "subrepository"] {
        assert!(!entry("commit_file", &[attribute]).is_text(), "{attribute}");
    }
    assert!(!entry("commit_directory", &[]).is_text());
}
