import { useEffect, useState } from "react";
import { Drawing } from "../drawing/drawing.jsx";

export function Builder({ workflow, theme }) {
  const [all, setAll] = useState(null);
  useEffect(() => {
    if (!workflow) return;
    Promise.all([fetch(`/api/v1/workflows/${workflow}`).then((r) => r.json()), fetch("/api/v1/kinds").then((r) => r.json())]).then(([w, k]) => setAll({ document: w.document, kinds: k.items, problems: w.problems }));
  }, [workflow]);
  return <div style={{ height: "100vh" }}>{all?.document ? <Drawing {...all} dark={theme === "dark"} /> : null}</div>;
}
