// `node transpile.mjs FOLDER`: the component of each policy to JavaScript, by jco, which takes a tenth of a second for each.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { transpile } from "@bytecodealliance/jco";
import { policies } from "./cases.mjs";

for (const policy of policies()) {
  const component = readFileSync(join(policy, "policy.component.wasm"));
  const { files } = await transpile(component, {
    name: "policy",
    instantiation: "async",
    wasiShim: false,
    nodejsCompat: false,
    noTypescript: true,
  });
  const modules = Object.keys(files).filter((name) => name.endsWith(".wasm"));
  if (modules.join() !== "policy.core.wasm") throw new Error(`${policy}: jco finds the modules ${modules}`);
  mkdirSync(join(policy, "jco"), { recursive: true });
  for (const name of ["policy.js", "policy.core.wasm"]) writeFileSync(join(policy, "jco", name), files[name]);
}
