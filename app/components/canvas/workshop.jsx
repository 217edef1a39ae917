// The builder's page: bar, palette, canvas, inspector, and what comes in front of them.
import { useEffect, useMemo, useRef, useState } from "react";
import { Bar } from "./bar.jsx";
import { ConnectPanel } from "./connecting.jsx";
import { Dialogs } from "./dialogs.jsx";
import { useDesk } from "./desk.js";
import { EmptyCanvas } from "./empty.jsx";
import { FindPanel } from "./find.jsx";
import { SidePanel } from "./side.jsx";
import { useKeys } from "./keys.js";
import { Palette } from "./palette.jsx";
import { Picker } from "./picker.jsx";
import { ProblemsPanel } from "./problems.jsx";
import { Stage } from "./stage.jsx";
import { Toasts, Conflict } from "./telling.jsx";
import { Arrange, Tools } from "./tools.jsx";
import { TryPanel } from "./trying.jsx";
import { useTries } from "./tries.js";
import { usePins } from "./pins.js";
import { worstOf } from "./worst.js";

const PHONE = "(max-width: 640px)";

function useIsSmall() {
  const [isSmall, setSmall] = useState(() => window.matchMedia(PHONE).matches);
  useEffect(() => {
    const media = window.matchMedia(PHONE), tell = () => setSmall(media.matches);
    media.addEventListener("change", tell);
    return () => media.removeEventListener("change", tell);
  }, []);
  return isSmall;
}

export function Workshop({ loaded, isDark, newDraft }) {
  const isSmall = useIsSmall(), desk = useDesk({ loaded, newDraft, isSmall });
  const pins = usePins(desk), tries = useTries(desk);
  const worst = useMemo(() => worstOf(desk.state), [desk.state.worst, desk.state.document.limits]);
  const work = useLatest({ ...desk, ...pins, ...tries, worst, isDark, isSmall, models: loaded.models, people: loaded.people, secrets: loaded.secrets });
  useKeys(work);
  const { panel, state } = work, isEmpty = state.document.nodes.length === 0;
  return (
    <div className="workshop" data-testid="builder">
      <a href="#steps" className="skip">Skip to the steps</a>
      <Bar work={work} />
      <div className={`bgrid${isEmpty ? " is-empty" : ""}`}>
        {isSmall || isEmpty ? null : <Palette work={work} />}
        <main className="middle" id="steps" aria-label="Steps">
          <Stage work={work}>
            {isSmall ? null : <Tools work={work} />}
            <Arrange work={work} />
            <TryPanel work={work} />
          </Stage>
          {isEmpty && work.canEdit ? <EmptyCanvas work={work} /> : null}
          {isEmpty && !work.canEdit ? <div className="empty over"><p>There are no steps yet.</p></div> : null}
          {panel?.name === "find" ? <FindPanel work={work} /> : null}
          {panel?.name === "problems" ? <ProblemsPanel work={work} /> : null}
        </main>
        {isSmall || isEmpty ? null : <SidePanel work={work} />}
      </div>
      {panel?.name === "picker" ? <Picker work={work} /> : null}
      {panel?.name === "connect" ? <ConnectPanel work={work} /> : null}
      <Dialogs work={work} />
      {state.conflict ? <Conflict work={work} /> : null}
      <Toasts work={work} />
    </div>
  );
}

// The same object at every turn, with the newest content: handlers that were made once see what is true now.
function useLatest(now) {
  const kept = useRef({});
  Object.assign(kept.current, now);
  return useMemo(() => ({ ...kept.current }), Object.values(now));
}

