// `npm run check`: builds the page, then holds the manifest to Atlassian's rules and to ours. The variables of the manifest are taken from the
// environment, so that it also checks what is about to be deployed; those that are not set there are examples.

import { atlassianFindings } from "./checks/atlassian.js";
import { ownFindings } from "./checks/manifest.js";
import { EXAMPLE_VARIABLES, readManifest } from "./checks/read.js";

await import("./build.mjs");

process.chdir(new URL("./", import.meta.url).pathname);
for (const [name, example] of Object.entries(EXAMPLE_VARIABLES)) process.env[name] ??= example;

const findings = [...(await atlassianFindings()), ...ownFindings(await readManifest(process.env))];
for (const finding of findings) console.error(finding);
if (findings.length === 0) console.log(`manifest.yml is right, for ${process.env.CLARITYLOOP__PUBLIC_URL}`);
process.exitCode = findings.length === 0 ? 0 : 1;
