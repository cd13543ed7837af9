//! Secrets at rest: sealed under the operator's keys, each bound to the row it belongs to. Used by `connections` and by start-up.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hkdf};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diesel::prelude::*;

use super::AnyConnection;
use super::schema::seal_check;
use crate::config::{Config, Random, Secret};
use crate::error::{Error, Result};

const CHECK_TEXT: &str = "clarityloop";
const CHECK_ROW: &str = "seal_check:1";

/// The keys that secrets are sealed under: the first seals, all open.
pub struct Keyring {
    keys: Vec<SealingKey>,
    random: Random,
}

struct SealingKey {
    id: String,
    bytes: [u8; 32],
    key: LessSafeKey,
}

impl Keyring {
    /// A keyring of these keys, the first of which seals.
    ///
    /// # Errors
    /// When there is no key.
    pub fn new(keys: &[[u8; 32]], random: Random) -> Result<Self> {
        let keys: Result<Vec<SealingKey>> = keys.iter().map(SealingKey::new).collect();
        let keys = keys?;
        if keys.is_empty() {
            return Err(Error::internal("a keyring needs a key"));
        }
        Ok(Self { keys, random })
    }

    /// The keyring of the settings, or else of the key file, which is made while nothing is sealed yet; then opens the check
    /// row, so that a wrong key refuses to start.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn open(config: &Config, connection: &mut AnyConnection) -> std::result::Result<Self, String> {
        let row: Option<String> = seal_check::table
            .find(1)
            .select(seal_check::sealed)
            .first(connection)
            .optional()
            .map_err(|error| error.to_string())?;
        let keys = match config.secret_keys.as_slice() {
            [] => vec![key_file(&config.data_dir.join("secret.key"), row.is_none(), &config.random)?],
            keys => keys.to_vec(),
        };
        let keyring = Self::new(&keys, config.random.clone()).map_err(|error| error.to_string())?;
        match row {
            Some(sealed) => {
                keyring.open_text(&sealed, CHECK_ROW).map_err(|_error| {
                    "secret_key: this is not the key the database was sealed under; give the former key, or both separated by a comma"
                        .to_owned()
                })?;
                if let Some(sealed) = keyring.seal_anew(&sealed, CHECK_ROW).map_err(|error| error.to_string())? {
                    let updated =
                        diesel::update(seal_check::table.find(1)).set(seal_check::sealed.eq(sealed)).execute(connection);
                    updated.map_err(|error| error.to_string())?;
                }
            }
            None => {
                let row = (
                    seal_check::id.eq(1),
                    seal_check::sealed.eq(keyring.seal(CHECK_TEXT, CHECK_ROW).map_err(|error| error.to_string())?),
                );
                let inserted = diesel::insert_into(seal_check::table).values(row).execute(connection);
                inserted.map_err(|error| error.to_string())?;
            }
        }
        Ok(keyring)
    }

    /// Seals `text` for the row that `row` names, as `key id.base64(nonce, ciphertext, tag)`.
    ///
    /// # Errors
    /// When encryption fails, which means memory or the library is broken.
    pub fn seal(&self, text: &str, row: &str) -> Result<String> {
        let first = self.keys.first().ok_or_else(|| Error::internal("a keyring needs a key"))?;
        let nonce: [u8; NONCE_LEN] = self.random.bytes();
        let mut sealed = text.as_bytes().to_vec();
        first
            .key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(row), &mut sealed)
            .map_err(|_unspecified| Error::internal("sealing failed"))?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut sealed);
        Ok(format!("{}.{}", first.id, BASE64.encode(bytes)))
    }

    /// Opens what was sealed for the row that `row` names.
    ///
    /// # Errors
    /// When no key fits, the text was changed, or it belongs to another row.
    pub fn open_text(&self, sealed: &str, row: &str) -> Result<Secret> {
        let failed = || Error::internal(format!("the secret of {row} cannot be opened"));
        let (id, bytes) = sealed.split_once('.').ok_or_else(failed)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(failed)?;
        let bytes = BASE64.decode(bytes).map_err(|_error| failed())?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_unspecified| failed())?;
        let mut rest = rest.to_vec();
        let plain = key.key.open_in_place(nonce, Aad::from(row), &mut rest).map_err(|_unspecified| failed())?;
        String::from_utf8(plain.to_vec()).map(Secret::new).map_err(|_error| failed())
    }

    /// The same secret under the first key; `None` when it is sealed under that already.
    ///
    /// # Errors
    /// As [`Keyring::open_text`].
    pub fn seal_anew(&self, sealed: &str, row: &str) -> Result<Option<String>> {
        let is_current = self.keys.first().is_some_and(|first| sealed.split_once('.').is_some_and(|(id, _)| id == first.id));
        if is_current {
            Ok(None)
        } else {
            self.open_text(sealed, row).and_then(|secret| self.seal(secret.expose(), row)).map(Some)
        }
    }

    /// Keys of their own for `purpose`, one for each key of the ring, the newest first (HKDF-SHA256, RFC 5869): what is signed
    /// with them can be mistaken for nothing else.
    pub fn derive(&self, purpose: &str) -> Vec<[u8; 32]> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"clarityloop-bitbucket");
        let derive = |key: &SealingKey| {
            let mut derived = [0; 32];
            let pseudo_random_key = salt.extract(&key.bytes);
            let info = [purpose.as_bytes()];
            pseudo_random_key.expand(&info, hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut derived)).ok()?;
            Some(derived)
        };
        self.keys.iter().filter_map(derive).collect()
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Keyring({} keys)", self.keys.len())
    }
}

