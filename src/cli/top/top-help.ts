/** The help of `drover top`: what its keys do. */
import { renderRows, wrap } from '#base/command-line.ts';

/** Keys, and what each does. */
const keys: readonly (readonly [string, string])[] = [
  ['c m p t n o', 'sort by cpu, memory, processes, time, node, output'],
  ['r', 'turn the order around'],
  ['↑ ↓ PgUp PgDn', 'select a task; Home and End the first and last'],
  ['k', 'send a signal to it: asks which, and to whom of it'],
  ['s', 'stop it: its stop signal, its grace, then SIGKILL; asks first'],
  ['l', 'show the end of its output'],
  ['/', 'show only tasks whose id, run, node, state or command has a text'],
  ['Esc', 'select none, and show all'],
  ['space', 'stand still, and go on'],
  ['q, Ctrl-C', 'leave'],
];

const notes =
  'CPU% is of one CPU, between the last two looks: two busy CPUs are 200%. MEMORY is that of its cgroup where there is one that counts, else of all its processes together.';

/** Its lines for a screen of that width. */
export function topHelp(width: number): string[] {
  return [...renderRows(keys, width), '', ...wrap(notes, width)];
}
