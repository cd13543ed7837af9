// Atlassian's own validation of the manifest, every kind of it. It reads manifest.yml and the folder of the built page from the current folder, and
// the variables of the manifest from the environment.

import manifest from "@forge/manifest";

export async function atlassianFindings() {
  const findings = [];
  for (const type of Object.values(manifest.ValidationTypes)) {
    const { success, errors = [] } = await manifest.ProcessorBuilder.instance().withValidation(type).build().process();
    for (const { level, message, line } of errors) findings.push(`${type}: ${level}: line ${line}: ${message}`);
    if (!success && errors.length === 0) findings.push(`${type}: failed and does not say why`);
  }
  return findings;
}
