// Outputs that are held fast for tries: a step with one is not run again while the draft is tried.
import { useCallback, useEffect, useState } from "react";
import { ask, Away, inWords, Refused } from "./api.js";

export function usePins({ draft, tell }) {
  const [pins, setPins] = useState({});
  const address = `/api/v1/workflows/${draft.id}/pins`;
  const load = useCallback(() => ask("GET", address).then((found) => setPins(readPins(found)), quietly), [address]);
  useEffect(() => { load(); }, [load]);
  const pin = useCallback(async (node, outputs) => {
    try {
      if (outputs === null) await ask("DELETE", `${address}/${encodeURIComponent(node)}`);
      else await ask("PUT", `${address}/${encodeURIComponent(node)}`, { outputs });
      setPins(({ [node]: _old, ...rest }) => (outputs === null ? rest : { ...rest, [node]: outputs }));
      tell({ tone: "done", text: outputs === null ? "The output is not pinned any more." : "The output is pinned: tries use it instead of running the step. Live runs do not." });
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Away)) throw error;
      tell({ tone: "failed", text: `Not pinned. ${inWords(error)}`, stays: true });
    }
  }, [address, tell]);
  return { pins, pin };
}

// A list of `{node, outputs}`, or an object by step.
const readPins = (found) => (Array.isArray(found.items) ? Object.fromEntries(found.items.map((item) => [item.node, item.outputs])) : (found.pins ?? {}));

function quietly(error) {
  // Whoever may not see them has none.
  if (!(error instanceof Refused || error instanceof Away)) throw error;
}
