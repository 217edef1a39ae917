// What lies over a page: a dialog, a question, a message that goes by itself, and a button that copies.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { Check, Copy as CopyIcon, X } from "lucide-react";
import "./dialog.css";

const SHOWN_MS = 6000;

// The browser's own <dialog>: it keeps the focus inside, closes with Escape and gives the focus back.
export function Dialog({ title, size = "", onClose, children, footer, busy = false }) {
  const ref = useRef(null), id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog.open) dialog.showModal();
    // What one came for, rather than the way out; an answer that should be at hand says so itself.
    const first = dialog.querySelector("[autofocus]") ?? dialog.querySelector(".db input:not([hidden],[type=file]), .db textarea, .db select");
    first?.focus();
    return () => dialog.close();
  }, []);
  const close = (event) => { event?.preventDefault(); if (!busy) onClose?.(); };
  return (
    <dialog ref={ref} className={`dlg ${size}`} aria-labelledby={id} onCancel={close} onKeyDown={(event) => event.stopPropagation()}>
      <div className="dh">
        <h2 id={id} className="t16 el sp">{title}</h2>
        <button type="button" className="btn ghost ic" aria-label="Close" onClick={close}><X size={16} aria-hidden="true" /></button>
      </div>
      <div className="db">{children}</div>
      {footer ? <div className="df">{footer}</div> : null}
    </dialog>
  );
}

export function Confirm({ title, confirm, danger, onConfirm, onClose, children }) {
  const footer = (
    <>
      <button type="button" className={danger ? "btn danger" : "btn pri"} onClick={() => onConfirm?.()}>{confirm}</button>
      <button type="button" className="btn" ref={(button) => button?.setAttribute("autofocus", "")} onClick={() => onClose?.()}>Cancel</button>
    </>
  );
  return <Dialog title={title} size="small" onClose={onClose} footer={footer}>{children}</Dialog>;
}

// It stays as long as somebody points at it or has the focus in it.
export function Toast({ text, action, onAction, onGone }) {
  const [held, setHeld] = useState(false), latest = useRef(onGone);
  latest.current = onGone;
  useEffect(() => {
    if (held) return undefined;
    const going = setTimeout(() => latest.current?.(), SHOWN_MS);
    return () => clearTimeout(going);
  }, [held, text]);
  const hold = { onMouseEnter: () => setHeld(true), onMouseLeave: () => setHeld(false), onFocus: () => setHeld(true), onBlur: () => setHeld(false) };
  return (
    <div className="toast low" role="status" {...hold}>
      <Check size={16} aria-hidden="true" /><span className="sp">{text}</span>
      {action ? <button type="button" className="btn sm" onClick={() => onAction?.()}>{action}</button> : null}
      <button type="button" className="btn sm ghost ic" aria-label="Close" onClick={() => onGone?.()}><X size={16} aria-hidden="true" /></button>
    </div>
  );
}

export function Copy({ text, label = "Copy" }) {
  const [told, setTold] = useState(""), source = useRef(null);
  useEffect(() => {
    if (!told) return undefined;
    const over = setTimeout(() => setTold(""), 2500);
    return () => clearTimeout(over);
  }, [told]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold("Copied");
    } catch {
      // Without https a browser gives no clipboard: then the text is marked, for Ctrl+C.
      source.current.hidden = false;
      source.current.select();
      setTold("Press Ctrl+C");
    }
  };
  return (
    <span className="row">
      <input ref={source} hidden readOnly value={text} className="inp mono" aria-label="Text to copy" />
      <button type="button" className="btn sm" onClick={copy}>
        {told === "Copied" ? <Check size={16} aria-hidden="true" /> : <CopyIcon size={16} aria-hidden="true" />}<span aria-live="polite">{told || label}</span>
      </button>
    </span>
  );
}
