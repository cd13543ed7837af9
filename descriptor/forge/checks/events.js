// The events that Bitbucket and Forge send to an app, each with the scope that it needs; none where an app gets it without.
//
// Source: https://developer.atlassian.com/platform/forge/events-reference/bitbucket/ and …/life-cycle/, as of August 2026. Nothing of
// Atlassian's checks the name of an event, and one that does not exist is never sent.

const REPOSITORY = "read:repository:bitbucket";
const PULL_REQUEST = "read:pullrequest:bitbucket";
const PIPELINE = "read:pipeline:bitbucket";

export const SCOPE_OF_EVENT = new Map([
  ["avi:forge:installed:app", null],
  ["avi:forge:upgraded:app", null],
  ["avi:bitbucket:created:repository", REPOSITORY],
  ["avi:bitbucket:updated:repository", REPOSITORY],
  ["avi:bitbucket:push:repository", REPOSITORY],
  ["avi:bitbucket:deleted:repository", REPOSITORY],
  ["avi:bitbucket:created:build-status", REPOSITORY],
  ["avi:bitbucket:updated:build-status", REPOSITORY],
  ["avi:bitbucket:created:commit-comment", REPOSITORY],
  ["avi:bitbucket:created:pullrequest", PULL_REQUEST],
  ["avi:bitbucket:updated:pullrequest", PULL_REQUEST],
  ["avi:bitbucket:fulfilled:pullrequest", PULL_REQUEST],
  ["avi:bitbucket:rejected:pullrequest", PULL_REQUEST],
  ["avi:bitbucket:updated:pullrequest-reviewer-status", PULL_REQUEST],
  ["avi:bitbucket:created:pullrequest-comment", PULL_REQUEST],
  ["avi:bitbucket:updated:pullrequest-comment", PULL_REQUEST],
  ["avi:bitbucket:deleted:pullrequest-comment", PULL_REQUEST],
  ["avi:bitbucket:resolved:pullrequest-comment", PULL_REQUEST],
  ["avi:bitbucket:reopened:pullrequest-comment", PULL_REQUEST],
  ["avi:bitbucket:pending:deployment", PIPELINE],
  ["avi:bitbucket:started:deployment", PIPELINE],
  ["avi:bitbucket:completed:deployment", PIPELINE],
]);
