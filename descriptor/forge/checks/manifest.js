// What Atlassian's validation lets pass and would break an installation or ask for more than we need.

import { CALLED_BY, OPENED_BY } from "../src/doors.js";
import { SCOPE_OF_EVENT } from "./events.js";

// The server reads pull requests, repositories and the workspace: what those calls need, and no more.
const SCOPES_OF_CALLS = ["read:pullrequest:bitbucket", "read:repository:bitbucket", "read:workspace:bitbucket"];

// A misspelt property is not refused, it does nothing.
const PAGE = ["key", "title", "resource", "resolver"];
const PROPERTIES = {
  "bitbucket:repoPullRequestOverviewPanel": PAGE,
  "bitbucket:repoPullRequestAction": PAGE,
  "bitbucket:workspaceSettingsMenuPage": [...PAGE, "useAsConfig"],
  trigger: ["key", "endpoint", "events"],
  scheduledTrigger: ["key", "endpoint", "interval"],
  preUninstall: ["key", "endpoint"],
  endpoint: ["key", "remote", "route", "auth"],
};

// The sentences that say what is wrong with a manifest whose variables are filled in.
export function ownFindings(manifest) {
  return [...modules(manifest), ...keys(manifest), ...endpoints(manifest), ...events(manifest), ...remotes(manifest), ...scopes(manifest)];
}

function* modules({ modules }) {
  for (const [kind, entries] of Object.entries(modules)) {
    if (!PROPERTIES[kind]) yield `${kind} is a kind of module that no check knows`;
    for (const entry of PROPERTIES[kind] ? entries : []) {
      for (const name of Object.keys(entry)) {
        if (!PROPERTIES[kind].includes(name)) yield `${kind} ${entry.key}: no property ${name} is known`;
      }
    }
  }
  for (const kind of Object.keys(PROPERTIES)) {
    if (!modules[kind]) yield `there is no ${kind}`;
  }
}

// Forge counts keys of all kinds of modules as one set of names; ours are as short and plain as the strictest kind wants them.
function* keys({ modules, remotes = [], resources = [] }) {
  const seen = new Set();
  for (const { key } of Object.values(modules).flat()) {
    if (seen.has(key)) yield `the key ${key} is used twice`;
    seen.add(key);
  }
  for (const key of [...seen, ...remotes.map(({ key }) => key), ...resources.map(({ key }) => key)]) {
    if (!/^[a-zA-Z0-9_-]{1,23}$/.test(key)) yield `the key ${key} is not made of 1 to 23 letters, digits, "_" and "-"`;
  }
}

function* endpoints({ modules, remotes = [] }) {
  const endpoints = new Map((modules.endpoint ?? []).map((endpoint) => [endpoint.key, endpoint]));
  const unused = new Set(endpoints.keys());
  for (const [kind, entries] of Object.entries(modules)) {
    for (const entry of kind === "endpoint" ? [] : entries) {
      const key = entry.endpoint ?? entry.resolver?.endpoint;
      const endpoint = endpoints.get(key);
      unused.delete(key);
      if (!endpoint) yield `${kind} ${entry.key}: there is no endpoint ${key}`;
      else if (kind in OPENED_BY) yield* endpointOfPage(endpoint);
      else yield* endpointOfPlatform(kind, endpoint);
    }
  }
  for (const key of unused) yield `endpoint ${key}: nothing uses it`;
  for (const { key, remote } of endpoints.values()) {
    if (!remotes.some((candidate) => candidate.key === remote)) yield `endpoint ${key}: there is no remote ${remote}`;
  }
}

function* endpointOfPage({ key, route }) {
  if (route) yield `endpoint ${key}: a page chooses its path itself, its route would be ignored`;
}

function* endpointOfPlatform(kind, { key, route, auth }) {
  const paths = CALLED_BY[kind] ?? [];
  if (!paths.includes(route?.path)) yield `endpoint ${key}: ${kind} calls ${route?.path}, the server answers it at ${paths.join(" or ")}`;
  if (auth?.appUserToken?.enabled) yield `endpoint ${key}: Forge calls it by itself, so there is no user whose token it could bring`;
}

function* events({ modules, permissions }) {
  for (const { key, events } of modules.trigger ?? []) {
    for (const event of events) {
      const scope = SCOPE_OF_EVENT.get(event);
      if (scope === undefined) yield `trigger ${key}: there is no event ${event}`;
      else if (scope && !permissions.scopes.includes(scope)) yield `trigger ${key}: ${event} needs ${scope}`;
    }
  }
}

function* remotes({ remotes = [] }) {
  if (remotes.length !== 1) yield `there are ${remotes.length} remotes, and one server`;
  for (const { key, baseUrl, operations = [], storage } of remotes) {
    if (!isHttpsOrigin(baseUrl)) yield `remote ${key}: ${baseUrl} is not https:// and a host, without a path`;
    for (const operation of ["compute", "storage"]) {
      if (!operations.includes(operation)) yield `remote ${key}: the server does ${operation}, and operations does not say so`;
    }
    if (storage?.inScopeEUD !== true) yield `remote ${key}: the server keeps data about people, and storage.inScopeEUD does not say so`;
  }
}

function isHttpsOrigin(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === "https:" && (text === url.origin || text === `${url.origin}/`);
}

function* scopes({ modules, permissions }) {
  const tokens = (modules.endpoint ?? []).map(({ auth }) => auth ?? {});
  const needed = new Set(SCOPES_OF_CALLS);
  if (tokens.some(({ appSystemToken }) => appSystemToken?.enabled)) needed.add("read:app-system-token");
  if (tokens.some(({ appUserToken }) => appUserToken?.enabled)) needed.add("read:app-user-token");
  for (const scope of needed) {
    if (!permissions.scopes.includes(scope)) yield `the scope ${scope} is missing`;
  }
  for (const scope of permissions.scopes) {
    if (!needed.has(scope)) yield `nothing needs the scope ${scope}`;
  }
}
