// How long a decision takes, by our module and by jco's: `npm run measure [-- ROUNDS CALLS [MODULE...]]`. CPU time, the best of the
// rounds. With modules of the same policy those are measured instead: see `npm run measure:opa`.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { load } from "./build/billing.js";
import * as jco from "./build/jco/billing.component.js";

const [rounds = 7, calls = 50_000, ...modules] = process.argv.slice(2);
const glues = modules.length === 0 ? { own: await load(), jco } : {};
for (const module of modules) glues[module] = await (await import(pathToFileURL(resolve(module)))).load();

const requests = {
  allow: { roles: ["billing"], tool: "refund_order", arguments: '{"amount": 200, "currency": "USD"}' },
  deny: { roles: ["billing"], tool: "refund_order", arguments: '{"amount": 2000, "currency": "USD"}' },
  "deny, not ASCII, with facts": {
    roles: ["x", "billing"],
    tool: "refund_order",
    arguments: '{"amount": 2000, "currency": "Ü€😀"}',
    facts: "{}",
  },
};

for (const [name, request] of Object.entries(requests)) {
  for (const [glue, { decision }] of Object.entries(glues)) {
    let best = Infinity;
    for (let round = 0; round < rounds; round++) {
      const before = process.cpuUsage();
      for (let call = 0; call < calls; call++) decision.decide(request);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / calls);
    }
    console.log(`${name}: ${glue} ${best.toFixed(2)} µs`);
  }
}
