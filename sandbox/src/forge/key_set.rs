//! The public keys of Forge and their rotation, which is never announced.

use super::key;
use crate::bitbucket::Bitbucket;
use actix_web::{HttpResponse, web::Data};
use serde_json::{Value, json};

impl Bitbucket {
    /// Where the public keys are.
    #[must_use]
    pub fn forge_keys_url(&self) -> String {
        format!("{}/forge/.well-known/jwks.json", self.url)
    }

    /// From now on another key signs, and only that one is published.
    pub fn rotate_forge_keys(&self) {
        let forge = &mut self.state().forge;
        forge.signing_key = (forge.signing_key + 1) % key::KEYS;
        forge.published_keys = vec![forge.signing_key];
    }

    /// Publishes the next key beside those that are published already; none signs with it before
    /// [`Bitbucket::rotate_forge_keys`].
    pub fn announce_forge_key(&self) {
        let forge = &mut self.state().forge;
        forge.published_keys.push((forge.signing_key + 1) % key::KEYS);
    }

    /// Publishes any other key, for instance one of another type.
    pub fn publish_forge_key(&self, key: Value) {
        self.state().forge.other_keys.push(key);
    }
}

/// `GET /forge/.well-known/jwks.json`.
pub(crate) async fn serve(bitbucket: Data<Bitbucket>) -> HttpResponse {
    let forge = &bitbucket.state().forge;
    let keys: Vec<Value> = forge.published_keys.iter().map(|it| key::published(*it)).chain(forge.other_keys.clone()).collect();
    HttpResponse::Ok().json(json!({ "keys": keys }))
}
