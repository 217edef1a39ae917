// A name that expressions speak of: it is handed over whole, when the field is left, and what cannot be a name says why and stays.

import { useId } from "react";
import { useDesk, useDraft } from "./desk.jsx";

const FEW = "Only the letters a to z, digits and _ can stand in a name.";
const never = () => false;

/** A typed name as values spell it, `Größe (cm)` as `Groesse_cm`; empty where nothing of it can stay. */
export function plainName(text) {
  const latin = text.trim().replace(/ß/g, "ss").replace(/ä/g, "ae").replace(/ö/g, "oe").replace(/ü/g, "ue").replace(/Ä/g, "Ae").replace(/Ö/g, "Oe").replace(/Ü/g, "Ue").normalize("NFKD").replace(/\p{M}/gu, "");
  const name = latin.replace(/[^A-Za-z0-9_]+/g, "_").replace(/(?<!^)_+$/, "").replace(/^_+(?=.)/, (start) => (latin.startsWith("_") ? start : ""));
  return /[A-Za-z0-9]/.test(name) ? (/^\d/.test(name) ? `_${name}` : name).slice(0, 80) : "";
}

/** Why a text cannot be a plain name beside these others; null when it can. */
export function noName(text, others, what) {
  if (!text.trim()) return `A ${what} needs a name. It keeps the one it had.`;
  const name = plainName(text);
  if (!name) return `${FEW} It keeps the one it had.`;
  return others.includes(name) ? `There is a ${what} called “${name}” already. It keeps the name it had.` : null;
}

/** The same for names that may be any words, as those of kinds and ways. */
export function noWords(text, others, what) {
  if (!text.trim()) return `A ${what} needs a name. It keeps the one it had.`;
  return others.includes(text.trim()) ? `There is a ${what} called “${text.trim()}” already. It keeps the name it had.` : null;
}

/** `refuse` tells why a text is no name, or null; `told` stands below whatever is typed, for what becomes of it. */
export function NameInput({ id, value, commit, refuse, told, label, className = "", isInvalid, testId }) {
  const { readOnly } = useDesk(), help = useId();
  const [draft, change, flush] = useDraft(value, (text) => { if (!refuse(text)) commit(text); }, never);
  const reason = draft === value ? null : refuse(draft), words = reason ?? (draft === value ? null : told?.(draft));
  return (
    <>
      <input id={id} className={`inp ${isInvalid || reason ? "is-bad" : ""} ${className}`} value={draft} readOnly={readOnly} aria-label={label} aria-invalid={Boolean(isInvalid || reason) || undefined} aria-describedby={words ? help : undefined} maxLength={200}
        data-testid={testId} autoComplete="off" onChange={(event) => change(event.target.value)} onBlur={flush} onKeyDown={(event) => { if (event.key === "Enter") flush(); }} />
      {words ? <p id={help} className={reason ? "ins-bad failed" : "ins-help"} role="status">{words}</p> : null}
    </>
  );
}

/** What becomes of a typed name that is spelled otherwise in values. */
export const spelledAs = (text) => { const name = plainName(text); return name && name !== text.trim() ? `In values it is called “${name}”: ${FEW.charAt(0).toLowerCase()}${FEW.slice(1)}` : null; };
