//! What pages inside Bitbucket's frames share: where their style sheets and scripts are, and which sites may frame them.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::config::Config;

/// Paths and the content security policy of framed pages.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The path of `tokens.css`.
    pub tokens: String,
    /// The path of `looks.css`.
    pub looks: String,
    /// The path of `panel.js`.
    pub script: String,
    /// What the paths of the panel's forms begin with.
    pub panel: String,
    /// Bitbucket's host script, which sizes the frame.
    pub host_script: String,
    policy: header::HeaderValue,
}

impl Frame {
    /// The frame for the configured Bitbucket site.
    ///
    /// # Errors
    /// When its address cannot stand in a header.
    pub fn new(config: &Config, tokens: &str, looks: &str, script: &str) -> Result<Self, header::InvalidHeaderValue> {
        let site = &config.bitbucket_web_url;
        // Bitbucket serves some of its pages from its own sub-domains; a stand-in on another address has none.
        let sub_domains = if site == "https://bitbucket.org" { " https://*.bitbucket.org" } else { "" };
        let policy = format!(
            "default-src 'none'; script-src 'self' {site}; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors {site}{sub_domains}"
        );
        let host_script = format!("{site}/atlassian-connect/all.js");
        // Bitbucket may reach us below a path; the browser does then as well.
        let below = |path: &str| format!("{}{path}", config.public_url.path);
        Ok(Self {
            tokens: below(tokens),
            looks: below(looks),
            script: below(script),
            panel: below("/connect/panel"),
            host_script,
            policy: header::HeaderValue::from_str(&policy)?,
        })
    }

    /// A response with the policy that lets Bitbucket frame it.
    pub fn response(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_SECURITY_POLICY, self.policy.clone()));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.content_type("text/html; charset=utf-8");
        response
    }
}
