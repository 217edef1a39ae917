// The code of a step: letters of one width, its lines numbered as mistakes name them, a new line as far in as the one before.

import { useLayoutEffect, useRef } from "react";
import { useDesk, useDraft } from "./desk.jsx";

const LEAST_LINES = 6;

export function CodeInput({ id, value, commit, label, placeholder, isInvalid, describedBy, testId }) {
  const { readOnly } = useDesk();
  const [draft, change, flush] = useDraft(value ?? "", commit);
  const area = useRef(null), caret = useRef(null);
  const lines = Math.max(LEAST_LINES, draft.split("\n").length, draft ? 0 : (placeholder ?? "").split("\n").length);
  useLayoutEffect(() => {
    if (caret.current === null) return;
    area.current.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing || readOnly) return;
    event.preventDefault();
    const { selectionStart, selectionEnd } = event.target, before = draft.slice(0, selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1), inset = line.match(/^ */)[0] + (/:\s*$/.test(line) ? "    " : "");
    caret.current = selectionStart + 1 + inset.length;
    change(`${before}\n${inset}${draft.slice(selectionEnd)}`);
  };
  return (
    <div className={`ins-program ${isInvalid ? "is-bad" : ""}`}>
      <div className="ins-lines" aria-hidden="true">{Array.from({ length: lines }, (_, i) => <span key={i}>{i + 1}</span>)}</div>
      <textarea ref={area} id={id} rows={lines} value={draft} readOnly={readOnly} aria-label={label} placeholder={placeholder} aria-invalid={isInvalid || undefined} aria-describedby={describedBy} data-testid={testId}
        wrap="off" spellCheck={false} autoCapitalize="off" autoCorrect="off" autoComplete="off" onChange={(event) => change(event.target.value)} onBlur={flush} onKeyDown={onKeyDown} />
    </div>
  );
}
