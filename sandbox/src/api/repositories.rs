//! A repository.

use super::{ApiError, caller::Caller};
use crate::{
    bitbucket::Bitbucket,
    resource::Resources,
    world::{Permission, Repository, World},
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

/// `GET /2.0/repositories/{workspace}/{repository}`.
pub(crate) async fn one(
    bitbucket: Data<Bitbucket>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let state = bitbucket.state();
    let repository = visible(&state.world, &caller, &path.0, &path.1)?;
    Ok(HttpResponse::Ok().json(Resources { world: &state.world, url: bitbucket.url() }.repository(repository)))
}

/// The repository, if the caller may see it: to others, a private one does not exist.
pub(crate) fn visible<'a>(
    world: &'a World,
    caller: &Caller,
    workspace: &str,
    repository: &str,
) -> Result<&'a Repository, ApiError> {
    world
        .repository_in(workspace, repository)
        .filter(|found| caller.permission(world, found) > Permission::None)
        .ok_or_else(|| ApiError::not_found(format!("Repository {workspace}/{repository} not found")))
}
