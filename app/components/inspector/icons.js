// One table from the names that node kinds use to icons.

import {
  Bell, BookOpen, Box, Brain, Calendar, CaseSensitive, Clock, Code, Equal, Flag, GitBranch, Globe, Hash, Layers, List, MessageSquare, OctagonX, Play, Repeat, Search, Sparkles, Split, Tags,
  ToggleLeft, Type, UserCheck, Variable, Workflow, Wrench,
} from "lucide-react";

const KINDS = {
  bell: Bell, "book-open": BookOpen, brain: Brain, clock: Clock, code: Code, equal: Equal, flag: Flag, "git-branch": GitBranch, globe: Globe, layers: Layers, list: List,
  "message-square": MessageSquare, "octagon-x": OctagonX, play: Play, repeat: Repeat, search: Search, sparkles: Sparkles, split: Split, tags: Tags, "user-check": UserCheck,
  workflow: Workflow, wrench: Wrench,
};
const TYPES = { text: Type, number: Hash, boolean: ToggleLeft, date: Calendar, list: List, any: Variable };

export const kindIcon = (name) => KINDS[name] ?? Box;
export const typeIcon = (type) => TYPES[type] ?? CaseSensitive;
