// What every part of the inspector works on: the step in front of it, its values, and how a change is handed over.

import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import { chipOf } from "./available.js";
import { isHandedOver, isTyped } from "./pending.js";
import { at, keysOf, same } from "./places.js";

export const Desk = createContext(null);
export const useDesk = () => useContext(Desk);

/** Where the fields of a form read and write: `{value, set(keys, value, label), problems, prefix}`. */
export const Form = createContext(null);
export const useForm = () => useContext(Form);

export const COMMIT_AFTER_MS = 500;

/** What is being typed. It is handed over after a pause, if it is whole, on Enter, when the field is left, and when it or the page goes away. */
export function useDraft(value, commit, isWhole = () => true) {
  const [draft, show] = useState(value);
  const kept = useRef({ draft: value, committed: value, timer: 0 });
  Object.assign(kept.current, { commit, isWhole });
  useEffect(() => {
    // Undo, another field or another person changed it; what is being typed here stays.
    if (same(value, kept.current.committed)) return;
    clearTimeout(kept.current.timer);
    Object.assign(kept.current, { draft: value, committed: value });
    show(value);
  }, [value]);
  const flush = useCallback(() => {
    const { draft: latest, committed, commit: hand } = kept.current;
    clearTimeout(kept.current.timer);
    isHandedOver(flush);
    if (same(latest, committed)) return;
    kept.current.committed = latest;
    hand(latest);
  }, []);
  const change = useCallback((next) => {
    kept.current.draft = next;
    show(next);
    isTyped(flush);
    clearTimeout(kept.current.timer);
    kept.current.timer = setTimeout(() => { if (kept.current.isWhole(next)) flush(); }, COMMIT_AFTER_MS);
  }, [flush]);
  useEffect(() => flush, [flush]);
  return [draft, change, flush];
}

/** The problems of the field at these keys: its own, and with `isWhole` also those of its parts. */
export function useProblems(keys, isWhole = false) {
  const { problems, prefix } = useForm();
  return useMemo(() => problems.filter((problem) => {
    if (!problem.field) return false;
    const found = keysOf(problem.field, prefix);
    return (isWhole ? found.length >= keys.length : found.length === keys.length) && keys.every((key, i) => String(key) === String(found[i]));
  }), [problems, prefix, keys.join(), isWhole]);
}

export function useSetting(keys) {
  const form = useForm();
  return [at(form.value, keys), (value, label) => form.set(keys, value, label)];
}

/** What a value is called on a chip. */
export function useChip() {
  const { document, kinds } = useDesk();
  return useCallback((expression) => chipOf(expression, document, kinds), [document, kinds]);
}


/** The whole steps of the last run, loaded when they are needed. `{nodeId: step}`, and the function that asks for some. */
export function useBodies(lastRun) {
  const [bodies, keep] = useState({ run: null, steps: {} });
  const asked = useRef(new Set());
  const run = lastRun?.run_id ?? null;
  const need = useCallback((ids) => {
    for (const id of ids) {
      const step = lastRun?.steps?.[id], of = step?.run_id ?? run, key = step && `${of} ${step.path} ${step.status} ${step.attempt}`;
      if (!step || asked.current.has(key)) continue;
      asked.current.add(key);
      const add = (whole) => keep((old) => ({ run, steps: { ...(old.run === run ? old.steps : {}), [id]: whole } }));
      if (step.outputs && !step.outputs.$ref) { add(step); continue; }
      fetch(`/api/v1/runs/${of}/steps/${step.path.split("/").map(encodeURIComponent).join("/")}`, { headers: { Accept: "application/json" } })
        .then((answer) => (answer.ok ? answer.json() : null))
        .then((whole) => whole && add(whole))
        // The server is away: the page says so, and the next time the value is wanted it is asked for again.
        .catch(() => asked.current.delete(key));
    }
  }, [lastRun, run]);
  return [bodies.run === run ? bodies.steps : {}, need];
}

/** Calls when something outside is pressed or focused. */
export function useOutside(ref, isOpen, close) {
  useEffect(() => {
    if (!isOpen) return undefined;
    const look = (event) => { if (!ref.current?.contains(event.target)) close(); };
    document.addEventListener("pointerdown", look);
    document.addEventListener("focusin", look);
    return () => { document.removeEventListener("pointerdown", look); document.removeEventListener("focusin", look); };
  }, [isOpen]);
}
