//! Install codes: the part of an install address that names a ClarityLoop workspace. Shown to its owners only.

use diesel::prelude::*;

use crate::config::Now;
use crate::error::{Error, Result};
use crate::people::{Viewer, audit};
use crate::storage::AnyConnection;
use crate::storage::ids::WorkspaceId;
use crate::storage::schema::install_codes;

/// An install code as it came in an address.
#[derive(Clone, Debug)]
pub struct Code {
    /// The workspace it names.
    pub workspace_id: WorkspaceId,
    /// Whether it takes new installations; a replaced one serves those it has.
    pub is_current: bool,
}

/// Makes a workspace's code and replaces the one before.
///
/// # Errors
/// When the database refuses.
pub fn replace(connection: &mut AnyConnection, workspace_id: &WorkspaceId, now: &Now) -> Result<String> {
    make(connection, workspace_id, audit::APP, now)
}

fn make(connection: &mut AnyConnection, workspace_id: &WorkspaceId, actor: &str, now: &Now) -> Result<String> {
    let current =
        install_codes::table.filter(install_codes::workspace_id.eq(workspace_id)).filter(install_codes::replaced_at.is_null());
    diesel::update(current).set(install_codes::replaced_at.eq(Some(now.at))).execute(connection)?;
    let bytes: [u8; 16] = now.random.bytes();
    let code: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    diesel::insert_into(install_codes::table)
        .values((
            install_codes::code.eq(&code),
            install_codes::workspace_id.eq(workspace_id),
            install_codes::created_at.eq(now.at),
        ))
        .execute(connection)?;
    audit::record(connection, workspace_id, actor, "install_code_made", "", "", now)?;
    Ok(code)
}

/// The viewer's workspace's code.
///
/// # Errors
/// `owner_needed` (403).
pub fn current(connection: &mut AnyConnection, viewer: &Viewer) -> Result<Option<String>> {
    viewer.must_own()?;
    let current = install_codes::table
        .filter(install_codes::workspace_id.eq(&viewer.workspace_id))
        .filter(install_codes::replaced_at.is_null());
    Ok(current.select(install_codes::code).first(connection).optional()?)
}

/// Replaces the code on an owner's word.
///
/// # Errors
/// `owner_needed` (403).
pub fn replace_by_owner(connection: &mut AnyConnection, viewer: &Viewer, now: &Now) -> Result<String> {
    viewer.must_own()?;
    make(connection, &viewer.workspace_id, viewer.member_id.as_str(), now)
}

/// What a code in an address names.
///
/// # Errors
/// `install_code_unknown` (404).
pub fn find(connection: &mut AnyConnection, code: &str) -> Result<Code> {
    let unknown = || {
        let detail = "This install address is not known. Copy it again from ClarityLoop's settings.";
        Error::new(crate::error::Kind::NotFound, "install_code_unknown", detail)
    };
    // An address can hold what PostgreSQL does not even take as a text to look for.
    if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let row: Option<(WorkspaceId, Option<chrono::NaiveDateTime>)> = install_codes::table
        .find(code)
        .select((install_codes::workspace_id, install_codes::replaced_at))
        .first(connection)
        .optional()?;
    let (workspace_id, replaced_at) = row.ok_or_else(unknown)?;
    Ok(Code { workspace_id, is_current: replaced_at.is_none() })
}
