// `node hostile.mjs FOLDER`: what our module does with cores that are not what it was written for, and with requests that are
// none. Prints what came of each; the tests know what has to come.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { folder, print } from "./cases.mjs";

const own = await import(pathToFileURL(join(folder, "policy.js")));

function outcome(run) {
  try {
    return run().tag;
  } catch (error) {
    if (error instanceof own.PolicyError) {
      const { tag, val } = error.payload;
      return tag === "malformed" ? `malformed ${val.field} ${val.offset}` : tag;
    }
    return `${error.name}: ${error.message}`;
  }
}

const REQUEST = { roles: ["r"], tool: "t", arguments: "{}" };

const cores = {};
for (const name of readdirSync(join(folder, "cores"))) {
  let policy;
  const started = outcome(() => {
    policy = own.instantiate(new WebAssembly.Module(readFileSync(join(folder, "cores", name))));
    return { tag: "started" };
  });
  const ask = () => outcome(() => policy.decision.decide(REQUEST));
  // The second answer tells whether the instance of the first was used again.
  cores[name] = started === "started" ? [ask(), ask()] : [started];
}

const { decision, description } = await own.load();
const half = "\ud800";
const misuse = {
  "no request": [undefined],
  "roles that are a text": [{ ...REQUEST, roles: "r" }],
  "roles that are like an array": [{ ...REQUEST, roles: { length: 1, 0: "r" } }],
  "a role that is no text": [{ ...REQUEST, roles: [7] }],
  "a hole in the roles": [{ ...REQUEST, roles: [,] }],
  "a tool that is no text": [{ ...REQUEST, tool: new String("t") }],
  "arguments that are an object": [{ ...REQUEST, arguments: {} }],
  "facts that are an object": [{ ...REQUEST, facts: {} }],
  "half a character in a role": [{ ...REQUEST, roles: ["r", half] }],
  "half a character in the tool": [{ ...REQUEST, tool: half }],
  "half a character in the arguments": [{ ...REQUEST, arguments: `{"ä":"${half}"}` }],
  "half a character in long arguments": [{ ...REQUEST, arguments: `{"a":"${"x".repeat(300)}${half}"}` }],
  "half a character in the facts": [{ ...REQUEST, facts: half }],
  "too many roles": [{ ...REQUEST, roles: Array(1025).fill("r") }],
  "32 roles": [{ ...REQUEST, roles: Array(32).fill("r") }],
  "facts that are null": [{ ...REQUEST, facts: null }],
  "after all that": [REQUEST],
};
const requests = Object.fromEntries(
  Object.entries(misuse).map(([name, parameters]) => [name, outcome(() => decision.decide(...parameters))]),
);
for (const [name, start] of [["a negative index", -1], ["a fraction", 0.5], ["an index of 33 bits", 2 ** 32], ["no index", "0"]]) {
  requests[name] = outcome(() => ({ tag: typeof description.roles(start, 1) }));
}

// The core beside the module is checked before it is compiled.
const { load } = await import(pathToFileURL(join(folder, "changed", "policy.js")));
const changed = await load().then(() => "loaded", (error) => error.message);

print({ cores, requests, changed });
