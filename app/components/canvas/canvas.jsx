// The builder: loads a workflow and what it is built from, then hands over to the workshop. Says what it does while it loads, and why when it cannot.
import { useEffect, useState } from "react";
import { ReactFlowProvider } from "@xyflow/react";
import { all, ask, Away, inWords, Refused } from "./api.js";
import { arrived, Draft } from "./draft.js";
import { Logo } from "./marks.jsx";
import { Workshop } from "./workshop.jsx";
import "./canvas.css";

async function load(workflow) {
  const asked = ask("GET", "/api/v1/me");
  // Whoever may not see something is not refused it: it is not asked for.
  const allIf = async (permission, path) => ((await asked).permissions.includes(permission) ? all(path) : []);
  const [found, kinds, models, people, secrets, me, versions] = await Promise.all([
    ask("GET", `/api/v1/workflows/${encodeURIComponent(workflow)}`), all("/api/v1/kinds"), allIf("model.read", "/api/v1/models"), allIf("user.read", "/api/v1/users"), allIf("secret.list", "/api/v1/secrets"), asked,
    ask("GET", `/api/v1/workflows/${encodeURIComponent(workflow)}/versions?limit=1`),
  ]);
  if (await arrived(found.id)) return load(workflow);
  return { found: { ...found, last: versions.items[0]?.version ?? 0 }, kinds, models, people, secrets, me };
}

// What is drawn has to be a document, whatever was stored: the rest is told as problems.
function readable(found) {
  const list = (value) => (Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : []);
  const nodes = [...new Map(list(found.document?.nodes).filter((node) => typeof node.id === "string").map((node) => [node.id, node])).values()];
  return { ...found, document: { ...found.document, nodes, edges: list(found.document?.edges) } };
}

export function Builder({ workflow, theme }) {
  const [loaded, setLoaded] = useState(null), [trouble, setTrouble] = useState(null), [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!workflow) return undefined;
    let isOver = false;
    setTrouble(null);
    load(workflow).then((found) => !isOver && setLoaded({ ...found, found: readable(found.found) }), (error) => {
      if (isOver) return;
      if (error instanceof Refused && error.status === 401) window.location.assign("/login");
      else if (error instanceof Refused || error instanceof Away) setTrouble(error);
      else throw error;
    });
    return () => { isOver = true; };
  }, [workflow, turn]);
  useEffect(() => { if (loaded) window.document.title = `${loaded.found.name} · Signalbox`; }, [loaded]);
  if (trouble) return <Trouble error={trouble} again={() => setTurn(turn + 1)} />;
  if (!loaded) return <Loading />;
  return <ReactFlowProvider key={loaded.found.id}><Workshop loaded={loaded} isDark={theme === "dark"} newDraft={(tell) => new Draft(loaded.found, tell)} /></ReactFlowProvider>;
}

function Loading() {
  return (
    <div className="workshop" aria-busy="true" data-testid="loading">
      <header className="bt"><a href="/" aria-label="Home"><Logo /></a><span className="mut">Workflows /</span><span className="skeleton" style={{ width: 160 }} /></header>
      <div className="bgrid"><aside className="pal" /><div className="canvas" role="status"><span className="sr">The workflow is loading.</span></div><aside className="side" /></div>
    </div>
  );
}

function Trouble({ error, again }) {
  const isGone = error instanceof Refused && error.status === 404;
  const title = isGone ? "There is no such workflow" : error instanceof Away ? "The server does not answer" : "This workflow cannot be shown";
  const text = isGone ? "It was deleted, or the address is wrong. Its runs can still be read." : error instanceof Away ? "Nothing is lost: what was saved is kept on the server. Try again in a moment." : inWords(error);
  return (
    <div className="workshop">
      <header className="bt"><a href="/" aria-label="Home"><Logo /></a><a className="mut" href="/workflows">Workflows</a></header>
      <div className="empty" role="alert"><h1 className="t20">{title}</h1><p>{text}</p><div className="row"><button type="button" className="btn pri" onClick={again}>Try again</button><a className="btn" href="/workflows">All workflows</a></div></div>
    </div>
  );
}
