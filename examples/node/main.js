// A Node program that gates three tool calls: `npm start`, with `hexgate-compile` in the path.

import { load } from "./build/billing.js";
import * as jco from "./build/jco/billing.component.js";

const own = await load();

for (const [tool, text] of [
  ["refund_order", '{"amount": 200, "currency": "USD"}'],
  ["refund_order", '{"amount": 9007199254740993, "currency": "USD"}'],
  ["wire_transfer", '{"amount": 900, "currency": "USD", "recipient": "ACME"}'],
  ["delete_account", '{"id": 7}'],
]) {
  for (const [glue, { decision }] of Object.entries({ own, jco })) {
    console.log(`${glue}: ${tool} ${text}: ${decide(decision, tool, text)}`);
  }
}

function decide(decision, tool, text) {
  let verdict;
  try {
    // The bytes that are decided are the bytes that run: an agent passes `text` on as it is.
    verdict = decision.decide({ roles: ["billing"], tool, arguments: text });
  } catch (error) {
    return error.message;
  }
  switch (verdict.tag) {
    case "allow":
      return "run it";
    case "needs-approval":
      return "ask a human";
    default:
      return verdict.val.reason;
  }
}
