// One part of the inspector, with a heading that folds it.

import { useId, useState } from "react";
import { ChevronDown, ChevronRight } from "lucide-react";

export function Section({ title, count, aside, children, isFolded = false, className = "", testId }) {
  const [isOpen, setOpen] = useState(!isFolded), id = useId();
  return (
    <section className={`sec ${className}`} aria-labelledby={id} data-testid={testId}>
      <div className="sh">
        <button type="button" className="ins-fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? <ChevronDown size={14} aria-hidden="true" /> : <ChevronRight size={14} aria-hidden="true" />}
          <h3 id={id}>{title}</h3>
        </button>
        {count ? <span className="cnt">{count}</span> : null}
        <span className="sp" />
        {aside}
      </div>
      {isOpen ? children : null}
    </section>
  );
}
