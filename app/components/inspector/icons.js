// The icons of types of values.

import { Calendar, CaseSensitive, Hash, List, ToggleLeft, Type, Variable } from "lucide-react";

const TYPES = { text: Type, number: Hash, boolean: ToggleLeft, date: Calendar, list: List, any: Variable };

export const typeIcon = (type) => TYPES[type] ?? CaseSensitive;
