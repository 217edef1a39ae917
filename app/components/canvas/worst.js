// The most that a run can use, asked again whenever the drawing or its settings have changed.
import { useEffect, useState } from "react";
import { ask, Away, Refused } from "./api.js";

const WAIT_MS = 500, LIMIT_S = 3600;

export function useWorstCase({ state }) {
  const [worst, setWorst] = useState(null);
  useEffect(() => {
    const over = new AbortController();
    const timer = setTimeout(() => {
      ask("POST", "/api/v1/workflows/validate", state.document, { signal: over.signal }).then(
        (found) => setWorst({ bounds: found.worst_case, limits: Number(state.document.limits?.seconds) || LIMIT_S }),
        // Without an answer the last one would be wrong: nothing is said.
        (error) => { if (error instanceof Away || error instanceof Refused) setWorst(null); else if (!over.signal.aborted) throw error; },
      );
    }, worst ? WAIT_MS : 0);
    return () => { clearTimeout(timer); over.abort(); };
  }, [state.structure]);
  return worst;
}
