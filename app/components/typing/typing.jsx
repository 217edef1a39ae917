// Each field waits for itself, so that typing in another one swallows nothing. When its form is put back, what was on its way is not told any more.
import { useEffect, useRef } from "react";

const PAUSE_MS = 400;

export function Typing({ type = "text", inputMode, placeholder, className, onTyped }) {
  const field = useRef(null), waiting = useRef(0), latest = useRef(onTyped);
  latest.current = onTyped;
  useEffect(() => {
    const form = field.current.form, forget = () => clearTimeout(waiting.current);
    form?.addEventListener("reset", forget);
    return () => { forget(); form?.removeEventListener("reset", forget); };
  }, []);
  const typed = (event) => {
    const text = event.target.value;
    clearTimeout(waiting.current);
    waiting.current = setTimeout(() => latest.current?.(text), PAUSE_MS);
  };
  return <input ref={field} type={type} inputMode={inputMode} placeholder={placeholder} className={className} defaultValue="" onChange={typed} />;
}
