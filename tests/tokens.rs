//! Every way to bring a token that should not count: each door answers 401, counts the refusal by its code and repeats nothing of
//! the token.

mod doors;

use bitbucket_sandbox::{Install, Token, query_pairs};
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use self::doors::{Door, attacks, doors, jwt, lifecycle_door, must_not_repeat, panel_door, refusals, send, without_token};
use crate::both;
use crate::harness::{AMARA, LEDGER, PRIYA, Page, Test, free_address, make_workspace};

both!(
    a_token_that_is_not_as_bitbucket_makes_it_is_refused_at_every_signed_door,
    a_token_whose_issuer_is_somebody_else_is_refused,
    none_or_more_than_one_token_is_refused_wherever_they_stand,
    a_token_is_good_for_the_request_it_was_made_for_and_no_other,
    the_token_of_another_installation_opens_nothing_here,
    a_panel_token_is_worth_nothing_at_any_other_door,
    no_other_secret_opens_a_panel,
    no_other_secret_opens_the_api,
    no_other_secret_opens_a_session,
    a_hash_over_the_path_with_or_without_that_of_the_public_address_is_taken,
);

async fn a_token_that_is_not_as_bitbucket_makes_it_is_refused_at_every_signed_door(test: &Test) {
    let installation = test.installed().await;
    let secret = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    for door in doors(test, &installation) {
        let right = door.token(test, &installation);
        for (attack, token, code) in attacks(&right, &secret, test.now().timestamp()) {
            let page = door.must_refuse(test, door.request(test).header("authorization", jwt(&token)), code, attack).await;
            must_not_repeat(&page, &token);
            let in_query = door.request_with(test, &format!("jwt={token}"));
            let page = door.must_refuse(test, in_query, code, attack).await;
            must_not_repeat(&page, &token);
        }
        let taken = send(door.request(test).header("authorization", jwt(&right.sign(&secret)))).await;
        assert_eq!(taken.status, door.takes, "the right token at {}: {}", door.url, taken.body);
    }
    test.run_jobs().await;
}

async fn a_token_whose_issuer_is_somebody_else_is_refused(test: &Test) {
    let installation = test.installed().await;
    let secret = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    for door in doors(test, &installation) {
        let right = door.token(test, &installation);
        // At a lifecycle door the body says whose token it must be; elsewhere the token does.
        let is_lifecycle = door.url.ends_with("installed");
        let unknown = if is_lifecycle { "token_issuer_mismatch" } else { "token_issuer_unknown" };
        let swapped = right.clone().claim("iss", json!(installation.app_key)).claim("aud", json!(installation.client_key));
        let nobodys = right.clone().claim("iss", json!("connection:999"));
        for (attack, token, code) in [
            ("iss and aud swapped", swapped, unknown),
            ("nobody's", nobodys, unknown),
            ("no iss", right.clone().without("iss"), "token_claims"),
            ("iss as a number", right.clone().claim("iss", json!(1)), "token_claims"),
            ("iss with a space", right.clone().claim("iss", json!("a b")), "token_claims"),
            ("an endless iss", right.clone().claim("iss", json!("x".repeat(256))), "token_claims"),
            ("a NUL in iss", right.claim("iss", json!("a\0b")), "token_claims"),
        ] {
            let token = token.sign(&secret);
            let page = door.must_refuse(test, door.request(test).header("authorization", jwt(&token)), code, attack).await;
            must_not_repeat(&page, &token);
        }
    }
}

async fn none_or_more_than_one_token_is_refused_wherever_they_stand(test: &Test) {
    let installation = test.installed().await;
    let secret = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    for door in doors(test, &installation) {
        let token = door.token(test, &installation).sign(&secret);
        let header = |request: RequestBuilder| request.header("authorization", jwt(&token));
        let once = format!("jwt={token}");
        let twice = format!("{once}&{once}");
        for (attack, request, code) in [
            ("stripped", door.request(test), "token_missing"),
            ("an empty parameter", door.request_with(test, "jwt="), "token_missing"),
            ("an empty header", door.request(test).header("authorization", "JWT "), "token_malformed"),
            ("the wrong scheme", door.request(test).header("authorization", format!("Bearer {token}")), "token_malformed"),
            ("header and parameter", header(door.request_with(test, &once)), "token_repeated"),
            ("two headers", header(header(door.request(test))), "token_repeated"),
            ("two parameters", door.request_with(test, &twice), "token_repeated"),
            ("a second one escaped", door.request_with(test, &format!("{once}&%6Awt={token}")), "token_repeated"),
            ("bracketed", door.request_with(test, &format!("jwt[]={token}")), "token_missing"),
        ] {
            let page = door.must_refuse(test, request, code, attack).await;
            must_not_repeat(&page, &token);
        }
    }
}

