// The paths of the ClarityLoop server that this app calls.

// What a page asks for first, by the module that it is shown as. All that its forms send goes to paths below that one.
export const OPENED_BY = {
  "bitbucket:repoPullRequestOverviewPanel": "/forge/panel",
  "bitbucket:repoPullRequestAction": "/forge/panel",
  "bitbucket:workspaceSettingsMenuPage": "/forge/settings",
};

// Where Forge itself calls, by the kind of module that makes it call.
export const CALLED_BY = {
  trigger: ["/forge/events", "/forge/lifecycle"],
  scheduledTrigger: ["/forge/refresh"],
  preUninstall: ["/forge/uninstall"],
};
