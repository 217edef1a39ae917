// What a setting would be worth with the values of the last run, worked out by the engine.

import { useEffect, useState } from "react";
import { useDesk } from "./desk.jsx";
import { brief } from "./words.js";

const WAIT_MS = 400;
const AT_ONCE = 3;
const KEPT = 300;
const told = new Map();
const waiting = [];
let running = 0;

// Opening a step with many settings must not ask for all of them at the same moment.
function next() {
  while (running < AT_ONCE && waiting.length) {
    const ask = waiting.shift();
    running += 1;
    ask().finally(() => { running -= 1; next(); });
  }
}

function ask(workflow, body, key) {
  if (told.has(key)) return told.get(key);
  const answer = new Promise((resolve) => {
    waiting.push(async () => {
      try {
        const found = await fetch(`/api/v1/workflows/${workflow}/preview`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
        resolve(found.ok ? await found.json() : null);
      } catch {
        // Without a server there is no preview; the page says that the connection is lost.
        told.delete(key);
        resolve(null);
      }
    });
    next();
  });
  if (told.size >= KEPT) told.delete(told.keys().next().value);
  told.set(key, answer);
  return answer;
}

/** `{value, error, is_cut}` of a template or an expression, or null while nobody knows. */
export function usePreview({ template, expression }) {
  const { workflow, node, lastRun, pins, isAboutACall } = useDesk();
  const [found, show] = useState(null);
  // What is wanted called is not known before it is wanted.
  const text = isAboutACall ? "" : template ?? expression;
  const run = lastRun?.run_id;
  useEffect(() => {
    if (!text?.trim() || !node) { show(null); return undefined; }
    let isGone = false;
    const body = { node: node.id, ...(template === undefined ? { expression } : { template }), ...(run ? { run_id: run } : {}), ...(Object.keys(pins).length ? { pins } : {}) };
    const timer = setTimeout(() => {
      ask(workflow.id, body, JSON.stringify([workflow.id, body])).then((answer) => { if (!isGone) show(answer); });
    }, WAIT_MS);
    return () => { isGone = true; clearTimeout(timer); };
  }, [workflow.id, node?.id, template, expression, run, pins]);
  return found;
}

export function Preview({ template, expression, isCondition, name }) {
  const found = usePreview({ template, expression });
  const { lastRun } = useDesk();
  if (!found) return null;
  if (found.error) {
    const isMissing = found.error.code === "missing_value";
    return (
      <p className={`ins-pre ${isMissing ? "mut" : "is-bad"}`} data-testid={`preview-${name}`}>
        {isMissing ? (lastRun ? "In the last run there is no value here: that step was not taken, or the part is missing." : "No example yet: try the workflow once, and the value shows here.") : found.error.message}
      </p>
    );
  }
  const value = isCondition ? (isTrue(found.value) ? "Yes, it holds" : "No, it does not hold") : brief(found.value, 240);
  return <p className="ins-pre" data-testid={`preview-${name}`}><span className="mut">{lastRun ? "Last time: " : "For example: "}</span>{value}</p>;
}

const isTrue = (value) => !(value === null || value === false || value === 0 || value === "" || (typeof value === "object" && !Object.keys(value).length));
