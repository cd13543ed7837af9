//! What is kept on another host: logs and downloads, and the forms that bring files.

use crate::{
    app::client,
    whole_api::{Person, person},
};
use reqwest::Response;

const REPOSITORY: &str = "/2.0/repositories/lumenpay/checkout";

async fn asked(person: &Person, address: &str, is_authorized: bool) -> Response {
    let token =
        person.sandbox.grant_directly("key", crate::app::AMARA, &["repository", "repository:write", "pipeline"]).access_token;
    let request = client().get(address);
    let request = if is_authorized { request.bearer_auth(token) } else { request };
    request.send().await.unwrap()
}

fn location(answer: &Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_log_is_kept_elsewhere_where_no_credential_is_taken() {
    let person = person().await;
    let steps = format!("{REPOSITORY}/pipelines/{}/steps", person.pipeline);
    let (_, listed) = person.get(&steps).await;
    let step = bitbucket_sandbox::percent_encode(listed["values"][0]["uuid"].as_str().unwrap());
    let moved = asked(&person, &format!("{}{steps}/{step}/log", person.sandbox.url()), true).await;
    assert_eq!(moved.status(), 307);
    let kept = location(&moved);
    assert!(kept.starts_with("http://localhost:"), "another host: {kept}");
    assert_eq!(asked(&person, &kept, true).await.status(), 400);
    let log = asked(&person, &kept, false).await;
    assert_eq!(log.status(), 200);
    assert!(log.text().await.unwrap().contains("test result: ok"));
    assert_eq!(person.get(&format!("{steps}/%7Bnone%7D/log")).await.0, 404);
}

#[tokio::test]
async fn a_file_is_uploaded_by_a_form_and_downloaded_from_elsewhere() {
    let person = person().await;
    let form = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a b.txt\"\r\n\r\nHello\r\n--x--\r\n";
    let token = person.sandbox.grant_directly("key", crate::app::AMARA, &["repository:write"]).access_token;
    let post = |kind: &str| {
        let request = client().post(format!("{}{REPOSITORY}/downloads", person.sandbox.url())).bearer_auth(&token);
        request.header("content-type", kind.to_owned()).body(form)
    };
    assert_eq!(post("text/plain").send().await.unwrap().status(), 406);
    assert_eq!(post("multipart/form-data; boundary=x").send().await.unwrap().status(), 201);
    let moved = asked(&person, &format!("{}{REPOSITORY}/downloads/a%20b.txt", person.sandbox.url()), true).await;
    assert_eq!(moved.status(), 302);
    assert_eq!(asked(&person, &location(&moved), false).await.text().await.unwrap(), "Hello");
}
