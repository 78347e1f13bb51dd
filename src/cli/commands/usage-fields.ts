/** What getrusage(2) tells, in words and columns. */
import { formatDuration } from '#cli/output/format-duration.ts';
import { formatSize } from '#cli/output/format-size.ts';
import type { Column } from '#cli/output/table.ts';
import type { ResourceUsage } from '#protocol/gen/drover/v1/task_pb.ts';

/** Every figure with its name, as lines of a page. */
export function usageFields(usage: ResourceUsage): [string, string][] {
  return [
    ['cpu', `${cpu(usage.userUs)} user, ${cpu(usage.systemUs)} system`],
    ['memory', `${formatSize(usage.maxRssBytes)} at the most`],
    ['page faults', `${usage.majorFaults} major, ${usage.minorFaults} minor`],
    ['block i/o', `${usage.blockInputs} in, ${usage.blockOutputs} out`],
    ['switches', `${usage.voluntarySwitches} voluntary, ${usage.involuntarySwitches} involuntary`],
  ];
}

/** Every figure as a column; `usageOf` gives undefined where there is nothing to show. */
export function usageColumns<Row>(usageOf: (row: Row) => ResourceUsage | undefined): Column<Row>[] {
  const column = (header: string, show: (usage: ResourceUsage) => string): Column<Row> => ({
    header,
    right: true,
    value(row) {
      const usage = usageOf(row);
      return usage ? show(usage) : '-';
    },
  });
  return [
    column('USER', (usage) => cpu(usage.userUs)),
    column('SYSTEM', (usage) => cpu(usage.systemUs)),
    column('MAXRSS', (usage) => formatSize(usage.maxRssBytes)),
    column('MAJFLT', (usage) => String(usage.majorFaults)),
    column('MINFLT', (usage) => String(usage.minorFaults)),
    column('IN', (usage) => String(usage.blockInputs)),
    column('OUT', (usage) => String(usage.blockOutputs)),
    column('VCSW', (usage) => String(usage.voluntarySwitches)),
    column('ICSW', (usage) => String(usage.involuntarySwitches)),
  ];
}

/** CPU time: milliseconds count where it is short. */
function cpu(microseconds: bigint): string {
  const ms = Number(microseconds) / 1000;
  return ms < 1000 ? `${ms.toFixed(ms < 10 ? 1 : 0)}ms` : formatDuration(ms);
}
