//! A tiny app to install: it serves a descriptor, remembers what is posted to it and proves new secrets against the API.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, rt::System, web};
use bitbucket_sandbox::{Install, Installation, Options, Sandbox, Token};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
};

pub const AMARA: &str = "712020:22a7b9c1-1d6b-4e2f-8b68-7b3a2d1e0002";
pub const LUMENPAY: &str = "{5f0c7a52-1d0e-4b8b-9a3e-6a1f0e5d2c11}";
pub const CHECKOUT: &str = "{a1c40e1b-52a4-4e58-8d6b-0b7b7c3a9f01}";

/// What was posted to the app.
#[derive(Clone)]
pub struct Posted {
    pub path: String,
    pub authorization: Option<String>,
    pub event_key: Option<String>,
    pub body: Value,
    /// The status of the API when the app proved the new secret from inside the `installed` call.
    pub proof: Option<u16>,
}

#[derive(Default)]
pub struct Behaviour {
    pub descriptor: Value,
    pub answers: u16,
    pub posted: Vec<Posted>,
}

pub struct TinyApp {
    pub url: String,
    pub behaviour: Arc<Mutex<Behaviour>>,
    server: ServerHandle,
}

impl TinyApp {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap());
        let behaviour = Arc::new(Mutex::new(Behaviour { descriptor: descriptor(&url), answers: 204, posted: Vec::new() }));
        let shared = web::Data::from(Arc::clone(&behaviour));
        let (started, handle) = mpsc::channel();
        thread::spawn(move || {
            System::new().block_on(async move {
                let app = move || {
                    App::new()
                        .app_data(shared.clone())
                        .route("/base/descriptor.json", web::get().to(serve_descriptor))
                        .default_service(web::post().to(receive))
                };
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { url, behaviour, server: handle.recv().unwrap() }
    }

    pub fn descriptor_url(&self) -> String {
        format!("{}/descriptor.json", self.url)
    }

    pub fn install_request(&self) -> Install {
        Install::new("lumenpay", &self.descriptor_url(), AMARA)
    }

    pub fn last(&self) -> Posted {
        self.behaviour.lock().unwrap().posted.last().unwrap().clone()
    }

    pub fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }
}

impl Drop for TinyApp {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

/// A sandbox with the tiny app in the workspace lumenpay.
pub async fn installed() -> (Sandbox, TinyApp, Installation) {
    let sandbox = Sandbox::start(Options::default()).await.unwrap();
    let app = TinyApp::start();
    let installation = sandbox.install(&app.install_request()).await.unwrap();
    (sandbox, app, installation)
}

pub fn descriptor(base_url: &str) -> Value {
    json!({
        "key": "tiny-app",
        "name": "Tiny <App>",
        "description": "For tests.",
        "baseUrl": base_url,
        "authentication": { "type": "jwt" },
        "lifecycle": { "installed": "/installed", "uninstalled": "/uninstalled" },
        "contexts": ["account"],
        "scopes": ["account", "pullrequest", "webhook"],
        "modules": {
            "webPanels": [{
                "key": "panel", "name": { "value": "Tiny panel" }, "location": "org.bitbucket.pullrequest.overview.informationPanel",
                "url": "/panel?pr={pullrequest.id}&title={pullrequest.title}&repository={repository.uuid}&who={user.account_id}&issue={issue.id}",
            }],
            "webItems": [{
                "key": "item", "name": { "value": "Tiny item" }, "location": "org.bitbucket.pullrequest.summary.actions",
                "url": "/panel?pr={pullrequest.id}", "target": { "type": "dialog" },
            }],
            "configurePage": { "key": "configure", "name": { "value": "Set up" }, "url": "/configure?w={workspace.slug}" },
            "webhooks": [{ "event": "pullrequest:updated", "url": "/hooks" }, { "event": "pullrequest:approved", "url": "/hooks" }],
        },
    })
}

/// The answer of the API to a signed GET.
pub async fn get(sandbox: &Sandbox, client_key: &str, secret: &str, path_and_query: &str) -> (u16, Value) {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let now = sandbox.now().timestamp();
    let token =
        Token::of_app("tiny-app", client_key).issued_at(now).expires_at(now + 180).request("GET", path, query).sign(secret);
    ask(sandbox.url(), path_and_query, Some(&format!("JWT {token}"))).await
}

pub async fn ask(url: &str, path_and_query: &str, authorization: Option<&str>) -> (u16, Value) {
    let mut request = client().get(format!("{url}{path_and_query}"));
    if let Some(authorization) = authorization {
        request = request.header("Authorization", authorization);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn serve_descriptor(behaviour: web::Data<Mutex<Behaviour>>) -> HttpResponse {
    HttpResponse::Ok().json(&behaviour.lock().unwrap().descriptor)
}

async fn receive(request: HttpRequest, body: web::Json<Value>, behaviour: web::Data<Mutex<Behaviour>>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let proof = match (body["eventType"].as_str(), body["sharedSecret"].as_str()) {
        (Some("installed"), Some(secret)) => Some(prove(&body, secret).await),
        _ => None,
    };
    let mut behaviour = behaviour.lock().unwrap();
    behaviour.posted.push(Posted {
        path: request.path().to_owned(),
        authorization: header("Authorization"),
        event_key: header("X-Event-Key"),
        body: body.into_inner(),
        proof,
    });
    HttpResponse::build(behaviour.answers.try_into().unwrap()).body("so says the app")
}

async fn prove(body: &Value, secret: &str) -> u16 {
    let path =
        format!("/2.0/workspaces/{}/hooks", bitbucket_sandbox::percent_encode(body["principal"]["uuid"].as_str().unwrap()));
    let now = chrono::Utc::now().timestamp();
    let token = Token::of_app("tiny-app", body["clientKey"].as_str().unwrap()).expires_at(now + 180).request("GET", &path, "");
    ask(body["baseApiUrl"].as_str().unwrap(), &path, Some(&format!("JWT {}", token.sign(secret)))).await.0
}
