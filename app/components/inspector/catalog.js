// The tools that steps and agents may use, as the catalog has them, and how each is told in words.

import { useEffect, useReducer } from "react";
import { Globe, Plug, Wrench, Table2 } from "lucide-react";
import { said } from "./words.js";

const ADDRESS = "/api/v1/tools/catalog";
const ICONS = { web: Globe, mcp: Plug, table: Table2, built_in: Wrench };

// One list for the whole page: a second step that uses tools must not wait for it again.
const kept = { tools: [], state: "loading", asked: null, listeners: new Set() };

async function bring() {
  try {
    const answer = await fetch(ADDRESS, { headers: { Accept: "application/json" } });
    if (answer.ok) Object.assign(kept, { tools: (await answer.json()).items.map(toolOf), state: "ready" });
    else kept.state = answer.status === 403 ? "refused" : kept.state === "ready" ? "ready" : "away";
  } catch {
    // The page says that the connection is lost; what is known stays.
    if (kept.state !== "ready") kept.state = "away";
  }
  kept.asked = null;
  kept.listeners.forEach((tell) => tell());
}

const look = () => { kept.asked ??= bring(); };

/** `{tools, state, find(name)}`; asked for anew whenever somebody comes back to the page: tools are made in Settings. */
export function useCatalog() {
  const [, tell] = useReducer((number) => number + 1, 0);
  useEffect(() => {
    kept.listeners.add(tell);
    look();
    const back = () => { if (window.document.visibilityState === "visible") look(); };
    window.document.addEventListener("visibilitychange", back);
    return () => { kept.listeners.delete(tell); window.document.removeEventListener("visibilitychange", back); };
  }, []);
  return { tools: kept.tools, state: kept.state, find: (name) => kept.tools.find((tool) => tool.name === name) ?? null };
}

// A tool that nobody has given a title is called by its name.
const toolOf = (tool) => ({
  name: tool.name, title: tool.title === tool.name ? said(tool.name) : tool.title, kind: tool.kind, owner: tool.owner, description: tool.description, parameters: tool.parameters, effect: tool.effect,
  isWriting: tool.is_writing, isOutward: tool.is_outward, isPrivate: tool.origins.includes("private"), costUsd: tool.cost_usd, whyNot: tool.state === "usable" ? "" : tool.why || "It cannot be called now.",
});

export const iconOf = (tool) => ICONS[tool?.kind] ?? Wrench;

/** What calling it twice does, in a sentence. */
export const TWICE = {
  pure: "It only computes.", idempotent: "It changes nothing, however often it is called.",
  reconcilable: "It changes something. Whether it happened can be asked.", unsafe: "It changes something, and a second call does it again.",
};

export const effectWord = (tool) => (tool.isWriting ? "Changes something" : "Only reads");

/** How freely an agent may call it: `auto`, `ask` or `never`, whatever was set. */
export const policyOf = (policy, tool) => (policy && policy !== "default" ? policy : tool && !tool.isWriting ? "auto" : "ask");

/** The same as a sentence; `isDefault` where nobody has set it. */
export function policyInWords(policy, tool, rules) {
  const isDefault = !policy || policy === "default", count = rules ? ` ${rules === 1 ? "its rule holds" : `its ${rules} rules hold`}` : "";
  if (isDefault && tool && !tool.isWriting) return rules ? `It only reads: called if${count}` : "It only reads: called without asking";
  if (isDefault) return rules ? `Asks before it writes, if${count}` : "Asks before it writes";
  if (policy === "auto") return rules ? `Called without asking if${count}` : "Called without asking";
  if (policy === "ask") return rules ? `A person decides each time, if${count}` : "A person decides each time";
  return "Not called at all";
}

/** The tools whose name, title or description has every word that was typed, those that begin with it first. */
export function searched(tools, query) {
  const wanted = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const rank = (tool) => {
    const title = tool.title.toLowerCase(), all = `${title} ${tool.name.toLowerCase()} ${tool.description.toLowerCase()} ${tool.owner.toLowerCase()}`;
    if (!wanted.every((word) => all.includes(word))) return 3;
    return title.startsWith(wanted[0] ?? "") || tool.name.toLowerCase().startsWith(wanted[0] ?? "") ? 0 : title.includes(wanted[0]) ? 1 : 2;
  };
  return tools.map((tool, i) => [rank(tool), i, tool]).filter(([found]) => found < 3).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , tool]) => tool);
}
