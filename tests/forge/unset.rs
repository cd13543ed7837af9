//! Without `forge.app_id` there is nothing of Forge.

use reqwest::Method;
use serde_json::json;

use crate::both;
use crate::harness::Test;

both!(without_an_app_id_every_door_of_forge_is_not_there);

async fn without_an_app_id_every_door_of_forge_is_not_there(test: &Test) {
    for path in ["/forge/lifecycle", "/forge/events", "/forge/refresh", "/forge/uninstall", "/forge/panel", "/forge/settings"] {
        for method in [Method::GET, Method::POST] {
            let request = test.http.request(method, format!("{}{path}", test.url)).json(&json!({})).bearer_auth("a.b.c");
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 404, "{path}");
        }
    }
    assert!(!test.sandbox.calls().iter().any(|call| call.path.ends_with("jwks.json")), "nobody's keys were asked for");
}
