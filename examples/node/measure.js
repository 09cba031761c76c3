// How long a decision takes, by our module and by jco's: `npm run build && node measure.js`. CPU time, the best of some rounds.

import { load } from "./build/billing.js";
import * as jco from "./build/jco/billing.component.js";

const ROUNDS = 7;
const CALLS = 50_000;

const own = await load();
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
  for (const [glue, { decision }] of Object.entries({ own, jco })) {
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const before = process.cpuUsage();
      for (let call = 0; call < CALLS; call++) decision.decide(request);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / CALLS);
    }
    console.log(`${name}: ${glue} ${best.toFixed(2)} µs`);
  }
}
