// The folder that the tests prepare, for the runtimes that Node starts:
//
//   cases.json            [{ policy, roles, tool, arguments, facts }]
//   policies/N/           what hexgate-compile wrote for policy N: policy.component.wasm, policy.js, policy.core.wasm
//   policies/N/jco/       what `transpile.mjs` made of its component
//
// Each runtime is a program `node RUNTIME.mjs FOLDER GLUE` that prints what `decide.mjs` reports. GLUE is `own` (the module that
// hexgate-compile writes) or `jco`.

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const folder = resolve(process.argv[2] ?? ".");
export const glue = process.argv[3] ?? "own";

export const cases = () => JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));

/** The folders of the policies, by number. */
export const policies = () =>
  readdirSync(join(folder, "policies"))
    .sort((a, b) => a - b)
    .map((name) => join(folder, "policies", name));

/** Where the glue for a policy and its core module lie within its folder. */
export const files = {
  own: { module: "policy.js", core: "policy.core.wasm" },
  jco: { module: "jco/policy.js", core: "jco/policy.core.wasm" },
}[glue];

export function print(report) {
  process.stdout.write(JSON.stringify(report));
}
