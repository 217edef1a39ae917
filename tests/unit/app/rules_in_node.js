// Reads expressions as JSON lines and answers each with what the table of rules makes of it: the expression again, or null.
import { createInterface } from "node:readline";
import { expressionOf, rulesOf } from "../../../app/components/inspector/rules.js";
import { partsOf, templateOf } from "../../../app/components/inspector/templates.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { expression, template } = JSON.parse(line);
  if (template !== undefined) console.log(JSON.stringify({ parts: partsOf(template), again: templateOf(partsOf(template)) }));
  else {
    const rules = rulesOf(expression);
    console.log(JSON.stringify({ rules, again: rules && expressionOf(rules) }));
  }
}
