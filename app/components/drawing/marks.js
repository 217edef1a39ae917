// Holds what changes often on a drawing (statuses, taken edges), keyed by step or edge: a change repaints one of them, never the canvas.
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";

export class Marks {
  #values = new Map();
  #listeners = new Map();

  get(key) { return this.#values.get(key); }

  keys() { return [...this.#values.keys()]; }

  set(key, value) {
    if (isSame(this.#values.get(key), value)) return;
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
    this.#listeners.get(key)?.forEach((tell) => tell());
  }

  // Everything that is not named is forgotten.
  replace(all) {
    for (const key of this.keys()) if (!(key in all)) this.set(key, undefined);
    for (const key in all) this.set(key, all[key]);
  }

  listen(key, tell) {
    let known = this.#listeners.get(key);
    if (!known) this.#listeners.set(key, (known = new Set()));
    known.add(tell);
    return () => known.delete(tell);
  }
}

function isSame(a, b) {
  if (a === b) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object") return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

// What all steps and edges of one drawing share.
export const Drawn = createContext({ statuses: new Marks(), edges: new Marks(), notices: new Marks(), diffs: new Marks(), readOnly: true });

export function useMark(kind, key) {
  const marks = useContext(Drawn)[kind];
  return useSyncExternalStore(useCallback((tell) => marks.listen(key, tell), [marks, key]), () => marks.get(key), () => undefined);
}
