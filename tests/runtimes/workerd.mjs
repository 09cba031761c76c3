// Cloudflare's workerd, by way of miniflare: see `cases.mjs`. A worker imports its modules, WebAssembly too; none is compiled from
// bytes. Several workers, one after the other, because one cannot be arbitrarily large.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { cases, files, policies, print } from "./cases.mjs";

const AT_ONCE = 100;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const shared = ["decide.mjs", "instantiate.mjs"].map((name) => ({
  type: "ESModule",
  path: name,
  contents: readFileSync(here(name), "utf8"),
}));

const report = { answers: [], descriptions: [] };
const [all, folders] = [cases(), policies()];
for (let start = 0; start < folders.length; start += AT_ONCE) {
  const part = folders.slice(start, start + AT_ONCE);
  const numbers = part.map((_, number) => number);
  const worker = `
    import { decideAll } from "./decide.mjs";
    import { instantiate } from "./instantiate.mjs";
    ${numbers.map((n) => `import * as glue${n} from "./glue${n}.js"; import core${n} from "./core${n}.wasm";`).join("\n")}
    export default {
      async fetch(request) {
        const parts = [${numbers.map((n) => `[glue${n}, core${n}]`)}];
        return Response.json(await decideAll(parts.length, (number) => instantiate(...parts[number]), await request.json()));
      },
    };`;
  const miniflare = new Miniflare({
    compatibilityDate: "2026-07-01",
    modules: [
      { type: "ESModule", path: "worker.mjs", contents: worker },
      ...shared,
      ...part.flatMap((policy, n) => [
        { type: "ESModule", path: `glue${n}.js`, contents: readFileSync(join(policy, files.module), "utf8") },
        { type: "CompiledWasm", path: `core${n}.wasm`, contents: readFileSync(join(policy, files.core)) },
      ]),
    ],
  });
  try {
    const asked = all
      .map((one, index) => ({ index, one: { ...one, policy: one.policy - start } }))
      .filter(({ one }) => one.policy >= 0 && one.policy < part.length);
    const body = JSON.stringify(asked.map(({ one }) => one));
    const response = await miniflare.dispatchFetch("http://policy/", { method: "POST", body });
    if (!response.ok) throw new Error(await response.text());
    const { answers, descriptions } = await response.json();
    asked.forEach(({ index }, at) => (report.answers[index] = answers[at]));
    report.descriptions.push(...descriptions);
  } finally {
    await miniflare.dispose();
  }
}
print(report);