async fn a_token_is_good_for_the_request_it_was_made_for_and_no_other(test: &Test) {
    let installation = test.installed().await;
    let secret = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    let all = doors(test, &installation);
    for (made_at, maker) in all.iter().enumerate() {
        let token = maker.token(test, &installation).sign(&secret);
        for (_, door) in all.iter().enumerate().filter(|(used_at, _)| *used_at != made_at) {
            let request = door.request(test).header("authorization", jwt(&token));
            door.must_refuse(test, request, "query_string_hash_mismatch", &format!("made for {}", maker.url)).await;
        }
    }
    let panel = panel_door(test, &installation);
    let token = panel.token(test, &installation).sign(&secret);
    for (from, to) in [("pull_request=87", "pull_request=84"), ("account=", "account=x"), ("&crev=", "&crev=1&x="), ("GET", "")] {
        let other = Door { url: panel.url.replacen(from, to, 1), ..panel_door(test, &installation) };
        let request = other.request_with(test, &format!("jwt={token}"));
        if from == "GET" {
            assert_eq!(send(request).await.status, 200, "the request as it was signed");
        } else {
            other.must_refuse(test, request, "query_string_hash_mismatch", to).await;
        }
    }
}

async fn the_token_of_another_installation_opens_nothing_here(test: &Test) {
    let ours = test.installed().await;
    let other = make_workspace(&test.server, "Elsewhere", "Priya Raman", "priya@elsewhere.example").await;
    let descriptor = format!("{}/connect/{}/descriptor.json", test.url, other.install_code);
    let theirs = test.sandbox.install(&Install::new("priya-raman", &descriptor, PRIYA)).await.expect("an installation");
    test.run_jobs().await;
    let secret = test.sandbox.secret_of(&theirs.client_key).expect("a secret");
    for door in doors(test, &ours) {
        let forged = door.token(test, &ours).sign(&secret);
        let request = door.request(test).header("authorization", jwt(&forged));
        door.must_refuse(test, request, "token_signature", "our name, their secret").await;
    }
    // Their own token is good, but not for our Bitbucket workspace: the body of a call is not signed, the address is.
    let own = |door: &Door| door.token(test, &theirs).sign(&secret);
    let ours_by_theirs = [panel_door(test, &ours), doors(test, &ours).remove(2)];
    for door in ours_by_theirs {
        let page = send(door.request(test).header("authorization", jwt(&own(&door)))).await;
        assert_eq!(page.status, 403, "{}: {}", door.url, page.body);
    }
    for event in ["installed", "uninstalled"] {
        let door = lifecycle_door(test, &ours, event);
        let request = door.request(test).header("authorization", jwt(&own(&door)));
        door.must_refuse(test, request, "token_signature", "their own token for us").await;
    }
    assert_eq!(test.panel(&ours, 87, AMARA).await.status, 200, "ours goes on");
}

async fn a_panel_token_is_worth_nothing_at_any_other_door(test: &Test) {
    let installation = test.installed().await;
    let token = test.panel(&installation, 87, AMARA).await.field("token");
    for door in doors(test, &installation) {
        let code = "token_claims";
        let page = door.must_refuse(test, door.request(test).header("authorization", jwt(&token)), code, "panel token").await;
        must_not_repeat(&page, &token);
        door.must_refuse(test, door.request_with(test, &format!("jwt={token}")), code, "panel token as jwt").await;
    }
    must_be_unknown_to_the_api(test, &token, "api_token_unknown").await;
    must_not_be_signed_in(test, &token).await;
}