impl SealingKey {
    fn new(bytes: &[u8; 32]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_unspecified| Error::internal("not a key of 32 bytes"))?;
        Ok(Self { id: hash_hex(bytes)[..8].to_owned(), bytes: *bytes, key: LessSafeKey::new(key) })
    }
}

/// The SHA-256 of `bytes` in lower-case hexadecimal: how links, sessions and tokens are stored.
pub fn hash_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn key_file(path: &Path, may_be_made: bool, random: &Random) -> std::result::Result<[u8; 32], String> {
    let named = |problem: &str| format!("{}: {problem}", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let key = BASE64.decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
            key.ok_or_else(|| named("not a key of 32 bytes in base64"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_be_made => {
            make_key_file(path, &random.bytes()).map_err(|error| named(&error.to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(named("the key file is gone and the database holds sealed secrets; put it back, or set secret_key"))
        }
        Err(error) => Err(named(&error.to_string())),
    }
}

fn make_key_file(path: &Path, key: &[u8; 32]) -> std::io::Result<[u8; 32]> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", BASE64.encode(key))?;
    file.sync_all()?;
    Ok(*key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(keys: &[[u8; 32]]) -> Keyring {
        Keyring::new(keys, Random::system()).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_for_its_own_row_only() {
        let ring = keyring(&[[1; 32]]);
        let sealed = ring.seal("hush", "installations:a").unwrap();
        assert!(!sealed.contains("hush"));
        assert_eq!(ring.open_text(&sealed, "installations:a").unwrap().expose(), "hush");
        assert!(ring.open_text(&sealed, "installations:b").is_err());
    }

    #[test]
    fn a_rotated_key_still_opens_and_what_is_sealed_anew_needs_it_no_more() {
        let sealed = keyring(&[[1; 32]]).seal("hush", "row").unwrap();
        let rotated = keyring(&[[2; 32], [1; 32]]);
        assert_eq!(rotated.open_text(&sealed, "row").unwrap().expose(), "hush");
        let anew = rotated.seal_anew(&sealed, "row").unwrap().unwrap();
        assert_eq!(keyring(&[[2; 32]]).open_text(&anew, "row").unwrap().expose(), "hush");
        assert!(rotated.seal_anew(&anew, "row").unwrap().is_none());
        assert!(keyring(&[[2; 32]]).open_text(&sealed, "row").is_err());
    }

    #[test]
    fn derived_keys_differ_by_purpose() {
        let ring = keyring(&[[1; 32]]);
        assert_ne!(ring.derive("panel"), ring.derive("session"));
    }
}
