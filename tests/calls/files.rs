//! Files that go along with a call: to commit, and beside a repository.

use serde_json::{Value, json};

use super::{WRITING, allow, call, caller};
use crate::both;
use crate::harness::people::Person;
use crate::harness::{AMARA, LEDGER, Test};

both!(
    files_are_committed_and_uploaded_as_they_are,
    a_dry_run_shows_files_by_name_and_size,
    files_go_nowhere_else_and_are_readable,
);

async fn writer(test: &Test) -> Person {
    let amara = caller(test, "Amara Okafor", None).await;
    test.own_grant(&amara.member, AMARA, WRITING).await;
    allow(test, &["commits", "repositories"], &[]).await;
    amara
}

fn commit(files: Value) -> Value {
    let form = json!({"message": "Say \"hello\" — twice", "branch": "main"});
    json!({"method": "POST", "path": format!("repositories/{LEDGER}/src"), "form": form, "files": files})
}

async fn files_are_committed_and_uploaded_as_they_are(test: &Test) {
    let amara = writer(test).await;
    let files = json!([
        {"field": "docs/hello.txt", "filename": "hello.txt", "text": "Hello,\r\n--wörld"},
        {"field": "docs/logo.bin", "filename": "logo.bin", "base64": "AJ+Slg=="},
    ]);
    let (status, answer) = call(test, &amara, commit(files)).await;
    assert_eq!((status, &answer["status"]), (200, &json!(201)), "{answer}");
    assert!(answer["headers"]["location"].as_str().is_some_and(|address| address.contains("/commit/")), "{answer}");
    let committed = test.sandbox.world(|world| world.files.clone());
    let bytes = |path: &str| committed.iter().find(|file| file.path == path).map(|file| file.bytes.clone());
    assert_eq!(bytes("docs/hello.txt").as_deref(), Some("Hello,\r\n--wörld".as_bytes()));
    assert_eq!(bytes("docs/logo.bin").as_deref(), Some(&[0, 159, 146, 150][..]));

    let upload = json!({"method": "POST", "path": format!("repositories/{LEDGER}/downloads"),
        "files": [{"field": "files", "filename": "report.txt", "text": "All is well."}]});
    assert_eq!(call(test, &amara, upload).await.1["status"], 201);
    let (status, answer) =
        call(test, &amara, json!({"method": "GET", "path": format!("repositories/{LEDGER}/downloads/report.txt")})).await;
    assert_eq!((status, &answer["text"]), (200, &json!("All is well.")), "{answer}");
}

async fn a_dry_run_shows_files_by_name_and_size(test: &Test) {
    let amara = writer(test).await;
    let mut wanted = commit(json!([{"field": "a.txt", "filename": "a.txt", "text": "1234"}]));
    wanted["dry_run"] = json!(true);
    let (status, answer) = call(test, &amara, wanted).await;
    let parts = &answer["would_send"]["body"];
    assert_eq!((status, parts.as_array().map(Vec::len)), (200, Some(3)), "{answer}");
    assert_eq!(parts[2], json!({"field": "a.txt", "filename": "a.txt", "bytes": 4}));
    assert!(!test.sandbox.calls().iter().any(|call| call.method == "POST"), "nothing was sent");
}

async fn files_go_nowhere_else_and_are_readable(test: &Test) {
    let amara = writer(test).await;
    let file = json!({"field": "files", "filename": "a.txt", "text": "1"});
    let large = json!({"field": "files", "filename": "a.txt", "text": "x".repeat(140_000)});
    let repository = format!("repositories/{LEDGER}");
    let with_body = {
        let mut body = commit(json!([file]));
        body["body"] = json!({});
        body
    };
    let cases = [
        (json!({"method": "PUT", "path": repository, "files": [file]}), 400, "files_not_taken"),
        (json!({"method": "POST", "path": format!("{repository}/pullrequests"), "files": [file]}), 400, "files_not_taken"),
        (json!({"method": "GET", "path": "user", "files": [file]}), 400, "body_not_taken"),
        (with_body, 400, "body_ambiguous"),
        (commit(json!([{"field": "a", "filename": "a", "base64": "?"}])), 400, "file_invalid"),
        (commit(json!([{"field": "a", "filename": "a"}])), 400, "file_invalid"),
        (commit(json!([{"field": "a", "filename": "a", "text": "1", "base64": "MQ=="}])), 400, "file_invalid"),
        (commit(json!([{"field": "a\r\nb", "filename": "a", "text": "1"}])), 400, "file_invalid"),
        (commit(json!([{"field": "", "filename": "a", "text": "1"}])), 400, "file_invalid"),
        (commit(json!([large])), 413, "body_too_large"),
    ];
    for (index, (body, status, code)) in cases.into_iter().enumerate() {
        let (answered, answer) = call(test, &amara, body).await;
        assert_eq!((answered, &answer["code"]), (status, &json!(code)), "{index}: {answer}");
    }
    assert!(!test.sandbox.calls().iter().any(|call| call.method != "GET"), "nothing was sent");
}
