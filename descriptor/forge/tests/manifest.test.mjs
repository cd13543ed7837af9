// The manifest passes its checks, and each check finds what it is for.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { SCOPE_OF_EVENT } from "../checks/events.js";
import { ownFindings } from "../checks/manifest.js";
import { EXAMPLE_VARIABLES, readManifest } from "../checks/read.js";

const SCOPES_CHECKED_BY_ATLASSIAN = "../node_modules/@forge/manifest/out/mapping/product-event-to-scope-mapping.json";

const endpoint = (manifest, key) => manifest.modules.endpoint.find((candidate) => candidate.key === key);
const trigger = (manifest, key) => manifest.modules.trigger.find((candidate) => candidate.key === key);

// Each breaks the manifest in one way and names the finding that it expects.
const BREAKS = [
  ["a remote without TLS", (m) => (m.remotes[0].baseUrl = "http://clarityloop.example.com"), /is not https/],
  ["a remote below a path", (m) => (m.remotes[0].baseUrl = "https://example.com/clarityloop"), /without a path/],
  ["a remote that is no address", (m) => (m.remotes[0].baseUrl = "clarityloop.example.com"), /is not https/],
  ["a second remote", (m) => m.remotes.push({ ...m.remotes[0], key: "other" }), /2 remotes/],
  ["operations left out", (m) => delete m.remotes[0].operations, /does compute, and operations does not/],
  ["storage not among the operations", (m) => (m.remotes[0].operations = ["compute"]), /does storage, and operations does not/],
  ["storage left out", (m) => delete m.remotes[0].storage, /inScopeEUD does not say so/],
  ["storage that denies people's data", (m) => (m.remotes[0].storage.inScopeEUD = false), /inScopeEUD does not say so/],
  ["an event that does not exist", (m) => trigger(m, "pull-request-changed").events.push("avi:bitbucket:merged:pullrequest"), /no event avi:bitbucket:merged/],
  ["the event of an uninstall, which does not exist", (m) => trigger(m, "installation-changed").events.push("avi:forge:uninstalled:app"), /no event avi:forge:uninstalled/],
  ["an event without its scope", (m) => trigger(m, "repository-changed").events.push("avi:bitbucket:started:deployment"), /needs read:pipeline:bitbucket/],
  ["no scope for the system token", (m) => m.permissions.scopes.shift(), /scope read:app-system-token is missing/],
  ["no scope for a user token that is asked for", (m) => (endpoint(m, "pull-request").auth.appUserToken = { enabled: true }), /scope read:app-user-token is missing/],
  ["a scope that nothing needs", (m) => m.permissions.scopes.push("write:pullrequest:bitbucket"), /nothing needs the scope write:pullrequest/],
  ["a key that is too long", (m) => (m.resources[0].key = "the-page-of-everything-we-show"), /key the-page-of-everything-we-show is not/],
  ["a key with a slash", (m) => (m.remotes[0].key = "clarity/loop"), /key clarity\/loop is not/],
  ["a key used by modules of two kinds", (m) => (m.modules.scheduledTrigger[0].key = "refresh"), /key refresh is used twice/],
  ["a trigger whose endpoint has no route", (m) => delete endpoint(m, "events").route, /calls undefined/],
  ["a trigger to a page's path", (m) => (endpoint(m, "events").route.path = "/forge/panel"), /trigger calls \/forge\/panel/],
  ["an uninstall that is sent elsewhere", (m) => (endpoint(m, "uninstall").route.path = "/forge/lifecycle"), /preUninstall calls \/forge\/lifecycle/],
  ["a timer that is sent elsewhere", (m) => (endpoint(m, "refresh").route.path = "/forge/timer"), /scheduledTrigger calls \/forge\/timer/],
  ["a user token where there is no user", (m) => (endpoint(m, "events").auth.appUserToken = { enabled: true }), /no user whose token/],
  ["a route for a page", (m) => (endpoint(m, "settings").route = { path: "/forge/settings" }), /would be ignored/],
  ["an endpoint that is not there", (m) => (m.modules.preUninstall[0].endpoint = "bye"), /no endpoint bye/],
  ["an endpoint that nothing uses", (m) => m.modules.endpoint.push({ key: "spare", remote: "clarityloop" }), /endpoint spare: nothing uses it/],
  ["a remote that is not there", (m) => (endpoint(m, "events").remote = "backend"), /no remote backend/],
  ["a misspelt property", (m) => (m.modules["bitbucket:workspaceSettingsMenuPage"][0].useAsConfiguration = true), /no property useAsConfiguration/],
  ["a kind of module nobody checks", (m) => (m.modules["bitbucket:mergeCheck"] = [{ key: "gate" }]), /bitbucket:mergeCheck is a kind of module/],
  ["no word of an uninstall", (m) => delete m.modules.preUninstall, /there is no preUninstall/],
];

test("the manifest has no findings", async () => {
  assert.deepEqual(ownFindings(await readManifest(EXAMPLE_VARIABLES)), []);
});

for (const [name, spoil, expected] of BREAKS) {
  test(`is found: ${name}`, async () => {
    const manifest = await readManifest(EXAMPLE_VARIABLES);
    spoil(manifest);
    const findings = ownFindings(manifest);
    assert.ok(findings.some((finding) => expected.test(finding)), `found only: ${findings.join("; ") || "nothing"}`);
  });
}

test("a variable that is not set is named", async () => {
  await assert.rejects(readManifest({}), /CLARITYLOOP__FORGE__APP_ID/);
});

test("the action is titled as on the Connect side, and the settings page is the configuration of the app", async () => {
  const { modules } = await readManifest(EXAMPLE_VARIABLES);
  assert.equal(modules["bitbucket:repoPullRequestAction"][0].title, "Add to ClarityLoop");
  assert.equal(modules["bitbucket:workspaceSettingsMenuPage"][0].useAsConfig, true);
});

test("our list of events knows all whose scopes Atlassian checks, and the same scopes", async () => {
  const mapping = JSON.parse(await readFile(new URL(SCOPES_CHECKED_BY_ATLASSIAN, import.meta.url), "utf8"));
  const checked = mapping.mapping.filter(({ productEvent }) => productEvent.startsWith("avi:bitbucket:"));
  assert.ok(checked.length > 10);
  for (const { productEvent, oAuthScopes } of checked) assert.deepEqual([SCOPE_OF_EVENT.get(productEvent)], oAuthScopes.current, productEvent);
});
