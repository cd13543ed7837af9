//! What members propose, and what owners say to it.

use super::*;

both!(
    a_member_proposes_and_an_owner_does_it,
    the_answer_is_the_same_whether_there_is_such_a_repository_or_not,
    what_an_owner_has_decided_by_themselves_waits_no_longer,
    one_question_about_a_repository_waits_at_a_time_and_twenty_of_a_member,
    members_see_their_own_and_owners_all,
);

async fn propose(test: &Test, who: &Person, repository: &str, choose: bool) -> (u16, Value) {
    who.call(test, Method::POST, "/repository-proposals", Some(json!({"repository": repository, "choose": choose}))).await
}

async fn open(test: &Test) -> Vec<Value> {
    let listed = test.api_json(Method::GET, "/repository-proposals", None).await;
    listed["entries"].as_array().expect("entries").clone()
}

async fn decide(test: &Test, id: &str, verb: &str) -> Page {
    let request = test.api(Method::POST, &format!("/repository-proposals/{id}/{verb}"));
    Page::read(request.send().await.expect("an answer")).await
}

async fn a_member_proposes_and_an_owner_does_it(test: &Test) {
    test.installed().await;
    lay(test, 5).await;
    let priya = Person::new(test, "Priya Raman").await;
    let (status, made) = propose(test, &priya, " LumenPay/Service-0001/ ", true).await;
    assert_eq!((status, &made["repository"], &made["decision"]), (201, &json!("lumenpay/service-0001"), &json!(null)));
    assert!(!is_chosen(test, 1).await, "to propose is not to choose");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(decide(test, id, "approve").await.status, 200);
    assert!(is_chosen(test, 1).await);
    assert_eq!(open(test).await, Vec::<Value>::new());
    let (_, shown) = priya.call(test, Method::GET, &format!("/repository-proposals/{id}"), None).await;
    assert_eq!(shown["decision"], "approved");
    for verb in ["approve", "refuse"] {
        assert_eq!(decide(test, id, verb).await.code(), "proposal_decided", "{verb}");
    }
    let (_, made) = propose(test, &priya, "lumenpay/service-0001", false).await;
    assert_eq!(decide(test, made["id"].as_str().expect("an id"), "refuse").await.status, 200);
    assert!(is_chosen(test, 1).await, "a refusal changes nothing");
    let (_, made) = propose(test, &priya, "lumenpay/service-0001", false).await;
    assert_eq!(decide(test, made["id"].as_str().expect("an id"), "approve").await.status, 200);
    assert!(!is_chosen(test, 1).await, "after a refusal it may be asked once more");
    let done: Vec<String> = actions(test).await.into_iter().map(|(action, _)| action).collect();
    assert!(done.contains(&"proposal_approved".to_owned()) && done.contains(&"proposal_refused".to_owned()), "{done:?}");
}

async fn the_answer_is_the_same_whether_there_is_such_a_repository_or_not(test: &Test) {
    test.installed().await;
    lay(test, 2).await;
    let priya = Person::new(test, "Priya Raman").await;
    let (there, nowhere) =
        (propose(test, &priya, "lumenpay/service-0001", true).await, propose(test, &priya, "lumenpay/no-such", true).await);
    assert_eq!((there.0, nowhere.0), (201, 201));
    let shape = |answer: &Value| answer.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(shape(&there.1), shape(&nowhere.1));
    let refused = decide(test, nowhere.1["id"].as_str().expect("an id"), "approve").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "repository_unknown"), "the owner learns it");
    for (name, code) in
        [("ledger", "repository_invalid"), ("../x", "repository_invalid"), ("elsewhere/x", "repository_elsewhere")]
    {
        let (status, answer) = propose(test, &priya, name, true).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)), "{name}");
    }
}

async fn what_an_owner_has_decided_by_themselves_waits_no_longer(test: &Test) {
    test.installed().await;
    lay(test, 5).await;
    let priya = Person::new(test, "Priya Raman").await;
    for (name, choose) in [("lumenpay/service-0001", true), ("lumenpay/service-0002", false), ("lumenpay/no-such", true)] {
        assert_eq!(propose(test, &priya, name, choose).await.0, 201);
    }
    test.api_json(Method::PUT, &below("/choice"), Some(json!({"chosen": [uuid(1)]}))).await;
    let waiting: Vec<Value> = open(test).await.into_iter().map(|proposal| proposal["repository"].clone()).collect();
    assert_eq!(waiting, ["lumenpay/no-such"], "one was chosen, the other was not chosen in the first place");
}

async fn one_question_about_a_repository_waits_at_a_time_and_twenty_of_a_member(test: &Test) {
    test.installed().await;
    let (priya, amara) = (Person::new(test, "Priya Raman").await, Person::new(test, "Amara Okafor").await);
    assert_eq!(propose(test, &priya, "lumenpay/ledger", true).await.0, 201);
    for who in [&priya, &amara] {
        let (status, answer) = propose(test, who, "lumenpay/ledger", false).await;
        assert_eq!((status, &answer["code"]), (409, &json!("proposal_open")));
    }
    for number in 1..20 {
        assert_eq!(propose(test, &priya, &format!("lumenpay/r{number}"), true).await.0, 201);
    }
    let (status, answer) = propose(test, &priya, "lumenpay/one-more", true).await;
    assert_eq!((status, &answer["code"]), (409, &json!("proposals_too_many")));
    assert_eq!(propose(test, &amara, "lumenpay/one-more", true).await.0, 201, "another member is not held up");
}

async fn members_see_their_own_and_owners_all(test: &Test) {
    test.installed().await;
    let (priya, amara) = (Person::new(test, "Priya Raman").await, Person::new(test, "Amara Okafor").await);
    let (_, made) = propose(test, &priya, "lumenpay/ledger", true).await;
    assert_eq!(propose(test, &amara, "lumenpay/checkout", true).await.0, 201);
    let (_, hers) = amara.call(test, Method::GET, "/repository-proposals", None).await;
    assert_eq!(hers["entries"].as_array().expect("entries").len(), 1, "{hers}");
    assert_eq!(open(test).await.len(), 2);
    let path = format!("/repository-proposals/{}", made["id"].as_str().expect("an id"));
    assert_eq!(amara.call(test, Method::GET, &path, None).await.0, 404, "a colleague's is not hers to see");
    assert_eq!(amara.call(test, Method::POST, &format!("{path}/approve"), None).await.0, 403);
    let home = test.get_as(&test.session(&test.made.owner).await, "/").await;
    assert!(home.body.contains("Members propose 2 repositories"), "{}", home.body);
    let home = priya.get(test, "/").await;
    assert!(!home.body.contains("propose"), "{}", home.body);
}
