//! Pipelines, their steps, and deployments. A repository without Pipelines is `NotEnabled`.

use uuid::Uuid;

use super::RepositoryName;
use crate::bitbucket::answers::{Deployment, Environment, Pipeline, Step};
use crate::bitbucket::operation::Operation;
use crate::bitbucket::{Call, Client, Credential, Failure, Feature, Pages};

const fn operation(name: &'static str) -> Operation {
    Operation::named(name).of_feature(Feature::Pipelines)
}

impl Client {
    /// The pipelines of a repository, the newest first; those of one branch when it is named.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn pipelines(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        branch: Option<&str>,
    ) -> Result<Pages<Pipeline>, Failure> {
        // This service wants the slash at the end, knows no `q`, and has been seen to forget `next`.
        let call = repository
            .path(&["pipelines"])
            .map(|path| Call::get(path.closed()).with("sort", "-created_on").with_some("target.branch", branch));
        Ok(Pages::new(self, operation("pipelines"), credential, call)?.that_may_lack_next())
    }

    /// One pipeline.
    ///
    /// # Errors
    /// A [`Failure`].
    pub async fn pipeline(
        &self,
        credential: &Credential,
        repository: &RepositoryName,
        pipeline: Uuid,
    ) -> Result<Pipeline, Failure> {
        let call = Call::get(repository.path(&["pipelines", &format!("{{{pipeline}}}")])?);
        self.get(operation("pipeline"), credential, &call).await
    }

    /// The steps of a pipeline.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn steps(&self, credential: &Credential, repository: &RepositoryName, pipeline: Uuid) -> Result<Pages<Step>, Failure> {
        let call = repository.path(&["pipelines", &format!("{{{pipeline}}}"), "steps"]).map(Call::get);
        Ok(Pages::new(self, operation("steps"), credential, call)?.that_may_lack_next())
    }

    /// The deployments of a repository. They can be neither sorted nor narrowed.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn deployments(&self, credential: &Credential, repository: &RepositoryName) -> Result<Pages<Deployment>, Failure> {
        let call = repository.path(&["deployments"]).map(Call::get);
        Ok(Pages::new(self, operation("deployments"), credential, call)?.that_may_lack_next())
    }

    /// Where a repository is deployed to.
    ///
    /// # Errors
    /// `NotFound` for a repository that cannot be one; each page has its own.
    pub fn environments(&self, credential: &Credential, repository: &RepositoryName) -> Result<Pages<Environment>, Failure> {
        let call = repository.path(&["environments"]).map(Call::get);
        Ok(Pages::new(self, operation("environments"), credential, call)?.that_may_lack_next())
    }
}
