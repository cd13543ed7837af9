//! A tiny remote: it remembers what it is asked and answers as it is told.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, rt::System, web};
use bitbucket_sandbox::unverified_claims;
use serde_json::{Map, Value};
use std::{
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// What the remote was asked.
#[derive(Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Asked {
    /// All values of a header.
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn token(&self) -> &str {
        self.header("authorization")[0].strip_prefix("Bearer ").unwrap()
    }

    pub fn claims(&self) -> Map<String, Value> {
        unverified_claims(self.token()).unwrap()
    }
}

pub struct Behaviour {
    pub status: u16,
    pub content_type: &'static str,
    pub answer: &'static str,
    pub asked: Vec<Asked>,
}

pub struct TinyRemote {
    pub url: String,
    pub behaviour: Arc<Mutex<Behaviour>>,
    server: ServerHandle,
}

impl TinyRemote {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Behaviour { status: 200, content_type: "application/json", answer: "{}", asked: Vec::new() };
        let behaviour = Arc::new(Mutex::new(told));
        let shared = web::Data::from(Arc::clone(&behaviour));
        let (started, handle) = mpsc::channel();
        thread::spawn(move || {
            System::new().block_on(async move {
                let app = move || App::new().app_data(shared.clone()).default_service(web::to(receive));
                let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
                started.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self { url, behaviour, server: handle.recv().unwrap() }
    }

    pub fn answers(&self, status: u16, content_type: &'static str, answer: &'static str) {
        let mut behaviour = self.behaviour.lock().unwrap();
        (behaviour.status, behaviour.content_type, behaviour.answer) = (status, content_type, answer);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.behaviour.lock().unwrap().asked.clone()
    }

    pub fn last(&self) -> Asked {
        self.asked().pop().unwrap()
    }
}

impl Drop for TinyRemote {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn receive(request: HttpRequest, body: web::Bytes, behaviour: web::Data<Mutex<Behaviour>>) -> HttpResponse {
    let headers = request.headers().iter();
    let mut behaviour = behaviour.lock().unwrap();
    behaviour.asked.push(Asked {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let mut answer = HttpResponse::build(behaviour.status.try_into().unwrap());
    answer.insert_header(("location", "/elsewhere")).insert_header(("content-type", behaviour.content_type));
    answer.body(behaviour.answer)
}
