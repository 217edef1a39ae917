// Small marks of the builder that several of its parts show.
import { useEffect, useRef } from "react";
import { X } from "lucide-react";

export function Logo() {
  return (
    <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true" style={{ flex: "none", display: "block" }}>
      <rect width="24" height="24" rx="6.5" fill="var(--slate-12)" /><path d="M5 16h14M9.5 16c3 0 3-8 6-8H19" stroke="var(--surface)" strokeWidth="1.8" fill="none" strokeLinecap="round" /><circle cx="6.6" cy="9" r="2.1" fill="#30a46c" />
    </svg>
  );
}

export function TrackDrawing() {
  const places = [[8, 52, true], [72, 52], [172, 24], [200, 52]];
  return (
    <svg width="208" height="72" viewBox="0 0 208 72" aria-hidden="true">
      <path d="M8 52h192M72 52c32 0 20-28 52-28h48" stroke="var(--line-strong)" strokeWidth="3" fill="none" />
      {places.map(([x, y, isHere]) => <circle key={x} cx={x} cy={y} r="6" fill="var(--bg)" stroke={isHere ? "var(--accent)" : "var(--line-strong)"} strokeWidth="3" />)}
    </svg>
  );
}

// A question in front of everything: closed by Escape, by the cross, or by an answer.
export function Dialog({ title, onClose, children, width = 440, testid }) {
  const place = useRef(null);
  useEffect(() => {
    const shown = place.current;
    shown.showModal();
    // The browser would begin at the cross; a person begins at what is asked.
    shown.querySelector(".body input,.body textarea,.body select,.options button,.foot .btn.pri")?.focus();
    return () => shown.close();
  }, []);
  return (
    <dialog ref={place} className="ask" style={{ width }} aria-label={title} data-testid={testid} onCancel={(event) => { event.preventDefault(); onClose(); }} onKeyDown={(event) => event.stopPropagation()}>
      <div className="ch"><h2 className="t16">{title}</h2><span className="sp" /><button type="button" className="btn ghost ic sm" onClick={onClose} aria-label="Close"><X size={16} /></button></div>
      {children}
    </dialog>
  );
}

export function IconButton({ icon: Icon, label, keys, size = 16, ...more }) {
  return <button type="button" className="btn ghost ic" aria-label={label} title={keys ? `${label} (${keys})` : label} {...more}><Icon size={size} aria-hidden="true" /></button>;
}
