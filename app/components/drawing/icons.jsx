// The icons of kinds and statuses, by their names on lucide.dev.
import {
  Bell, BookOpen, BookmarkPlus, Bot, Box, CircleCheck, CircleDashed, CircleDot, CircleMinus, CirclePower, CircleQuestionMark, CircleX, ClipboardList, Code, Equal, Flag,
  GitBranch, GitFork, Globe, Hourglass, LoaderCircle, MessageCircle, MessageCircleQuestionMark, OctagonPause, OctagonX, PenLine, Play, Repeat, Search, Send, Sparkles, Split, Tags,
  TriangleAlert, UserCheck, UserRoundCheck, Workflow, Wrench,
} from "lucide-react";

const KINDS = {
  bell: Bell, "book-open": BookOpen, "bookmark-plus": BookmarkPlus, bot: Bot, box: Box, "clipboard-list": ClipboardList, code: Code, equal: Equal, flag: Flag,
  "git-branch": GitBranch, "git-fork": GitFork, globe: Globe, hourglass: Hourglass, "message-circle": MessageCircle, "message-circle-question-mark": MessageCircleQuestionMark, "octagon-x": OctagonX,
  "pen-line": PenLine, play: Play, repeat: Repeat, search: Search, send: Send, sparkles: Sparkles, split: Split, tags: Tags, "user-check": UserCheck,
  "user-round-check": UserRoundCheck, workflow: Workflow, wrench: Wrench,
};
const TONES = {
  running: LoaderCircle, waiting: Hourglass, done: CircleCheck, failed: CircleX, limit: OctagonPause, doubt: CircleQuestionMark, skipped: CircleMinus,
  next: CircleDot, rest: CircleDashed, off: CirclePower, problem: TriangleAlert, hint: TriangleAlert,
};

export function KindIcon({ name, size = 16 }) {
  const Icon = KINDS[name] ?? Box;
  return <Icon size={size} aria-hidden="true" />;
}

export function ToneIcon({ tone, size = 14 }) {
  const Icon = TONES[tone] ?? CircleDot;
  return <Icon size={size} aria-hidden="true" className={tone === "running" ? "spin" : undefined} />;
}

export function Tile({ icon, isAi, small }) {
  return <span className={`tile${isAi ? " ai" : ""}${small ? " xs" : ""}`}><KindIcon name={icon} size={small ? 14 : 16} /></span>;
}
