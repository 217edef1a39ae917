// Which colleague does the step; what a colleague brings along stands beside the name.

import { useEffect, useState } from "react";
import { useDesk, useSetting } from "./desk.jsx";
import { Labelled } from "./fields.jsx";

/** The colleagues as the API has them; null until they are known, and where nobody may see them. */
function useColleagues() {
  const [found, show] = useState(null);
  useEffect(() => {
    const asking = new AbortController();
    fetch("/api/v1/agents?limit=1000", { headers: { Accept: "application/json" }, signal: asking.signal })
      .then((answer) => (answer.ok ? answer.json() : { items: [] }))
      .then((page) => show(page.items))
      // The server is away: the page says so, and the name that is set stays as it is.
      .catch(() => null);
    return () => asking.abort();
  }, []);
  return found;
}

export function ColleaguePicker({ keys, label, help }) {
  const { readOnly } = useDesk(), colleagues = useColleagues();
  const [value, set] = useSetting(keys), chosen = value ?? "", known = (colleagues ?? []).find((one) => one.slug === chosen || one.id === chosen);
  const told = known ? `${known.name}'s instructions and tools come along. What this step says adds to them and cannot widen them.` : chosen && colleagues ? "There is no such colleague here." : help;
  return (
    <Labelled keys={keys} label={label} help={told}>
      {({ id, isInvalid, describedBy }) => (
        <select id={id} className={`ins-sel wide${isInvalid ? " is-bad" : ""}`} value={known ? known.slug : chosen} disabled={readOnly} aria-describedby={describedBy} data-testid={keys.join(".")} onChange={(event) => set(event.target.value || undefined, label)}>
          <option value="">Nobody: this step says it all</option>
          {chosen && !known ? <option value={chosen}>{chosen}</option> : null}
          {(colleagues ?? []).map((one) => <option key={one.id} value={one.slug}>{`${one.face?.mark ? `${one.face.mark} ` : ""}${[one.name, one.duty].filter(Boolean).join(": ").slice(0, 80)}`}</option>)}
        </select>
      )}
    </Labelled>
  );
}
