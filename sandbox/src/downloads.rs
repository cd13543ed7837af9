//! The files that people have put beside a repository, and the switch that sends what the storage holds elsewhere.

use crate::bitbucket::Bitbucket;

/// A file beside a repository.
#[derive(Clone)]
pub(crate) struct Download {
    /// UUID of the repository.
    pub(crate) repository: String,
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Bitbucket {
    /// Puts a file beside a repository (UUID, slug or name in full), in the place of the one with this name.
    pub fn add_download(&self, repository: &str, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let Some(repository) = state.world.repository(repository).map(|repository| repository.uuid.clone()) else { return };
        state.downloads.retain(|known| known.repository != repository || known.name != name);
        state.downloads.push(Download { repository, name: name.to_owned(), bytes: bytes.to_vec() });
    }

    /// The file beside a repository (its UUID) with this name.
    pub(crate) fn download(&self, repository: &str, name: &str) -> Option<Download> {
        self.state().downloads.iter().find(|known| known.repository == repository && known.name == name).cloned()
    }

    /// The address of something on the storage's own host, signed as such addresses are.
    pub(crate) fn stored_at(&self, path: &str) -> String {
        let elsewhere = self.url().replacen("127.0.0.1", "localhost", 1);
        let signature = uuid::Uuid::new_v4().simple();
        self.state().keep_secret(&signature.to_string());
        format!("{elsewhere}/storage/{path}?X-Amz-Signature={signature}")
    }
}