async fn no_other_secret_opens_a_panel(test: &Test) {
    let installation = test.installed().await;
    let amara = test.member("Amara Okafor", "amara@lumenpay.example", Some(AMARA)).await;
    let signed = test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let signed = query_pairs(&signed).into_iter().find(|(name, _)| name == "jwt").expect("a token").1;
    let api_token = test.token(&amara, "read,write").await;
    let session = test.session(&amara).await;
    let link = test.sign_in_link(&amara).await;
    let real =
        test.get(&test.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel")).await.field("token");
    let (input, signature) = real.rsplit_once('.').expect("a signature");
    let other_signature: String = signature.chars().rev().collect();
    for secret in
        [&signed, &api_token, &session, &link, &String::new(), &format!("{input}."), &format!("{input}.{other_signature}")]
    {
        for path in
            ["/connect/panel/links", "/connect/panel/links/018f0000-0000-7000-8000-000000000000/remove", "/connect/panel/code"]
        {
            let before = refusals(test, "panel_token_invalid");
            let page =
                test.post(path, &[("token", secret), ("target", "new:author"), ("note", "n"), ("code", "ABCD-2345")]).await;
            assert_eq!(page.status, 401, "{path}: {}", page.body);
            assert_eq!(refusals(test, "panel_token_invalid"), before + 1, "{path}");
            must_not_repeat(&page, secret);
        }
    }
    for (scheme, secret) in [("JWT", &api_token), ("JWT", &session), ("JWT", &link), ("Bearer", &api_token)] {
        let door = panel_door(test, &installation);
        let request = door.request(test).header("authorization", format!("{scheme} {secret}"));
        must_not_repeat(&door.must_refuse(test, request, "token_malformed", scheme).await, secret);
    }
}

async fn must_be_unknown_to_the_api(test: &Test, secret: &str, code: &str) {
    let before = refusals(test, code);
    let page = Page::read(test.api_as(secret, Method::GET, "/members").send().await.expect("an answer")).await;
    assert_eq!((page.status, page.code().as_str()), (401, code), "{}", page.body);
    assert_eq!(refusals(test, code), before + 1);
    assert_eq!(page.header("www-authenticate"), "Bearer");
    must_not_repeat(&page, secret);
}

async fn no_other_secret_opens_the_api(test: &Test) {
    let installation = test.installed().await;
    let owner = test.made.owner.clone();
    let connect = test.sandbox.sign(&installation.client_key, "GET", "/api/v1/members").expect("a token");
    let secret = test.sandbox.secret_of(&installation.client_key).expect("a secret");
    for secret in
        [connect.clone(), secret, test.session(&owner).await, test.sign_in_link(&owner).await, test.made.install_code.clone()]
    {
        must_be_unknown_to_the_api(test, &secret, "api_token_unknown").await;
    }
    let url = format!("{}/api/v1/members", test.url);
    for header in [jwt(&connect), jwt(&test.made.token), format!("Basic {}", test.made.token), test.made.token.clone()] {
        let page = send(test.http.get(&url).header("authorization", &header)).await;
        assert_eq!((page.status, page.code().as_str()), (401, "api_token_missing"), "{header}");
    }
    let page = send(test.http.get(&url).header("cookie", format!("clarityloop={}", test.session(&owner).await))).await;
    assert_eq!((page.status, page.code().as_str()), (401, "api_token_missing"), "a session is for pages");
    let page = send(test.http.get(format!("{url}?access_token={}", test.made.token))).await;
    assert_eq!((page.status, page.code().as_str()), (401, "api_token_missing"), "an address is no place for a token");
    let twice = test.http.get(&url).bearer_auth(&test.made.token).bearer_auth(&test.made.token);
    assert_eq!(send(twice).await.code(), "api_token_missing");
}

async fn must_not_be_signed_in(test: &Test, secret: &str) {
    for path in ["/", "/profile", "/feedback"] {
        let page = test.get_as(secret, path).await;
        assert_eq!((page.status, page.header("location")), (303, "/sign-in"), "{path}: {}", page.body);
        must_not_repeat(&page, secret);
    }
}

async fn no_other_secret_opens_a_session(test: &Test) {
    let installation = test.installed().await;
    let owner = test.made.owner.clone();
    let link = test.sign_in_link(&owner).await;
    let connect = test.sandbox.sign(&installation.client_key, "GET", "/profile").expect("a token");
    for secret in [&link, &connect, &test.made.token, &test.made.install_code, &owner.id.to_string(), &String::new()] {
        must_not_be_signed_in(test, secret).await;
    }
    let session = test.session(&owner).await;
    assert_eq!(test.get_as(&session, "/profile").await.status, 200);
    for secret in [&session, &test.made.token, &connect] {
        assert_eq!(test.get(&format!("{}/sign-in/{secret}", test.url)).await.status, 404, "no sign-in link");
    }
}

async fn a_hash_over_the_path_with_or_without_that_of_the_public_address_is_taken(test: &Test) {
    let backend = test.backend;
    let address = free_address().to_string();
    let public_url = format!("http://{address}/clarityloop");
    let settings = [("CLARITYLOOP__LISTEN", address.as_str()), ("CLARITYLOOP__PUBLIC_URL", public_url.as_str())];
    let Some(below) = Test::start(backend, &settings).await else { return };
    let installation = below.installed().await;
    let secret = below.sandbox.secret_of(&installation.client_key).expect("a secret");
    let signed = below.sandbox.panel_url(&installation.client_key, LEDGER, 87, AMARA).expect("a panel");
    let url = without_token(&signed);
    let (_, query) = url.split_once('?').expect("a query");
    let token = |path: &str| {
        let now = below.now().timestamp();
        Token::new(&installation.client_key).issued_at(now).expires_at(now + 300).request("GET", path, query).sign(&secret)
    };
    for arrives_at in ["/clarityloop/connect/panel", "/connect/panel"] {
        for (signed_over, status) in [
            ("/clarityloop/connect/panel", 200),
            ("/connect/panel", 200),
            ("/elsewhere/connect/panel", 401),
            ("/clarityloop/clarityloop/connect/panel", 401),
            ("/clarityloopconnect/panel", 401),
        ] {
            let page = below.get(&format!("http://{address}{arrives_at}?{query}&jwt={}", token(signed_over))).await;
            assert_eq!(page.status, status, "arrives at {arrives_at}, signed over {signed_over}: {}", page.body);
        }
    }
    below.finish().await;
}
