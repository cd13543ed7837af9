//! Which Bitbucket workspaces a credential reaches, asked of Bitbucket. The consent, the check of a token and the choice of a workspace use it.

use uuid::Uuid;

use crate::bitbucket::{Client, Credential, Failure};
use crate::people::text::one_line;

/// More than a page can offer to choose from; five pages of a hundred each.
pub const AT_MOST: usize = 500;

/// A Bitbucket workspace that a credential reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its UUID.
    pub uuid: Uuid,
    /// Its slug.
    pub slug: String,
    /// Whether whoever granted it administers the workspace.
    pub is_administrator: bool,
}

/// What a credential reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// The workspaces, as Bitbucket lists them.
    pub reached: Vec<Reached>,
    /// Whether there are more than [`AT_MOST`], which were not read.
    pub is_cut: bool,
}

impl Discovered {
    /// The one with this UUID.
    pub fn find(&self, uuid: Option<Uuid>) -> Option<&Reached> {
        self.reached.iter().find(|reached| Some(reached.uuid) == uuid)
    }

    /// What to add where one was not found: nothing, or that not all were looked through.
    pub fn remark(&self) -> &'static str {
        if self.is_cut {
            " Only the first 500 workspaces were looked through: let somebody do so who belongs to fewer."
        } else {
            ""
        }
    }
}

/// The workspaces that a credential reaches, page by page: `GET /user/workspaces`, scope `account`.
///
/// # Errors
/// A [`Failure`].
pub async fn workspaces(bitbucket: &Client, credential: &Credential) -> Result<Discovered, Failure> {
    let (listed, is_cut) = bitbucket.workspaces(credential)?.at_most(AT_MOST).await?;
    let reached = listed.into_iter().filter_map(|access| {
        let workspace = access.workspace?;
        let (uuid, slug) = (workspace.uuid?, one_line(&workspace.slug, 100));
        Some(Reached { uuid, slug, is_administrator: access.administrator })
    });
    Ok(Discovered { reached: reached.collect(), is_cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remark_names_the_bound() {
        let cut = Discovered { reached: Vec::new(), is_cut: true };
        assert!(cut.remark().contains(&format!("first {AT_MOST} workspaces")));
        assert_eq!(Discovered::default().remark(), "");
    }
}
